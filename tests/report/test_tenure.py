"""The chapter on satisfaction by tenure: its chart, its table, and what small numbers leave blank."""

from __future__ import annotations

import dataclasses
import html
import re

import numpy as np
import pytest
from report_contents import telco
from simulation.tenure_worlds import GRID, draw

import vocstats as vs
from vocstats import report
from vocstats.report.chapters import chapters
from vocstats.report.disclosure import SHOWN
from vocstats.report.tenure_rows import suppressed_bands, track_rows
from vocstats.report.wording import Words


@pytest.fixture(scope="module")
def track() -> vs.CohortTrack:
    base = draw(np.random.default_rng(1), 350, fair=False)
    return vs.track_cohorts(base, outcome="score", scale=(1, 10), tenure="tenure", grid=GRID, auxiliaries=["channel"], by="channel")


@pytest.fixture(scope="module")
def content(track: vs.CohortTrack) -> report.ReportContent:
    return dataclasses.replace(telco(), tracks={"": {"mean": track.overall}, "channel": {"mean": track}})


@pytest.mark.parametrize(("language", "title"), [("en", "Satisfaction by tenure"), ("zh", "按客户存续期的满意度")])
def test_the_chapter_stands_where_it_is_asked_for(content: report.ReportContent, track: vs.CohortTrack, language: str, title: str) -> None:
    assert title not in report.render(telco(), language=language)
    page = report.render(content, language=language)
    chapter = re.search(r'<section class="chapter" id="tenure">.*?</section>', page, re.S)
    assert chapter is not None
    text = html.unescape(chapter[0])
    assert title in text
    assert text.count('<svg class="chart') == 1
    assert all(assumption.text(language) in text for assumption in track.assumptions)
    for value in track.overall.estimate[0].ravel():
        assert f">{value:.2f}<" in text
    drawn = re.search(r"<svg.*?</svg>", text, re.S)
    assert drawn is not None
    assert f"n = {track.overall.n[0, 0, 0]:.0f}" in drawn[0]
    assert drawn[0].count("mark2") == len(GRID) + 1, "one triangle for each band and one in the key"


def test_small_numbers_are_blank_and_say_why(track: vs.CohortTrack) -> None:
    status = suppressed_bands(track, 10)
    few = (track.n_churned > 0) & (track.n_churned < 10)
    assert few.any()
    assert ((status[..., 1][few] != SHOWN) | np.isnan(track.estimate[..., 1][few])).all()
    rows = list(track_rows(track, Words("en"), 10))
    assert len(rows) == 3 * len(GRID)
    for row, blank in zip(rows, (status != SHOWN).reshape(-1, 3), strict=True):
        assert np.isnan(row["cohort_survivor_corrected:estimate"]) or not blank[1]
        assert bool(row["reason"]) == bool(blank.any() or np.isnan(row["cohort_survivor_corrected:estimate"]))


def test_blank_bands_are_not_drawn(content: report.ReportContent) -> None:
    strict = dataclasses.replace(content, minimum_group=10_000)
    page = report.render(strict, language="en")
    drawn = re.search(r'id="tenure">.*?<svg(.*?)</svg>', page, re.S)
    assert drawn is not None
    assert drawn[1].count("mark2") == 1


def test_it_follows_the_chapters_by_group(content: report.ReportContent) -> None:
    names = [chapter.name for chapter in chapters(content, "en")]
    assert names.index("tenure") == names.index("sensitivity") - 1


def test_tables_of_every_language(content: report.ReportContent, track: vs.CohortTrack) -> None:
    english, chinese = (report.tables(content, language) for language in ("en", "zh"))
    assert {"tenure", "tenure_by_channel"} <= set(english)
    assert english["tenure"]["Had nobody left: estimate"].tolist() == pytest.approx(track.overall.estimate[0, :, 2].tolist())
    assert "假定无客户流失:估计值" in chinese["tenure"].columns
    assert chinese["tenure_by_channel"].columns[0] == "channel"
    for frame in (*english.values(), *chinese.values()):
        assert frame.columns.is_unique
