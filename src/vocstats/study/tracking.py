"""Satisfaction by tenure as a study asks for it: ``[cohorts]`` as the arguments of `vocstats.track_cohorts`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..customer_base import CustomerBase
    from ..workflows.cohort_track import CohortTrack
    from .study_file import Study

_SHARED = (
    "outcome", "items", "points", "scale", "statistic", "top", "bottom", "minimum_cell", "silent_shift", "churned_shift", "level",
    "seed",
)


def tracks_of(study: Study) -> list[tuple[str, dict[str, Any]]]:
    """The arguments of `track_cohorts` for each statistic, without `by`; none where the study has no ``[cohorts]``."""
    asked = study["cohorts"]
    if not asked:
        return []
    own = {"tenure": asked["tenure"], "entry": asked["entry"], "grid": asked["grid"], "auxiliaries": cohort_auxiliaries(study)}
    calls = study.corrections()
    return [(statistic, {**{name: call[name] for name in _SHARED if name in call}, **own}) for statistic, call in calls]


def cohort_auxiliaries(study: Study) -> tuple[str, ...]:
    """Those of ``[cohorts]``, else those of ``[auxiliaries]`` that are no bands of a number: a band may be made of the tenure."""
    asked, bands = study["cohorts"]["auxiliaries"], study["auxiliaries"].get("bands") or {}
    return tuple(asked if asked is not None else (name for name in study["auxiliaries"]["columns"] if name not in bands))


def cohort_columns(study: Study) -> list[str | None]:
    """Columns of the registry that ``[cohorts]`` names."""
    asked = study["cohorts"]
    return [asked["tenure"], asked["entry"], *cohort_labels(study)] if asked else []


def cohort_labels(study: Study) -> list[str]:
    """Those of them that hold labels: auxiliaries and groups."""
    return [*cohort_auxiliaries(study), *(name for entry in _entries(study) for name in entry)] if study["cohorts"] else []


def read_tenures(study: Study, base: CustomerBase) -> None:
    """Raise where the base's tenures are not usable."""
    from ..workflows.cohort_tenures import Clock

    asked = study["cohorts"]
    if asked:
        clock = Clock(base=base, tenure=asked["tenure"], entry=asked["entry"])
        clock.read(base.cells(clock.columns))


def _entries(study: Study) -> list[tuple[str, ...]]:
    return [tuple(entry) if isinstance(entry, list) else (entry,) for entry in study["cohorts"]["by"]]


def track_study(
    study: Study, base: CustomerBase, progress: Callable[[str, int, int], None]
) -> dict[str, dict[str, CohortTrack]]:
    """The tracks of the whole base by statistic, under "", and those by each entry of ``[cohorts] by``."""
    from ..workflows.cohort_tracking import track_cohorts

    calls = tracks_of(study)
    if not calls:
        return {}
    entries = [(), *_entries(study)]
    parts = len(calls) * len(entries)
    found: dict[str, dict[str, CohortTrack]] = {}
    for k, columns in enumerate(entries):
        table = found.setdefault(" × ".join(columns), {})
        for j, (statistic, arguments) in enumerate(calls):
            progress("track", k * len(calls) + j, parts)
            table[statistic] = track_cohorts(base, **arguments, by=columns or None)
    progress("track", parts, parts)
    return found
