"""Domains with too few answers: a composite of their own answers and the network's cells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from .._checks import Integers as Codes
from ..customer_base import Cells
from ..results import Floats
from .parts import spread_of_one_more
from .representation import Representation

_FOUND = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Composite:
    """Composite estimates by pool and domain, shape (pools, D): mean, mean squared error and its degrees of freedom."""

    mean: Floats
    mse: Floats
    df: Floats


def composite_means(cells: Cells, made: Representation, y: Floats, domain: Codes, domains: int, pools: int, scaling: Floats, limits: tuple[float, float]) -> Composite:
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
    cells, made : Cells, Representation
    y : Floats (voices,)
    domain : int array (cells,)
        Domain of each cell.
    domains, pools : int
    scaling : Floats (pools, domains)
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
    mean, mse, df = (np.full((pools, domains), np.nan) for _ in range(3))
    for p in np.unique(made.voice_pool):
        inside = np.flatnonzero(made.pool == p)
        voiced = made.voice_pool == p
        voices = made.voices[voiced]
        x = _dummies(made, inside)
        row = np.full(made.pool.size, -1)
        row[inside] = np.arange(inside.size)
        x_heard, y_heard = x[row[voices]], y[voiced]
        count, weight = cells.counts[voices].astype(float), made.weights.counts[voiced] * made.weights.values[voiced]
        gram = np.linalg.pinv(x_heard.T @ (weight[:, None] * x_heard))
        b = gram @ (x_heard.T @ (weight * y_heard))
        residual = y_heard - x_heard @ b
        n_all, rank = count.sum(), int(np.linalg.matrix_rank(x_heard))
        freedom = max(n_all - rank, 1.0)
        s2 = max(float(weight @ residual**2 / weight.sum()) * n_all / freedom, float(spread_of_one_more(n_all, limits[1] - limits[0])))
        v_b = gram @ (x_heard.T @ ((weight * weight / count)[:, None] * x_heard)) @ gram * s2

        n = np.bincount(domain[voices], weights=count, minlength=domains)
        own = np.bincount(domain[voices], weights=count * residual, minlength=domains) / np.maximum(n, 1.0)
        tau2 = _between(n, own, s2, freedom)
        base = cells.base_weight[voices]
        heard = np.bincount(domain[voices], weights=count * base, minlength=domains)
        heard_sum = np.bincount(domain[voices], weights=count * base * y_heard, minlength=domains)
        size = made.size[inside]
        people = np.bincount(domain[inside], weights=size, minlength=domains)
        unheard_x = np.zeros((domains, x.shape[1]))
        np.add.at(unheard_x, domain[inside], size[:, None] * x)
        np.add.at(unheard_x, domain[voices], -(count * base)[:, None] * x_heard)
        represented = people * scaling[p]
        unheard = np.maximum(represented - heard, 0.0)
        with np.errstate(invalid="ignore", divide="ignore"):
            x_bar = np.where((people > heard)[:, None], unheard_x / np.maximum(people - heard, 1e-300)[:, None], 0.0)
            noise = s2 / np.maximum(n, 1.0)
            gamma = np.where(n > 0, tau2 / (tau2 + noise), 0.0)
            predicted = np.clip(x_bar @ b + gamma * own, *limits)
            mean[p] = (heard_sum + unheard * predicted) / represented
            total = tau2 + noise
            information = np.sum(1.0 / total[n > 0] ** 2)
            g1 = tau2 * (1.0 - gamma)
            g2 = np.einsum("dk,kl,dl->d", x_bar, v_b, x_bar)
            g3 = np.where(n > 0, noise**2 / total**3 * 2.0 / information, 0.0) if tau2 > 0 else np.zeros(domains)
            mse[p] = (unheard / represented) ** 2 * (g1 + g2 + 2.0 * g3 + np.where(unheard > 0, s2 / np.maximum(unheard, 1e-300), 0.0))
        df[p] = freedom
    return Composite(mean=mean, mse=mse, df=df)


def _dummies(made: Representation, rows: Codes) -> Floats:
    """Intercept and one column per level of each auxiliary (after merging) of the given cells."""
    columns = [np.ones((rows.size, 1))]
    for code in made.codes.values():
        columns.append((code[rows][:, None] == np.unique(code[rows])[1:]).astype(float))
    return np.hstack(columns)


def _between(n: Floats, own: Floats, s2: float, freedom: float) -> float:
    """Variance of the domain effects by moments; 0 where an F test at the level 0.2 does not find any."""
    heard = n > 0
    total, groups = n.sum(), int(heard.sum())
    if groups < 2:
        return 0.0
    centre = float(n @ own) / total
    between = float(n[heard] @ (own[heard] - centre) ** 2)
    if special.fdtrc(groups - 1, freedom, between / (groups - 1) / s2) > _FOUND:
        return 0.0
    return max(0.0, (between - (groups - 1) * s2) / (total - float(n @ n) / total))
