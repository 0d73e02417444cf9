"""Files written for R are rebuilt there to the same estimate and standard error."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from estimation.api_cases import calibrated, read

import vocstats as vs
from vocstats.estimation import Design, mean, replicate
from vocstats.export import write_survey
from vocstats.tables import read_table
from vocstats.weighting import Weights, margin_targets, rake, weight_by_propensity

POINT, ERROR = 1e-6, 1e-5
KINDS = [".csv", ".sav"]


def run(rscript: str, *scripts: Path) -> list[tuple[float, float]]:
    """Mean and standard error each script prints, all in one R session."""
    every = "for (script in commandArgs(TRUE)) source(script, chdir = TRUE)"
    return printed([rscript, "-e", every, *map(str, scripts)], scripts[0].parent)


def run_alone(rscript: str, script: Path) -> tuple[float, float]:
    """The same of one script run as a user does, but from another folder and without a locale."""
    return printed([rscript, str(script)], script.parents[1])[0]


def printed(command: list[str], folder: Path) -> list[tuple[float, float]]:
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C"}
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines() if line.startswith("1 ")]
    return [(float(estimate), float(error)) for _, estimate, error in rows]


def same(estimate: Any, printed: tuple[float, float]) -> None:
    np.testing.assert_allclose(printed[0], estimate.estimate, rtol=POINT)
    np.testing.assert_allclose(printed[1], estimate.std_error, rtol=ERROR)


@pytest.fixture
def world(tmp_path: Path) -> dict[str, Any]:
    """240 people in strata and clusters, half of them silent, with an id that looks like a number and Chinese names."""
    rng = np.random.default_rng(12)
    n = 240
    stratum = np.repeat(["城 A", "城 B", "城 C"], 80)
    cluster = np.arange(n) // 10
    new = rng.random(n) < 0.4
    heard = rng.random(n) < np.where(new, 0.4, 0.7)
    y = np.where(heard, 6.0 + new + 0.3 * (cluster % 5) + rng.standard_normal(n), np.nan)
    frame = pd.DataFrame({"customer_id": [f"{k:05d}" for k in range(n)], "城市": stratum, "new": new, "满意度": y})
    folder = tmp_path / "out put"
    folder.mkdir()
    return {"frame": frame, "y": y, "heard": heard, "new": new, "stratum": stratum, "cluster": cluster, "folder": folder, "n": n}


def samples(world: dict[str, Any]) -> dict[str, tuple[Any, Design | None, Any]]:
    """Weights, design and counts of designs `svydesign` rebuilds."""
    w, n, stratum = world["heard"] * (1.0 + world["new"] / 3.0), world["n"], world["stratum"]
    stages = Design(clusters=[world["cluster"], None], fpc=[np.full(n, 90.0), np.full(n, 60.0)])
    return {
        "rows": (w, None, None),
        "strata": (w, Design(strata=stratum, fpc=np.where(stratum == "城 A", 400.0, np.inf)), None),
        "clusters": (w, Design(strata=stratum, clusters=world["cluster"], lonely_psu="adjust"), None),
        "stages": (w, stages, None),
        "counts": (w, None, 1.0 + np.arange(n) % 3),
    }


def replicated(world: dict[str, Any]) -> dict[str, tuple[Any, Design | None, Any]]:
    """Replicates of a chain: their standard error contains propensities and raking, which R never sees."""
    n = world["n"]
    margins = {"new": world["new"].tolist(), "city": world["stratum"].tolist()}
    targets = margin_targets(margins)
    chain = rake(margins, targets, base_weights=weight_by_propensity({"new": world["new"]}, world["heard"]))
    design = Design(strata=world["stratum"], clusters=world["cluster"])
    matrix = np.random.default_rng(5).poisson(1.0, (n, 30)) * chain.values[:, None]
    given = {"replicate_weights": matrix, "scale": 1 / 30, "rscales": np.linspace(0.5, 1.5, 30)}
    counted = rake(margins, targets, base_weights=world["heard"], counts=1.0 + np.arange(n) % 3)
    reps = {
        "jackknife": replicate(chain, design=design, method="jackknife"),
        "bootstrap": replicate(chain, design=design, replicates=40, centre="mean"),
        "given": replicate(chain, method="given", centre="mean", **given),
        "counted": replicate(counted, method="jackknife"),
        "centred": replicate(counted, method="jackknife", centre="mean"),
    }
    return {name: (replicates, design, None) for name, replicates in reps.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_r_rebuilds_designs_and_replicates(kind: str, world: dict[str, Any], rscript: str) -> None:
    cases = {**samples(world), **replicated(world)}
    scripts = [
        write_survey(world["folder"] / f"{name}{kind}", world["frame"], w, outcome="满意度", design=design, counts=counts)[1]
        for name, (w, design, counts) in cases.items()
    ]
    figures = run(rscript, *scripts)
    assert len(figures) == len(cases)
    for (name, (w, design, counts)), figure in zip(cases.items(), figures, strict=True):
        own = mean(world["y"], w) if name in replicated(world) else mean(world["y"], w, design=design, counts=counts)
        same(own, figure)


def test_published_jackknife_of_calibrated_schools(data: Path, rscript: str, tmp_path: Path) -> None:
    sample = read(data, "apiclus1")
    w = calibrated(sample)
    reps = replicate(w, design=Design(clusters=sample["dnum"], fpc=sample["fpc"]), method="jackknife")
    (tmp_path / "api").mkdir()
    _, script = write_survey(tmp_path / "api" / "schools.csv", {"api00": sample["api00"]}, reps, outcome="api00")
    same(mean(np.asarray(sample["api00"], float), reps), run_alone(rscript, script))


def test_parquet_in_r_where_arrow_is_installed(world: dict[str, Any], rscript: str) -> None:
    w = world["heard"].astype(float)
    _, script = write_survey(world["folder"] / "heard.parquet", world["frame"], w, outcome="满意度")
    if subprocess.run([rscript, "-e", "library(arrow)"], capture_output=True, check=False).returncode:
        pytest.skip("R has no arrow package")
    same(mean(world["y"], w), run_alone(rscript, script))


@pytest.mark.parametrize("kind", [".csv", ".parquet", ".sav"])
def test_file_holds_everything_to_the_last_digit(kind: str, world: dict[str, Any]) -> None:
    margins = {"new": world["new"].tolist()}
    chain = rake(margins, margin_targets(margins), base_weights=world["heard"])
    design = Design(strata=world["stratum"], clusters=world["cluster"])
    reps = replicate(chain, design=design, method="bootstrap", replicates=3)
    file, script = write_survey(world["folder"] / f"all{kind}", world["frame"], reps, design=design)
    back = read_table(file, text_columns=["customer_id"])
    assert list(back.columns) == [*world["frame"].columns, "weight", "stratum_1", "cluster_1", "replicate_1", "replicate_2", "replicate_3"]
    assert back["customer_id"].iloc[1] == "00001"
    np.testing.assert_array_equal(back["weight"].to_numpy(), chain.values)
    np.testing.assert_array_equal(back.filter(like="replicate_").to_numpy(), reps.values)
    np.testing.assert_array_equal(back["cluster_1"].to_numpy(), design.clusters[0])
    assert "svymean" not in script.read_text(encoding="utf-8")  # no outcome was named


def test_script_runs_from_anywhere_with_any_names(rscript: str, tmp_path: Path) -> None:
    """A folder with a space, hostile and Chinese names, no locale; ids stay text."""
    folder = tmp_path / "out put"
    folder.mkdir()
    name = '满` \\ "; quit(status = 3); #'
    frame = {"customer_id": ["00101", "00102", "00103"], name: [1.0, 2.0, 4.0]}
    file, script = write_survey(folder / '文件"`.csv', frame, [1.0, 1.0, 2.0], outcome=name)
    assert file.read_bytes().startswith(b"\xef\xbb\xbf")
    added = '\nstopifnot(identical(data$customer_id, c("00101", "00102", "00103")))\n'
    script.write_text(script.read_text(encoding="utf-8") + added, encoding="utf-8")
    same(mean([1.0, 2.0, 4.0], [1.0, 1.0, 2.0]), run_alone(rscript, script))


def test_bad_input(world: dict[str, Any]) -> None:
    folder, frame = world["folder"], world["frame"]
    ones = np.ones(world["n"])
    with pytest.raises(vs.InputError, match="missing values where the weight is not 0"):
        write_survey(folder / "a.csv", frame, ones, outcome="满意度")
    with pytest.raises(vs.InputError, match="is no column of frame"):
        write_survey(folder / "a.csv", frame, ones, outcome="csi")
    with pytest.raises(vs.InputError, match="must hold numbers"):
        write_survey(folder / "a.csv", frame, ones, outcome="城市")
    with pytest.raises(vs.InputError, match="already has the columns 'weight'"):
        write_survey(folder / "a.csv", frame.assign(weight=1.0), ones)
    with pytest.raises(vs.InputError, match="has 3 entries; 240 were expected"):
        write_survey(folder / "a.csv", frame, [1.0, 1.0, 1.0])
    with pytest.raises(vs.InputError, match="design describes 2 rows; frame has 240"):
        write_survey(folder / "a.csv", frame, ones, design=Design(strata=["a", "b"]))
    with pytest.raises(vs.InputError, match="counts must be whole numbers to be written"):
        write_survey(folder / "a.csv", frame, ones, counts=ones * 1.5)
    with pytest.raises(vs.InputError, match="1 missing values where the weight is not 0, at rows 1"):
        write_survey(folder / "a.sav", {"csi": [9.0, 98.0]}, [1.0, 1.0], outcome="csi", missing_codes={"csi": [98]})
    with pytest.raises(vs.InputError, match="of no kind that can be written"):
        write_survey(folder / "a.txt", frame, Weights(base=ones, counts=ones))
    assert list(folder.iterdir()) == []
