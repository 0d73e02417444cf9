"""The two models behind `follow_up`, its estimates, and what each unit does to them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from .._checks import Floats, Integers
from .._numerics import solve_symmetric, sums_by
from ..errors import InputError
from ..estimation.coding import coding_of
from ..estimation.generalized_linear import GeneralizedLinear, family_of
from ..estimation.linearization import Influence, spread_influence
from ..estimation.scoring import solve, solved
from ..options import OutcomeFamily
from ..results import Flags
from ..weighting.covariates import dense, rows_of
from ..weighting.propensity import weight_by_propensity

_LINKS = {"gaussian": "identity", "binomial": "logit", "poisson": "log"}
_SATURATED = 1e-8  # a unit that determines a parameter alone has leverage 1 and residual 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Phases:
    """Who was asked, drawn and heard, and in which domain (`codes`, `domains` of them).

    `base` are the design weights, `rate` the chance to be drawn (1 where somebody answered).
    """

    y: Floats
    answered: Flags
    drawn: Flags
    rate: Floats
    base: Floats
    codes: Integers
    domains: int
    x_propensity: dict[str, Any]
    x_outcome: dict[str, Any]
    family: OutcomeFamily

    @property
    def heard(self) -> Flags:
        """Who answered the follow-up (F)."""
        return self.drawn & ~np.isnan(self.y) & (self.base > 0)

    def sums(self, column: Floats) -> Floats:
        """Sum by domain."""
        return sums_by(self.codes, column, self.domains)

    def share(self, mass: Floats) -> Floats:
        """What a unit is of the mass of its domain."""
        return ratio(self.base, self.sums(mass)[self.codes])

    def sizes(self, counts: Floats) -> dict[str, Floats]:
        """Units by phase and domain."""
        groups = {"answered": self.answered, "silent": ~self.answered, "drawn": self.drawn, "heard": self.heard}
        present = counts * (self.base > 0)
        return {f"n_{name}": self.sums(present * group) for name, group in groups.items()}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FollowUpFit:
    """The estimates by domain and what their variance is made of.

    Attributes
    ----------
    estimate, naive, silent_mean : float arrays (domains,)
        Mean of everybody, of those who answered at first, and of the silent; NaN where nobody could tell.
    rows : int array (r,)
        Those drawn.
    p : float array (r,)
        Their chance to answer (1 where there is no model).
    residual : float array (r,)
        F - p.
    leverage : float array (r,)
        Leverage of one unit heard in the outcome model.
    kappa : Influence (r, domains)
        What a unit heard in the follow-up adds, through its own outcome and the outcome model.
    chance : Influence (r, domains)
        What it adds to have answered rather than not, through the propensity model.
    weighting : Influence (n, domains)
        Derivative of the estimates to the outcome of a unit.
    """

    estimate: Floats
    naive: Floats
    silent_mean: Floats
    rows: Integers
    p: Floats
    residual: Floats
    leverage: Floats
    kappa: Influence
    chance: Influence
    weighting: Influence

    @property
    def modelled(self) -> bool:
        """Whether there is a propensity model."""
        return bool(self.residual.any())

    def influence(self, length: int) -> Influence:
        """What each unit adds to the estimates, given who was asked: 0 but for those drawn."""
        drawn = self.kappa.plus(_by_row(self.chance, self.residual))
        shared = np.zeros((length, drawn.shared.shape[1]))
        shared[self.rows] = drawn.shared
        return replace(drawn, row=self.rows[drawn.row], shared=shared)

    def variance(self, phases: Phases, counts: Floats, open_share: float) -> tuple[Floats, Floats]:
        """Variance of the first phase, of the draw and of the response, (3, domains), and Satterthwaite's degrees of freedom.

        draw      Σ_F c (1 - φ) p κ²          each of the silent is drawn by itself, estimated from those heard
        response  Σ_F c (1 - p) (κ + χ)²      each of those drawn answers by itself
        first     (1 - n/N) n/(n-1) [Σ c a² ω (y - mean)² + Σ c a² (draw + response)],  a = d / Σ c d,  ω = R + (1 - R) F / (φ p)

        with κ / sqrt(1 - h) in the place of κ, h the leverage in the outcome model, and all sums over the domain but those of κ
        and χ, which the rest of the models moves too. NaN where one person heard speaks for others.
        """
        heard, phi, p = phases.heard[self.rows], phases.rate[self.rows], self.p
        mass, codes = counts[self.rows] * heard, phases.codes[self.rows]
        kappa = _by_row(self.kappa, 1.0 / np.sqrt(1.0 - self.leverage))
        draw = kappa.sum_of_squares(mass * (1.0 - phi) * p)
        response = kappa.plus(self.chance).sum_of_squares(mass * (1.0 - p))
        units = phases.sizes(counts)
        alone = (units["n_heard"] < 2) & (units["n_heard"] < units["n_silent"])
        draw, response = (np.where(alone, np.nan, part) for part in (draw, response))
        later = draw + response
        asked, a = counts * (phases.base > 0), phases.share(counts * phases.base)
        n, known = phases.sums(asked), ~np.isnan(phases.y) & (asked > 0)
        omega = phases.answered.astype(float)
        omega[self.rows] = ratio(heard, phi * p)
        distance = np.where(known, phases.y - self.estimate[phases.codes], 0.0)
        squares = phases.sums(counts * a**2 * omega * distance**2) + phases.sums(counts * a**2) * later
        first = open_share * ratio(n, n - 1.0) * squares if open_share else 0.0 * squares
        spread = np.where(heard, (phases.base[self.rows] / (phi * p)) ** 2 * (1.0 - phi * p), 0.0)
        top, free, squared = (sums_by(codes, mass * part, phases.domains) for part in (spread, spread * (1.0 - self.leverage), spread**2))
        error = later**2 / np.maximum(ratio(top * free, squared), 1.0) + first**2 / np.maximum(n - 1.0, 1.0)
        df = np.divide((first + later) ** 2, error, out=np.full(n.size, np.inf), where=error != 0)
        return np.array([first, draw, response]), df

    def diagnostics(self, phases: Phases, counts: Floats) -> dict[str, Floats]:
        """Response to the follow-up, smallest propensity, and Kish's effective number of those heard, by domain."""
        heard, codes = phases.heard[self.rows], phases.codes[self.rows]
        mass = counts[self.rows] * (phases.base[self.rows] > 0)
        weight = np.where(heard, phases.base[self.rows] / (phases.rate[self.rows] * self.p), 0.0)
        parts = (mass, mass * heard, mass * weight, mass * weight**2)
        drawn, came, total, squares = (sums_by(codes, part, phases.domains) for part in parts)
        smallest, live = np.full(phases.domains, np.nan), heard & (mass > 0)
        np.fmin.at(smallest, codes[live], self.p[live])
        effective = np.where(came > 0, ratio(total**2, squares), 0.0)
        return {"response_rate": ratio(came, drawn), "smallest_propensity": smallest, "effective_heard": effective}


