"""What declared shifts of whole groups of answers (telephone, dealer's list, a segment) do to an estimate, and within which range."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .. import _checks
from .._checks import Floats, Integers
from ..errors import InputError, shown
from ..estimation import Design, Estimate, Replicates, mean
from ..estimation.axis import crossed
from ..options import Inference
from ..results import Flags, Labels, Result, frame, register
from ..weighting import Weights

if TYPE_CHECKING:
    import pandas as pd

ValueOf = Callable[[Floats], Floats]
_TERMS = ("reported", "shifted", "lowest", "highest")
_NUMBERS = ("estimate", "std_error", "conf_low", "conf_high")


@register("design_shift")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DesignShift(Result):
    """A statistic before and after declared shifts of groups, and its range over the box of shifts.

    Attributes
    ----------
    reported : Estimate
        Without any shift.
    shifted : Estimate
        With every group shifted by the middle of its range.
    lowest, highest : Estimate
        At the corner of the box that makes the statistic smallest, and largest.
    contribution, contribution_error : float array (D, G)
        What the middle shift of each group changes in each domain, and its standard error: the changes add up to shifted less reported.
    group : {"group": array (G,)}
        Groups in order.
    shift_low, shift, shift_high : float array (G,)
        Ends and middle of each group's shifts; 0 where none was declared.
    derivative : float array (D, G)
        Change of the statistic per point of each group's shift, at the middle; at a whole point the mean of both sides.
    level : float
        Confidence level.
    """

    reported: Estimate
    shifted: Estimate
    lowest: Estimate
    highest: Estimate
    contribution: Floats
    contribution_error: Floats
    group: Labels
    shift_low: Floats
    shift: Floats
    shift_high: Floats
    derivative: Floats
    level: float

    @property
    def labels(self) -> Labels:
        """Labels of the domains; empty without."""
        return self.reported.labels

    def to_frame(self) -> pd.DataFrame:
        """One row per domain: reported, shifted, the range, and limits that cover every value in it: conf_low, conf_high."""
        columns = {name: np.atleast_1d(getattr(self, name).estimate) for name in _TERMS}
        limits = {"conf_low": np.atleast_1d(self.lowest.conf_low), "conf_high": np.atleast_1d(self.highest.conf_high)}
        return frame({**self.labels, **columns, **limits})

    def by_group(self) -> pd.DataFrame:
        """One row per domain and group: shifts, derivative, contribution with its standard error."""
        size, domains = self.shift.size, len(self.derivative)
        columns = {name: np.tile(getattr(self, name), domains) for name in ("shift_low", "shift", "shift_high")}
        numbers = {"contribution": self.contribution.ravel(), "std_error": self.contribution_error.ravel()}
        labels = {name: np.repeat(column, size) for name, column in self.labels.items()}
        group = {name: np.tile(column, domains) for name, column in self.group.items()}
        return frame({**labels, **group, **columns, "derivative": self.derivative.ravel(), **numbers})

    def tidy(self) -> pd.DataFrame:
        """Long form: term (reported, shifted, lowest, highest), labels, estimate, std_error, conf_low, conf_high."""
        domains = np.atleast_1d(self.reported.estimate).size
        labels = {name: np.tile(column, len(_TERMS)) for name, column in self.labels.items()}
        numbers = {number: np.concatenate([np.atleast_1d(getattr(getattr(self, t), number)) for t in _TERMS]) for number in _NUMBERS}
        return frame({"term": np.repeat(np.array(_TERMS), domains), **labels, **numbers})

    def summary(self, language: str = "en") -> str:
        """The range, and what each group contributes."""
        tables = (self.to_frame(), self.by_group())
        return "\n".join(each.to_string(index=False, float_format=lambda value: f"{value:.4f}") for each in tables)


def design_shift(
    y: npt.ArrayLike, group: npt.ArrayLike, shifts: Mapping[Any, float | tuple[float, float]],
    w: npt.ArrayLike | Weights | Replicates | None = None, *, scale: tuple[float, float] | None = None, value_of: ValueOf | None = None,
    by: Any = None, design: Design | None = None, counts: npt.ArrayLike | None = None, inference: Inference = "r", level: float = 0.95,
) -> DesignShift:
    """A weighted mean after shifts of the scores of groups, and its range when the shifts are only known to lie in a box.

        mean(s) = Σ c w E[v(y + s_g)] / Σ c w,   v(y) = y or `value_of`

    The fraction of a shift is a chance, as in `shift_curve`: at -0.5 half of the group stands one point lower; scores stop at the ends
    of `scale`. The groups' changes add up, so the smallest and the largest mean take each group at its own worst, and the range is exact.

    Parameters
    ----------
    y : array of numbers (n,)
        Scores; missing only where the weight is exactly 0.
    group : array of labels (n,)
        Mode, source or segment of each answer; not looked at where the weight is 0.
    shifts : {label: number or (low, high)}
        By how many scale points the answers of a group are to be moved, such as {"telephone": (-0.6, -0.2)} where they are suspected to
        stand too high; a group left out is not moved.
    w : array (n,), Weights or Replicates, optional
        As in ``vocstats.estimation.mean``.
    scale : (low, high), optional
        Ends of the scale. None: scores may leave it.
    value_of : callable, optional
        Values whose mean is the statistic, of an array of scores, such as ``lambda y: y >= 9``. None: the scores.
    by, design, counts, inference, level
        As in ``vocstats.estimation.mean``.

    Returns
    -------
    DesignShift
        The confidence limits of `lowest` and `highest` hold sampling error at those corners; from the lower of the one to the upper of
        the other every value of the box is covered with at least `level`.

    Raises
    ------
    InputError
        A group that has no answers, shifts that do not rise or are infinite, a score outside `scale`, bad arrays.

    References
    ----------
    Kolenikov & Kennedy (2014), J. Survey Stat. Methodol. 2(2) (mode effects as shifts); Imbens & Manski (2004), Econometrica 72(6) (limits
    for ranges); Vansteelandt, Goetghebeur, Kenward & Molenberghs (2006), Statistica Sinica 16(3) (ignorance and imprecision).

    Examples
    --------
    >>> r = design_shift([9, 10, 8, 7, 6, 8], list("ttttww"), {"t": (-1.0, -0.5)}, scale=(1, 10))
    >>> [round(float(each.estimate), 3) for each in (r.reported, r.lowest, r.shifted, r.highest)]
    [8.0, 7.333, 7.5, 7.667]
    """
    score = _checks.vector(y, "y", missing=True)
    mass = _mass(w, counts, score.size)
    codes, groups = _groups(group, mass != 0)
    low, high = _box(shifts, groups)
    values = _Values(score=np.nan_to_num(score), of=value_of, scale=_ends(scale, score, mass != 0))
    middle = (low + high) / 2
    plain, moved, slope = values.at(np.zeros(score.size)), values.at(middle[codes]), values.slope(middle[codes])

    def averaged(column: Floats) -> Estimate:
        return mean(np.where(np.isnan(score), np.nan, column), w, by=by, design=design, counts=counts, inference=inference, level=level)

    smallest, largest = _corners(values, codes, crossed(by, score.size)[0], mass, low, high)
    changes, slopes = ([averaged(each * (codes == g)) for g in range(groups.size)] for each in (moved - plain, slope))
    return DesignShift(
        reported=averaged(plain), shifted=averaged(moved), lowest=averaged(smallest), highest=averaged(largest),
        group={"group": groups}, shift_low=low, shift=middle, shift_high=high, derivative=_table(slopes, "estimate"),
        contribution=_table(changes, "estimate"), contribution_error=_table(changes, "std_error"), level=level,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Values:
    """Expected value of a row after a shift: the fraction of a point is a chance."""

    score: Floats
    of: ValueOf | None
    scale: tuple[float, float]

    def at(self, shift: Floats) -> Floats:
        """Of a shift of each row."""
        whole = np.floor(shift)
        part = shift - whole
        return np.asarray((1 - part) * self._moved(whole) + part * self._moved(whole + 1))

    def slope(self, shift: Floats) -> Floats:
        """Change per point; at a whole point the mean of both sides."""
        whole = np.floor(shift)
        below = np.where(shift == whole, whole - 1, whole)
        return np.asarray((self._moved(whole + 1) - self._moved(below)) / (whole + 1 - below))

    def _moved(self, points: Floats) -> Floats:
        moved = np.clip(self.score + points, *self.scale)
        value = moved if self.of is None else np.asarray(self.of(moved), float)
        if value.shape != moved.shape:
            raise InputError(
                f"value_of returned an array of shape {value.shape} for scores of shape {moved.shape}. Write it with numpy operations that "
                "work entry by entry.",
                code="function_shape", argument="value_of", got=str(value.shape), expected=str(moved.shape),
            )
        return value


def _mass(w: npt.ArrayLike | Weights | Replicates | None, counts: npt.ArrayLike | None, length: int) -> Floats:
    """What each row stands for; everything else about weights is checked by `mean`."""
    weights = w.weights if isinstance(w, Replicates) else w
    if isinstance(weights, Weights):
        _checks.same_length(weights.base, "w", length)
        return weights.mass
    often = np.ones(length) if counts is None else _checks.non_negative(counts, "counts", length=length)
    return often if weights is None else often * _checks.non_negative(weights, "w", length=length)


def _groups(group: npt.ArrayLike, heard: Flags) -> tuple[Integers, npt.NDArray[Any]]:
    """Codes and labels of the groups of those heard; the others are in the first."""
    labels = _checks.unmasked(group).astype(object)
    _checks.same_length(labels, "group", heard.size)
    if not heard.any():
        return np.zeros(heard.size, np.intp), labels[:0]
    labels[~heard] = labels[np.argmax(heard)]
    codes, levels = _checks.factorize(labels, "group")
    return codes, np.array(levels.tolist())


def _box(shifts: Mapping[Any, float | tuple[float, float]], groups: npt.NDArray[Any]) -> tuple[Floats, Floats]:
    """Lowest and highest shift of every group."""
    if not isinstance(shifts, Mapping) or not shifts:
        raise InputError(
            f"shifts must name groups and their shifts, such as {{'telephone': (-0.5, 0)}}; got {shifts!r}.",
            code="no_shifts", argument="shifts", value=repr(shifts),
        )
    known = groups.tolist()
    unknown = [label for label in shifts if label not in known]
    if unknown:
        raise InputError(
            f"shifts names {shown(unknown)}, of which there are no answers; there are {shown(known)}. Write the labels of group.",
            code="unknown_shift_group", argument="shifts", levels=unknown, known=", ".join(map(str, known)),
        )
    box = np.zeros((len(known), 2))
    for label, value in shifts.items():
        ends = (value, value) if np.ndim(value) == 0 else tuple(value)  # type: ignore[arg-type]
        limits = [_checks.number(each, f"shifts[{label!r}]", open_low=True, open_high=True) for each in ends]
        if len(limits) != 2 or limits[0] > limits[1]:
            raise InputError(
                f"shifts[{label!r}] must be a number or (low, high) that does not fall; got {value!r}.",
                code="bad_shift", argument="shifts", levels=[label], value=repr(value),
            )
        box[known.index(label)] = limits
    return box[:, 0], box[:, 1]


def _ends(scale: tuple[float, float] | None, score: Floats, heard: Flags) -> tuple[float, float]:
    if scale is None:
        return -np.inf, np.inf
    low, high = (_checks.number(end, "scale") for end in scale)
    if not low < high:
        raise InputError(f"scale must rise from lowest to highest; got {scale!r}.", code="bad_scale", argument="scale", levels=[low, high])
    rows = np.flatnonzero(heard & ((score < low) | (score > high)))
    if rows.size:
        raise InputError(
            f"y leaves its scale [{low:g}, {high:g}] at rows {shown(rows)}. Correct the values or scale.",
            code="off_limits", argument="y", rows=rows, limits="scale", low=low, high=high,
        )
    return low, high


def _corners(values: _Values, codes: Integers, domain: Integers, mass: Floats, low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """Values of all rows where each domain's statistic is smallest, and largest: at an end or a whole point of every group's range."""
    smallest, largest = np.zeros((2, codes.size))
    for g, (a, b) in enumerate(zip(low, high, strict=True)):
        mine = np.flatnonzero(codes == g)
        shifts = np.unique([a, *np.arange(np.ceil(a), np.floor(b) + 1), b])
        own = replace(values, score=values.score[mine])
        table = np.stack([own.at(np.full(mine.size, shift)) for shift in shifts])
        sums = np.stack([np.bincount(domain[mine], mass[mine] * row, minlength=int(domain.max()) + 1) for row in table])
        smallest[mine] = table[sums.argmin(axis=0)[domain[mine]], np.arange(mine.size)]
        largest[mine] = table[sums.argmax(axis=0)[domain[mine]], np.arange(mine.size)]
    return smallest, largest


def _table(estimates: list[Estimate], name: str) -> Floats:
    """One number per domain and group."""
    return np.stack([np.atleast_1d(getattr(estimate, name)) for estimate in estimates], axis=1)
