"""Both engines of pain-point prevalence are calibrated: over worlds from their own prior the truth ranks evenly among their draws."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from simulation.pain_point_calibration import KEPT, evenness, ranks, smallest
from simulation.recording import record

from vocstats.prevalence.counts import PainPointCounts
from vocstats.prevalence.latent_field import fit_latent_field
from vocstats.prevalence.posterior import PainPointPosterior

WORLDS, FIRST, MISLED = 500, 91_000, 50
ALARM = 0.01  # of the smallest p of all quantities and tests, times their number


def approximate(counts: PainPointCounts, seed: int) -> PainPointPosterior:
    return fit_latent_field(counts, draws=500, seed=seed)


def nuts(counts: PainPointCounts, seed: int) -> PainPointPosterior:
    from vocstats.bayes import fit_pain_points

    return fit_pain_points(counts, draws=8 * KEPT, tune=400, chains=1, seed=seed)  # every eighth is kept


def recorded(name: str, title: str, ranked: pd.DataFrame) -> float:
    rows = evenness(ranked)
    facts = {"worlds": len(ranked), "first_seed": FIRST, "smallest_p_times_tests": round(smallest(rows), 4)}
    record(name, title, rows, folder="pain_point_engines", **facts)
    return smallest(rows)


@pytest.mark.parametrize(("shift", "spread", "even"), [(0.0, 1.0, True), (0.3, 1.0, False), (0.0, 0.8, False), (0.0, 1.25, False)])
def test_uneven_ranks_are_noticed(shift, spread, even):
    """Draws that are .3 standard deviations off, or spread too little or too much, among 500 posteriors."""
    rng = np.random.default_rng(3)
    below = (shift + spread * rng.normal(size=(500, KEPT)) < rng.normal(size=(500, 1))).sum(axis=1)
    assert (smallest(evenness(pd.DataFrame({"quantity": below}))) > ALARM) == even


def test_approximate_engine_is_calibrated_in_small():
    assert smallest(evenness(ranks(approximate, range(90_000, 90_040)), bins=5)) > ALARM


def test_misleading_audit_is_noticed_in_small():
    assert smallest(evenness(ranks(approximate, range(90_000, 90_010), wrong=True), bins=4)) < ALARM


@pytest.mark.slow
def test_approximate_engine_is_calibrated():
    ranked = ranks(approximate, range(FIRST, FIRST + WORLDS))
    assert recorded("00_approximate", "Calibration of the approximate engine", ranked) > ALARM


@pytest.mark.slow
def test_approximate_engine_with_a_misleading_audit():
    ranked = ranks(approximate, range(FIRST, FIRST + MISLED), wrong=True)
    assert recorded("02_misled", "Calibration with a misleading audit, approximate engine", ranked) < ALARM


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::vocstats.bayes.SamplingWarning")  # a few worlds in a hundred diverge
def test_nuts_is_calibrated(pymc):
    ranked = ranks(nuts, range(FIRST, FIRST + WORLDS))
    assert recorded("01_nuts", "Calibration of NUTS", ranked) > ALARM


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::vocstats.bayes.SamplingWarning")
def test_nuts_with_a_misleading_audit(pymc):
    ranked = ranks(nuts, range(FIRST, FIRST + MISLED), wrong=True)
    assert recorded("03_misled_nuts", "Calibration with a misleading audit, NUTS", ranked) < ALARM
