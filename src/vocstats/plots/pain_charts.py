"""Altair charts of pain points: true against apparent share, pain by group, and what the survey misses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import _checks, texts
from ..options import Language
from ..prevalence.taxonomy import Taxonomy
from .pain_frames import Group, gap_frame, heat_frame, one_group, pain_frame, pain_label
from .style import ACCENT, INK, QUIET, SOFT, WIDTH, load_altair, styled

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

    from ..workflows.pain_result import PainPointPrevalence

_DARK = 0.6  # of the highest share: from there on, figures stand in white


def pain_points(
    result: PainPointPrevalence, *, group: Group | None = None, taxonomy: Taxonomy | None = None, language: Language = "en"
) -> alt.LayerChart:
    """True share of customers with each pain, with its interval, against what the survey alone says (hollow).

    Parameters
    ----------
    result : PainPointPrevalence
        What to draw.
    group : {column: level}, optional
        One of its groups; None: everybody.
    taxonomy : Taxonomy, optional
        Labels of the pain points; None: the eighteen of the package. A key it does not have stands for itself.
    language : {"en", "zh"}
        Language of the labels.

    Returns
    -------
    altair.LayerChart
        One row per pain, the most frequent first.

    Raises
    ------
    InputError
        `language` or `group` is unknown.
    MissingDependencyError
        altair is not installed.
    """
    rows = _named(pain_frame(*one_group(result, group)), taxonomy, language)
    altair = load_altair()
    axis = altair.Axis(format=".0%", tickCount=6, title=texts.render("pain.chart_share", language))
    x = altair.X("estimate:Q", axis=axis, scale=altair.Scale(zero=True))
    told = [altair.Tooltip(f"{name}:Q", format=".1%") for name in ("estimate", "conf_low", "conf_high", "apparent")]
    base = altair.Chart(rows).encode(y=_pains(altair, rows), tooltip=["pain_point:N", *told])
    kinds = [texts.render(f"pain.key_{name}", language) for name in ("true", "apparent")]
    interval = base.mark_rule(color=SOFT, strokeWidth=6).encode(x=altair.X("conf_low:Q", axis=axis), x2="conf_high:Q")
    found = [
        base.transform_calculate(kind=f"'{kind}'").mark_point(filled=True, size=60, opacity=1, strokeWidth=1.6).encode(
            x=x if name == "estimate" else altair.X(f"{name}:Q", axis=axis), fill=_kind(altair, "Fill", kinds, [ACCENT, "white"]),
            stroke=_kind(altair, "Stroke", kinds, [ACCENT, ACCENT]),
        )
        for name, kind in zip(("estimate", "apparent"), kinds, strict=True)
    ]
    drawn: alt.LayerChart = styled(altair.layer(interval, *reversed(found)).properties(width=WIDTH, height=altair.Step(22)))
    return drawn


def pain_heat_map(result: PainPointPrevalence, *, taxonomy: Taxonomy | None = None, language: Language = "en") -> alt.LayerChart:
    """True share of customers with each pain, by group.

    Parameters
    ----------
    result : PainPointPrevalence
        A result by groups.
    taxonomy : Taxonomy, optional
        Labels of the pain points; None: the eighteen of the package. A key it does not have stands for itself.
    language : {"en", "zh"}
        Language of the labels.

    Returns
    -------
    altair.LayerChart
        The darker, the more customers; the figures are percentages. Pointing at a field shows its interval.

    Raises
    ------
    InputError
        The result is of everybody at once, or `language` is unknown.
    MissingDependencyError
        altair is not installed.
    """
    rows = _named(heat_frame(result), taxonomy, language)
    altair = load_altair()
    groups = altair.X("group:N", sort=list(dict.fromkeys(rows["group"])), title=None, axis=altair.Axis(orient="top", labelAngle=-35))
    told = [altair.Tooltip(f"{name}:Q", format=".1%") for name in ("estimate", "conf_low", "conf_high", "apparent")]
    base = altair.Chart(rows).encode(x=groups, y=_pains(altair, rows), tooltip=["pain_point:N", "group:N", *told])
    highest = float(rows["estimate"].max())
    scale = altair.Scale(domain=[0.0, highest], range=["#f2f6f9", ACCENT])
    fields = base.mark_rect(stroke="white").encode(color=altair.Color("estimate:Q", scale=scale, legend=None))
    ink = altair.condition(altair.datum.estimate > _DARK * highest, altair.value("white"), altair.value(INK))
    figures = base.transform_filter("isValid(datum.estimate)").transform_calculate(percent="100 * datum.estimate").mark_text(
        fontSize=11
    ).encode(text=altair.Text("percent:Q", format=".0f"), color=ink)
    step = {"width": altair.Step(42), "height": altair.Step(22)}
    drawn: alt.LayerChart = styled(altair.layer(fields, figures).properties(**step))
    return drawn


def silent_gap(
    result: PainPointPrevalence, *, group: Group | None = None, taxonomy: Taxonomy | None = None, language: Language = "en"
) -> alt.LayerChart:
    """What the survey hides: true less apparent share of each pain, with its interval, the part of it that is prior set off (light).

    Parameters
    ----------
    result : PainPointPrevalence
        What to draw.
    group : {column: level}, optional
        One of its groups; None: everybody.
    taxonomy : Taxonomy, optional
        Labels of the pain points; None: the eighteen of the package. A key it does not have stands for itself.
    language : {"en", "zh"}
        Language of the labels.

    Returns
    -------
    altair.LayerChart
        One row per pain the survey asked about, the most hidden first. Of the interval's length, the light share is that of the variance
        which comes from priors.

    Raises
    ------
    InputError
        `language` or `group` is unknown.
    MissingDependencyError
        altair is not installed.
    """
    rows = _named(gap_frame(*one_group(result, group)), taxonomy, language)
    altair = load_altair()
    axis = altair.Axis(format="+.0%", tickCount=6, title=texts.render("pain.chart_gap", language))
    parts = [texts.render(f"pain.key_{name}", language) for name in ("data", "prior")]
    told = [altair.Tooltip(f"{name}:Q", format=".1%") for name in ("silent_gap", "conf_low", "conf_high", "prior_share")]
    base = altair.Chart(rows).encode(y=_pains(altair, rows), tooltip=["pain_point:N", *told])
    colour = _kind(altair, "Color", parts, [ACCENT, SOFT])
    spans = [
        base.transform_calculate(kind=f"'{part}'").mark_rule(strokeWidth=6).encode(
            x=altair.X(f"{name}_low:Q", axis=axis), x2=f"{name}_high:Q", color=colour
        )
        for name, part in (("conf", parts[1]), ("data", parts[0]))
    ]
    dots = base.mark_point(filled=True, size=60, opacity=1, color="white", stroke=ACCENT).encode(x=altair.X("silent_gap:Q", axis=axis))
    zero = altair.Chart().mark_rule(color=QUIET, strokeDash=[3, 3]).encode(x=altair.datum(0.0))
    drawn: alt.LayerChart = styled(altair.layer(zero, *spans, dots).properties(width=WIDTH, height=altair.Step(22)))
    return drawn


def _named(rows: pd.DataFrame, taxonomy: Taxonomy | None, language: Language) -> pd.DataFrame:
    _checks.choice(language, Language, "language")
    known = taxonomy or Taxonomy.default()
    return rows.assign(pain_point=[pain_label(pain, known, language) for pain in rows["pain_point"]])


def _pains(altair: Any, rows: pd.DataFrame) -> Any:
    order = list(dict.fromkeys(rows["pain_point"]))
    return altair.Y("pain_point:N", sort=order, title=None, axis=altair.Axis(labelLimit=300, grid=False))


def _kind(altair: Any, channel: str, names: list[str], colours: list[str]) -> Any:
    legend = altair.Legend(orient="top", title=None, symbolStrokeColor=ACCENT)
    return getattr(altair, channel)("kind:N", scale=altair.Scale(domain=names, range=colours), legend=legend)
