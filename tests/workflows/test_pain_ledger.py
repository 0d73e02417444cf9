"""The identification ledger against a Gaussian posterior whose parts are known, and on worlds with more and more follow-ups."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from workflows.pain_worlds import cells, estimated, tiny

import vocstats as vs
from vocstats.prevalence.counts import PainPointCounts, PainPointPriors
from vocstats.prevalence.posterior import PainPointPosterior
from vocstats.workflows.pain_ledger import ledger
from vocstats.workflows.pain_shares import Block

PAINS, SEGMENTS, DRAWS = 5, 3, 60_000


def toy(follow_up: float, audit: float) -> tuple[Any, Any, Any]:
    """A Gaussian posterior of (α, a, δ, μ, logit Se) by pain, whose estimate is linear; the exact shares of its variance.

    Data: α + a of the engaged with precision 200 + 300 by segment, seen through a coder whose error adds to it, and δ with precision
    `follow_up` at the first three pains.
    """
    tau, priors = 0.4, PainPointPriors()
    per = 1 + SEGMENTS + 1 + 1  # α, a, δ, z = logit Se
    size = PAINS * per + 1  # and μ
    mu = size - 1
    basis = np.eye(SEGMENTS) - 1.0 / SEGMENTS
    parts = {name: np.zeros((size, size)) for name in ("level", "segment", "selection", "coder", "data")}
    parts["selection"][mu, mu] += priors.selection_mean_scale**-2.0
    for k in range(PAINS):
        alpha, delta, z = k * per, k * per + SEGMENTS + 1, k * per + SEGMENTS + 2
        a = np.arange(alpha + 1, alpha + 1 + SEGMENTS)
        parts["level"][alpha, alpha] += priors.intercept_scale**-2.0
        parts["segment"][np.ix_(a, a)] += basis / 0.3**2 + np.ones((SEGMENTS, SEGMENTS)) * 1e4  # the sum is 0
        for i, j, sign in ((delta, delta, 1.0), (mu, mu, 1.0), (delta, mu, -1.0), (mu, delta, -1.0)):
            parts["selection"][i, j] += sign / tau**2
        parts["coder"][z, z] += audit
        for s in range(SEGMENTS):
            seen = np.zeros(size)
            seen[[alpha, a[s], z]] = 1.0, 1.0, 0.5
            parts["data"] += (200.0 + 50.0 * s) * np.outer(seen, seen)
        if k < 3:
            seen = np.zeros(size)
            seen[[alpha, delta]] = 1.0
            parts["data"] += follow_up * np.outer(seen, seen)
    covariance = np.linalg.inv(sum(parts.values()))
    weights = np.zeros((PAINS, size))
    for k in range(PAINS):
        weights[k, [k * per, k * per + 1]] = 1.0, 0.3
        weights[k, k * per + SEGMENTS + 1] = 0.7
    reach = weights @ covariance
    variance = np.einsum("ki,ki->k", reach, weights)
    exact = {name: np.einsum("ki,ij,kj->k", reach, part, reach) / variance for name, part in parts.items()}
    z_at = np.arange(PAINS) * per + SEGMENTS + 2
    exact["coder known"] = reach[np.arange(PAINS), z_at] ** 2 / covariance[z_at, z_at] / variance
    x = np.random.default_rng(1).multivariate_normal(np.zeros(size), covariance, DRAWS)
    by_pain = x[:, :-1].reshape(DRAWS, PAINS, per)
    selection = np.stack([np.zeros((DRAWS, PAINS)), by_pain[:, :, SEGMENTS + 1]], axis=2)
    z = by_pain[:, :, SEGMENTS + 2]
    pair = _beta_with(1.0 / audit)
    none = np.zeros(DRAWS)
    posterior = PainPointPosterior(
        engine="approximate", model="collapsed", intercept=by_pain[:, :, 0], segment=by_pain[:, :, 1 : SEGMENTS + 1], selection=selection,
        segment_scale=np.full((DRAWS, PAINS), 0.3), selection_mean=np.stack([none, x[:, -1]], axis=1),
        selection_scale=np.stack([none, np.full(DRAWS, tau)], axis=1), sensitivity=(1.0 / (1.0 + np.exp(-z)))[:, None],
        specificity=np.full((DRAWS, 1, PAINS), 0.9), reporting=np.zeros((DRAWS, PAINS, 0)), dealer_draw=np.zeros(0, int),
        dealer=np.zeros((0, PAINS, 1)),
        dealer_shift=np.zeros((0, PAINS)), dealer_scale=np.zeros((0, PAINS)), design_effect=np.ones(PAINS), diagnostics={},
    )
    counts = PainPointCounts(
        pain=np.zeros(0, int), segment=np.zeros(0, int), dealer=np.zeros(0, int), group=np.zeros(0, int), source=np.zeros(0, int),
        positive=np.zeros(0), n=np.zeros(0), frame=np.ones((SEGMENTS, 1, 2)), coder=np.zeros(1, int),
        sensitivity=np.tile(pair, (1, PAINS, 1)), specificity=np.full((1, PAINS, 2), 1e3), mention=np.full((1, PAINS, 2), np.nan),
        false_mention=np.full((1, PAINS, 2), np.nan), mode_scale=np.zeros(1), pains=PAINS,
    )
    block = Block(np.array([0]), (x @ weights.T)[:, :, None], np.arange(DRAWS), None, None)
    return ledger(block, posterior, counts, priors), exact, variance


def _beta_with(variance: float) -> Any:
    """(a, a) whose logit has this variance, 2 ψ'(a)."""
    from scipy import optimize, special

    a = optimize.brentq(lambda a: 2.0 * special.polygamma(1, a) - variance, 1e-3, 1e6)
    return np.array([a, a])


