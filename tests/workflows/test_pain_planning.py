"""What more data are expected to bring, against simulating them and estimating again."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from workflows.pain_worlds import cells, estimated

import vocstats as vs

PAINS = ("noise", "rust", "wait")
ENGAGED, SILENT, ASKED, READ = 3_000, 7_000, 60, (40, 80)


def tables(follow_up: tuple[int, int, int], asked: int, audit: Any) -> dict[str, Any]:
    """Three pains: a coded survey of all the engaged, and a follow-up of a few silent."""
    seen = [(pain, "engaged", "survey", positive, ENGAGED) for pain, positive in zip(PAINS, (240, 600, 1_100), strict=True)]
    seen += [(pain, "silent", "follow_up", positive, asked) for pain, positive in zip(PAINS, follow_up, strict=True)]
    return {
        "observations": cells(seen, "pain_point response_group source positive n"),
        "frame": cells([("engaged", ENGAGED), ("silent", SILENT)], "response_group customers"), "coder_audit": audit,
    }


def audit_of(right: tuple[float, float], size: tuple[int, int]) -> Any:
    both = ((1, right[0], size[0]), (0, 1.0 - right[1], size[1]))
    rows = [(pain, truth, round(share * n), n) for pain in PAINS for truth, share, n in both]
    return cells(rows, "pain_point truth positive n")


def estimate(given: dict[str, Any]) -> vs.PainPointPrevalence:
    seen = given["observations"]
    other = {name: given[name] for name in ("frame", "coder_audit")}
    return vs.estimate_pain_points(seen, **other, audit_drawn_by="truth", perfect_sources="follow_up", seed=5)


@cache
def first() -> tuple[dict[str, Any], vs.PainPointPrevalence]:
    given = tables((9, 18, 30), ASKED, audit_of((0.85, 0.95), READ))
    return given, estimate(given)


def width(p: vs.PainPointPrevalence) -> Any:
    return (p.conf_high - p.conf_low)[:, 0]


def test_widths_after_the_next_follow_ups() -> None:
    """Truths drawn from the posterior, a follow-up of 200 more drawn from each, and the model fitted again."""
    given, p = first()
    expected = p.value_of_information(follow_ups=200, audits=0)
    drawn, rng = p.fit.posterior, np.random.default_rng(73_401)
    found = []
    for b in rng.integers(0, len(drawn.intercept), 12):
        chance = 1.0 / (1.0 + np.exp(-(drawn.intercept[b] + drawn.segment[b, :, 0] + drawn.selection[b, :, 1])))
        more = given["observations"].copy()
        silent = more["source"] == "follow_up"
        more.loc[silent, "positive"] += rng.binomial(200, chance)
        more.loc[silent, "n"] += 200
        found.append(width(estimate(given | {"observations": more})))
    assert (expected["width_follow_ups"] < 0.75 * expected["width"]).all()
    assert expected["width_follow_ups"].to_numpy() == pytest.approx(np.mean(found, axis=0), rel=0.12)
    assert expected["width_audits"].to_numpy() == pytest.approx(expected["width"].to_numpy(), rel=0.01)


def test_widths_after_more_audits() -> None:
    """Of the engaged alone, where the coder is what is not known."""
    given, _ = first()
    keep = {name: given[name].query("response_group == 'engaged'") for name in ("observations", "frame")}

    def again(audit: Any) -> vs.PainPointPrevalence:
        return vs.estimate_pain_points(keep["observations"], frame=keep["frame"], coder_audit=audit, audit_drawn_by="truth", seed=5)

    p = again(given["coder_audit"])
    expected = p.value_of_information(follow_ups=0, audits=400)
    drawn, rng = p.fit.posterior, np.random.default_rng(73_402)
    found = []
    for b in rng.integers(0, len(drawn.intercept), 12):
        chance = 1.0 / (1.0 + np.exp(-(drawn.intercept[b] + drawn.segment[b, :, 0])))
        have = rng.binomial(400, chance)
        more = given["coder_audit"].copy()
        for k, pain in enumerate(PAINS):
            for truth, size, rate in ((1, have[k], drawn.sensitivity[b, 0, k]), (0, 400 - have[k], 1.0 - drawn.specificity[b, 0, k])):
                row = (more["pain_point"] == pain) & (more["truth"] == truth)
                more.loc[row, "positive"] += rng.binomial(size, rate)
                more.loc[row, "n"] += size
        found.append(width(again(more)))
    assert (expected["width_audits"] < 0.9 * expected["width"]).all()
    assert expected["width_audits"].to_numpy() == pytest.approx(np.mean(found, axis=0), rel=0.2)


def test_nothing_more_changes_nothing() -> None:
    table = estimated().value_of_information(follow_ups=0, audits=0)
    for name in ("width_follow_ups", "width_audits"):
        assert table[name].to_numpy() == pytest.approx(table["width"].to_numpy(), rel=1e-9)
    more = estimated(("segment",)).value_of_information(follow_ups=5_000, audits=5_000)
    assert (more["width_follow_ups"] < more["width"]).all() and (more["width_audits"] < more["width"]).all()
    with pytest.raises(vs.InputError, match="follow_ups must"):
        estimated().value_of_information(follow_ups=-1)


def test_a_source_that_disagrees_is_found() -> None:
    """The survey hears 20 %, the same customers' comments, said to be as good, 35 %."""
    seen = [("noise", "engaged", source, positive, 2_000) for source, positive in (("survey", 400), ("panel", 410), ("comment", 700))]
    frame = cells([("engaged", 2_000)], "response_group customers")
    p = vs.estimate_pain_points(
        cells(seen, "pain_point response_group source positive n"), frame=frame, perfect_sources=["survey", "panel", "comment"]
    )
    table = p.source_conflict().set_index("source")
    assert table["p_value"].idxmin() == "comment" and table.loc["comment", "difference"] < -0.04
    assert estimated().source_conflict()["p_value"].min() > 1e-3
