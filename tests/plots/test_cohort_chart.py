"""The chart of satisfaction by tenure holds the figures of the result, in both languages."""

from __future__ import annotations

import json
import re
import sys

import numpy as np
import pytest
from simulation.tenure_worlds import GRID, draw

import vocstats as vs
from vocstats import plots
from vocstats.plots.cohort_chart import cohort_frame


@pytest.fixture(scope="module")
def track() -> vs.CohortTrack:
    base = draw(np.random.default_rng(1), 900, fair=False)
    return vs.track_cohorts(base, outcome="score", scale=(1, 10), tenure="tenure", grid=GRID, by="channel")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_chart_holds_every_figure(track: vs.CohortTrack, language: str) -> None:
    whole = track.overall
    document = plots.cohorts(whole, language=language).to_dict()
    rows = [row for rows in document["datasets"].values() for row in rows]
    assert sorted(row["estimate"] for row in rows) == pytest.approx(sorted(whole.estimate.ravel()))
    assert {row["count"] for row in rows} == {f"n = {n:,.0f}" for n in whole.n[0, :, 0]}
    said = json.dumps(document, ensure_ascii=False)
    assert "Noto Sans CJK SC" in said
    assert bool(re.search(r"[\u4e00-\u9fff]", said)) == (language == "zh")
    assert '"domain": [1.0, 10.0]' in said
    assert all(band in said for band in ("1–12", "37–60"))
    assert len({row["term"] for row in rows}) == 3


def test_what_is_not_estimated_is_not_drawn(track: vs.CohortTrack) -> None:
    frame = cohort_frame(track, "en")
    assert len(frame) == np.isfinite(track.estimate).sum()
    assert np.isfinite(frame[["estimate", "place"]]).all().all()
    assert frame["group"].unique().tolist() == ["fleet", "online", "showroom"]
    assert "facet" in plots.cohorts(track).to_dict()


def test_the_axis_of_a_share() -> None:
    base = draw(np.random.default_rng(1), 900, fair=False)
    options = {"outcome": "score", "scale": (1, 10), "tenure": "tenure", "grid": GRID}
    assert '"domain": [0.0, 1.0]' in json.dumps(plots.cohorts(vs.track_cohorts(base, statistic="top_box", **options)).to_dict())
    assert '"domain": [-1.0, 1.0]' in json.dumps(plots.cohorts(vs.track_cohorts(base, statistic="nps", **options)).to_dict())


def test_bad_input(track: vs.CohortTrack, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(vs.InputError, match="language"):
        plots.cohorts(track, language="fr")  # type: ignore[arg-type]
    monkeypatch.setitem(sys.modules, "altair", None)
    with pytest.raises(vs.MissingDependencyError, match=r"vocstats\[report\]"):
        plots.cohorts(track)
