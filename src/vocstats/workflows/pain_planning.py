"""What the next follow-ups of the silent, or the next answers read again, would take off an interval."""

from __future__ import annotations

import numpy as np
from scipy import special

from .._numerics import central_interval
from ..errors import InputError
from ..results import Floats
from .pain_fit import PainPointFit
from .pain_ranking import Columns, long_form
from .pain_shares import Groups
from .pain_tables import SILENT


def value_of_information(fit: PainPointFit, groups: Groups, level: float, *, follow_ups: int, audits: int) -> Columns:
    """Expected width of the intervals after more data, in the linear (Gaussian) approximation.

    What the next data show is y = p + e, with p what the posterior now says of their mean and e their sampling error, so that

        var(Θ | y) = var Θ - cov(Θ, p) [var p + var e]⁻¹ cov(p, Θ)
    """
    shape = (fit.table.pains.size, groups.size)
    found = {name: np.empty(shape) for name in ("width", "width_follow_ups", "width_audits")}
    asked = _follow_up(fit, follow_ups) if follow_ups else None
    read = _rereading(fit, audits) if audits else None
    for block in fit.blocks(groups):
        low, high = central_interval(block.shares, level)
        found["width"][:, block.at] = high - low
        for name, more in (("width_follow_ups", asked), ("width_audits", read)):
            gain = 0.0 if more is None else _gain(block.shares, more[0][block.draw], more[1])
            found[name][:, block.at] = (high - low) * np.sqrt(1.0 - gain)
    return long_form(fit, groups, found)


def _gain(shares: Floats, p: Floats, noise: Floats) -> Floats:
    """Share of the variance of `shares` (B, K, g) that data with means `p` (B, K or 1, m) and variances `noise` (K or 1, m) take off."""
    draws = len(shares)
    theta, mean = shares - shares.mean(axis=0), p - p.mean(axis=0)
    between = np.einsum("bki,bkj->kij", mean, mean, optimize=True) / draws
    total = between + noise[:, :, None] * np.eye(noise.shape[1])
    covariance = np.einsum("bkg,bkm->kgm", theta, np.broadcast_to(mean, (draws, theta.shape[1], p.shape[2])), optimize=True) / draws
    solved = np.linalg.solve(np.broadcast_to(total, (theta.shape[1], *total.shape[1:])), covariance.transpose(0, 2, 1))
    explained = np.einsum("kgm,kmg->kg", covariance, solved, optimize=True)
    chance = np.einsum("kij,kji->k", np.linalg.inv(total), between)[:, None] / draws  # of covariances of as many draws
    variance = theta.var(axis=0)
    share = np.divide(explained, variance, out=np.zeros_like(variance), where=variance > 0) - chance
    return np.asarray(np.clip(share, 0.0, 1.0))


def _follow_up(fit: PainPointFit, size: int) -> tuple[Floats, Floats]:
    """Shares found by a follow-up drawn at random from all silent customers, (B, 1, K), and their sampling variance (1, K)."""
    frame, posterior, counts = fit.table.frame, fit.posterior, fit.table.counts
    if SILENT not in frame.response_groups:
        raise InputError(
            "The frame has no silent customers to follow up. Give follow_ups=0.", code="no_silent_group", argument="follow_ups"
        )
    r = frame.response_groups.index(SILENT)
    customers = frame.customers[:, :, r].sum(axis=1)
    linear = posterior.intercept[:, :, None] + posterior.segment + posterior.selection[:, :, r, None]
    asked = np.flatnonzero(fit.table.asked)
    told = np.bincount(counts.source, weights=counts.n * (counts.group == r), minlength=len(fit.table.sources))[asked]
    source = int(asked[np.argmax(told)]) if told.any() else -1
    share = special.expit(linear) @ (customers / customers.sum())
    coders = _coders(fit, source) if source >= 0 else []
    if coders:
        found, false = (_by_half(each[:, coders]) for each in (posterior.sensitivity, 1.0 - posterior.specificity))
        share = found * share + false * (1.0 - share)
    return share[:, None, :], (posterior.design_effect * (share * (1.0 - share)).mean(axis=0) / size)[None, :]


def _coders(fit: PainPointFit, source: int) -> list[int]:
    """Who codes what a source says; nobody, where that is the truth."""
    counts = fit.table.counts
    several = np.unique(counts.pattern[(counts.source == source) & (counts.pattern >= 0)])
    if several.size:
        return np.flatnonzero((counts.patterns[several] >= 0).any(axis=0)).tolist()
    return [int(counts.coder[source])] if counts.coder[source] >= 0 else []


def _by_half(chance: Floats) -> Floats:
    """Chance that at least half of the coders say so, each with a chance of his own (B, J, K); (B, K)."""
    draws, coders, pains = chance.shape
    say = np.zeros((coders + 1, draws, pains))  # by how many have said so
    say[0] = 1.0
    for j in range(coders):
        say[1:] = say[1:] * (1.0 - chance[:, j]) + say[:-1] * chance[:, j]
        say[0] *= 1.0 - chance[:, j]
    return np.asarray(say[(coders + 1) // 2 :].sum(axis=0))


def _rereading(fit: PainPointFit, size: int) -> tuple[Floats, Floats]:
    """Se and Sp of every coder, (B, K, 2 J), and the variance of the shares found right when `size` answers of each are read again."""
    posterior, counts = fit.posterior, fit.table.counts
    share = special.expit(posterior.intercept).mean(axis=0)[:, None]
    right = np.concatenate([posterior.sensitivity, posterior.specificity], axis=1).transpose(0, 2, 1)
    coders = len(counts.sensitivity)
    if not coders:
        raise InputError("No source has a coder to audit. Give audits=0.", code="no_coder", argument="audits")
    read = size * np.concatenate([np.repeat(share, coders, axis=1), np.repeat(1.0 - share, coders, axis=1)], axis=1)
    return right, (right * (1.0 - right)).mean(axis=0) / read
