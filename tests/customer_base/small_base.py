"""A base small enough to count by hand, and its tables as every kind of dataframe."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pandas as pd

from vocstats import CustomerBase, Source

KINDS = ("pandas", "polars", "polars_lazy", "pyarrow", "duckdb")


def registry(**columns: Any) -> pd.DataFrame:
    """Twelve customers: A01-A09 active, A10-A12 gone."""
    table = {
        "customer_id": [f"A{k:02}" for k in range(1, 13)],
        "churned": [False] * 9 + [True] * 3,
        "region": ["north", "south", "north", "south", "north", "south", "north", "south", "north", "north", "south", "north"],
        "tenure": [3, 12, 13, 24, 25, 60, 1, 12, 30, 48, 49, 5],
        "warranty": [True, False] * 6,
    }
    return pd.DataFrame(table | columns)


def answers(ids: Iterable[str], scores: Iterable[Any], **columns: Any) -> pd.DataFrame:
    """A table of answers."""
    return pd.DataFrame({"customer_id": list(ids), "csi": list(scores), **columns})


SURVEY = (["A01", "A02", "A03", "A10"], [9, 8, 10, 4])
FOLLOW_UP = (["A04", "A05", "A06"], [7, None, 6])
EXITS = (["A11", "A12"], [2, None])


def base(frame: Any = None, *, survey: Any = None, follow_up: Any = None, exits: Any = None, **options: Any) -> CustomerBase:
    """The base of `registry` with four answers; further sources and options as given."""
    given = {"survey": answers(*SURVEY) if survey is None else survey}
    given |= {name: source for name, source in (("follow_up", follow_up), ("exit_interview", exits)) if source is not None}
    return CustomerBase.from_frames(
        registry() if frame is None else frame, answers=given, **{"id": "customer_id", "churned": "churned"} | options
    )


def converter(kind: str) -> Callable[[pd.DataFrame], Any]:
    """pandas -> the same table as `kind`; DuckDB tables share one connection."""
    if kind == "pandas":
        return lambda frame: frame
    if kind.startswith("polars"):
        import polars as pl

        return lambda frame: pl.from_pandas(frame).lazy() if kind == "polars_lazy" else pl.from_pandas(frame)
    if kind == "pyarrow":
        import pyarrow as pa

        return lambda frame: pa.Table.from_pandas(frame, preserve_index=False)
    import duckdb

    connection = duckdb.connect()
    tables: list[str] = []

    def as_relation(frame: pd.DataFrame) -> Any:
        tables.append(f"t{len(tables)}")
        connection.register("given", frame)
        connection.execute(f"create table {tables[-1]} as select * from given")
        return connection.sql(f"select * from {tables[-1]}")

    return as_relation


__all__ = ["EXITS", "FOLLOW_UP", "KINDS", "SURVEY", "Source", "answers", "base", "converter", "registry"]
