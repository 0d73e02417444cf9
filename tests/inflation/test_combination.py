"""Combined p-values under dependence and abstention, and lists of dealers against brute force and statsmodels."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from inflation.correlated_signals import CORRELATION, as_signals, p_values, scores
from statsmodels.stats.multitest import multipletests

from vocstats.errors import InputError
from vocstats.inflation import CombinedEvidence, combine, e_bh, e_values, q_values
from vocstats.results import load

METHODS = ("truncated_cauchy", "harmonic_mean")


def test_q_values_are_those_of_statsmodels_and_of_the_definition() -> None:
    rng = np.random.default_rng(1)
    for size in (1, 2, 7, 200):
        p = np.round(rng.random(size) ** 3, 3)  # with ties
        q = q_values(p)
        np.testing.assert_allclose(q, multipletests(p, method="fdr_bh")[1])
        ranked = np.sort(p)
        for fdr in (0.05, 0.1, 0.5):
            k = max((k for k in range(1, size + 1) if ranked[k - 1] <= fdr * k / size), default=0)
            assert (q <= fdr).tolist() == (p <= (ranked[k - 1] if k else -1)).tolist()
    assert q_values([0.02, np.nan, 0.5])[[0, 2]] == pytest.approx([0.04, 0.5]) and np.isnan(q_values([0.02, np.nan])[1])
    assert q_values([]).size == 0


def test_e_values_are_worth_one_at_most_and_decrease() -> None:
    from scipy.integrate import quad

    grid = np.linspace(0, 1, 20_001)[1:]
    for kappa in (0.2, 0.5, None):
        assert (np.diff(e_values(grid, kappa=kappa)) < 0).all()
        low = 1e-12  # below lies 1 / 27.6 of the average's mass, by its integral 1 + 1 / log(p) at p
        mass = quad(lambda u, k=kappa: np.exp(u) * e_values([np.exp(u)], kappa=k)[0], np.log(low), 0, limit=200)[0]
        beyond = low**kappa if kappa else (low - 1) / np.log(low)
        assert mass + beyond == pytest.approx(1.0, abs=1e-6)
    averaged = np.mean([e_values([0.003, 0.2, 0.9995], kappa=k) for k in (np.arange(20_000) + 0.5) / 20_000], axis=0)
    np.testing.assert_allclose(e_values([0.003, 0.2, 0.9995]), averaged, rtol=1e-6)
    assert e_values([0.0])[0] == np.inf and e_values([1.0])[0] == 0.5 and np.isnan(e_values([np.nan])[0])


def test_e_bh_is_its_definition() -> None:
    rng = np.random.default_rng(2)
    for size in (1, 5, 60):
        e = rng.pareto(0.6, size)
        best: list[int] = []
        for k in range(1, size + 1):
            top = np.argsort(-e)[:k]
            best = list(top) if (e[top] >= size / (k * 0.1)).all() else best
        assert np.flatnonzero(e_bh(e, fdr=0.1)).tolist() == sorted(best)
    assert e_bh([np.inf, np.nan, 0.0]).tolist() == [True, False, False]


def test_statistics_by_hand() -> None:
    p = np.array([[0.01, 0.4], [0.02, np.nan], [np.nan, np.nan], [1.0, 1.0]])
    cauchy, harmonic = (combine(as_signals(p), method=method, draws=1000) for method in METHODS)
    assert cauchy.statistic[:2] == pytest.approx([(1 / np.tan(0.009 * np.pi) + 1 / np.tan(0.36 * np.pi)) / 2, 1 / np.tan(0.018 * np.pi)])
    assert harmonic.statistic[:2] == pytest.approx([(100 + 2.5) / 2, 50])
    for r in (cauchy, harmonic):
        assert np.isnan(r.p_value[2]) and np.isnan(r.q_value[2]) and np.isnan(r.e_value[2]) and not r.flagged[2] and r.p_value[3] == 1.0


def test_one_signal_keeps_its_p_value() -> None:
    p = np.array([[0.5], [0.03], [1e-7], [1.0], [0.0]])
    for method in METHODS:
        r = combine(as_signals(p), method=method)
        assert r.p_value[:2] == pytest.approx(p[:2, 0], rel=0.05) and r.p_value[2] == pytest.approx(1e-7, rel=0.25)
        assert r.p_value[3] == 1.0 and r.p_value[4] < 1e-200


@pytest.mark.parametrize("method", METHODS)
def test_uniform_under_dependence_and_abstention(method: Any) -> None:
    rng = np.random.default_rng(3)
    p = p_values(scores(rng, 20_000, 6)[0])
    p[rng.random(p.shape) < 0.25] = np.nan
    for draws in (50_000, p_values(scores(rng, 4_000, 6)[0])):
        r = combine(as_signals(p), draws=draws, method=method, seed=4)
        for level in (0.5, 0.1, 0.01, 0.001):
            assert np.nanmean(r.p_value <= level) == pytest.approx(level, rel=0.15, abs=4 * (level / 20_000) ** 0.5), level


def test_draws_that_heap_are_worth_more() -> None:
    """Signals whose honest p-values are never small cost the others nothing, once the draws say so."""
    rng = np.random.default_rng(5)
    null = np.column_stack([rng.random(20_000), np.where(rng.random((20_000, 2)) < 0.1, 0.3, 1.0)])
    signals = as_signals(np.array([[0.01, 1.0, 1.0], [0.01, 0.3, 1.0]]))
    known, unknown = combine(signals, draws=null).p_value, combine(signals).p_value
    assert known == pytest.approx([0.01, 0.009], rel=0.25) and (unknown > 2.5 * known).all()


def test_correlation_is_that_of_honest_dealers() -> None:
    z, _ = scores(np.random.default_rng(6), 3_000, 4, inflated=0.3)
    r = combine(as_signals(p_values(z)), draws=100)
    naive = np.corrcoef(z.T)
    assert abs(r.correlation[0, 1] - CORRELATION) < 0.12 and abs(r.correlation[2, 3]) < 0.2 and abs(naive[0, 1] - CORRELATION) > 0.12


def _study(networks: int, draws: int, share: float, seed: int) -> dict[str, Any]:
    """Mean false discovery proportion and power of three lists."""
    rng, found = np.random.default_rng(seed), {}
    for _ in range(networks):
        z, bad = scores(rng, 200, 8, inflated=share)
        p = p_values(z)
        p[:40, 3] = p[20:60, 7] = np.nan
        cauchy, harmonic = (combine(as_signals(p), draws=draws, method=method, seed=seed) for method in METHODS)
        for name, flagged in (("cauchy", cauchy.flagged), ("harmonic", harmonic.flagged), ("e_bh", e_bh(cauchy.e_value, fdr=0.1))):
            found.setdefault(name, []).append(((flagged & ~bad).sum() / max(flagged.sum(), 1), (flagged & bad).sum() / max(bad.sum(), 1)))
    return {key: np.mean(value, axis=0) for key, value in found.items()}


@pytest.mark.parametrize("share", [0.0, 0.15])
def test_false_discoveries_are_controlled(share: float) -> None:
    """Of 80 networks without inflation 8 should have anybody on the list; 4 standard errors are 11 more."""
    for name, (fdp, power) in _study(80, 5_000, share, 7).items():
        assert fdp <= 0.1 + (0.14 if share == 0 else 0.03), name
        assert share == 0 or power > (0.8 if name != "e_bh" else 0.3), name


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.0, 0.05, 0.15, 0.6])
def test_false_discoveries_are_controlled_at_length(share: float) -> None:
    for name, (fdp, power) in _study(500, 20_000, share, 8).items():
        print(f"share {share:.2f} {name:9s} false discoveries {fdp:.3f} power {power:.3f}")
        assert fdp <= 0.1 + 2 * (0.0135 if share == 0 else 0.005), name


def test_bad_input() -> None:
    signals = as_signals(np.full((3, 2), 0.5))
    for given, match in (([], "signals"), ([signals[0]] * 2, "signals")):
        with pytest.raises(InputError, match=match):
            combine(given)
    for draws, match in ((np.full((500, 3), 0.5), "draws"), (np.full((500, 2), 1.5), "draws"), (np.full((20, 2), 0.5), "rows of draws")):
        with pytest.raises(InputError, match=match):
            combine(signals, draws=draws)
    for call, match in (
        (lambda: combine(signals, draws=10), "draws"), (lambda: combine(signals, fdr=1.0), "fdr"), (lambda: q_values([1.2]), "p_value"),
        (lambda: e_bh([-1.0]), "e_value"), (lambda: e_values([0.5], kappa=1.0), "kappa"),
        (lambda: combine(signals, method="fisher"), "method"),  # type: ignore[arg-type]
    ):
        with pytest.raises(InputError, match=match):
            call()


def test_dealers_are_joined_and_the_result_is_written() -> None:
    one, two = as_signals(np.array([[0.001, 0.4], [0.5, 0.2]]), ["乙", "甲"])
    (three,) = as_signals(np.array([[0.04]]), ["丙"])
    r = combine([one, two], draws=500, seed=1)
    both = combine([one, replace(three, name="other")], draws=500)
    assert both.labels["dealer"].tolist() == sorted(["乙", "甲", "丙"]) and np.isnan(both.p_values).sum() == 3
    back = load(r.to_json())
    assert isinstance(back, CombinedEvidence) and back.p_values == pytest.approx(r.p_values) and back.flagged.tolist() == r.flagged.tolist()
    assert list(r.to_frame()) == ["dealer", "p_value", "q_value", "e_value", "flagged", "sign0", "sign1"]
    assert len(r.tidy()) == 6 and "甲" in r.summary()
    assert combine([one, two], draws=500, seed=1).p_value.tolist() == r.p_value.tolist()
