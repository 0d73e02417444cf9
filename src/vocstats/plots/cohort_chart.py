"""Altair chart of satisfaction by tenure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .. import texts
from .._checks import choice
from ..options import Language
from ..workflows.cohort_track import TERMS
from .style import ACCENT, QUIET, WIDTH, load_altair, styled

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

    from ..workflows.cohort_track import CohortTrack

_SHIFT = 0.16  # of a band: the three lines stand beside each other, so that their intervals can be told apart
COLOURS = (QUIET, ACCENT, "#4f86ab")
DASHES = ((1, 0), (1, 0), (5, 4))


def cohorts(result: CohortTrack, *, language: Language = "en") -> alt.LayerChart | alt.FacetChart:
    """Satisfaction by tenure: as reported, of everybody who bought, and had nobody left, with intervals and numbers of answers.

    Parameters
    ----------
    result : CohortTrack
        What to draw; a panel for each group.
    language : {"en", "zh"}
        Language of the labels.

    Returns
    -------
    altair.LayerChart or altair.FacetChart
        One line, colour, dash and marker for each figure; bars: confidence intervals; above them the survey answers of each band. The
        axis is the full scale.

    Raises
    ------
    InputError
        `language` is unknown.
    MissingDependencyError
        altair is not installed.
    """
    choice(language, Language, "language")
    altair = load_altair()
    frame, bands = cohort_frame(result, language), list(result.band_names())
    names = list(dict.fromkeys(frame["term"]))
    shares = result.statistic not in ("mean", "index")
    domain = list(result.scale) if not shares else [-1.0 if result.statistic == "nps" else 0.0, 1.0]
    ticks = ", ".join(f"'{band}'" for band in bands)
    axis = altair.Axis(
        values=list(range(len(bands))), labelExpr=f"[{ticks}][datum.value]", grid=False,
        title=result.tenure or texts.render("term.months_since_purchase", language),
    )
    x = altair.X("place:Q", axis=axis, scale=altair.Scale(domain=[-0.5, len(bands) - 0.5], nice=False))
    y = altair.Y("estimate:Q", title=None, axis=altair.Axis(format=".0%" if shares else "g"), scale=altair.Scale(domain=domain, nice=False))
    key = altair.Legend(orient="top", direction="vertical", labelLimit=WIDTH, symbolSize=70)
    colour = altair.Color("term:N", scale=altair.Scale(domain=names, range=list(COLOURS)), title=None, legend=key)
    shape = altair.Shape("term:N", scale=altair.Scale(domain=names, range=["circle", "square", "triangle-up"]), title=None, legend=key)
    dash = altair.StrokeDash("term:N", scale=altair.Scale(domain=names, range=[list(d) for d in DASHES]), title=None, legend=key)
    base = altair.Chart().encode(x=x, color=colour)
    lines = base.mark_line(strokeWidth=1.5).encode(y=y, strokeDash=dash)
    intervals = base.mark_rule(strokeWidth=2, opacity=0.7).encode(y=altair.Y("conf_low:Q", title=None), y2="conf_high:Q")
    dots = base.mark_point(filled=True, size=60, opacity=1).encode(y=y, shape=shape)
    counts = (
        altair.Chart()
        .transform_filter(altair.FieldEqualPredicate(field="term", equal=names[0]))
        .mark_text(fontSize=11, color=QUIET, baseline="bottom")
        .encode(x=altair.X("band:Q"), y=altair.value(-3), text="count:N")
    )
    height = 280 if not result.by else 180
    layers = altair.layer(lines, intervals, dots, counts, data=frame).properties(width=WIDTH, height=height)
    drawn = layers if not result.by else layers.facet(row=altair.Row("group:N", title=None, sort=None), spacing=26)
    return styled(drawn)  # type: ignore[no-any-return]


def cohort_frame(result: CohortTrack, language: str) -> pd.DataFrame:
    """One row for each group, band and figure that was estimated, named, with its place beside the others."""
    import pandas as pd

    groups, bands, _ = result.estimate.shape
    labels = [" · ".join(str(column[g]) for column in result.labels.values()) for g in range(groups)]
    rows = [
        {
            "group": labels[g], "band": k, "place": k + _SHIFT * (t - 1), "term": texts.render(f"term.cohort_{term}", language),
            "estimate": result.estimate[g, k, t], "conf_low": result.conf_low[g, k, t], "conf_high": result.conf_high[g, k, t],
            "count": f"n = {result.n[g, k, 0]:,.0f}",
        }
        for t, term in enumerate(TERMS) for g in range(groups) for k in range(bands) if np.isfinite(result.estimate[g, k, t])
    ]
    return pd.DataFrame(rows, columns=["group", "band", "place", "term", "estimate", "conf_low", "conf_high", "count"])