def fit(phases: Phases, counts: Floats) -> FollowUpFit:
    """Fit both models with other multiplicities, to everybody, and put the estimates of all domains together."""
    heard, mass = phases.heard & (counts > 0), counts * phases.base
    second = np.where(phases.drawn, phases.base / phases.rate, 0.0)
    rows, silent = np.flatnonzero(phases.drawn & (mass > 0)), np.flatnonzero(~phases.answered & (phases.base > 0))
    p, x, information = _propensity(phases, heard, counts, second, rows)
    model, at_silent, beta, bread = _outcome(phases, heard, counts, second, silent)
    share, m, inverse = phases.share(mass), np.zeros(phases.y.size), np.zeros(phases.y.size)
    m[silent] = at_silent.means(beta)
    inverse[rows] = heard[rows] / (phases.rate[rows] * p)
    moved = _sums(phases, at_silent.x, silent, (counts * share)[silent] * _slope(at_silent, beta) * (1.0 - inverse[silent]))
    leverage, at, loadings = np.zeros(rows.size), heard[rows], solved(bread, moved)
    each = np.zeros((phases.y.size, beta.size))  # what an outcome that is larger by 1 adds to the equations of the coefficients
    each[heard] = second[heard][:, None] * model.x
    distance = np.nan_to_num(phases.y) - m
    leverage[at] = second[heard] * _slope(model, beta) * (model.x.T * solved(bread, model.x.T)).sum(axis=0)
    own = share * inverse * distance
    chance = solve_symmetric(information, _sums(phases, x, rows, -(counts * own)[rows] * (1.0 - p)))
    return FollowUpFit(
        **_means(phases, counts, heard, m, own), rows=rows, p=p, residual=at - p, leverage=np.minimum(leverage, 1.0 - _SATURATED),
        kappa=_influence(own[rows], phases.codes[rows], (each * distance[:, None])[rows], loadings),
        chance=spread_influence(second[rows, None] * x, chance),
        weighting=_influence(share * (phases.answered + inverse), phases.codes, each, loadings),
    )


