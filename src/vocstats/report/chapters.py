"""The chapters below the first screen, for the dealer council and for statisticians."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from .. import texts
from ..workflows.corrected_score import PARTS, TERMS, Correction
from . import charts
from .disclosure import SHOWN, small_parts, suppressed_terms
from .grid import Column, Grid, figure, grid, plain
from .questions import questions
from .sheets import balance_rows, domain_rows, glossary_rows, step_rows
from .wording import Measure, Words, declared, label

if TYPE_CHECKING:
    from .content import ReportContent

REFERENCES = (
    "Deming, W. E. & Stephan, F. F. (1940). On a least squares adjustment of a sampled frequency table. Ann. Math. Stat. 11, 427–444.",
    "Hansen, M. H. & Hurwitz, W. N. (1946). The problem of non-response in sample surveys. J. Am. Stat. Assoc. 41, 517–529.",
    "Deville, J.-C. & Särndal, C.-E. (1992). Calibration estimators in survey sampling. J. Am. Stat. Assoc. 87, 376–382.",
    "Binder, D. A. (1983). On the variances of asymptotically normal estimators from complex surveys. Int. Stat. Rev. 51, 279–292.",
    "Kish, L. (1965). Survey Sampling. Wiley.",
    "Clopper, C. J. & Pearson, E. S. (1934). The use of confidence or fiducial limits. Biometrika 26, 404–413.",
    "Manski, C. F. (2003). Partial Identification of Probability Distributions. Springer.",
    "Mogstad, M., Romano, J. P., Shaikh, A. M. & Wilhelm, D. (2024). Inference for ranks. Rev. Econ. Stud. 91, 476–518.",
    "Hundepool, A. et al. (2012). Statistical Disclosure Control. Wiley.",
    "AAPOR (2023). Standard Definitions: Final Dispositions of Case Codes and Outcome Rates for Surveys. 10th ed.",
)  # fmt: skip
SHIFT_STEPS = 5
CODES_FOUND = "missing_code"


@dataclass(slots=True)
class Chapter:
    """One chapter: paragraphs, facts, tables, a chart and entries, in the order in which the page sets them."""

    name: str
    title: str
    blocks: list[tuple[str, Any]] = field(default_factory=list)

    def add(self, kind: str, value: Any) -> None:
        """Append a block; an empty one is left out."""
        if value:
            self.blocks.append((kind, value))


def chapters(content: ReportContent, language: str) -> list[Chapter]:
    """All chapters, in order."""
    words = Words(language)
    first = content.first
    made = [_overview(content, words), _data_card(content, first, words), _fieldwork(content, first, words)]
    made += [_domain_chapter(content, words, by, corrections) for by, corrections in content.domains.items()]
    made += [_sensitivity(content, first, words), _weights(content, first, words), _balance(first, words), _methods(content, first, words)]
    return [*made, _questions(content, words), _glossary(words)]


def _overview(content: ReportContent, words: Words) -> Chapter:
    chapter = Chapter("overview", words("chapter_overview"))
    chapter.add("text", words("overview_intro", level=words.percent(content.level)))
    rows = [{"measure": Measure(words, c), "term": term} for c in content.corrections.values() for term in range(3)]
    columns: list[Column] = [
        (words.term("statistic"), False, lambda row: (row["measure"].name, row["measure"].name)),
        (words.term("population"), False, lambda row: (words.term(f"population_{TERMS[row['term']]}"), row["term"])),
        (words.term("estimate"), True, lambda row: (row["measure"].estimate(0, row["term"]), _at(row, "estimate"))),
        (words.term("interval"), True, lambda row: (row["measure"].interval(0, row["term"]), _at(row, "conf_low"))),
        (words.term("range"), True, lambda row: (row["measure"].range(0, row["term"]) if row["term"] else "", _at(row, "range_conf_low"))),
        (words.term("worst_case_bounds"), True, lambda row: (_worst(row), _at(row, "worst_low"))),
        (words.term("n"), True, lambda row: (words.count(_at(row, "n")), _at(row, "n"))),
    ]
    chapter.add("grid", grid("overview", rows, columns))
    chapter.add("note", words("interval_and_range"))
    return chapter


def _at(row: Mapping[str, Any], name: str) -> float:
    return float(getattr(row["measure"].correction, name)[0, row["term"]])


def _worst(row: Mapping[str, Any]) -> str:
    measure: Measure = row["measure"]
    return measure.span(_at(row, "worst_low"), _at(row, "worst_high")) if row["term"] else ""


def _data_card(content: ReportContent, first: Correction, words: Words) -> Chapter:
    chapter = Chapter("data", words("chapter_data"))
    published = first.statistic in content.published
    facts = {
        "card_title": content.text("title", words.language),
        "card_period": content.period,
        "card_producer": content.producer,
        "card_unit": words(f"unit_{content.unit}"),
        "card_window": content.window,
        "card_churn": content.text("churn_definition", words.language) or words("not_stated"),
        "card_outcome": words("card_scale", outcome=first.outcome, low=f"{first.scale[0]:g}", high=f"{first.scale[1]:g}"),
        "card_published": Measure(words, first).value(content.published[first.statistic]) if published else "",
        "card_why": content.why,
        "card_created": content.created,
    }
    chapter.add("facts", [(words(key), text) for key, text in facts.items() if text])
    if content.files:
        rows = [{"role": words.named("source", file.role), "file": file.name, "rows": file.rows, "sha256": file.sha256} for file in content.files]
        columns = [
            plain(words.term("role"), "role"),
            plain(words.term("file"), "file"),
            figure(words.term("rows"), "rows", words.count),
            plain("SHA-256", "sha256"),
        ]
        chapter.add("grid", grid("files", rows, columns, caption=words("files_heading")))
    chapter.add("heading", words("set_aside_heading"))
    if len(content.set_aside):
        chapter.add("grid", _set_aside(content, words))
    else:
        chapter.add("text", words("set_aside_none"))
    if content.findings:
        chapter.add("heading", words("findings_heading"))
        chapter.add("list", [finding.text(words.language) for finding in content.findings])
    return chapter


def _set_aside(content: ReportContent, words: Words) -> Grid:
    """What was set aside; examples only where they are codes and not customers."""

    def reason(row: Mapping[str, Any]) -> tuple[str, str]:
        code = str(row["reason"])
        examples = f" ({row['examples']})" if code == CODES_FOUND else ""
        return texts.render(f"set_aside.{code}", words.language) + examples, code

    columns: list[Column] = [
        (words.term("source"), False, lambda row: (words.named("source", row["source"]), row["source"])),
        (words.term("reason"), False, reason),
        figure(words.term("rows"), "rows", words.count),
    ]
    return grid("set-aside", content.set_aside.to_dict("records"), columns)


def _frame_grid(name: str, frame: Any, words: Words, *, interactive: bool = False) -> Grid:
    """Any small frame as it is: numbers as counts, or as shares where all lie between 0 and 1 and some are no whole number."""
    columns: list[Column] = []
    for column in map(str, frame.columns):
        heading = words.named("", column)
        if frame[column].dtype.kind in "iuf":
            values = frame[column].to_numpy(dtype=np.float64, na_value=np.nan)
            known = values[np.isfinite(values)]
            share = bool(known.size and known.min() >= 0 and known.max() <= 1 and (column == "share" or (known % 1 != 0).any()))
            columns.append(figure(heading, column, words.share if share else words.count))
        else:
            columns.append((heading, False, lambda row, column=column: (_code(row[column], column, words), str(row[column]))))
    return grid(name, frame.to_dict("records"), columns, interactive=interactive)


def _code(value: Any, column: str, words: Words) -> str:
    if isinstance(value, (list, tuple)):
        return words.listed(map(str, value))
    return words.named(column, str(value)) if column in ("group", "source") else str(value)


def _fieldwork(content: ReportContent, first: Correction, words: Words) -> Chapter:
    chapter = Chapter("fieldwork", words("chapter_fieldwork"))
    chapter.add("text", words("fieldwork_intro"))
    chapter.add("heading", words("groups_heading"))
    chapter.add("grid", _frame_grid("groups", content.groups, words))
    rates = {name: value for name, value in content.response_rates.items() if math.isfinite(value)}
    if rates:
        chapter.add("heading", words("rates_heading"))
        chapter.add("facts", [(words.named("", name), words.share(value)) for name, value in rates.items()])
    if "contact_rate" not in rates:
        chapter.add("note", words("fieldwork_no_contact"))
    if content.fieldwork is not None:
        chapter.add("grid", _frame_grid("fieldwork-dealers", content.fieldwork, words, interactive=True))
    return chapter


def _domain_chapter(content: ReportContent, words: Words, by: str, corrections: Mapping[str, Correction]) -> Chapter:
    first = next(iter(corrections.values()))
    chapter = Chapter(f"by-{by}", words("chapter_domains", by=words.inside(words.by(first.by)).lstrip()))
    headline = TERMS.index(content.headline)
    chapter.add("note", words("domains_note", population=words.term(f"population_{content.headline}")))
    for statistic, correction in corrections.items():
        measure = Measure(words, correction)
        status = suppressed_terms(correction, content.minimum_group)[:, headline]
        if (status != SHOWN).any() and correction is first:
            chapter.add("note", words("domains_blank", count=int((status != SHOWN).sum()), total=status.size, minimum=content.minimum_group))
        caption = words("domains_intro", statistic=measure.name, level=words.percent(correction.level))
        rows = list(domain_rows(correction, content, words))
        for domain, row in enumerate(rows):
            row["domain"] = domain
        columns = domain_columns(correction, content, words)
        chapter.add("grid", grid(f"by-{by}-{statistic}", rows, columns, caption=caption, interactive=True))
    return chapter


def domain_columns(correction: Correction, content: ReportContent, words: Words) -> list[Column]:
    """The columns of a table by dealer or model: no interval without the range beside it."""
    measure, headline = Measure(words, correction), TERMS.index(content.headline)
    term = TERMS[headline]

    def said(index: int, text: Any, key: str) -> Any:
        def tell(row: Mapping[str, Any]) -> tuple[str, Any]:
            value = float(row[key])
            return (text(row["domain"], index) if math.isfinite(value) else ""), value

        return tell

    def heard(row: Mapping[str, Any]) -> tuple[str, Any]:
        known = math.isfinite(row["n"])
        return (words.count(row["n"]) if known else words("fewer_than", count=content.minimum_group)), row["n"] if known else 0.0

    def rank(row: Mapping[str, Any]) -> tuple[str, Any]:
        if not math.isfinite(row["rank"]):
            return "", row["rank"]
        open_ranks = words("rank_open", low=words.count(row["rank_low"]), high=words.count(row["rank_high"]))
        return f"{words.count(row['rank'])}  ({open_ranks})", row["rank"]

    borrowed = [figure(words.term("borrowed"), "borrowed", lambda value: words.share(value, 0))] if np.nansum(correction.borrowed[:, headline]) > 0 else []
    reason = [plain(words.term("reason"), "reason")] if _any_blank(correction, content, headline) else []
    return [
        *(plain(words.by([name]), name) for name in correction.by),
        (words.term("heard"), True, heard),
        (words("ladder_naive"), True, said(0, measure.estimate, "naive:estimate")),
        (words.term("interval"), True, said(0, measure.interval, "naive:conf_low")),
        (words(f"ladder_{term}"), True, said(headline, measure.estimate, f"{term}:estimate")),
        (words.term("interval"), True, said(headline, measure.interval, f"{term}:conf_low")),
        (words.term("range"), True, said(headline, measure.range, f"{term}:range_low")),
        *borrowed,
        (words.term("rank"), True, rank),
        *reason,
    ]


def _any_blank(correction: Correction, content: ReportContent, term: int) -> bool:
    return bool((suppressed_terms(correction, content.minimum_group)[:, term] != SHOWN).any() or np.isnan(correction.estimate[:, term]).any())


def _sensitivity(content: ReportContent, first: Correction, words: Words) -> Chapter:
    chapter = Chapter("sensitivity", words("chapter_sensitivity"))
    chapter.add("text", words("sensitivity_intro"))
    if content.why:
        chapter.add("text", words("sensitivity_why", why=content.why))
    chapter.add("chart", charts.sensitivity(first, words))
    chapter.add("note", words("interval_and_range"))
    if first.statistic == "mean" and np.isfinite(first.shift_effect[0, 2, :2]).any():
        chapter.add("heading", words("shifts_heading"))
        chapter.add("text", words("shifts_intro", population=words.term(f"population_{content.headline}")))
        chapter.add("grid", _shift_grid(first, TERMS.index(content.headline), words))
        chapter.add("slider", {"silent": words("try_silent"), "churned": words("try_churned"), "heading": words("try_heading")})
    else:
        chapter.add("note", words("shares_no_shift"))
    chapter.add("heading", words("tipping_heading"))
    chapter.add("list", list(_tipping(first, words)) or [words("tipping_absent")])
    for by, corrections in content.domains.items():
        chapter.add("grid", _neighbours(content, by, next(iter(corrections.values())), words))
    return chapter


def _steps(shift: tuple[float, float], scale: tuple[float, float]) -> list[float]:
    """Shifts of the grid: the declared ones from end to end, or up to an eighth of the scale either way."""
    low, high = shift if shift != (0.0, 0.0) else (-(scale[1] - scale[0]) / 8, (scale[1] - scale[0]) / 8)
    steps = {low + (high - low) * step / (SHIFT_STEPS - 1) for step in range(SHIFT_STEPS)} | {0.0}
    return sorted(round(step, 6) for step in steps)


def _shift_grid(first: Correction, term: int, words: Words) -> Grid:
    measure = Measure(words, first)
    silent, churned = np.nan_to_num(first.shift_effect[0, term, :2])
    base = float(first.estimate[0, term])
    across = _steps(first.churned_shift, first.scale) if churned else [0.0]
    rows = [{"shift": step} for step in _steps(first.silent_shift, first.scale)]

    def column(step: float) -> Column:
        heading = f"{words('shift_churned_label')} {words.number(step, 2, signed=True)}"
        return figure(heading, "shift", lambda shift: measure.value(base + silent * shift + churned * step))

    corner = figure(words("shift_silent_label"), "shift", lambda shift: words.number(shift, 2, signed=True))
    return grid("shifts", rows, [corner, *map(column, across)])


def _tipping(first: Correction, words: Words) -> Iterator[str]:
    if not math.isfinite(first.kpi):
        return
    kpi = Measure(words, first).value(first.kpi)
    for term in (1, 2):
        for index, group in enumerate(("silent", "churned")[:term]):
            shift = float(first.tipping[0, term, index])
            key = "tipping_row" if math.isfinite(shift) else "tipping_none"
            population = words.term(f"population_{TERMS[term]}")
            yield words(key, population=population, group=words.term(f"group_{group}"), shift=words.number(shift, 2, signed=True), kpi=kpi)


def _neighbours(content: ReportContent, by: str, correction: Correction, words: Words) -> Grid | None:
    """Tipping point against the next dealer: the gap to it over the effect of one point of the silent."""
    term = TERMS.index(content.headline)
    shown = suppressed_terms(correction, content.minimum_group)[:, term] == SHOWN
    estimate, slope = np.where(shown, correction.estimate[:, term], np.nan), correction.shift_effect[:, term, 0]
    order = [int(d) for d in np.argsort(-estimate, kind="stable") if np.isfinite(estimate[d]) and np.isfinite(slope[d]) and slope[d] > 0]
    if len(order) < 2:
        return None
    rows = [
        {"pair": words("tipping_pair", higher=label(correction, a), lower=label(correction, b)), "shift": (estimate[b] - estimate[a]) / slope[a]}
        for a, b in zip(order, order[1:], strict=False)
    ]
    shift = figure(words("tipping_heading"), "shift", lambda value: words.number(value, 2, signed=True))
    return grid(f"next-{by}", rows, [plain(words.by(correction.by), "pair"), shift], caption=words("tipping_next", by=words.inside(words.by(correction.by))), interactive=True)


def _weights(content: ReportContent, first: Correction, words: Words) -> Chapter:
    chapter = Chapter("weights", words("chapter_weights"))
    if first.steps:
        chapter.add("text", words("weights_intro"))
        counts = [figure(words.term(key), key, words.count) for key in ("n", "total")]
        decimals = [figure(words.term(key), key, words.number) for key in ("smallest", "largest", "cv", "design_effect")]
        effective = figure(words.term("effective_n"), "effective_n", lambda value: words.number(value, 1))
        chapter.add("grid", grid("weights", step_rows(first, words), [plain(words.term("step"), "step"), *counts, *decimals, effective]))
    else:
        chapter.add("text", words("weights_none"))
    if first.merged:
        chapter.add("heading", words("merged_heading"))
        chapter.add("list", list(first.merged))
    chapter.add("grid", _parts(content, first, words))
    return chapter


def _parts(content: ReportContent, first: Correction, words: Words) -> Grid:
    measure, hidden = Measure(words, first), small_parts(first, content.minimum_group)
    rows = [
        {
            "part": words.term(f"group_{part}"),
            "customers": int(first.part_customers[0, index]),
            "heard": int(first.part_heard[0, index]),
            "mean": math.nan if hidden[index] else float(first.part_mean[0, index]),
            "error": math.nan if hidden[index] else float(first.part_std_error[0, index]),
            "assumed": float(first.part_assumed[0, index]),
        }
        for index, part in enumerate(PARTS)
        if first.part_customers[0, index]
    ]
    error = words.number if measure.is_score else lambda value, _=0: measure.value(value)
    columns = [
        plain(words.term("part"), "part"),
        figure(words.term("customers"), "customers", words.count),
        figure(words.term("heard"), "heard", words.count),
        figure(measure.name, "mean", measure.value),
        figure(words.term("std_error"), "error", lambda value: error(value, 3)),
        figure(words("assumed"), "assumed", lambda value: words.share(value, 0)),
    ]
    return grid("parts", rows, columns, caption=words("parts_heading"))


def _balance(first: Correction, words: Words) -> Chapter:
    chapter = Chapter("balance", words("chapter_balance"))
    if first.balance is None or not len(first.balance.part):
        chapter.add("text", words("balance_none"))
        return chapter
    rows = balance_rows(first, words)
    worst = {when: max(abs(row[f"difference_{when}"]) for row in rows) for when in ("before", "after")}
    chapter.add("text", words("balance_intro"))
    chapter.add("text", words("balance_worst", before=words.number(worst["before"], 2), after=words.number(worst["after"], 2)))
    chapter.add("chart", charts.love(first, words))
    columns = [
        *(plain(words.term(key), key) for key in ("part", "variable", "level")),
        figure(words.term("heard"), "heard", words.count),
        *(figure(words.term(key), key, words.share) for key in ("target", "before", "after")),
        *(figure(words.term(key), key, lambda value: words.number(value, 2, signed=True)) for key in ("difference_before", "difference_after")),
    ]
    chapter.add("grid", grid("balance", rows, columns, interactive=True))
    return chapter


def _methods(content: ReportContent, first: Correction, words: Words) -> Chapter:
    chapter = Chapter("methods", words("chapter_methods"))
    weighting = words.named("weighting", first.weighting)
    chapter.add("entries", list(_formulas(first, weighting, words)))
    chapter.add("heading", words("inference_heading"))
    chapter.add("text", words(f"inference_{first.inference}"))
    if first.variance_accounts_for:
        chapter.add("text", words("variance_accounts_for", sources=words.listed(words.accounted(item) for item in first.variance_accounts_for)))
    chapter.add("list", [words("method_ranks"), words("method_disclosure", minimum=content.minimum_group), words("method_exact")])
    chapter.add("heading", words("citations_heading"))
    chapter.add("list", list(REFERENCES))
    chapter.add("heading", words("versions_heading"))
    chapter.add("facts", [(words("seed"), str(content.seed)), *content.versions.items()])
    if content.study_text:
        chapter.add("heading", words("study_heading"))
        chapter.add("code", content.study_text)
    return chapter


def _formulas(first: Correction, weighting: str, words: Words) -> Iterator[tuple[str, Markup]]:
    def formula(text: str) -> Markup:
        return Markup('<span class="formula">{}</span>').format(text)

    yield words("method_naive"), formula("ȳ = Σ yᵢ / n")
    if first.method == "double_sampling":
        yield words("method_double_sampling_text", weighting=weighting), formula("Ȳₐ = (N₁ ȳ₁ + N₂ ȳ₂) / (N₁ + N₂);   Var = (N₂ / N)² (1 − m / N₂) s₂² / m")
    else:
        yield words("method_weighting_text", weighting=weighting), formula("Ȳₐ = Σ wᵢ yᵢ / Σ wᵢ;   Σ wᵢ xᵢ = Σ xⱼ;   Var = Σ (wᵢ eᵢ)², e = y − x′B")
    yield words("method_survivor"), formula("Ȳ = (Nₐ Ȳₐ + N_c Ȳ_c) / (Nₐ + N_c)")
    yield words("method_contributions"), formula("Ȳ − ȳ = (Ȳₐ − ȳ) + (Ȳ − Ȳₐ)")


def _questions(content: ReportContent, words: Words) -> Chapter:
    chapter = Chapter("questions", words("chapter_questions"))
    chapter.add("entries", questions(content, words))
    return chapter


def _glossary(words: Words) -> Chapter:
    chapter = Chapter("glossary", words("chapter_glossary"))
    columns = [plain(words.term(key), key) for key in ("english", "chinese", "definition")]
    chapter.add("grid", grid("glossary", glossary_rows(words), columns, interactive=True))
    return chapter
