"""Labels of several coders, collapsed: items that every coder labelled alike are one pattern."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from .. import _checks
from .._checks import Floats, Integers
from .._numerics import sums_by
from ..errors import InputError, shown


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Patterns:
    """Distinct patterns of labels, how often each occurs, and which one an item shows.

    `labels` (patterns, coders * classes) says how often a coder gave a label; `gold` is the known class of a pattern's items, or -1.
    """

    labels: Any
    gold: Integers
    counts: Floats
    of_item: Integers
    items: npt.NDArray[Any]
    coders: npt.NDArray[Any]
    classes: npt.NDArray[Any]

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of coders and of classes."""
        return self.coders.size, self.classes.size

    @property
    def given(self) -> Floats:
        """Labels an item of the pattern got, (patterns,)."""
        return np.asarray(self.labels.sum(axis=1)).ravel()

    @property
    def votes(self) -> Floats:
        """Labels by class, (patterns, classes)."""
        j, k = self.shape
        return np.asarray(self.labels @ np.tile(np.eye(k), (j, 1)))

    @property
    def by_coder(self) -> Any:
        """Labels by coder, sparse (patterns, coders)."""
        j, k = self.shape
        return self.labels @ sparse.csr_matrix(np.repeat(np.eye(j), k, axis=0))


def read_patterns(item: Any, coder: Any, label: Any, counts: Any, gold: Any, classes: Any) -> Patterns:
    """Checked labels, collapsed."""
    items, names = _checks.factorize(item, "item")
    if not items.size:
        raise InputError("item is empty: there are no labels.", code="no_labels", argument="item")
    coders, who = _checks.factorize(coder, "coder", length=items.size)
    said, levels = _checks.factorize(label, "label", length=items.size)
    truth, true_levels = _gold(gold, items.size)
    known = _classes(classes, levels, true_levels)
    said, truth = _placed(said, levels, known, "label"), _placed(truth, true_levels, known, "gold")
    often = np.ones(items.size) if counts is None else _checks.non_negative(counts, "counts", length=items.size)
    if not often.any():
        raise InputError("counts are all 0: there are no labels.", code="no_labels", argument="counts")
    order = np.lexsort((coders * known.size + said, items))
    starts = np.flatnonzero(np.diff(items[order], prepend=-1))
    _refuse_differing(often, items, order, starts, names, "counts")
    _refuse_differing(truth, items, order, starts, names, "gold")
    first = order[starts]
    representative, of_item = _distinct((coders * known.size + said)[order], starts, truth[first], who.size * known.size)
    rows = _rows(starts, representative, items.size)
    labels = sparse.csr_matrix(
        (np.ones(rows[1].size), (rows[0], (coders * known.size + said)[order][rows[1]])), shape=(representative.size, who.size * known.size)
    )
    labels.sum_duplicates()
    return Patterns(
        labels=labels, gold=truth[first][representative], counts=sums_by(of_item, often[first], representative.size),
        of_item=of_item, items=names, coders=who, classes=known,
    )


def _gold(gold: Any, length: int) -> tuple[Integers, npt.NDArray[Any]]:
    """Codes of the known classes, -1 where missing, and their levels."""
    codes = np.full(length, -1)
    if gold is None:
        return codes, np.zeros(0, object)
    array = _checks.unmasked(gold)
    _checks.same_length(array, "gold", length)
    missing = np.isnan(array) if array.dtype.kind == "f" else np.array([_checks.is_missing(value) for value in array.tolist()], bool)
    codes[~missing], levels = _checks.factorize(array[~missing], "gold") if not missing.all() else (codes[:0], np.zeros(0, object))
    return codes, levels


def _classes(classes: Any, levels: npt.NDArray[Any], true_levels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    given = [*levels.tolist(), *true_levels.tolist()] if classes is None else list(classes)
    _, known = _checks.factorize(given, "classes")
    if classes is not None and known.size == len(given):
        array = np.empty(known.size, object)
        array[:] = given
        known = array if known.dtype == object else np.asarray(given, known.dtype)
    if known.size < 2 or (classes is not None and known.size != len(given)):
        raise InputError(
            f"classes must be two or more that differ; got {shown(given)}. Where every label is the same, give classes=.",
            code="bad_classes", argument="classes", levels=given[:5],
        )
    return known


def _placed(codes: Integers, levels: npt.NDArray[Any], classes: npt.NDArray[Any], argument: str) -> Integers:
    """Codes of `levels` as places among `classes`; -1 stays."""
    place = {value: k for k, value in enumerate(classes.tolist())}
    unknown = [value for value in levels.tolist() if value not in place]
    if unknown:
        raise InputError(
            f"{argument} holds {shown(unknown)}, which are not among the classes {shown(classes, classes.size)}.",
            code="label_outside_classes", argument=argument, levels=unknown,
        )
    to = np.array([*(place[value] for value in levels.tolist()), -1])
    return np.asarray(to[codes])


def _refuse_differing(values: Any, items: Integers, order: Integers, starts: Integers, names: npt.NDArray[Any], argument: str) -> None:
    sorted_values = values[order]
    low, high = np.minimum.reduceat(sorted_values, starts), np.maximum.reduceat(sorted_values, starts)
    odd = np.flatnonzero(low != high)
    if odd.size:
        rows = np.flatnonzero(np.isin(items, odd))
        raise InputError(
            f"{argument} differs within the items {shown(names[odd])}: every row of an item must have the same.",
            code="differs_within_item", argument=argument, rows=rows, levels=names[odd].tolist(),
        )


def _distinct(codes: Integers, starts: Integers, truth: Integers, size: int) -> tuple[Integers, Integers]:
    """One item of each pattern and the pattern of each item: items are alike if two sums of 64 random bits per label are."""
    bits = np.random.default_rng(0).integers(0, 2**64, size=(2, size + int(truth.max(initial=-1)) + 2), dtype=np.uint64)
    sums = [np.add.reduceat(each[codes], starts) + each[size + truth + 1] for each in bits]
    order = np.lexsort(sums)
    new = np.append(True, (np.diff(sums[0][order]) != 0) | (np.diff(sums[1][order]) != 0))
    of_item = np.empty(starts.size, np.intp)
    of_item[order] = np.cumsum(new) - 1
    return order[new], of_item


def _rows(starts: Integers, chosen: Integers, length: int) -> tuple[Integers, Integers]:
    """Pattern and place of every label of the chosen items."""
    lengths = np.diff(np.append(starts, length))[chosen]
    pattern = np.repeat(np.arange(chosen.size), lengths)
    return pattern, np.arange(pattern.size) - np.repeat(np.cumsum(lengths) - lengths, lengths) + np.repeat(starts[chosen], lengths)
