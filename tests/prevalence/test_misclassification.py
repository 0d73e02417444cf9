"""Corrected prevalence against the published examples, its formula written out, and counts drawn from known truths."""

from __future__ import annotations

import numpy as np
import pytest

from vocstats.errors import IdentificationError, InputError
from vocstats.prevalence import CorrectedPrevalence, rogan_gladen
from vocstats.results import load

# Lang & Reiczigel (2014), examples 1 to 4, as the help page of prevSeSp (R package asht 1.0) gives their intervals
PUBLISHED = [
    ((4060, 11284), (178, 179), (358, 359), (0.349, 0.372)),
    ((51, 2971), (32, 33), (20, 20), (0.0, 0.053)),
    ((0.06 * 11862, 11862), (8, 10), (12, 12), (0.0, 0.147)),
    ((259, 509), (84, 127), (96, 109), (0.58, 0.87)),
    ((51, 509), (23, 41), (187, 195), (0.037, 0.195)),
]


@pytest.mark.parametrize(("counts", "sensitivity", "specificity", "limits"), PUBLISHED)
def test_published_intervals(counts: tuple[float, float], sensitivity: tuple, specificity: tuple, limits: tuple[float, float]) -> None:
    r = rogan_gladen(*counts, sensitivity_study=sensitivity, specificity_study=specificity)
    digits = 2 if limits == (0.58, 0.87) else 3
    assert (round(r.conf_low[0], digits), round(r.conf_high[0], digits)) == limits


def test_groups_at_once_equal_groups_one_by_one() -> None:
    counts, se, sp = (np.array([case[k] for case in PUBLISHED], float).T for k in (0, 1, 2))
    together = rogan_gladen(*counts, sensitivity_study=tuple(se), specificity_study=tuple(sp), level=0.9).to_frame()
    for row, (one, sensitivity, specificity, _) in enumerate(PUBLISHED):
        alone = rogan_gladen(*one, sensitivity_study=sensitivity, specificity_study=specificity, level=0.9).to_frame()
        assert together.iloc[[row]].reset_index(drop=True).equals(alone)


def test_variance_is_that_of_small_changes() -> None:
    """Numerical derivatives of the estimate by p, Se and Sp times their binomial variances; the parts add up to 1."""
    y, n, se, sp = 60.0, 300.0, (54.0, 60.0), (150.0, 160.0)
    r = rogan_gladen(y, n, sensitivity_study=se, specificity_study=sp)
    parts, step = [], 1e-6
    for k, (part, total) in enumerate(((y, n), se, sp)):
        shares = np.tile([y / n, se[0] / se[1], sp[0] / sp[1]], (2, 1))
        shares[:, k] += (step, -step)
        up, down = rogan_gladen(shares[:, 0], 1.0, sensitivity=shares[:, 1], specificity=shares[:, 2]).uncut
        parts.append(((up - down) / (2 * step)) ** 2 * part / total * (1 - part / total) / total)
    assert r.std_error[0] == pytest.approx(sum(parts) ** 0.5, rel=1e-7)
    assert r.from_sampling[0] == pytest.approx(parts[0] / sum(parts)) and r.from_sampling[0] + r.from_coder[0] == pytest.approx(1.0)


def test_a_known_accuracy_is_an_endless_study() -> None:
    known = rogan_gladen(60, 300, sensitivity=0.9, specificity=0.95)
    endless = rogan_gladen(60, 300, sensitivity_study=(9e11, 1e12), specificity_study=(95e10, 1e12))
    for name in ("estimate", "std_error", "conf_low", "conf_high"):
        np.testing.assert_allclose(getattr(known, name), getattr(endless, name), rtol=1e-7)
    assert known.from_coder[0] == 0.0
    one = rogan_gladen(60, 300, sensitivity=0.9, specificity_study=(95e10, 1e12))
    np.testing.assert_allclose(one.conf_high, known.conf_high, rtol=1e-7)


def test_a_perfect_classifier_leaves_the_apparent_share_with_agresti_and_coull_limits() -> None:
    r = rogan_gladen([0, 30, 100], 100, sensitivity=1.0, specificity=1.0)
    np.testing.assert_allclose(r.estimate, [0.0, 0.3, 1.0])
    z2, p = 1.959963984540054**2, (30 + 1.959963984540054**2 / 2) / (100 + 1.959963984540054**2)
    half = (z2 * p * (1 - p) / (100 + z2)) ** 0.5
    assert (r.conf_low[1], r.conf_high[1]) == pytest.approx((p - half, p + half))
    assert r.conf_low[0] == 0.0 and r.conf_high[2] == 1.0 and 0.0 < r.conf_high[0] < 0.06
    assert np.isnan(r.from_sampling[[0, 2]]).all()  # no variance to share out


