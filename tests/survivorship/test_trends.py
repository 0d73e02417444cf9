"""Trends: exact sums, closed forms, jackknife, derivatives, repeated rows, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from vocstats.errors import IdentificationError, InputError
from vocstats.estimation import Design, mean
from vocstats.results import load
from vocstats.survivorship import decompose_trend
from vocstats.texts import message

NAN = float("nan")
PARTS = ["change", "within", "composition", "survivorship", "joined", "fell_silent", "reweighted"]


def panel(seed: int, n: int) -> dict[str, Any]:
    """Customers of two periods: unhappy ones leave or fall silent, new ones join, the others drift up."""
    rng = np.random.default_rng(seed)
    before = np.clip(np.round(rng.normal(7, 2, n)), 1, 10)
    after = np.clip(before + rng.integers(-1, 3, n), 1, 10)
    churned = rng.random(n) < 0.5 - 0.04 * before
    heard_before, heard_after = rng.random(n) < 0.7, (rng.random(n) < 0.3 + 0.05 * after) & ~churned
    return {
        "before": np.where(heard_before, before, NAN), "after": np.where(heard_after, after, NAN), "churned": churned,
        "weights_before": rng.uniform(0.5, 2, n), "weights_after": rng.uniform(0.5, 2, n), "by": rng.choice(["东", "西"], n),
    }


def estimates(**arguments: Any) -> dict[str, float]:
    r = decompose_trend(**arguments)
    return dict(zip(r.labels["part"].tolist(), r.estimate.tolist(), strict=True))


def test_parts_add_up_and_change_is_the_difference_of_means() -> None:
    x = panel(1, 400)
    r = decompose_trend(**x)
    table, z = r.estimate.reshape(2, 7), r.influence.reshape(-1, 2, 7)
    for values in (table, z):
        np.testing.assert_allclose(values[..., 0], values[..., 1:4].sum(axis=-1), atol=1e-13)
        np.testing.assert_allclose(values[..., 2], values[..., 4:].sum(axis=-1), atol=1e-13)
    for d, label in enumerate(["东", "西"]):
        own = x["by"] == label
        naive = [mean(x[y][own & ~np.isnan(x[y])], x[f"weights_{y}"][own & ~np.isnan(x[y])]).estimate for y in ("after", "before")]
        assert table[d, 0] == pytest.approx(naive[0] - naive[1])
    assert r.labels["part"].tolist() == PARTS * 2 and r.labels["by"].tolist() == ["东"] * 7 + ["西"] * 7


def test_each_part_by_hand() -> None:
    before, after = [8, 6, 2, 5, NAN], [9, 6, NAN, NAN, 10]
    r = estimates(before=before, after=after, churned=[False, False, True, False, False])
    expected = {"change": 25 / 3 - 21 / 4, "within": 0.5, "survivorship": 5 / 4, "fell_silent": 2 / 4, "joined": 2.5 / 3, "reweighted": 0}
    assert {name: r[name] for name in expected} == pytest.approx(expected)
    weighted = estimates(before=[8, 6], after=[8, 6], churned=[False, False], weights_before=[1, 3], weights_after=[3, 1])
    assert (weighted["within"], weighted["reweighted"], weighted["change"]) == pytest.approx((0, 1, 1))


def test_only_leaving_is_survivorship_and_only_changed_minds_are_within() -> None:
    left = estimates(before=[9, 8, 1], after=[9, 8, NAN], churned=[False, False, True])
    assert left["survivorship"] == pytest.approx(left["change"]) and left["within"] == left["composition"] == 0
    minds = estimates(before=[9, 8, 1], after=[9, 9, 4], churned=[False] * 3)
    assert minds["within"] == pytest.approx(minds["change"]) and minds["survivorship"] == 0


def test_within_has_the_error_of_a_paired_mean() -> None:
    rng = np.random.default_rng(2)
    before, after = rng.normal(size=40), rng.normal(size=40)
    r = decompose_trend(before, after, np.zeros(40, bool))
    paired = np.std(after - before, ddof=1) / np.sqrt(40)
    np.testing.assert_allclose(r.std_error[:2], paired)
    np.testing.assert_allclose(r.std_error[2:], 0, atol=1e-15)


def test_influence_values_are_derivatives_and_give_the_clustered_error() -> None:
    x = panel(3, 150)
    clusters = np.random.default_rng(4).integers(0, 20, 150)
    r = decompose_trend(**x, design=Design(clusters=clusters))
    z = r.influence
    for row in (0, 60, 149):
        step = np.zeros(150)
        step[row] = 1e-5
        up, down = (decompose_trend(**x, counts=1 + sign * step).estimate for sign in (1, -1))
        np.testing.assert_allclose((up - down) / 2e-5, z[row], atol=1e-8)
    sums = np.array([z[clusters == g].sum(axis=0) for g in range(20)])
    np.testing.assert_allclose(r.std_error, np.sqrt(20 * sums.var(axis=0, ddof=1)))


def test_jackknife_agrees() -> None:
    x = {name: column for name, column in panel(5, 400).items() if name != "by"}
    r = decompose_trend(**x)
    left_out = np.array([decompose_trend(**{k: np.delete(v, i) for k, v in x.items()}).estimate for i in range(400)])
    jackknife = np.sqrt(399 / 400 * ((left_out - left_out.mean(axis=0)) ** 2).sum(axis=0))
    np.testing.assert_allclose(r.std_error, jackknife, rtol=0.03)


def test_counts_are_repeated_rows() -> None:
    x = panel(6, 120)
    counts = np.random.default_rng(7).integers(0, 3, 120)
    once, repeated = decompose_trend(**x, counts=counts), decompose_trend(**{k: np.repeat(v, counts) for k, v in x.items()})
    for name in ("estimate", "std_error", "n"):
        np.testing.assert_allclose(getattr(once, name), getattr(repeated, name), rtol=1e-10, atol=1e-14)


def test_result_reads_back_and_parts_can_be_picked() -> None:
    r = decompose_trend(**panel(8, 100))
    np.testing.assert_array_equal(load(r.to_json()).std_error, r.std_error)
    assert r.at({"by": "东", "part": "within"}).estimate == r.estimate[1]
    assert list(r.tidy().columns) == ["term", "by", "part", "estimate", "std_error", "conf_low", "conf_high"]


def test_one_person_heard_twice_has_no_error() -> None:
    r = decompose_trend([8.0, 7, 3], [9.0, NAN, NAN], [False, False, True])
    assert np.isnan(r.std_error[1:]).all() and r.std_error[0] > 0


BAD: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "back": ({"churned": [True, False, True]}, InputError, "had left, at rows 0"),
    "churned": ({"churned": [2, 0, 0]}, InputError, "churned must be true or false"),
    "length": ({"after": [1.0]}, InputError, "after has 1 entries"),
    "strings": ({"before": ["8", "7", "6"]}, InputError, "before must hold numbers"),
    "weights": ({"weights_after": [-1, 1, 1]}, InputError, "weights_after must not be negative"),
    "design": ({"design": Design(clusters=[1, 2])}, InputError, "design describes 2 rows"),
    "twice": ({"by": ["a", "a", "b"]}, IdentificationError, "both periods in .*'b'"),
    "never": ({"before": [NAN, NAN, 3]}, IdentificationError, "everybody"),
    "level": ({"level": 0}, InputError, "level"),
}


@pytest.mark.parametrize("name", BAD)
def test_refusals(name: str) -> None:
    options, kind, text = BAD[name]
    with pytest.raises(kind, match=text) as caught:
        decompose_trend(**{"before": [8.0, 7, 3], "after": [8.0, 8, NAN], "churned": [False, False, True], **options})
    assert message(caught.value, "zh")  # type: ignore[arg-type]
