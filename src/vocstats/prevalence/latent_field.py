"""The deterministic engine of pain-point prevalence: numpy and scipy only, nothing to compile."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from .. import _checks
from ..results import Floats, Integers
from .conditional_laplace import OffsetPrior, PainCells, fit_fields
from .counts import PainPointCounts, PainPointPriors
from .dealer_quadrature import NetworkDraws, draw_dealers
from .design_effects import collapse_dealers, dealer_cells
from .independence_chains import ChainState, PainApproximation, step
from .nuisance_points import Nuisances, Proposal, effective, next_proposal, prior_proposal
from .pareto_tails import tail_shape
from .posterior import PainPointPosterior
from .selection_pool import Messages, Pool, pool_given, pool_of

_POINTS = (64, 64, 128, 256)  # of each round
_POOL = 512  # draws of the pool between rounds
_STEPS = 8  # of the chains
_DEALER_DRAWS = 250  # of the network, with one draw of every dealer each


def fit_latent_field(
    counts: PainPointCounts, *, priors: PainPointPriors | None = None, draws: int = 2000, dealers: bool = False, seed: int = 0
) -> PainPointPosterior:
    """Draws from the posterior of the hierarchical model of pain points.

    Dealers are collapsed; given what the coders are like, each pain is a small latent Gaussian field; pains share only the pool of
    selection offsets. With `dealers`, each dealer's own effect is integrated by quadrature given draws of the network.

    Parameters
    ----------
    counts : PainPointCounts
        What the sources counted.
    priors : PainPointPriors, optional
        None: the defaults.
    draws : int
        Draws of the network and its segments.
    dealers : bool
        Estimate dealers too.
    seed : int
        The same seed gives the same bits.

    Returns
    -------
    PainPointPosterior
        ``engine="approximate"``, ``model="collapsed"``.

    Raises
    ------
    InputError
        An argument is out of its bounds.
    """
    many, rng = _checks.whole(draws, "draws", low=100), np.random.default_rng(_checks.whole_seed(seed, "seed"))
    prior = priors or PainPointPriors()
    collapsed, design_effect = collapse_dealers(counts)
    pains = [_pain(collapsed, k, prior) for k in range(counts.pains)]
    fitted, pool = _approximate(pains, prior, many, counts.frame.shape[2] - 1, rng)
    states, pool, moved, shape = _run(fitted, pool, prior, rng)
    network = _posterior(counts, pains, fitted, states, pool, design_effect, rng)
    diagnostics = {
        "steps": float(_STEPS), "acceptance": moved, "pareto_k": shape, "effective_points": min(effective(each.weights) for _, each in fitted),
    }
    network = replace(network, diagnostics=diagnostics)
    return _with_dealers(network, counts, fitted, states, prior.dealer_scale, rng) if dealers else network


@dataclass(frozen=True, slots=True, eq=False)
class _Pain:
    """One pain: its cells, what is unknown of its sources, its coders, and the prior precision of its mode effects."""

    cells: PainCells
    nuisances: Nuisances
    coders: Integers
    modes: Floats


def _pain(counts: PainPointCounts, pain: int, priors: PainPointPriors) -> _Pain:
    rows = np.flatnonzero((counts.pain == pain) & (counts.n > 0))
    sources = counts.mode_scale.size
    columns, column = np.unique(counts.group[rows] * sources + counts.source[rows], return_inverse=True)
    group, source = columns // max(sources, 1), columns % max(sources, 1)
    positive, n = np.zeros((2, counts.frame.shape[0], columns.size))
    np.add.at(positive, (counts.segment[rows], column), counts.positive[rows])
    np.add.at(n, (counts.segment[rows], column), counts.n[rows])
    modal = np.unique(source[counts.mode_scale[source] > 0.0])
    offsets = np.hstack([group[:, None] == np.arange(1, counts.frame.shape[2]), source[:, None] == modal]).astype(float)
    cells = PainCells(positive, n, offsets, priors.intercept, priors.intercept_scale**2)
    nuisances, coders = _nuisances(counts, pain, source, priors)
    return _Pain(cells, nuisances, coders, counts.mode_scale[modal] ** -2.0)


def _nuisances(counts: PainPointCounts, pain: int, source: Integers, priors: PainPointPriors) -> tuple[Nuisances, Integers]:
    """Unknown chances of the sources that counted this pain: Se and Sp of their coders in turn, then m1, then m0."""
    coder = counts.coder[source]
    coders, sources = np.unique(coder[coder >= 0]), np.unique(source)
    told = sources[~np.isnan(counts.mention[sources, pain, 0])]
    invented = sources[~np.isnan(counts.false_mention[sources, pain, 0])]
    betas = np.concatenate([
        counts.sensitivity[coders, pain], counts.specificity[coders, pain], counts.mention[told, pain], counts.false_mention[invented, pain]
    ])
    one, none, after = len(betas), -1, 2 * coders.size
    at_coder = np.searchsorted(coders, coder)
    nuisances = Nuisances(
        betas,
        sensitivity=np.where(coder < 0, one, at_coder), specificity=np.where(coder < 0, one, coders.size + at_coder),
        mention=np.where(np.isin(source, told), after + np.searchsorted(told, source), one),
        false_mention=np.where(np.isin(source, invented), after + told.size + np.searchsorted(invented, source), none),
        segment_scale=priors.segment_scale,
    )
    return nuisances, coders


def _approximate(
    pains: list[_Pain], priors: PainPointPriors, draws: int, groups: int, rng: np.random.Generator
) -> tuple[list[tuple[Floats, PainApproximation]], Pool]:
    """Laplace's approximation of every pain at points spread where earlier ones were likely, under the pool that they imply."""
    centre, variance = np.zeros(groups), np.full(groups, priors.selection_mean_scale**2 + priors.selection_scale**2)
    proposals = [prior_proposal(pain.nuisances.dimensions) for pain in pains]
    starts = [(np.full(pain.cells.n.shape[0], priors.intercept), np.zeros(pain.cells.offsets.shape[1])) for pain in pains]
    for at, points in enumerate(_POINTS):
        last = at == len(_POINTS) - 1
        fitted = [
            _fit(pain, proposal, points, start, centre, 1.0 / variance, rng)
            for pain, proposal, start in zip(pains, proposals, starts, strict=True)
        ]
        pool = pool_of(_messages([each for _, each in fitted], groups), priors, draws if last else _POOL, rng)
        centre, variance = pool.predictive()
        if not last:
            proposals = [next_proposal(z, each.log_ratio + each.fields.log_evidence) for z, each in fitted]
            starts = [(each.weights @ each.fields.x, each.weights @ each.fields.beta) for _, each in fitted]
    return fitted, pool


