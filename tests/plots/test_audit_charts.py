"""The charts of an audit hold every dealer, its status by shape, and limits that include the honest spread."""

from __future__ import annotations

import json
import re
import sys

import pytest
from workflows.dealer_networks import audit

import vocstats as vs
from vocstats import plots


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("draw", [plots.funnel, plots.fingerprint])
def test_every_dealer_is_drawn(draw: object, language: str) -> None:
    document = draw(audit(), language=language).to_dict()  # type: ignore[operator]
    marks = [rows for rows in document["datasets"].values() if rows and "status" in rows[0] and "dealer" in rows[0]]
    assert all({row["dealer"] for row in rows} <= set(audit().dealers) for rows in marks)
    assert max(len({row["dealer"] for row in rows}) for rows in marks) >= 55
    said = json.dumps(document, ensure_ascii=False)
    assert bool(re.search(r"[\u4e00-\u9fff]", said)) == (language == "zh")
    assert '"shape"' in said and '"tooltip"' in said and ("待核查" if language == "zh" else "to be verified") in said


def test_limits_narrow_with_size_but_not_below_the_honest_spread() -> None:
    document = plots.funnel(audit()).to_dict()
    limits = next(rows for rows in document["datasets"].values() if "inner_low" in rows[0])
    width = [row["inner_high"] - row["inner_low"] for row in limits]
    of = next(each for each in audit().signals if each.name == "level_excess")
    assert width == sorted(width, reverse=True) and width[-1] > 2 * 1.645 * float(of.null["spread"][0])


def test_small_dealers_stay_out() -> None:
    document = plots.funnel(audit(), minimum_group=80).to_dict()
    rows = next(rows for rows in document["datasets"].values() if "level" in rows[0])
    assert rows and min(row["n"] for row in rows) >= 80


def test_bad_input(monkeypatch: pytest.MonkeyPatch) -> None:
    back = vs.load(audit().to_json())
    assert plots.funnel(back).to_dict() == plots.funnel(audit()).to_dict()
    with pytest.raises(vs.InputError, match="read back from JSON"):
        plots.fingerprint(back)
    with pytest.raises(vs.InputError, match="language"):
        plots.funnel(audit(), language="fr")  # type: ignore[arg-type]
    monkeypatch.setitem(sys.modules, "altair", None)
    with pytest.raises(vs.MissingDependencyError, match=r"vocstats\[report\]"):
        plots.funnel(audit())
