"""Survival curves: R's survfit, closed forms, derivatives, repeated rows, and what is refused."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vocstats.errors import IdentificationError, InputError
from vocstats.results import load
from vocstats.survivorship import SurvivalCurve, survival_curve
from vocstats.texts import message

COLUMNS = [
    "time", "at_risk", "events", "survival", "std_error", "conf_low", "conf_high", "hazard", "hazard_std_error",
]
R = """
library(survival)
d <- read.csv("FILE")
table <- function(f, scale) {
  j <- f$n.event > 0
  x <- cbind(f$time, f$n.risk, f$n.event, f$surv, f$std.err * scale(f), f$lower, f$upper, f$cumhaz, f$std.chaz)[j, ]
  write.table(format(x, digits = 17), sep = ",", row.names = FALSE, col.names = FALSE, quote = FALSE)
}
f <- Surv(entry, duration, event) ~ group
table(survfit(f, d, weights = weight, conf.type = "log-log", robust = FALSE), function(f) f$surv)
table(survfit(f, d, weights = weight, conf.type = "log-log", robust = TRUE, id = row), function(f) 1)
table(survfit(f, d, weights = weight, conf.type = "log-log", cluster = dealer, id = row), function(f) 1)
"""


def truncated(seed: int, n: int) -> dict[str, Any]:
    """Durations with ties, late entries, censoring, weights, groups and dealers."""
    rng = np.random.default_rng(seed)
    duration, entry = np.ceil(rng.exponential(20, n)), np.floor(rng.uniform(0, 8, n))
    censored = np.ceil(entry + rng.uniform(5, 40, n))
    event, kept = duration <= censored, duration > entry
    columns = {
        "duration": np.minimum(duration, censored), "event": event, "entry": entry, "weights": rng.uniform(0.5, 3, n),
        "clusters": rng.integers(0, 40, n), "by": np.array(["甲", "乙", "丙"])[rng.integers(0, 3, n)],
    }
    return {name: column[kept] for name, column in columns.items()}


def test_equals_survfit(rscript: str, tmp_path: Path) -> None:
    x = truncated(1, 500)
    levels, group = np.unique(x["by"], return_inverse=True)
    names = "duration,event,entry,weight,dealer,group,row"
    columns = [x["duration"], x["event"], x["entry"], x["weights"], x["clusters"], group, np.arange(group.size)]
    np.savetxt(tmp_path / "spells.csv", np.column_stack(columns), delimiter=",", header=names, comments="", fmt="%.17g")
    script = R.replace("FILE", (tmp_path / "spells.csv").as_posix())
    done = subprocess.run([rscript, "-e", script], capture_output=True, text=True, check=True)
    expected = np.array([[float(cell) for cell in line.split(",")] for line in done.stdout.split("\n") if line])
    clusters = x.pop("clusters")
    curves = [survival_curve(**x, variance="greenwood"), survival_curve(**x), survival_curve(**x, clusters=clusters)]
    ours = np.vstack([curve.to_frame()[COLUMNS].to_numpy() for curve in curves])
    np.testing.assert_allclose(ours, expected, rtol=1e-10, atol=1e-12)
    assert [curve.variance for curve in curves] == ["greenwood", "robust", "robust"]
    assert set(curves[0].labels["by"]) == set(levels)


def test_without_censoring_it_is_the_share_that_stays() -> None:
    duration = np.array([1.0, 2, 2, 3, 5, 5, 7, 8, 9, 10])
    r = survival_curve(duration, np.ones(10, bool), times=[0.5, 2, 6, 10, 12])
    share = np.array([1.0, 0.7, 0.4, 0.0, 0.0])
    np.testing.assert_allclose(r.survival, share, atol=1e-14)
    np.testing.assert_allclose(r.std_error[:3], np.sqrt(share * (1 - share) / 10)[:3], atol=1e-14)
    assert np.isnan(r.std_error[3:]).all() and np.isnan(r.conf_low[[0, 3]]).all()
    np.testing.assert_allclose(r.events, [0, 3, 3, 4, 0])
    np.testing.assert_allclose(r.at_risk, [10, 9, 4, 1, 0])
    np.testing.assert_allclose(survival_curve(duration, np.ones(10, bool), times=[2, 6], variance="robust").std_error, r.std_error[1:3])


def test_beyond_the_last_observation_nothing_is_known() -> None:
    r = survival_curve([3, 5, 8], [True, False, False], times=[4, 9])
    assert r.survival[0] == pytest.approx(2 / 3)
    assert np.isnan([r.survival[1], r.hazard[1], r.conf_high[1], r.hazard_std_error[1]]).all()


def test_limits_are_those_of_the_logarithms() -> None:
    r = survival_curve([3, 5, 8, 9], [True, True, False, True], times=[5], level=0.9)
    z, s, h = 1.6448536269514722, 0.5, 0.25 + 1 / 3
    error = np.sqrt(1 / 12 + 1 / 6) / np.log(s)
    np.testing.assert_allclose(sorted(s ** np.exp([z * error, -z * error])), [r.conf_low[0], r.conf_high[0]])
    np.testing.assert_allclose(h * np.exp(np.array([-z, z]) * np.sqrt(1 / 16 + 1 / 9) / h), [r.hazard_low[0], r.hazard_high[0]])


@pytest.mark.parametrize("clustered", [False, True])
def test_robust_error_is_that_of_influence_values_and_those_are_derivatives(clustered: bool) -> None:
    x = truncated(2, 120)
    clusters = x.pop("clusters") if clustered else (x.pop("clusters"), np.arange(x["weights"].size))[1]
    counts = np.random.default_rng(3).integers(1, 4, clusters.size).astype(float)
    x["counts"] = counts
    r = survival_curve(**x, clusters=clusters if clustered else None, times=[12.0])
    z = r.influence_at(12.0)
    for g, label in enumerate(r.labels["by"]):
        own = x["by"] == label
        squares = np.bincount(clusters[own], (counts * z)[own]) ** 2 if clustered else counts[own] * z[own] ** 2
        assert squares.sum() == pytest.approx(r.std_error[g] ** 2)
    for row in (0, 17, 63):
        step = np.zeros(z.size)
        step[row] = 1e-5 * x["weights"][row]
        up, down = (survival_curve(**{**x, "weights": x["weights"] + sign * step}, times=[12.0]) for sign in (1, -1))
        change = (up.survival - down.survival) / 2e-5 / counts[row]
        own = r.labels["by"] == x["by"][row]
        assert change[own][0] == pytest.approx(z[row], rel=1e-6, abs=1e-9) and np.all(np.abs(change[~own]) < 1e-9)


def test_counts_are_repeated_rows_and_zero_weights_are_nobody() -> None:
    x = truncated(4, 150)
    counts = np.random.default_rng(5).integers(0, 3, x["weights"].size)
    repeated = survival_curve(**{name: np.repeat(column, counts) for name, column in x.items()})
    counted = survival_curve(**x, counts=counts)
    np.testing.assert_allclose(counted.to_frame()[COLUMNS].to_numpy(), repeated.to_frame()[COLUMNS].to_numpy(), rtol=1e-10)
    without = {name: column for name, column in x.items() if name not in ("weights", "clusters")}
    counted, dropped = survival_curve(**without, counts=counts), survival_curve(**without, weights=counts, variance="greenwood")
    np.testing.assert_allclose(counted.std_error, dropped.std_error)


def test_groups_are_separate_curves_and_scale_of_weights_does_not_matter() -> None:
    x = truncated(6, 200)
    together = survival_curve(**x).to_frame()
    for label in np.unique(x["by"]):
        own = x["by"] == label
        alone = survival_curve(**{name: column[own] for name, column in x.items() if name != "by"}).to_frame()
        np.testing.assert_allclose(together.loc[together["by"] == label, COLUMNS].to_numpy(), alone[COLUMNS].to_numpy(), rtol=1e-9)
    order = np.random.default_rng(7).permutation(x["weights"].size)
    mixed = survival_curve(**{name: column[order] for name, column in {**x, "weights": 7.0 * x["weights"]}.items()})
    names = [name for name in COLUMNS if name not in ("at_risk", "events")]
    np.testing.assert_allclose(mixed.to_frame()[names].to_numpy(), together[names].to_numpy(), rtol=1e-9)


def test_start_is_the_ratio_of_survivals() -> None:
    x = {name: column for name, column in truncated(8, 200).items() if name in ("duration", "event", "entry")}
    whole, later = survival_curve(**x, times=[10, 20]), survival_curve(**x, start=10, times=[20])
    assert later.survival[0] == pytest.approx(whole.survival[1] / whole.survival[0])


def test_nobody_left() -> None:
    r = survival_curve([3, 5], [False, False], times=[4], variance="robust")
    assert (r.survival[0], r.std_error[0], r.hazard[0]) == (1, 0, 0)
    assert r.influence_at(4).tolist() == [0, 0]
    assert survival_curve([3, 5], [False, False]).time.size == 0


def test_result_reads_back() -> None:
    r = survival_curve(**truncated(9, 60))
    back = load(r.to_json())
    assert isinstance(back, SurvivalCurve)
    np.testing.assert_array_equal(back.std_error, r.std_error)
    assert list(r.tidy().columns) == ["term", "by", "time", "estimate", "std_error", "conf_low", "conf_high"]
    assert "survival" in r.summary()
    with pytest.raises(InputError, match="read from a file"):
        back.influence_at(3)


BAD: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "negative": ({"duration": [-1.0, 2, 3]}, InputError, "duration must not be negative"),
    "missing": ({"duration": [np.nan, 2, 3]}, InputError, "duration has 1 missing"),
    "strings": ({"duration": ["1", "2", "3"]}, InputError, "duration must hold numbers"),
    "event": ({"event": [0, 1, 2]}, InputError, "event must be true or false"),
    "entry": ({"entry": [0, 2, 1]}, InputError, "rows 1"),
    "length": ({"weights": [1.0]}, InputError, "weights has 1 entries"),
    "infinite": ({"weights": [1.0, np.inf, 1]}, InputError, "weights has 1 missing or infinite"),
    "nobody": ({"weights": [0.0, 0, 0]}, InputError, "Nobody with a positive weight"),
    "empty": ({"duration": [], "event": []}, InputError, "Nobody with a positive weight"),
    "start": ({"start": 9}, InputError, "Nobody with a positive weight"),
    "greenwood": ({"clusters": [1, 1, 2], "variance": "greenwood"}, InputError, "independent"),
    "variance": ({"variance": "jackknife"}, InputError, "'robust'"),
    "level": ({"level": 95}, InputError, "level"),
    "gap": ({"entry": [0, 0, 2.5]}, IdentificationError, "start=2.5"),
    "used up": ({"event": [1, 1, 0], "entry": [0, 0, 2]}, IdentificationError, "start=2"),
}


@pytest.mark.parametrize("name", BAD)
def test_refusals(name: str) -> None:
    options, kind, text = BAD[name]
    arguments: dict[str, Any] = {"duration": [1.0, 2, 3], "event": [True, False, True], **options}
    with pytest.raises(kind, match=text) as caught:
        survival_curve(arguments.pop("duration"), arguments.pop("event"), **arguments)
    assert message(caught.value, "zh")  # type: ignore[arg-type]
