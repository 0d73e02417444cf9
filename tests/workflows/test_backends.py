"""The same corrected table from every kind of dataframe, whatever the order of the rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from workflows.small_base import small_frames

import vocstats as vs

ASK: dict[str, Any] = {"outcome": "csi", "scale": (1, 10), "auxiliaries": ["region"], "by": "shop", "kpi": 6.0, "silent_shift": (-1, 0)}
SOURCES = ("survey", "follow_up", "exit_interview")


def duck(frame: pd.DataFrame) -> Any:
    return duckdb.from_arrow(pa.Table.from_pandas(frame, preserve_index=False))


BACKENDS: dict[str, Callable[[pd.DataFrame], Any]] = {
    "pandas": lambda frame: frame,
    "polars": pl.from_pandas,
    "polars lazy": lambda frame: pl.from_pandas(frame).lazy(),
    "pyarrow": lambda frame: pa.Table.from_pandas(frame, preserve_index=False),
    "duckdb": duck,
}


def corrected(convert: Callable[[pd.DataFrame], Any], *, shuffled: bool = False) -> vs.Correction:
    frames = {name: frame.sample(frac=1.0, random_state=1) if shuffled else frame for name, frame in small_frames().items()}
    base = vs.CustomerBase.from_frames(
        convert(frames["registry"]), id="id", churned="churned", answers={name: convert(frames[name]) for name in SOURCES}
    )
    return vs.correct(base, **ASK)


@pytest.mark.parametrize("backend", list(BACKENDS))
def test_same_table(backend: str) -> None:
    reference, r = corrected(BACKENDS["pandas"]), corrected(BACKENDS[backend])
    mine, theirs = r.to_frame(), reference.to_frame()
    assert mine["shop"].tolist() == theirs["shop"].tolist()
    numbers = theirs.select_dtypes("number").columns
    np.testing.assert_allclose(mine[numbers].astype(float), theirs[numbers].astype(float), rtol=1e-12, atol=1e-12)
    assert mine["reason"].tolist() == theirs["reason"].tolist()


def test_row_order_does_not_matter() -> None:
    straight, shuffled = (corrected(BACKENDS["pandas"], shuffled=s).to_frame() for s in (False, True))
    pd.testing.assert_frame_equal(straight, shuffled, rtol=1e-12)


def test_kinds_may_be_mixed() -> None:
    frames = small_frames()
    base = vs.CustomerBase.from_frames(
        duck(frames["registry"]),
        id="id",
        churned="churned",
        answers={
            "survey": pl.from_pandas(frames["survey"]).lazy(),
            "follow_up": frames["follow_up"],
            "exit_interview": pa.Table.from_pandas(frames["exit_interview"]),
        },
    )
    np.testing.assert_allclose(vs.correct(base, **ASK).estimate, corrected(BACKENDS["pandas"]).estimate, rtol=1e-12)
