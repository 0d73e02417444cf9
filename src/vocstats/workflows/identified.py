"""The silent through an estimator of their own: a follow-up with refusals, the attempts of the survey, or a shadow variable."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import texts
from .._checks import Integers as Codes
from ..customer_base import GROUPS, SOURCES, Cells
from ..errors import InputError, VocstatsError, VocstatsWarning, shown
from ..estimation import mean
from ..nonresponse import follow_up, reweight_by_callbacks, shadow_variable
from ..results import Assumption, Flags, Floats
from ..weighting import Weights
from .pools import ACTIVE, SILENT

if TYPE_CHECKING:
    from .question import Question

_CHURNED, _NOT_INVITED = (GROUPS.index(name) for name in ("churned", "not_invited"))
_SURVEY, _FOLLOW_UP = (SOURCES.index(name) for name in ("survey", "follow_up"))


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolMeans:
    """Of one pool by domain, (D,): mean, its variance and degrees of freedom; NaN where the estimator has no answer."""

    mean: Floats
    variance: Floats
    df: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Identified:
    """What an estimator says of a pool.

    Attributes
    ----------
    weights : Floats (cells,)
        Weight of a unit of each cell in the mean of the pool; 0 where not heard.
    by : callable
        From the domain of each cell and their number to `PoolMeans`; the variance is that of the customers listed.
    limits : pair of float, or None
        Confidence limits of the mean of the whole pool, where they are not symmetric.
    flat : bool
        Whether the data barely tell the answer.
    assumptions : tuple of Assumption
    accounts_for : tuple of str
    """

    weights: Floats
    by: Callable[[Codes, int], PoolMeans]
    limits: tuple[float, float] | None
    flat: bool
    assumptions: tuple[Assumption, ...]
    accounts_for: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Replaced:
    """A step of the chain of the voices: the weights of a pool are those of its own estimator, which has its own standard errors."""

    name: str
    factor: Floats

    @classmethod
    def by(cls, name: str, chain: Weights, inside: Flags, weights: Floats) -> Replaced:
        """The step that gives the voices `inside` the proportions of `weights` and leaves their total."""
        mass, wanted = chain.mass[inside], chain.counts[inside] * weights[inside]
        factor = np.ones(len(chain))
        factor[inside] = weights[inside] / chain.values[inside] * (mass.sum() / wanted.sum())
        return cls(name=name, factor=factor)

    def gradient(self, *, exact: bool = False) -> None:
        """None: the factor is held fixed."""

    def score(self, *, contrast: bool = False) -> Floats:
        """Nothing is estimated here."""
        return np.zeros((self.factor.size, 0))

    def bread(self, *, exact: bool = False) -> Floats:
        """Nothing is estimated here."""
        return np.zeros((0, 0))

    def rerun(self, w_in: Floats, counts: Floats) -> Replaced:
        """The same factor."""
        return self

    def details(self) -> dict[str, float]:
        """Nothing to tell."""
        return {}


def identify(question: Question, cells: Cells, pool: Codes, codes: dict[str, Codes], values: Floats) -> dict[int, Identified]:
    """The pool that the method of the question estimates by itself, if there is one.

    Parameters
    ----------
    question : Question
    cells : Cells
    pool : int array (cells,)
        From `pools_of`.
    codes : dict of int arrays (cells,)
        ``pool * levels + level`` of the auxiliaries, thin levels merged.
    values : Floats (cells,)
        Values of the statistic; NaN where not heard.
    """
    if question.method not in ("doubly_robust", "callbacks", "shadow"):
        return {}
    inside = np.flatnonzero(pool == SILENT) if question.method == "doubly_robust" else _asked(cells)
    x = {
        name: np.asarray([str(label) for label in cells.levels[name]])[code[inside] % len(cells.levels[name])]
        for name, code in codes.items() if np.unique(code[inside]).size > 1
    }  # fmt: skip
    try:
        if question.method == "doubly_robust":
            return {SILENT: _by_follow_up(cells, inside, x, values, question.level)}
        if question.method == "callbacks":
            return {ACTIVE: _by_attempts(question, cells, inside, x, values)}
        return {ACTIVE: _by_shadow(question, cells, inside, x, values)}
    except VocstatsError as error:
        raise _of_the_base(error, question) from error


def _of_the_base(error: VocstatsError, question: Question) -> VocstatsError:
    """The error in words of the base, whose caller knows of columns and not of the estimator's arrays."""
    code = f"base_{error.code}"
    text = texts.namespace("error").get(code)
    if text is None:
        return error
    values = error.values | {"method": question.method, "column": question.shadow, "outcome": question.outcome or "items"}
    argument = "shadow" if question.method == "shadow" else "method"
    return type(error)(
        text["en"].format(levels=shown(error.levels), **values), code=code, argument=argument, levels=error.levels, **values
    )


