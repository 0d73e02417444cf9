"""The first screen of pain points: the list and its one sentence, what the survey hides, who was heard, and whether to trust it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ..bayes.sampling import HIGHEST_R_HAT
from ..workflows.pain_drop_off import HIGHEST_DRIFT
from ..workflows.pain_tables import CHURNED, SILENT
from . import pain_charts
from .first_screen import ATTENTION, OK, OPEN, Check
from .grid import Column, Grid, grid, plain

if TYPE_CHECKING:
    from .pain_content import PainPointContent, RankedPains
    from .pain_wording import PainWords

MOST = 8  # pains of either list
MOST_GROUPS = 8  # named on the first screen
HIGHEST_PARETO_K = 0.7
FEWEST_DRAWS = 400.0
SIGNIFICANT = 0.05


def pain_screen(content: PainPointContent, words: PainWords) -> dict[str, Any]:
    """Everything the first screen's template needs."""
    of, place = content.first
    about = words("about_group", group=_group(content, words)) if content.place is not None else words("about_everybody")
    charts = {
        "ranked": pain_charts.prevalence(of, place, words, pain_charts.HALF, name="pain-top", most=MOST),
        "hidden": pain_charts.silent_gap(of, place, words, pain_charts.GAP_HALF, name="pain-hidden", most=MOST),
    }
    level = words.words.percent(of.shown.level)
    return {
        "checks": checks(content, words), "sentence": sentence(content, words), "warnings": warnings(content, words), "about": about,
        "by_number": words("by_number"), "list_note": words("list_note", level=level), "gap_note": words("gap_note"),
        "heard": heard_line(content, words), "heard_table": heard_in_short(content, words), "cautions": _cautions(content, words),
        "words_of_pains": words, **charts,
    }


def sentence(content: PainPointContent, words: PainWords) -> str:
    """The survey's first pain against that of everybody; or why there is no rank."""
    of, place = content.first
    shown = of.shown
    said = "" if content.place is None else words("for_group", group=_group(content, words))
    if of.unranked[place]:
        return said + words(f"unranked_{of.unranked[place]}_sentence", minimum=content.minimum_group)
    leader = int(np.argmax(shown.estimate[:, place]))
    values = {
        "first": words.label(shown.pain_points[leader]), "share": words.share(float(shown.estimate[leader, place])),
        "interval": words.between(float(shown.conf_low[leader, place]), float(shown.conf_high[leader, place])),
        "chance": words.likely(float(of.first[leader, place])),
    }
    apparent = shown.apparent[:, place]
    if np.isnan(apparent).all():
        return said + words("sentence_no_survey", **values)
    survey = int(np.nanargmax(apparent))
    values |= {
        "survey": words.label(shown.pain_points[survey]), "apparent": words.share(float(apparent[survey])), "who": _who(content, words),
    }
    return said + words("sentence_same" if survey == leader else "sentence_other", **values)


def _who(content: PainPointContent, words: PainWords) -> str:
    """Whom the estimate adds to those who answered."""
    others = content.response_groups[1:]
    known = [group for group in (SILENT, CHURNED) if group in others]
    return words("who_" + "_".join(known)) if known and len(known) == len(others) else words("who_others" if others else "who_nobody")


def _group(content: PainPointContent, words: PainWords) -> str:
    shown, place = content.first[0].shown, content.first[1]
    return " · ".join(f"{words.words.by([name])} {labels[place]}" for name, labels in shown.by.items())


def warnings(content: PainPointContent, words: PainWords) -> list[str]:
    """What is wrong with the computation, in plain words; empty where nothing is."""
    of = content.result.diagnostics
    found = []
    if of.get("divergences", 0.0) > 0:
        found.append(words("warn_divergences", count=words.words.count(of["divergences"])))
    if of.get("r_hat", 1.0) > HIGHEST_R_HAT:
        found.append(words("warn_r_hat", value=words.words.number(of["r_hat"], 3), limit=f"{HIGHEST_R_HAT:g}"))
    if of.get("pareto_k", -math.inf) > HIGHEST_PARETO_K:
        found.append(words("warn_pareto_k", value=words.words.number(of["pareto_k"]), limit=f"{HIGHEST_PARETO_K:g}"))
    if of.get("drop_off_drift", 0.0) > HIGHEST_DRIFT:
        found.append(words("warn_drop_off", value=words.words.number(of["drop_off_drift"]), limit=f"{HIGHEST_DRIFT:g}"))
    if of.get("effective_draws", math.inf) < FEWEST_DRAWS:
        found.append(words("warn_effective_draws", count=words.words.count(of["effective_draws"]), least=f"{FEWEST_DRAWS:g}"))
    return found


