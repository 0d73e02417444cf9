"""Replicates against R's survey package, computed on the spot with the same half-sample plans."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from estimation.api_cases import STYPE, WIDE, read

from vocstats.estimation import Design, Estimate, Replicates, mean, ratio, replicate, total
from vocstats.estimation.hadamard import hadamard
from vocstats.weighting import calibrate, poststratify, rake

SCRIPT = Path(__file__).parents[1] / "reference/survey_replicates.R"
POINT, ERROR = 1e-6, 1e-5
PLANS = (24, 104)


@pytest.fixture(scope="module")
def folder(data: Path, rscript: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What R computed, as out.csv, and the replicate weights it made, as weights.csv and factors.csv."""
    folder = tmp_path_factory.mktemp("replicates")
    for order in PLANS:
        np.savetxt(folder / f"hadamard_{order}.csv", hadamard(order), fmt="%d", delimiter=",")
    done = subprocess.run(
        [rscript, str(SCRIPT), str(data / "api"), str(folder)], capture_output=True, text=True, check=True, timeout=120
    )
    (folder / "out.csv").write_text(done.stdout)
    return folder


def samples(data: Path) -> dict[str, tuple[pd.DataFrame, Design]]:
    frames = {name: read(data, name).fillna({"enroll": 0.0}) for name in ("apistrat", "apiclus1", "apiclus2")}
    strat, clus1, clus2 = frames.values()
    half = (np.unique(clus2["dnum"], return_inverse=True)[1]) // 2
    return {
        "JK1": (clus1, Design(clusters=clus1["dnum"], fpc=clus1["fpc"])), "JK1 open": (clus1, Design(clusters=clus1["dnum"])),
        "JKn": (strat, Design(strata=strat["stype"], fpc=strat["fpc"])),
        "JKn clusters": (clus2, Design(strata=half, clusters=clus2["dnum"])),
        "BRR split": (strat, Design(strata=strat["stype"])),
        **{
            f"JKn lonely {rule}": (clus1, Design(strata=clus1["dnum"], lonely_psu=rule)) for rule in ("remove", "adjust", "average")
        },
    }


def replicated(data: Path) -> Iterator[tuple[str, pd.DataFrame, Replicates]]:
    known = samples(data)
    halves = known["JKn clusters"]
    for centre in ("estimate", "mean"):
        for name, (frame, design) in known.items():
            method = "brr" if name.startswith("BRR") else "jackknife"
            yield f"{name} {centre}", frame, replicate(frame["pw"], design=design, method=method, centre=centre)
        yield f"BRR {centre}", halves[0], replicate(halves[0]["pw"], design=halves[1], method="brr", centre=centre)
        yield f"Fay {centre}", halves[0], replicate(halves[0]["pw"], design=halves[1], method="fay", rho=0.3, centre=centre)
    yield "BRR own plan", halves[0], replicate(halves[0]["pw"], design=halves[1], method="brr")
    for base, options in {"JK1": {}, "JKn": {}, "BRR": {"method": "fay", "rho": 0.3}}.items():
        frame, design = halves if base == "BRR" else known[base]
        for step, w in chains(frame).items():
            yield f"{base} {step}", frame, replicate(w, design=design, **{"method": "jackknife", **options})


def chains(frame: pd.DataFrame) -> dict[str, Any]:
    x, totals = frame[["stype", "api99"]], {"stype": STYPE, "api99": 3914069}
    margins = frame[["stype", "sch.wide"]]
    return {
        "post-stratified": poststratify(frame["stype"], STYPE, base_weights=frame["pw"]),
        "raked": rake(margins, {"stype": STYPE, "sch.wide": WIDE}, base_weights=frame["pw"], tol=1e-12),
        "linear": calibrate(x, totals, base_weights=frame["pw"], tol=1e-10),
        "raking": calibrate(x, totals, base_weights=frame["pw"], distance="raking", tol=1e-10),
    }


def statistics(frame: pd.DataFrame, w: Replicates) -> dict[str, Estimate]:
    return {
        "total": total(frame["enroll"], w), "mean": mean(frame["api00"], w), "ratio": ratio(frame["api.stu"], frame["enroll"], w),
        "by": mean(frame["api00"], w, by=frame["sch.wide"]), "total by": total(frame["enroll"], w, by=frame["sch.wide"]),
    }


def compare(name: str, frame: pd.DataFrame, w: Replicates, expected: pd.DataFrame) -> int:
    compared = 0
    for statistic, e in statistics(frame, w).items():
        wanted = expected[expected["case"] == f"{name} {statistic}"]
        if wanted.empty:
            continue
        compared += len(wanted)
        np.testing.assert_allclose(np.atleast_1d(e.estimate), wanted["estimate"], rtol=POINT, err_msg=f"{name} {statistic}")
        floor = 1e-9 * np.abs(wanted["estimate"].to_numpy())
        np.testing.assert_allclose(
            np.maximum(np.atleast_1d(e.std_error), floor), np.maximum(wanted["std_error"], floor), rtol=ERROR, err_msg=f"{name} {statistic}"
        )
    return compared


def test_equals_r_survey(folder: Path, data: Path) -> None:
    expected = pd.read_csv(folder / "out.csv", keep_default_na=False)
    expected = expected[~expected["case"].str.startswith("given")]
    assert sum(compare(name, frame, w, expected) for name, frame, w in replicated(data)) == len(expected) > 150


@pytest.mark.parametrize("combined", [True, False])
def test_given_replicate_weights(combined: bool, folder: Path, data: Path) -> None:
    expected = pd.read_csv(folder / "out.csv", keep_default_na=False)
    strat, _ = samples(data)["JKn"]
    matrix = np.loadtxt(folder / ("weights.csv" if combined else "factors.csv"), delimiter=",")
    scale = 1 / (matrix.shape[1] - 1)
    w = replicate(strat["pw"], method="given", replicate_weights=matrix, combined=combined, scale=scale, centre="mean")
    assert compare("given", strat, w, expected) == 7
    assert w.scaling.df == float(expected.set_index("case").loc["given degf", "estimate"])
    factors = np.loadtxt(folder / "factors.csv", delimiter=",")
    again = replicate(strat["pw"], method="given", multiplicities=factors, scale=scale, centre="mean")
    assert compare("given", strat, again, expected) == 7
    assert "replicates_given" in w.accounts_for and "replicates" in again.accounts_for
