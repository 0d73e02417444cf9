"""Bases whose truth is known: the telecom base with selection B, and a small one made here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from workflows.small_base import small_frames

import vocstats as vs

BANDS = {"tenure_band": {"from": "Tenure in Months", "upper": [12, 24, 48], "labels": ["1-12", "13-24", "25-48", "49+"]}}


@pytest.fixture(scope="session")
def telco(data: Path) -> pd.DataFrame:
    return pd.read_csv(data / "telco" / "telco.csv")


@pytest.fixture(scope="session")
def telco_b(data: Path, telco: pd.DataFrame) -> vs.CustomerBase:
    chosen = pd.read_csv(data / "telco" / "selection_B.csv").merge(telco[["Customer ID", "Satisfaction Score"]], on="Customer ID")
    return vs.CustomerBase.from_frames(
        telco.drop(columns="Satisfaction Score"),
        id="Customer ID",
        churned={"column": "Churn Label", "is": ["Yes"]},
        answers={"survey": chosen[chosen["active_respondent"] == 1], "exit_interview": chosen[chosen["exit_respondent"] == 1]},
        missing={"Internet Type": "None"},
        bands=BANDS,
    )


@pytest.fixture
def make_base() -> Callable[..., vs.CustomerBase]:
    """Build the small base; leave sources out by name, replace frames, or pass options of `from_frames`."""

    def build(
        *, without: tuple[str, ...] = (), documented: bool = False, frames: dict[str, pd.DataFrame] | None = None, **options: Any
    ) -> vs.CustomerBase:
        tables = small_frames() if frames is None else frames
        answers: dict[str, Any] = {}
        for name in ("survey", "follow_up", "exit_interview"):
            if name not in without:
                answers[name] = vs.Source(tables[name], selected="drawn") if documented and name != "survey" else tables[name]
        return vs.CustomerBase.from_frames(tables["registry"], id="id", churned="churned", answers=answers, **options)

    return build