def _by_follow_up(cells: Cells, inside: Codes, x: dict[str, Any], values: Floats, level: float) -> Identified:
    """The silent (cells `inside`) through the doubly robust estimator of a follow-up that some refused."""
    counts, chance = cells.counts[inside].astype(float), cells.selection_probability[inside]
    drawn, heard = cells.drawn[inside], cells.source[inside] == _FOLLOW_UP
    y = np.where(heard, values[inside], np.nan)
    given: dict[str, Any] = {"x": x or None, "counts": counts, "level": level}
    if not np.isnan(chance[drawn]).any():
        given["rate"] = np.where(drawn, chance, 1.0)
    whole = follow_up(y, np.zeros(inside.size), drawn, **given)
    weights = whole.outcome_weights
    assert weights is not None

    def by(domain: Codes, size: int) -> PoolMeans:
        part = follow_up(y, np.zeros(inside.size), drawn, **given, by={"domain": domain[inside]})
        return _placed(part.labels["domain"], size, part.estimate, part.std_error**2, part.df)

    return Identified(
        weights=_spread(cells, inside, weights), by=by, limits=None, flat=False,
        assumptions=whole.assumptions, accounts_for=whole.variance_accounts_for,
    )


def _by_attempts(question: Question, cells: Cells, inside: Codes, x: dict[str, Any], values: Floats) -> Identified:
    """The active (cells `inside`) through the attempts at which the survey was answered."""
    score, said = np.round(_survey_answers(cells, inside), 9), _survey_answers(cells, inside, values)
    lacking = int(cells.counts[inside][~np.isnan(score) & np.isnan(cells.attempt[inside])].sum())
    if lacking:
        raise InputError(
            f"{lacking} survey answers do not say at which attempt they came. Complete the column.",
            code="attempts_incomplete", argument="answers", count=lacking,
        )
    found, flat = _heeding(
        reweight_by_callbacks, score, np.where(np.isnan(score), np.nan, cells.attempt[inside]), x=x or None, of={"statistic": said},
        counts=cells.counts[inside].astype(float), inference=question.inference, level=question.level,
    )
    limits = (found.conf_low[0], found.conf_high[0])
    return _by_weights(question, cells, inside, said, found, limits=limits if limits[0] < limits[1] else None, flat=flat)


def _by_shadow(question: Question, cells: Cells, inside: Codes, x: dict[str, Any], values: Floats) -> Identified:
    """The active (cells `inside`) through a characteristic that goes with the score but not with answering, given the score."""
    shadow = str(question.shadow)
    z = np.asarray(cells.levels[shadow])[cells.columns[shadow][inside]].astype(str)
    score, said = _survey_answers(cells, inside), _survey_answers(cells, inside, values)
    found, flat = _heeding(
        shadow_variable, score, z, x=x or None, of={"statistic": said}, counts=cells.counts[inside].astype(float),
        inference=question.inference, level=question.level,
    )
    limits = (found.range_low[0], found.range_high[0]) if flat else None
    return _by_weights(question, cells, inside, said, found, limits=limits, flat=flat)


def _heeding(estimator: Callable[..., Any], *arguments: Any, **options: Any) -> tuple[Any, bool]:
    """The estimate, and whether it came with a warning that the data barely tell it."""
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        found = estimator(*arguments, **options)
    return found, any(issubclass(each.category, VocstatsWarning) for each in heard)


def _asked(cells: Cells) -> Codes:
    """Cells of the active customers who were invited: whose answer, or silence, says something."""
    return np.flatnonzero((cells.group != _CHURNED) & (cells.group != _NOT_INVITED))


def _survey_answers(cells: Cells, inside: Codes, values: Floats | None = None) -> Floats:
    source = cells.outcome if values is None else values
    return np.where(cells.source[inside] == _SURVEY, source[inside], np.nan)


def _by_weights(
    question: Question, cells: Cells, inside: Codes, said: Floats, found: Any, *, limits: tuple[float, float] | None, flat: bool
) -> Identified:
    weights: Weights = found.weights

    def by(domain: Codes, size: int) -> PoolMeans:
        part = mean(said, weights, by={"domain": domain[inside]}, inference="registry")
        return _placed(part.labels["domain"], size, part.estimate, part.std_error**2, part.df)

    caution = Assumption(code=f"{question.method}_barely_tell", testable="no", values={} if limits is None else {
        "low": f"{limits[0]:.4g}", "high": f"{limits[1]:.4g}", "level": f"{100 * question.level:g}",
    })
    return Identified(
        weights=_spread(cells, inside, weights.values), by=by, limits=limits, flat=flat,
        assumptions=(*([caution] if flat else []), *found.assumptions), accounts_for=found.variance_accounts_for,
    )


def _spread(cells: Cells, inside: Codes, values: Floats) -> Floats:
    whole = np.zeros(len(cells))
    whole[inside] = values
    return whole


def _placed(own: Any, size: int, estimate: Floats, variance: Floats, df: Floats) -> PoolMeans:
    """Figures of the domains present, in the order of all."""
    columns = []
    for column in (estimate, variance, df):
        whole = np.full(size, np.nan)
        whole[np.asarray(own, np.intp)] = column
        columns.append(whole)
    return PoolMeans(mean=columns[0], variance=columns[1], df=columns[2])
