"""Forms of simulated dealers: answers to items, times and devices, honest unless altered."""

from __future__ import annotations

from typing import Any

import numpy as np

CUTS = np.array([-3, -2.6, -2.3, -2, -1.7, -1.4, -1.1, -0.8, -0.4])
START = np.datetime64("2026-01-01T00:00:00")


def sizes(rng: np.random.Generator, dealers: int, low: float = 30, high: float = 600) -> Any:
    """The dealer of every form, log-uniform in number."""
    return np.repeat(np.arange(dealers), np.exp(rng.uniform(np.log(low), np.log(high), dealers)).astype(int))


def item_answers(rng: np.random.Generator, dealer: Any, *, habits: float = 0.0, items: int = 8) -> Any:
    """1 to 10 with a common factor; `habits`: standard deviation of a dealer's item effects."""
    dealers = dealer.max() + 1
    latent = 0.85 * (rng.normal(size=dealer.size) + 0.3 * rng.normal(size=dealers)[dealer])[:, None]
    latent = latent + 0.5 * rng.normal(size=(dealer.size, items)) + habits * rng.normal(size=(dealers, items))[dealer]
    return 1.0 + np.searchsorted(CUTS, latent + 0.15 * rng.normal(size=items))


def copied(rng: np.random.Generator, answers: Any, dealer: Any, who: int, share: float) -> Any:
    """`answers` with a share of the forms of dealers below `who` copied from good ones of their own, half of them changed in one item."""
    altered = answers.copy()
    for each in range(who):
        rows = np.flatnonzero(dealer == each)
        good = rows[(answers[rows].mean(axis=1) >= 8.5) & ~(answers[rows] == 10).all(axis=1)]
        filled = rng.choice(rows, int(share * rows.size), replace=False)
        altered[filled] = answers[rng.choice(good, filled.size)]
        changed = filled[: filled.size // 2]
        item = rng.integers(0, answers.shape[1], changed.size)
        altered[changed, item] = np.clip(altered[changed, item] + rng.choice([-1, 1], changed.size), 1, 10)
    return altered


def opening_times(rng: np.random.Generator, dealer: Any, days: int = 90) -> Any:
    """Moments within opening hours that differ by dealer."""
    dealers = dealer.max() + 1
    opens, hours = 8 + rng.integers(0, 3, dealers)[dealer], 8 + rng.integers(0, 4, dealers)[dealer]
    second = ((opens + hours * rng.beta(1.3, 1.3, dealer.size)) * 3600).astype(int)
    return START + rng.integers(0, days, dealer.size) * 86_400 + second


def dated_scores(
    rng: np.random.Generator, dealer: Any, *, days: int = 365, season: float = 0.2, wander: float = 0.0, end: float = 0.15,
    ends: float = 0.1,
) -> tuple[Any, Any, Any]:
    """Scores 1 to 10, their days and which fall in the last five of a month; all with dealer effects, a season and month ends."""
    dealers, day = dealer.max() + 1, rng.integers(0, days, dealer.size)
    moment = (START + day * 86_400).astype("datetime64[D]")
    last = ((moment.astype("datetime64[M]") + np.timedelta64(1, "M")).astype("datetime64[D]") - moment).astype(int) <= 5
    normal = rng.normal(size=(4, dealers))[:, dealer]
    latent = rng.normal(size=dealer.size) + 0.3 * normal[0] + season * np.sin(day / 60) + wander * (day / days) * normal[1]
    return 1.0 + np.searchsorted(CUTS, latent + last * (end + ends * normal[2])), moment, last


def assert_calibrated(p: Any, *, room: float = 3.0, levels: tuple[float, ...] = (0.5, 0.1, 0.05, 0.01)) -> None:
    """No more small p-values than `room` binomial standard errors above their level."""
    p = p[~np.isnan(p)]
    for level in levels:
        assert (p <= level).mean() <= level + room * (level * (1 - level) / p.size) ** 0.5, (level, (p <= level).mean(), p.size)
