"""The three terms of a correction in every domain, with standard errors and intervals."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from .._numerics import exact_share_limits, sums_by, t_quantile
from ..customer_base import SOURCES
from ..errors import InputError, shown
from ..results import Flags, Floats, Integers
from .domains import Domains
from .part_table import PartTable, part_table
from .parts import Parts, part_means, spread_of_one_more
from .pools import ACTIVE_POOLS, CHURNED_ANSWERED, CHURNED_REST, ENGAGED, POOLS, SILENT
from .sampled import is_sampled, sampled_variance
from .small_groups import composite_means

if TYPE_CHECKING:
    from .question import Question

FEW = 5
_POOL_NAME = ("active", "engaged", "silent", "churned", "churned")
_EVERY_POOL = range(len(POOLS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimates:
    """Estimates of every domain, named as in the result; `share` and `pool_mean` are kept for the sensitivity analyses.

    `share[q, d, t]` is the share of the customers of term t that pool q speaks for in domain d; `pool_mean` is (pools, D).
    """

    estimate: Floats
    std_error: Floats
    conf_low: Floats
    conf_high: Floats
    df: Floats
    n: Integers
    customers: Integers
    borrowed: Floats
    reasons: tuple[tuple[str, ...], ...]
    contribution: Floats
    variance_accounts_for: tuple[str, ...]
    parts: PartTable
    share: Floats
    pool_mean: Floats

    def fields(self) -> dict[str, Any]:
        """What goes into the result as it stands."""
        own = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("share", "pool_mean", "parts")}
        return own | {f"part_{f.name}": getattr(self.parts, f.name) for f in fields(self.parts)}


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Customers by pool (pools, D), those never invited (D,), and customers represented per customer of a pool (pools, D)."""

    pool: Floats
    uninvited: Floats
    scaling: Floats

    @property
    def invited(self) -> Floats:
        """Engaged and silent where they are pools of their own, (D,)."""
        return np.asarray(self.pool[[ENGAGED, SILENT]].sum(axis=0))

    def of_term(self, t: int) -> Floats:
        """Customers the term speaks for: the active (1) or everybody (2), (D,)."""
        active = self.pool[list(ACTIVE_POOLS)].sum(axis=0) + self.uninvited
        return np.asarray(active if t == 1 else active + self.pool[[CHURNED_ANSWERED, CHURNED_REST]].sum(axis=0))


