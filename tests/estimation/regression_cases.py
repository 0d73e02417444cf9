"""The designs, models and tests of tests/reference/survey_regression.R, computed by vocstats."""

from __future__ import annotations

import io
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
from estimation.api_cases import STYPE, WIDE, calibrated, read

from vocstats.estimation import Design, Regression, regress
from vocstats.weighting import rake

FAMILIES: dict[str, tuple[str, list[str], str, str]] = {
    "gaussian": ("api00", ["ell", "meals10", "stype"], "gaussian", "identity"), "log": ("api00", ["meals10"], "gaussian", "log"),
    "binomial": ("high", ["meals10", "stype"], "binomial", "logit"), "probit": ("high", ["meals10", "stype"], "binomial", "probit"),
    "cloglog": ("high", ["meals10"], "binomial", "cloglog"), "poisson": ("api.stu", ["meals10", "stype"], "poisson", "log"),
    "gamma": ("api.stu", ["stype"], "gamma", "inverse"), "lognormal": ("api.stu", ["meals10", "stype"], "gamma", "log"),
    "ordinal logistic": ("band", ["meals10", "stype"], "ordinal", "logit"),
    "ordinal probit": ("band", ["meals10", "stype"], "ordinal", "probit"),
}
DESIGNS = ("unstratified", "stratified", "clusters", "stages", "raked", "calibrated", "logit")


def sample(data: Path, name: str) -> pd.DataFrame:
    """One sample with the columns the R script adds."""
    frame = read(data, name)
    band = pd.cut(frame["api00"], [0, 550, 650, 750, 1000], labels=["a", "b", "c", "d"])
    return frame.assign(high=(frame["api00"] > 650).astype(float), meals10=frame["meals"] / 10, band=band)


@cache
def designed(data: Path, name: str) -> tuple[pd.DataFrame, Any, Design]:
    """Rows, weights and design by name."""
    if name in ("unstratified", "stratified"):
        frame = sample(data, "apistrat")
        return frame, frame["pw"], Design(strata=frame["stype"], fpc=frame["fpc"]) if name == "stratified" else Design()
    if name == "stages":
        frame = sample(data, "apiclus2")
        return frame, frame["pw"], Design(clusters=[frame["dnum"], frame["snum"]], fpc=[frame["fpc1"], frame["fpc2"]])
    frame = sample(data, "apiclus1")
    weights: dict[str, Any] = {
        "clusters": lambda: frame["pw"],
        "raked": lambda: rake(frame[["stype", "sch.wide"]], {"stype": STYPE, "sch.wide": WIDE}, base_weights=frame["pw"], tol=1e-12),
        "calibrated": lambda: calibrated(frame),
        "logit": lambda: calibrated(frame, distance="logit", bounds=(0.5, 2)),
    }
    return frame, weights[name](), Design(clusters=frame["dnum"], fpc=frame["fpc"])


def fitted(data: Path, design: str, model: str) -> Regression:
    """One model on one design."""
    frame, w, drawn = designed(data, design)
    if model == "part":
        return regress(frame["api00"], frame[["ell", "awards"]], w, design=drawn, domain=(frame["meals"] > 30).to_numpy())
    y, x, family, link = FAMILIES[model]
    return regress(frame[y], frame[x], w, design=drawn, family=family, link=link)


@cache
def survey_regression(data: Path, rscript: str) -> pd.DataFrame:
    """What R says, by case and kind."""
    script = Path(__file__).parents[1] / "reference/survey_regression.R"
    done = subprocess.run([rscript, str(script), str(data / "api")], capture_output=True, text=True, check=True, timeout=300)
    return pd.read_csv(io.StringIO(done.stdout)).set_index(["case", "kind"]).sort_index()
