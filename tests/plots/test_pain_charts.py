"""The charts of pain points hold every pain in its order, its interval, and the part that is prior."""

from __future__ import annotations

import dataclasses
import json
import re
import sys
from typing import Any

import numpy as np
import pytest
from workflows.pain_worlds import estimated

import vocstats as vs
from vocstats import plots
from vocstats.plots.pain_frames import gap_frame, heat_frame, one_group, pain_frame, whole
from vocstats.prevalence import Taxonomy


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("draw", [plots.pain_points, plots.pain_heat_map, plots.silent_gap])
def test_every_pain_is_drawn_by_its_label(draw: Any, language: str) -> None:
    p = estimated(("segment",))
    document = draw(p, language=language).to_dict()
    rows = next(rows for rows in document["datasets"].values() if rows and "pain_point" in rows[0])
    assert {row["pain_point"] for row in rows} == {Taxonomy.default().label(pain, language) for pain in p.pain_points}
    assert bool(re.search(r"[\u4e00-\u9fff]", json.dumps(document, ensure_ascii=False))) == (language == "zh")
    assert '"tooltip"' in json.dumps(document)


def test_pains_are_in_the_order_of_how_many_have_them() -> None:
    frame, p = pain_frame(estimated()), estimated()
    assert frame["pain_point"].tolist() == p.ranking().sort_values("estimate", ascending=False)["pain_point"].tolist()
    assert (frame["conf_low"] < frame["estimate"]).all() and (frame["estimate"] < frame["conf_high"]).all()


def test_gaps_are_those_of_the_result_with_their_prior_part() -> None:
    p = estimated(("segment",))
    place = 1
    frame = gap_frame(p, place)
    given = p.silent_gap()
    given = given[given["segment"] == p.by["segment"][place]]
    assert frame["pain_point"].tolist() == given["pain_point"].tolist()
    for name in ("silent_gap", "conf_low", "conf_high"):
        np.testing.assert_allclose(frame[name], given[name], atol=1e-12)
    length = (frame["data_high"] - frame["data_low"]) / (frame["conf_high"] - frame["conf_low"])
    np.testing.assert_allclose(length, 1.0 - frame["prior_share"])


def test_the_map_holds_every_group() -> None:
    p, frame = estimated(("segment",)), heat_frame(estimated(("segment",)))
    assert len(frame) == p.estimate.size and set(frame["group"]) == set(p.by["segment"])
    for row in frame.to_dict("records"):
        at = (p.pain_points.tolist().index(row["pain_point"]), p.by["segment"].tolist().index(row["group"]))
        assert row["estimate"] == p.estimate[at]
    together = estimated().estimate[:, 0]
    assert list(dict.fromkeys(frame["pain_point"])) == [p.pain_points[k] for k in np.argsort(-together)]


def test_one_group_or_everybody() -> None:
    p = estimated(("segment",))
    np.testing.assert_allclose(whole(p).estimate, estimated().estimate)
    assert one_group(p, {"segment": "S02"})[1] == p.by["segment"].tolist().index("S02")
    alone = next(iter(plots.pain_points(p, group={"segment": "S02"}).to_dict()["datasets"].values()))
    assert max(row["estimate"] for row in alone) == pytest.approx(p.estimate[:, 1].max())


def test_what_is_blank_is_not_drawn() -> None:
    p = estimated()
    apparent, estimate = p.apparent.copy(), p.estimate.copy()
    apparent[0], estimate[1] = np.nan, np.nan
    blank = dataclasses.replace(p, apparent=apparent, estimate=estimate)
    assert len(pain_frame(blank)) == len(gap_frame(blank)) + 1 == p.pain_points.size - 1
    plots.silent_gap(blank).to_dict()


def test_bad_input(monkeypatch: pytest.MonkeyPatch) -> None:
    p = estimated(("segment",))
    back = vs.load(p.to_json())
    assert plots.pain_heat_map(back).to_dict() == plots.pain_heat_map(p).to_dict()
    plots.pain_points(back, group={"segment": "S01"})
    with pytest.raises(vs.InputError, match="Name a group"):
        plots.silent_gap(back)
    with pytest.raises(vs.InputError, match="Estimate with by="):
        plots.pain_heat_map(estimated())
    with pytest.raises(vs.InputError, match="Groups are segment: 'S01'"):
        plots.pain_points(p, group={"segment": "S99"})
    with pytest.raises(vs.InputError, match="no column"):
        plots.pain_points(estimated(), group={"segment": "S01"})
    with pytest.raises(vs.InputError, match="language"):
        plots.pain_points(p, language="fr")  # type: ignore[arg-type]
    monkeypatch.setitem(sys.modules, "altair", None)
    with pytest.raises(vs.MissingDependencyError, match=r"vocstats\[report\]"):
        plots.pain_points(p)
