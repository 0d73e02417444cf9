"""Sensitivity and specificity from audits, however these were drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from workflows.pain_worlds import cells, estimated, options, world

import vocstats as vs
from vocstats.workflows.pain_audits import matched_beta, pooled_beta

PAINS = 18


def beta_mean(pairs: Any) -> Any:
    return pairs[..., 0] / pairs.sum(axis=-1)


def test_one_share_against_quadrature() -> None:
    """One pain: the prior is that of the mixture over m and M; many trials: the share itself."""
    a, b = pooled_beta(np.array([4_500.0]), np.array([5_000.0]))[0]
    assert a / (a + b) == pytest.approx(0.9, abs=1e-3) and a + b == pytest.approx(5_000, rel=0.01)
    a, b = pooled_beta(np.array([0.0]), np.array([0.0]))[0]
    assert a / (a + b) == pytest.approx(0.5, abs=1e-6) and a + b < 3.0


def test_equal_shares_are_pooled_and_different_ones_are_not() -> None:
    equal = pooled_beta(np.full(PAINS, 57.0), np.full(PAINS, 60.0))
    assert equal.sum(axis=1).min() > 200.0
    hits = np.linspace(20.0, 58.0, PAINS)
    apart = pooled_beta(hits, np.full(PAINS, 60.0))
    assert apart.sum(axis=1).max() < 80.0 and beta_mean(apart) == pytest.approx(hits / 60.0, abs=0.03)
    never = pooled_beta(np.append(np.full(PAINS, 50.0), 0.0), np.append(np.full(PAINS, 60.0), 0.0))[-1]
    assert beta_mean(never) == pytest.approx(5 / 6, abs=0.02)


def test_pooling_beats_single_shares() -> None:
    """Root mean squared error over drawn coders, and the coverage of 90 % intervals."""
    from scipy import stats

    rng = np.random.default_rng(73_201)
    off, alone, inside = [], [], []
    for _ in range(200):
        truth = rng.beta(60.0, 2.0, PAINS)
        hits = rng.binomial(160, truth)
        pairs = pooled_beta(hits.astype(float), np.full(PAINS, 160.0))
        off.append(beta_mean(pairs) - truth)
        alone.append((hits + 1.0) / 162.0 - truth)
        low, high = stats.beta.ppf([[0.05], [0.95]], pairs[:, 0], pairs[:, 1])
        inside.append((low <= truth) & (truth <= high))
    assert np.square(off).mean() < 0.9 * np.square(alone).mean()
    assert np.mean(inside) == pytest.approx(0.9, abs=0.02)


def test_matched_beta() -> None:
    assert matched_beta(np.array(0.3), np.array(0.3 * 0.7 / 21.0)) == pytest.approx([6.0, 14.0])


def drawn(kind: str, seed: int = 73_210, size: tuple[int, int] = (4_000, 4_000)) -> tuple[pd.DataFrame, Any]:
    made = vs.datasets.simulate_pain_points(12, seed=seed, pains=6, segments=1, audit=size, audit_drawn_by=kind)  # type: ignore[arg-type]
    return made.coder_audit, made


@pytest.mark.parametrize("kind", ["truth", "random", "predicted"])
def test_every_way_of_drawing_finds_the_same_coder(kind: str) -> None:
    audit, made = drawn(kind)
    table = vs.estimate_pain_points(
        made.observations, **options(frame=made.frame, coder_audit=audit, audit_drawn_by=kind, groups=["dealer"])
    ).fit.table
    truth = made.truth.coders.set_index("pain_point").loc[table.pains]
    for name, tolerance in (("sensitivity", 0.06), ("specificity", 0.015)):
        found = beta_mean(getattr(table.counts, name)[0])
        assert found == pytest.approx(truth[name].to_numpy(), abs=tolerance), name


def test_predictive_values_taken_for_sensitivity_are_far_off() -> None:
    audit, made = drawn("predicted")
    known: dict[str, Any] = {"frame": made.frame, "coder_audit": audit, "groups": ["dealer"]}
    wrong = vs.estimate_pain_points(made.observations, **options(**known, audit_drawn_by="truth")).fit.table
    truth = made.truth.coders.set_index("pain_point").loc[wrong.pains]
    assert np.abs(beta_mean(wrong.counts.specificity[0]) - truth["specificity"]).max() > 0.05


def test_uncertainty_of_an_audit_by_predicted_label() -> None:
    """The Beta's standard deviation of Se against that of Se worked out from audits drawn again."""
    again = [drawn("predicted", seed=73_210, size=(100, 200))]
    rng = np.random.default_rng(73_211)
    audit, made = again[0]
    known: dict[str, Any] = {"frame": made.frame, "groups": ["dealer"], "audit_drawn_by": "predicted"}
    table = vs.estimate_pain_points(made.observations, **options(**known, coder_audit=audit)).fit.table
    a, b = table.counts.sensitivity[0, :, 0], table.counts.sensitivity[0, :, 1]
    said = np.sqrt(a * b / (a + b) ** 2 / (a + b + 1.0))
    coders = made.truth.coders.set_index("pain_point").loc[table.pains]
    survey = made.observations.query("source == 'survey'").groupby("pain_point")[["positive", "n"]].sum().loc[table.pains]
    q = (survey["positive"] / survey["n"]).to_numpy()
    share = (q - 1.0 + coders["specificity"]) / (coders["sensitivity"] + coders["specificity"] - 1.0)
    ppv, missed = share * coders["sensitivity"] / q, share * (1.0 - coders["sensitivity"]) / (1.0 - q)
    hits, misses = rng.binomial(100, ppv, (4_000, q.size)) / 100 * q, rng.binomial(200, missed, (4_000, q.size)) / 200 * (1.0 - q)
    assert np.median(said / (hits / (hits + misses)).std(axis=0)) == pytest.approx(1.0, abs=0.35)


