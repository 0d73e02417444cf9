"""Altair charts of an audit: control limits, and who was heard against what they gave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import _checks, texts
from ..options import Language
from ..workflows.audit_result import STATUSES
from .audit_frames import fingerprint_frame, funnel_frame, limits_frame, sizes_between, top_marks
from .style import ACCENT, QUIET, RULE, SOFT, WIDTH, load_altair, styled

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

    from ..workflows.audit_result import DealerAudit

_SHAPES = ("diamond", "triangle-up", "circle", "circle")
_FILLS = ("#16202b", "white", SOFT, "white")
_STROKES = ("#16202b", ACCENT, SOFT, QUIET)


def funnel(audit: DealerAudit, *, minimum_group: int = 5, language: Language = "en") -> alt.LayerChart:
    """Control limits of an audit: score against number of forms, with limits that include the honest spread of dealers.

    With the centre μ and honest spread ω of `level_excess`, and the median variance σ² of one answer, the bands are

        μ ± 1.645 sqrt(σ² / n + ω²)    and    μ ± 2.326 sqrt(σ² / n + ω²)

    nine in ten and 98 in 100 honest dealers of size n, as far as μ and ω are known.

    Parameters
    ----------
    audit : DealerAudit
        What to draw.
    minimum_group : int
        Dealers who asked for fewer answers are left out.
    language : {"en", "zh"}
        Language of the labels.

    Returns
    -------
    altair.LayerChart
        One mark per dealer, its shape the status; pointing at it shows the dealer. No bands where too few dealers tell the spread.

    Raises
    ------
    InputError
        `language` is unknown.
    MissingDependencyError
        altair is not installed.

    References
    ----------
    Spiegelhalter (2005), Qual. Saf. Health Care 14(5), for funnel plots with overdispersion.
    """
    _checks.choice(language, Language, "language")
    dealers = funnel_frame(audit, minimum_group=_checks.whole(minimum_group, "minimum_group", low=1))
    altair = load_altair()
    few, most = (float(dealers["n"].agg(end)) if len(dealers) else 1.0 for end in ("min", "max"))
    limits = limits_frame(audit, sizes_between(0.9 * few, 1.1 * most))
    x = altair.X("n:Q", title=texts.render("audit.funnel_x", language), scale=altair.Scale(type="log", nice=False))
    shown = [*dealers["level"], *limits["inner_low"]]
    top = max(audit.highest, *dealers["level"]) if len(dealers) else audit.highest
    scale = altair.Scale(domain=[min(shown, default=0.0) - 0.1, top], nice=False, clamp=True)
    title = texts.render("audit.funnel_y", language)
    bands = [
        altair.Chart(limits).mark_area(color=RULE, opacity=opacity).encode(
            x=x, y=altair.Y(f"{name}_low:Q", title=title, scale=scale), y2=f"{name}_high:Q"
        )
        for name, opacity in (("outer", 0.5), ("inner", 0.9))
    ]
    middle = altair.Chart(limits).mark_line(color=QUIET, strokeDash=[3, 3]).encode(x=x, y=altair.Y("centre:Q", title=title))
    told = ["dealer:N", "status:N", "n:Q", altair.Tooltip("level:Q", format=".2f")]
    dots = _dots(altair, dealers, language).encode(x=x, y=altair.Y("level:Q", title=title, scale=scale), tooltip=told)
    drawn: alt.LayerChart = styled(altair.layer(*bands, middle, dots).properties(width=WIDTH, height=340))
    return drawn


def fingerprint(audit: DealerAudit, *, minimum_group: int = 5, language: Language = "en") -> alt.LayerChart:
    """Fingerprint of the network: share of the visits that were answered against the share of top marks.

    Parameters
    ----------
    audit : DealerAudit
        An audit with a roster; not one read back from JSON.
    minimum_group : int
        Dealers with fewer answers are left out.
    language : {"en", "zh"}
        Language of the labels.

    Returns
    -------
    altair.LayerChart
        One mark per dealer, its shape the status; dashed: medians. Top marks are the two highest scores given.

    Raises
    ------
    InputError
        The audit holds no roster or no responses, or `language` is unknown.
    MissingDependencyError
        altair is not installed.

    References
    ----------
    Klimek, Yegorov, Hanel & Thurner (2012), PNAS 109(41), for fingerprints of turnout and votes.
    """
    _checks.choice(language, Language, "language")
    dealers = fingerprint_frame(audit, minimum_group=_checks.whole(minimum_group, "minimum_group", low=1))
    low, high = top_marks(audit)
    points = f"{low:g}" if low == high else f"{low:g}–{high:g}"
    altair = load_altair()
    across = altair.X(
        "heard:Q", title=texts.render("audit.fingerprint_x", language), axis=altair.Axis(format=".0%", tickCount=6),
        scale=altair.Scale(zero=False),
    )
    up = altair.Y(
        "top:Q", title=texts.render("audit.fingerprint_y", language, points=points), axis=altair.Axis(format=".0%"),
        scale=altair.Scale(zero=False),
    )
    shares = [altair.Tooltip(f"{name}:Q", format=".0%") for name in ("heard", "top")]
    dots = _dots(altair, dealers, language).encode(x=across, y=up, tooltip=["dealer:N", "status:N", "visits:Q", *shares])
    rule = altair.Chart(dealers).mark_rule(color=QUIET, strokeDash=[3, 3])
    lines = [rule.encode(x=altair.X("median(heard):Q")), rule.encode(y=altair.Y("median(top):Q"))]
    drawn: alt.LayerChart = styled(altair.layer(*lines, dots).properties(width=WIDTH, height=340))
    return drawn


def _dots(altair: Any, dealers: pd.DataFrame, language: str) -> Any:
    """Marks whose shape tells the status, those to be verified on top."""
    names = {status: texts.render(f"term.status_{status}", language) for status in STATUSES}
    order = {status: place for place, status in enumerate(STATUSES)}
    rows = dealers.sort_values("status", key=lambda column: -column.map(order), kind="stable").assign(
        status=lambda frame: frame["status"].map(names), dealer=lambda frame: frame["dealer"].astype(str)
    )
    domain = list(names.values())
    legend = altair.Legend(orient="top", title=None, symbolSize=70)

    def scaled(values: tuple[str, ...]) -> Any:
        return altair.Scale(domain=domain, range=list(values))

    return altair.Chart(rows).mark_point(filled=True, size=36, opacity=1, strokeWidth=1.3).encode(
        shape=altair.Shape("status:N", scale=scaled(_SHAPES), legend=legend),
        fill=altair.Fill("status:N", scale=scaled(_FILLS), legend=legend),
        stroke=altair.Stroke("status:N", scale=scaled(_STROKES), legend=legend),
    )
