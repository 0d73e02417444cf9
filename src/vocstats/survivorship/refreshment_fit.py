"""Attrition from two margins: the panel's first period, and a refreshment sample's second.

With R who stayed, z = [1, k1(y1), k2(y2), x], m the mass (counts times the weights entering) and p = 1 / (1 + exp(-z b)),

    sum over the panel of m (R/p - 1) [1, k1, x] = 0,      sum over the panel of m (R/p k2 - q) = 0,

q the mean of k2 in the refreshment sample. Both are calibrations of those who stayed with the factor 1/p = 1 + exp(-z b).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
from scipy import special

from .._checks import Floats, Integers
from ..errors import IdentificationError, InfeasibleError, shown
from ..results import Flags
from ..weighting import distances
from ..weighting.chain import times
from ..weighting.feasibility import Verdict, refuse
from ..weighting.response_models import inverse_logistic

_TOL, _MAX_ITER = 1e-10, 100
_NULL = 1e-9  # relative eigenvalue below which terms cannot be told apart
_CERTAIN = 1e-7  # a chance to leave, or to stay, below this is one that no data bound


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scores:
    """One period's scores and their terms in the model: indicators of all levels but the first, or powers.

    Attributes
    ----------
    name : str
        The argument they came by.
    values : float array (n,)
        0 where `known` is not.
    known : bool array (n,)
    levels : tuple of number
        Levels of saturated scores; empty for powers.
    columns : float array (n, k)
        The terms, 0 where the score is not known.
    terms : tuple of str
    """

    name: str
    values: Floats
    known: Flags
    levels: tuple[float | int, ...]
    columns: Floats
    terms: tuple[str, ...]

    def by_level(self, mass: Floats) -> Floats:
        """Mass of each level."""
        return np.array([mass[self.known & (self.values == level)].sum() for level in self.levels])


def read_scores(name: str, values: Floats, known: Flags, moments: int | None) -> Scores:
    """Indicators of the levels, or the first `moments` powers of the distance to the mean."""
    if np.ptp(values[known]) == 0:
        raise IdentificationError(
            f"Everybody gave the same score in {name}, so nothing tells whether attrition depends on it.",
            code="score_constant", argument=name,
        )
    if moments is None:
        levels = tuple(_plain(values[known]))
        columns = known[:, None] & (values[:, None] == np.array(levels[1:]))
        terms = tuple(f"{name}={level}" for level in levels[1:])
    else:
        levels, centre = (), values[known].mean()
        columns = np.where(known[:, None], (values - centre)[:, None] ** np.arange(1, moments + 1), 0.0)
        terms = tuple(name if power == 1 else f"{name}^{power}" for power in range(1, moments + 1))
    return Scores(name=name, values=np.where(known, values, 0.0), known=known, levels=levels, columns=columns.astype(float), terms=terms)


def _plain(values: Floats) -> list[float | int]:
    """Distinct values, whole ones as such."""
    return [int(value) if value.is_integer() else value for value in np.unique(values).tolist()]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Samples:
    """The panel and the refreshment sample on one axis.

    Attributes
    ----------
    first, second : Scores
    x : float array (n, k)
        Further terms, 0 outside the panel.
    names : tuple of str
        Of the columns of `x`.
    stayed, refreshed : bool array (n,)
        Who stayed in the panel, and who is in the refreshment sample.
    """

    first: Scores
    second: Scores
    x: Floats
    names: tuple[str, ...]
    stayed: Flags
    refreshed: Flags

    @property
    def terms(self) -> tuple[str, ...]:
        """Names of the coefficients."""
        return ("intercept", *self.first.terms, *self.second.terms, *self.names)

    @property
    def owner(self) -> Integers:
        """Of each coefficient: 0 the intercept, 1 the first score, 2 the second, 3 x."""
        return np.repeat(np.arange(4), [1, len(self.first.terms), len(self.second.terms), len(self.names)])

    @property
    def z(self) -> Floats:
        """All terms, (n, p); of the refreshment sample those of the second score only, of those who left all others."""
        panel = np.where(self.refreshed, 0.0, 1.0)
        return np.column_stack([panel, self.first.columns, self.second.columns, self.x])

    def targets(self, mass: Floats) -> Floats:
        """What a unit of each row adds to the totals the weighted stayers are to have, (n, p).

        The panel's own terms; for the second score the refreshment sample's mean q, to which its own rows add (k2 - q) N_P / N_R.
        """
        second = self.owner == 2
        target = self.z
        panel, fresh = np.where(self.refreshed, 0.0, mass).sum(), np.where(self.refreshed, mass, 0.0)
        q = fresh @ target[:, second] / fresh.sum()
        target[:, second] = np.where(self.refreshed[:, None], (target[:, second] - q) * panel / fresh.sum(), q)
        return target


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RefreshmentStep:
    """Weights of those who stayed divided by their chance to stay, which both margins tell."""

    name: str
    samples: Samples
    z: Floats
    target: Floats
    probability: Floats
    factor: Floats
    mass: Floats
    parameters: Floats
    iterations: int

    def gradient(self, *, exact: bool = False) -> Floats:
        """Derivative of the factor R / p."""
        return self.z * np.where(self.samples.stayed, 1.0 - self.factor, 0.0)[:, None]

    def score(self, *, contrast: bool = False) -> Floats:
        """What the stayer brings less what the unit adds to the totals: (R/p) z - target."""
        if contrast:
            raise IdentificationError(
                'With a refreshment sample inference must be "r": the samples are draws, and nobody is listed who was not drawn. '
                "Give Design(fpc=...) where they are a large part of the customers.",
                code="refreshment_inference", argument="inference",
            )
        return self.z * self.factor[:, None] - self.target

    def bread(self, *, exact: bool = False) -> Floats:
        """Minus the derivative of the weighted score."""
        return distances.gram(self.z, np.where(self.samples.stayed, self.mass * (self.factor - 1.0), 0.0))

    def rerun(self, w_in: Floats, counts: Floats) -> RefreshmentStep:
        """The same model with other weights and multiplicities of both samples."""
        return fit_attrition(self.samples, w_in, counts, start=self.parameters)

    def details(self) -> dict[str, float]:
        """Iterations, and the smallest and largest chance to stay of those who did."""
        among = self.probability[self.samples.stayed & (self.mass > 0)]
        return {"iterations": self.iterations, "probability_min_heard": float(among.min()), "probability_max_heard": float(among.max())}


def fit_attrition(samples: Samples, w_in: Floats, counts: Floats, *, start: Floats | None = None) -> RefreshmentStep:
    """Solve the two margins for the chance to stay."""
    mass = np.array(times(counts, w_in))
    refuse_unsupported(samples, mass)
    z, target = samples.z, samples.targets(mass)
    totals = mass @ target
    among = np.flatnonzero(samples.stayed & (mass > 0))
    inside, weights = z[among], mass[among]
    kept = (inside != 0).any(axis=0) | (totals != 0)
    _refuse_inseparable(samples, inside[:, kept], weights, kept)
    if start is None:
        start = np.zeros(totals.size)
        start[0] = special.logit(weights.sum() / totals[0])
    scale = np.maximum(np.abs(totals), np.abs(inside).T @ weights)[kept]
    dual = distances.minimise(
        inside[:, kept], weights, totals[kept], distances.Shape(inverse_logistic), scale=scale, start=-start[kept], tol=_TOL,
        max_iter=_MAX_ITER,
    )
    certain = bool((np.abs(special.expit(-inside[:, kept] @ dual.parameters) - 0.5) > 0.5 - _CERTAIN).any())
    if certain or not dual.error <= _TOL:
        labels: list[Any] = [term for term, keep in zip(samples.terms, kept, strict=True) if keep]
        _refuse_unsolved(Verdict("refreshment", inside[:, kept], weights, totals[kept], labels, (1.0, np.inf)), dual, certain)
    parameters = np.zeros(totals.size)
    parameters[kept] = -dual.parameters
    probability = np.where(samples.stayed, special.expit(z @ parameters), 0.0)
    factor = np.divide(1.0, probability, out=np.zeros_like(probability), where=samples.stayed)
    factor.flags.writeable = False
    return RefreshmentStep(
        name="refreshment", samples=samples, z=z, target=target, probability=probability, factor=factor, mass=mass,
        parameters=parameters, iterations=dual.iterations,
    )


def refuse_unsupported(samples: Samples, mass: Floats) -> None:
    """Raise where one of the samples is silent about what another one holds."""
    stayed, fresh = samples.stayed & (mass > 0), samples.refreshed & (mass > 0)
    refuse_empty(stayed, fresh, ~samples.stayed & ~samples.refreshed & (mass > 0))
    second = samples.second.values
    low, high = second[stayed].min(), second[stayed].max()
    heard = np.isin(second, second[stayed]) if samples.second.levels else (second >= low) & (second <= high)
    rows = np.flatnonzero(fresh & ~heard)
    if rows.size:
        levels = _plain(second[rows])
        raise IdentificationError(
            f"{rows.size} of the refreshment sample gave scores that nobody who stayed in the panel gave: {shown(levels)}, at rows "
            f"{shown(rows)}. No weights of those who stayed reach there. Merge points of the scale.",
            code="refreshment_beyond_stayers", argument="y2", rows=rows, levels=levels, count=int(rows.size),
        )
    if samples.second.levels:
        _refuse_levels(samples, mass, stayed, fresh)


def refuse_empty(stayed: Flags, fresh: Flags, left: Flags) -> None:
    """Raise unless all three kinds of people are there."""
    for code, there in (("nobody_refreshed", fresh), ("nobody_stayed", stayed), ("nobody_left_panel", left)):
        if not there.any():
            raise IdentificationError(_EMPTY[code], code=code, argument="refreshment" if there is fresh else "y2")


_EMPTY = {
    "nobody_refreshed": "Nobody is in the refreshment sample, so what those who left would say in the second period is an assumption, not "
    "data. Draw a refreshment sample, or use weight_by_propensity, which takes attrition as random given the first period.",
    "nobody_stayed": "Nobody of the panel was heard in the second period, so nobody can stand for those who left.",
    "nobody_left_panel": "Nobody left the panel, so there is no attrition to model. Leave this step out.",
}


def _refuse_levels(samples: Samples, mass: Floats, stayed: Flags, fresh: Flags) -> None:
    """Raise where a level of a saturated score has no stayers, only stayers, or more stayers than it can have."""
    every, remained = (samples.first.by_level(np.where(who, mass, 0.0)) for who in (~samples.refreshed, stayed))
    for code, wrong, text in (
        ("first_level_unheard", (every > 0) & (remained == 0), "nobody stayed in the panel, so nobody can stand for them"),
        ("first_level_all_stayed", (every > 0) & (remained >= every * (1 - 1e-12)), "nobody left the panel, so their chance to stay is 1"),
    ):
        levels = [level for level, odd in zip(samples.first.levels, wrong, strict=True) if odd]
        if levels:
            raise IdentificationError(
                f"Of those with a first score of {shown(levels)} {text}. Merge points of the scale, or use moments=.",
                code=code, argument="y1", levels=levels,
            )
    there, here = (samples.second.by_level(np.where(who, mass, 0.0)) for who in (fresh, stayed))
    expected = there / there.sum() * every.sum()
    levels = [level for level, odd in zip(samples.second.levels, (here > 0) & (here >= expected), strict=True) if odd]
    if levels:
        raise InfeasibleError(
            f"More of the panel gave a second score of {shown(levels)} than the refreshment sample says there are in all. Its population "
            "must be that of the panel (no newcomers, and nobody in the panel who is no longer a customer); where it is, merge points of "
            "the scale or use moments=.",
            code="more_stayers_than_people", argument="y2", levels=levels,
        )


def _refuse_inseparable(samples: Samples, inside: Floats, weights: Floats, kept: Flags) -> None:
    """Raise where those who stayed do not tell all terms apart, such as people who never change their score."""
    cross = distances.gram(inside, weights)
    scale = np.sqrt(np.diag(cross))
    terms = [term for term, keep in zip(samples.terms, kept, strict=True) if keep]
    if (scale > 0).all():
        values, vectors = np.linalg.eigh(cross / scale[:, None] / scale)
        stuck = (np.abs(vectors[:, values <= _NULL * values.max()]) > 1e-3).any(axis=1)
    else:
        stuck = scale == 0
    levels = [term for term, odd in zip(terms, stuck, strict=True) if odd]
    if levels:
        raise IdentificationError(
            f"Those who stayed cannot tell the parts of {shown(levels)} in attrition apart: within them one follows from the others. Merge "
            "points of the scale, leave columns of x out, or use moments=.",
            code="terms_inseparable", argument="y2", levels=levels,
        )


def _refuse_unsolved(verdict: Verdict, dual: distances.Dual, certain: bool) -> NoReturn:
    """Raise: no weights of at least 1 meet the margins, or they do so only with a chance to stay of 1 or 0."""
    if not certain or verdict.missed().any():
        refuse(verdict, error=dual.error, iterations=dual.iterations, tol=_TOL)
    raise IdentificationError(
        "The two margins are met only where the chance to stay of some people is 1 or 0, so the model has no solution. Merge points of the "
        "scale, use moments=, or leave columns of x out.",
        code="attrition_certain", argument="y2",
    )
