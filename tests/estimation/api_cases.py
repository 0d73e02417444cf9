"""The cases of tests/reference/survey_reference.R, computed by vocstats."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vocstats.estimation import Design, Estimate, mean, ratio, total
from vocstats.weighting import Weights, calibrate, poststratify, rake

STYPE = {"E": 4421, "H": 755, "M": 1018}
WIDE = {"No": 1072, "Yes": 5122}
Case = Callable[[], Estimate]


def read(data: Path, name: str) -> pd.DataFrame:
    """One sample of the api data."""
    return pd.read_csv(data / "api" / f"{name}.csv")


def calibrated(frame: pd.DataFrame, **options: Any) -> Weights:
    """Calibration on stype and api99."""
    return calibrate(frame[["stype", "api99"]], {"stype": STYPE, "api99": 3914069}, base_weights=frame["pw"], **options)


def both(name: str, frame: pd.DataFrame, w: Any, design: Design) -> dict[str, Case]:
    """Mean of api00 and total of enroll; schools that do not tell their enrolment stay in the sample with 0, as in R."""
    return {
        f"{name} mean": lambda: mean(frame["api00"], w, design=design),
        f"{name} total": lambda: total(frame["enroll"].fillna(0.0), w, design=design),
    }


def domains(name: str, frame: pd.DataFrame, by: str, w: Any, design: Design) -> dict[str, Case]:
    """Mean of api00 by a column."""
    return {f"{name} mean by": lambda: mean(frame["api00"], w, design=design, by=frame[by])}


def cases(data: Path) -> dict[str, Case]:
    """Every case by the name the R script gives it."""
    strat, clus1, clus2 = (read(data, name) for name in ("apistrat", "apiclus1", "apiclus2"))
    f1, f2 = np.full(len(clus2), 40 / 757), clus2.groupby("dnum")["snum"].transform("size") / clus2["fpc2"]
    two = [clus2["dnum"], clus2["snum"]]
    stratified, one = Design(strata=strat["stype"], fpc=strat["fpc"]), Design(clusters=clus1["dnum"], fpc=clus1["fpc"])
    staged = Design(clusters=two, fpc=[clus2["fpc1"], clus2["fpc2"]])
    plain = {
        "stratified": (strat, stratified), "unstratified": (strat, Design()), "one-stage": (clus1, one),
        "one-stage wr": (clus1, Design(clusters=clus1["dnum"])), "two-stage": (clus2, staged),
        "two-stage fractions": (clus2, Design(clusters=two, fpc=[f1, f2])),
    }
    result: dict[str, Case] = {}
    for name, (frame, design) in plain.items():
        result |= both(name, frame, frame["pw"], design) | domains(name, frame, "stype", frame["pw"], design)
    result |= domains("stratified awards", strat, "awards", strat["pw"], stratified)
    result |= domains("two-stage awards", clus2, "awards", clus2["pw"], staged)
    result["stratified ratio"] = lambda: ratio(strat["api.stu"], strat["enroll"], strat["pw"], design=stratified)
    result["stratified ratio by"] = lambda: ratio(strat["api.stu"], strat["enroll"], strat["pw"], design=stratified, by=strat["awards"])
    post = poststratify(clus1["stype"], STYPE, base_weights=clus1["pw"])
    raked = rake(clus1[["stype", "sch.wide"]], {"stype": STYPE, "sch.wide": WIDE}, base_weights=clus1["pw"], tol=1e-12)
    result |= both("post-stratified", clus1, post, one) | domains("post-stratified", clus1, "sch.wide", post, one)
    result |= both("raked", clus1, raked, one)
    for name, options in {"linear": {}, "raking": {"distance": "raking"}, "logit": {"distance": "logit", "bounds": (0.5, 2)}}.items():
        w = calibrated(clus1, **options)
        result |= both(f"calibrated {name}", clus1, w, one) | domains(f"calibrated {name}", clus1, "sch.wide", w, one)
    result |= both("two-stage calibrated", clus2, calibrate({"stype": clus2["stype"]}, {"stype": STYPE}, base_weights=clus2["pw"]), staged)
    linear = calibrate(strat[["api99"]].assign(one=1.0), {"one": 6194, "api99": 3914069}, base_weights=strat["pw"])
    result |= both("stratified calibrated", strat, linear, stratified)
    result |= domains("stratified calibrated", strat, "awards", linear, stratified)
    return result | lonely(clus1, clus2)


def lonely(clus1: pd.DataFrame, clus2: pd.DataFrame) -> dict[str, Case]:
    """Every rule for lonely clusters, in the first stage and in the second."""
    result: dict[str, Case] = {}
    stages = {"clusters": [clus2["dnum"], clus2["snum"]], "fpc": [clus2["fpc1"], clus2["fpc2"] + 1]}
    for rule in ("remove", "adjust", "average"):
        result |= both(f"lonely {rule}", clus1, clus1["pw"], Design(strata=clus1["dnum"], lonely_psu=rule))
    for rule in ("remove", "adjust"):
        result[f"lonely second stage {rule} mean"] = lambda rule=rule: mean(
            clus2["api00"], clus2["pw"], design=Design(**stages, lonely_psu=rule)
        )
    return result
