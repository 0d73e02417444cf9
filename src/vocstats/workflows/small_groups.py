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
from .pools import ACTIVE, CHURNED_ANSWERED, CHURNED_REST, ENGAGED, POOLS, SILENT
from .representation import Representation

FAMILIES = ((ACTIVE,), (ENGAGED, SILENT), (CHURNED_ANSWERED, CHURNED_REST))
_FOUND = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Composite:
    """Composite estimates by pool and domain, shape (pools, D): mean, mean squared error and its degrees of freedom."""

    mean: Floats
    mse: Floats
    df: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Regression:
    """y = x'B + b_d + e in one pool: B, its covariance, var(e), residual degrees of freedom; answers and mean residual (D,)."""

    b: Floats
    covariance: Floats
    s2: float
    df: float
    n: Floats
    own: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainEffects:
    """Predicted effect of each domain, common to the pools of a family, and its mean squared error (D,)."""

    effect: Floats
    mse: Floats


def composite_means(domains: Domains, scaling: Floats, limits: tuple[float, float]) -> Composite:
    """Predict the mean of every pool in every domain from the network's cells and the domain's own answers.

    A unit-level model with a random intercept for each domain, fitted over the whole network:

        y = x'B_q + b_d + e,    b_d ~ (0, tau^2),  e ~ (0, s_q^2)
        mean = { sum of the heard y + (N - n) (x_bar' B_q + b_hat_d) } / N

    with x the auxiliaries and x_bar their mean among those not heard in the domain. The coefficients B_q and the variance
    s_q^2 belong to the pool; the effect b_d of a domain is common to engaged and silent, and to those who left, so that a
    dealer's many survey answers tell about his few follow-up answers:

        b_hat_d = gamma_d r_d,    gamma_d = tau^2 / (tau^2 + 1 / a_d),    a_d = sum over the pools of n_qd / s_q^2

    with r_d the mean residual, weighted by n / s^2. The mean squared error is that of the prediction of the finite population.
    tau^2 is estimated by moments, its uncertainty entering twice (Prasad & Rao); where a test at the level 0.2 finds no domain
    effects, it is 0 (Datta, Hall & Mandal): otherwise estimates that cannot fall below zero would widen every interval of
    domains that do not differ.

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
    width = limits[1] - limits[0]
    for family in FAMILIES:
        models = {p: _fit(domains, p, width) for p in family if (domains.made.voice_pool == p).any()}
        effects = _domain_effects(list(models.values()))
        for p, model in models.items():
            mean[p], mse[p] = _predict(domains, p, model, effects, scaling[p], limits)
            mse[p] += _of_the_estimator(domains, p, model, scaling[p])
            df[p] = model.df
    return Composite(mean=mean, mse=mse, df=df)


def _fit(domains: Domains, pool: int, width: float) -> Regression:
    """Weighted regression of the answers of a pool on the auxiliaries."""
    chosen = domains.speaking([pool])
    weights, y, where = domains.made.weights, domains.voice_y[chosen], domains.voice_of[chosen]
    x = _dummies(domains.made, np.flatnonzero(domains.made.pool == pool), domains.voices[chosen])
    count, w = weights.counts[chosen], np.maximum(weights.values[chosen], 0.0)  # an outcome model may give weights below 0
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
    return Regression(b=b, covariance=covariance, s2=s2, df=df, n=n, own=own)


def _domain_effects(models: list[Regression]) -> DomainEffects:
    """Shrink the mean residuals of the domains; no effects where an F test at the level 0.2 does not find any."""
    nothing = np.zeros(models[0].n.size if models else 0)
    precision = sum((m.n / m.s2 for m in models), nothing)
    heard = precision > 0
    groups, total = int(heard.sum()), float(precision.sum())
    if groups < 2:
        return DomainEffects(effect=nothing, mse=nothing)
    residual = np.divide(sum((m.n / m.s2 * m.own for m in models), nothing), precision, out=nothing.copy(), where=heard)
    centre = float(precision @ residual) / total
    between = float(precision @ (residual - centre) ** 2)
    tau2 = (between - (groups - 1)) / (total - float(precision @ precision) / total)
    if tau2 <= 0 or special.fdtrc(groups - 1, sum(m.df for m in models), between / (groups - 1)) > _FOUND:
        return DomainEffects(effect=nothing, mse=nothing)
    noise = np.divide(1.0, precision, out=np.full(precision.shape, np.inf), where=heard)
    gamma = tau2 / (tau2 + noise)
    variance_of_tau2 = 2.0 / np.sum(1.0 / (tau2 + noise[heard]) ** 2)
    g3 = np.zeros_like(nothing)
    g3[heard] = noise[heard] ** 2 / (tau2 + noise[heard]) ** 3 * variance_of_tau2
    return DomainEffects(effect=gamma * residual, mse=tau2 * (1.0 - gamma) + 2.0 * g3)


def _predict(
    domains: Domains, pool: int, model: Regression, effects: DomainEffects, scaling: Floats, limits: tuple[float, float]
) -> tuple[Floats, Floats]:
    """Mean of a pool in every domain, those not heard predicted, and its mean squared error."""
    inside = np.flatnonzero(domains.made.pool == pool)
    voices = domains.voices[domains.speaking([pool])]
    heard, people = domains.customers(voices), domains.customers(inside)
    heard_sum = domains.sums(voices, domains.made.size[voices] * domains.y[voices])
    represented = people * scaling
    unheard = np.maximum(represented - heard, 0.0)
    x_bar = np.zeros((domains.count, model.b.size))
    np.add.at(x_bar, domains.of[inside], domains.made.size[inside, None] * _dummies(domains.made, inside, inside))
    np.add.at(x_bar, domains.of[voices], -domains.made.size[voices, None] * _dummies(domains.made, inside, voices))
    with np.errstate(invalid="ignore", divide="ignore"):
        x_bar = np.where((people > heard)[:, None], x_bar / (people - heard)[:, None], 0.0)
        predicted = np.clip(x_bar @ model.b + effects.effect, *limits)
        mean = (heard_sum + unheard * predicted) / represented
        of_b = np.einsum("dk,kl,dl->d", x_bar, model.covariance, x_bar)
        of_unheard = np.where(unheard > 0, model.s2 / unheard, 0.0)
        return mean, (unheard / represented) ** 2 * (effects.mse + of_b + of_unheard)


def _of_the_estimator(domains: Domains, pool: int, model: Regression, scaling: Floats) -> Floats:
    """What a pool with an estimator of its own adds (D,): the regression takes its weights for known, the estimator knows better.

    The variance it states for those of the whole pool nobody heard, less that of their prediction by the regression.
    """
    found = domains.made.identified.get(pool)
    if found is None:
        return np.zeros(domains.count)
    inside, voices = np.flatnonzero(domains.made.pool == pool), domains.voices[domains.speaking([pool])]
    size = domains.made.size
    unheard = float(1.0 - size[voices].sum() / size[inside].sum())
    x_bar = np.average(_dummies(domains.made, inside, inside), axis=0, weights=size[inside])
    stated = float(found.by(np.zeros_like(domains.of), 1).variance[0]) / unheard**2 if unheard > 0 else 0.0
    represented = domains.customers(inside) * scaling
    share = np.divide(represented - domains.customers(voices), represented, out=np.zeros_like(represented), where=represented > 0)
    return np.asarray(share**2 * max(stated - float(x_bar @ model.covariance @ x_bar), 0.0))


def _dummies(made: Representation, pool: Codes, rows: Codes) -> Floats:
    """Intercept and one column per level of each auxiliary (after merging) of the cells `rows` of a pool."""
    columns = [np.ones((rows.size, 1))]
    for code in made.codes.values():
        columns.append((code[rows][:, None] == np.unique(code[pool])[1:]).astype(float))
    return np.hstack(columns)
