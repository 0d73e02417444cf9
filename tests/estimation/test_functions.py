"""Smooth functions of estimates: slopes, replicates, domains, what cannot be combined."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from vocstats.errors import InputError
from vocstats.estimation import Design, difference, mean, proportion, ratio, replicate, smooth_function, total
from vocstats.results import load
from vocstats.texts import message
from vocstats.weighting import rake


def sample(seed: int = 0, n: int = 400) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    by = rng.integers(0, 3, n)
    return {"y": 6 + by + rng.normal(size=n), "x": rng.uniform(1, 2, n), "w": rng.uniform(1, 3, n), "by": by}


def chain(r: dict[str, Any]) -> Any:
    return rake({"by": r["by"], "x": r["x"] > 1.5}, {"by": {0: 300, 1: 300, 2: 400}, "x": {False: 400, True: 600}}, base_weights=r["w"])


@pytest.mark.parametrize("inference", ["r", "registry", "process"])
def test_a_ratio_of_totals_is_the_ratio(inference: Any) -> None:
    r = sample()
    w = chain(r)
    joined = smooth_function(np.divide, *(total(r[name], w, by=r["by"], inference=inference) for name in "yx"))
    direct = ratio(r["y"], r["x"], w, by=r["by"], inference=inference)
    np.testing.assert_allclose(joined.estimate, direct.estimate)
    if inference != "process":  # the spread of a total's registry leaves out its own size
        np.testing.assert_allclose(joined.std_error, direct.std_error, rtol=1e-7)
    np.testing.assert_allclose(joined.influence, direct.influence, atol=1e-10)


def test_slopes_given_and_found_are_the_same() -> None:
    r = sample(1)
    parts = [mean(r[name], r["w"], by=r["by"]) for name in "yx"]
    found = smooth_function(lambda a, b: np.log(a) / b**2, *parts)
    given = smooth_function(lambda a, b: np.log(a) / b**2, *parts, gradient=lambda a, b: (1 / a / b**2, -2 * np.log(a) / b**3))
    np.testing.assert_allclose(found.std_error, given.std_error, rtol=1e-8)
    assert found.statistic == "function" and (found.n == parts[0].n).all()


def test_an_estimate_without_domains_stands_against_each() -> None:
    r = sample(2)
    w = chain(r)
    part, whole = mean(r["y"], w, by=r["by"]), mean(r["y"], w)
    index = smooth_function(lambda a, b: 100 * a / b, part, whole)
    turned = smooth_function(lambda b, a: 100 * a / b, whole, part)
    np.testing.assert_allclose(index.std_error, turned.std_error)
    z = 100 * (part.influence / whole.estimate - part.estimate / whole.estimate**2 * whole.influence[:, None])
    np.testing.assert_allclose(index.influence, z, atol=1e-9)
    assert index.labels["by"].tolist() == [0, 1, 2]


def test_replicates_evaluate_the_function() -> None:
    r = sample(3)
    reps = replicate(chain(r), method="jackknife", centre="mean")
    for name in ("difference", "log ratio"):
        def function(a: Any, b: Any, name: str = name) -> Any:
            return smooth_function(lambda p, q: np.log(p / q), a, b) if name == "log ratio" else difference(a, b)

        jack, linear = (function(mean(r["y"], w, by=r["by"]), mean(r["y"], w)) for w in (reps, chain(r)))
        np.testing.assert_allclose(jack.estimate, linear.estimate)
        np.testing.assert_allclose(jack.std_error, linear.std_error, rtol=0.03)
    by_hand = np.log(mean(r["y"], reps, by=r["by"]).material.values / mean(r["y"], reps).material.values)
    np.testing.assert_allclose(jack.material.values, by_hand)


@pytest.mark.parametrize("method", ["bootstrap", "jackknife"])
def test_replicates_of_two_chains_drawn_alike_are_compared(method: Any) -> None:
    """What weighting moved: raked less unweighted, by the same draws; other draws are refused."""
    r = sample(7)
    raked, plain = chain(r), np.ones(400)
    options: dict[str, Any] = {"method": method, "design": Design(clusters=np.arange(400) // 4)}
    moved = difference(mean(r["y"], replicate(raked, **options)), mean(r["y"], replicate(plain, **options)))
    linear = difference(*(mean(r["y"], w, design=options["design"]) for w in (raked, plain)))
    assert moved.estimate == pytest.approx(linear.estimate) and moved.std_error == pytest.approx(linear.std_error, rel=0.15)
    apart = np.hypot(*(mean(r["y"], replicate(w, **options)).std_error for w in (raked, plain)))
    assert moved.std_error < 0.7 * apart
    other = replicate(plain, method=method, **({"seed": 5, "design": options["design"]} if method == "bootstrap" else {}))
    with pytest.raises(InputError, match="replicates"):
        difference(mean(r["y"], replicate(raked, **options)), mean(r["y"], other))


def test_functions_of_functions_and_of_one_estimate() -> None:
    r = sample(4)
    p = proportion(r["y"] > 7, r["w"], inference="process")
    odds = smooth_function(lambda share: share / (1 - share), p)
    back = smooth_function(lambda odd: odd / (1 + odd), odds)
    assert (back.estimate, back.std_error, back.df) == (pytest.approx(p.estimate), pytest.approx(p.std_error), pytest.approx(p.df))
    assert smooth_function(lambda a: a * 0 + 3.0, p).std_error == 0


def test_zero_estimates_undefined_functions_and_single_answers() -> None:
    y, by = np.array([-1.0, 1.0, 2.0, 3.0, 5.0]), np.array([0, 0, 1, 1, 2])
    e = mean(y, by=by)
    root = smooth_function(np.sqrt, smooth_function(lambda a: a - 1.0, e))
    assert np.isnan(root.estimate[0]) and np.isnan(root.std_error[0]) and root.estimate[1] == pytest.approx(1.5**0.5)
    assert np.isnan(smooth_function(np.exp, e).std_error[2])
    assert smooth_function(np.exp, e).std_error[0] == pytest.approx(e.std_error[0]), "exp at 0"
    assert np.isnan(smooth_function(lambda a: 1 / a, e).std_error[0])


def test_what_cannot_be_combined_is_refused() -> None:
    r = sample(5)
    y, w = r["y"], r["w"]
    a = mean(y, w)
    reps = replicate(w, method="jackknife")
    cases: list[tuple[Any, str, str]] = [
        (lambda: smooth_function(np.add, a, mean(y[:9])), "not_comparable", "number of rows"),
        (lambda: smooth_function(np.add, a, mean(y, w, level=0.9)), "not_comparable", "level"),
        (lambda: smooth_function(np.add, a, mean(y, w, design=Design(clusters=r["by"]))), "not_comparable", "design"),
        (lambda: smooth_function(np.add, mean(y, w, by=r["by"]), mean(y, w, by=r["by"] > 0)), "not_comparable", "domains"),
        (lambda: smooth_function(np.add, a, mean(y, reps)), "no_influence", "replicates"),
        (lambda: difference(mean(y, reps), mean(y, replicate(w, seed=9))), "not_comparable", "replicates"),
        (lambda: difference(a, load(a.to_json())), "no_influence", "read from a file"),
        (lambda: smooth_function(lambda a: np.ones(5), a), "function_shape", "shape"),
        (lambda: smooth_function(np.add, a, a, gradient=lambda a, b: (1.0,)), "gradient_length", "1 slopes for 2"),
    ]
    for call, code, text in cases:
        with pytest.raises(InputError, match=text) as caught:
            call()
        assert caught.value.code == code and message(caught.value, "zh")


@pytest.mark.parametrize("inference", ["r", "registry"])
def test_one_domain_against_another(inference: Any) -> None:
    r = sample(6)
    w, by = chain(r), {"shop": np.array(["东", "西", "南"])[r["by"]], "new": r["x"] > 1.5}
    e = mean(r["y"], w, by=by, inference=inference)
    one, two = (e.at({"shop": shop, "new": True}) for shop in ("东", "西"))
    places = [[tuple(row) for row in zip(e.labels["shop"], e.labels["new"], strict=True)].index((shop, True)) for shop in ("东", "西")]
    assert one.estimate == e.estimate[places[0]] and one.std_error == e.std_error[places[0]] and one.labels == {}
    table = e.covariance()[np.ix_(places, places)]
    gap = difference(one, two)
    assert gap.estimate == pytest.approx(e.estimate[places[0]] - e.estimate[places[1]])
    assert gap.std_error**2 == pytest.approx(table[0, 0] + table[1, 1] - 2 * table[0, 1], rel=1e-9 if inference == "r" else 0.02)
    np.testing.assert_allclose(one.influence, e.influence[:, places[0]])
    jack = mean(r["y"], replicate(w, method="jackknife"), by=by)
    replicated = difference(*(jack.at({"shop": shop, "new": True}) for shop in ("东", "西")))
    table = jack.covariance()[np.ix_(places, places)]
    assert replicated.std_error**2 == pytest.approx(table[0, 0] + table[1, 1] - 2 * table[0, 1])
    for labels in ({"shop": "北", "new": True}, {"shop": "东"}, {}):
        with pytest.raises(InputError, match="No domain has the labels") as caught:
            e.at(labels)
        assert message(caught.value, "zh")
