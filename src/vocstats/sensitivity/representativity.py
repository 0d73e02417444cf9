"""R-indicators: how far response propensities vary, as a whole and by characteristic."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .. import _checks
from .._numerics import normal_quantile, solve_symmetric, sums_by
from ..errors import InputError
from ..results import Floats, Labels, Result, frame, register
from ..weighting import weight_by_propensity
from ..weighting.covariates import written
from ..weighting.distances import gram, scaled
from ..weighting.response_models import ModelStep

if TYPE_CHECKING:
    import pandas as pd

Integers = npt.NDArray[np.intp]

_MOST = 50  # distinct values of a column of numbers that can stand for classes


@register("r_indicator")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RIndicator(Result):
    """How representative the response is: 1 - 2 S, S the standard deviation of the response propensities.

    Attributes
    ----------
    estimate, std_error, conf_low, conf_high : float
        R, adjusted for the bias of S squared; 1: all propensities are equal. Its standard error is NaN, and its upper limit 1,
        where the adjusted S is 0.
    unadjusted : float
        R without the adjustment.
    response_rate, deviation : float
        Mean of the propensities, and adjusted S.
    coefficient_of_variation : float
        S over the response rate: the largest bias, in standard deviations of an outcome, that unequal propensities can cause in the
        mean of those heard.
    labels : {"variable": array (variables,)}
        Columns of x.
    unconditional, conditional : float arrays (variables,)
        Standard deviation of the propensities between the categories of a variable, and within the cells of all other variables;
        adjusted. With their standard errors `unconditional_error` and `conditional_error`, NaN where the indicator is 0.
    categories : {"variable", "level"}
        Categories of all variables.
    category_unconditional, category_conditional : float arrays (categories,)
        Part of each category: unconditional below 0 where it is heard too seldom; conditional never negative. With their standard
        errors `category_unconditional_error` and `category_conditional_error`.
    level : float
        Confidence level.
    """

    estimate: float
    std_error: float
    conf_low: float
    conf_high: float
    unadjusted: float
    response_rate: float
    deviation: float
    coefficient_of_variation: float
    labels: Labels
    unconditional: Floats
    unconditional_error: Floats
    conditional: Floats
    conditional_error: Floats
    categories: Labels
    category_unconditional: Floats
    category_unconditional_error: Floats
    category_conditional: Floats
    category_conditional_error: Floats
    level: float

    def to_frame(self) -> pd.DataFrame:
        """One row per category: variable, level, both partial indicators and their standard errors."""
        names = ("unconditional", "unconditional_error", "conditional", "conditional_error")
        return frame({**self.categories, **{name: getattr(self, f"category_{name}") for name in names}})

    def tidy(self) -> pd.DataFrame:
        """The indicator, then both partial indicators of each variable: term, variable, estimate, std_error, conf_low, conf_high."""
        variables, z = list(self.labels["variable"]), normal_quantile(self.level)
        estimate = np.concatenate([[self.estimate], self.unconditional, self.conditional])
        error = np.concatenate([[self.std_error], self.unconditional_error, self.conditional_error])
        low, high = np.maximum(estimate - z * error, 0.0), estimate + z * error
        low[0], high[0] = self.conf_low, self.conf_high
        terms = ["r_indicator", *["unconditional"] * len(variables), *["conditional"] * len(variables)]
        return frame({
            "term": terms, "variable": [None, *variables, *variables], "estimate": estimate, "std_error": error,
            "conf_low": low, "conf_high": high,
        })

    def summary(self, language: str = "en") -> str:
        """The indicators above the table of categories."""
        frames = (self.tidy(), self.to_frame())
        return "\n\n".join(table.to_string(index=False, float_format=lambda value: f"{value:.4f}") for table in frames)


def r_indicator(
    x: Any, heard: npt.ArrayLike, *, base_weights: npt.ArrayLike | None = None, counts: npt.ArrayLike | None = None,
    partials: bool = True, level: float = 0.95,
) -> RIndicator:
    """R-indicator of a response, and the partial indicators that say which characteristics disturb it.

    With p the logistic propensities, z = p (1 - p) x their derivative, V the covariance of the coefficients, and every mean over
    those asked:

        S² = mean (p - p̄)²,    R = 1 - 2 sqrt(S² - tr(B V)),    B = mean (z - z̄)(z - z̄)',    A = mean (p - p̄)(z - z̄)
        V(S²) = 4 A' V A + 2 tr(B V B V),    SE(R) = sqrt(V(S²)) / S,    limits of R from those of S²

    A partial indicator replaces p - p̄: by p̄_h - p̄ between the categories h of a variable (unconditional; of one category
    sqrt(N_h / N) (p̄_h - p̄)), by p - p̄_l within the cells l of all other variables (conditional; of one category the part of its
    members in the mean). Between and within one variable add up to S².

    Parameters
    ----------
    x : array (n, p), mapping or dataframe
        Characteristics of everybody asked. Columns of text or categories enter the model as indicators, numbers as they are; for
        partial indicators each distinct value is a category.
    heard : boolean array (n,)
        Who answered.
    base_weights : array (n,), optional
        Weights of everybody asked.
    counts : array (n,), optional
        How often a row stands there.
    partials : bool
        Compute partial indicators.
    level : float
        Confidence level.

    Returns
    -------
    RIndicator
        The standard errors account for who of those asked answered, not for how those asked were drawn.

    Raises
    ------
    InputError
        Bad arrays, or a column of numbers with more than 50 distinct values beside ``partials=True``.
    IdentificationError
        Everybody was heard, or some characteristics always or never.
    InfeasibleError
        Nobody was heard.

    References
    ----------
    Schouten, Cobben & Bethlehem (2009), Survey Methodology 35(1). Bias and variance: Shlomo, Skinner & Schouten (2012), J. Stat. Plan.
    Inference 142(1); their adjustment keeps the variance of p̄, which is no part of the bias. Partials: Schouten, Shlomo & Skinner
    (2011), J. Off. Stat. 27(2).

    Examples
    --------
    >>> r = r_indicator({"new": [0, 0, 1, 1]}, [True, False, True, False], counts=[300, 100, 200, 200])
    >>> round(r.unadjusted, 6), round(r.estimate, 6)
    (0.75, 0.752197)
    """
    _checks.level(level)
    weights = weight_by_propensity(x, heard, base_weights=base_weights, counts=counts)
    step = weights.steps[-1]
    assert isinstance(step, ModelStep)
    response = _Response.of(step, weights.base)
    whole = _quadratic(response, *response.within(np.zeros(len(weights), np.intp)))
    columns = _classes(x, len(weights)) if partials else {}
    variables, categories = _partials(response, columns)
    low, high = whole.limits(level)
    rate = float(response.share @ response.p)
    return RIndicator(
        estimate=1.0 - 2.0 * whole.root, std_error=2.0 * whole.error, conf_low=1.0 - 2.0 * high, conf_high=1.0 - 2.0 * low,
        unadjusted=1.0 - 2.0 * float(np.sqrt(whole.value)), response_rate=rate, deviation=whole.root,
        coefficient_of_variation=whole.root / rate, level=level, labels={"variable": _labels(list(columns))},
        categories={
            "variable": _labels([name for name, (_, levels) in columns.items() for _ in levels]),
            "level": _labels([value for _, levels in columns.values() for value in levels.tolist()]),
        },
        **variables, **categories,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Quadratic:
    """Mean of a squared contrast of the propensities: its value, bias and variance."""

    value: float
    bias: float
    variance: float

    @property
    def root(self) -> float:
        return float(np.sqrt(max(self.value - self.bias, 0.0)))

    @property
    def error(self) -> float:
        return float(np.sqrt(self.variance)) / (2.0 * self.root) if self.root > 0 else float("nan")

    def limits(self, level: float) -> tuple[float, float]:
        """Of the root, from those of the square."""
        half = normal_quantile(level) * self.variance**0.5
        low, high = (np.sqrt(max(self.value - self.bias + side, 0.0)) for side in (-half, half))
        return float(low), float(high)


@dataclass(frozen=True, slots=True, eq=False)
class _Response:
    """Propensities p, their derivative z, shares of the rows in the mean, and the covariance of the coefficients."""

    p: Floats
    z: Floats
    share: Floats
    covariance: Floats

    @classmethod
    def of(cls, step: ModelStep, base: Floats) -> _Response:
        p, slope = step.probability, step.probability * (1.0 - step.probability)
        inverse = solve_symmetric(step.bread(), np.eye(step.x.shape[1]))
        meat = gram(step.x, step.mass * base * slope)
        x = scaled(written(step.x), slope)
        z = np.asarray(x if isinstance(x, np.ndarray) else x.toarray())
        return cls(p, z, step.mass / step.mass.sum(), inverse @ meat @ inverse)

    def means(self, codes: Integers) -> tuple[Floats, Floats, Floats]:
        """Share, mean propensity and mean derivative of each group; a group without weight has 0."""
        size = int(codes.max(initial=-1)) + 1
        share = sums_by(codes, self.share, size)
        divisor = np.where(share > 0, share, 1.0)
        z = np.stack([sums_by(codes, self.share * column, size) for column in self.z.T], axis=1)
        return share, sums_by(codes, self.share * self.p, size) / divisor, z / divisor[:, None]

    def within(self, codes: Integers) -> tuple[Floats, Floats]:
        """p and z less the means of the group."""
        _, p, z = self.means(codes)
        return self.p - p[codes], self.z - z[codes]


def _quadratic(response: _Response, p: Floats, z: Floats, share: Floats | None = None) -> _Quadratic:
    """Of the contrasts p, with derivative z."""
    weight = response.share if share is None else share
    slope, moved = (weight * p) @ z, (z.T * weight) @ z @ response.covariance
    variance = 4.0 * float(slope @ response.covariance @ slope) + 2.0 * float((moved * moved.T).sum())
    return _Quadratic(float(weight @ p**2), float(np.trace(moved)), variance)


def _partials(response: _Response, columns: dict[str, tuple[Integers, npt.NDArray[Any]]]) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Partial indicators of all variables, and of all categories."""
    centre, centre_z = float(response.share @ response.p), response.share @ response.z
    between, within, signed, parts = [], [], [], []
    for name, (codes, levels) in columns.items():
        share, p, z = response.means(codes)
        between.append(_quadratic(response, p - centre, z - centre_z, share))
        root = np.sqrt(share)
        spread = root[:, None] * (z - centre_z)
        signed.append((root * (p - centre), np.sqrt(((spread @ response.covariance) * spread).sum(axis=1))))
        contrast = response.within(_cells([other for key, (other, _) in columns.items() if key != name], codes.size))
        within.append(_quadratic(response, *contrast))
        parts += [_quadratic(response, *contrast, np.where(codes == h, response.share, 0.0)) for h in range(levels.size)]
    empty = [np.empty(0)]
    return (
        {
            "unconditional": _roots(between), "unconditional_error": _errors(between),
            "conditional": _roots(within), "conditional_error": _errors(within),
        },
        {
            "category_unconditional": np.concatenate([estimate for estimate, _ in signed] or empty),
            "category_unconditional_error": np.concatenate([error for _, error in signed] or empty),
            "category_conditional": _roots(parts), "category_conditional_error": _errors(parts),
        },
    )