def _fit(
    pain: _Pain, proposal: Proposal, points: int, start: tuple[Floats, Floats], centre: Floats, precision: Floats, rng: np.random.Generator
) -> tuple[Floats, PainApproximation]:
    z, log_ratio = proposal.points(points, rng)
    fixed = pain.nuisances.points(z)
    prior = OffsetPrior(np.append(centre, np.zeros_like(pain.modes)), np.append(precision, pain.modes))
    fields = fit_fields(pain.cells, fixed, prior, x=start[0], beta=start[1])
    return z, PainApproximation(pain.cells, fixed, fields, prior, log_ratio, special.softmax(log_ratio + fields.log_evidence))


def _messages(pains: list[PainApproximation], groups: int) -> Messages:
    """Normal with the moments of the mixture over points, the prior under which it was fitted divided out."""
    precision, shift = np.zeros((len(pains), groups, groups)), np.zeros((len(pains), groups))
    for k, pain in enumerate(pains):
        delta = pain.fields.beta[:, :groups]
        mean = pain.weights @ delta
        apart = delta - mean
        variance = np.tensordot(pain.weights, np.linalg.inv(pain.fields.schur)[:, :groups, :groups], 1) + (pain.weights[:, None] * apart).T @ apart
        inverse, own = np.linalg.inv(variance), pain.prior.precision[:groups]
        values, vectors = np.linalg.eigh(inverse - np.diag(own))
        told = vectors * (values > 0.0)
        precision[k] = (told * values) @ vectors.T
        shift[k] = told @ (vectors.T @ (inverse @ mean - own * pain.prior.mean[:groups]))
    return Messages(precision, shift)


