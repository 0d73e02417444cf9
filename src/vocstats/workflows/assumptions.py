"""Which assumptions a correction rests on, the weightiest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..customer_base import GROUPS, SOURCES, Cells
from ..results import Assumption

if TYPE_CHECKING:
    from .corrected_score import Correction
    from .domains import Domains
    from .question import Question


def assumptions_of(question: Question, domains: Domains, result: Correction) -> tuple[Assumption, ...]:
    """Name every assumption behind the terms of the whole base; texts stand in ``texts/assumption.toml``."""
    cells, pools_churned = domains.cells, question.pools_churned(domains.cells)
    _, silent, not_invited, churned = (int(n) for n in result.part_customers[0])
    listed: list[Assumption] = []

    def add(code: str, testable: str, **values: object) -> None:
        listed.append(Assumption(code=code, testable=testable, values=values))

    def drawn_and_answered(group: str, source: str) -> tuple[int, int]:
        inside = (cells.group == GROUPS.index(group)) & cells.drawn
        answered = inside & (cells.source == SOURCES.index(source))
        return int(cells.counts[inside].sum()), int(cells.counts[answered].sum())

    auxiliaries = ", ".join(question.auxiliaries)
    if silent and question.method == "weighting" and auxiliaries:
        add("silent_like_respondents", "no", customers=silent, auxiliaries=auxiliaries, weighting=question.weighting)
    elif silent and question.method == "weighting":
        add("silent_like_all_respondents", "no", customers=silent)
    listed += [assumption for found in domains.made.identified.values() for assumption in found.assumptions]
    if silent and question.method == "double_sampling":
        drawn, answered = drawn_and_answered("silent", "follow_up")
        add("silent_by_follow_up", "partly", drawn=drawn, answered=answered, customers=silent)
        if answered < drawn:
            add("follow_up_nonresponse", "no", drawn=drawn, answered=answered, auxiliaries=auxiliaries)
        _add_draw(add, cells, "follow_up")
    if not_invited:
        add("not_invited_like_invited", "no", customers=not_invited, auxiliaries=auxiliaries)
    exits = bool((cells.source == SOURCES.index("exit_interview")).any())
    if churned and exits:
        drawn, answered = drawn_and_answered("churned", "exit_interview")
        heard = int(cells.counts[cells.source == SOURCES.index("exit_interview")].sum())
        add("exit_for_churned", "partly", heard=heard, customers=churned)
        if answered < drawn:
            add("exit_nonresponse", "no", drawn=drawn, answered=answered, auxiliaries=auxiliaries)
        _add_draw(add, cells, "exit_interview")
    elif churned and pools_churned:
        add("churned_heard_like_unheard", "no", heard=int(result.part_heard[0, 3]), customers=churned)
    elif churned and int(result.part_heard[0, 3]) < churned:
        add("group_unheard", "no", group="churned", customers=churned)
    answered_before = int(cells.counts[(cells.group == GROUPS.index("churned")) & (cells.source == SOURCES.index("survey"))].sum())
    if answered_before:
        add("churned_survey_self", "partly", count=answered_before)
    skipped = int(cells.counts[(cells.group == GROUPS.index("engaged")) & (cells.source < 0)].sum())
    if skipped:
        add("item_nonresponse", "no", count=skipped)
    if exits or (question.follows and silent):
        add("no_mode_effect", "partly")
    return tuple(listed)


def _add_draw(add: object, cells: Cells, source: str) -> None:
    """Say when the draw of a follow-up or of exit interviews is taken on trust, or only responders are listed."""
    if cells.issued.get(source) == "respondents":
        add("exit_respondents_only" if source == "exit_interview" else "follow_up_respondents_only", "no")  # type: ignore[operator]
    elif not cells.documented.get(source):
        add("undocumented_draw", "no", source=source)  # type: ignore[operator]