def test_what_was_cut_is_said() -> None:
    r = rogan_gladen([2, 40, 1000], [1000, 1000, 1000], sensitivity=0.9, specificity=0.95)
    assert r.estimate[0] == 0.0 and r.uncut[0] == pytest.approx((0.002 - 0.05) / 0.85) and r.uncut_low[1] < 0.0 == r.conf_low[1]
    assert r.contradicted.tolist() == [True, False, True]  # 5 % false positives cannot give 2 of 1,000, nor 90 % sensitivity 1,000
    assert r.conf_high[0] == 0.0 and r.conf_low[2] == 1.0


def test_limits_cover_the_truth() -> None:
    """20,000 worlds for each of four prevalences, an audit of 60 with the pain and 160 without: 93 to 98 % cover."""
    rng, worlds = np.random.default_rng(90001), 20_000
    for share in (0.02, 0.05, 0.2, 0.6):
        for se, sp in ((0.85, 0.95), (0.7, 0.99)):
            called = rng.binomial(400, share * se + (1 - share) * (1 - sp), worlds)
            studies = (rng.binomial(60, se, worlds), 60), (rng.binomial(160, sp, worlds), 160)
            r = rogan_gladen(called, 400, sensitivity_study=studies[0], specificity_study=studies[1])
            covered = ((r.conf_low <= share) & (share <= r.conf_high)).mean()
            assert 0.93 < covered < 0.99, (share, se, sp, covered)
            assert abs(r.uncut.mean() - share) < 0.01


def test_refusals() -> None:
    with pytest.raises(InputError, match=r"at rows 1 it is 7\.0 of 5\.0"):
        rogan_gladen([1, 7], 5, sensitivity=0.9, specificity=0.9)
    with pytest.raises(InputError, match="total of more than 0"):
        rogan_gladen(0, 0, sensitivity=0.9, specificity=0.9)
    with pytest.raises(InputError, match="sensitivity_study must be part"):
        rogan_gladen(1, 5, sensitivity_study=(0, 0), specificity=0.9)
    with pytest.raises(InputError, match="either sensitivity"):
        rogan_gladen(1, 5, specificity=0.9)
    with pytest.raises(InputError, match="both are given"):
        rogan_gladen(1, 5, specificity=0.9, sensitivity=0.9, sensitivity_study=(9, 10))
    with pytest.raises(InputError, match=r"Give counts as specificity_study"):
        rogan_gladen(1, 5, sensitivity=0.9, specificity=95)
    with pytest.raises(InputError, match="pair"):
        rogan_gladen(1, 5, sensitivity_study=85, specificity=0.9)
    with pytest.raises(InputError, match="specificity has 2 entries; 3"):
        rogan_gladen([1, 2, 3], 5, sensitivity=0.9, specificity=[0.9, 0.8])
    with pytest.raises(InputError, match="positive must hold numbers"):
        rogan_gladen(["1"], 5, sensitivity=0.9, specificity=0.9)
    with pytest.raises(InputError, match="missing"):
        rogan_gladen([np.nan], 5, sensitivity=0.9, specificity=0.9)


def test_a_classifier_that_says_nothing_is_refused() -> None:
    with pytest.raises(IdentificationError, match="add up to 1 or less at rows 1") as caught:
        rogan_gladen([1, 2], 5, sensitivity=[0.9, 0.3], specificity=0.7)
    assert caught.value.code == "uninformative_classifier" and caught.value.rows == (1,)
    with pytest.raises(IdentificationError, match="one right and one wrong"):
        rogan_gladen(1, 5, sensitivity_study=(4, 5), specificity_study=(250, 1000))


def test_reading_and_writing() -> None:
    r = rogan_gladen([10, 20], 100, sensitivity=0.9, specificity_study=(90, 95))
    again = load(r.to_json())
    assert isinstance(again, CorrectedPrevalence) and again.to_frame().equals(r.to_frame())
    assert "uncut" in r.summary() and r.tidy().columns.tolist() == ["term", "estimate", "std_error", "conf_low", "conf_high"]
    assert len(rogan_gladen([], 100, sensitivity=0.9, specificity=0.9).to_frame()) == 0
