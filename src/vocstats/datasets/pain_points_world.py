"""The simulated customers: how many there are, who of them answers or has left, and what hurts them.

    chance of pain k     logit θ_ksdr = α_k + a_ks + b_kd + δ_kr               segment s, dealer d, response group r
    level                α_k evenly spaced in logits between the limits, in random order
    segments             a_ks ~ N(0, σ_k),  σ_k uniform on (0.5, 1.5) segment_spread
    dealers              b_kd = τ_k (√(1 - tied²) t_kd - tied z_d),  τ_k uniform on (0.5, 1.5) dealer_spread
                         t_kd Student with `dealer_tail` degrees of freedom, scaled to variance 1; z_d ~ N(0, 1)
    who answers          logit = logit(response_rate) + N(0, 0.3) by segment + response_spread z_d
    selection            δ_kr = selection N(SELECTION_r),  0 for the engaged
    the silent           half of them can be reached; the others differ from the engaged by `resistance` δ
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from .._checks import Floats

Counts = npt.NDArray[np.int64]

RESPONSE_GROUPS = ("engaged", "silent", "churned")
ENGAGED, SILENT, CHURNED = range(3)
SELECTION = {SILENT: (0.45, 0.35), CHURNED: (0.7, 0.45)}  # mean and standard deviation over pains, in logits
REACHABLE = 0.5  # of the silent
_MIX = 4.0  # concentration of the shares of segments
_MIX_SPREAD = 0.3  # between dealers, in logits
_ANSWER_SPREAD, _CHURN_SPREAD = 0.3, 0.2  # between segments, in logits
_DEALER_CHURN_SPREAD = 0.2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Customers:
    """Customers of S segments, D dealers and R response groups."""

    counts: Counts  # (S, D, R)
    response: Floats  # (D,) z, how readily the customers of a dealer answer


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pains:
    """What hurts them, by K pains."""

    chance: Floats  # (K, S, D, R) θ, over all of a group
    reached: Floats  # (K, S, D) of the silent who can be reached
    unreached: Floats  # (K, S, D) of those who cannot
    offset: Floats  # (K, R) δ


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sufferers:
    """How many customers do have each pain; of the silent also how many can be reached and how many of those have it."""

    have: Counts  # (K, S, D, R)
    reachable: Counts  # (S, D)
    reachable_have: Counts  # (K, S, D)


def draw_customers(
    rng: np.random.Generator, segments: int, dealers: int, *, limits: tuple[float, float], response_rate: float, churn_rate: float,
    response_spread: float,
) -> Customers:
    """Customers by segment, dealer and response group; the size of a dealer is log-uniform between `limits`."""
    size = np.rint(np.exp(rng.uniform(np.log(limits[0]), np.log(limits[1]), dealers))).astype(np.int64)
    mix = rng.dirichlet(np.full(segments, _MIX)) * np.exp(rng.normal(0.0, _MIX_SPREAD, (dealers, segments)))
    cells = rng.multinomial(size, mix / mix.sum(axis=1, keepdims=True)).T
    response = rng.normal(size=dealers)
    readiness = rng.normal(0.0, _ANSWER_SPREAD, (segments, 1)) + response_spread * response
    leaving = rng.normal(0.0, _CHURN_SPREAD, (segments, 1)) + rng.normal(0.0, _DEALER_CHURN_SPREAD, dealers)
    churned = rng.binomial(cells, special.expit(special.logit(churn_rate) + leaving))
    engaged = rng.binomial(cells - churned, special.expit(special.logit(response_rate) + readiness))
    return Customers(counts=np.stack([engaged, cells - churned - engaged, churned], axis=-1), response=response)


def draw_pains(
    rng: np.random.Generator, pains: int, customers: Customers, *, limits: tuple[float, float], segment_spread: float,
    dealer_spread: float, dealer_tail: float, tied: float, selection: float, resistance: float,
) -> Pains:
    """The chances of every pain."""
    segments, dealers, groups = customers.counts.shape
    low, high = special.logit(limits)
    level = rng.permutation(low + (high - low) * (np.arange(pains) + 0.5) / pains)
    segment = rng.normal(size=(pains, segments)) * segment_spread * rng.uniform(0.5, 1.5, (pains, 1))
    scale = dealer_spread * rng.uniform(0.5, 1.5, (pains, 1))
    own = rng.standard_t(dealer_tail, (pains, dealers)) * np.sqrt((dealer_tail - 2.0) / dealer_tail)
    dealer = scale * (np.sqrt(1.0 - tied**2) * own - tied * customers.response)
    offset = np.zeros((pains, groups))
    for group, (mean, spread) in SELECTION.items():
        offset[:, group] = selection * rng.normal(mean, spread, pains)
    linear = level[:, None, None] + segment[:, :, None] + dealer[:, None, :]
    chance = special.expit(linear[..., None] + offset[:, None, None, :])
    reached = chance[..., SILENT].copy()
    unreached = special.expit(linear + resistance * offset[:, SILENT, None, None])
    chance[..., SILENT] = REACHABLE * reached + (1.0 - REACHABLE) * unreached
    return Pains(chance=chance, reached=reached, unreached=unreached, offset=offset)


def draw_sufferers(rng: np.random.Generator, customers: Customers, pains: Pains) -> Sufferers:
    """Who has what: every customer for himself, one pain as if there were no others."""
    have = rng.binomial(customers.counts, pains.chance)
    silent = customers.counts[..., SILENT]
    reachable = rng.binomial(silent, REACHABLE)
    reachable_have = rng.binomial(reachable, pains.reached)
    have[..., SILENT] = reachable_have + rng.binomial(silent - reachable, pains.unreached)
    return Sufferers(have=have, reachable=reachable, reachable_have=reachable_have)
