"""Networks whose survey several coders read: counts by the pattern of their labels."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
from prevalence.networks import draw_network
from scipy.special import expit

from vocstats.prevalence.counts import PainPointCounts

SENSITIVITY, SPECIFICITY = (0.85, 0.75, 0.65), (0.97, 0.95, 0.985)
WEAK = (4.0, 1.0)


def draw_patterns(
    seed: int, *, coders: int = 3, audited: tuple[int, ...] = (), unread: float = 0.0, audit: tuple[int, int] = (60, 160), **size: object
) -> tuple[PainPointCounts, dict[str, np.ndarray]]:
    """As `draw_network`, the first source read by coders who err independently; each leaves a share of the texts `unread`."""
    counts, truth = draw_network(seed, **size)  # type: ignore[arg-type]
    rng = np.random.default_rng([seed, 1])
    se, sp = (np.clip(rng.normal(np.array(mean)[:coders, None], 0.02, (coders, counts.pains)), 0.05, 0.995) for mean in (
        SENSITIVITY, SPECIFICITY
    ))
    survey = counts.source == 0
    rows = {name: getattr(counts, name)[survey] for name in ("pain", "segment", "dealer", "group")}
    k, s = rows["pain"], rows["segment"]
    logit = truth["alpha"][k] + truth["a"][k, s] + truth["delta"][k, rows["group"]]
    having = rng.binomial(counts.n[survey].astype(int), expit(logit))
    patterns = np.array([each for each in product((-1, 0, 1) if unread else (0, 1), repeat=coders) if max(each) >= 0])
    read = np.prod(np.where(patterns < 0, unread, 1.0 - unread), axis=1)
    chance = np.zeros((2, counts.pains, len(patterns)))
    for truly, right in enumerate((1.0 - sp, se)):
        each = np.where(patterns[:, :, None] == 1, right, np.where(patterns[:, :, None] == 0, 1.0 - right, 1.0))
        chance[truly] = (read[:, None] * each.prod(axis=1)).T
    chance /= chance.sum(axis=2, keepdims=True)
    found = rng.multinomial(having, chance[1, k]) + rng.multinomial(counts.n[survey].astype(int) - having, chance[0, k])
    row, pattern = np.nonzero(found)
    others = {name: getattr(counts, name)[~survey] for name in ("pain", "segment", "dealer", "group", "source", "positive", "n")}
    several = {name: each[row] for name, each in rows.items()} | {
        "source": np.zeros(row.size, int), "positive": np.full(row.size, np.nan), "n": found[row, pattern]
    }
    known = np.tile(WEAK, (2, coders, counts.pains, 1))
    for j in audited:
        for which, right, n in zip(known, (se, sp), audit, strict=True):
            hits = rng.binomial(n, right[j])
            which[j] += np.stack([hits, n - hits], axis=-1)
    made = replace(
        counts, **{name: np.concatenate([several[name], others[name]]) for name in others}, coder=np.full(counts.coder.size, -1),
        sensitivity=known[0], specificity=known[1], patterns=patterns,
        pattern=np.concatenate([pattern, np.full((~survey).sum(), -1)]),
    )
    return made, truth | {"sensitivity": se, "specificity": sp}
