"""The chapters of pain points: every pain, where, what the survey hides, what the figures rest on, and what to do next."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from . import pain_charts
from .audit_wording import chance as small_chance
from .chapter import Chapter
from .council import file_grid
from .grid import Column, figure, grid, plain
from .pain_first_screen import conflicting, heard_grid, pain_screen, warnings
from .pain_rows import (
    conflict_rows,
    definition_rows,
    everybody_rows,
    group_rows,
    information_rows,
    leader_rows,
    offset_rows,
    sensitivity_rows,
)
from .pain_wording import PainWords

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .content import FileRecord
    from .pain_content import PainPointContent, RankedPains
    from .wording import Words

_MOST_ROWS = 600  # of a table on the page; what is longer stands in the files
_CONFLICTS = 12  # pairs of source and pain shown


def pain_chapters(content: PainPointContent, words: Words, *, opening: bool = True) -> list[Chapter]:
    """All chapters, in order; without `opening` where a first screen says it already."""
    say = PainWords(words, content.taxonomy)
    chapters = [overview(content, say)] if opening else []
    chapters.append(every_pain(content, say))
    if content.groups is not None:
        chapters.append(by_group(content, content.groups, say))
    return [
        *chapters, hidden(content, say), origins(content, say), what_if(content, say), next_step(content, say), trust(content, say),
    ]


def overview(content: PainPointContent, words: PainWords) -> Chapter:
    """The first screen as a chapter, where a report is about more than pain points."""
    chapter, screen = Chapter("pains", words("chapter_pains")), pain_screen(content, words)
    chapter.add("list", screen["warnings"])
    chapter.add("text", screen["sentence"])
    chapter.add("note", f"{words('by_number')}{words.words.gap}{content.window}")
    chapter.add("pair", [
        (words("ranked_heading", about=screen["about"]), screen["ranked"], screen["list_note"]),
        (words("hidden_heading"), screen["hidden"], screen["gap_note"]),
    ])
    chapter.add("note", screen["heard"])
    chapter.add("grid", screen["heard_table"])
    chapter.add("list", screen["cautions"])
    return chapter


def every_pain(content: PainPointContent, words: PainWords) -> Chapter:
    """True against apparent share of every pain, as chart and table."""
    chapter = Chapter("pain-list", words("chapter_list"))
    level = words.words.percent(content.result.level)
    chapter.add("text", words("list_text", level=level))
    chapter.add("note", words("window_note", window=content.window) if content.window else "")
    chapter.add("chart", pain_charts.prevalence(content.everybody, 0, words, pain_charts.FULL, name="pain-all"))
    rows = everybody_rows(content, words)
    chapter.add("grid", grid("pain-list", rows, _prevalence_columns(words), caption=words("by_number"), interactive=True))
    defined = definition_rows(content, words)
    if defined:
        chapter.add("heading", words("definitions_heading"))
        columns = [plain(words.words.term(name), name) for name in ("pain_point", "definition")]
        chapter.add("grid", grid("pain-words", defined, columns))
    return chapter


def _prevalence_columns(words: PainWords, *, grouped: str = "") -> list[Column]:
    term = words.words.term
    columns: list[Column] = [
        plain(term("pain_point"), "pain_point"), figure(term("true_share"), "estimate", words.share),
        _span(term("credible_interval"), "conf_low", "conf_high", words.between), figure(term("apparent"), "apparent", words.share),
        figure(words("column_gap_points"), "silent_gap", words.points), _span(words("gap_interval"), "gap_conf_low", "gap_conf_high",
                                                                             words.points_between),
        figure(term("top_three"), "top_three", words.chance), _span(term("rank_interval"), "rank_low", "rank_high", words.ranks),
        figure(term("prior_share"), "prior_share", words.part),
    ]
    return [*([plain(grouped, "pain_group")] if grouped else []), *columns]


def _span(heading: str, low: str, high: str, form: Any) -> Column:
    return heading, True, lambda row: (form(row[low], row[high]), row[low])


def by_group(content: PainPointContent, groups: RankedPains, words: PainWords) -> Chapter:
    """Heat map, the leaders of each group, and all figures where they are not too many."""
    name = words.words.by(groups.shown.by)
    chapter = Chapter("pain-groups", words("chapter_groups", by=words.words.inside(name).rstrip()))
    chapter.add("text", words("groups_text"))
    names, size = content.group_names, len(content.group_names)
    largest = np.sort(np.argsort(-groups.shown.customers, kind="stable")[: pain_charts.MOST_GROUPS]).tolist()
    if np.isfinite(groups.shown.estimate[:, largest]).any():
        chapter.add("chart", pain_charts.heat_map(groups, largest, names, words))
        chapter.add("note", words("heat_note", minimum=content.minimum_group))
    chapter.add("note", words("heat_largest", shown=len(largest), total=size) if size > len(largest) else "")
    chapter.add("heading", words("leaders_heading"))
    chapter.add("note", words("leaders_note", minimum=content.minimum_group))
    chapter.add("grid", grid("pain-leaders", leader_rows(content, groups, words), _leader_columns(words, name), interactive=True))
    every = [row for row in group_rows(content, words) if not math.isnan(row["estimate"])]
    if 0 < len(every) <= _MOST_ROWS:
        figures = grid("pain-by-group", every, _prevalence_columns(words, grouped=name), interactive=True)
        chapter.add("folded", (words("all_figures_heading"), figures))
    elif every:
        chapter.add("note", words("all_figures_in_files", count=words.words.count(len(every))))
    chapter.add("heading", words("heard_heading"))
    chapter.add("grid", heard_grid(content, groups, words))
    return chapter


def _leader_columns(words: PainWords, name: str) -> list[Column]:
    def leader(rank: int) -> Column:
        def told(row: Mapping[str, Any]) -> tuple[str, Any]:
            if rank >= len(row["leaders"]):
                return (words(f"ranked_{row['unranked']}") if row["unranked"] and rank == 0 else ""), None
            label, share = row["leaders"][rank]
            return f"{label} {words.share(share)}", share

        return words(f"rank_{rank + 1}"), False, told

    return [
        plain(name, "group"), figure(words.words.term("customers"), "customers", words.words.count), leader(0),
        figure(words("chance_first"), "first", words.chance), leader(1), leader(2), plain(words("survey_first"), "survey"),
        plain(words("most_hidden"), "hidden"), figure(words("column_gap_points"), "gap", words.points),
    ]


def hidden(content: PainPointContent, words: PainWords) -> Chapter:
    """What the survey hides, of every pain."""
    chapter = Chapter("pain-gap", words("chapter_gap"))
    chapter.add("text", words("gap_text"))
    chart = pain_charts.silent_gap(content.everybody, 0, words, pain_charts.FULL, name="pain-gaps")
    chapter.add("chart", chart)
    chapter.add("note", words("gap_note") if chart else words("gap_none"))
    return chapter


def origins(content: PainPointContent, words: PainWords) -> Chapter:
    """The identification ledger: where what is said comes from, and by how much the unheard differ."""
    chapter = Chapter("pain-ledger", words("chapter_ledger"))
    chapter.add("text", words("ledger_text"))
    if np.isfinite(content.result.estimate).any():
        chapter.add("chart", pain_charts.ledger(content.everybody, words))
    chapter.add("note", words("ledger_note"))
    rows = offset_rows(content, words)
    if rows:
        term, number = words.words.term, words.words.number
        columns = [
            plain(term("pain_point"), "pain_point"), plain(term("response_group"), "response_group"),
            figure(words("offset"), "offset", lambda value: number(value, signed=True)),
            _span(term("credible_interval"), "conf_low", "conf_high", lambda low, high: words.words(
                "to", low=number(low, signed=True), high=number(high, signed=True))),
            figure(words("from_data"), "contraction", lambda value: words.part(max(value, 0.0))),
        ]
        offsets = grid("pain-offsets", rows, columns, caption=words("offsets_note"), interactive=True)
        chapter.add("folded", (words("offsets_heading"), offsets))
    return chapter


def what_if(content: PainPointContent, words: PainWords) -> Chapter:
    """Prevalence were the unheard otherwise, worst-case bounds, and sources that disagree."""
    chapter, term = Chapter("pain-sensitivity", words("chapter_sensitivity")), words.words.term
    chapter.add("text", words("sensitivity_text"))
    columns = [
        plain(term("pain_point"), "pain_point"), figure(words("phi_0"), "phi_0", words.share),
        figure(words("phi_half"), "phi_0.5", words.share), figure(words("phi_1"), "phi_1", words.share),
        _span(term("worst_case_bounds"), "lowest", "highest", words.between),
    ]
    chapter.add("grid", grid("pain-sensitivity", sensitivity_rows(content, words), columns, interactive=True))
    chapter.add("heading", words("conflict_heading"))
    if content.conflict is None:
        chapter.add("text", words("conflict_none"))
        return chapter
    against = words.words.listed(words.words.named("source", name) for name in conflicting(content))
    chapter.add("text", words("conflict_found", sources=against) if against else words("conflict_clear"))
    rows = conflict_rows(content, words)
    chapter.add("note", words("conflict_note", shown=min(len(rows), _CONFLICTS), total=len(rows)))
    columns = [
        plain(term("source"), "source"), plain(term("pain_point"), "pain_point"), figure(words("with_source"), "estimate", words.share),
        figure(words("without_source"), "without", words.share), figure(words("moved"), "difference", words.points),
        figure(term("p_value"), "p_value", lambda value: small_chance(value, words.words)),
    ]
    chapter.add("grid", grid("pain-conflict", rows[:_CONFLICTS], columns))
    return chapter


def next_step(content: PainPointContent, words: PainWords) -> Chapter:
    """What the next follow-ups and the next answers read again would take off the intervals."""
    chapter = Chapter("pain-next", words("chapter_next"))
    rows = information_rows(content, words)
    if not rows:
        chapter.add("text", words("next_none"))
        return chapter
    told = {"follow_ups": content.follow_ups, "audits": content.audits}
    gains = {name: _shorter(rows, f"width_{name}") for name, many in told.items() if many}
    chapter.add("text", words.words.gap.join(
        words(f"next_{name}", count=told[name], shorter=words.part(gain)) for name, gain in gains.items()
    ))
    chapter.add("note", words("next_note"))
    columns = [plain(words.words.term("pain_point"), "pain_point"), figure(words("width_now"), "width", lambda value: _width(value, words))]
    columns += [
        figure(words(f"width_{name}", count=told[name]), f"width_{name}", lambda value: _width(value, words)) for name in gains
    ]
    chapter.add("grid", grid("pain-next", rows, columns, interactive=True))
    return chapter


def _shorter(rows: list[dict[str, Any]], name: str) -> float:
    """By which share intervals become shorter, on average over pains."""
    return float(np.mean([1.0 - row[name] / row["width"] for row in rows if row["width"] > 0]))


def _width(value: float, words: PainWords) -> str:
    return words.words.number(100 * value, 2) if math.isfinite(value) else ""


def trust(content: PainPointContent, words: PainWords) -> Chapter:
    """What the figures rest on, and how the computation went."""
    chapter = Chapter("pain-trust", words("chapter_trust"))
    shown, term = content.result, words.words.term
    chapter.add("heading", words("assumptions_heading"))
    assumed = [{"assumption": words.words.assumption(item), "testable": term(f"testable_{item.testable}")} for item in shown.assumptions]
    chapter.add("grid", grid("pain-assumptions", assumed, [plain(term(name), name) for name in ("assumption", "testable")]))
    chapter.add("heading", words("diagnostics_heading"))
    chapter.add("list", warnings(content, words))
    chapter.add("text", "" if warnings(content, words) else words("diagnostics_clear"))
    chapter.add("facts", _diagnostics(content, words))
    chapter.add("note", words(f"diagnostics_{shown.engine}"))
    return chapter


def _diagnostics(content: PainPointContent, words: PainWords) -> list[tuple[str, str]]:
    shown, number, count = content.result, words.words.number, words.words.count
    forms = {
        "r_hat": lambda value: number(value, 3), "effective_draws": count, "divergences": count, "pareto_k": number, "acceptance": number,
        "steps": count, "effective_points": count,
    }
    facts = [(words("fact_engine"), words(f"engine_{shown.engine}")), (words("fact_model"), words(f"model_{shown.model}"))]
    facts += [(words(f"fact_{name}"), form(shown.diagnostics[name])) for name, form in forms.items() if name in shown.diagnostics]
    if "response_tie_p" in shown.diagnostics:
        p = small_chance(shown.diagnostics["response_tie_p"], words.words)
        facts.append((words("fact_tie"), words("fact_tie_value", p=p) if p else words("fact_tie_unknown")))
    return facts


def pain_data(content: PainPointContent, words: Words, files: tuple[FileRecord, ...]) -> Chapter:
    """Window, sources, rates, seed and files of pain points that are reported alone."""
    say, shown = PainWords(words, content.taxonomy), content.result
    chapter = Chapter("pain-data", say("chapter_data"))
    facts = [
        (say("fact_window"), content.window), (say("fact_customers"), words.count(float(shown.customers.sum()))),
        (say("fact_sources"), heard_sources(content, say)), (say("fact_level"), words.percent(shown.level)),
        (say("fact_audit"), say(f"audit_{shown.audit_drawn_by}") if shown.audit_drawn_by else ""), (words("seed"), str(shown.seed)),
    ]
    chapter.add("facts", [fact for fact in facts if fact[1]])
    chapter.add("text", say("methods_text"))
    chapter.add("note", say("methods_small", minimum=content.minimum_group))
    if files:
        chapter.add("grid", file_grid(files, words))
    return chapter


def heard_sources(content: PainPointContent, words: PainWords) -> str:
    """Every source with the customers it looked at."""
    of = content.everybody.heard.by_source
    return words.words.listed(
        words("heard_source", source=words.words.named("source", name), n=words.words.count(float(n[0]))) for name, n in of.items()
    )
