"""Altair charts of weights: balance before and after, and how they are spread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .. import texts
from .._checks import choice, number
from ..errors import InputError
from ..options import Language
from ..weighting import Weights
from ..weighting.chain import begin
from .style import ACCENT, QUIET, SOFT, WIDTH, load_altair, styled
from .weight_frames import balance_table, love_frame, weight_frame

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

    from ..workflows.corrected_score import Correction


def love(
    table: pd.DataFrame | Correction, *, absolute: bool = False, threshold: float = 0.1, language: Language = "en"
) -> alt.FacetChart:
    """Love plot: standardised differences of every level before (hollow) and after (filled) weighting.

    Parameters
    ----------
    table : pandas.DataFrame or Correction
        What `weighting.balance` returned, or a result that was weighted.
    absolute : bool
        Without their signs.
    threshold : float
        Where the dashed lines stand: differences beyond are called imbalance.
    language : {"en", "zh"}
        Language of the labels.

    Returns
    -------
    altair.FacetChart
        One panel for each variable, one row for each level.

    Raises
    ------
    InputError
        `table` is no table of differences, or nothing was weighted.
    MissingDependencyError
        altair is not installed.
    """
    choice(language, Language, "language")
    number(threshold, "threshold", low=0.0)
    frame = love_frame(_differences(table), absolute=absolute)
    altair = load_altair()
    moments = {moment: texts.render(f"term.difference_{moment}", language) for moment in ("before", "after")}
    frame["moment"] = frame["moment"].map(moments)
    title = texts.render("weights.absolute_difference" if absolute else "term.standardised_difference", language)
    rows = altair.Y("level:N", sort=None, title=None, axis=altair.Axis(labelLimit=300, labelPadding=6))
    base = altair.Chart().encode(y=rows)
    fill = altair.Scale(domain=list(moments.values()), range=["white", ACCENT])
    dots = base.mark_point(filled=True, size=55, stroke=ACCENT, strokeWidth=1.5, opacity=1).encode(
        x=altair.X("difference:Q", title=title, axis=altair.Axis(tickCount=6), scale=altair.Scale(padding=10)),
        fill=altair.Fill("moment:N", scale=fill, title=None, legend=altair.Legend(orient="top", symbolStrokeColor=ACCENT)),
    )
    links = base.mark_line(color=SOFT).encode(x="difference:Q", detail="level:N")
    lines = [altair.Chart().mark_rule(color=QUIET).encode(x=altair.datum(0))]
    limits = [threshold] if absolute else [-threshold, threshold]
    lines += [altair.Chart().mark_rule(color=QUIET, strokeDash=[3, 3]).encode(x=altair.datum(limit)) for limit in limits]
    panel = altair.layer(*lines, links, dots, data=frame).properties(width=WIDTH, height=altair.Step(18))
    names = list(dict.fromkeys(frame["variable"]))
    drawn: alt.FacetChart = styled(panel.facet(row=_panels(altair, "variable:N", names), spacing=8).resolve_scale(y="independent"))
    return drawn


def weights(w: Weights | npt.ArrayLike, *, counts: npt.ArrayLike | None = None, language: Language = "en") -> alt.FacetChart:
    """Histograms of the weights of those heard after every step, in multiples of their mean, with the cap of trimming.

    Parameters
    ----------
    w : Weights or array of shape (n,)
        The chain, or weights of one step.
    counts : array, optional
        How often each row stands there, where `w` is an array.
    language : {"en", "zh"}
        Language of the labels.

    Returns
    -------
    altair.FacetChart
        One panel per step, headed by its design effect and the share of the total weight that the 5 % of units with the largest
        weights hold; dashed: the cap. The axis is logarithmic where weights differ by more than ten times.

    Raises
    ------
    InputError
        Lengths differ, or `language` is unknown.
    InfeasibleError
        Every weight is 0.
    MissingDependencyError
        altair is not installed.
    """
    choice(language, Language, "language")
    frame, wide = weight_frame(begin(w, counts, len(w) if isinstance(w, Weights) else np.asarray(w).size, "w"))
    altair = load_altair()
    frame["panel"] = [_heading(row, language) for row in frame.to_dict("records")]
    scale = altair.Scale(type="log", base=2, nice=False) if wide else altair.Scale(nice=False)
    across = altair.X("low:Q", title=texts.render("weights.multiple", language), scale=scale, axis=altair.Axis(format=".3~g"))
    share = altair.Y("share:Q", title=None, axis=altair.Axis(format=".0%", tickCount=4))
    bars = altair.Chart().mark_bar(color=ACCENT, binSpacing=0.5).encode(x=across, x2="high:Q", y=share, y2=altair.datum(0))
    bars = bars.transform_filter("isValid(datum.share)")
    caps = altair.Chart().mark_rule(color=QUIET, strokeDash=[3, 3], strokeWidth=1.5).encode(x="cap:Q")
    caps = caps.transform_filter("isValid(datum.cap)")
    panel = altair.layer(bars, caps, data=frame).properties(width=WIDTH, height=110)
    names = list(dict.fromkeys(frame["panel"]))
    drawn: alt.FacetChart = styled(panel.facet(row=_panels(altair, "panel:N", names), spacing=14).resolve_scale(y="independent"))
    return drawn


def _panels(altair: Any, column: str, order: list[str]) -> Any:
    """Panels below each other, headed on the left."""
    header = altair.Header(labelAngle=0, labelAlign="left", labelOrient="top", labelAnchor="start", labelPadding=2)
    return altair.Row(column, sort=order, title=None, header=header)


def _heading(row: dict[Any, Any], language: str) -> str:
    """Number and name of the step with its figures."""
    known = texts.namespace("term").get(f"step_{row['name']}", {}).get(language, row["name"])
    key = "panel" if np.isfinite(row["top"]) else "panel_negative"
    return texts.render(f"weights.{key}", language, number=row["step"], step=known, deff=row["design_effect"], held=100 * row["top"])


def _differences(table: Any) -> pd.DataFrame:
    if hasattr(table, "balance") and hasattr(table, "overall"):
        whole = table if table.overall is None else table.overall
        if whole.balance is None:
            raise InputError("The result holds no balance: nothing was weighted.", code="no_balance", argument="result")
        return balance_table(whole.balance)
    columns = list(getattr(table, "columns", []))
    missing = [name for name in ("variable", "level", "difference_before", "difference_after") if name not in columns]
    if missing:
        raise InputError(
            f"love draws a table of weighting.balance or a corrected score; {', '.join(missing)} is missing. Call weighting.balance first.",
            code="no_differences", argument="table", levels=missing,
        )
    return table  # type: ignore[no-any-return]
