"""The model of pain points written out, and sampled by differential evolution: slow, plain, and independent of the engines."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import special

from vocstats.prevalence.counts import PainPointCounts, PainPointPriors

Draws = dict[str, np.ndarray]


def unpack(counts: PainPointCounts, z: np.ndarray) -> Draws:
    """Parameters from unconstrained rows: chances by logits, spreads by logarithms, segments by deviations from the last."""
    segments, _, groups = counts.frame.shape
    pains, coders = counts.pains, len(counts.sensitivity)
    told, invented = (~np.isnan(getattr(counts, name)[..., 0]) for name in ("mention", "false_mention"))
    sizes = {
        "alpha": (pains,), "a": (pains, segments - 1), "log_sigma": (pains,), "delta": (pains, groups - 1), "mu": (groups - 1,),
        "log_tau": (groups - 1,), "se": (coders, pains), "sp": (coders, pains), "m1": (told.sum(),), "m0": (invented.sum(),),
        "mode": (counts.mode_scale.size, pains),
    }
    parts, first = {}, 0
    for name, shape in sizes.items():
        size = int(np.prod(shape))
        parts[name] = z[:, first:first + size].reshape(len(z), *shape)
        first += size
    parts["a"] = np.concatenate([parts["a"], -parts["a"].sum(axis=2, keepdims=True)], axis=2)
    assert first == z.shape[1]
    return parts


def dimensions(counts: PainPointCounts) -> int:
    segments, _, groups = counts.frame.shape
    layers = sum(int((~np.isnan(getattr(counts, name)[..., 0])).sum()) for name in ("mention", "false_mention"))
    each = counts.pains * (1 + segments + groups - 1 + 2 * len(counts.sensitivity) + counts.mode_scale.size)
    return each + 2 * (groups - 1) + layers


def log_density(counts: PainPointCounts, z: np.ndarray, priors: PainPointPriors) -> np.ndarray:
    """Log posterior density of rows of z; a mode without a scale is a standard normal that nothing reads."""
    p = unpack(counts, z)
    segments = counts.frame.shape[0]
    sigma, tau = np.exp(p["log_sigma"]), np.exp(p["log_tau"])
    log = -0.5 * ((p["alpha"] - priors.intercept) / priors.intercept_scale) ** 2 - 0.5 * (sigma / priors.segment_scale) ** 2
    log = log + p["log_sigma"] - (segments - 1) * p["log_sigma"] - 0.5 * np.sum(p["a"] ** 2, axis=2) / sigma**2
    total = log.sum(axis=1)
    total += np.sum(-0.5 * (p["mu"] / priors.selection_mean_scale) ** 2 - 0.5 * (tau / priors.selection_scale) ** 2 + p["log_tau"], axis=1)
    total += np.sum(-0.5 * ((p["delta"] - p["mu"][:, None]) / tau[:, None]) ** 2 - p["log_tau"][:, None], axis=(1, 2))
    chances = {}
    for name, given in {"se": "sensitivity", "sp": "specificity", "m1": "mention", "m0": "false_mention"}.items():
        beta = getattr(counts, given)
        beta = beta[~np.isnan(beta[..., 0])].reshape(*p[name].shape[1:], 2)
        chances[name] = special.expit(p[name])
        jacobian = special.log_expit(p[name]) + special.log_expit(-p[name])
        log = (beta[..., 0] - 1) * special.log_expit(p[name]) + (beta[..., 1] - 1) * special.log_expit(-p[name]) + jacobian
        total += log.reshape(len(z), -1).sum(axis=1)
    total -= 0.5 * np.sum(p["mode"] ** 2, axis=(1, 2))
    k, s, r, q = counts.pain, counts.segment, counts.group, counts.source
    logit = p["alpha"][:, k] + p["a"][:, k, s] + np.where(r > 0, p["delta"][:, k, r - 1] if p["delta"].size else 0.0, 0.0)
    share = special.expit(logit + p["mode"][:, q, k] * counts.mode_scale[q])
    for name, given, end in (("m1", "mention", 1.0), ("m0", "false_mention", 0.0)):
        known = ~np.isnan(getattr(counts, given)[..., 0])
        every = np.full((len(z), *known.shape), end)
        every[:, known] = chances[name]
        chances[name] = every[:, q, k]
    share = chances["m1"] * share + chances["m0"] * (1 - share)
    coder = counts.coder[q]
    if len(counts.sensitivity):
        se, sp = (np.where(coder < 0, 1.0, chances[name][:, np.maximum(coder, 0), k]) for name in ("se", "sp"))
        share = se * share + (1 - sp) * (1 - share)
    share = np.clip(share, 1e-12, 1 - 1e-12)
    return total + np.sum(counts.positive * np.log(share) + (counts.n - counts.positive) * np.log1p(-share), axis=1)


def sample(
    log_density: Callable[[np.ndarray], np.ndarray], dimensions: int, *, seed: int, chains: int = 400, steps: int = 4000, kept: int = 2000
) -> np.ndarray:
    """Draws (kept / 20 * chains, dimensions): every chain steps along the difference of two others (ter Braak 2006, Stat. Comput. 16)."""
    rng = np.random.default_rng(seed)
    z = rng.normal(0.0, 0.5, (chains, dimensions))
    at, out = log_density(z), []
    half = chains // 2
    for step in range(steps):
        for own, others in ((slice(0, half), slice(half, None)), (slice(half, None), slice(0, half))):
            one, two = (rng.permutation(z[others]) for _ in range(2))
            length = 1.0 if step % 10 == 0 else 2.38 / np.sqrt(2.0 * dimensions) * np.exp(rng.normal(0.0, 0.3))
            proposed = z[own] + length * (one - two) + 1e-4 * rng.standard_normal(one.shape)
            log = log_density(proposed)
            better = np.log(rng.random(half)) < log - at[own]
            z[own] = np.where(better[:, None], proposed, z[own])
            at[own] = np.where(better, log, at[own])
        if step >= steps - kept and step % 20 == 0:
            out.append(z.copy())
    return np.concatenate(out)
