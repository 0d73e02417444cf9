"""What no single key of ``[pain_points]`` can show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import InputError


def pain_key_problems(settings: Mapping[str, Any]) -> Iterator[InputError]:
    """Where the counts come from, and of what time they are."""
    asked = settings.get("pain_points")
    if asked is None:
        return
    if bool(asked["observations"]) == bool(asked["columns"]):
        yield InputError(
            "[pain_points] needs either observations (a file of counts) or columns (of 1 and 0 in the answers, counted with the registry).",
            code="study_pain_source", argument="pain_points.observations",
        )
    elif asked["observations"]:
        yield from _of_counts(asked)
    else:
        yield from _of_rows(settings, asked)


def _of_counts(asked: Mapping[str, Any]) -> Iterator[InputError]:
    if "frame" not in asked:
        yield InputError(
            "[pain_points] observations need the section [pain_points.frame]: how many customers there are in each group.",
            code="study_pain_frame", argument="pain_points.frame",
        )
    if asked.get("reports"):
        yield InputError(
            "[pain_points.reports] goes with columns, not with observations: counts of reports are rows of that file.",
            code="study_pain_reports", argument="pain_points.reports",
        )


def _of_rows(settings: Mapping[str, Any], asked: Mapping[str, Any]) -> Iterator[InputError]:
    if "frame" in asked:
        yield InputError(
            "[pain_points.frame] goes with observations; with columns the customers are those of [registry]. Delete the section.",
            code="study_pain_frame_twice", argument="pain_points.frame",
        )
    if asked["coders"]:
        yield InputError(
            "[pain_points] coders goes with observations, not with columns: labels of several coders are given as counts of texts.",
            code="study_pain_coders", argument="pain_points.coders",
        )
    if not isinstance(asked["window"], list) and not (settings.get("registry") or {}).get("population"):
        yield InputError(
            '[pain_points] window must be two dates, ["2025-10-01", "2026-09-30"], or [registry] population must have them: all sources '
            "speak of one time.",
            code="study_pain_window", argument="pain_points.window",
        )
    if "survey" not in (settings.get("answers") or {}):
        yield InputError(
            "The section [answers.survey] is missing.", code="study_missing_section", argument="answers.survey", section="answers.survey"
        )
