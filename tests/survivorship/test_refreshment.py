"""Refreshment weights: truth from expected cells, both margins' errors, brute force, derivatives, jackknife, tests, refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import optimize, special

from vocstats.errors import IdentificationError, InfeasibleError, InputError, VocstatsError
from vocstats.estimation import Design, mean, replicate
from vocstats.results import load
from vocstats.schemas import build, schema
from vocstats.survivorship import refreshment_weights
from vocstats.texts import message
from vocstats.weighting import rake

NAN = float("nan")
LEVELS = np.arange(1.0, 5.0)
JOINT = np.array([[0.09, 0.05, 0.03, 0.01], [0.06, 0.12, 0.07, 0.03], [0.03, 0.08, 0.13, 0.06], [0.01, 0.03, 0.08, 0.12]])
STAY = {"intercept": -0.9, "y1": 0.3, "y2": 0.4}
FIRST, SECOND = np.repeat(LEVELS, 4), np.tile(LEVELS, 4)


def chance(*, interaction: float = 0.0, y2: float = STAY["y2"]) -> Any:
    """Probability to stay of the 16 pairs of scores."""
    odds = STAY["intercept"] + STAY["y1"] * (FIRST - 1) + y2 * (SECOND - 1) + interaction * (FIRST - 2.5) * (SECOND - 2.5)
    return special.expit(odds)


def cells(stayed: Any, left: Any, fresh: Any) -> dict[str, Any]:
    """24 rows: stayers by pair of scores, those who left by first score, the refreshment sample by second."""
    return {
        "y1": np.concatenate([FIRST, LEVELS, np.full(4, NAN)]), "y2": np.concatenate([SECOND, np.full(4, NAN), LEVELS]),
        "refreshment": np.arange(24) >= 20, "counts": np.concatenate([stayed, left, fresh]),
    }


def drawn(rng: np.random.Generator, n: int, m: int, **options: float) -> dict[str, Any]:
    """Panel of n, refreshment sample of m."""
    people = rng.multinomial(n, JOINT.ravel())
    stayed = rng.binomial(people, chance(**options))
    return cells(stayed, (people - stayed).reshape(4, 4).sum(axis=1), rng.multinomial(m, JOINT.sum(axis=0)))


def rows_of(data: dict[str, Any]) -> dict[str, Any]:
    """The same with a row per person."""
    return {name: np.repeat(column, data["counts"]) for name, column in data.items() if name != "counts"}


def fell(data: dict[str, Any]) -> Any:
    """Who was content and is not any more; 0 where not known."""
    return np.where(data["refreshment"], 0.0, (data["y1"] >= 3) & (data["y2"] <= 2))


def test_expected_cells_give_back_the_truth() -> None:
    people = 1000 * JOINT.ravel()
    stayed = people * chance()
    r = refreshment_weights(**cells(stayed, (people - stayed).reshape(4, 4).sum(axis=1), 500 * JOINT.sum(axis=0)))
    np.testing.assert_allclose(r.weights.mass[:16], people, rtol=1e-8)
    truth = [STAY["intercept"], *(STAY["y1"] * (LEVELS[1:] - 1)), *(STAY["y2"] * (LEVELS[1:] - 1))]
    np.testing.assert_allclose(r.coefficients.estimate, truth, rtol=1e-7)
    powers = refreshment_weights(**cells(stayed, (people - stayed).reshape(4, 4).sum(axis=1), 500 * JOINT.sum(axis=0)), moments=1)
    np.testing.assert_allclose(powers.coefficients.estimate[1:], [STAY["y1"], STAY["y2"]], rtol=1e-7)


def test_margins_hold_and_have_the_errors_of_their_samples() -> None:
    """Weighted stayers' means are the panel's first and the refreshment sample's second, and so are the standard errors."""
    data = drawn(np.random.default_rng(1), 900, 600)
    r, fresh, n = refreshment_weights(**data), data["refreshment"], data["counts"]
    second, first = mean(data["y2"], r.weights), mean(np.nan_to_num(data["y1"]), r.weights)
    own = mean(data["y2"][fresh], counts=n[fresh])
    panel = mean(data["y1"][~fresh], counts=n[~fresh])
    np.testing.assert_allclose([second.estimate, first.estimate], [own.estimate, panel.estimate], atol=1e-9)
    assert second.std_error == pytest.approx(own.std_error * np.sqrt(1500 / 1499 * 599 / 600), rel=1e-8)
    assert first.std_error == pytest.approx(panel.std_error * np.sqrt(1500 / 1499 * 899 / 900), rel=1e-8)
    apart = mean(data["y2"], r.weights, design=Design(strata=fresh))
    assert apart.std_error == pytest.approx(own.std_error, rel=1e-8)
    assert "refreshment" in second.variance_accounts_for and r.weights.mass.sum() == pytest.approx(900)


