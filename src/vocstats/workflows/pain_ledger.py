"""The identification ledger: which part of the variance of an estimate comes from where.

The posterior precision of all parameters x is a sum over what is known, Λ = Σ_j Λ_j: one term per prior, one for the audit of the
coder, one for the counts. For an estimate Θ that is linear in x, of a Gaussian posterior,

    var Θ = Σ_j cov(Θ, x) Λ_j cov(x, Θ),

so that every term has its share and the shares add up to 1. A source of knowledge that would not move Θ if it erred has none; an
estimate that is all prior has everything from there. The covariances are those of the draws, so the same ledger serves both engines; for
a posterior that is not Gaussian it is the linear approximation. The shares of priors are read from it. That of the coder is the part of
the variance that would go were Se and Sp known, var E(Θ | Se, Sp) / var Θ: the same where the counts tell nothing of Se and Sp, and not
misled by the curved ridge on which Sp and a rare pain trade off where they do. What is only declared of sources (m1, m0, mode effects)
counts with the coder's, and with the priors; so does what the prior of a coder nobody audited brings, up to all of the coder's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from ..prevalence.counts import PainPointCounts, PainPointPriors
from ..prevalence.posterior import PainPointPosterior
from ..results import Floats
from .pain_shares import Block, Integers


@dataclass(frozen=True, slots=True, eq=False)
class Ledger:
    """Shares of variance, (K, g) each: `selection`, `coder` and the rest, sampling, add up to 1; `prior` is what all priors bring."""

    selection: Floats
    coder: Floats
    prior: Floats


@dataclass(frozen=True, slots=True, eq=False)
class _Known:
    """Parameters with a prior: draws (B, K, p) centred at their mean under it, precision (K, p); `own`: only of the estimate's own pain."""

    draws: Floats
    precision: Floats
    own: bool


def ledger(
    block: Block, posterior: PainPointPosterior, counts: PainPointCounts, priors: PainPointPriors, guessed: Sequence[int] = ()
) -> Ledger:
    """The ledger of the groups of a block; `guessed` are the coders whose Beta distributions are priors, with no audit in them."""
    draw = block.draw
    variance = block.shares.var(axis=0)
    centred = block.shares - block.shares.mean(axis=0)
    selection = sum((_part(centred, known) for known in _selection(posterior, priors, draw)), np.zeros(variance.shape))
    level = _part(centred, _Known(posterior.intercept[draw][:, :, None], np.full((counts.pains, 1), priors.intercept_scale**-2.0), False))
    spread = np.mean(posterior.segment_scale[draw] ** 2, axis=0)[:, None]
    segment = _part(centred, _Known(posterior.segment[draw], np.broadcast_to(1.0 / spread, posterior.segment.shape[1:]), True))
    right = [_logit(each[draw]) for each in (posterior.sensitivity, posterior.specificity)]
    sight = [np.concatenate(right, axis=1).transpose(0, 2, 1), posterior.reporting[draw]]
    coder, declared = _explained(centred, np.concatenate(sight, axis=2)), _explained(centred, sight[1])
    prior = selection + level + segment + declared * variance
    if len(guessed):
        prior = prior + np.minimum(_guesses(centred, posterior, counts, draw, list(guessed)), np.maximum(coder - declared, 0.0) * variance)
    if block.effects is not None and block.own is not None:
        prior = prior + _own_dealer(centred, block, posterior)
    elif posterior.model == "full":
        tau = np.mean(posterior.dealer_scale**2, axis=0)[:, None]
        prior = prior + _part(centred, _Known(posterior.dealer, np.broadcast_to(1.0 / tau, posterior.dealer.shape[1:]), True))
    with np.errstate(invalid="ignore", divide="ignore"):
        selected, prior = (np.nan_to_num(np.clip(each / variance, 0.0, 1.0)) for each in (selection, prior))
    coder = np.clip(coder, 0.0, 1.0)
    over = np.maximum(selected + coder, 1.0)
    return Ledger(selected / over, coder / over, prior)


