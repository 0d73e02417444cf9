"""Counts drawn from the collapsed model itself, with its parameters."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from vocstats.prevalence.counts import PainPointCounts, PainPointPriors

COLUMNS = ("pain", "segment", "dealer", "group", "source", "positive", "n")


def draw_network(
    seed: int, *, pains: int = 6, segments: int = 6, heard: tuple[int, ...] = (200, 15, 10), audit: tuple[int, int] = (60, 160)
) -> tuple[PainPointCounts, dict[str, np.ndarray]]:
    """One source per response group: the first through a coder, the others perfect."""
    rng, prior, groups = np.random.default_rng(seed), PainPointPriors(), len(heard)
    sigma = np.abs(rng.normal(0.0, prior.segment_scale, pains))
    unit = rng.normal(size=(pains, segments))
    mu = np.append(0.0, rng.normal(0.0, prior.selection_mean_scale, groups - 1))
    tau = np.append(0.0, np.abs(rng.normal(0.0, prior.selection_scale, groups - 1)))
    truth = {
        "alpha": rng.normal(prior.intercept, prior.intercept_scale, pains), "a": sigma[:, None] * (unit - unit.mean(axis=1, keepdims=True)),
        "sigma": sigma, "delta": mu + tau * rng.normal(size=(pains, groups)), "mu": mu, "tau": tau,
        "sensitivity": rng.beta(12.0, 2.0, pains), "specificity": rng.beta(60.0, 2.0, pains),
    }
    right, wrong = rng.binomial(audit[0], truth["sensitivity"]), rng.binomial(audit[1], truth["specificity"])
    k, s, r = (each.ravel() for each in np.indices((pains, segments, groups)))
    share = expit(truth["alpha"][k] + truth["a"][k, s] + truth["delta"][k, r])
    se, sp = np.where(r == 0, truth["sensitivity"][k], 1.0), np.where(r == 0, truth["specificity"][k], 1.0)
    n = np.array(heard)[r]
    layers = np.full((groups, pains, 2), np.nan)
    found = rng.binomial(n, se * share + (1 - sp) * (1 - share))
    counts = PainPointCounts(
        pain=k, segment=s, dealer=np.zeros(k.size, int), group=r, source=r, positive=found, n=n,
        frame=np.ones((segments, 1, groups)) * np.array([3.0, 6.0, 1.0])[:groups], coder=np.array([0, -1, -1])[:groups],
        sensitivity=np.stack([12.0 + right, 2.0 + audit[0] - right], axis=-1)[None],
        specificity=np.stack([60.0 + wrong, 2.0 + audit[1] - wrong], axis=-1)[None],
        mention=layers, false_mention=layers, mode_scale=np.zeros(groups), pains=pains,
    )
    return counts, truth


def keep_rows(counts: PainPointCounts, kept: np.ndarray) -> dict[str, np.ndarray]:
    """The columns of these rows, for `dataclasses.replace`."""
    return {name: getattr(counts, name)[kept] for name in COLUMNS}
