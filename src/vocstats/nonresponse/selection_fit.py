"""Heckman's selection model on a mass of rows: estimating equations of the two steps and of the likelihood."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from .._checks import Floats
from ..errors import ConvergenceError, IdentificationError
from ..estimation.coding import collinear
from ..estimation.generalized_linear import GeneralizedLinear, family_of
from ..estimation.scoring import solve, solved
from ..options import SelectionMethod

_TOL, _MAX_ITER, _FARTHEST = 1e-9, 50, 8.0  # beyond atanh(rho) = 8 the likelihood knows no rho short of 1
_STARTS = (-0.8, 0.0, 0.8)  # of rho, in search of other summits


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SelectionData:
    """Outcome (scaled to standard deviation 1 among those heard), x and z (columns scaled to mean square 1), and who was heard."""

    y: Floats
    x: Floats
    z: Floats
    heard: npt.NDArray[np.bool_]
    x_names: tuple[str, ...]
    z_names: tuple[str, ...]

    def parts(self, theta: Floats) -> tuple[Floats, Floats, float, float]:
        """gamma, beta and the last two parameters."""
        q, k = self.z.shape[1], self.x.shape[1]
        return theta[:q], theta[q : q + k], float(theta[q + k]), float(theta[q + k + 1])


def mills(eta: Floats) -> Floats:
    """phi(eta) / Phi(eta)."""
    return np.asarray(np.exp(-0.5 * eta**2 - 0.5 * np.log(2.0 * np.pi) - special.log_ndtr(eta)))


def two_step_scores(data: SelectionData, theta: Floats) -> Floats:
    """Equations of gamma (probit), of (beta, b) (least squares of y on x and the inverse Mills ratio), and of sigma²."""
    gamma, beta, b, variance = data.parts(theta)
    eta, heard = data.z @ gamma, data.heard
    ratio = mills(eta)
    error = np.where(heard, data.y - data.x @ beta - b * ratio, 0.0)
    shrunk = ratio * (ratio + eta)
    probit = np.where(heard, ratio, -mills(-eta))
    last = np.where(heard, error**2 + b**2 * shrunk - variance, 0.0)
    return np.column_stack([data.z * probit[:, None], data.x * error[:, None], ratio * error, last])


def likelihood(data: SelectionData, theta: Floats) -> tuple[Floats, Floats]:
    """Log-likelihood of each row, and its derivative to gamma, beta, log sigma and atanh rho.

        silent  log Phi(-zγ);   heard  log φ(u) - log σ + log Phi((zγ + ρu) / sqrt(1 - ρ²)),  u = (y - xβ)/σ
    """
    gamma, beta, log_sigma, turned = data.parts(theta)
    sigma, cosh, sinh = np.exp(log_sigma), np.cosh(turned), np.sinh(turned)
    eta, heard = data.z @ gamma, data.heard
    u = np.where(heard, (data.y - data.x @ beta) / sigma, 0.0)
    inner = cosh * eta + sinh * u  # (eta + rho u) / sqrt(1 - rho²)
    value = np.where(heard, special.log_ndtr(inner) - 0.5 * u**2 - 0.5 * np.log(2.0 * np.pi) - log_sigma, special.log_ndtr(-eta))
    ratio = mills(inner)
    to_eta = np.where(heard, cosh * ratio, -mills(-eta))
    to_u = np.where(heard, sinh * ratio - u, 0.0)
    to_sigma = np.where(heard, -to_u * u - 1.0, 0.0)
    to_turned = np.where(heard, ratio * (sinh * eta + cosh * u), 0.0)
    return value, np.column_stack([data.z * to_eta[:, None], -data.x * (to_u / sigma)[:, None], to_sigma, to_turned])


def scores(data: SelectionData, method: SelectionMethod, theta: Floats) -> Floats:
    """Scores of each row, (n, parameters)."""
    return two_step_scores(data, theta) if method == "two_step" else likelihood(data, theta)[1]


def bread(data: SelectionData, method: SelectionMethod, theta: Floats, mass: Floats) -> Floats:
    """Minus the derivative of the summed scores, by central differences of the exact scores."""
    return -_derivative(lambda at: mass @ scores(data, method, at), theta)


def fit(data: SelectionData, method: SelectionMethod, mass: Floats, *, start: Floats | None = None) -> Floats:
    """Parameters of either method; a `start` is that of the likelihood."""
    if method == "likelihood" and start is not None:
        return _polished(data, mass, start)
    theta = _two_step(data, mass)
    if method == "two_step":
        return theta
    gamma, beta, b, variance = data.parts(theta)
    rho = float(np.clip(b / variance**0.5, -0.95, 0.95))
    return _polished(data, mass, _climbed(data, mass, np.concatenate([gamma, beta, [0.5 * np.log(variance), np.arctanh(rho)]])))


def other_summits(data: SelectionData, mass: Floats, theta: Floats) -> tuple[Floats, Floats]:
    """rho of other summits of the likelihood, found from other starts, and how much higher they are than at theta."""
    own = float(mass @ likelihood(data, theta)[0])
    found: dict[float, float] = {}
    for rho in _STARTS:
        with np.errstate(all="ignore"):
            top = _climbed(data, mass, np.concatenate([theta[:-1], [np.arctanh(rho)]]))
            place, gain = round(float(np.tanh(top[-1])), 3), float(mass @ likelihood(data, top)[0]) - own
        if abs(place - np.tanh(theta[-1])) > 0.02 and gain > -1e-3 * abs(own):
            found[place] = max(gain, found.get(place, -np.inf))
    return np.array(list(found)), np.array(list(found.values()))


def _two_step(data: SelectionData, mass: Floats) -> Floats:
    model = GeneralizedLinear(
        x=data.z, y=data.heard.astype(float), columns=data.z_names, name="binomial", family=family_of("binomial", "probit")
    )
    gamma = solve(model, mass)
    eta, weight = data.z @ gamma, np.where(data.heard, mass, 0.0)
    ratio = mills(eta)
    wide = np.column_stack([data.x, ratio])
    dependent = collinear(wide, weight, (*data.x_names, "inverse Mills ratio"))
    if dependent:
        raise IdentificationError(
            f"Among those heard {', '.join(dependent)} cannot be told apart from other columns of x. Leave columns out, "
            "or find one that moves response and not the outcome.",
            code="selection_collinear", argument="x", levels=dependent,
        )
    y = np.where(data.heard, data.y, 0.0)
    solution = solved((wide * weight[:, None]).T @ wide, wide.T @ (weight * y))
    error, b = y - wide @ solution, solution[-1]
    variance = float(weight @ (error**2 + b**2 * ratio * (ratio + eta)) / weight.sum())
    return np.concatenate([gamma, solution, [variance]])


def _climbed(data: SelectionData, mass: Floats, start: Floats) -> Floats:
    from scipy import optimize

    size = mass.sum()

    def loss(theta: Floats) -> tuple[float, Floats]:
        with np.errstate(all="ignore"):
            value, slope = likelihood(data, theta)
            return float(-(mass @ value) / size), np.asarray(-(mass @ slope) / size)

    done = optimize.minimize(loss, start, jac=True, method="BFGS", options={"gtol": 1e-5})
    return np.asarray(done.x) if np.isfinite(done.fun) else start


def _polished(data: SelectionData, mass: Floats, theta: Floats) -> Floats:
    """Newton's method to the summit; rho at its limits is refused."""
    error = np.inf
    for _ in range(_MAX_ITER):
        if abs(theta[-1]) > _FARTHEST:
            break
        value, slope = likelihood(data, theta)
        error = float(np.abs(mass @ slope).max() / mass.sum())
        if error <= _TOL:
            return theta
        with np.errstate(all="ignore"):
            step, size = solved(bread(data, "likelihood", theta, mass), mass @ slope), 1.0
            if not (np.isfinite(step).all() and float(step @ (mass @ slope)) > 0):
                step = mass @ slope / mass.sum()
            while size > 1e-8 and not mass @ likelihood(data, theta + size * step)[0] >= mass @ value - 1e-12 * abs(mass @ value):
                size /= 2.0
        theta = theta + size * step
    if abs(theta[-1]) > _FARTHEST or abs(np.tanh(theta[-1])) > 1.0 - 1e-6:
        raise IdentificationError(
            f"The likelihood rises until rho is {np.sign(theta[-1]):g}: the data do not tell how silence and outcome go together. "
            "Use method='two_step', fewer columns, or a sensitivity range.",
            code="selection_at_limit", argument="y", rho=float(np.sign(theta[-1])),
        )
    raise ConvergenceError(
        f"The selection likelihood stopped at a mean slope of {error:.3g}. Look for columns of nearly the same content.",
        code="selection_not_converged", argument="x", error=error,
    )


def _derivative(function: Callable[[Floats], Floats], at: Floats) -> Floats:
    steps = 1e-5 * np.maximum(np.abs(at), 0.1)
    ways = np.diag(steps)
    return np.column_stack([(function(at + way) - function(at - way)) / (2.0 * step) for step, way in zip(steps, ways, strict=True)])
