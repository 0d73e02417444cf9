"""The deterministic engine of pain-point prevalence: numpy and scipy only, nothing to compile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy import special

from .. import _checks
from .counts import PainPointCounts, PainPointPriors
from .dealer_quadrature import NetworkDraws, draw_dealers
from .design_effects import collapse_dealers, dealer_cells
from .drop_off import stages_of
from .drop_off_chains import tell_of_drop_off
from .independence_chains import ChainState, PainApproximation, step
from .nuisance_points import effective, next_proposal
from .one_pain import OnePain, one_pain
from .pareto_tails import tail_shape
from .posterior import PainPointPosterior
from .selection_pool import Messages, Pool, pool_given, pool_of

_POINTS = (64, 64, 128, 256)  # of each round
_FEW = 50.0  # effective points: a pain with fewer is gone over again, up to three times
_ROUNDS = (*((points, False) for points in _POINTS), *((_POINTS[-1], True),) * 3)
_MORE = 4  # times as many where several coders read the same texts: more chances are unknown, on longer ridges
_POOL = 512  # draws of the pool between rounds
_STEPS = 8  # of the chains
_DEALER_DRAWS = 250  # of the network, with one draw of every dealer each


def fit_latent_field(
    counts: PainPointCounts, *, priors: PainPointPriors | None = None, draws: int = 2000, dealers: bool = False, seed: int = 0
) -> PainPointPosterior:
    """Draws from the posterior of the hierarchical model of pain points, without compiling and in seconds.

        logit θ_ksr = α_k + a_ks + δ_kr           α_k ~ N(m, v),   a_k ~ N(0, σ_k²), its sum over segments 0
        δ_kr ~ N(μ_r, τ_r²)                       0 for the engaged
        y_ksrq ~ Bin(n_ksrq, s θ + f (1 - θ))     s, f: chances that source q finds the pain at who has it, and at who has not

    Counts of all dealers are taken together, divided by their design effects (`collapse_dealers`). Pains share the pool (μ, τ) alone. Of
    every pain, points of (Se, Sp, m1, m0, σ) are spread evenly where they are likely; at each, Laplace's method gives a normal distribution
    of (α, a, δ). Mixed over points it tells the pool what the pain's counts say of δ; τ is integrated over points, μ exactly. The draws so
    found start Markov chains, one per draw, that propose anew from these distributions (a bit widened) given the pool and accept by the
    model's own density, pool and pains in turn: what Laplace's method leaves out is made up for. Drop-off ties pains to each other: the
    draws are chosen by the chance of the drop-off seen, its own parameters integrated out, and the chains go on with it. With `dealers`,
    the spread of dealers and the effect of each are integrated over a grid given draws of the network.

    Parameters
    ----------
    counts : PainPointCounts
        What the sources counted.
    priors : PainPointPriors, optional
        None: the defaults.
    draws : int
        Draws of the network and its segments, 100 or more.
    dealers : bool
        Estimate dealers too, from 250 of the draws.
    seed : int
        The same seed gives the same bits.

    Returns
    -------
    PainPointPosterior
        ``engine="approximate"``, ``model="collapsed"``; `diagnostics`: ``steps`` of the chains, smallest ``acceptance`` of a pain in the
        last step, largest ``pareto_k`` of the proposals' weights (it warns, but certifies nothing), smallest number of
        ``effective_points``. With drop-off also ``drop_off_pareto_k`` and ``drop_off_effective_draws`` of the weights that choose draws;
        ``drop_off_sweeps`` of the chains, ``drop_off_drift`` (how many standard deviations means of segments moved in the second half of
        them, root mean square) and the smallest ``drop_off_acceptance`` of a pain.

    Raises
    ------
    InputError
        An argument is out of its bounds.

    References
    ----------
    Rue, Martino & Chopin (2009), J. Royal Stat. Soc. B 71(2), for Laplace's method over points; Tierney (1994), Annals of Statistics
    22(4), for chains that propose independently.

    Examples
    --------
    Of 400 engaged customers a coder finds the pain at 60, of 40 silent ones called back 12 have it:

    >>> import numpy as np
    >>> from vocstats.prevalence import PainPointCounts, fit_latent_field
    >>> none = np.full((2, 1, 2), np.nan)
    >>> counts = PainPointCounts(
    ...     pain=[0, 0], segment=[0, 0], dealer=[0, 0], group=[0, 1], source=[0, 1], positive=[60, 12], n=[400, 40], frame=[[[400, 1000]]],
    ...     coder=[0, -1], sensitivity=[[[52, 8]]], specificity=[[[156, 4]]], mention=none, false_mention=none, mode_scale=[0, 0], pains=1)
    >>> p = fit_latent_field(counts)
    >>> theta = 1 / (1 + np.exp(-p.intercept[:, :1] - p.selection[:, 0]))
    >>> theta.mean(axis=0).round(2)
    array([0.15, 0.27])
    """
    many, rng = _checks.whole(draws, "draws", low=100), np.random.default_rng(_checks.whole_seed(seed, "seed"))
    prior = priors or PainPointPriors()
    collapsed, design_effect = collapse_dealers(counts)
    pains = [one_pain(collapsed, k, prior) for k in range(counts.pains)]
    fitted, pool = _approximated(pains, prior, many, counts.frame.shape[2] - 1, rng)
    states, pool, diagnostics = _run(fitted, pool, prior, rng)
    slope = np.zeros((many, 0, counts.pains))
    if counts.drop_off is not None and stages_of(counts.drop_off):
        told = tell_of_drop_off(counts.drop_off, counts.frame.sum(axis=1), fitted, states, pool, prior, rng)
        states, pool, slope, diagnostics = told.states, told.pool, told.slope, diagnostics | told.diagnostics
    network = replace(
        _posterior(counts, pains, fitted, states, pool, rng), design_effect=design_effect, diagnostics=diagnostics, drop_off_slope=slope
    )
    return _with_dealers(network, counts, fitted, states, prior.dealer_scale, rng) if dealers else network


def _approximated(
    pains: Sequence[OnePain], priors: PainPointPriors, draws: int, groups: int, rng: np.random.Generator
) -> tuple[list[PainApproximation], Pool]:
    """Every pain at points spread where earlier ones were likely, and under the pool that they imply."""
    centre, variance = np.zeros(groups), np.full(groups, priors.selection_mean_scale**2 + priors.selection_scale**2)
    starts = [(np.full(pain.cells.n.shape[0], priors.intercept), np.zeros(pain.cells.offsets.shape[1])) for pain in pains]
    proposals = [pain.first_proposal(centre, variance, start) for pain, start in zip(pains, starts, strict=True)]
    times = [_MORE if pain.several else 1 for pain in pains]
    fitted: list[PainApproximation] = []
    for points, again in _ROUNDS:
        due = [k for k in range(len(pains)) if not again or effective(fitted[k].weights) < _FEW * times[k]]
        if not due:
            break
        found = {k: pains[k].fit(proposals[k], points * times[k], centre, variance, starts[k], rng) for k in due}
        fitted = [found[k] if k in found else fitted[k] for k in range(len(pains))]
        pool = pool_of(_messages(fitted, groups), priors, draws if points == _POINTS[-1] else _POOL, rng)
        centre, variance = pool.predictive()
        proposals = [next_proposal(each.z, each.log_ratio + each.fields.log_evidence) for each in fitted]
        starts = [(each.weights @ each.fields.x, each.weights @ each.fields.beta) for each in fitted]
    return fitted, pool


def _messages(fitted: Sequence[PainApproximation], groups: int) -> Messages:
    """Normal with the moments of the mixture over points, the prior under which it was fitted divided out."""
    precision, shift = np.zeros((len(fitted), groups, groups)), np.zeros((len(fitted), groups))
    for k, pain in enumerate(fitted):
        delta, own = pain.fields.beta[:, :groups], pain.prior.precision[:groups]
        mean = pain.weights @ delta
        apart = delta - mean
        within = np.tensordot(pain.weights, np.linalg.inv(pain.fields.schur)[:, :groups, :groups], 1)
        inverse = np.linalg.inv(within + (pain.weights[:, None] * apart).T @ apart)
        values, vectors = np.linalg.eigh(inverse - np.diag(own))
        told = vectors * (values > 0.0)
        precision[k] = (told * values) @ vectors.T
        shift[k] = told @ (vectors.T @ (inverse @ mean - own * pain.prior.mean[:groups]))
    return Messages(precision, shift)


def _run(
    fitted: Sequence[PainApproximation], pool: Pool, priors: PainPointPriors, rng: np.random.Generator
) -> tuple[list[ChainState], Pool, dict[str, float]]:
    """Pains given the pool and the pool given pains, in turn."""
    groups = pool.mean.shape[1]
    states: list[ChainState | None] = [None] * len(fitted)
    for _ in range(_STEPS):
        steps = [step(pain, state, pool, rng) for pain, state in zip(fitted, states, strict=True)]
        states = [state for state, _, _ in steps]
        pool = pool_given(np.stack([state.beta[:, :groups] for state, _, _ in steps], axis=1), priors, rng)
    diagnostics = {
        "steps": float(_STEPS), "acceptance": min(float(moved.mean()) for _, moved, _ in steps),
        "pareto_k": max(tail_shape(log_weight) for _, _, log_weight in steps),
        "effective_points": min(effective(pain.weights) for pain in fitted),
    }
    return [state for state, _, _ in steps], pool, diagnostics


def _posterior(
    counts: PainPointCounts, pains: Sequence[OnePain], fitted: Sequence[PainApproximation], states: Sequence[ChainState], pool: Pool,
    rng: np.random.Generator,
) -> PainPointPosterior:
    """Draws by name; of coders who coded nothing of a pain, from their priors."""
    x = np.stack([state.x for state in states], axis=1)
    many, groups, dealers = len(x), counts.frame.shape[2], counts.frame.shape[1]
    selection, none = np.zeros((many, counts.pains, groups)), np.zeros((many, 1))
    right = np.stack([counts.sensitivity, counts.specificity])
    share = rng.beta(right[..., 0], right[..., 1], size=(many, *right.shape[:3]))
    reporting = np.zeros((many, counts.pains, max(len(pain.nuisances.betas) - 2 * pain.coders.size + pain.modes.size for pain in pains)))
    for k, (pain, approximation, state) in enumerate(zip(pains, fitted, states, strict=True)):
        selection[:, k, 1:] = state.beta[:, :groups - 1]
        chances = approximation.points.chances[state.at]
        coded, other = np.split(chances, [2 * pain.coders.size], axis=1)
        share[:, :, pain.coders, k] = coded.reshape(many, 2, pain.coders.size)
        other = np.hstack([special.logit(other), state.beta[:, groups - 1:]])
        reporting[:, k, :other.shape[1]] = other
    alpha = x.mean(axis=2)
    return PainPointPosterior(
        engine="approximate", model="collapsed", intercept=alpha, segment=x - alpha[:, :, None], selection=selection,
        segment_scale=np.stack([pain.points.sigma[state.at] for pain, state in zip(fitted, states, strict=True)], axis=1),
        selection_mean=np.hstack([none, pool.mean]), selection_scale=np.hstack([none, pool.scale]), sensitivity=share[:, 0],
        specificity=share[:, 1], reporting=reporting, dealer_draw=np.zeros(0, np.int64), dealer=np.zeros((0, counts.pains, dealers)),
        dealer_shift=np.zeros((0, counts.pains)), dealer_scale=np.zeros((0, counts.pains)), design_effect=np.ones(counts.pains),
        diagnostics={},
    )


def _with_dealers(
    network: PainPointPosterior, counts: PainPointCounts, fitted: Sequence[PainApproximation], states: Sequence[ChainState],
    prior_scale: float, rng: np.random.Generator,
) -> PainPointPosterior:
    used = np.arange(min(_DEALER_DRAWS, len(network.intercept)))
    effect = np.empty((used.size, counts.pains, counts.frame.shape[1]))
    shift, scale = np.empty((2, used.size, counts.pains))
    for k, (pain, state) in enumerate(zip(fitted, states, strict=True)):
        at, offset = state.at[used], state.beta[used] @ pain.cells.offsets.T
        draws = NetworkDraws(state.x[used], offset, pain.points.found[at], pain.points.false[at], network.selection[used, k])
        one = draw_dealers(dealer_cells(counts, k, patterns=True), counts.frame, draws, prior_scale, rng)
        effect[:, k], shift[:, k], scale[:, k] = one.effect, one.shift, one.scale
    return replace(network, dealer_draw=used, dealer=effect, dealer_shift=shift, dealer_scale=scale)