def test_how_an_audit_was_drawn_is_seen_where_it_shows() -> None:
    assert estimated().audit_drawn_by == "truth"
    audit, made = drawn("random", size=(300, 0))
    p = vs.estimate_pain_points(made.observations, **options(frame=made.frame, coder_audit=audit, groups=["dealer"]))
    assert p.audit_drawn_by == "random" and "pain_audit_random" in {each.code for each in p.assumptions}


def test_several_coders_and_one_for_all() -> None:
    seen = world().observations.assign(coder="anna")
    seen.loc[seen["dealer"] > "D0006", "coder"] = "bot"
    seen.loc[seen["source"] != "survey", "coder"] = None
    audit = world().coder_audit.drop(columns="source")
    both = pd.concat([audit.assign(coder="anna"), audit.assign(coder="bot", positive=lambda t: t["positive"] * 0.99 // 1)])
    p = vs.estimate_pain_points(seen, **options(coder_audit=both))
    assert p.fit.table.coders == ("anna", "bot") and p.fit.table.sources == ("exit_interview", "follow_up", "survey (anna)", "survey (bot)")
    assert p.fit.table.counts.coder.tolist() == [-1, -1, 0, 1]
    assert p.estimate == pytest.approx(estimated().estimate, abs=0.02)
    one = vs.estimate_pain_points(world().observations, **options(coder_audit=audit))
    assert (one.estimate == estimated().estimate).all()
    with pytest.raises(vs.InputError, match="coder 'cora' of source 'survey'"):
        vs.estimate_pain_points(seen.replace({"coder": {"bot": "cora"}}), **options(coder_audit=both))


def test_a_pain_without_audit_borrows_and_says_so() -> None:
    fewer = world().coder_audit.query("pain_point != 'price_value'")
    p = vs.estimate_pain_points(world().observations, **options(coder_audit=fewer))
    assert "pain_not_audited" in {each.code for each in p.assumptions}
    place = p.pain_points.tolist().index("price_value")
    assert p.from_coder[place, 0] > estimated().from_coder[place, 0]
    assert p.std_error[place, 0] > estimated().std_error[place, 0]


def test_linked_customers_tell_mentions() -> None:
    """Customers who answered the question too are audit rows of the comments: Se is then the chance to be found there at all."""
    rows = [("noise", "engaged", "survey", 300, 1_000), ("noise", "engaged", "comment", 90, 800)]
    seen = cells(rows, "pain_point response_group source positive n")
    linked = cells([("noise", "comment", 1, 75, 300), ("noise", "comment", 0, 14, 700)], "pain_point source truth positive n")
    frame = cells([("engaged", 1_000)], "response_group customers")
    p = vs.estimate_pain_points(seen, frame=frame, coder_audit=linked, audit_drawn_by="truth", perfect_sources="survey")
    assert p.fit.posterior.sensitivity.mean() == pytest.approx(0.27, abs=0.04)
    assert p.estimate[0, 0] == pytest.approx(0.3, abs=0.03)
