"""The two models behind `follow_up`, its estimate, and what each unit does to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .._checks import Floats
from .._numerics import solve_symmetric
from ..errors import InputError
from ..estimation.coding import coding_of
from ..estimation.generalized_linear import GeneralizedLinear, family_of
from ..estimation.scoring import solve, solved
from ..options import OutcomeFamily
from ..weighting.propensity import weight_by_propensity

_LINKS = {"gaussian": "identity", "binomial": "logit", "poisson": "log"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Phases:
    """Who was asked, drawn and heard; `base` are the design weights, `rate` the chance to be drawn (1 where somebody answered)."""

    y: Floats
    answered: npt.NDArray[np.bool_]
    drawn: npt.NDArray[np.bool_]
    rate: Floats
    base: Floats
    x_propensity: dict[str, Any]
    x_outcome: dict[str, Any]
    family: OutcomeFamily

    @property
    def heard(self) -> npt.NDArray[np.bool_]:
        """Who answered the follow-up (F)."""
        return self.drawn & ~np.isnan(self.y) & (self.base > 0)

    def sizes(self, counts: Floats) -> dict[str, float]:
        """Units by phase."""
        groups = {"answered": self.answered, "silent": ~self.answered, "drawn": self.drawn, "heard": self.heard}
        present = counts * (self.base > 0)
        return {f"n_{name}": float(present @ group) for name, group in groups.items()}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FollowUpFit:
    """The estimate and what its variance is made of.

    Attributes
    ----------
    estimate, naive, silent_mean : float
        Mean of everybody, of those who answered at first, and of the silent.
    p, m : float arrays (n,)
        Chance of those drawn to answer (1 where there is no model), and predicted outcome of the silent (0 for the others).
    kappa : float array (n,)
        What a unit heard in the follow-up adds, through its own outcome and the outcome model.
    chance : float array (n,)
        What it adds to have answered rather than not, through the propensity model.
    residual : float array (n,)
        F - p among those drawn.
    parameters : int
        Of the outcome model.
    modelled : bool
        Whether there is a propensity model.
    """

    estimate: float
    naive: float
    silent_mean: float
    p: Floats
    m: Floats
    kappa: Floats
    chance: Floats
    residual: Floats
    parameters: int
    modelled: bool

    @property
    def estimates(self) -> Floats:
        """The estimate as an array (1,)."""
        return np.array([self.estimate])

    def influence(self, phases: Phases) -> Floats:
        """What each unit adds to the estimate, given who was asked: 0 but for those drawn."""
        return np.asarray(np.where(phases.heard, self.kappa, 0.0) + self.chance * self.residual)

    def variance(self, phases: Phases, counts: Floats, open_share: float) -> tuple[Floats, float]:
        """Variance of the first phase, of the draw and of the response, and Satterthwaite's degrees of freedom.

        draw      Σ_F c (1 - φ) p κ²          each of the silent is drawn by itself, estimated from those heard
        response  Σ_F c (1 - p) (κ + chance)²  each of those drawn answers by itself
        first     (1 - n/N) n/(n-1) [Σ c d² ω (y - mean)² + Σ c d² (draw + response)] / (Σ c d)²,  ω = R + (1 - R) F / (φ p)

        draw and response are multiplied by m / (m - k), m heard and k parameters of the outcome model.
        """
        heard, phi, p = phases.heard, phases.rate, self.p
        mass = counts * heard
        m = float(mass.sum())
        small = m / (m - self.parameters)
        draw = small * float(mass @ ((1.0 - phi) * p * self.kappa**2))
        response = small * float(mass @ ((1.0 - p) * (self.kappa + self.chance) ** 2))
        d, asked = phases.base, counts * (phases.base > 0)
        n, total = float(asked.sum()), float(counts @ d)
        known = ~np.isnan(phases.y) & (asked > 0)
        omega = np.where(phases.answered, 1.0, heard / (phi * p))
        squares = float((counts * d**2 * omega)[known] @ (phases.y[known] - self.estimate) ** 2) / total**2
        first = open_share * n / (n - 1.0) * (squares + float(counts @ d**2) / total**2 * (draw + response)) if n > 1 else np.nan
        spread = np.where(heard, (d / (phi * p)) ** 2 * (1.0 - phi * p), 0.0)
        effective = float(mass @ spread) ** 2 / max(float(mass @ spread**2), 1e-300)
        later = draw + response
        error = later**2 / max(effective - self.parameters, 1.0) + first**2 / max(n - 1.0, 1.0)
        return np.array([first, draw, response]), (first + later) ** 2 / error if error > 0 else float("inf")

    def diagnostics(self, phases: Phases, counts: Floats) -> dict[str, float]:
        """Response to the follow-up, smallest propensity, and Kish's effective number of those heard."""
        heard, mass = phases.heard, counts * (phases.base > 0)
        weight = np.where(heard, phases.base / (phases.rate * self.p), 0.0)
        return {
            "response_rate": float(mass @ heard / (mass @ phases.drawn)), "smallest_propensity": float(self.p[heard & (mass > 0)].min()),
            "effective_heard": float(counts @ weight) ** 2 / float(counts @ weight**2),
        }