def estimate_domains(question: Question, domains: Domains) -> Estimates:
    """Estimate the three terms in every domain.

    A term is the mean over pools of customers, each weighted by its known number of customers in the domain; pools are
    independent, so their variances add (times squared shares). Degrees of freedom by Satterthwaite over the pools.
    """
    limits = question.measure.limits
    parts = part_means(domains, with_replacement=question.inference == "r", limits=limits)
    people = _people(domains)
    small = _small(domains, parts, people)
    mean, variance, df = _with_small_groups(question, domains, parts, people, small)
    share = _shares(people)
    customers = np.column_stack([_answered(domains), people.of_term(1), people.of_term(2)])
    estimate, spread, freedom = _naive(domains, customers[:, 0], limits[1] - limits[0])
    for t in (1, 2):
        a = share[:, :, t]
        pieces = np.where(a > 0, a**2 * variance, 0.0)
        spread[:, t] = pieces.sum(axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            freedom[:, t] = spread[:, t] ** 2 / (pieces**2 / df).sum(axis=0)
        represented = np.abs(a.sum(axis=0) - 1.0) < 1e-9
        estimate[:, t] = np.where(represented, np.where(a > 0, a * mean, 0.0).sum(axis=0), np.nan)
    if is_sampled(domains.cells):
        spread[:, 1:] = sampled_variance(domains, mean, share, small)
    else:
        spread[:, 1:] += _more_variance(question, parts, mean, share, people)
    std_error = np.sqrt(np.where(np.isnan(estimate), np.nan, spread))
    freedom = np.where(np.isnan(freedom) | (question.inference == "r") & (np.arange(3) > 0), np.inf, freedom)
    n = np.column_stack([customers[:, 0], *(domains.answers(domains.voices[domains.speaking(q)]) for q in (ACTIVE_POOLS, _EVERY_POOL))])
    effective = np.column_stack([customers[:, 0], *(domains.kish(q) for q in (ACTIVE_POOLS, _EVERY_POOL))])
    margin = t_quantile(question.level, freedom) * std_error
    margins = _margins(domains, margin, spread, mean, variance, share)
    conf_low, conf_high = _limits(estimate, margins, effective, n < customers - 1e-6, limits, question.level)
    return Estimates(
        estimate=estimate,
        std_error=std_error,
        conf_low=conf_low,
        conf_high=conf_high,
        df=freedom,
        n=np.rint(n).astype(np.int64),
        customers=np.rint(customers).astype(np.int64),
        borrowed=(share * small[:, :, None]).sum(axis=0) * (question.small_groups == "borrow"),
        reasons=_reasons(estimate, customers, share, parts.heard, small),
        contribution=np.diff(estimate, axis=1),
        variance_accounts_for=_accounts_for(question, domains),
        parts=part_table(domains, mean, variance, people.pool),
        share=share,
        pool_mean=mean,
    )


def _people(domains: Domains) -> People:
    """Count customers; where somebody was never invited, the invited of the domain stand for them too."""
    pool = domains.by_pool()
    uninvited = domains.customers(domains.made.pool < 0)
    invited = pool[[ENGAGED, SILENT]].sum(axis=0)
    scaling = np.ones_like(pool)
    scaling[[ENGAGED, SILENT]] += np.divide(uninvited, invited, out=np.zeros_like(invited), where=invited > 0)
    return People(pool=pool, uninvited=uninvited, scaling=scaling)


def _shares(people: People) -> Floats:
    """Share of each pool in each term (pools, D, 3); they sum to less than 1 where nobody of a domain was invited."""
    share = np.zeros((*people.pool.shape, 3))
    for t, pools in ((1, list(ACTIVE_POOLS)), (2, list(_EVERY_POOL))):
        size = people.of_term(t)
        share[pools, :, t] = np.divide((people.pool * people.scaling)[pools], size, out=np.zeros((len(pools), size.size)), where=size > 0)
    return share


def _small(domains: Domains, parts: Parts, people: People) -> Flags:
    """Pools only partly heard with fewer than `FEW` answers in a domain; none in the whole base, which has nothing to borrow from."""
    partly = people.pool * people.scaling - parts.heard > 1e-6
    somebody = np.isin(np.arange(len(POOLS)), domains.made.voice_pool)[:, None]
    return np.asarray(partly & (parts.heard < FEW) & (people.pool > 0) & somebody & bool(domains.labels))


def _with_small_groups(question: Question, domains: Domains, parts: Parts, people: People, small: Flags) -> tuple[Floats, Floats, Floats]:
    """Mean, variance and degrees of freedom of the pools, with small groups borrowed, blank or refused."""
    direct = _direct(question, domains, parts, people)
    if not small.any():
        return direct
    if question.small_groups == "fail":
        _refuse_small(domains, small)
    if question.small_groups == "blank":
        return np.where(small, np.nan, direct[0]), *direct[1:]
    composite = composite_means(domains, people.scaling, question.measure.limits)
    mean, variance, df = (np.where(small, new, old) for old, new in zip(direct, (composite.mean, composite.mse, composite.df), strict=True))
    return mean, variance, df


def _direct(question: Question, domains: Domains, parts: Parts, people: People) -> tuple[Floats, Floats, Floats]:
    """Mean, variance and degrees of freedom from the domain's own answers: where a pool was heard in full, what they say."""
    known = (parts.heard > 0) & (people.pool * people.scaling - parts.heard <= 1e-6)
    if question.inference == "r" or is_sampled(domains.cells) or not known.any():
        return parts.mean, parts.variance, parts.df
    pair = domains.made.voice_pool * domains.count + domains.voice_of
    answered = sums_by(pair, domains.made.weights.counts * domains.voice_y, known.size).reshape(known.shape)
    mean = np.divide(answered, parts.heard, out=parts.mean.copy(), where=known)
    return mean, np.where(known, 0.0, parts.variance), parts.df


def _more_variance(question: Question, parts: Parts, mean: Floats, share: Floats, people: People) -> Floats:
    """What pools taken one by one leave out (D, 2): the mix of engaged and silent among the never invited, and the process."""
    invited, uninvited = people.invited, people.uninvited
    mixed = (uninvited > 0) & (invited > 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        engaged = people.pool[ENGAGED] / invited
        gap = mean[ENGAGED] - mean[SILENT]
        random_mix = engaged * (1 - engaged) * gap**2 * (1 / invited + 1 / uninvited)
        between = np.where(mixed, (uninvited / (invited + uninvited)) ** 2 * random_mix, 0.0)
        more = np.column_stack([between, between * share[list(ACTIVE_POOLS), :, 2].sum(axis=0) ** 2])
        if question.inference == "process":
            for t in (1, 2):
                a = share[:, :, t]
                centre = np.where(a > 0, a * mean, 0.0).sum(axis=0)
                total = np.where(a > 0, a * (np.nan_to_num(parts.spread) + (mean - centre) ** 2), 0.0).sum(axis=0)
                more[:, t - 1] += total / people.of_term(t)
    return np.asarray(np.nan_to_num(more))


def _answered(domains: Domains) -> Floats:
    """Survey answers by domain."""
    return domains.answers(domains.cells.source == SOURCES.index("survey"))


def _naive(domains: Domains, n: Floats, width: float) -> tuple[Floats, Floats, Floats]:
    """Tables of estimates, variances and degrees of freedom (D, 3), the first column filled.

    Naive is the unweighted mean of the survey answers with the variance anyone would report: s^2 / n. Equal answers are given
    the spread of one more at the far end of the scale, as in `part_means`.
    """
    rows = np.flatnonzero(domains.cells.source == SOURCES.index("survey"))
    counts, y = domains.cells.counts[rows], domains.y[rows]
    estimate, spread, freedom = (np.full((domains.count, 3), np.nan) for _ in range(3))
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = domains.sums(rows, counts * y) / n
        square = domains.sums(rows, counts * (y - mean[domains.of[rows]]) ** 2)
        variance = np.where((n > 1) & (square <= 1e-12 * width**2), spread_of_one_more(n, width), square / (n - 1.0))
        estimate[:, 0], spread[:, 0], freedom[:, 0] = mean, variance / n, np.maximum(n - 1.0, 1.0)
    return estimate, spread, freedom


def _margins(domains: Domains, margin: Floats, spread: Floats, mean: Floats, variance: Floats, share: Floats) -> tuple[Floats, Floats]:
    """Distance of the limits below and above each term (D, 3), from its margin t sqrt(spread).

    Where the estimator of a pool has limits of its own, such as those of a profile likelihood, the squares of its distances and of
    the margin of all else add up (Zou & Donner 2008, Stat. Med. 27(10), the method of variance estimates recovery).
    """
    below, above = margin.copy(), margin.copy()
    for p, found in domains.made.identified.items():
        if found.limits is None or domains.labels:
            continue
        part = share[p, 0]
        own_share = np.divide(part**2 * variance[p, 0], spread[0], out=np.zeros_like(part), where=(part > 0) & (spread[0] > 0))
        rest = margin[0] ** 2 * np.maximum(1.0 - own_share, 0.0)
        for distance, own in ((below, mean[p, 0] - found.limits[0]), (above, found.limits[1] - mean[p, 0])):
            distance[0] = np.where(part > 0, np.hypot(part * max(own, 0.0), np.sqrt(rest)), distance[0])
    return below, above


def _limits(
    estimate: Floats, margins: tuple[Floats, Floats], effective: Floats, incomplete: Flags, limits: tuple[float, float], level: float
) -> tuple[Floats, Floats]:
    """Confidence limits inside the scale; exact ones where every answer stands at an end of it and not everybody was heard."""
    low, width = limits[0], limits[1] - limits[0]
    with np.errstate(invalid="ignore"):
        position = (estimate - low) / width
        at_end = (position <= 1e-12) | (position >= 1 - 1e-12)
        exact = at_end & (incomplete | (np.arange(3) == 0)) & (effective > 0)
    exact_low, exact_high = exact_share_limits(np.where(exact, np.rint(position), 0.5), np.where(exact, effective, 2.0), level)
    conf_low, conf_high = np.clip(estimate - margins[0], low, None), np.clip(estimate + margins[1], None, limits[1])
    return np.where(exact, low + width * exact_low, conf_low), np.where(exact, low + width * exact_high, conf_high)


def _reasons(estimate: Floats, customers: Floats, share: Floats, heard: Floats, small: Flags) -> tuple[tuple[str, ...], ...]:
    """Code of the reason why each term of each domain is missing; "" where it is not."""

    def reason(d: int, t: int) -> str:
        if not np.isnan(estimate[d, t]):
            return ""
        if customers[d, t] <= 0:
            return "nobody_answered" if t == 0 else "no_customers"
        if share[:, d, t].sum() < 1 - 1e-9:
            return "nobody_invited"
        lacking = [q for q in _EVERY_POOL if share[q, d, t] > 0 and (small[q, d] or heard[q, d] == 0)]
        few = [q for q in lacking if heard[q, d] > 0]
        return f"{_POOL_NAME[(few or lacking)[0]]}_{'few' if few else 'unheard'}"

    return tuple(tuple(reason(d, t) for t in range(3)) for d in range(estimate.shape[0]))


def _refuse_small(domains: Domains, small: Flags) -> NoReturn:
    names = [" / ".join(str(column[d]) for column in domains.labels.values()) for d in np.flatnonzero(small.any(axis=0))]
    by = ", ".join(domains.labels)
    raise InputError(
        f"{len(names)} levels of {by} have fewer than {FEW} answers in a group that was only partly heard: {shown(names)}. "
        "Use small_groups='borrow' or 'blank'.",
        code="small_groups",
        argument="by",
        levels=names,
        by=by,
        few=FEW,
        count=len(names),
    )


def _accounts_for(question: Question, domains: Domains) -> tuple[str, ...]:
    """Codes of what the standard errors account for."""
    sampled = ("with_replacement", "response")
    by_inference = {
        "registry": ("response", "finite_population"),
        "process": ("response", "finite_population", "process"),
        "r": sampled[:1],
    }
    own = [code for found in domains.made.identified.values() for code in found.accounts_for]
    codes = (*(sampled if is_sampled(domains.cells) else by_inference[question.inference]), *domains.made.weights.accounts_for, *own)
    return tuple(dict.fromkeys(codes))
