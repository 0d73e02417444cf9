"""Donors against a search of all pairs, ties, the variance of donors, and coverage."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from simulation.recording import record

from vocstats.nonresponse import nonprobability
from vocstats.nonresponse.integration.matching import impute

NEIGHBOURS = {"method": "mass_imputation", "imputation": "nearest_neighbour", "donors": 1}
PREDICTIVE = {"method": "mass_imputation", "imputation": "predictive_mean"}
OBSERVED = {**PREDICTIVE, "match_on": "observed"}


@pytest.mark.parametrize("donors", [1, 3])
def test_donors_of_a_search_of_all_pairs(donors: int) -> None:
    rng = np.random.default_rng(1)
    place, wanted, y, d = rng.normal(size=(80, 3)), rng.normal(size=(30, 3)), rng.normal(size=80), rng.uniform(1.0, 9.0, 30)
    found = impute(y, place, wanted, np.ones(80), d, d**2, donors)
    near = np.argsort(((wanted[:, None] - place) ** 2).sum(axis=2), axis=1)[:, :donors]
    np.testing.assert_allclose(found.imputed, y[near].mean(axis=1))
    serves = np.zeros((80, 30))
    for j, row in enumerate(near):
        serves[row, j] = 1.0 / donors
    np.testing.assert_allclose(found.donated, serves @ d)
    np.testing.assert_allclose(found.chance, serves**2 @ d**2, atol=1e-12)
    apart = ((place[:, None] - place) ** 2).sum(axis=2) + np.diag(np.full(80, np.inf))
    np.testing.assert_allclose(found.spread, (y - y[apart.argmin(axis=1)]) ** 2 / 2.0)


def test_units_at_the_same_place_share() -> None:
    """Two donors wanted, one at the place of 0 and three at that of 1: the one, and a third of each of the three."""
    y, place = np.array([6.0, 1.0, 2.0, 6.0]), np.array([[0.0], [1.0], [1.0], [1.0]])
    found = impute(y, place, np.array([[0.1]]), np.ones(4), np.array([12.0]), np.zeros(1), 2)
    assert found.imputed == pytest.approx([(6.0 + 3.0) / 2.0])
    assert found.donated == pytest.approx([6.0, 2.0, 2.0, 2.0])
    assert found.spread == pytest.approx([3.0 / 4.0 * 9.0, 7.0, 7.0, 7.0])


def test_more_donors_than_the_sample_has_are_all_of_it() -> None:
    y = np.array([1.0, 2.0, 6.0])
    found = impute(y, np.array([[0.0], [1.0], [2.0]]), np.array([[5.0]]), np.ones(3), np.ones(1), np.zeros(1), 10)
    assert found.imputed == pytest.approx([3.0])


def test_labels_are_one_standard_deviation_apart() -> None:
    x = {"age": [0.0, 10.0, 20.0, 30.0], "shop": ["a", "b", "c", "b"]}
    r = nonprobability([1.0, 2.0, 4.0, 8.0], x, registry={"age": [10.0], "shop": ["a"]}, **NEIGHBOURS)
    assert r.estimate[0] == 1.0  # 10 / 11.18 away in age; the same age in another shop is 1 away


def coverage(options: dict[str, Any], repetitions: int, seed: int, drawn: int) -> tuple[float, float]:
    """Share of 95 % intervals over the truth, and mean over true variance."""
    rng = np.random.default_rng(seed)
    size = 20_000
    x = {"spend": rng.normal(size=size), "age": rng.uniform(-1.0, 1.0, size)}
    y = 2.0 + x["spend"] + np.sin(2.0 * x["age"]) + rng.normal(size=size) * np.where(x["age"] > 0, 1.5, 1.0)
    entering = 1.0 / (1.0 + np.exp(3.6 - 0.6 * x["spend"] - 0.5 * x["age"]))
    truth, hits, values, spreads = y.mean(), 0, [], []
    for _ in range(repetitions):
        own, rows = np.flatnonzero(rng.random(size) < entering), rng.choice(size, drawn, replace=False)
        sample, reference = ({name: column[part] for name, column in x.items()} for part in (own, rows))
        r = nonprobability(y[own], sample, reference=reference, weights=np.full(drawn, size / drawn), **options)
        hits += r.conf_low[0] <= truth <= r.conf_high[0]
        values.append(r.estimate[0])
        spreads.append(r.std_error[0] ** 2)
    return hits / repetitions, float(np.mean(spreads) / np.var(values))


CASES = [(NEIGHBOURS, 300), (NEIGHBOURS, 2000), (PREDICTIVE, 300), (PREDICTIVE, 2000), (OBSERVED, 2000)]


@pytest.mark.parametrize(("options", "drawn"), CASES[:1] + CASES[2:3] + CASES[4:])
def test_coverage_in_ci(options: dict[str, Any], drawn: int) -> None:
    share, ratio = coverage(options, 100, 1, drawn)
    assert abs(share - 0.95) < 3 * math.sqrt(0.95 * 0.05 / 100)
    assert 0.65 < ratio < 1.5


@pytest.mark.slow
def test_coverage() -> None:
    """Five neighbours are farther away than one: their bias is on record, not asked to vanish."""
    rows = []
    for options, drawn in [*CASES, ({**NEIGHBOURS, "donors": 5}, 2000)]:
        share, ratio = coverage(options, 1000, 2, drawn)
        what = {name: options.get(name, default) for name, default in (("imputation", ""), ("match_on", "predicted"), ("donors", 5))}
        rows.append({**what, "reference": drawn, "coverage": share, "mean over true variance": ratio})
    record("nonprobability_donors", "Mass imputation by donors, about 670 in the sample", pd.DataFrame(rows), repetitions=1000, seed=2)
    table = pd.DataFrame(rows[:-1])
    assert (abs(table["coverage"] - 0.95) < 3 * math.sqrt(0.95 * 0.05 / 1000)).all()
    assert table["mean over true variance"].between(0.85, 1.15).all()
