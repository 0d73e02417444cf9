"""Auxiliary variables and their totals: numeric and label columns in, one matrix with one total per column out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from .._checks import named_columns, non_negative, number, unmasked, vector
from ..errors import InputError, shown
from .chain import Floats, Matrix, Weights
from .distances import blocks
from .labels import label_codes, line_up


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Auxiliaries:
    """Columns of x with their totals: one column per numeric variable, one per level of a label column that has a total.

    Attributes
    ----------
    x : array or sparse matrix (n, p)
        The columns.
    totals : array (p,)
        What they are to add up to.
    labels : list
        Name of each column; (name, level) for a level of a label column.
    given : list
        The same in the order in which the caller gave the totals, levels with a total of 0 included.
    levels : tuple
        Of label columns: name, labels, totals, codes.
    """

    x: Matrix
    totals: Floats
    labels: list[Any]
    given: list[Any]
    levels: tuple[tuple[str, list[Any], Floats, Any], ...]

    def names(self) -> list[str]:
        """Variable each column belongs to."""
        return [label[0] if isinstance(label, tuple) else label for label in self.labels]


def read_auxiliaries(x: Any, totals: Any) -> Auxiliaries:
    """Numeric and label columns as one matrix with one total per column; an array of floats is not copied."""
    columns, given = _paired(x, totals)
    whole = None if isinstance(x, Mapping) or hasattr(x, "columns") else _finite(unmasked(x))
    if whole is not None:
        return Auxiliaries(x=whole, totals=np.array(list(given.values())), labels=list(columns), given=list(columns), levels=())
    parts: list[Any] = []
    sums: list[Floats] = []
    labels: list[Any] = []
    order: list[Any] = []
    levels = []
    length = None
    for name, column in columns.items():
        if hasattr(given[name], "keys"):
            codes, borne = label_codes(column, f"x[{name!r}]", length=length)
            known, wanted = line_up(given[name], name, borne)
            levels.append((name, known, wanted, np.array(codes)))
            keep = np.flatnonzero(wanted > 0)
            full = sparse.csr_array((np.ones(codes.size), codes, np.arange(codes.size + 1)), shape=(codes.size, len(known)))
            parts.append(full[:, keep])
            sums.append(wanted[keep])
            labels += [(name, known[k]) for k in keep]
            order += [(name, level.item() if hasattr(level, "item") else level) for level in given[name].keys()]  # noqa: SIM118 (a Series)
        else:
            parts.append(vector(column, f"x[{name!r}]", length=length))
            sums.append(np.array([number(given[name], f"totals[{name!r}]", open_low=True, open_high=True)]))
            labels.append(name)
            order.append(name)
        length = parts[-1].shape[0]
    if levels:
        joined: Matrix = sparse.hstack([part.reshape(len(part), 1) if part.ndim == 1 else part for part in parts]).tocsr()
    else:
        joined = np.empty((parts[0].size, len(parts)), order="F")
        for j, part in enumerate(parts):
            joined[:, j] = part
    return Auxiliaries(x=joined, totals=np.concatenate(sums), labels=labels, given=order, levels=tuple(levels))


def _finite(x: Any) -> Floats | None:
    """An array as a read-only matrix of floats; None where it holds anything but finite numbers."""
    if x.dtype.kind not in "buif" or x.ndim not in (1, 2):
        return None
    matrix: Floats = (x if x.ndim == 2 else x[:, None]).astype(np.float64, copy=False).view()  # the caller's own stays writable
    if not all(np.isfinite(matrix[rows]).all() for rows in blocks(matrix)):
        return None
    matrix.flags.writeable = False
    return matrix


def read_penalties(penalty: Any, auxiliaries: Auxiliaries) -> Floats:
    """One penalty per column of x."""
    names = auxiliaries.names()
    if penalty is None:
        return np.zeros(len(names))
    if isinstance(penalty, Mapping):
        known_columns(penalty, names, "penalty")
        return np.array([number(penalty.get(name, 0.0), "penalty", low=0.0, high=np.inf, open_high=True) for name in names])
    if np.ndim(penalty) == 0:
        return np.full(len(names), number(penalty, "penalty", low=0.0, high=np.inf, open_high=True))
    return non_negative(penalty, "penalty", length=len(names))


def answers(values: Any, argument: str, chain: Weights) -> Floats:
    """Answers of those heard, 0 for the others; missing among those heard is refused."""
    y = vector(values, argument, length=len(chain), missing=True)
    missing = np.flatnonzero(np.isnan(y) & (chain.mass != 0))
    if missing.size:
        raise InputError(
            f"{argument} has {missing.size} missing values where the weight is not 0, at rows {shown(missing)}. "
            "Weight those who answered, or give these rows a weight of 0.",
            code="missing_outcome", argument=argument, rows=missing, count=int(missing.size),
        )
    return np.where(chain.mass != 0, y, 0.0)


def known_columns(given: Mapping[str, Any], names: list[str], argument: str) -> None:
    """Raise unless every key of a mapping is a column of x."""
    unknown = sorted(set(given) - set(names))
    if unknown:
        raise InputError(f"{argument} names {shown(unknown)}, not a column of x.", code="not_a_column", argument=argument, levels=unknown)


def _paired(x: Any, totals: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Columns and totals by name; an array has columns x0, x1, ..."""
    matrix = unmasked(x) if not isinstance(x, Mapping) and not hasattr(x, "columns") else None
    if matrix is not None:
        matrix = matrix[:, None] if matrix.ndim == 1 else np.atleast_2d(matrix)
        columns = {f"x{j}": matrix[:, j] for j in range(matrix.shape[1])}
        given = dict(zip(columns, vector(totals, "totals", length=len(columns)).tolist(), strict=True))
    else:
        columns = named_columns(x, "x")
        given = {str(name): total for name, total in dict(totals).items()} if hasattr(totals, "keys") else {}
    odd = sorted(set(columns) ^ set(given))
    if odd or not columns:
        raise InputError(
            f"x and totals must name the same columns; {shown(odd)} stands in only one of them.",
            code="margins_differ", argument="totals", levels=odd,
        )
    return columns, given
