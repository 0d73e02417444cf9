"""The three terms of a correction in every domain, with standard errors and intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from .._checks import Integers as Codes
from .._numerics import exact_share_limits, t_quantile
from ..customer_base import GROUPS, SOURCES, Cells
from ..errors import InputError, shown
from ..results import Floats, Integers
from .corrected_score import PARTS
from .parts import Parts, part_means
from .representation import ACTIVE, ACTIVE_POOLS, CHURNED_ANSWERED, CHURNED_REST, ENGAGED, POOLS, SILENT, Representation
from .sampled import sampled_variance
from .small_groups import composite_means

if TYPE_CHECKING:
    from .correction import Question

FEW = 5
_POOL_NAME = ("active", "engaged", "silent", "churned", "churned")


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimates:
    """Estimates of every domain; `share` and `pool_mean` (pools, D) are kept for the sensitivity analyses.

    `share[q, d, t]` is the share of the customers of term t that pool q speaks for in domain d.
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
    part_customers: Integers
    part_heard: Integers
    part_mean: Floats
    part_std_error: Floats
    variance_accounts_for: tuple[str, ...]
    share: Floats
    pool_mean: Floats

    def fields(self) -> dict[str, Any]:
        """What goes into the result as it stands."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("share", "pool_mean")}


def estimate_domains(question: Question, cells: Cells, made: Representation, y: Floats, domain: Codes, domains: int, labels: Mapping[str, Any]) -> Estimates:
    """Estimate the three terms in every domain.

    A term is the mean over pools of customers, each weighted by its known number of customers in the domain; pools are
    independent, so their variances add (times squared shares). Degrees of freedom by Satterthwaite over the pools.
    """
    pools, low, high = len(POOLS), *question.measure.limits
    voiced, voice_domain = y[made.voices], domain[made.voices]
    r_formulas = question.inference == "r"
    parts = part_means(made, voiced, cells.base_weight[made.voices], voice_domain, domains, pools, with_replacement=r_formulas, width=high - low)
    people, uninvited, scaling = _people(made, domain, domains)
    mean, variance, df = parts.mean.copy(), parts.variance.copy(), parts.df.copy()
    partly = people * scaling - parts.heard > 1e-6
    small = partly & (parts.heard < FEW) & (people > 0) & np.isin(np.arange(pools), made.voice_pool)[:, None]
    if domains == 1 and not labels:
        small[:] = False
    if small.any():
        if question.small_groups == "fail":
            _refuse_small(small, parts, labels)
        if question.small_groups == "borrow":
            composite = composite_means(cells, made, voiced, domain, domains, pools, scaling, (low, high))
            mean, variance, df = (np.where(small, b, a) for a, b in ((mean, composite.mean), (variance, composite.mse), (df, composite.df)))
        else:
            mean = np.where(small, np.nan, mean)
    share, customers = _shares(people, uninvited, scaling)
    estimate, spread, freedom = (np.full((domains, 3), np.nan) for _ in range(3))
    for t in (1, 2):
        a = share[:, :, t]
        with np.errstate(invalid="ignore", divide="ignore"):
            estimate[:, t] = np.where(a > 0, a * mean, 0.0).sum(axis=0)
            pieces = np.where(a > 0, a**2 * variance, 0.0)
            spread[:, t] = pieces.sum(axis=0)
            freedom[:, t] = spread[:, t] ** 2 / (pieces**2 / df).sum(axis=0)
    spread[:, 1:] += _more_variance(question, made, parts, mean, share, people, uninvited, domains)
    if cells.stratum is not None or cells.cluster is not None or (cells.base_weight != 1.0).any():
        spread[:, 1:] = sampled_variance(cells, made, voiced, voice_domain, mean, share, small)
    freedom = np.where(np.isnan(freedom) | (r_formulas), np.inf, freedom)
    naive = cells.source == SOURCES.index("survey")
    n_naive = np.bincount(domain[naive], weights=cells.counts[naive], minlength=domains)
    estimate[:, 0], spread[:, 0], freedom[:, 0] = _naive(cells, y, naive, domain, domains, n_naive)
    empty = (customers[:, 1:] <= 0) | ((uninvited > 0) & (share[list(ACTIVE_POOLS), :, 1].sum(axis=0) == 0))[:, None]
    estimate[:, 1:][empty], spread[:, 1:][empty] = np.nan, np.nan
    spread = np.where(np.isnan(estimate), np.nan, spread)
    std_error = np.sqrt(spread)
    n = np.column_stack([n_naive, *(_answers(cells, made, voice_domain, domains, rows) for rows in (ACTIVE_POOLS, range(pools)))])
    effective = np.column_stack([n_naive, *(_kish(made, voice_domain, domains, rows) for rows in (ACTIVE_POOLS, range(pools)))])
    margin = t_quantile(question.level, freedom) * std_error
    conf_low, conf_high = _limits(estimate, margin, effective, n, customers, low, high, question.level)
    customers[:, 0] = n_naive
    part_customers, part_heard, part_mean, part_error = _part_table(cells, made, y, domain, domains, mean, variance, people, uninvited)
    return Estimates(
        estimate=estimate,
        std_error=std_error,
        conf_low=conf_low,
        conf_high=conf_high,
        df=freedom,
        n=np.rint(n).astype(np.int64),
        customers=np.rint(customers).astype(np.int64),
        borrowed=np.column_stack([np.zeros(domains), *((share[:, :, t] * small).sum(axis=0) for t in (1, 2))]) if question.small_groups == "borrow" else np.zeros((domains, 3)),
        reasons=_reasons(estimate, customers, n_naive, share, parts, small, domains),
        contribution=np.diff(estimate, axis=1),
        part_customers=part_customers,
        part_heard=part_heard,
        part_mean=part_mean,
        part_std_error=part_error,
        variance_accounts_for=_accounts_for(question, made),
        share=share,
        pool_mean=mean,
    )


def _people(made: Representation, domain: Codes, domains: int) -> tuple[Floats, Floats, Floats]:
    """Customers by pool and domain, those never invited, and customers represented per customer of the pool."""
    people = np.zeros((len(POOLS), domains))
    inside = made.pool >= 0
    np.add.at(people, (made.pool[inside], domain[inside]), made.size[inside])
    uninvited = np.bincount(domain[~inside], weights=made.size[~inside], minlength=domains)
    invited = people[[ENGAGED, SILENT]].sum(axis=0)
    scaling = np.ones_like(people)
    with np.errstate(invalid="ignore", divide="ignore"):
        scaling[[ENGAGED, SILENT]] = np.where(invited > 0, 1.0 + uninvited / invited, 1.0)
    return people, uninvited, scaling


def _shares(people: Floats, uninvited: Floats, scaling: Floats) -> tuple[Floats, Floats]:
    """Share of each pool in each term (pools, D, 3), and the customers of each term (D, 3)."""
    represented = people * scaling
    active = represented[list(ACTIVE_POOLS)].sum(axis=0)
    active = np.where(active == 0, uninvited, active)  # nobody there was invited: shares stay 0
    everyone = active + people[[CHURNED_ANSWERED, CHURNED_REST]].sum(axis=0)
    share = np.zeros((*people.shape, 3))
    with np.errstate(invalid="ignore", divide="ignore"):
        share[list(ACTIVE_POOLS), :, 1] = np.where(active > 0, represented[list(ACTIVE_POOLS)] / active, 0.0)
        share[:, :, 2] = np.where(everyone > 0, represented / everyone, 0.0)
    return share, np.column_stack([np.zeros_like(active), active, everyone])


def _more_variance(question: Question, made: Representation, parts: Parts, mean: Floats, share: Floats, people: Floats, uninvited: Floats, domains: int) -> Floats:
    """What pools taken one by one leave out: the mix of the never invited, and the process behind the registry."""
    more = np.zeros((domains, 2))
    invited = people[[ENGAGED, SILENT]].sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mixed = (uninvited > 0) & (invited > 0)
        engaged = np.where(mixed, people[ENGAGED] / invited, 0.0)
        gap = np.where(mixed, mean[ENGAGED] - mean[SILENT], 0.0)
        active = invited + uninvited
        between = np.where(mixed, (uninvited / active) ** 2 * engaged * (1 - engaged) * gap**2 * (1 / invited + 1 / np.where(mixed, uninvited, 1.0)), 0.0)
        between = np.nan_to_num(between)
        more[:, 0] = between
        more[:, 1] = between * share[list(ACTIVE_POOLS), :, 2].sum(axis=0) ** 2
        if question.inference == "process":
            for k, t in enumerate((1, 2)):
                a = share[:, :, t]
                centre = np.where(a > 0, a * mean, 0.0).sum(axis=0)
                total = np.where(a > 0, a * (np.nan_to_num(parts.spread) + (mean - centre) ** 2), 0.0).sum(axis=0)
                size = people.sum(axis=0) + uninvited if t == 2 else people[list(ACTIVE_POOLS)].sum(axis=0) + uninvited
                more[:, k] += total / size
    return more


def _naive(cells: Cells, y: Floats, naive: Codes, domain: Codes, domains: int, n: Floats) -> tuple[Floats, Floats, Floats]:
    """Unweighted mean of the survey answers with the variance anyone would report: s^2 / n."""
    counts, values, where = cells.counts[naive], y[naive], domain[naive]
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.bincount(where, weights=counts * values, minlength=domains) / n
        square = np.bincount(where, weights=counts * (values - mean[where]) ** 2, minlength=domains)
        return mean, square / (n - 1.0) / n, np.maximum(n - 1.0, 1.0)


def _answers(cells: Cells, made: Representation, voice_domain: Codes, domains: int, pools: Any) -> Floats:
    inside = np.isin(made.voice_pool, list(pools))
    return np.bincount(voice_domain[inside], weights=cells.counts[made.voices][inside], minlength=domains)


def _kish(made: Representation, voice_domain: Codes, domains: int, pools: Any) -> Floats:
    """Effective number of answers by domain: (sum w)^2 / sum w^2."""
    inside = np.isin(made.voice_pool, list(pools))
    counts, w, where = made.weights.counts[inside], made.weights.values[inside], voice_domain[inside]
    total = np.bincount(where, weights=counts * w, minlength=domains)
    with np.errstate(invalid="ignore", divide="ignore"):
        return total**2 / np.bincount(where, weights=counts * w**2, minlength=domains)


def _limits(estimate: Floats, margin: Floats, effective: Floats, n: Floats, customers: Floats, low: float, high: float, level: float) -> tuple[Floats, Floats]:
    """Confidence limits inside the scale; exact ones where every answer stands at an end of it."""
    conf_low, conf_high = np.clip(estimate - margin, low, None), np.clip(estimate + margin, None, high)
    width = high - low
    with np.errstate(invalid="ignore"):
        at_end = (estimate - low <= 1e-12 * width) | (high - estimate <= 1e-12 * width)
        incomplete = np.column_stack([np.ones(n.shape[0], bool), n[:, 1:] < customers[:, 1:] - 1e-6])
        exact = at_end & incomplete & (effective > 0)
        share = np.clip(np.rint((estimate - low) / width), 0.0, 1.0)
    exact_low, exact_high = exact_share_limits(np.where(exact, share, 0.5), np.where(exact, effective, 2.0), level)
    return np.where(exact, low + width * exact_low, conf_low), np.where(exact, low + width * exact_high, conf_high)


def _part_table(cells: Cells, made: Representation, y: Floats, domain: Codes, domains: int, mean: Floats, variance: Floats, people: Floats, uninvited: Floats) -> tuple[Integers, Integers, Floats, Floats]:
    """Customers, answers, mean and standard error of the engaged, silent, never invited and churned of each domain."""
    customers, heard = np.zeros((domains, 4)), np.zeros((domains, 4))
    of_group = np.array([PARTS.index(name) for name in GROUPS])[cells.group]
    np.add.at(customers, (domain, of_group), made.size)
    answered = cells.source >= 0
    np.add.at(heard, (domain[answered], of_group[answered]), cells.counts[answered].astype(float))
    part_mean, part_error = np.full((domains, 4), np.nan), np.full((domains, 4), np.nan)
    engaged, silent, not_invited, churned = range(4)
    with np.errstate(invalid="ignore", divide="ignore"):
        if people[ACTIVE].any():
            voices = made.voices[made.voice_pool == ACTIVE]
            n = np.bincount(domain[voices], weights=made.size[voices], minlength=domains)
            total = np.bincount(domain[voices], weights=made.size[voices] * y[voices], minlength=domains)
            part_mean[:, engaged], part_error[:, engaged] = total / n, np.where(n >= customers[:, engaged] - 1e-6, 0.0, np.nan)
            rest = people[ACTIVE] - n
            others = (people[ACTIVE] * mean[ACTIVE] - total) / rest
            error = people[ACTIVE] * np.sqrt(variance[ACTIVE]) / rest
            for part in (silent, not_invited):
                part_mean[:, part], part_error[:, part] = others, error
        else:
            part_mean[:, engaged], part_error[:, engaged] = mean[ENGAGED], np.sqrt(variance[ENGAGED])
            part_mean[:, silent], part_error[:, silent] = mean[SILENT], np.sqrt(variance[SILENT])
            mix = people[[ENGAGED, SILENT]] / people[[ENGAGED, SILENT]].sum(axis=0)
            part_mean[:, not_invited] = np.where(mix > 0, mix * mean[[ENGAGED, SILENT]], 0.0).sum(axis=0)
            part_error[:, not_invited] = np.sqrt(np.where(mix > 0, mix**2 * variance[[ENGAGED, SILENT]], 0.0).sum(axis=0))
        mix = people[[CHURNED_ANSWERED, CHURNED_REST]] / people[[CHURNED_ANSWERED, CHURNED_REST]].sum(axis=0)
        part_mean[:, churned] = np.where(mix > 0, mix * mean[[CHURNED_ANSWERED, CHURNED_REST]], 0.0).sum(axis=0)
        part_error[:, churned] = np.sqrt(np.where(mix > 0, mix**2 * variance[[CHURNED_ANSWERED, CHURNED_REST]], 0.0).sum(axis=0))
    part_mean[customers <= 0], part_error[customers <= 0] = np.nan, np.nan
    return np.rint(customers).astype(np.int64), np.rint(heard).astype(np.int64), part_mean, np.where(np.isnan(part_mean), np.nan, part_error)


def _reasons(estimate: Floats, customers: Floats, n_naive: Floats, share: Floats, parts: Parts, small: Floats, domains: int) -> tuple[tuple[str, ...], ...]:
    """Code of the reason why each term of each domain is missing."""
    rows = []
    for d in range(domains):
        row = ["" if n_naive[d] > 0 else "nobody_answered"]
        for t in (1, 2):
            if not np.isnan(estimate[d, t]):
                row.append("")
            elif customers[d, t] <= 0:
                row.append("no_customers")
            else:
                blank = [q for q in range(len(POOLS)) if share[q, d, t] > 0 and (small[q, d] or parts.heard[q, d] == 0)]
                few = [q for q in blank if small[q, d] and parts.heard[q, d] > 0]
                if not share[:, d, 1].any() and share[:, d, t].sum() < 1 - 1e-9:
                    row.append("nobody_invited")
                else:
                    row.append(f"{_POOL_NAME[(few or blank)[0]]}_{'few' if few else 'unheard'}" if blank else "one_answer")
        rows.append(tuple(row))
    return tuple(rows)


def _refuse_small(small: Floats, parts: Parts, labels: Mapping[str, Any]) -> None:
    names = [" / ".join(str(column[d]) for column in labels.values()) for d in np.flatnonzero(small.any(axis=0))]
    by = ", ".join(labels)
    raise InputError(
        f"{len(names)} levels of {by} have fewer than {FEW} answers in a group that was only partly heard: {shown(names)}. "
        "Use small_groups='borrow' or 'blank'.",
        code="small_groups", argument="by", levels=names, by=by, few=FEW, count=len(names),
    )


def _accounts_for(question: Question, made: Representation) -> tuple[str, ...]:
    """Codes of what the standard errors account for."""
    first = {"registry": ("response", "finite_population"), "process": ("response", "finite_population", "process"), "r": ("with_replacement",)}[question.inference]
    return (*first, *made.weights.accounts_for)


