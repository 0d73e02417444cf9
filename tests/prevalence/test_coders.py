"""Several coders: Dawid and Skene's anaesthetists, direct maximisation, Hessians by differences, equivalences, simulation, bad input."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize

from vocstats._numerics import exact_share_limits
from vocstats.errors import ConvergenceError, IdentificationError, InputError
from vocstats.prevalence import CoderModelFit, CoderWarning, dawid_skene
from vocstats.prevalence.coder_likelihood import CoderModel, Parameters
from vocstats.results import load

# Table 1 of Dawid & Skene (1979): 45 patients; observer 1 three times, observers 2 to 5 once each
PATIENTS = """1111111 3334334 1122122 2223121 2223222 2223322 1222111 3333433 2222223 2322223 4444444 2223343 1111111 2223212 1211111
1112111 1111111 1111111 2222221 2221322 2222222 2222221 2223222 2212222 1111111 1111111 2322222 1111111 1111111 1121121
1111111 3333233 1111111 2222222 2223232 4334343 2212232 2323233 3333432 1111111 1111111 1212111 2322222 1211111 2222222"""
OBSERVER = [1, 1, 1, 2, 3, 4, 5]
EIGHT = np.array([[1, 1, 1], [1, 1, 0], [1, 0, 1], [0, 1, 1], [1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0]])


def quietly(*args: Any, **options: Any) -> CoderModelFit:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CoderWarning)
        return dawid_skene(*args, **options)


def anaesthetists(**options: Any) -> CoderModelFit:
    labels = np.array([[int(each) for each in row] for row in PATIENTS.split()])
    return quietly(np.repeat(np.arange(45), 7), np.tile(OBSERVER, 45), labels.ravel(), **options)


def world(rng: np.random.Generator, n: int, p: Any, theta: np.ndarray, easy: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Classes (n,) and labels (n, J)."""
    truth = rng.choice(len(p), size=n, p=p)
    labels = np.array([(rng.random(n)[:, None] > np.cumsum(each[truth], axis=1)[:, :-1]).sum(axis=1) for each in theta]).T
    sure = rng.random(n) < easy
    labels[sure] = truth[sure, None]
    return truth, labels