def test_brute_force_with_characteristics() -> None:
    rng = np.random.default_rng(2)
    data = rows_of(drawn(rng, 500, 400))
    fresh, left = data["refreshment"], np.isnan(data["y2"])
    x = np.where(left, rng.normal(0.3, 1, left.size), rng.normal(0, 1, left.size))
    r = refreshment_weights(**data, x={"tenure": np.where(fresh, NAN, x)}, moments=2)
    y1, y2 = np.nan_to_num(data["y1"]), np.nan_to_num(data["y2"])
    z = np.column_stack([np.ones(y1.size), y1, y1**2, y2, y2**2, x])
    stayed = ~fresh & ~left

    def gap(b: Any) -> Any:
        reached = z[stayed].T @ (1 + np.exp(-z[stayed] @ b)) / (~fresh).sum()
        wanted = np.concatenate([z[~fresh][:, :3].mean(axis=0), z[fresh][:, 3:5].mean(axis=0), z[~fresh][:, 5:].mean(axis=0)])
        return reached - wanted

    b = optimize.root(gap, np.zeros(6), tol=1e-12).x
    np.testing.assert_allclose(r.weights.values[stayed], 1 + np.exp(-z[stayed] @ b), rtol=1e-7)
    assert r.coefficients.estimate[-1] == pytest.approx(b[-1], rel=1e-6)
    assert r.tidy()["term"].tolist() == ["intercept", "y1", "y1^2", "y2", "y2^2", "tenure"]


def test_influence_values_are_derivatives() -> None:
    """Of weighted means and of coefficients, by the presence of a row of either sample, through weights raked before."""
    data = drawn(np.random.default_rng(3), 700, 500)
    counts = data.pop("counts").astype(float)
    source, dealer = np.where(data["refreshment"], "fresh", "panel"), np.tile(["a", "b", "b", "a"], 6)
    d = np.random.default_rng(4).uniform(0.5, 2, 24)

    def fit(often: Any) -> Any:
        margin = np.char.add(source, dealer)
        raked = rake({"cell": margin}, {"cell": {"panela": 300, "panelb": 380, "fresha": 90, "freshb": 130}}, base_weights=d, counts=often)
        return refreshment_weights(**data, base_weights=raked)

    r, changed = fit(counts), fell(data)
    z, theta = mean(changed, r.weights).influence, r.coefficients.influence
    for row in range(24):
        step = np.eye(24)[row] * 1e-4
        up, down = (fit(counts + sign * step) for sign in (1, -1))
        assert (mean(changed, up.weights).estimate - mean(changed, down.weights).estimate) / 2e-4 == pytest.approx(z[row], abs=2e-8)
        np.testing.assert_allclose((up.coefficients.estimate - down.coefficients.estimate) / 2e-4, theta[row], rtol=1e-4, atol=1e-7)


def test_errors_agree_with_the_jackknife() -> None:
    data = drawn(np.random.default_rng(5), 600, 400)
    r, design = refreshment_weights(**data), Design(strata=data["refreshment"])
    linear = mean(fell(data), r.weights, design=design)
    jackknife = mean(fell(data), replicate(r.weights, design=design, method="jackknife"))
    assert linear.std_error == pytest.approx(jackknife.std_error, rel=0.02)
    assert linear.estimate == pytest.approx(jackknife.estimate)


def test_errors_agree_with_a_bootstrap() -> None:
    data = drawn(np.random.default_rng(3), 2000, 1500)
    w, design = refreshment_weights(**data).weights, Design(strata=data["refreshment"])
    drawn_again = mean(fell(data), replicate(w, design=design, method="bootstrap", replicates=150, draws=0.5, seed=1))
    assert mean(fell(data), w, design=design).std_error == pytest.approx(drawn_again.std_error, rel=0.15)


def test_counts_are_repeated_rows_and_weight_0_is_no_row() -> None:
    data = drawn(np.random.default_rng(6), 600, 400)
    once, rows = refreshment_weights(**data), rows_of(data)
    repeated = refreshment_weights(**rows)
    added = {name: np.append(column, {"y1": 9.0, "y2": NAN, "refreshment": False}[name]) for name, column in rows.items()}
    dropped = refreshment_weights(**added, base_weights=np.append(np.ones(1000), 0.0))
    for other in (repeated, dropped):
        np.testing.assert_allclose(once.coefficients.estimate, other.coefficients.estimate, rtol=1e-8)
        np.testing.assert_allclose(once.coefficients.std_error, other.coefficients.std_error, rtol=1e-8)
        assert once.missing_at_random.p_value == pytest.approx(other.missing_at_random.p_value)
        assert (once.n_panel, once.n_stayed, once.n_refreshment) == (other.n_panel, other.n_stayed, other.n_refreshment)