def fit(phases: Phases, counts: Floats) -> FollowUpFit:
    """Fit both models with other multiplicities and put the estimate together."""
    heard, mass = phases.heard & (counts > 0), counts * phases.base
    second = np.where(phases.drawn, phases.base / phases.rate, 0.0)
    p, residual, gradient_of = _propensity(phases, heard, counts, second)
    model, at_silent, silent, mean_of = _outcome(phases, heard, counts, second)
    beta = mean_of[0]
    total = float(mass.sum())
    m = np.zeros(phases.y.size)
    m[silent] = at_silent.means(beta)
    slope = np.asarray(at_silent.family.variance(m[silent]), float)  # canonical links
    y = np.where(np.isnan(phases.y), 0.0, phases.y)
    own = np.where(heard, phases.base * (y - m) / (phases.rate * p), 0.0) / total
    answered = float((mass * phases.answered) @ y)
    of_silent = float(mass @ m) + total * float(counts @ own)
    balance = np.where(heard[silent], 1.0 / (phases.rate * p)[silent], 0.0)
    g_beta = at_silent.x.T @ ((mass[silent] / total) * slope * (1.0 - balance))
    kappa = own.copy()
    kappa[heard] += second[heard] * (model.score(beta) @ solved(mean_of[1], g_beta))
    known = float(mass @ phases.answered)
    return FollowUpFit(
        estimate=(answered + of_silent) / total, naive=answered / known if known else np.nan, silent_mean=of_silent / (total - known),
        p=p, m=m, kappa=kappa, chance=gradient_of(-(counts * own * (1.0 - p))), residual=residual, parameters=beta.size,
        modelled=bool(residual.any()),
    )


def _propensity(phases: Phases, heard: npt.NDArray[np.bool_], counts: Floats, second: Floats) -> tuple[Floats, Floats, Any]:
    """p, F - p among those drawn, and the map from Σ-terms of the derivative to the log odds onto what an answer adds."""
    drawn = phases.drawn & (counts * second > 0)
    if heard[drawn].all():
        return np.ones(heard.size), np.zeros(heard.size), lambda terms: np.zeros(heard.size)
    x = phases.x_propensity or np.empty((heard.size, 0))
    step: Any = weight_by_propensity(x, heard, base_weights=second, counts=counts).steps[-1]
    score = step.score(contrast=True)
    p = np.where(phases.drawn, step.probability, 1.0)

    def through(terms: Floats) -> Floats:
        return np.asarray(second * (score @ solve_symmetric(step.bread(), score.T @ terms)))

    return p, np.where(drawn, heard - p, 0.0), through


def _outcome(
    phases: Phases, heard: npt.NDArray[np.bool_], counts: Floats, second: Floats
) -> tuple[GeneralizedLinear, GeneralizedLinear, npt.NDArray[np.intp], tuple[Floats, Floats]]:
    """The model on those heard, the same on all silent, their rows, and (parameters, bread)."""
    rows, silent = np.flatnonzero(heard), np.flatnonzero(~phases.answered & (phases.base > 0))
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
    return model, every, silent, (beta, model.bread(beta, mass))