def _roots(forms: list[_Quadratic]) -> Floats:
    return np.array([form.root for form in forms])


def _errors(forms: list[_Quadratic]) -> Floats:
    return np.array([form.error for form in forms])


def _cells(columns: list[Integers], length: int) -> Integers:
    """Codes of the combinations of columns that occur."""
    cells = np.zeros(length, np.intp)
    for codes in columns:
        cells = np.unique(cells * (codes.max(initial=0) + 1) + codes, return_inverse=True)[1].astype(np.intp)
    return cells


def _classes(x: Any, length: int) -> dict[str, tuple[Integers, npt.NDArray[Any]]]:
    """Codes and levels of each column."""
    return dict(_each_class(x, length))


def _each_class(x: Any, length: int) -> Iterator[tuple[str, tuple[Integers, npt.NDArray[Any]]]]:
    for name, column in _checks.columns_of(x, "x").items():
        codes, levels = _checks.factorize(column, f"x[{name!r}]", length=length)
        if levels.dtype.kind == "f" and levels.size > _MOST:
            raise InputError(
                f"x[{name!r}] has {levels.size} distinct numbers, too many to be categories of partial indicators. Cut it into "
                "classes, or ask for partials=False.",
                code="too_many_categories", argument="x", levels=[name], column=name, count=int(levels.size), most=_MOST,
            )
        yield name, (codes, levels)


def _labels(values: list[Any]) -> npt.NDArray[Any]:
    labels = np.empty(len(values), object)
    labels[:] = values
    return labels
