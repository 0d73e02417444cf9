"""Networks of dealers with a known honest part: effects with their errors, or 0-1 answers in two channels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
SIZES = (30, 1500)


@dataclass(frozen=True)
class Effects:
    """One effect per dealer, the variance of its error, and who inflated."""

    effect: Floats
    variance: Floats
    inflated: Flags


def sizes(rng: np.random.Generator, dealers: int) -> Any:
    """Responses per dealer, log-uniform."""
    return np.exp(rng.uniform(*np.log(SIZES), dealers)).astype(int)


def draw_effects(
    rng: np.random.Generator, *, dealers: int = 500, spread: float = 0.03, gap: bool = True, share: float = 0.0, lift: float = 0.0
) -> Effects:
    """Effects of dealers around 0; measured in one channel, or as a gap with a quarter of the answers independent."""
    n = sizes(rng, dealers)
    independent = np.maximum(n // 4, 2)
    variance = 0.21 * (1 / (n - independent) + 1 / independent) if gap else 0.21 / n
    inflated = rng.random(dealers) < share
    return Effects(rng.normal(0.0, np.sqrt(variance + spread**2)) + lift * inflated, variance, inflated)


@dataclass(frozen=True)
class Answers:
    """0-1 answers, and per dealer who inflated and by how much his own channel is lifted."""

    score: Floats
    dealer: Any
    independent: Flags
    inflated: Flags
    lift: Floats
    n: Any


def draw_answers(
    rng: np.random.Generator, *, dealers: int = 500, levels: float = 0.10, spread: float = 0.03, share: float = 0.0, lift: float = 0.0
) -> Answers:
    """Honest levels around .70; a quarter of the answers independent; honest gaps of standard deviation `spread`."""
    n = sizes(rng, dealers)
    level = np.clip(rng.normal(0.7, levels, dealers), 0.02, 0.98)
    inflated, dealer = rng.random(dealers) < share, np.repeat(np.arange(dealers), n)
    independent = rng.random(dealer.size) < 0.25
    honest = np.clip(level + rng.normal(0.0, spread, dealers), 0.01, 0.995)
    own = np.clip(honest + lift * inflated, 0.01, 0.995)
    score = (rng.random(dealer.size) < np.where(independent, level[dealer], own[dealer])).astype(float)
    return Answers(score, dealer, independent, inflated, own - honest, n)


def flagged(p: Floats, fdr: float = 0.10) -> Flags:
    """Benjamini and Hochberg's list; a missing p-value is never on it."""
    p = np.where(np.isnan(p), 1.0, p)
    order = np.argsort(p, kind="stable")
    passes = np.flatnonzero(p[order] <= fdr * np.arange(1, p.size + 1) / p.size)
    result = np.zeros(p.size, bool)
    result[order[: passes[-1] + 1 if passes.size else 0]] = True
    return result


def judged(p: Floats, inflated: Flags) -> tuple[float, float]:
    """False share of the list, and share of the inflated on it (NaN without any)."""
    found = flagged(p)
    return float((found & ~inflated).sum() / max(found.sum(), 1)), float(found[inflated].mean()) if inflated.any() else float("nan")