def _run(
    fitted: list[tuple[Floats, PainApproximation]], pool: Pool, priors: PainPointPriors, rng: np.random.Generator
) -> tuple[list[ChainState], Pool, float, float]:
    """Pains given the pool and the pool given pains, in turn; the smallest share of chains that moved, and the largest k̂, in the last step."""
    groups = pool.mean.shape[1]
    states: list[ChainState | None] = [None] * len(fitted)
    for _ in range(_STEPS):
        steps = [step(pain, state, pool, rng) for (_, pain), state in zip(fitted, states, strict=True)]
        states = [state for state, _, _ in steps]
        pool = pool_given(np.stack([state.beta[:, :groups] for state, _, _ in steps], axis=1), priors, rng)
    return [state for state, _, _ in steps], pool, min(float(moved.mean()) for _, moved, _ in steps), max(tail_shape(w) for _, _, w in steps)


def _posterior(
    counts: PainPointCounts, pains: list[_Pain], fitted: list[tuple[Floats, PainApproximation]], states: list[ChainState], pool: Pool,
    design_effect: Floats, rng: np.random.Generator,
) -> PainPointPosterior:
    x = np.stack([state.x for state in states], axis=1)
    many, _, segments = x.shape
    groups = counts.frame.shape[2]
    alpha = x.mean(axis=2)
    none = np.zeros((many, 1))
    selection = np.zeros((many, counts.pains, groups))
    share = np.empty((2, many, len(counts.sensitivity), counts.pains))
    reporting = np.zeros((many, counts.pains, max(len(pain.nuisances.betas) - 2 * pain.coders.size + pain.modes.size for pain in pains)))
    for k, (pain, (z, _), state) in enumerate(zip(pains, fitted, states, strict=True)):
        selection[:, k, 1:] = state.beta[:, :groups - 1]
        unused = np.stack([counts.sensitivity[:, k], counts.specificity[:, k]])
        share[:, :, :, k] = rng.beta(unused[..., 0][:, None], unused[..., 1][:, None], size=share.shape[:3])
        chances = pain.nuisances.chances(z)[state.at]
        share[:, :, pain.coders, k] = np.swapaxes(chances[:, :2 * pain.coders.size].reshape(many, 2, pain.coders.size), 0, 1)
        other = np.hstack([special.logit(chances[:, 2 * pain.coders.size:]), state.beta[:, groups - 1:]])
        reporting[:, k, :other.shape[1]] = other
    return PainPointPosterior(
        engine="approximate", model="collapsed", intercept=alpha, segment=x - alpha[:, :, None], selection=selection,
        segment_scale=np.stack([pain.points.sigma[state.at] for (_, pain), state in zip(fitted, states, strict=True)], axis=1),
        selection_mean=np.hstack([none, pool.mean]), selection_scale=np.hstack([none, pool.scale]),
        sensitivity=share[0], specificity=share[1], reporting=reporting, dealer_draw=np.zeros(0, np.int64),
        dealer=np.zeros((0, counts.pains, counts.frame.shape[1])), dealer_shift=np.zeros((0, counts.pains)),
        dealer_scale=np.zeros((0, counts.pains)), design_effect=design_effect, diagnostics={},
    )


def _with_dealers(
    network: PainPointPosterior, counts: PainPointCounts, fitted: list[tuple[Floats, PainApproximation]], states: list[ChainState],
    prior_scale: float, rng: np.random.Generator,
) -> PainPointPosterior:
    used = np.arange(min(_DEALER_DRAWS, len(network.intercept)))
    effect = np.empty((used.size, counts.pains, counts.frame.shape[1]))
    shift, scale = np.empty((2, used.size, counts.pains))
    for k, ((_, pain), state) in enumerate(zip(fitted, states, strict=True)):
        at = state.at[used]
        draws = NetworkDraws(
            state.x[used], state.beta[used] @ pain.cells.offsets.T, pain.points.found[at], pain.points.false[at], network.selection[used, k]
        )
        one = draw_dealers(dealer_cells(counts, k), counts.frame, draws, prior_scale, rng)
        effect[:, k], shift[:, k], scale[:, k] = one.effect, one.shift, one.scale
    return replace(network, dealer_draw=used, dealer=effect, dealer_shift=shift, dealer_scale=scale)