def test_size_of_either_sample_does_not_matter_to_the_weights() -> None:
    data = drawn(np.random.default_rng(7), 600, 400)
    plain = refreshment_weights(**data)
    scaled = refreshment_weights(**data, base_weights=np.where(data["refreshment"], 50.0, 3.0))
    np.testing.assert_allclose(scaled.weights.values, 3 * plain.weights.values, rtol=1e-8)
    assert scaled.missing_at_random.statistic == pytest.approx(plain.missing_at_random.statistic)


def test_weighted_by_the_first_period_alone_where_the_second_plays_no_part() -> None:
    """With expected cells and k2 = 0 the weights are those of post-stratification to the first margin, and the test says so."""
    people = 1000 * JOINT.ravel()
    stayed = people * chance(y2=0.0)
    r = refreshment_weights(**cells(stayed, (people - stayed).reshape(4, 4).sum(axis=1), 800 * JOINT.sum(axis=0)))
    np.testing.assert_allclose(r.weights.values[:16], 1 / chance(y2=0.0), rtol=1e-7)
    assert r.missing_at_random.statistic == pytest.approx(0, abs=1e-8) and r.missing_at_random.df == 3
    assert r.hausman_wise.p_value < 0.5


def test_the_test_holds_its_level_and_has_power() -> None:
    rng = np.random.default_rng(8)
    rejected = {}
    for y2 in (0.0, 0.5):
        p = [refreshment_weights(**drawn(rng, 3000, 2000, y2=y2)).missing_at_random.p_value for _ in range(80)]
        rejected[y2] = np.mean(np.array(p) < 0.05)
    assert rejected[0.0] < 0.14 and rejected[0.5] > 0.8


def test_result_reads_back_and_speaks_chinese() -> None:
    r = refreshment_weights(**drawn(np.random.default_rng(9), 600, 400), moments=2)
    back = load(r.to_json())
    np.testing.assert_array_equal(back.coefficients.std_error, r.coefficients.std_error)
    assert back.missing_at_random.p_value == r.missing_at_random.p_value
    assert build("refreshment") == schema("refreshment")
    assert "补充样本" in r.summary("zh") and len(r.assumptions) == 4
    with pytest.raises(InputError, match="read from a file"):
        _ = back.weights
    assert "refreshment" in r.weights.steps_frame()["step"].tolist()


def test_registry_inference_is_refused() -> None:
    data = drawn(np.random.default_rng(10), 600, 400)
    with pytest.raises(IdentificationError, match='inference must be "r"'):
        mean(data["y2"], refreshment_weights(**data).weights, inference="registry")


def test_telco_style_stock_of_current_customers_is_named() -> None:
    """A refreshment sample that holds fewer of a score than the panel's stayers do has another population."""
    data = drawn(np.random.default_rng(11), 900, 600)
    data["counts"][20] = 1
    with pytest.raises(InfeasibleError, match="second score of 1 than"):
        refreshment_weights(**data)