def checks(content: PainPointContent, words: PainWords) -> list[Check]:
    """The checks line: engine, who was followed up, response and pain, sources among each other."""
    engine = content.result.engine
    found = [Check(ATTENTION, words("check_engine_bad")) if warnings(content, words) else Check(OK, words(f"check_engine_{engine}"))]
    found += _following(content, words)
    if math.isfinite(content.result.diagnostics.get("response_tie_p", math.nan)):
        tied = "pain_response_tied" in {item.code for item in content.result.assumptions}
        found.append(Check(ATTENTION if tied else OK, words("check_tied" if tied else "check_not_tied")))
    if content.conflict is not None:
        against = conflicting(content)
        names = words.words.listed(words.words.named("source", name) for name in against)
        found.append(Check(ATTENTION, words("check_conflict", sources=names)) if against else Check(OK, words("check_no_conflict")))
    return found


def _following(content: PainPointContent, words: PainWords) -> list[Check]:
    """Whether the silent and the churned were heard."""
    codes = {item.code for item in content.result.assumptions}
    unheard = {SILENT: "pain_silent_never_followed", CHURNED: "pain_churned_never_interviewed"}
    found = []
    for group, code in unheard.items():
        if group in content.response_groups:
            heard = code not in codes
            found.append(Check(OK if heard else ATTENTION, words(f"check_{group}_{'heard' if heard else 'unheard'}")))
    if "pain_no_silent" in codes:
        found.append(Check(OPEN, words("check_no_silent")))
    return found


def conflicting(content: PainPointContent) -> list[str]:
    """Sources without which some pain moves by more than less data explain, beyond what so many comparisons show by chance (Bonferroni)."""
    table = content.conflict
    if table is None:
        return []
    return list(dict.fromkeys(table.loc[table["p_value"] < SIGNIFICANT / len(table), "source"].tolist()))


def heard_line(content: PainPointContent, words: PainWords) -> str:
    """Customers of the first screen and how many each source looked at."""
    of, place = content.first
    told = [
        words("heard_source", source=words.words.named("source", name), n=_count(float(n[place]), content.minimum_group, words))
        for name, n in of.heard.by_source.items()
    ]
    return words("heard_line", customers=words.words.count(float(of.shown.customers[place])), sources=words.words.listed(told))


def _count(n: float, minimum: int, words: PainWords) -> str:
    return words.words("fewer_than", count=minimum) if 0 < n < minimum else words.words.count(n)


def _cautions(content: PainPointContent, words: PainWords) -> list[str]:
    """That it is mostly assumed, and which groups have too little data for a rank."""
    of, place = content.first
    found = [words("mostly_assumed")] if of.assumed[place] else []
    if content.groups is None or not any(content.groups.unranked):
        return found
    names = [name for name, why in zip(content.group_names, content.groups.unranked, strict=True) if why]
    more = ["…"] if len(names) > MOST_GROUPS else []
    return [*found, words("unranked_groups", groups=words.words.listed(names[:MOST_GROUPS] + more))]


def heard_in_short(content: PainPointContent, words: PainWords) -> Grid | None:
    """Answers of each source by group, a row for each source; None where the groups are too many to stand beside each other."""
    groups = content.groups
    if groups is None or len(content.group_names) > MOST_GROUPS:
        return None
    rows = [{"source": words.words.named("source", name), "n": n} for name, n in groups.heard.by_source.items()]

    def column(place: int, name: str) -> Column:
        return name, True, lambda row: (_count(float(row["n"][place]), content.minimum_group, words), float(row["n"][place]))

    return grid("pain-screen", rows, [plain(words("heard_by"), "source"), *(column(*each) for each in enumerate(content.group_names))])


def heard_grid(content: PainPointContent, groups: RankedPains, words: PainWords) -> Grid:
    """Answers of each source by group, and whether the group's pains are ranked."""
    names = content.group_names
    rows = [
        {"group": names[g], "customers": float(groups.shown.customers[g]), "ranked": groups.unranked[g]}
        | {source: float(n[g]) for source, n in groups.heard.by_source.items()}
        for g in range(len(names))
    ]

    def column(source: str) -> Column:
        return words.words.named("source", source), True, lambda row: (_count(row[source], content.minimum_group, words), row[source])

    columns: list[Column] = [
        plain(words.words.by(groups.shown.by), "group"),
        (words.words.term("customers"), True, lambda row: (words.words.count(row["customers"]), row["customers"])),
        *(column(source) for source in groups.heard.by_source),
        (words("ranked"), False, lambda row: (words(f"ranked_{row['ranked'] or 'yes'}"), row["ranked"])),
    ]
    return grid("pain-heard", rows, columns, caption=words("heard_caption"), interactive=True)
