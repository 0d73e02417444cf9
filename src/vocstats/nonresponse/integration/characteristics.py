"""What is known of the sample and of the population it is compared with, in the same columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from ... import _checks
from ..._checks import Integers
from ...errors import IdentificationError, InputError, shown
from ...results import Flags, Floats
from ...weighting.labels import TOTALS_AGREE
from .reference import Reference


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Characteristic:
    """One characteristic in sample and reference, as columns: itself if numeric, else an indicator of every level.

    Attributes
    ----------
    name : str
    levels : list or None
        Levels of a label column, sorted; None: numeric.
    sample, reference : float arrays (n, k), (m, k)
        Numeric columns are centred and scaled by mean and standard deviation of the sample. For known totals the
        reference holds the totals themselves, (1, k), not centred.
    centre, scale : float
    """

    name: str
    levels: list[Any] | None
    sample: Floats
    reference: Floats
    centre: float = 0.0
    scale: float = 1.0

    def labels(self) -> list[Any]:
        """Of the columns of the models: the name, or (name, level) for every level but the first."""
        return [self.name] if self.levels is None else [(self.name, level) for level in self.levels[1:]]


def characteristics(x: Any, reference: Any, counts: Floats, argument: str) -> list[Characteristic]:
    """Pair the columns of the sample with those of the reference by name."""
    own, others = columns_of(x, "x"), columns_of(reference, argument)
    check_names(own, others, argument)
    length = len(next(iter(others.values())))
    return [_characteristic(name, column, others[name], counts, length, argument) for name, column in own.items()]


def columns_of(x: Any, argument: str) -> dict[str, Any]:
    """Columns by name; those of an array are called x0, x1, ..."""
    if isinstance(x, np.ndarray | list | tuple) and np.ndim(x) == 2:
        array = np.asarray(x)
        columns: dict[str, Any] = {f"x{j}": array[:, j] for j in range(array.shape[1])}
    elif isinstance(x, np.ndarray | list | tuple):
        columns = {"x0": x}
    else:
        columns = _checks.named_columns(x, argument)
    if not columns:
        raise InputError(f"{argument} has no columns. Give {{name: values}}.", code="no_columns", argument=argument)
    return columns


def check_names(own: Mapping[str, Any], others: Mapping[str, Any], argument: str) -> None:
    """Raise unless every column of the sample stands in the reference."""
    absent = [name for name in own if name not in others]
    if absent:
        raise InputError(
            f"{argument} lacks the columns {shown(absent)} of x; it has {shown(list(others))}. Give both the same columns.",
            code="column_not_in_reference", argument=argument, levels=absent, known=shown(list(others)),
        )


def _characteristic(name: str, column: Any, other: Any, counts: Floats, length: int, argument: str) -> Characteristic:
    here, there = f"x[{name!r}]", f"{argument}[{name!r}]"
    numeric = is_numeric(column), is_numeric(other)
    if numeric[0] != numeric[1]:
        raise InputError(
            f"{name} holds numbers in {'x' if numeric[0] else argument} and labels in {argument if numeric[0] else 'x'}. "
            "Convert one of them.",
            code="numbers_and_labels", argument=here, name=name,
        )
    if not numeric[0]:
        codes, borne = _checks.factorize(column, here, length=counts.size)
        others, known = _checks.factorize(other, there, length=length)
        place, levels = _checks.factorize([*borne.tolist(), *known.tolist()], here)
        sample, reference = (_indicators(place[part], levels.size) for part in (codes, others + borne.size))
        return Characteristic(name=name, levels=levels.tolist(), sample=sample, reference=reference)
    values, beyond = _checks.vector(column, here, length=counts.size), _checks.vector(other, there, length=length)
    return _standardised(name, values, beyond[:, None], counts)


def with_totals(x: Any, totals: Any, counts: Floats, population: float) -> list[Characteristic]:
    """Pair the columns of the sample with totals: a number, or {level: total}."""
    own = columns_of(x, "x")
    if not hasattr(totals, "items"):
        raise InputError(
            f"totals must map each column of x to its total, or to {{level: total}}; got {type(totals).__name__}.",
            code="totals_not_a_mapping", argument="totals", got=type(totals).__name__,
        )
    given = {str(name): total for name, total in totals.items()}
    check_names(own, given, "totals")
    result = []
    for name, column in own.items():
        here, there = f"x[{name!r}]", f"totals[{name!r}]"
        if hasattr(given[name], "items"):
            codes, borne = _checks.factorize(column, here, length=counts.size)
            levels, sums = _level_totals(dict(given[name].items()), borne.tolist(), population, there)
            result.append(Characteristic(name=name, levels=levels, sample=_indicators(codes, len(levels)), reference=sums[None, :]))
        else:
            total = np.array([[_checks.number(given[name], there)]])
            result.append(_standardised(name, _checks.vector(column, here, length=counts.size), total, counts, centred=False))
    return result


def _level_totals(totals: dict[Any, Any], borne: list[Any], population: float, argument: str) -> tuple[list[Any], Floats]:
    """Levels, those of the sample first, and their totals."""
    unknown = [level for level in borne if level not in totals]
    if unknown:
        raise InputError(
            f"{argument} has no total for {shown(unknown)}, which occurs in x.",
            code="level_without_total", argument=argument, levels=unknown,
        )
    levels = [*borne, *(level for level in totals if level not in set(borne))]
    sums = _checks.non_negative([totals[level] for level in levels], argument)
    if abs(sums.sum() - population) > TOTALS_AGREE * population:
        raise InputError(
            f"{argument} adds up to {sums.sum():.10g} people, population is {population:.10g}. Correct one of them.",
            code="totals_not_population", argument=argument, total=float(sums.sum()), population=population,
        )
    return levels, sums


def _indicators(codes: Integers, size: int) -> Floats:
    return np.asarray(codes[:, None] == np.arange(size), float)


def _standardised(name: str, values: Floats, beyond: Floats, counts: Floats, *, centred: bool = True) -> Characteristic:
    centre = float(counts @ values / counts.sum())
    scale = float(np.sqrt(counts @ (values - centre) ** 2 / counts.sum()))
    if scale <= 1e-12 * max(abs(centre), 1e-300):
        scale = 1.0
        if not centred or np.ptp(beyond) > 0 or abs(beyond[0, 0] - centre) > 1e-9 * abs(centre):
            raise IdentificationError(
                f"{name} is the same for everybody in the sample, so nothing can be learned about others. Leave the column out.",
                code="constant_in_sample", argument=f"x[{name!r}]", name=name,
            )
    return Characteristic(
        name=name, levels=None, sample=((values - centre) / scale)[:, None], reference=(beyond - centre) / scale if centred else beyond,
        centre=centre, scale=scale,
    )


def is_numeric(column: Any) -> bool:
    """Whether a column holds numbers (labels otherwise); objects that all are numbers or missing count as numbers, categories never."""
    if str(getattr(column, "dtype", "")) in ("category", "str", "string"):
        return False
    values = np.asarray(column)
    if values.dtype != object:
        return values.dtype.kind in "buif"
    items = [value for value in values.ravel().tolist() if not _checks.is_missing(value)]
    return bool(items) and all(isinstance(value, Real) for value in items)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Columns:
    """The columns of the models: ones, then every characteristic without its first level.

    Attributes
    ----------
    x, z : float arrays (n, p), (m, p)
        In sample and reference.
    mass : float array (m,)
        What a row of the reference stands for.
    scale : float array (p,)
        By which each column was divided.
    labels : list
        "one"; name of a numeric characteristic; (name, level).
    of : dict
        Positions of the columns of each characteristic.
    """

    x: Floats
    z: Floats
    mass: Floats
    scale: Floats
    labels: list[Any]
    of: dict[str, list[int]]

    def chosen(self, characteristics: Sequence[Characteristic]) -> tuple[Floats, Floats]:
        """x and z of some characteristics."""
        if len(characteristics) == len(self.of):
            return self.x, self.z
        kept = [0, *(position for each in characteristics for position in self.of[each.name])]
        return self.x[:, kept], self.z[:, kept]


def columns_of_models(characteristics: Sequence[Characteristic], reference: Reference, population: float | None) -> Columns:
    """Put the characteristics side by side; known totals become one row per column."""
    first = [0 if each.levels is None else 1 for each in characteristics]
    parts = [(each.sample[:, skip:], each.reference[:, skip:]) for each, skip in zip(characteristics, first, strict=True)]
    ends = np.cumsum([1, *(sample.shape[1] for sample, _ in parts)]).tolist()
    of = {each.name: list(range(ends[k], ends[k + 1])) for k, each in enumerate(characteristics)}
    x = np.hstack([np.ones((parts[0][0].shape[0], 1)), *(sample for sample, _ in parts)])
    scale = np.repeat([1.0, *(each.scale for each in characteristics)], np.diff([0, *ends]))
    labels = ["one", *(label for each in characteristics for label in each.labels())]
    if reference.kind != "totals":
        z = np.hstack([np.ones((reference.mass.size, 1)), *(other for _, other in parts)])
        return Columns(x=x, z=z, mass=reference.mass, scale=scale, labels=labels, of=of)
    assert population is not None
    sums = [(other[0] - population * each.centre) / each.scale for (_, other), each in zip(parts, characteristics, strict=True)]
    return Columns(x=x, z=np.eye(x.shape[1]), mass=np.concatenate([[population], *sums]), scale=scale, labels=labels, of=of)


def check_support(chosen: Sequence[Characteristic], counts: Floats, reference: Reference, *, propensities: bool) -> None:
    """Raise where a level of the reference is not in the sample; for propensities also where no probability below 1 fits a level."""
    for each in chosen:
        if each.levels is None:
            continue
        ours = counts @ each.sample
        theirs = each.reference[0] if reference.kind == "totals" else reference.mass @ each.reference
        _refuse(each, (ours == 0) & (theirs > 0), "level_not_in_sample")
        if propensities:
            _refuse(each, (ours > 0) & (theirs == 0), "level_not_in_reference")
            _refuse(each, (ours >= theirs) & (theirs > 0), "more_in_sample_than_reference")


_SUPPORT = {
    "level_not_in_sample": "Nobody in the sample has {levels} of {name}, so nobody can speak for these people. "
    "Merge the level with a neighbour.",
    "level_not_in_reference": "The reference has nobody with {levels} of {name}, although the sample has: no propensity can be estimated. "
    "Merge the level with a neighbour, or use method='mass_imputation'.",
    "more_in_sample_than_reference": "With {levels} of {name} the sample has at least as many people as the reference stands for, so no "
    "propensity below 1 fits. Merge the level with a neighbour, or correct the weights.",
}


def _refuse(each: Characteristic, wrong: Flags, code: str) -> None:
    if wrong.any():
        assert each.levels is not None
        levels = [each.levels[k] for k in np.flatnonzero(wrong)]
        raise IdentificationError(
            _SUPPORT[code].format(levels=shown(levels), name=each.name), code=code, argument="x", levels=levels, name=each.name
        )


def places(chosen: Sequence[Characteristic]) -> tuple[Floats, Floats]:
    """Where units stand for nearest neighbours: numbers in standard deviations of the sample, another level is one apart."""
    half = np.sqrt(0.5)
    ours = np.hstack([each.sample if each.levels is None else half * each.sample for each in chosen])
    theirs = np.hstack([each.reference if each.levels is None else half * each.reference for each in chosen])
    return ours, theirs
