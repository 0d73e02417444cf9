"""A small simulated world of pain points and its estimate, as several test files need them."""

from __future__ import annotations

from functools import cache
from typing import Any

import pandas as pd

import vocstats as vs

SMALL: dict[str, Any] = {"pains": 4, "segments": 3}


@cache
def world() -> Any:
    """Four pains, three segments, twelve dealers."""
    return vs.datasets.simulate_pain_points(12, seed=73_100, **SMALL)


def options(**changes: Any) -> dict[str, Any]:
    """What `estimate_pain_points` needs beside the observations; None takes an option out."""
    known = {
        "groups": ["segment", "dealer"], "frame": world().frame, "coder_audit": world().coder_audit,
        "perfect_sources": ["follow_up", "exit_interview"], "seed": 1,
    }
    return {name: value for name, value in (known | changes).items() if value is not None}


@cache
def estimated(by: tuple[str, ...] = ()) -> vs.PainPointPrevalence:
    """The estimate of the small world."""
    return vs.estimate_pain_points(world().observations, by=by, **options())


def cells(rows: list[tuple[Any, ...]], columns: str) -> pd.DataFrame:
    """A table from rows and the names of its columns."""
    return pd.DataFrame(rows, columns=columns.split())


def tiny(*, silent: int = 0, follow_up: tuple[int, int] = (0, 0), engaged: int = 1_000, positive: int = 200) -> tuple[Any, Any]:
    """One pain, no groups, a perfect survey of the engaged, and a follow-up of the silent: observations and frame."""
    seen = [("noise", "engaged", "survey", positive, engaged)]
    if follow_up[1]:
        seen.append(("noise", "silent", "follow_up", *follow_up))
    frame = [("engaged", engaged)] + ([("silent", silent)] if silent else [])
    return cells(seen, "pain_point response_group source positive n"), cells(frame, "response_group customers")