def _means(phases: Phases, counts: Floats, heard: Flags, m: Floats, own: Floats) -> dict[str, Floats]:
    """Means of everybody, of those who answered at first and of the silent: predictions and what those heard add to them."""
    mass = counts * phases.base
    known, silent = phases.sums(mass * phases.answered), phases.sums(mass * ~phases.answered)
    answered = phases.sums(mass * phases.answered * np.nan_to_num(phases.y))
    unheard = (silent > 0) & (phases.sums(counts * heard) == 0)
    said = np.where(unheard, np.nan, phases.sums(mass * m) + (known + silent) * phases.sums(counts * own))
    return {"estimate": ratio(answered + said, known + silent), "naive": ratio(answered, known), "silent_mean": ratio(said, silent)}


def ratio(top: npt.ArrayLike, bottom: Floats) -> Floats:
    """top / bottom, NaN where the bottom is 0."""
    return np.asarray(np.divide(top, bottom, out=np.full(np.shape(bottom), np.nan), where=bottom != 0), float)


def _influence(own: Floats, codes: Integers, shared: Floats, loadings: Floats) -> Influence:
    """Influence of rows on their own domain, and through the coefficients on all."""
    return Influence(own=own, row=np.arange(own.size), domain=codes, shared=shared, loadings=loadings)


def _by_row(influence: Influence, factor: Floats) -> Influence:
    """Influence of each row times its factor."""
    return replace(influence, own=influence.own * factor[influence.row], shared=influence.shared * factor[:, None])


def _sums(phases: Phases, matrix: Floats, rows: Integers, factor: Floats) -> Floats:
    """Σ factor_i matrix_i over the rows of each domain, (columns, domains)."""
    members = sparse.csr_array((factor, (phases.codes[rows], np.arange(rows.size))), shape=(phases.domains, rows.size))
    return np.asarray(members @ matrix).T


def _propensity(phases: Phases, heard: Flags, counts: Floats, second: Floats, rows: Integers) -> tuple[Floats, Floats, Floats]:
    """p of those drawn, their characteristics, and the information; 1 and none where everybody drawn was heard."""
    if heard[rows].all():
        return np.ones(rows.size), np.zeros((rows.size, 0)), np.zeros((0, 0))
    x = phases.x_propensity or np.empty((heard.size, 0))
    step: Any = weight_by_propensity(x, heard, base_weights=second, counts=counts).steps[-1]
    return step.probability[rows], dense(rows_of(step.x, rows)), step.bread()


def _outcome(
    phases: Phases, heard: Flags, counts: Floats, second: Floats, silent: Integers
) -> tuple[GeneralizedLinear, GeneralizedLinear, Floats, Floats]:
    """The model on those heard, the same on all silent, its parameters, and its bread."""
    rows = np.flatnonzero(heard)
    x, length = phases.x_outcome or None, heard.size
    coding = coding_of(x, length=length, rows=rows)
    family = family_of(phases.family, _LINKS[phases.family])
    model, every = (
        GeneralizedLinear(
            x=coding.matrix(x, length=length, rows=at), y=phases.y[at], columns=coding.columns, name=phases.family, family=family
        )
        for at in (rows, silent)
    )
    parameters, n = len(coding.columns), float(counts[rows].sum())
    if n <= parameters:
        raise InputError(
            f"The outcome model has {parameters} parameters and the sample {n:g} people: nothing is left to judge its errors. "
            "Leave columns out or merge levels.",
            code="too_few_for_model", argument="x", n=n, parameters=parameters,
        )
    mass = (counts * second)[rows]
    beta = solve(model, mass)
    return model, every, beta, model.bread(beta, mass)


def _slope(model: GeneralizedLinear, beta: Floats) -> Floats:
    """Derivative of the mean to the linear predictor: the variance function, links being canonical."""
    return np.asarray(model.family.variance(model.means(beta)), float)
