"""Simulation-based calibration of the engines of pain-point prevalence: worlds from the model's own prior, ranks, and how even they are.

Talts, Betancourt, Simpson, Vehtari & Gelman (2018), arXiv:1804.06788; Modrák et al. (2023), Bayesian Anal. (quantities of the data);
Säilynoja, Bürkner & Vehtari (2022), Stat. Comput. 32 (simultaneous envelope of the distribution function).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special, stats

from vocstats.prevalence.counts import PainPointCounts, PainPointPriors
from vocstats.prevalence.posterior import PainPointPosterior

Floats = npt.NDArray[np.float64]
PAINS, SEGMENTS, GROUPS = 4, 3, 3
KEPT = 99  # draws of a posterior: ranks 0 to 99
SIMULATED = 4000  # sets of even ranks, for the envelope
PRIORS = PainPointPriors()
HEARD = np.array([150.0, 40.0, 40.0])  # of a segment: survey among the engaged, follow-up of the silent, exit interviews
FRAME = np.array([[2000.0, 6000.0, 900.0], [1200.0, 3000.0, 900.0], [600.0, 2500.0, 200.0]])
SENSITIVITY, SPECIFICITY = (16.0, 4.0), (38.0, 2.0)  # what is known of the coder before the audit
AUDITED = 60, 160  # with and without the pain
Truth = Any  # whatever has the arrays of a PainPointPosterior


@dataclass(frozen=True)
class World:
    """What was drawn, with one draw in every array, and what the sources counted."""

    truth: Truth
    counts: PainPointCounts


def world(seed: int) -> World:
    """Parameters from the prior, counts from the parameters; sources: the survey, read by a coder, follow-up and exit interviews."""
    rng = np.random.default_rng(seed)
    intercept = rng.normal(PRIORS.intercept, PRIORS.intercept_scale, PAINS)
    spread = np.abs(rng.normal(0.0, PRIORS.segment_scale, PAINS))
    unit = rng.normal(size=(PAINS, SEGMENTS))
    segment = spread[:, None] * (unit - unit.mean(axis=1, keepdims=True))
    mean, scale = np.zeros(GROUPS), np.zeros(GROUPS)
    mean[1:], scale[1:] = rng.normal(0.0, PRIORS.selection_mean_scale, 2), np.abs(rng.normal(0.0, PRIORS.selection_scale, 2))
    selection = mean + scale * rng.normal(size=(PAINS, GROUPS))
    se, sp = (rng.beta(*known, (1, PAINS)) for known in (SENSITIVITY, SPECIFICITY))
    audit = [rng.binomial(size, share) for size, share in zip(AUDITED, (se, sp), strict=True)]
    beta = [
        np.stack([a + right, b + size - right], axis=-1)
        for (a, b), size, right in zip((SENSITIVITY, SPECIFICITY), AUDITED, audit, strict=True)
    ]
    truth = SimpleNamespace(
        intercept=intercept[None], segment=segment[None], selection=selection[None], segment_scale=spread[None],
        selection_mean=mean[None], selection_scale=scale[None], sensitivity=se[None], specificity=sp[None],
    )
    pain, where, group = (each.ravel() for each in np.indices((PAINS, SEGMENTS, GROUPS)))
    blank = PainPointCounts(
        pain=pain, segment=where, dealer=np.zeros(pain.size, int), group=group, source=group, positive=np.zeros(pain.size),
        n=HEARD[group], frame=FRAME[:, None, :], coder=np.array([0, -1, -1]), sensitivity=beta[0], specificity=beta[1],
        mention=np.full((GROUPS, PAINS, 2), np.nan), false_mention=np.full((GROUPS, PAINS, 2), np.nan), mode_scale=np.zeros(GROUPS),
        pains=PAINS,
    )
    return World(truth, replace(blank, positive=rng.binomial(HEARD[group].astype(int), found(truth, blank)[0]).astype(float)))


def told_wrong(counts: PainPointCounts) -> PainPointCounts:
    """The same counts with an audit by which the coder sees 8 points less of the pain, and invents 4 points less, than he does."""
    changed = {}
    for name, shift in (("sensitivity", -0.08), ("specificity", 0.04)):
        size = getattr(counts, name).sum(axis=-1)
        share = np.clip(getattr(counts, name)[..., 0] / size + shift, 0.02, 0.99)
        changed[name] = np.stack([share * size, (1.0 - share) * size], axis=-1)
    return replace(counts, **changed)


def found(at: Truth, counts: PainPointCounts) -> Floats:
    """Chance that a customer of each cell is found to have the pain, (B, C)."""
    k, s, r = counts.pain, counts.segment, counts.group
    theta = special.expit(at.intercept[:, k] + at.segment[:, k, s] + at.selection[:, k, r])
    coded = counts.source == 0
    se, sp = np.where(coded, at.sensitivity[:, 0, k], 1.0), np.where(coded, at.specificity[:, 0, k], 1.0)
    return np.asarray(se * theta + (1.0 - sp) * (1.0 - theta))


def quantities(at: Truth, counts: PainPointCounts) -> dict[str, Floats]:
    """What is ranked, (B,) each: pain 0, segment 0 stand for the others, that are like them beforehand."""
    theta = special.expit(at.intercept[:, 0, None, None] + at.segment[:, 0, :, None] + at.selection[:, 0, None, :])
    prevalence = (theta * FRAME).sum(axis=(1, 2)) / FRAME.sum()
    asked = (counts.source == 0) & (counts.pain == 0)
    apparent = counts.positive[asked].sum() / counts.n[asked].sum()
    p = found(at, counts)
    return {
        "intercept": at.intercept[:, 0], "segment effect": at.segment[:, 0, 0], "spread of segments": at.segment_scale[:, 0],
        "offset of the silent": at.selection[:, 0, 1], "offset of the churned": at.selection[:, 0, 2],
        "mean offset of the silent": at.selection_mean[:, 1], "spread of offsets of the silent": at.selection_scale[:, 1],
        "sensitivity": at.sensitivity[:, 0, 0], "specificity": at.specificity[:, 0, 0],
        "prevalence": prevalence, "prevalence in a segment": (theta[:, 0] * FRAME[0]).sum(axis=1) / FRAME[0].sum(),
        "distance from the apparent share": np.abs(prevalence - apparent),
        "log likelihood": (counts.positive * np.log(p) + (counts.n - counts.positive) * np.log1p(-p)).sum(axis=1),
    }


def ranks(fit: Callable[[PainPointCounts, int], PainPointPosterior], seeds: Iterable[int], *, wrong: bool = False) -> pd.DataFrame:
    """Rank of the truth among 99 draws: one row per world, one column per quantity; `wrong`: the audit misleads."""
    return pd.DataFrame([_ranks(world(seed), fit, seed, wrong) for seed in seeds])


def _ranks(drawn: World, fit: Callable[[PainPointCounts, int], PainPointPosterior], seed: int, wrong: bool) -> Mapping[str, int]:
    posterior = fit(told_wrong(drawn.counts) if wrong else drawn.counts, seed)
    true, draws = quantities(drawn.truth, drawn.counts), quantities(posterior, drawn.counts)
    kept = np.linspace(0, len(posterior.intercept) - 1, KEPT).round().astype(int)
    return {name: int((draws[name][kept] < value[0]).sum()) for name, value in true.items()}


def evenness(found: pd.DataFrame, *, bins: int = 20) -> pd.DataFrame:
    """One row per quantity: mean rank and spread as shares of an even distribution's, p by chi-square and by the envelope of the ECDF."""
    least, rows = _even(len(found)), []
    for name, column in found.items():
        count = np.bincount(column.to_numpy() * bins // (KEPT + 1), minlength=bins)
        within = (np.searchsorted(least, _furthest(column.to_numpy()), side="right") + 1) / (least.size + 1)
        rows.append({
            "quantity": name, "mean_rank": column.mean() / KEPT, "spread": column.std() / np.sqrt(((KEPT + 1) ** 2 - 1) / 12),
            "p_chi_square": float(stats.chisquare(count).pvalue), "p_envelope": within,
        })
    return pd.DataFrame(rows)


@cache
def _even(worlds: int) -> Floats:
    """`_furthest` of even ranks, sorted."""
    rng = np.random.default_rng(1)
    return np.sort([_furthest(rng.integers(0, KEPT + 1, worlds)) for _ in range(SIMULATED)])


def _furthest(rank: npt.NDArray[np.int64]) -> float:
    """Smallest two-sided chance, over the ranks, of as many draws up to there."""
    upto = np.cumsum(np.bincount(rank, minlength=KEPT + 1))[:-1]
    even = np.arange(1, KEPT + 1) / (KEPT + 1)
    return float(np.minimum(special.bdtr(upto, rank.size, even), special.bdtrc(upto - 1, rank.size, even)).min())


def smallest(found: pd.DataFrame) -> float:
    """Smallest p of all tests of all quantities, times their number."""
    p = found[["p_chi_square", "p_envelope"]].to_numpy()
    return float(p.min() * p.size)