def long(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    n, j = labels.shape
    return np.repeat(np.arange(n), j), np.tile(np.arange(j), n), labels.ravel()


def coders(skill: list[list[float]]) -> np.ndarray:
    """Binary coders of given specificity and sensitivity."""
    return np.array([[[sp, 1 - sp], [1 - se, se]] for sp, se in skill])


def log_likelihood(labels: np.ndarray, p: np.ndarray, theta: np.ndarray) -> np.ndarray:
    """Written from the formula; -1: no label."""
    chance = np.where(labels[:, :, None] < 0, 1.0, theta[np.arange(labels.shape[1]), :, labels])
    return np.log(np.prod(chance, axis=1) @ p)


def test_anaesthetists() -> None:
    """Dawid & Skene's data: .40, .42, .11, .07 and the rates of observer 1, from their start; the same by a plain EM of full counts."""
    r = anaesthetists(starts=1, interval="delta")
    counts = np.zeros((45, 5, 4))
    for patient, row in enumerate(PATIENTS.split()):
        for observer, each in zip(OBSERVER, row, strict=True):
            counts[patient, observer - 1, int(each) - 1] += 1
    chance = counts.sum(axis=1) / 7
    for _ in range(5000):
        p, theta = chance.mean(axis=0), np.einsum("ic,ijl->jcl", chance, counts)
        theta /= theta.sum(axis=2, keepdims=True)
        chance = p * np.prod(theta[None] ** counts[:, :, None, :], axis=(1, 3))
        chance /= chance.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(r.estimate, p, atol=1e-5)
    np.testing.assert_allclose(r.theta, theta, atol=1e-5)
    np.testing.assert_array_equal(np.round(r.estimate, 2), [0.40, 0.42, 0.11, 0.07])
    first = [[0.89, 0.11, 0, 0], [0.07, 0.88, 0.05, 0], [0, 0.34, 0.66, 0], [0, 0, 0.56, 0.44]]
    np.testing.assert_array_equal(np.round(r.theta[0], 2), first)
    assert r.patterns == 28 and r.n_labels == 315 and list(r.coders["coder"]) == [1, 2, 3, 4, 5]
    labels = np.array([[int(each) - 1 for each in row] for row in PATIENTS.split()])
    assert log_likelihood(labels, r.estimate, r.theta[[0, 0, 0, 1, 2, 3, 4]]).sum() == pytest.approx(r.log_likelihood)


def test_a_higher_summit_is_found_and_told() -> None:
    """Their start does not lead to the highest summit: the warning says how far prevalences lie apart."""
    labels = np.array([[int(each) for each in row] for row in PATIENTS.split()])
    with pytest.warns(CoderWarning, match="several summits"):
        r = dawid_skene(np.repeat(np.arange(45), 7), np.tile(OBSERVER, 45), labels.ravel())
    assert r.log_likelihood > anaesthetists(starts=1, interval="delta").log_likelihood + 0.2
    assert r.summit_low[1] < 0.423 and r.summit_high[1] > 0.46


def test_direct_maximisation_and_hessian() -> None:
    """Four coders, some items unseen by some: the same maximum by quasi-Newton steps, standard errors of a Hessian by differences."""
    rng = np.random.default_rng(5)
    _, labels = world(rng, 400, [0.7, 0.3], coders([[0.9, 0.7], [0.8, 0.85], [0.95, 0.6], [0.7, 0.75]]))
    unseen = rng.random(labels.shape) < 0.2
    keep = ~unseen.ravel()
    item, coder, label = (each[keep] for each in long(labels))
    holes = np.where(unseen, -1, labels)
    r = dawid_skene(item, coder, label)

    def split(v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.array([1 - v[0], v[0]]), np.array([[[1 - a, a], [1 - b, b]] for a, b in v[1:].reshape(4, 2)])

    def loss(v: np.ndarray) -> float:
        return -float(log_likelihood(holes, *split(v)).sum())

    best = minimize(lambda x: loss(1 / (1 + np.exp(-x))), np.append(-1.0, np.tile([-1.0, 1.0], 4)), method="BFGS")
    ours = np.concatenate([[r.estimate[1]], r.theta[:, :, 1].ravel()])
    assert r.log_likelihood == pytest.approx(-best.fun, abs=1e-6)
    np.testing.assert_allclose(ours, 1 / (1 + np.exp(-best.x)), atol=2e-4)
    step, eye = 1e-3, np.eye(9)
    hessian = np.array([
        [sum(a * b * loss(ours + step * (a * eye[i] + b * eye[j])) for a in (1, -1) for b in (1, -1)) / (4 * step**2) for j in range(9)]
        for i in range(9)
    ])
    errors = np.sqrt(np.diag(np.linalg.inv(hessian)))
    np.testing.assert_allclose(np.concatenate([[r.std_error[1]], r.theta_error[:, :, 1].ravel()]), errors, rtol=2e-3)
    assert 0 < r.information_kept < 1


def test_errors_with_easy_items_gold_and_history() -> None:
    """The observed information is the derivative of the score by differences, with everything switched on."""
    rng = np.random.default_rng(6)
    theta = np.array([[[0.8, 0.15, 0.05], [0.1, 0.8, 0.1], [0.15, 0.1, 0.75]]] * 5)
    truth, labels = world(rng, 600, [0.5, 0.3, 0.2], theta, easy=0.3)
    gold = np.where(rng.random(600) < 0.2, truth, -1)
    known = np.where(gold < 0, np.nan, gold)
    r = dawid_skene(*long(labels), gold=np.repeat(known, 5), easy=True, coder_prior=np.full((3, 3), 2.0) + 8 * np.eye(3), interval="delta")

    def split(v: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        chance = np.concatenate([v[5:].reshape(5, 3, 2), 1 - v[5:].reshape(5, 3, 2).sum(axis=2, keepdims=True)], axis=2)
        return np.append(v[:2], 1 - v[:2].sum()), v[2:5], chance

    def value(v: np.ndarray) -> float:
        p, e, chance = split(v)
        hard = np.prod(chance[np.arange(5)[:, None], :, labels.T], axis=0)
        sure = np.all(labels[:, :, None] == np.arange(3), axis=1)
        each = p * ((1 - e) * hard + e * sure) * np.where(gold[:, None] < 0, 1, gold[:, None] == np.arange(3))
        return float(np.log(each.sum(axis=1)).sum() + ((2 + 8 * np.eye(3)) * np.log(chance)).sum())

    ours = np.concatenate([r.estimate[:2], r.easy, r.theta[:, :, :2].ravel()])
    step, eye = 2e-4, np.eye(ours.size)
    slope = [(value(ours + step * row) - value(ours - step * row)) / (2 * step) for row in eye]
    np.testing.assert_allclose(slope, 0, atol=0.5)  # against a curvature of some 10,000
    hessian = np.zeros((ours.size, ours.size))
    for i, j in zip(*np.tril_indices(ours.size), strict=True):
        moved = (a * b * value(ours + step * (a * eye[i] + b * eye[j])) for a in (1, -1) for b in (1, -1))
        hessian[i, j] = hessian[j, i] = sum(moved) / (4 * step**2)
    errors = np.sqrt(np.diag(np.linalg.inv(-hessian)))
    found = np.concatenate([r.std_error[:2], r.easy_error, r.theta_error[:, :, :2].ravel()])
    np.testing.assert_allclose(found, errors, rtol=5e-3)
    assert np.abs((r.easy - 0.3) / r.easy_error).max() < 3.5


def test_profile_limits_by_another_maximiser() -> None:
    rng = np.random.default_rng(7)
    _, labels = world(rng, 150, [0.85, 0.15], coders([[0.9, 0.7], [0.85, 0.8], [0.95, 0.7]]))
    r = dawid_skene(*long(labels), level=0.9)
    distinct, counts = np.unique(labels, axis=0, return_counts=True)

    def deviance(share: float) -> float:
        def loss(x: np.ndarray) -> float:
            v = 1 / (1 + np.exp(-x))
            theta = np.array([[[1 - a, a], [1 - b, b]] for a, b in v.reshape(3, 2)])
            return -float(counts @ log_likelihood(distinct, np.array([1 - share, share]), theta))

        starts = [np.tile([-2.0, 1.0], 3), np.tile([-3.0, 2.5], 3)]
        return 2 * (min(minimize(loss, start, method="BFGS").fun for start in starts) + r.log_likelihood)

    assert deviance(float(r.conf_low[1])) == pytest.approx(1.6449**2, abs=0.02)
    assert deviance(float(r.conf_high[1])) == pytest.approx(1.6449**2, abs=0.02)
    assert r.conf_low[0] == pytest.approx(1 - r.conf_high[1])


def test_counts_order_and_names() -> None:
    """Patterns with counts are the rows written out; order and names change nothing."""
    counts = np.array([80, 34, 20, 9, 26, 30, 16, 785])
    short = dawid_skene(np.repeat(np.arange(8), 3), list("abc") * 8, EIGHT.ravel(), counts=np.repeat(counts, 3), interval="delta")
    rows = np.repeat(EIGHT, counts, axis=0)
    order = np.random.default_rng(1).permutation(3000)
    item, coder, label = long(rows)
    words = np.array(["无此痛点", "有此痛点"])[label][order]
    names = np.array(["甲", "乙", "丙"])[coder][order]
    whole = dawid_skene(item[order], names, words, classes=["无此痛点", "有此痛点"], interval="delta")
    np.testing.assert_allclose(whole.estimate, short.estimate, atol=1e-7)
    place = [whole.coders["coder"].tolist().index(name) for name in "甲乙丙"]
    np.testing.assert_allclose(whole.theta_error[place], short.theta_error, rtol=1e-4)
    assert whole.n == 1000 and whole.patterns == 8 and whole.item_frame().shape == (1000, 4)
    assert whole.item_frame().columns.tolist() == ["item", "class", "probability_无此痛点", "probability_有此痛点"]
    np.testing.assert_allclose(whole.probabilities.mean(axis=0), whole.estimate, atol=1e-7)  # type: ignore[union-attr]


def test_known_classes_of_all_items_are_simple_shares() -> None:
    rng = np.random.default_rng(8)
    truth, labels = world(rng, 500, [0.6, 0.4], coders([[0.9, 0.7], [0.8, 0.8]]))
    r = dawid_skene(*long(labels), gold=np.repeat(truth, 2), interval="delta")
    share = truth.mean()
    assert r.estimate[1] == pytest.approx(share) and r.std_error[1] == pytest.approx(np.sqrt(share * (1 - share) / 500))
    sensitivity = labels[truth == 1].mean(axis=0)
    np.testing.assert_allclose(r.theta[:, 1, 1], sensitivity)
    np.testing.assert_allclose(r.effective[:, 1, 1], truth.sum())
    low, _ = exact_share_limits(sensitivity, truth.sum(), 0.95)
    np.testing.assert_allclose(r.theta_low[:, 1, 1], low)
    np.testing.assert_allclose(r.right_and_wrong()[:, 1, 0], labels[truth == 1].sum(axis=0))


def test_gold_drawn_by_truth_tells_of_coders_alone() -> None:
    """300 items with the class and 300 without, added to a sample in which 10 % have it; and history is gold without the items."""
    rng = np.random.default_rng(9)
    skill = coders([[0.9, 0.7], [0.95, 0.8]])
    _, labels = world(rng, 2000, [0.9, 0.1], skill)
    known = np.repeat([0, 1], 300)
    audit = np.array([(rng.random(600) > each[known, 0]).astype(int) for each in skill]).T
    item, coder, label = long(np.vstack([labels, audit]))
    gold = np.repeat(np.concatenate([np.full(2000, np.nan), known]), 2)
    by_truth = dawid_skene(item, coder, label, gold=gold, gold_drawn_by="truth")
    as_random = dawid_skene(item, coder, label, gold=gold)
    assert by_truth.conf_low[1] < 0.1 < by_truth.conf_high[1] and as_random.estimate[1] > 0.15
    counts = np.array([[[(audit[known == c, j] == said).sum() for said in (0, 1)] for c in (0, 1)] for j in (0, 1)])
    history = dawid_skene(*long(labels), coder_prior={0: counts[0], 1: counts[1]})
    np.testing.assert_allclose(history.estimate, by_truth.estimate, atol=1e-6)
    np.testing.assert_allclose(history.std_error, by_truth.std_error, rtol=1e-5)
    np.testing.assert_allclose(history.theta_error, by_truth.theta_error, rtol=1e-5)
    np.testing.assert_allclose(history.conf_high, by_truth.conf_high, atol=1e-4)


def test_easy_items_left_out_mislead() -> None:
    rng = np.random.default_rng(10)
    _, labels = world(rng, 6000, [0.6, 0.4], coders([[0.75, 0.65]] * 6), easy=0.5)
    modelled = dawid_skene(*long(labels), easy=True, interval="delta")
    plain = dawid_skene(*long(labels), interval="delta")
    assert abs(modelled.estimate[1] - 0.4) < 3.5 * modelled.std_error[1] and np.abs(modelled.easy - 0.5).max() < 0.1
    assert abs(plain.estimate[1] - 0.4) > 3.5 * plain.std_error[1]
    assert modelled.log_likelihood > plain.log_likelihood + 10


def test_perfect_coders_have_limits() -> None:
    """Nobody ever differs: chances stand at 0 and 1, and the limits are those of so many items of known class."""
    labels = np.repeat([[0, 0, 0], [1, 1, 1]], [70, 30], axis=0)
    r = dawid_skene(*long(labels))
    assert r.estimate[1] == pytest.approx(0.3) and np.isnan(r.theta_error).all()
    low, _ = exact_share_limits(1.0, 30, 0.95)
    np.testing.assert_allclose(r.theta_low[:, 1, 1], low, rtol=1e-3)


def test_what_labels_alone_do_not_identify() -> None:
    rng = np.random.default_rng(11)
    truth, labels = world(rng, 300, [0.6, 0.4], coders([[0.9, 0.8]] * 3))
    with pytest.raises(IdentificationError, match="fewer than three"):
        dawid_skene(*long(labels[:, :2]))
    some = np.where(np.arange(300) < 60, truth, np.nan)
    assert dawid_skene(*long(labels[:, :2]), gold=np.repeat(some, 2), interval="delta").n_gold == 60
    with pytest.raises(IdentificationError, match="singular"):
        dawid_skene([7, 7, 7], ["a", "b", "c"], ["yes"] * 3, classes=["no", "yes"])
    with pytest.raises(IdentificationError, match="singular"):
        quietly(*long(labels), easy=True, starts=1)
    mirrored = dawid_skene(*long(1 - labels), interval="delta")
    plain = dawid_skene(*long(labels), interval="delta")
    np.testing.assert_allclose(mirrored.estimate[::-1], plain.estimate, atol=1e-6)
    assert [a.code for a in plain.assumptions][-1] == "coders_rather_right"
    with pytest.warns(CoderWarning, match="hang on the model"):
        _, poor = world(rng, 3000, [0.6, 0.4], coders([[0.6, 0.6]] * 3))
        dawid_skene(*long(poor), interval="delta", starts=1)


def test_refusals_and_writing() -> None:
    item, coder, label = long(EIGHT)
    for options, error, match in (
        ({"label": [*label[:-1], None]}, InputError, "missing"), ({"coder": coder[:-1]}, InputError, "expected"),
        ({"classes": [0, 2]}, InputError, "not among the classes"), ({"classes": [0, 0]}, InputError, "two or more"),
        ({"label": np.zeros(24)}, InputError, "two or more"), ({"counts": np.arange(24)}, InputError, "counts differs within"),
        ({"gold": np.where(np.arange(24) % 3, 1.0, 0.0)}, InputError, "gold differs within"),
        ({"counts": -np.ones(24)}, InputError, "negative"), ({"coder_prior": np.ones((3, 3))}, InputError, "coder_prior must hold"),
        ({"coder_prior": {9: np.eye(2)}}, InputError, "gave no label"), ({"coder_prior": -np.eye(2)}, InputError, "negative"),
        ({"prevalence_prior": [1, 2, 3]}, InputError, "prevalence_prior"), ({"gold_drawn_by": "me"}, InputError, "gold_drawn_by"),
        ({"starts": 0}, InputError, "starts"), ({"level": 2}, InputError, "level"),
        ({"gold": [9] * 24, "classes": [0, 1]}, InputError, "not among"),
        ({"item": [], "coder": [], "label": []}, InputError, "empty"), ({"counts": np.zeros(24)}, InputError, "all 0"),
    ):
        given = {"item": item, "coder": coder, "label": label} | options
        with pytest.raises(error, match=match):
            quietly(given.pop("item"), given.pop("coder"), given.pop("label"), **given)
    with pytest.raises(IdentificationError, match="fewer than three"):
        dawid_skene([1], ["a"], [True], classes=[False, True])
    r = anaesthetists(interval="delta")
    again = load(r.to_json())
    with pytest.raises(InputError, match="not kept in files"):
        again.item_frame()
    assert isinstance(again, CoderModelFit) and again.probabilities is None and again.theta.shape == (5, 4, 4)
    assert r.coder_frame().shape == (80, 8) and r.tidy().shape == (24, 7) and "编码员" in r.summary("zh")


def test_slow_em_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vocstats.prevalence.coder_likelihood._TURNS", 30)
    monkeypatch.setattr(CoderModel.climb, "__kwdefaults__", {"held": None, "turns": 30, "close": 1e-300})
    with pytest.raises(ConvergenceError, match="did not settle"):
        anaesthetists(starts=1)


def test_the_em_never_descends() -> None:
    from vocstats.prevalence.coder_patterns import read_patterns

    rng = np.random.default_rng(12)
    _, labels = world(rng, 200, [0.5, 0.3, 0.2], np.full((4, 3, 3), 0.15) + 0.55 * np.eye(3))
    model = CoderModel.of(read_patterns(*long(labels), None, None, None), np.zeros(3), np.zeros((4, 3, 3)), False, True)
    at: Parameters = model.summits(1, 0)[0]
    assert model.height(at) >= max(model.height(model.climb(model._skilled(rng), turns=6)) for _ in range(5))


def test_limits_cover() -> None:
    """50 tables of 500 items and four coders: limits at 90 % of the prevalence (profile) and of the coders' chances."""
    rng = np.random.default_rng(90_002)
    skill = coders([[0.92, 0.7], [0.85, 0.8], [0.95, 0.6], [0.9, 0.75]])
    held = []
    for _ in range(50):
        r = dawid_skene(*long(world(rng, 500, [0.8, 0.2], skill)[1]), level=0.9, starts=1)
        held.append([r.conf_low[1] <= 0.2 <= r.conf_high[1], np.mean((r.theta_low <= skill) & (skill <= r.theta_high))])
    share = np.mean(held, axis=0)
    assert share[0] > 0.78 and 0.86 < share[1] < 0.97, share
