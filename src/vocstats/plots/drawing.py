"""Altair charts of a correction."""

from __future__ import annotations

import math
from types import ModuleType
from typing import TYPE_CHECKING, Any

from .. import texts
from .._checks import choice
from ..errors import InputError
from ..options import Language
from . import frames
from .style import ACCENT, QUIET, RULE, SOFT, WIDTH, load_altair, styled

if TYPE_CHECKING:
    import altair as alt

    from ..workflows.corrected_score import Correction


def correction(result: Correction, *, language: Language = "en") -> alt.LayerChart:
    """From reported to corrected: the three scores of the whole base with confidence interval and sensitivity range.

    Parameters
    ----------
    result : Correction
        What to draw; of a result by domain, the whole base.
    language : {"en", "zh"}
        Language of the labels.

    Returns
    -------
    altair.LayerChart
        Bars: sensitivity range (light) and confidence interval (dark); dots: estimates; dashed: the target. The axis is the
        full scale.

    Raises
    ------
    InputError
        `language` is unknown.
    MissingDependencyError
        altair is not installed.
    """
    choice(language, Language, "language")
    altair = load_altair()
    frame = frames.ladder(result)
    frame["term"] = [texts.render(f"term.{term}", language) for term in frame["term"]]
    rows = altair.Y("term:N", sort=list(frame["term"]), title=None, axis=altair.Axis(labelLimit=400))
    base = altair.Chart(frame).encode(y=rows)
    span = base.mark_bar(height=16, color=SOFT).encode(x=_scale(altair, result, "range_low"), x2="range_high:Q")
    interval = base.mark_bar(height=7, color=ACCENT).encode(x="conf_low:Q", x2="conf_high:Q")
    dots = base.mark_point(filled=True, size=45, color="white", stroke=ACCENT, opacity=1).encode(x="estimate:Q")
    values = base.mark_text(dy=-15).encode(x="estimate:Q", text=altair.Text("estimate:Q", format=_format(result)))
    drawn: alt.LayerChart = styled(
        altair.layer(span, interval, dots, values, *_target(altair, result)).properties(width=WIDTH, height=170)
    )
    return drawn


def balance(result: Correction, *, language: Language = "en") -> alt.FacetChart:
    """Love plot: standardised differences of every auxiliary level before (hollow) and after (filled) weighting.

    Parameters
    ----------
    result : Correction
        A result that was weighted.
    language : {"en", "zh"}
        Language of the labels.

    Returns
    -------
    altair.FacetChart
        One panel for each part of the base and auxiliary variable.

    Raises
    ------
    InputError
        `language` is unknown, or nothing was weighted.
    MissingDependencyError
        altair is not installed.
    """
    choice(language, Language, "language")
    whole = result if result.overall is None else result.overall
    if whole.balance is None:
        raise InputError("The result holds no balance: nothing was weighted.", code="no_balance", argument="result")
    altair = load_altair()
    frame = frames.balance_frame(whole.balance)
    moments = {moment: texts.render(f"term.difference_{moment}", language) for moment in ("before", "after")}
    names = texts.namespace("term")
    frame["weighted"] = frame["weighted"].map(moments)
    frame["part"] = [names.get(f"group_{part}", {}).get(language, part) for part in frame["part"]]
    frame["panel"] = frame["part"] + " · " + frame["variable"]
    shown = altair.Scale(domain=list(moments.values()), range=["white", ACCENT])
    dots = (
        altair.Chart(frame)
        .mark_point(filled=True, size=55, stroke=ACCENT, strokeWidth=1.5, opacity=1)
        .encode(
            x=altair.X("difference:Q", title=texts.render("term.standardised_difference", language)),
            y=altair.Y("level:N", sort=None, title=None, axis=altair.Axis(labelLimit=300)),
            fill=altair.Fill("weighted:N", scale=shown, title=None, legend=altair.Legend(orient="top", symbolStrokeColor=ACCENT)),
        )
    )
    panels = altair.Row(
        "panel:N",
        sort=list(dict.fromkeys(frame["panel"])),
        title=None,
        header=altair.Header(labelAngle=0, labelAlign="left", labelOrient="top", labelAnchor="start", labelPadding=2),
    )
    drawn: alt.FacetChart = styled(
        dots.properties(width=WIDTH, height=altair.Step(18)).facet(row=panels, spacing=8).resolve_scale(y="independent")
    )
    return drawn


def sensitivity(result: Correction, *, language: Language = "en") -> alt.FacetChart:
    """The four layers of each corrected score: confidence interval, declared range, monotone and worst-case bounds.

    Parameters
    ----------
    result : Correction
        What to draw; of a result by domain, the whole base.
    language : {"en", "zh"}
        Language of the labels.

    Returns
    -------
    altair.FacetChart
        One panel for each population, on the full scale.

    Raises
    ------
    InputError
        `language` is unknown.
    MissingDependencyError
        altair is not installed.
    """
    choice(language, Language, "language")
    altair = load_altair()
    frame = frames.layer_frame(result)
    said = {"interval": "interval", "range": "sensitivity_range", "monotone": "monotone_bounds", "worst": "worst_case_bounds"}
    named = {layer: texts.render(f"term.{key}", language) for layer, key in said.items()}
    frame["layer"] = frame["layer"].map(named)
    frame["term"] = [texts.render(f"term.{term}", language) for term in frame["term"]]
    colours = altair.Scale(domain=list(named.values()), range=[ACCENT, "#4f86ab", SOFT, RULE])
    bars = (
        altair.Chart(frame)
        .mark_bar(height=12)
        .encode(
            x=_scale(altair, result, "low"),
            x2="high:Q",
            y=altair.Y("layer:N", sort=list(named.values()), title=None, axis=altair.Axis(labelLimit=400)),
            color=altair.Color("layer:N", scale=colours, legend=None),
        )
    )
    panel = altair.layer(bars, *_target(altair, result), data=frame).properties(width=WIDTH, height=altair.Step(22))
    panels = altair.Row(
        "term:N",
        sort=list(dict.fromkeys(frame["term"])),
        title=None,
        header=altair.Header(labelAngle=0, labelOrient="top", labelAnchor="start", labelPadding=2),
    )
    drawn: alt.FacetChart = styled(panel.facet(row=panels, spacing=10))
    return drawn


def _format(result: Correction) -> str:
    return ".2f" if result.statistic in ("mean", "index") else ".1%"


def _scale(altair: ModuleType, result: Correction, column: str) -> Any:
    """A horizontal axis over the full scale of the statistic."""
    shares = (0.0, 1.0) if result.statistic != "nps" else (-1.0, 1.0)
    domain = result.scale if result.statistic in ("mean", "index") else shares
    axis = altair.Axis(format="g" if result.statistic in ("mean", "index") else ".0%", tickCount=5)
    return altair.X(f"{column}:Q", title=None, scale=altair.Scale(domain=list(domain), nice=False), axis=axis)


def _target(altair: ModuleType, result: Correction) -> list[Any]:
    if not math.isfinite(result.kpi):
        return []
    return [altair.Chart().mark_rule(strokeDash=[3, 3], color=QUIET).encode(x=altair.datum(result.kpi))]
