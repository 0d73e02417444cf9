"""Domains with too few answers: a composite of their own answers and the network's cells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from .._checks import Integers as Codes
from .._numerics import sums_by
from ..results import Floats
from .domains import Domains
from .parts import spread_of_one_more
from .representation import POOLS, Representation

_FOUND = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Composite:
    """Composite estimates by pool and domain, shape (pools, D): mean, mean squared error and its degrees of freedom."""

    mean: Floats
    mse: Floats
    df: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitModel:
    """y = x'B + b_d + e fitted in one pool: coefficients and their covariance, var(e), var(b_d), residual degrees of freedom."""

    b: Floats
    covariance: Floats
    s2: float
    tau2: float
    df: float
    n: Floats
    own: Floats


def composite_means(domains: Domains, scaling: Floats, limits: tuple[float, float]) -> Composite:
    """Predict the mean of every pool in every domain from the network's cells and the domain's own answers.

    A unit-level model with a random intercept for each domain, fitted in each pool over the whole network:

        y = x'B + b_d + e,      b_d ~ (0, tau^2),  e ~ (0, s^2)
        mean = { sum of the heard y + (N - n) (x_bar' B + gamma r_bar) } / N,   gamma = tau^2 / (tau^2 + s^2 / n)

    with x the auxiliaries, x_bar their mean among those not heard in the domain and r_bar the mean residual of those heard.
    The mean squared error is that of the prediction of the finite population. tau^2 is estimated by moments, its uncertainty
    entering twice (Prasad & Rao); where a test at the level 0.2 finds no domain effects, it is 0 (Datta, Hall & Mandal):
    otherwise estimates that cannot fall below zero would widen every interval of domains that do not differ.

    Parameters
    ----------
    domains : Domains
    scaling : Floats (pools, D)
        Customers represented per customer of the pool (more than 1 where the pool also stands for the never invited).
    limits : pair of float
        Lowest and highest possible value.

    Returns
    -------
    Composite

    References
    ----------
    Battese, Harter & Fuller (1988), JASA 83(401); Prasad & Rao (1990), JASA 85(409), eq. 5; Datta, Hall & Mandal (2011),
    JASA 106(493).
    """
    mean, mse, df = (np.full((len(POOLS), domains.count), np.nan) for _ in range(3))
    for p in np.unique(domains.made.voice_pool):
        inside = np.flatnonzero(domains.made.pool == p)
        voices = domains.voices[domains.made.voice_pool == p]
        x = _dummies(domains.made, inside)
        x_heard = x[np.searchsorted(inside, voices)]
        model = _fit(domains, int(p), x_heard, limits[1] - limits[0])
        heard, people = domains.customers(voices), domains.customers(inside)
        heard_sum = domains.sums(voices, domains.made.size[voices] * domains.y[voices])
        represented = people * scaling[p]
        unheard = np.maximum(represented - heard, 0.0)
        x_bar = np.zeros((domains.count, x.shape[1]))
        np.add.at(x_bar, domains.of[inside], domains.made.size[inside, None] * x)
        np.add.at(x_bar, domains.of[voices], -domains.made.size[voices, None] * x_heard)
        with np.errstate(invalid="ignore", divide="ignore"):
            x_bar = np.where((people > heard)[:, None], x_bar / (people - heard)[:, None], 0.0)
            gamma, extra = _shrinkage(model)
            predicted = np.clip(x_bar @ model.b + gamma * model.own, *limits)
            mean[p] = (heard_sum + unheard * predicted) / represented
            of_b = np.einsum("dk,kl,dl->d", x_bar, model.covariance, x_bar)
            of_unheard = np.where(unheard > 0, model.s2 / unheard, 0.0)
            mse[p] = (unheard / represented) ** 2 * (extra + of_b + of_unheard)
        df[p] = model.df
    return Composite(mean=mean, mse=mse, df=df)


def _fit(domains: Domains, pool: int, x: Floats, width: float) -> UnitModel:
    """Weighted regression of the answers of a pool on the auxiliaries, and the domain effects left in its residuals."""
    chosen = domains.speaking([pool])
    weights, y, where = domains.made.weights, domains.voice_y[chosen], domains.voice_of[chosen]
    count, w = weights.counts[chosen], weights.values[chosen]
    gram = np.linalg.pinv(x.T @ ((count * w)[:, None] * x))
    b = gram @ (x.T @ (count * w * y))
    residual = y - x @ b
    heard = float(count.sum())
    df = max(heard - int(np.linalg.matrix_rank(x)), 1.0)
    spread = float((count * w) @ residual**2 / (count @ w)) * heard / df
    s2 = max(spread, float(spread_of_one_more(heard, width)))
    covariance = gram @ (x.T @ ((count * w * w)[:, None] * x)) @ gram * s2
    n = sums_by(where, count, domains.count)
    own = sums_by(where, count * residual, domains.count) / np.maximum(n, 1.0)
    return UnitModel(b=b, covariance=covariance, s2=s2, tau2=_between(n, own, s2, df), df=df, n=n, own=own)


def _shrinkage(model: UnitModel) -> tuple[Floats, Floats]:
    """Weight of a domain's own residual, and the error of its predicted effect: tau^2 (1 - gamma) + 2 g_3."""
    if model.tau2 == 0.0:
        return np.zeros_like(model.n), np.zeros_like(model.n)
    noise = model.s2 / np.maximum(model.n, 1.0)
    total = model.tau2 + noise
    gamma = np.where(model.n > 0, model.tau2 / total, 0.0)
    variance_of_tau2 = 2.0 / np.sum(1.0 / total[model.n > 0] ** 2)
    return gamma, model.tau2 * (1.0 - gamma) + 2.0 * np.where(model.n > 0, noise**2 / total**3 * variance_of_tau2, 0.0)


def _dummies(made: Representation, rows: Codes) -> Floats:
    """Intercept and one column per level of each auxiliary (after merging) of the given cells."""
    columns = [np.ones((rows.size, 1))]
    for code in made.codes.values():
        columns.append((code[rows][:, None] == np.unique(code[rows])[1:]).astype(float))
    return np.hstack(columns)


def _between(n: Floats, own: Floats, s2: float, df: float) -> float:
    """Variance of the domain effects by moments; 0 where an F test at the level 0.2 does not find any."""
    heard = n > 0
    total, groups = float(n.sum()), int(heard.sum())
    if groups < 2:
        return 0.0
    centre = float(n @ own) / total
    between = float(n[heard] @ (own[heard] - centre) ** 2)
    if special.fdtrc(groups - 1, df, between / (groups - 1) / s2) > _FOUND:
        return 0.0
    return max(0.0, (between - (groups - 1) * s2) / (total - float(n @ n) / total))
