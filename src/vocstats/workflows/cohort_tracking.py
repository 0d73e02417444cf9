"""Satisfaction by tenure: what current customers report, what everybody who bought would say, and what they would say had nobody left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _checks
from .._checks import Floats, Integers
from ..customer_base import SOURCES, CustomerBase
from ..errors import InputError, shown
from ..options import Statistic
from ..results import Assumption
from .cohort_estimates import Band, estimate_band, group_of, limits_of
from .cohort_staying import staying_of
from .cohort_tenures import Clock, Tenures, bands_of
from .cohort_track import CohortTrack, band_names
from .cohort_voices import Voices, voices_of
from .question import names, pair
from .statistic import Measure, measure

_YEAR = 12.0
_MOST_BANDS = 30


def track_cohorts(
    base: CustomerBase,
    *,
    outcome: str | None = None,
    scale: Sequence[float],
    statistic: Statistic = "mean",
    boxes: int = 2,
    top: Sequence[float] | None = None,
    bottom: Sequence[float] | None = None,
    items: Mapping[str, float] | None = None,
    points: float | None = None,
    tenure: str | None = None,
    entry: str | None = None,
    grid: Sequence[float] | None = None,
    auxiliaries: Sequence[str] = (),
    minimum_cell: int = 5,
    by: str | Sequence[str] | None = None,
    silent_shift: Sequence[float] = (0.0, 0.0),
    churned_shift: Sequence[float] = (0.0, 0.0),
    level: float = 0.95,
    seed: int = 0,
) -> CohortTrack:
    """Satisfaction by tenure: as reported, of everybody who bought, and had nobody left.

    Each customer of a base is seen once, so the curve is put together from people who bought at different times: those seen at a
    tenure speak for what today's buyers will say when they get there. ``naive`` is the mean of the survey answers given at a
    tenure. ``survivor_corrected`` adds those who had left by then, by exit interviews, each standing for the part of the cohort that
    leaves when he did (S(u-)/n_u): (1 - L) active + L churned, with L the share that has left, averaged over the band.
    ``had_nobody_left`` divides the weights of the current customers by the probability, given the auxiliaries, of still being one.

    Parameters
    ----------
    base : CustomerBase
        Registry and answers.
    outcome : str, optional
        Column of the answers that holds the score. Leave it out when `items` is given.
    scale : pair of numbers
        Lowest and highest possible score; answers off it are refused.
    statistic : {"mean", "top_box", "bottom_box", "nps", "index"}
        As in `correct`.
    boxes : int
        Points of the scale in the top or bottom box.
    top, bottom : sequence of numbers, optional
        The points themselves, instead of `boxes`.
    items : mapping, optional
        {column: index weight}, weights summing to 1: the outcome is a weighted composite of several items.
    points : float, optional
        Points of an index at the highest score; default 100.
    tenure : str, optional
        Column of the registry: whole months (or weeks, or days) from purchase to the reference date, or to leaving for those who
        left. None: months from the days of the base's window, with customers under observation from its first day on.
    entry : str, optional
        Column of the registry: tenure at which a customer came under observation, where those who had left earlier are not listed.
        None: everybody was followed from the purchase on.
    grid : sequence of numbers, optional
        Last tenure of each band, rising, such as (6, 12, 24, 48). None: whole years as far as customers go.
    auxiliaries : sequence of str
        Categorical columns of the registry, known at purchase, on which those heard are weighted to the customers of their band,
        and by which leaving is explained.
    minimum_cell : int
        Levels in which fewer were heard within a band are merged with their neighbour, and listed in ``merged``.
    by : str or sequence of str, optional
        Column whose levels are estimated one by one, each from its own customers: purchase cohorts, models, dealers.
    silent_shift, churned_shift : pair of numbers
        By how many score points those who never answered, active and churned, may differ from those who speak for them, lowest and
        highest: the sensitivity range of the mean. The shift of the silent moves the third curve as well.
    level : float
        Confidence level.
    seed : int
        Kept with the result; the estimates are linearised and use no random numbers.

    Returns
    -------
    CohortTrack
        By group, band and term. A term nobody speaks for is missing, with its reason. Standard errors are about customers like these.

    Raises
    ------
    InputError
        An argument or the data are not usable; the message names column, rows and remedy.

    References
    ----------
    Kaplan & Meier (1958), JASA 53; Satten & Datta (2001), Am. Stat. 55(3); Robins & Finkelstein (2000), Biometrics 56(3);
    Deville & Särndal (1992), JASA 87.

    Examples
    --------
    >>> import vocstats as vs
    >>> simulated = vs.datasets.simulate_base(4000, seed=1)
    >>> r = vs.track_cohorts(simulated.base(), outcome="csi", scale=(1, 10), grid=(24, 48, 96))
    >>> r.band_names()
    ('0–24', '24–48', '48–96')
    >>> bool((r.gap() > 0).all())
    True
    """
    if not isinstance(base, CustomerBase):
        raise InputError(f"base must be a CustomerBase; got {type(base).__name__}.", code="not_a_base", argument="base")
    if (outcome is None) == (items is None):
        raise InputError(
            "track_cohorts needs the score: name its column (outcome=), or several with their weights (items=); one of the two.",
            code="no_outcome", argument="outcome",
        )  # fmt: skip
    what = measure(statistic, scale=scale, boxes=boxes, top=top, bottom=bottom, points=points)
    columns, groups_by = names(auxiliaries, "auxiliaries"), names(by, "by")
    _refuse_tenure_bands(base, columns, tenure)
    confidence, minimum = _checks.level(level), int(_checks.number(minimum_cell, "minimum_cell", low=1))
    clock = Clock(base=base, tenure=tenure, entry=entry)
    cells = base.cells(list(dict.fromkeys([*clock.columns, *columns, *groups_by])), outcome=outcome, items=items, scale=what.scale)
    tenures = clock.read(cells)
    edges = _edges(grid, tenures)
    common: dict[str, Any] = {
        "outcome": outcome or "index", "statistic": what.name, "scale": what.scale, "top": what.top, "bottom": what.bottom,
        "level": confidence, "seed": int(_checks.number(seed, "seed", low=0.0)),
        "silent_shift": pair(silent_shift, "silent_shift"), "churned_shift": pair(churned_shift, "churned_shift"),
        "tenure": tenure or "", "entry": entry or "", "auxiliaries": columns,
        "tenure_after": np.round(edges[:-1] / tenures.units, 1), "tenure_to": np.round(edges[1:] / tenures.units, 1),
    }
    whole = _track(tenures, [np.arange(len(tenures.cells))], {}, what, edges, minimum, common)
    if not groups_by:
        return whole
    members, labels = _groups(tenures, groups_by)
    by_group = _track(tenures, members, labels, what, edges, minimum, common)
    return replace(by_group, overall=whole, assumptions=whole.assumptions, variance_accounts_for=whole.variance_accounts_for)


def _track(
    tenures: Tenures, members: Sequence[Integers], labels: dict[str, npt.NDArray[Any]], what: Measure, edges: Floats, minimum: int,
    common: dict[str, Any],
) -> CohortTrack:
    """The track of each group, from its own customers."""
    found: list[list[Band]] = []
    merged: list[str] = []
    for rows in members:
        mine = tenures.rows(rows)
        bands, voices = _bands(mine, what, edges, minimum, common)
        found.append(bands)
        merged += voices.merged if not labels else ()
    terms = np.array([[[(f.value, f.variance, f.df, f.n) for f in band.terms] for band in bands] for bands in found])
    limits = np.array([[[limits_of(f, what.limits, common["level"]) for f in band.terms] for band in bands] for bands in found])
    known = ~np.isnan(terms[..., 0])
    own: dict[str, Any] = _ranges(found, terms[..., 0], limits, what, common) | {
        name: np.array([[getattr(band, name) for band in bands] for bands in found])
        for name in ("retention", "active", "churned", "n_churned", "customers", "left", "probability")
    }
    cells = tenures.cells
    late = (cells.source == SOURCES.index("survey")) & (tenures.duration > edges[-1])
    return CohortTrack(
        **common, **own, by=tuple(labels), labels=labels, estimate=terms[..., 0], std_error=np.sqrt(np.where(known, terms[..., 1], np.nan)),
        conf_low=limits[..., 0], conf_high=limits[..., 1], df=np.where(known, terms[..., 2], np.nan), n=terms[..., 3],
        reasons=tuple(tuple(tuple(f.reason for f in band.terms) for band in bands) for bands in found),
        observed_from=np.array([_observed_from(tenures, rows) for rows in members]), beyond=float(cells.counts[late].sum()),
        assumptions=_assumptions(tenures, common["auxiliaries"]), merged=tuple(merged),
        variance_accounts_for=_accounts_for(tenures, common["auxiliaries"]),
    )


def _ranges(found: list[list[Band]], estimate: Floats, limits: Floats, what: Measure, common: dict[str, Any]) -> dict[str, Floats]:
    """Effects of a point of the declared shifts, and what the estimates and limits become at their ends, within the scale."""
    silent, churned = (np.array([[band.assumed[part] for band in bands] for bands in found]) for part in (0, 1))
    gone = 1.0 - np.array([[band.retention for band in bands] for bands in found])
    effect = np.zeros((*estimate.shape, 2))
    effect[..., 1, 0], effect[..., 1, 1], effect[..., 2, 0] = (1.0 - np.nan_to_num(gone)) * silent, np.nan_to_num(churned), silent
    effect = effect * what.factor if what.linear else np.full(effect.shape, np.nan)
    effect[..., 0, :] = np.nan
    low, high = (effect @ np.array([common["silent_shift"][end], common["churned_shift"][end]]) for end in (0, 1))
    ends = {"range_low": estimate + low, "range_high": estimate + high}
    ends |= {"range_conf_low": limits[..., 0] + low, "range_conf_high": limits[..., 1] + high}
    return {"shift_effect": effect} | {name: np.clip(values, *what.limits) for name, values in ends.items()}


def _bands(tenures: Tenures, what: Measure, edges: Floats, minimum: int, common: dict[str, Any]) -> tuple[list[Band], Voices]:
    """Every band of one group, and who speaks in it."""
    cells, auxiliaries = tenures.cells, common["auxiliaries"]
    labels = band_names(common["tenure_after"], common["tenure_to"], whole=bool(common["tenure"]))
    voices = voices_of(cells, bands_of(edges, tenures.duration), labels, auxiliaries, minimum)
    values, width = what.values(cells.outcome), what.limits[1] - what.limits[0]
    group = group_of(tenures, voices, values, width, edges, staying_of(tenures, auxiliaries))
    return [estimate_band(group, k) for k in range(edges.size - 1)], voices


def _edges(grid: Sequence[float] | None, tenures: Tenures) -> Floats:
    """Ends of the bands in units of the durations, from before the first tenure on."""
    longest = float(tenures.duration.max()) / tenures.units
    if grid is None:
        points = _YEAR * np.arange(1.0, min(np.ceil(longest / _YEAR), _MOST_BANDS) + 1.0)
    else:
        points = np.array(_checks.numbers(grid, "grid"))
        usable = points.size > 0 and points[0] > 0 and bool((np.diff(points) > 0).all())
        if not usable or (tenures.units == 1.0 and (points != np.floor(points)).any()):
            raise InputError(
                f"grid must hold the last tenure of each band, rising from above 0{' and whole' if tenures.units == 1.0 else ''}, such as "
                f"(6, 12, 24, 48); got {shown(grid)}.",
                code="bad_grid", argument="grid", levels=list(points),
            )
    return np.concatenate([[-1.0 if (tenures.duration == 0).any() else 0.0], np.rint(points * tenures.units)])


def _observed_from(tenures: Tenures, rows: Integers) -> float:
    return 0.0 if tenures.entry is None else float(tenures.entry[rows].min()) / tenures.units


def _groups(tenures: Tenures, by: tuple[str, ...]) -> tuple[list[Integers], dict[str, npt.NDArray[Any]]]:
    """Cells of each group, and the labels of the groups."""
    cells = tenures.cells
    present, group = np.unique(np.column_stack([cells.columns[name] for name in by]), axis=0, return_inverse=True)
    labels = {name: np.asarray(cells.levels[name])[present[:, k]] for k, name in enumerate(by)}
    return [np.flatnonzero(group.ravel() == g) for g in range(len(present))], labels


def _refuse_tenure_bands(base: CustomerBase, auxiliaries: tuple[str, ...], tenure: str | None) -> None:
    """Tenure, whole or in bands, explains leaving by itself: it cannot be an auxiliary here."""
    wrong = [name for name in auxiliaries if tenure is not None and base.band_source(name) == tenure]
    if wrong:
        raise InputError(
            f"auxiliaries names {shown(wrong)}, which is made of the tenure {tenure!r}: tenure bands are weighted apart anyway, and who "
            "leaves is explained by what was known at purchase. Leave it out.",
            code="auxiliary_from_tenure", argument="auxiliaries", levels=wrong, tenure=tenure,
        )


def _assumptions(tenures: Tenures, auxiliaries: tuple[str, ...]) -> tuple[Assumption, ...]:
    """What the three curves rest on, the weightiest first."""
    cells, listing = tenures.cells, ", ".join(auxiliaries)
    size, source = cells.counts, cells.source
    active, gone = size[~tenures.event].sum(), size[tenures.event].sum()
    heard = {name: int(size[source == k].sum()) for k, name in enumerate(SOURCES)}
    listed = [Assumption(code="bought_alike", testable="partly")]
    quiet = int(active - size[~tenures.event & (source == SOURCES.index("survey"))].sum())
    values: dict[str, Any] = {"customers": quiet}
    if quiet and heard["follow_up"]:
        listed.append(Assumption(code="band_follow_up", testable="partly", values={"heard": heard["follow_up"], **values}))
    elif quiet and listing:
        listed.append(Assumption(code="band_respondents_alike", testable="no", values={**values, "auxiliaries": listing}))
    elif quiet:
        listed.append(Assumption(code="band_respondents_like_all", testable="no", values=values))
    values = {"customers": int(gone)}
    if gone and heard["exit_interview"]:
        listed.append(Assumption(code="exit_for_churned", testable="partly", values={"heard": heard["exit_interview"], **values}))
        listed.append(Assumption(code="last_word_stands", testable="no"))
    elif gone:
        listed.append(Assumption(code="group_unheard", testable="no", values={"group": "churned", **values}))
    if tenures.entry is None:
        listed.append(Assumption(code="followed_from_purchase", testable="partly"))
    stays = "leaving_explained" if listing else "leaving_at_random"
    listed.append(Assumption(code=stays, testable="no", values={"auxiliaries": listing} if listing else {}))
    return tuple(listed)


def _accounts_for(tenures: Tenures, auxiliaries: tuple[str, ...]) -> tuple[str, ...]:
    cells = tenures.cells
    codes = {"process": True, "retention": True, "rake": bool(auxiliaries), "clustering": cells.cluster is not None}
    return tuple(code for code, holds in codes.items() if holds)

