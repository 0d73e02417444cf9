"""Every section and key of the study file, once: its checks, its defaults and its documentation come from this table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from .. import options
from ..texts import LANGUAGES, render

SCHEMA_VERSION = 1
SOURCES = ("survey", "follow_up", "exit_interview")
HEADLINES = ("nonresponse_corrected", "survivor_corrected")
CORRECTION = ("registry", "answers", "outcome", "auxiliaries", "correct", "cohorts", "design", "sensitivity")
"""Sections of the correction: a study with ``[audit]`` or ``[pain_points]`` may have none of them."""
SCORE = ("outcome", "correct", "cohorts", "sensitivity")
"""Those of the score: a study that counts pain points from rows has the others."""
REQUIRED: Any = type("Required", (), {"__repr__": lambda self: "required"})()


@dataclass(frozen=True, slots=True)
class Section:
    """A section of the file; a part in braces stands for any of several names."""

    name: str
    required: bool = False
    standing: bool = False  # its defaults hold even where the section is absent

    def text(self, language: str) -> str:
        """What the section is about, in one line."""
        return render(f"study.[{self.name}]", language)


@dataclass(frozen=True, slots=True)
class Key:
    """A key: `argument` is the Python argument it sets, `default` None where leaving it out means "not used"."""

    section: str
    name: str
    kind: str
    default: Any
    argument: str
    allowed: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """Section and name, with a dot between."""
        return f"{self.section}.{self.name}" if self.section else self.name

    def text(self, language: str) -> str:
        """What the key means, in one line."""
        return render(f"study.{self.path}", language)


SECTIONS = (
    Section("", standing=True),
    Section("study", required=True),
    Section("registry", required=True),
    Section("answers", required=True),
    Section("answers.{source}"),
    Section("answers.{source}.contact"),
    Section("outcome", required=True),
    Section("outcome.index"),
    Section("auxiliaries", standing=True),
    Section("auxiliaries.bands"),
    Section("auxiliaries.bands.{column}"),
    Section("correct", standing=True),
    Section("cohorts"),
    Section("design"),
    Section("sensitivity", standing=True),
    Section("audit"),
    Section("audit.roster"),
    Section("audit.pages"),
    Section("pain_points"),
    Section("pain_points.frame"),
    Section("pain_points.coder_audit"),
    Section("pain_points.drop_off"),
    Section("pain_points.reports"),
    Section("pain_points.reports.{name}"),
    Section("report", standing=True),
)


def _allowed(alias: Any) -> tuple[str, ...]:
    return tuple(get_args(alias))


def _file_options(section: str) -> tuple[Key, Key]:
    """How the file of a section is read."""
    sheet, encoding = (Key(section, name, "text", None, f"tables.read_table({name}=)") for name in ("sheet", "encoding"))
    return sheet, encoding


_FRAMES, _SOURCE, _CORRECT, _TRACK = "CustomerBase.from_frames", "Source", "correct", "track_cohorts"
_AUDIT, _PAGES = "audit_dealers", "report.write_dealer_pages"
_DISCLOSED = ("near_duplicates", "bursts", "threshold_bunching", "quick_forms")  # by default, as in the report
_PAINS, _COUNT, _REPORTS = "estimate_pain_points", "CustomerBase.count_pain_points", "Reports"

KEYS = (
    Key("", "schema_version", "whole", REQUIRED, ""),
    # -- study
    Key("study", "title", "text", REQUIRED, ""),
    Key("study", "title_zh", "text", None, ""),
    Key("study", "producer", "text", None, ""),
    Key("study", "period", "period", None, ""),
    Key("study", "unit", "text", "customer", f"{_FRAMES}(unit=)", ("customer", "visit")),
    Key("study", "language", "text_or_texts", ["en"], "", LANGUAGES),
    Key("study", "output", "text", REQUIRED, ""),
    Key("study", "seed", "whole", 0, f"{_CORRECT}(seed=)"),
    Key("study", "level", "share", 0.95, f"{_CORRECT}(level=)"),
    # -- registry
    Key("registry", "file", "text", REQUIRED, f"{_FRAMES}(registry)"),
    *_file_options("registry"),
    Key("registry", "id", "text", REQUIRED, f"{_FRAMES}(id=)"),
    Key("registry", "dealer", "text", None, f"{_FRAMES}(dealer=)"),
    Key("registry", "where", "conditions", None, f"{_FRAMES}(where=)"),
    Key("registry", "population", "window", None, f"{_FRAMES}(window=)"),
    Key("registry", "churned", "churned", REQUIRED, f"{_FRAMES}(churned=)"),
    Key("registry", "churn_definition", "text", None, ""),
    Key("registry", "churn_definition_zh", "text", None, ""),
    # -- answers
    Key("answers", "precedence", "texts", None, f"{_FRAMES}(precedence=)", SOURCES),
    Key("answers.{source}", "file", "text", REQUIRED, _SOURCE),
    *_file_options("answers.{source}"),
    Key("answers.{source}", "id", "text", None, f"{_SOURCE}(id=)"),
    Key("answers.{source}", "date", "text", None, f"{_SOURCE}(date=)"),
    Key("answers.{source}", "attempt", "text", None, f"{_SOURCE}(attempt=)"),
    Key("answers.{source}", "repeated", "text", "fail", f"{_SOURCE}(repeated=)", _allowed(options.Repeated)),
    Key("answers.{source}", "unmatched", "text", "fail", f"{_SOURCE}(unmatched=)", _allowed(options.Unmatched)),
    Key("answers.{source}", "where", "conditions", None, f"{_SOURCE}(where=)"),
    Key("answers.{source}", "outcome_file", "text", None, f"{_SOURCE}(outcome_frame=)"),
    Key("answers.{source}", "selected", "text", None, f"{_SOURCE}(selected=)"),
    Key("answers.{source}", "issued", "text", "listed", f"{_SOURCE}(issued=)", ("listed", "respondents")),
    Key("answers.{source}", "selection_probability", "text", None, f"{_SOURCE}(selection_probability=)"),
    Key("answers.{source}", "answered", "text", None, f"{_SOURCE}(answered=)"),
    Key("answers.{source}.contact", "file", "text", REQUIRED, f"{_SOURCE}(contact=)"),
    *_file_options("answers.{source}.contact"),
    Key("answers.{source}.contact", "id", "text", None, f"{_SOURCE}(contact=)"),
    Key("answers.{source}.contact", "attempts", "text", None, f"{_SOURCE}(contact=)"),
    Key("answers.{source}.contact", "outcome", "text", REQUIRED, f"{_SOURCE}(contact=)"),
    Key("answers.{source}.contact", "codes", "codes", REQUIRED, f"{_SOURCE}(contact=)"),
    # -- outcome
    Key("outcome", "column", "text", None, f"{_CORRECT}(outcome=)"),
    Key("outcome", "scale", "scale", REQUIRED, f"{_CORRECT}(scale=)"),
    Key("outcome", "missing_codes", "values", [], f"{_FRAMES}(missing_codes=)"),
    Key("outcome", "statistics", "text_or_texts", None, f"{_CORRECT}(statistic=)", _allowed(options.Statistic)),
    Key("outcome", "top", "numbers", None, f"{_CORRECT}(top=)"),
    Key("outcome", "bottom", "numbers", None, f"{_CORRECT}(bottom=)"),
    Key("outcome", "published", "figures", None, ""),
    Key("outcome.index", "points", "positive", 100, f"{_CORRECT}(points=)"),
    Key("outcome.index", "items", "weights", REQUIRED, f"{_CORRECT}(items=)"),
    # -- auxiliaries
    Key("auxiliaries", "columns", "texts", [], f"{_CORRECT}(auxiliaries=)"),
    Key("auxiliaries", "missing", "missing", "fail", f"{_FRAMES}(missing=)"),
    Key("auxiliaries", "minimum_cell", "count", 5, f"{_CORRECT}(minimum_cell=)"),
    Key("auxiliaries.bands.{column}", "from", "text", REQUIRED, f"{_FRAMES}(bands=)"),
    Key("auxiliaries.bands.{column}", "upper", "numbers", REQUIRED, f"{_FRAMES}(bands=)"),
    Key("auxiliaries.bands.{column}", "labels", "texts", REQUIRED, f"{_FRAMES}(bands=)"),
    # -- correct
    Key("correct", "headline", "text", "nonresponse_corrected", "", HEADLINES),
    Key("correct", "method", "text", None, f"{_CORRECT}(method=)", _allowed(options.CorrectionMethod)),
    Key("correct", "shadow", "text", None, f"{_CORRECT}(shadow=)"),
    Key("correct", "weighting", "text", "rake", f"{_CORRECT}(weighting=)", _allowed(options.WeightingMethod)),
    Key("correct", "trim", "multiple", None, f"{_CORRECT}(trim=)"),
    Key("correct", "by", "columns", [], f"{_CORRECT}(by=)"),
    Key("correct", "small_groups", "text", "borrow", f"{_CORRECT}(small_groups=)", _allowed(options.SmallGroups)),
    Key("correct", "inference", "text", "registry", f"{_CORRECT}(inference=)", _allowed(options.Inference)),
    Key("correct", "kpi", "number", None, f"{_CORRECT}(kpi=)"),
    Key("correct", "assume", "text_or_texts", None, f"{_CORRECT}(assume=)", _allowed(options.Assume)),
    # -- cohorts
    Key("cohorts", "tenure", "text", None, f"{_TRACK}(tenure=)"),
    Key("cohorts", "entry", "text", None, f"{_TRACK}(entry=)"),
    Key("cohorts", "grid", "numbers", None, f"{_TRACK}(grid=)"),
    Key("cohorts", "auxiliaries", "texts", None, f"{_TRACK}(auxiliaries=)"),
    Key("cohorts", "by", "columns", [], f"{_TRACK}(by=)"),
    # -- design
    Key("design", "stratum", "text", None, f"{_FRAMES}(stratum=)"),
    Key("design", "cluster", "text_or_texts", None, f"{_FRAMES}(cluster=)"),
    Key("design", "base_weight", "text", None, f"{_FRAMES}(base_weight=)"),
    Key("design", "lonely_psu", "text", "fail", "", ("fail",)),
    # -- sensitivity
    Key("sensitivity", "silent_shift", "pair", [0, 0], f"{_CORRECT}(silent_shift=)"),
    Key("sensitivity", "churned_shift", "pair", [0, 0], f"{_CORRECT}(churned_shift=)"),
    Key("sensitivity", "mode_shift", "pair", [0, 0], f"{_CORRECT}(mode_shift=)"),
    Key("sensitivity", "why", "text", None, ""),
    # -- audit
    Key("audit", "responses", "text", REQUIRED, f"{_AUDIT}(responses)"),
    *_file_options("audit"),
    Key("audit", "dealer", "text", None, f"{_AUDIT}(dealer=)"),
    Key("audit", "score", "text", "score", f"{_AUDIT}(score=)"),
    Key("audit", "response_id", "text", None, f"{_AUDIT}(response_id=)"),
    Key("audit", "visit", "text", None, f"{_AUDIT}(visit=)"),
    Key("audit", "channel", "text", None, f"{_AUDIT}(channel=)"),
    Key("audit", "independent_channel", "value", "manufacturer", f"{_AUDIT}(independent_channel=)"),
    Key("audit", "items", "texts", [], f"{_AUDIT}(items=)"),
    Key("audit", "case_mix", "texts", [], f"{_AUDIT}(case_mix=)"),
    Key("audit", "outcomes", "texts", [], f"{_AUDIT}(outcomes=)"),
    Key("audit", "time", "text", None, f"{_AUDIT}(time=)"),
    Key("audit", "device", "text", None, f"{_AUDIT}(device=)"),
    Key("audit", "address", "text", None, f"{_AUDIT}(address=)"),
    Key("audit", "seconds", "text", None, f"{_AUDIT}(seconds=)"),
    Key("audit", "kiosks", "values", [], f"{_AUDIT}(kiosks=)"),
    Key("audit", "threshold", "threshold", None, f"{_AUDIT}(threshold=)"),
    Key("audit", "top", "number", None, f"{_AUDIT}(top=)"),
    Key("audit", "matters", "positive", 0.5, f"{_AUDIT}(matters=)"),
    Key("audit", "fdr", "share", 0.10, f"{_AUDIT}(fdr=)"),
    Key("audit", "level", "share", 0.90, f"{_AUDIT}(level=)"),
    Key("audit.roster", "file", "text", REQUIRED, f"{_AUDIT}(roster=)"),
    *_file_options("audit.roster"),
    Key("audit.roster", "dealer", "text", None, f"{_AUDIT}(roster=)"),
    Key("audit.roster", "visit", "text", None, f"{_AUDIT}(roster=)"),
    Key("audit.roster", "invited", "text", None, f"{_AUDIT}(invited=)"),
    Key("audit.roster", "drawn", "text", None, f"{_AUDIT}(drawn=)"),
    Key("audit.roster", "reached", "text", None, f"{_AUDIT}(reached=)"),
    Key("audit.pages", "for", "pages", "flagged", f"{_PAGES}(pages=)"),
    Key("audit.pages", "disclose", "texts", list(_DISCLOSED), f"{_PAGES}(disclose=)"),
    Key("audit.pages", "reply_to", "text", None, f"{_PAGES}(reply_to=)"),
    Key("audit.pages", "reply_days", "count", 10, f"{_PAGES}(reply_days=)"),
    Key("audit.pages", "run", "text", None, f"{_PAGES}(run=)"),
    # -- pain points
    Key("pain_points", "observations", "text", None, f"{_PAINS}(observations)"),
    *_file_options("pain_points"),
    Key("pain_points", "pain_point", "text", "pain_point", f"{_PAINS}(pain_point=)"),
    Key("pain_points", "response_group", "text", "response_group", f"{_PAINS}(response_group=)"),
    Key("pain_points", "source", "text", "source", f"{_PAINS}(source=)"),
    Key("pain_points", "positive", "text", "positive", f"{_PAINS}(positive=)"),
    Key("pain_points", "n", "text", "n", f"{_PAINS}(n=)"),
    Key("pain_points", "coders", "texts", [], f"{_PAINS}(coders=)"),
    Key("pain_points", "columns", "pain_columns", None, f"{_COUNT}(columns=)"),
    Key("pain_points", "missing_codes", "values", [], f"{_COUNT}(missing_codes=)"),
    Key("pain_points", "window", "period", None, f"{_COUNT}(window=)"),
    Key("pain_points", "taxonomy", "text", "default", f"{_PAINS}(taxonomy=)"),
    Key("pain_points", "groups", "texts", [], f"{_PAINS}(groups=)"),
    Key("pain_points", "dealer", "text", None, f"{_PAINS}(dealer=)"),
    Key("pain_points", "by", "text_or_texts", None, f"{_PAINS}(by=)"),
    Key("pain_points", "perfect_sources", "texts", [], f"{_PAINS}(perfect_sources=)"),
    Key("pain_points", "mentions", "betas", None, f"{_PAINS}(mentions=)"),
    Key("pain_points", "false_mentions", "betas", None, f"{_PAINS}(false_mentions=)"),
    Key("pain_points", "mode_effects", "figures", None, f"{_PAINS}(mode_effects=)"),
    Key("pain_points", "engine", "text", "approximate", f"{_PAINS}(engine=)", _allowed(options.PainEngine)),
    Key("pain_points", "level", "share", 0.90, f"{_PAINS}(level=)"),
    Key("pain_points.frame", "file", "text", REQUIRED, f"{_PAINS}(frame=)"),
    *_file_options("pain_points.frame"),
    Key("pain_points.frame", "customers", "text", "customers", f"{_PAINS}(frame_count=)"),
    Key("pain_points.coder_audit", "file", "text", REQUIRED, f"{_PAINS}(coder_audit=)"),
    *_file_options("pain_points.coder_audit"),
    Key("pain_points.coder_audit", "drawn_by", "text", None, f"{_PAINS}(audit_drawn_by=)", _allowed(options.AuditDrawnBy)),
    Key("pain_points.drop_off", "file", "text", REQUIRED, f"{_PAINS}(drop_off=)"),
    *_file_options("pain_points.drop_off"),
    Key("pain_points.drop_off", "pains", "lists", REQUIRED, f"{_PAINS}(drop_off_pains=)"),
    Key("pain_points.reports.{name}", "file", "text", REQUIRED, _REPORTS),
    *_file_options("pain_points.reports.{name}"),
    Key("pain_points.reports.{name}", "id", "text", None, f"{_REPORTS}(id=)"),
    Key("pain_points.reports.{name}", "date", "text", REQUIRED, f"{_REPORTS}(date=)"),
    Key("pain_points.reports.{name}", "code", "text", None, f"{_REPORTS}(code=)"),
    Key("pain_points.reports.{name}", "mapping", "mapping", None, f"{_REPORTS}(mapping=)"),
    Key("pain_points.reports.{name}", "columns", "pain_columns", None, f"{_REPORTS}(columns=)"),
    Key("pain_points.reports.{name}", "looked_at", "text", "everyone", f"{_REPORTS}(looked_at=)", ("everyone", "listed")),
    Key("pain_points.reports.{name}", "where", "conditions", None, f"{_REPORTS}(where=)"),
    Key("pain_points.reports.{name}", "unmatched", "text", "fail", f"{_REPORTS}(unmatched=)", _allowed(options.Unmatched)),
    Key("pain_points.reports.{name}", "unmapped", "text", "fail", f"{_REPORTS}(unmapped=)", _allowed(options.Unmatched)),
    # -- report
    Key("report", "minimum_group", "count", 10, ""),
    Key("report", "customer_files", "boolean", False, ""),
    Key("report", "excel", "boolean", True, ""),
)


def keys_of(section: str) -> dict[str, Key]:
    """The keys of one section by name."""
    return {key.name: key for key in KEYS if key.section == section}




def sections_under(section: str) -> dict[str, Section]:
    """The sections directly below one, by the last part of their name; those of the sources under each source's name."""
    found: dict[str, Section] = {}
    for candidate in SECTIONS:
        parent, _, last = candidate.name.rpartition(".")
        if candidate.name and parent == section:
            found.update(dict.fromkeys(SOURCES if last == "{source}" else (last,), candidate))
    return found


def of_any_name(sections: Mapping[str, Section]) -> Section | None:
    """The one of some sections that stands for any name, such as that of a band."""
    return next((section for name, section in sections.items() if name.startswith("{")), None)