def _part(centred: Floats, known: _Known) -> Floats:
    """Σ cov(Θ, x)² / prior variance of x, less what covariances of as many draws reach by chance, (K, g)."""
    draws = len(centred)
    x = known.draws - known.draws.mean(axis=0)
    weighted = np.where(np.isfinite(known.precision), known.precision, 0.0)
    chance = weighted * x.var(axis=0)  # (K, p)
    if known.own:
        covariance = np.einsum("bkg,bkp->kgp", centred, x, optimize=True) / draws
        found = np.einsum("kgp,kp->kg", covariance**2, weighted)
        expected = chance.sum(axis=1)[:, None]
    else:
        covariance = np.einsum("bkg,bjp->kgjp", centred, x, optimize=True) / draws
        found = np.einsum("kgjp,jp->kg", covariance**2, weighted)
        expected = chance.sum()
    return np.asarray(np.maximum(found - expected * centred.var(axis=0) / draws, 0.0))


def _guesses(centred: Floats, posterior: PainPointPosterior, counts: PainPointCounts, draw: Integers, guessed: list[int]) -> Floats:
    """What the priors of Se and Sp of coders nobody audited bring; their precision in logits is (a + b) p (1 - p)."""
    found = np.zeros(centred.shape[1:])
    for right, beta in ((posterior.sensitivity, counts.sensitivity), (posterior.specificity, counts.specificity)):
        p = right[draw][:, guessed].transpose(0, 2, 1)
        precision = beta[guessed].sum(axis=2).T * np.mean(p * (1.0 - p), axis=0)
        found += _part(centred, _Known(_logit(p), precision, True))
    return found


def _selection(posterior: PainPointPosterior, priors: PainPointPriors, draw: Integers) -> list[_Known]:
    """δ about the mean of its pool, and that mean."""
    mean = posterior.selection_mean[draw][:, 1:]
    if not mean.shape[1]:
        return []
    tau = np.mean(posterior.selection_scale[draw][:, 1:] ** 2, axis=0)
    own = posterior.selection[draw][:, :, 1:] - mean[:, None, :]
    pool = np.full((1, mean.shape[1]), priors.selection_mean_scale**-2.0)
    return [_Known(own, np.broadcast_to(1.0 / tau, own.shape[1:]), False), _Known(mean[:, None, :], pool, False)]


def _explained(centred: Floats, known: Floats) -> Floats:
    """Share of variance that goes once some parameters (B, K, p) are known: adjusted R² of Θ on them, squares and products, (K, g)."""
    draws, pains, many = known.shape
    total = np.einsum("bkg,bkg->kg", centred, centred)
    left = total.copy()
    if many:
        first, second = np.triu_indices(many)
        scale = known.std(axis=0)
        x = (known - known.mean(axis=0)) / np.where(scale > 0.0, scale, 1.0)
        x = np.concatenate([x, x[:, :, first] * x[:, :, second]], axis=2)
        x -= x.mean(axis=0)
        for k in range(pains):
            found = np.linalg.qr(x[:, k])[0].T @ centred[:, k]
            left[k] = (total[k] - (found**2).sum(axis=0)) * (draws - 1.0) / (draws - 1.0 - x.shape[2])
    return np.asarray(1.0 - np.divide(left, total, out=np.ones_like(total), where=total > 0.0))


def _own_dealer(centred: Floats, block: Block, posterior: PainPointPosterior) -> Floats:
    """What the pool of dealers brings to the estimate of one."""
    effects = block.effects - block.effects.mean(axis=0)  # type: ignore[union-attr]
    covariance = np.einsum("bkg,bkg->kg", centred, effects[:, :, block.own], optimize=True) / len(centred)
    return np.asarray(covariance**2 / np.mean(posterior.dealer_scale**2, axis=0)[:, None])


def _logit(share: Floats) -> Floats:
    return np.asarray(special.logit(np.clip(share, 1e-12, 1.0 - 1e-12)))