@pytest.mark.parametrize(("follow_up", "audit"), [(0.001, 400.0), (5.0, 40.0), (100.0, 40.0), (4_000.0, 4.0)])
def test_parts_of_a_gaussian_posterior(follow_up: float, audit: float) -> None:
    found, exact, _ = toy(follow_up, audit)
    known = exact.pop("coder known")
    assert sum(exact.values()) == pytest.approx(np.ones(PAINS))
    over = np.maximum(1.0, exact["selection"] + known)
    assert found.selection[:, 0] == pytest.approx(exact["selection"] / over, abs=0.02)
    assert found.coder[:, 0] == pytest.approx(known / over, abs=0.015)
    priors = exact["selection"] + exact["level"] + exact["segment"]
    assert found.prior[:, 0] == pytest.approx(priors, abs=0.025)


def shares(**world: Any) -> dict[str, float]:
    observations, frame = tiny(**world)
    p = vs.estimate_pain_points(observations, frame=frame, perfect_sources=["survey", "follow_up"][: observations["source"].nunique()])
    return dict(p.to_frame().iloc[0])


def test_follow_ups_turn_assumption_into_data() -> None:
    """Of a base nine tenths silent: all assumption without a follow-up, nearly none with a huge one."""
    sizes = [(0, 0), (3, 10), (30, 100), (1_500, 5_000)]
    parts = [shares(silent=9_000, follow_up=size) for size in sizes]
    selection = [part["from_selection"] for part in parts]
    assert selection[0] > 0.85 and selection[-1] < 0.02 and sorted(selection, reverse=True) == selection
    assert parts[0]["prior_share"] > 0.85 and parts[-1]["prior_share"] < 0.03
    assert all(a["std_error"] > b["std_error"] for a, b in zip(parts, parts[1:], strict=False))


def test_an_audit_of_few_is_where_the_variance_comes_from() -> None:
    seen = cells([("noise", "engaged", "survey", 3_000, 10_000)], "pain_point response_group source positive n")
    frame = cells([("engaged", 10_000)], "response_group customers")
    found = []
    for size in (30, 300, 30_000):
        audit = cells([("noise", 1, 0.9 * size // 1, size), ("noise", 0, 0.05 * size // 1, size)], "pain_point truth positive n")
        p = vs.estimate_pain_points(seen, frame=frame, coder_audit=audit, audit_drawn_by="truth")
        found.append(p.from_coder[0, 0])
    assert found[0] > 0.8 and found[-1] < 0.15 and sorted(found, reverse=True) == found


def test_dealers_lean_on_their_pool() -> None:
    """A dealer's estimate leans on the pool, a small one's more than a large one's; the network's does not."""
    p = estimated(("dealer",))
    heard = np.array([p.fit.table.frame.customers[:, d, 0].sum() for d in range(12)])
    order = np.argsort(heard)
    assert p.prior_share[:, order[:4]].mean() > p.prior_share[:, order[-4:]].mean()
    assert p.prior_share.mean() > 3.0 * estimated().prior_share.mean()
