"""Properties of means, totals and ratios, the shape of their results, and what they refuse."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from vocstats.errors import InputError
from vocstats.estimation import Design, Estimate, difference, mean, ratio, regress, total
from vocstats.options import Inference
from vocstats.results import load
from vocstats.texts import message, namespace
from vocstats.weighting import Weights, poststratify

INFERENCES: tuple[Inference, ...] = ("r", "registry", "process")


def rows(seed: int = 0, n: int = 120) -> dict[str, npt.NDArray[Any]]:
    rng = np.random.default_rng(seed)
    stratum = rng.integers(0, 3, n)
    return {
        "y": rng.integers(1, 11, n).astype(float), "x": rng.uniform(1, 2, n), "w": rng.uniform(1, 4, n), "stratum": stratum,
        "cluster": stratum * 100 + rng.integers(0, 8, n), "by": rng.integers(0, 4, n), "counts": rng.integers(1, 4, n).astype(float),
    }


def design(r: dict[str, npt.NDArray[Any]], kind: str) -> Design | None:
    return {
        "none": None, "srs": Design(), "stratified": Design(strata=r["stratum"]),
        "clusters": Design(strata=r["stratum"], clusters=r["cluster"], fpc=np.full(r["y"].size, 40.0)),
        "two stages": Design(
            strata=r["stratum"], clusters=[r["cluster"], None], lonely_psu="adjust",
            fpc=[np.full(r["y"].size, share) for share in (0.5, 0.25)],
        ),
    }[kind]


KINDS = ("none", "srs", "stratified", "clusters", "two stages")


def same(a: Estimate, b: Estimate, rtol: float = 1e-9) -> None:
    for column in ("estimate", "std_error", "conf_low", "conf_high", "df", "n"):
        np.testing.assert_allclose(getattr(a, column), getattr(b, column), rtol=rtol, atol=1e-12, err_msg=column)


def taken(r: dict[str, npt.NDArray[Any]], index: npt.NDArray[Any]) -> dict[str, npt.NDArray[Any]]:
    return {name: column[index] for name, column in r.items()}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("inference", INFERENCES)
def test_counts_are_repeated_rows(kind: str, inference: Inference) -> None:
    r = rows()
    full = taken(r, np.repeat(np.arange(120), r["counts"].astype(int)))
    few = mean(r["y"], r["w"], by=r["by"], counts=r["counts"], design=design(r, kind), inference=inference)
    same(few, mean(full["y"], full["w"], by=full["by"], design=design(full, kind), inference=inference))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("inference", INFERENCES)
def test_weight_zero_is_a_row_dropped_and_order_does_not_matter(kind: str, inference: Inference) -> None:
    r = rows(1)
    r["w"][::5] = 0.0
    r["y"][::10] = np.nan
    kept = taken(r, np.random.default_rng(2).permutation(np.flatnonzero(r["w"] > 0)))
    full = total(r["y"], r["w"], by=r["by"], design=design(r, kind), inference=inference)
    same(full, total(kept["y"], kept["w"], by=kept["by"], design=design(kept, kind), inference=inference))


@pytest.mark.parametrize("inference", INFERENCES)
def test_every_domain_equals_its_own_estimate(inference: Inference) -> None:
    """One pass over the domains gives what each gives alone, the rest of the sample set to 0."""
    r = rows(3)
    d = design(r, "clusters")
    together = ratio(r["y"], r["x"], r["w"], by=r["by"], design=d, inference=inference)
    for k in range(4):
        inside = (r["by"] == k).astype(float)
        alone = ratio(r["y"] * inside, r["x"] * inside, r["w"], design=d, inference=inference)
        assert alone.estimate == pytest.approx(together.estimate[k])
        if inference == "r":
            assert alone.std_error == pytest.approx(together.std_error[k])


@given(scale=st.floats(0.01, 100), shift=st.floats(-50, 50))
@settings(max_examples=25, deadline=None)
def test_affine_outcomes(scale: float, shift: float) -> None:
    r = rows(4)
    for inference in INFERENCES:
        plain, moved = (mean(y, r["w"], by=r["by"], inference=inference) for y in (r["y"], scale * r["y"] + shift))
        np.testing.assert_allclose(moved.estimate, scale * plain.estimate + shift, atol=1e-9)
        np.testing.assert_allclose(moved.std_error, scale * plain.std_error, rtol=1e-6)


def test_total_is_the_mean_times_the_size() -> None:
    r = rows(5)
    w = poststratify(r["by"], dict.fromkeys(range(4), 100.0), base_weights=r["w"])
    size, level = total(r["y"], w), mean(r["y"], w)
    assert size.estimate == pytest.approx(400 * level.estimate)
    assert size.std_error == pytest.approx(400 * level.std_error)


@pytest.mark.parametrize("column", [
    np.array(["北京", "上海", "北京", "广州"]), np.array(["北京", "上海", "北京", "广州"], object), np.array([3, 1, 3, 2], np.int8),
    np.array([True, False, True, True]), np.array(["2026-03-01", "2026-01-01", "2026-03-01", "2026-02-01"], "datetime64[D]"),
    pd.Categorical(["b", "a", "b", "c"]), np.array([1.5, 0.5, 1.5, 1.0]),
])  # fmt: skip
def test_labels_keep_their_dtype_and_are_sorted(column: Any) -> None:
    e = mean(np.array([1.0, 2.0, 3.0, 4.0]), by={"place": column})
    labels = e.labels["place"]
    assert labels.dtype == np.asarray(column).dtype
    assert labels.tolist() == sorted(set(np.asarray(column).tolist()))
    assert e.estimate[labels.tolist().index(np.asarray(column).tolist()[0])] == pytest.approx(2.0 if labels.size == 3 else 8 / 3)
    back = load(json.loads(e.to_json()))
    assert back.labels["place"].dtype.kind in (labels.dtype.kind, "U") and back.labels["place"].tolist() == labels.tolist()


def test_several_columns_are_crossed() -> None:
    e = mean(np.arange(4.0), by=pd.DataFrame({"a": ["y", "x", "y", "x"], "b": [2, 1, 1, 1]}))
    assert {name: column.tolist() for name, column in e.labels.items()} == {"a": ["x", "y", "y"], "b": [1, 1, 2]}
    assert e.estimate.tolist() == [2.0, 2.0, 0.0]
    assert list(e.tidy().columns) == ["term", "a", "b", "estimate", "std_error", "conf_low", "conf_high"]


@pytest.mark.parametrize("inference", INFERENCES)
def test_empty_and_single_domains(inference: Inference) -> None:
    y, w = np.array([1.0, 2.0, 3.0, np.nan]), np.array([1.0, 2.0, 1.5, 0.0])
    e = mean(y, w, by=["a", "a", "b", "c"], inference=inference)
    assert np.isnan(e.estimate).tolist() == [False, False, True]
    assert np.isnan(e.std_error).tolist() == [False, True, True]
    assert e.n.tolist() == [2, 1, 0]
    assert np.isnan(mean([3.0], [2.0], inference=inference).std_error)
    assert np.isnan(mean([3.0, 4.0], design=Design(clusters=[1, 1])).std_error)
    with pytest.raises(InputError, match="nobody was heard"):
        mean(y, np.zeros(4), inference=inference)


def test_shares_at_a_bound_have_exact_limits() -> None:
    heard = np.repeat([0.0, 1.0, 0.0], [1226, 5, 5])
    e = mean(heard, by=np.repeat(["none", "all", "none2"], [1226, 5, 5]), inference="r")
    low, high = e.conf_low[1], e.conf_high[1]
    assert (low, round(float(high), 4)) == (0.0, 0.0030)
    assert round(float(e.conf_low[0]), 4) == 0.4782 and e.conf_high[0] == 1.0
    scores = mean(np.full(30, 10.0), limits=(1, 10))
    assert scores.conf_low == pytest.approx(1 + 9 * 0.025 ** (1 / 30)) and scores.conf_high == 10
    assert mean(np.zeros(8, bool)).conf_high == pytest.approx(1 - 0.025 ** (1 / 8))
    weights = np.repeat([1.0, 3.0], 15)  # Kish: 60² / (15 + 135) = 24
    assert mean(np.zeros(30), weights, limits=(0, 1)).conf_high == pytest.approx(1 - 0.025 ** (1 / 24))


def test_result_reads_back_and_says_what_it_accounts_for() -> None:
    r = rows(6)
    e = mean(r["y"], r["w"], by=r["by"], design=design(r, "clusters"), inference="process")
    assert e.variance_accounts_for == ("finite_population", "stratification", "clustering", "response", "process", "weights_as_given")
    back = load(e.to_json())
    same(e, back)
    assert back.material is None
    with pytest.raises(InputError, match="influence"):
        difference(back, back)
    with pytest.raises(InputError, match="influence"):
        _ = back.influence
    document = e.to_dict(influence=True)
    assert np.array(document["influence"]).shape == (120, 4) and "influence" not in e.to_dict()
    same(e, load(document))
    for language in ("en", "zh"):
        assert all(code in namespace("variance") for code in e.variance_accounts_for)
        assert e.accounts(language) in e.summary(language)
    assert "more domains" in mean(np.arange(60.0), by=np.arange(60) // 2).summary()
    assert "<pre>" in e._repr_html_()


def test_weights_chain_names_its_steps_in_words() -> None:
    r = rows(7)
    e = mean(r["y"], poststratify(r["by"], dict.fromkeys(range(4), 100.0)))
    assert e.variance_accounts_for == ("with_replacement", "poststratify")
    assert "post-stratification" in e.accounts()


BAD: dict[str, tuple[dict[str, Any], str, str]] = {
    "missing": ({"y": [1.0, np.nan, 2.0]}, "missing_outcome", "rows 1"),
    "length": ({"w": [1.0, 2.0]}, "wrong_length", "2 entries; 3 were expected"),
    "negative": ({"w": [1.0, -2.0, 1.0]}, "negative", "rows 1"),
    "infinite": ({"w": [1.0, np.inf, 1.0]}, "missing_or_infinite", "rows 1"),
    "text": ({"y": ["a", "b", "c"]}, "not_numeric", "must hold numbers"),
    "label": ({"by": ["a", None, "c"]}, "missing_labels", "rows 1"),
    "no column": ({"by": {}}, "empty_by", "no column"),
    "level": ({"level": 1.0}, "out_of_bounds", "level"),
    "inference": ({"inference": "bayes"}, "not_a_choice", "'registry'"),
    "limits": ({"limits": (3, 3)}, "bad_limits", "low < high"),
    "off limits": ({"limits": (1, 2)}, "off_limits", "rows 2"),
    "design": ({"design": Design(strata=[1, 1])}, "wrong_length", "2 rows; y has 3"),
    "counts twice": ({"w": Weights(base=np.ones(3), counts=np.ones(3)), "counts": [1, 1, 1]}, "counts_twice", "given again"),
}


@pytest.mark.parametrize("name", BAD)
def test_refusals(name: str) -> None:
    options, code, text = BAD[name]
    arguments: dict[str, Any] = {"y": [1.0, 2.0, 3.0], **options}
    with pytest.raises(InputError, match=text) as caught:
        mean(arguments.pop("y"), **arguments)
    assert caught.value.code == code
    assert message(caught.value, "zh")


def test_degrees_of_freedom_of_the_design() -> None:
    """R: confint(svymean(~y, d), df = degf(d)); by domain the clusters and strata that are in it."""
    r = rows(8)
    whole, part = (mean(r["y"], r["w"], design=design(r, "clusters"), by=by, df="design") for by in (None, r["by"]))
    clusters = [len({c for c, inside in zip(r["cluster"], chosen, strict=True) if inside}) for chosen in (r["by"] >= 0, r["by"] == 0)]
    assert (whole.df, part.df[0]) == (clusters[0] - 3, clusters[1] - 3)
    assert whole.conf_high == pytest.approx(whole.estimate + stats.t.ppf(0.975, whole.df) * whole.std_error)
    counted = mean(r["y"], r["w"], counts=r["counts"], df="design")
    assert counted.df == r["counts"].sum() - 1
    assert total(r["y"], r["w"], df=5.0, inference="process").df == 5 == ratio(r["y"], r["x"], df=5).df
    with pytest.raises(InputError, match="df"):
        mean(r["y"], df=0)


def test_difference_refuses_what_does_not_match() -> None:
    y = np.arange(6.0)
    for other, what in [
        (mean(y[:5]), "number of rows"), (mean(y, level=0.9), "level"), (mean(y, inference="process"), "inference"),
        (mean(y, design=Design(strata=[0, 0, 0, 1, 1, 1])), "design"),
    ]:
        with pytest.raises(InputError, match=what):
            difference(mean(y), other)
    with pytest.raises(InputError, match="domains"):
        difference(mean(y, by=y // 2), mean(y, by=y // 3))


def test_decimals_and_fractions_are_numbers() -> None:
    score = [Decimal("7.5"), Decimal(8), None, Decimal("9.25")]
    expected = mean([7.5, 8.0, np.nan, 9.25], [1, 1, 0, 2])
    for numbers in (score, pd.Series(score), [Fraction(15, 2), 8, None, Fraction(37, 4)]):
        np.testing.assert_array_equal(mean(numbers, [1, 1, 0, 2]).std_error, expected.std_error)
    exact = regress([1, 2, 4, 4], {"price": [Decimal(1), Decimal(2), Decimal(3), Decimal(5)]})
    assert exact.terms == ("intercept", "price")  # not a level each


@pytest.mark.parametrize("size", [1e300, 1e-300])
def test_numbers_whose_squares_leave_the_range_are_refused(size: float) -> None:
    y, even = np.array([1.0, 2.0, 3.0, 0.0]) * size, [1.0, 2.0, 2.0, 4.0]
    calls = [lambda: mean(y), lambda: total(-y), lambda: ratio(even, y), lambda: regress(y, {"a": even}), lambda: regress(even, {"a": y})]
    for call in calls:
        with pytest.raises(InputError, match="Measure it in other units") as refused:
            call()
        assert refused.value.code == "not_squarable" and "单位" in message(refused.value, "zh")
    assert mean(np.zeros(3)).std_error == 0.0
    assert np.isclose(mean(y / size * 1e99).std_error, mean(y / size).std_error * 1e99)


def test_arrow_tables_are_tables() -> None:
    arrow = pytest.importorskip("pyarrow")
    x = {"visits": [1, 2, 1, 3, 3, 4], "type": list("aabbab")}
    y = [7, 8, 6, 9, 9, 10]
    np.testing.assert_array_equal(regress(arrow.array(y), arrow.table(x)).covariance, regress(y, x).covariance)
    assert list(mean(arrow.array(y), by=arrow.table({"类型": x["type"]})).labels) == ["类型"]


def test_what_is_no_json_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "cut.json").write_text(mean([1, 2, 3]).to_json()[:40], encoding="utf-8")
    for source in ("{cut", tmp_path / "cut.json"):
        with pytest.raises(InputError, match=r"source is no JSON: .* to_json wrote") as refused:
            load(source)
        assert refused.value.code == "not_json" and "JSON" in message(refused.value, "zh")
