"""The antibody survey of Santa Clara: published figures, brute force on another grid, importance sampling, limiting cases."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from scipy import special

from vocstats.errors import IdentificationError, InputError
from vocstats.prevalence import StudyPrevalence, prevalence_from_studies, study_quadrature
from vocstats.prevalence.study_quadrature import _log_marginal
from vocstats.results import load

Counts = tuple[np.ndarray, np.ndarray]
SURVEY = (50, 3330)


@pytest.fixture(scope="module")
def studies(data: Path) -> dict[str, Counts]:
    """Counts of 13 studies of specificity and 3 of sensitivity."""
    with (data / "diagnostic/santa_clara.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    chosen = {kind: [row for row in rows if row["kind"] == kind] for kind in ("spec", "sens")}
    return {
        f"{name}_studies": tuple(np.array([float(row[key]) for row in chosen[kind]]) for key in ("y", "n"))
        for name, kind in (("specificity", "spec"), ("sensitivity", "sens"))
    }


# Reference figures are those of samplers, save at scale 1: they hold to a few units of their last digit, the quadrature to all printed.


@pytest.mark.parametrize(
    ("specificity", "sensitivity", "median", "shortest"),
    [((399, 401), (103, 122), 0.01054, (0.0005, 0.0179)), ((3308, 3324), (130, 157), 0.01237, (0.0066, 0.0185))],
)
def test_pooled_studies(specificity: tuple, sensitivity: tuple, median: float, shortest: tuple[float, float]) -> None:
    r = prevalence_from_studies(*SURVEY, specificity_studies=specificity, sensitivity_studies=sensitivity)
    assert r.estimate[0] == pytest.approx(median, abs=5e-5)
    assert (r.hdi_low[0], r.hdi_high[0]) == pytest.approx(shortest, abs=5e-4)


def test_pooling_adds_studies_up() -> None:
    apart = prevalence_from_studies(90, 600, specificity_studies=([300, 500], [305, 510]), sensitivity_studies=([160, 80], [200, 100]))
    together = prevalence_from_studies(90, 600, specificity_studies=(800, 815), sensitivity_studies=(240, 300))
    assert apart.to_frame().equals(together.to_frame())


def test_studies_that_differ_a_little(studies: dict[str, Counts]) -> None:
    r = prevalence_from_studies(*SURVEY, **studies, pooling="hierarchical", scale=0.3)
    assert r.estimate == pytest.approx([0.01255, 0.995, 0.821], abs=5e-4) and r.estimate[0] == pytest.approx(0.01255, abs=5e-5)
    assert (r.hdi_low[0], r.hdi_high[0]) == pytest.approx((0.0008, 0.0213), abs=2e-4)
    assert (r.conf_low[0], r.conf_high[0]) == pytest.approx((0.0017, 0.0226), abs=1e-4)
    assert (r.hdi_low[1], r.hdi_high[1]) == pytest.approx((0.987, 0.9995), abs=5e-4)
    assert (r.hdi_low[2], r.hdi_high[2]) == pytest.approx((0.622, 0.956), abs=5e-3)
    assert [*r.centre, *r.scale] == pytest.approx([5.23, 1.55, 0.73, 0.39], abs=6e-3)


def test_studies_that_may_differ_much(studies: dict[str, Counts]) -> None:
    """The tail reaches to 1: perhaps the classifier finds almost nobody here."""
    r = prevalence_from_studies(*SURVEY, **studies, pooling="hierarchical", scale=1.0)
    assert r.estimate[0] == pytest.approx(0.01579, abs=3e-5) and r.mean == pytest.approx(0.0336, abs=1e-4)
    assert r.hdi_low[0] == pytest.approx(0.0, abs=1e-5) and r.hdi_high[0] == pytest.approx(0.0947, abs=1e-3)


def test_finer_grids_change_no_digit(studies: dict[str, Counts], monkeypatch: pytest.MonkeyPatch) -> None:
    usual = prevalence_from_studies(*SURVEY, **studies, pooling="hierarchical", scale=1.0)
    for name, value in (("_CENTRES", 121), ("_SCALES", 51), ("_NODES", 31)):
        monkeypatch.setattr(study_quadrature, name, value)
    finer = prevalence_from_studies(*SURVEY, **studies, pooling="hierarchical", scale=1.0)
    for name in ("estimate", "hdi_high", "conf_low", "conf_high"):
        np.testing.assert_allclose(getattr(usual, name)[0], getattr(finer, name)[0], rtol=3e-4)
    assert usual.mean == pytest.approx(finer.mean, rel=1e-3)


def test_brute_force_on_another_grid() -> None:
    """Quantiles of the two beta distributions as nodes, binomial likelihoods on an even grid of prevalences."""
    share = (np.arange(2000) + 0.5) / 2000 * 0.06
    sp, se = special.betaincinv(400, 3, (np.arange(200) + 0.5) / 200), special.betaincinv(104, 20, (np.arange(20) + 0.5) / 20)
    called = share[:, None, None] * se[:, None] + (1 - share[:, None, None]) * (1 - sp)
    density = np.exp(50 * np.log(called / 0.015) + 3280 * np.log((1 - called) / 0.985)).sum(axis=(1, 2))
    below = (np.cumsum(density) - density / 2) / density.sum()
    r = prevalence_from_studies(*SURVEY, specificity_studies=(399, 401), sensitivity_studies=(103, 122))
    np.testing.assert_allclose([r.conf_low[0], r.estimate[0], r.conf_high[0]], np.interp([0.025, 0.5, 0.975], below, share), rtol=5e-3)
    assert r.mean == pytest.approx(float(density @ share / density.sum()), rel=2e-3)


def test_importance_sampling_agrees(studies: dict[str, Counts]) -> None:
    """Hyperparameters drawn from their prior, weighted by the studies; prevalences drawn by inversion."""
    rng, draws = np.random.default_rng(90003), 40_000
    nodes, weights = np.polynomial.hermite_e.hermegauss(25)

    def accuracy(right: np.ndarray, n: np.ndarray) -> np.ndarray:
        centre, scale = rng.normal(4, 2, draws), np.abs(rng.normal(0, 1, draws))
        logit = centre[:, None] + scale[:, None] * nodes
        log_p, log_q = -np.logaddexp(0, -logit), -np.logaddexp(0, logit)
        fit = sum(special.logsumexp(y * log_p + (m - y) * log_q + np.log(weights), axis=1) for y, m in zip(right, n, strict=True))
        chosen = rng.choice(draws, 300_000, p=special.softmax(fit))
        return special.expit(centre[chosen] + scale[chosen] * rng.normal(size=chosen.size))

    mistaken, found = 1 - accuracy(*studies["specificity_studies"]), accuracy(*studies["sensitivity_studies"])
    start, end = special.betainc(51, 3281, mistaken), special.betainc(51, 3281, found)
    weight = (end - start) / (found - mistaken)
    chosen = rng.choice(weight.size, 300_000, p=weight / weight.sum())
    called = special.betaincinv(51, 3281, start[chosen] + rng.random(chosen.size) * (end - start)[chosen])
    share = (called - mistaken[chosen]) / (found - mistaken)[chosen]
    r = prevalence_from_studies(*SURVEY, **studies, pooling="hierarchical", scale=1.0, level=0.5)
    np.testing.assert_allclose(np.quantile(share, [0.25, 0.5, 0.75]), [r.conf_low[0], r.estimate[0], r.conf_high[0]], rtol=0.05)
    np.testing.assert_allclose(np.median(found[chosen]), r.estimate[2], rtol=0.01)


@pytest.mark.parametrize(
    ("right", "n", "centre", "scale"), [(1102, 1102, 4.0, 1.0), (25, 35, 1.5, 0.7), (0, 50, 3.0, 2.0), (29, 31, -12.0, 3.0)]
)
def test_a_study_integrated_out(right: float, n: float, centre: float, scale: float) -> None:
    z = np.linspace(-40, 40, 400_001)
    height = -right * np.logaddexp(0, -centre - scale * z) - (n - right) * np.logaddexp(0, centre + scale * z) - z**2 / 2
    brute = special.logsumexp(height) + np.log(z[1] - z[0])
    assert _log_marginal(np.array([centre]), np.array([[scale]]), right, n)[0, 0] == pytest.approx(brute, abs=1e-7)


def test_much_data_give_the_corrected_share() -> None:
    r = prevalence_from_studies(300_000, 1_000_000, specificity_studies=(95_000, 100_000), sensitivity_studies=(90_000, 100_000))
    share = (0.3 + 0.95 - 1) / 0.85
    variance = (0.3 * 0.7 / 1e6 + share**2 * 0.09 / 1e5 + (1 - share) ** 2 * 0.0475 / 1e5) / 0.85**2
    assert r.mean == pytest.approx(share, abs=1e-4) and r.std_error == pytest.approx(variance**0.5, rel=5e-3)
    np.testing.assert_allclose([r.hdi_low[0], r.conf_low[0]], share - 1.96 * variance**0.5, atol=1e-4)


def test_a_tiny_scale_is_pooling_with_the_centres_prior() -> None:
    """With a wide centre and studies that hardly differ, the hierarchy says what the pool says."""
    counts = {"specificity_studies": ([300, 500], [305, 510]), "sensitivity_studies": ([160, 80], [200, 100])}
    close = prevalence_from_studies(90, 600, **counts, pooling="hierarchical", centre=(0.0, 50.0), scale=1e-3)
    pool = prevalence_from_studies(90, 600, **counts)
    np.testing.assert_allclose(close.estimate, pool.estimate, rtol=0.01)
    np.testing.assert_allclose(close.scale, 0.0, atol=2e-3)


def test_fewer_positives_than_mistakes_pile_up_at_zero() -> None:
    r = prevalence_from_studies(2, 1000, specificity_studies=(950, 1000), sensitivity_studies=(900, 1000))
    assert 0.0 <= r.hdi_low[0] < 1e-4 and r.estimate[0] < 2e-3 and r.estimate[1] > 0.965  # the survey corrects the specificity
    with pytest.raises(InputError, match="whatever the prevalence"):
        prevalence_from_studies(2, 1e6, specificity_studies=(9e5, 1e6), sensitivity_studies=(900, 1000))


def test_refusals_and_writing() -> None:
    ok = {"specificity_studies": (95, 100), "sensitivity_studies": (80, 100)}
    with pytest.raises(InputError, match="specificity_studies must be part"):
        prevalence_from_studies(5, 50, **{**ok, "specificity_studies": ([95, 7], [100, 6])})
    with pytest.raises(InputError, match="positive must be part"):
        prevalence_from_studies(51, 50, **ok)
    with pytest.raises(InputError, match="at least one study"):
        prevalence_from_studies(5, 50, **{**ok, "sensitivity_studies": ([], [])})
    with pytest.raises(InputError, match="pair"):
        prevalence_from_studies(5, 50, **{**ok, "sensitivity_studies": 80})
    with pytest.raises(IdentificationError, match="Over all studies"):
        prevalence_from_studies(5, 50, specificity_studies=([5, 10], [50, 60]), sensitivity_studies=(80, 100))
    with pytest.raises(InputError, match="scale"):
        prevalence_from_studies(5, 50, **ok, pooling="hierarchical", scale=0.0)
    with pytest.raises(InputError, match="centre"):
        prevalence_from_studies(5, 50, **ok, pooling="hierarchical", centre=(4.0, 0.0))
    with pytest.raises(InputError, match="pooling"):
        prevalence_from_studies(5, 50, **ok, pooling="partial")
    with pytest.raises(InputError, match="n must be a number"):
        prevalence_from_studies(5, "50", **ok)
    r = prevalence_from_studies(5, 50, **ok)
    again = load(r.to_json())
    assert isinstance(again, StudyPrevalence) and again.to_frame().equals(r.to_frame())
    assert "prevalence" in r.summary() and r.tidy()["std_error"][0] == r.std_error