FEW: dict[str, Any] = {
    "y1": [1, 1, 2, 2, 1, 2, NAN, NAN], "y2": [1, 2, 1, 2, NAN, NAN, 1, 2], "refreshment": [False] * 6 + [True] * 2,
    "counts": [40, 10, 10, 20, 20, 20, 60, 60],
}
BAD: dict[str, tuple[dict[str, Any], type[VocstatsError], str]] = {
    "no refreshment": ({"counts": [40, 10, 10, 20, 20, 20, 0, 0]}, IdentificationError, "Nobody is in the refreshment sample"),
    "nobody stayed": ({"counts": [0, 0, 0, 0, 20, 20, 60, 60]}, IdentificationError, "Nobody of the panel was heard"),
    "nobody left": ({"counts": [40, 10, 10, 20, 0, 0, 60, 60]}, IdentificationError, "Nobody left"),
    "beyond": ({"y2": [1, 2, 1, 2, NAN, NAN, 1, 3]}, IdentificationError, "gave scores that nobody who stayed in the panel gave: 3"),
    "beyond, powers": ({"y2": [1, 2, 1, 2, NAN, NAN, 1, 3], "moments": 1}, IdentificationError, "at rows 7"),
    "second nobody refreshed": ({"y2": [1, 2, 1, 2, NAN, NAN, 1, 1]}, InfeasibleError, "second score of 2 than"),
    "first unheard": ({"y1": [1, 1, 2, 2, 1, 3, NAN, NAN]}, IdentificationError, "first score of 3 nobody stayed"),
    "first all stayed": ({"counts": [40, 10, 10, 20, 20, 0, 60, 60]}, IdentificationError, "first score of 2 nobody left"),
    "never change": ({"counts": [40, 0, 0, 30, 20, 20, 60, 60]}, IdentificationError, "cannot tell the parts"),
    "constant": ({"y2": [1, 1, 1, 1, NAN, NAN, 1, 1]}, IdentificationError, "same score in y2"),
    "collinear x": ({"x": {"twice": [2, 2, 4, 4, 2, 4, NAN, NAN]}}, IdentificationError, "'twice'"),
    "x separates": (
        {"x": {"new": [0, 1, 0, 0, 0, 0, 0, 0]}, "counts": [40, 10, 10, 20, 20, 20, 75, 45]}, IdentificationError, "some people is 1 or 0"
    ),
    "x missing": ({"x": {"new": [NAN, 1, 0, 0, 0, 0, 0, 0]}}, InputError, "missing"),
    "x short": ({"x": {"new": [0, 1]}}, InputError, "entries"),
    "x short table": ({"x": np.ones((3, 2))}, InputError, "'x0'\\] has 3 entries"),
    "panel without first": ({"y1": [1, NAN, 2, 2, 1, 2, NAN, NAN]}, InputError, "no first score, at rows 1"),
    "refreshment with first": ({"y1": [1, 1, 2, 2, 1, 2, 1, NAN]}, InputError, "holds first scores, at rows 6"),
    "refreshment unheard": ({"y2": [1, 2, 1, 2, NAN, NAN, 1, NAN]}, InputError, "no second score, at rows 7"),
    "flags": ({"refreshment": [2] * 8}, InputError, "true or false"),
    "strings": ({"y1": list("11221200")}, InputError, "y1 must hold numbers"),
    "moments": ({"moments": 0}, InputError, "moments"),
    "level": ({"level": 1.0}, InputError, "level"),
    "empty": ({"y1": [], "y2": [], "refreshment": [], "counts": []}, VocstatsError, "Nobody"),
}


@pytest.mark.parametrize("name", BAD)
def test_refusals(name: str) -> None:
    options, kind, text = BAD[name]
    with pytest.raises(kind, match=text) as caught:
        refreshment_weights(**{**FEW, **options})
    assert message(caught.value, "zh")


def test_many_levels_need_moments() -> None:
    rng = np.random.default_rng(12)
    y1, y2 = np.round(rng.normal(60, 15, 600)), np.round(rng.normal(60, 15, 600))
    fresh = np.arange(600) >= 400
    left = ~fresh & (rng.random(600) < special.expit(-(y1 + y2 - 120) / 40))
    data = {"y1": np.where(fresh, NAN, y1), "y2": np.where(left, NAN, np.clip(y2, 35, 85)), "refreshment": fresh}
    with pytest.raises(InputError, match="more than an effect of each"):
        refreshment_weights(**data)
    r = refreshment_weights(**data, moments=2)
    assert mean(data["y2"], r.weights).estimate == pytest.approx(data["y2"][fresh].mean())


def test_characteristics_that_are_missing_are_refused_by_their_own_rows() -> None:
    """Of the panel only, masked ones among them; what a mask hides is not read."""
    y1, y2, fresh = [np.nan, 1, 1, 0, 0, 1, 0, np.nan], [1, 1, 0, 1, 0, np.nan, np.nan, 0], [True] + [False] * 6 + [True]
    x = np.arange(8.0)
    x[[0, 5]] = np.nan
    hidden = np.ma.array(np.nan_to_num(x), mask=np.isnan(x))
    for given in ({"tenure": x}, {"tenure": hidden}, x[:, None], hidden[:, None]):
        with pytest.raises(InputError, match="missing or infinite") as caught:
            refreshment_weights(y1, y2, fresh, x=given)
        assert caught.value.rows == (5,)


def test_levels_that_differ_in_their_last_digits_have_names_of_their_own() -> None:
    y1, y2 = np.array([1, 1, 0, 0, 1, 0, np.nan, np.nan]), np.array([1, 0, 1, 0, np.nan, np.nan, 1, 0])
    fresh, often = np.isnan(y1), [40, 10, 10, 20, 20, 20, 60, 60]
    near, far = (refreshment_weights(y1 + origin, y2 + origin, fresh, counts=often) for origin in (0.0, 1e6))
    assert far.coefficients.labels["part"].tolist() == ["intercept", "y1=1000001", "y2=1000001"]
    np.testing.assert_allclose(far.weights.values, near.weights.values)
