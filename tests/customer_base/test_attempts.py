"""At which attempt an answer came: from the survey's own column, or from its contact data."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import vocstats as vs

REGISTRY = pd.DataFrame({"id": list("abcdefgh"), "left": [0, 0, 0, 0, 0, 0, 0, 1]})
SURVEY = pd.DataFrame({"id": list("abcd"), "score": [4, 5, 5, np.nan], "wave": [1, 1, 2, 3]})
CALLS = pd.DataFrame(
    {
        "id": list("abcdefgh"), "tries": [1, 1, 2, 3, 1, 3, 3, 2],
        "outcome": ["complete"] * 4 + ["refusal", "noncontact", "noncontact", "refusal"],
    }
)


def _base(survey: vs.Source) -> vs.CustomerBase:
    return vs.CustomerBase.from_frames(REGISTRY, id="id", churned="left", answers={"survey": survey})


@pytest.mark.parametrize(
    "survey",
    [vs.Source(SURVEY, attempt="wave"), vs.Source(SURVEY, contact={"frame": CALLS, "outcome": "outcome", "attempts": "tries"})],
)
def test_cells_tell_attempts_apart_when_asked(survey: vs.Source) -> None:
    base = _base(survey)
    assert base.knows_attempts
    cells = base.cells(outcome="score", scale=(1, 5), attempts=True)
    heard = cells.source >= 0
    table = sorted(zip(cells.outcome[heard], cells.attempt[heard], cells.counts[heard], strict=True))
    assert table == [(4, 1, 1), (5, 1, 1), (5, 2, 1)]
    assert np.isnan(cells.attempt[~heard]).all()
    assert cells.counts.sum() == 8
    assert np.isnan(base.cells(outcome="score", scale=(1, 5)).attempt).all()


def test_repeated_answers_keep_the_attempt_of_the_one_that_counts() -> None:
    twice = pd.concat([SURVEY, pd.DataFrame({"id": ["a"], "score": [1], "wave": [3]})], ignore_index=True)
    twice["day"] = pd.to_datetime(["2026-01-01"] * 4 + ["2026-02-01"])
    for repeated, expected in (("first", (4.0, 1.0)), ("last", (1.0, 3.0))):
        cells = _base(vs.Source(twice, attempt="wave", date="day", repeated=repeated)).cells(outcome="score", scale=(1, 5), attempts=True)
        assert expected in list(zip(cells.outcome, cells.attempt, strict=True))


def test_attempts_nobody_recorded_are_refused() -> None:
    base = _base(vs.Source(SURVEY))
    assert not base.knows_attempts
    with pytest.raises(vs.errors.InputError, match="at which attempt") as caught:
        base.cells(outcome="score", scale=(1, 5), attempts=True)
    assert caught.value.code == "no_attempts"
    blank = CALLS.assign(tries=CALLS["tries"].where(CALLS["id"] != "b"))
    base = _base(vs.Source(SURVEY, contact={"frame": blank, "outcome": "outcome", "attempts": "tries"}))
    with pytest.raises(vs.errors.InputError, match="does not say at which") as caught:
        base.cells(outcome="score", scale=(1, 5), attempts=True)
    assert caught.value.levels == ("b",)
