"""The tables of pain points as rows: figures as numbers, NaN where they stay blank."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from ..workflows.pain_sensitivity import PHI

if TYPE_CHECKING:
    from .pain_content import PainPointContent, RankedPains
    from .pain_wording import PainWords

_PARTS = ("from_selection", "from_coder", "from_sampling", "prior_share")


def prevalence_rows(content: PainPointContent, words: PainWords) -> list[dict[str, Any]]:
    """One row per group and pain: everybody first."""
    return everybody_rows(content, words) + group_rows(content, words)


def everybody_rows(content: PainPointContent, words: PainWords) -> list[dict[str, Any]]:
    """One row per pain, of all customers, the most frequent first."""
    return list(_of(content.everybody, words, words("everybody"), 0))


def group_rows(content: PainPointContent, words: PainWords) -> list[dict[str, Any]]:
    """One row per group and pain."""
    groups = content.groups
    return [] if groups is None else [row for g, name in enumerate(content.group_names) for row in _of(groups, words, name, g)]


def _of(of: RankedPains, words: PainWords, group: str, place: int) -> Iterator[dict[str, Any]]:
    shown = of.shown
    for k in np.argsort(-np.nan_to_num(shown.estimate[:, place], nan=-1.0), kind="stable").tolist():
        apparent = float(shown.apparent[k, place])
        figures = {name: float(getattr(shown, name)[k, place]) for name in ("estimate", "std_error", "conf_low", "conf_high")}
        gap = {f"gap_{name}": figures[name] - apparent for name in ("conf_low", "conf_high")}
        ranks = {name: float(getattr(of, name)[k, place]) for name in ("top_three", "rank_low", "rank_high")}
        blank = math.isnan(figures["estimate"])
        yield {
            "pain_group": group, "pain_key": str(shown.pain_points[k]), "pain_point": words.label(shown.pain_points[k]),
            "customers": float(shown.customers[place]), "answers": math.nan if blank else float(of.heard.everybody[k, place]), **figures,
            "apparent": apparent, "silent_gap": figures["estimate"] - apparent, **gap, **ranks,
            **{name: float(getattr(shown, name)[k, place]) for name in _PARTS},
        }


def leader_rows(content: PainPointContent, groups: RankedPains, words: PainWords) -> list[dict[str, Any]]:
    """One row per group: its three most frequent pains, the survey's first, the most hidden; or why it has no ranks."""
    shown, rows = groups.shown, []
    for place, name in enumerate(content.group_names):
        row: dict[str, Any] = {"group": name, "customers": float(shown.customers[place]), "unranked": groups.unranked[place]}
        leaders = [] if row["unranked"] else np.argsort(-shown.estimate[:, place], kind="stable")[:3].tolist()
        row["leaders"] = [(words.label(shown.pain_points[k]), float(shown.estimate[k, place])) for k in leaders]
        row["first"] = float(groups.first[leaders[0], place]) if leaders else math.nan
        asked = np.flatnonzero(np.isfinite(shown.apparent[:, place])) if leaders else np.zeros(0, np.intp)
        gap = shown.estimate[asked, place] - shown.apparent[asked, place]
        row["survey"] = words.label(shown.pain_points[asked[shown.apparent[asked, place].argmax()]]) if asked.size else ""
        row["hidden"] = words.label(shown.pain_points[asked[gap.argmax()]]) if asked.size else ""
        row["gap"] = float(gap.max()) if asked.size else math.nan
        rows.append(row)
    return rows


def sensitivity_rows(content: PainPointContent, words: PainWords) -> list[dict[str, Any]]:
    """One row per pain: its share were the unheard like the engaged, half as different, as estimated; and its bounds."""
    table = content.sensitivity
    rows = []
    for pain in _by_share(content):
        of = table[table["pain_point"] == pain].set_index("phi")
        row: dict[str, Any] = {"pain_key": str(pain), "pain_point": words.label(pain)}
        row |= {f"phi_{phi:g}": float(of.loc[phi, "estimate"]) for phi in PHI}
        row |= {f"{name}_0": float(of.loc[0.0, name]) for name in ("conf_low", "conf_high")}
        rows.append(row | {name: float(of.loc[1.0, name]) for name in ("lowest", "highest")})
    return rows


def offset_rows(content: PainPointContent, words: PainWords) -> list[dict[str, Any]]:
    """One row per pain and response group: by how much they differ, in logits, the largest difference first."""
    columns = ("offset", "std_error", "conf_low", "conf_high", "contraction")
    return [
        {"pain_key": str(row["pain_point"]), "pain_point": words.label(row["pain_point"]),
         "response_group": words.words.named("group", str(row["response_group"])), **{name: float(row[name]) for name in columns}}
        for row in content.offsets.sort_values("offset", ascending=False, kind="stable").to_dict("records")
    ]


def conflict_rows(content: PainPointContent, words: PainWords) -> list[dict[str, Any]]:
    """One row per source and pain, the strongest conflict first."""
    if content.conflict is None:
        return []
    columns = ("estimate", "without", "difference", "std_error_without", "z", "p_value")
    return [
        {"source": words.words.named("source", str(row["source"])), "pain_key": str(row["pain_point"]),
         "pain_point": words.label(row["pain_point"]), **{name: float(row[name]) for name in columns}}
        for row in content.conflict.sort_values("p_value", kind="stable").to_dict("records")
    ]


def information_rows(content: PainPointContent, words: PainWords) -> list[dict[str, Any]]:
    """One row per pain: how wide its interval is, and would be after more data."""
    if content.information is None:
        return []
    table = content.information.set_index("pain_point")
    asked = {"width": True, "width_follow_ups": content.follow_ups > 0, "width_audits": content.audits > 0}
    return [
        {"pain_key": str(pain), "pain_point": words.label(pain)}
        | {name: float(table.loc[pain, name]) if told else math.nan for name, told in asked.items()}
        for pain in _by_share(content)
    ]


def definition_rows(content: PainPointContent, words: PainWords) -> list[dict[str, Any]]:
    """One row per pain the taxonomy defines."""
    rows = [{"pain_point": words.label(pain), "definition": words.definition(pain), "pain_key": str(pain)} for pain in _by_share(content)]
    return [row for row in rows if row["definition"]]


def _by_share(content: PainPointContent) -> list[Any]:
    """Pains by how many customers have them."""
    shown = content.result
    return [shown.pain_points[k] for k in np.argsort(-np.nan_to_num(shown.estimate[:, 0], nan=-1.0), kind="stable").tolist()]
