"""Chapters for statisticians: sensitivity, weights, balance, methods."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup

from .. import texts
from ..workflows.corrected_score import PARTS, TERMS, Correction
from . import charts
from .chapter import Chapter
from .disclosure import SHOWN, small_parts, suppressed_terms
from .grid import Column, Grid, figure, grid, plain
from .sheets import balance_rows, other_analyses, step_rows
from .wording import Measure, Words, label

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
    "Robins, J. M., Rotnitzky, A. & Zhao, L. P. (1994). Estimation of regression coefficients when some regressors are not always "
    "observed. J. Am. Stat. Assoc. 89, 846–866.",
    "Alho, J. M. (1990). Adjusting for nonresponse bias using logistic regression. Biometrika 77, 617–624.",
    "Miao, W. & Tchetgen Tchetgen, E. J. (2016). On varieties of doubly robust estimators under missingness not at random with a "
    "shadow variable. Biometrika 103, 475–482.",
    "AAPOR (2023). Standard Definitions: Final Dispositions of Case Codes and Outcome Rates for Surveys. 10th ed.",
)  # fmt: skip
_Y, _YA, _YC = '<i class="bar">Y</i>', '<i class="bar">Y</i><sub>a</sub>', '<i class="bar">Y</i><sub>c</sub>'
_YS = '<i class="bar">Y</i><sub>2</sub>'
_NAIVE = '<i class="bar">y</i>'
_ERROR = "(<i>w<sub>i</sub> e<sub>i</sub></i>)<sup>2</sup>"
FORMULAS = {
    name: Markup(f'<span class="formula">{html}</span>')
    for name, html in {
        "naive": f"{_NAIVE} = Σ <i>y<sub>i</sub></i> / <i>n</i>",
        "weighting": f"{_YA} = Σ <i>w<sub>i</sub> y<sub>i</sub></i> / Σ <i>w<sub>i</sub></i>,"
        " &ensp; Σ <i>w<sub>i</sub> <b>x</b><sub>i</sub></i> = Σ<sub>base</sub> <i><b>x</b><sub>j</sub></i>",
        "double_sampling": f"{_YA} = (<i>N</i><sub>1</sub> {_NAIVE}<sub>1</sub> + <i>N</i><sub>2</sub> {_NAIVE}<sub>2</sub>) / "
        "(<i>N</i><sub>1</sub> + <i>N</i><sub>2</sub>), &ensp; <i>V</i> = (<i>N</i><sub>2</sub> / <i>N</i>)<sup>2</sup> "
        "(1 − <i>m</i> / <i>N</i><sub>2</sub>) <i>s</i><sub>2</sub><sup>2</sup> / <i>m</i>",
        "doubly_robust": f"{_YS} = <i>N</i><sub>2</sub><sup>−1</sup> Σ [<i>m<sub>i</sub></i> + <i>F<sub>i</sub></i> "
        "(<i>y<sub>i</sub></i> − <i>m<sub>i</sub></i>) / (<i>φ p<sub>i</sub></i>)]",
        "callbacks": "logit <i>P</i>(<i>k</i> | <i>y</i>, <b><i>x</i></b>) = <i>α<sub>k</sub></i> + <b><i>x</i></b>′<i>β</i> + "
        f"<i>γ</i>(<i>y</i>), &ensp; {_YA} = Σ <i>y<sub>i</sub></i> / <i>p<sub>i</sub></i> / Σ 1 / <i>p<sub>i</sub></i>",
        "shadow": "Σ [<i>R<sub>i</sub></i> / <i>π</i>(<b><i>x</i></b><sub><i>i</i></sub>, <i>y<sub>i</sub></i>) − 1] "
        f"<i>h</i>(<b><i>x</i></b><sub><i>i</i></sub>, <i>z<sub>i</sub></i>) = 0, &ensp; {_YA} = Σ <i>y<sub>i</sub></i> / "
        "<i>π<sub>i</sub></i> / Σ 1 / <i>π<sub>i</sub></i>",
        "survivor": f"{_Y} = (<i>N</i><sub>a</sub> {_YA} + <i>N</i><sub>c</sub> {_YC}) / (<i>N</i><sub>a</sub> + <i>N</i><sub>c</sub>)",
        "contributions": f"{_Y} − {_NAIVE} = ({_YA} − {_NAIVE}) + ({_Y} − {_YA})",
        "registry": f"<i>V</i> = Σ (1 − <i>p<sub>i</sub></i>) {_ERROR}, &ensp; <i>e</i> = <i>y</i> − <b><i>x</i></b>′<i>B</i>",
        "process": f"<i>V</i> = Σ (1 − <i>p<sub>i</sub></i>) {_ERROR} + <i>s</i><sup>2</sup> / <i>N</i>,"
        " &ensp; <i>e</i> = <i>y</i> − <b><i>x</i></b>′<i>B</i>",
        "r": f"<i>V</i> = <i>n</i> / (<i>n</i> − 1) Σ {_ERROR}, &ensp; <i>e</i> = <i>y</i> − <b><i>x</i></b>′<i>B</i>",
    }.items()
}
SHIFT_STEPS = 5


def sensitivity(content: ReportContent, first: Correction, words: Words) -> Chapter:
    chapter = Chapter("sensitivity", words("chapter_sensitivity"))
    chapter.add("text", words("sensitivity_intro"))
    if content.why:
        chapter.add("text", words("sensitivity_why", why=content.why))
    chapter.add("chart", charts.sensitivity(first, words))
    chapter.add("note", words("interval_and_range"))
    if first.statistic == "mean" and np.isfinite(first.shift_effect[0, 2, :2]).any():
        chapter.add("heading", words("shifts_heading"))
        chapter.add("text", words("shifts_intro"))
        chapter.add("grid", _shift_grid(first, words))
        chapter.add("slider", {"silent": words("try_silent"), "churned": words("try_churned"), "heading": words("try_heading")})
    else:
        chapter.add("note", words("shares_no_shift"))
    others = other_analyses(first, words)
    if others:
        chapter.add("heading", words("analyses_heading"))
        chapter.add("text", words("analyses_intro"))
        columns = [plain(words.term(key), key) for key in ("analysis", "population", "result", "interval", "reason")]
        chapter.add("grid", grid("analyses", others, columns))
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


def _shift_grid(first: Correction, words: Words) -> Grid:
    """Scores by shift: current customers, and everyone at each shift of the churned."""
    measure = Measure(words, first)
    slope = np.nan_to_num(first.shift_effect[0, :, :2])
    estimate = first.estimate[0]
    rows = [{"shift": step} for step in _steps(first.silent_shift, first.scale)]

    def column(term: int, step: float) -> Column:
        churned = f", {words('shift_churned_label')} {words.shift(step)}" if term == 2 else ""
        heading = words(f"ladder_{TERMS[term]}") + churned
        base = float(estimate[term]) + float(slope[term, 1]) * step
        return figure(heading, "shift", lambda shift: measure.value(base + float(slope[term, 0]) * shift))

    across = _steps(first.churned_shift, first.scale) if slope[2, 1] else [0.0]
    columns = [column(1, 0.0), *(column(2, step) for step in across if np.isfinite(estimate[2]))]
    return grid("shifts", rows, [figure(words("shift_silent_label"), "shift", words.shift), *columns])


def _tipping(first: Correction, words: Words) -> Iterator[str]:
    if not math.isfinite(first.kpi):
        return
    kpi = Measure(words, first).value(first.kpi)
    for term in (1, 2):
        for index, group in enumerate(("active", "churned")[:term]):
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
        {
            "pair": words("tipping_pair", higher=label(correction, a), lower=label(correction, b)),
            "shift": (estimate[b] - estimate[a]) / slope[a],
        }
        for a, b in pairwise(order)
    ]
    shift = figure(words("tipping_shift"), "shift", lambda value: words.number(value, 2, signed=True))
    return grid(
        f"next-{by}",
        rows,
        [plain(words.by(correction.by), "pair"), shift],
        caption=words("tipping_next", by=words.inside(words.by(correction.by))),
        interactive=True,
    )


def weights(content: ReportContent, first: Correction, words: Words) -> Chapter:
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
        chapter.add("list", [_merged(line, words) for line in first.merged])
    chapter.add("grid", _parts(content, first, words))
    return chapter


def _merged(line: str, words: Words) -> str:
    """One merged level, "part / variable: level -> level", with the part named."""
    part, slash, rest = line.partition(" / ")
    return f"{words.named('group', part)}{slash}{rest}".replace(" -> ", " → ")


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


def balance(content: ReportContent, first: Correction, words: Words) -> Chapter:
    chapter = Chapter("balance", words("chapter_balance"))
    rows = balance_rows(first, words, content.minimum_group) if first.balance is not None else []
    if not rows:
        chapter.add("text", words("balance_none"))
        return chapter
    few = words("fewer_than", count=content.minimum_group)
    worst = {when: max(abs(row[f"difference_{when}"]) for row in rows) for when in ("before", "after")}
    chapter.add("text", words("balance_intro"))
    chapter.add("text", words("balance_worst", before=words.number(worst["before"], 2), after=words.number(worst["after"], 2)))
    chapter.add("chart", charts.love(first, words))
    columns = [
        *(plain(words.term(key), key) for key in ("part", "variable", "level")),
        figure(words.term("heard"), "heard", lambda value: words.count(value) if math.isfinite(value) else few),
        *(figure(words.term(key), key, words.share) for key in ("target", "before", "after")),
        *(
            figure(words.term(key), key, lambda value: words.number(value, 2, signed=True))
            for key in ("difference_before", "difference_after")
        ),
    ]
    chapter.add("grid", grid("balance", rows, columns, interactive=True))
    return chapter


def methods(content: ReportContent, first: Correction, words: Words) -> Chapter:
    chapter = Chapter("methods", words("chapter_methods"))
    weighting = words.named("weighting", first.weighting)
    if first.method_reason:
        chapter.add("text", texts.render(f"reason.{first.method_reason}", words.language))
    chapter.add("entries", list(_formulas(first, weighting, words)))
    chapter.add("heading", words("inference_heading"))
    chapter.add("text", words(f"inference_{first.inference}"))
    if first.variance_accounts_for:
        chapter.add(
            "text", words("variance_accounts_for", sources=words.listed(words.accounted(item) for item in first.variance_accounts_for))
        )
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
    yield words("method_naive"), FORMULAS["naive"]
    yield words(f"method_{first.method}_text", weighting=weighting), FORMULAS[first.method]
    yield words("method_survivor"), FORMULAS["survivor"]
    yield words("method_contributions"), FORMULAS["contributions"]
    yield words("method_variance"), FORMULAS[first.inference]
