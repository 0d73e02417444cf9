"""The result of `vocstats.correct`: three populations or estimates, their sensitivity and what they rest on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import texts
from ..results import Assumption, Floats, Integers, Labels, Result, register
from .correction_records import Analysis, Balance, WeightingStep

if TYPE_CHECKING:
    import pandas as pd

    from ..customer_base import Cells
    from ..weighting import Weights
    from .question import Question

TERMS = ("naive", "nonresponse_corrected", "survivor_corrected")
PARTS = ("engaged", "silent", "not_invited", "churned")
SHIFTS = ("silent", "churned", "mode")


@register("correction")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Correction(Result):
    """A score as reported, corrected for those who never answered, and for those who left.

    D is the number of domains (1 without `by`); the last axis of length 3 follows `TERMS`: ``naive`` (all survey
    answers), ``nonresponse_corrected`` (everyone active at the reference date), ``survivor_corrected`` (everyone in the
    window). These are three populations or estimates, not three attempts at one number.

    Attributes
    ----------
    outcome, statistic, method, weighting, inference, unit : str
        What was asked for; `method` is the one used for the silent.
    scale : tuple of float
        Lowest and highest possible score.
    top, bottom : tuple of float
        The points counted by box and promoter statistics; empty where not used.
    level : float
        Confidence level of every interval.
    seed : int
        Seed the result was asked with (linearised results do not use it).
    by : tuple of str
        Names of the columns that make the domains; empty for the whole base.
    labels : Labels
        {column: label of each domain}, sorted, original type; empty for the whole base.
    estimate, std_error, conf_low, conf_high, df : Floats (D, 3)
        In the units of the statistic (score points; shares and net promoter shares as fractions). NaN: not estimated.
    n, customers : Integers (D, 3)
        Answers behind the term, and customers (or answers, for naive) it speaks for.
    borrowed : Floats (D, 3)
        Share of the term's customers whose group mean leans on the network's cells (0: none).
    reasons : tuple of tuple of str
        (D, 3) codes of `texts/reason.toml` why a term is missing; "" where it is not.
    contribution : Floats (D, 2)
        What the silent and the churned add: nonresponse_corrected - naive, survivor_corrected - nonresponse_corrected.
    range_low, range_high : Floats (D, 3)
        Estimates at the ends of the declared shifts, without sampling error.
    range_conf_low, range_conf_high : Floats (D, 3)
        The same with sampling error at both ends: the sensitivity range.
    monotone_low, monotone_high, worst_low, worst_high : Floats (D, 3)
        Bounds if those not heard score no higher than look-alikes who were, and if they may score anything on the scale.
    shift_effect : Floats (D, 3, 3)
        Change of each term per point of silent, churned and mode shift (`SHIFTS`); the mean only, NaN otherwise.
    shift_low, shift_high : Floats (D, 3, 3)
        Smallest and largest change of each term over each declared shift by itself.
    mode_share : Floats (D, 3)
        Share of the term's customers for whom answers by telephone speak.
    silent_shift, churned_shift, mode_shift : tuple of float
        The declared shifts, in score points.
    kpi : float
        Score a dealer must reach, in units of the statistic; NaN when not given.
    tipping : Floats (D, 3, 2)
        Silent and churned shift, in score points, at which the term equals `kpi`; NaN where none on the scale does.
    kpi_confidence : Floats (D, 3)
        Confidence, from sampling error only, that the term stands at or above `kpi`.
    part_customers, part_heard : Integers (D, 4)
        Customers and answers by part of the base (`PARTS`).
    part_mean, part_std_error : Floats (D, 4)
        Estimate for each part; NaN where nobody speaks for it.
    part_assumed : Floats (D, 4)
        Share of the part's customers for whom no answer and no random draw speaks, only an assumption.
    method_reason : str
        Code of why ``method="auto"`` chose the method (`texts/reason.toml`); "" where it was given.
    overall : Correction or None
        The same for the whole base; None when this is it.
    analyses : tuple of Analysis
        Other analyses of the same question, once `with_analyses` has made them.
    assumptions : tuple of Assumption
        What the figures rest on, the weightiest first.
    steps : tuple of WeightingStep
        The weight chain.
    balance : Balance or None
        Auxiliaries before and after weighting.
    merged : tuple of str
        One line per merged level: "pool / variable: level -> level".
    variance_accounts_for : tuple of str
        Codes of what the standard errors account for.
    weights : Weights or None
        The weight chain on the cells that speak; not written to JSON.
    cells : Cells or None
        The cells of the base the weights refer to; not written to JSON.
    question : Question or None
        What was asked, so that it can be asked in another way; not written to JSON.
    """

    outcome: str
    statistic: str
    method: str
    weighting: str
    inference: str
    unit: str
    scale: tuple[float, float]
    top: tuple[float, ...]
    bottom: tuple[float, ...]
    level: float
    seed: int
    by: tuple[str, ...]
    labels: Labels
    estimate: Floats
    std_error: Floats
    conf_low: Floats
    conf_high: Floats
    df: Floats
    n: Integers
    customers: Integers
    borrowed: Floats
    reasons: tuple[tuple[str, ...], ...]
    contribution: Floats
    range_low: Floats
    range_high: Floats
    range_conf_low: Floats
    range_conf_high: Floats
    monotone_low: Floats
    monotone_high: Floats
    worst_low: Floats
    worst_high: Floats
    shift_effect: Floats
    shift_low: Floats
    shift_high: Floats
    mode_share: Floats
    silent_shift: tuple[float, float]
    churned_shift: tuple[float, float]
    mode_shift: tuple[float, float]
    kpi: float
    tipping: Floats
    kpi_confidence: Floats
    part_customers: Integers
    part_heard: Integers
    part_mean: Floats
    part_std_error: Floats
    part_assumed: Floats
    method_reason: str = ""
    overall: Correction | None = None
    analyses: tuple[Analysis, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    steps: tuple[WeightingStep, ...] = ()
    balance: Balance | None = None
    merged: tuple[str, ...] = ()
    variance_accounts_for: tuple[str, ...] = ()
    weights: Weights | None = field(default=None, metadata={"memory_only": True})
    cells: Cells | None = field(default=None, metadata={"memory_only": True})
    question: Question | None = field(default=None, repr=False, metadata={"memory_only": True})

    def __repr__(self) -> str:
        return f"<Correction of {self.outcome} ({self.statistic}), {self.estimate.shape[0]} domains>\n{self.summary()}"

    def _long(self, table: Floats | Integers) -> Any:
        """One entry per domain and term, in the order of `tidy`."""
        return np.asarray(table).reshape(-1)

    def _labelled(self, repeat: int) -> dict[str, Any]:
        return {name: np.repeat(column, repeat) for name, column in self.labels.items()}

    def tidy(self) -> pd.DataFrame:
        """One row per domain and term: labels, term, estimate, std_error, conf_low, conf_high, n, borrowed.

        Returns
        -------
        DataFrame
            Sorted by the labels, terms in the order naive, nonresponse_corrected, survivor_corrected.
        """
        import pandas as pd

        domains = self.estimate.shape[0]
        return pd.DataFrame(
            {
                **self._labelled(len(TERMS)),
                "term": np.tile(TERMS, domains),
                **{name: self._long(getattr(self, name)) for name in ("estimate", "std_error", "conf_low", "conf_high", "n", "borrowed")},
            }
        )

    def to_frame(self) -> pd.DataFrame:
        """`tidy` with everything that must stand beside an interval: customers, sensitivity range, degrees of freedom, reason."""
        frame = self.tidy()
        for name in ("customers", "df", "range_low", "range_high", "range_conf_low", "range_conf_high"):
            frame[name] = self._long(getattr(self, name))
        frame["reason"] = [reason for row in self.reasons for reason in row]
        return frame

    @property
    def contributions(self) -> pd.Series | pd.DataFrame:
        """What the silent and the churned add to the naive figure; the two sum to survivor_corrected - naive.

        A Series (``silent``, ``churned``) for the whole base, a DataFrame with the labels for domains.
        """
        import pandas as pd

        if not self.by:
            return pd.Series(self.contribution[0], index=["silent", "churned"], name="contribution")
        return pd.DataFrame({**self.labels, "silent": self.contribution[:, 0], "churned": self.contribution[:, 1]})

    @property
    def sensitivity(self) -> pd.DataFrame:
        """Every analysis of what nobody can test, one row per domain, term and analysis.

        ``declared_shift`` is the range over all declared shifts together, ``silent_shift``, ``churned_shift`` and ``mode_shift``
        (telephone against web) over one alone; ``monotone`` are the bounds if those not heard are no happier than look-alikes who
        were, ``worst_case`` those if they may score anything on the scale. Then come the other analyses the base allows (see
        `Analysis`): other methods; ``proxy_pattern_mixture``, from silence that depends on the auxiliaries' prediction of the score
        to silence that depends on the score; ``exit_tilt``, those who left as a tilt of the active's answers; ``registry_check``,
        the survey answers set right for later churn. ``conf_low`` and ``conf_high`` carry sampling error; bounds need none beyond
        their answers. ``reason`` says why an analysis has no figures.
        """
        import pandas as pd

        analyses = self.with_analyses().analyses
        every = (*self._ranges(), *analyses)
        tables = [
            pd.DataFrame(
                {
                    **self._labelled(len(TERMS)),
                    "term": np.tile(TERMS, self.estimate.shape[0]),
                    "analysis": each.name,
                    **{name: self._long(getattr(each, name)) for name in ("low", "high", "conf_low", "conf_high")},
                    "reason": each.reason,
                }
            )
            for each in every
        ]
        frame = pd.concat(tables, ignore_index=True)
        told = frame["low"].notna() | (frame["reason"] != "") | ~frame["analysis"].isin([a.name for a in analyses])
        return frame[(frame["term"] != "naive") & told].reset_index(drop=True)

    def _ranges(self) -> Iterator[Analysis]:
        """The ranges that need no other analysis."""
        none = np.full(self.estimate.shape, np.nan)

        def told(name: str, low: Floats, high: Floats, conf_low: Floats = none, conf_high: Floats = none) -> Analysis:
            return Analysis(name=name, low=low, high=high, conf_low=conf_low, conf_high=conf_high)

        yield told("declared_shift", self.range_low, self.range_high, self.range_conf_low, self.range_conf_high)
        for k, name in enumerate(SHIFTS):
            if getattr(self, f"{name}_shift") != (0.0, 0.0):
                low, high = self.shift_low[:, :, k], self.shift_high[:, :, k]
                yield told(f"{name}_shift", self.estimate + low, self.estimate + high, self.conf_low + low, self.conf_high + high)
        yield told("monotone", self.monotone_low, self.monotone_high)
        yield told("worst_case", self.worst_low, self.worst_high)

    def with_analyses(self) -> Correction:
        """The same with `analyses`, so that they are written down with it; they are made only on demand, for they take time."""
        from .analyses import analyses_of

        return self if self.analyses or self.question is None else replace(self, analyses=analyses_of(self))

    @property
    def mode_effect(self) -> pd.DataFrame:
        """Telephone against web, one row per domain and term: whom telephone answers speak for, and what `mode_shift` does.

        ``share`` of the term's customers, ``per_point`` the change of the term if the telephone adds one point (means only), ``low``
        and ``high`` the change over the declared range.
        """
        import pandas as pd

        columns = {"share": self.mode_share, "per_point": self.shift_effect[:, :, 2], "low": self.shift_low[:, :, 2]}
        columns["high"] = self.shift_high[:, :, 2]
        table = {**self._labelled(len(TERMS)), "term": np.tile(TERMS, self.estimate.shape[0])}
        return pd.DataFrame({**table, **{name: self._long(column) for name, column in columns.items()}})

    @property
    def voices(self) -> Integers:
        """Cells whose answers speak: the axis of `weights`, as positions among `cells`."""
        from .pools import pools_of

        assert self.cells is not None and self.question is not None
        _, speaks = pools_of(self.cells, follows=self.question.follows, pools_churned=self.question.pools_churned(self.cells))
        return np.flatnonzero(speaks)

    @property
    def tipping_point(self) -> pd.DataFrame:
        """Shift of the silent, or of the churned, in score points, at which each corrected term equals `kpi`.

        NaN where no kpi was given, or no shift on the scale reaches it.
        """
        import pandas as pd

        domains = self.estimate.shape[0]
        return pd.DataFrame(
            {
                **self._labelled(4),
                "term": np.tile(np.repeat(TERMS[1:], 2), domains),
                "shifted": np.tile(["silent", "churned"], 2 * domains),
                "shift": self.tipping[:, 1:, :].reshape(-1),
            }
        )

    def summary(self, language: str = "en") -> str:
        """One screen: the three terms with interval and sensitivity range (whole base), and what they rest on."""
        whole = self if self.overall is None else self.overall
        scale = 1.0 if self.statistic in ("mean", "index") else 100.0
        unit = "" if scale == 1.0 else " %"
        lines = [
            texts.render(
                "term.correction_title",
                language,
                outcome=self.outcome,
                statistic=texts.render(f"term.statistic_{self.statistic}", language),
            )
        ]
        for t, term in enumerate(TERMS):
            name = texts.render(f"term.{term}", language)
            if np.isnan(whole.estimate[0, t]):
                reason = texts.render(f"reason.{whole.reasons[0][t]}", language)
                unsure = np.isnan(whole.range_conf_low[0, t])
                ends = (whole.range_low, whole.range_high) if unsure else (whole.range_conf_low, whole.range_conf_high)
                span = ", ".join(f"{scale * end[0, t]:.2f}" for end in ends) + unit
                key = "summary_missing" if np.isnan(whole.range_low[0, t]) else "summary_range"
                lines.append(texts.render(f"term.{key}", language, name=name, reason=reason, span=span))
                continue
            if np.isnan(whole.conf_low[0, t]):
                estimate = f"{scale * whole.estimate[0, t]:.2f}{unit}"
                span = f"{scale * whole.range_low[0, t]:.2f}, {scale * whole.range_high[0, t]:.2f}{unit}"
                lines.append(texts.render("term.summary_no_interval", language, name=name, estimate=estimate, span=span))
                continue
            interval, span = (
                f"{scale * low[0, t]:.2f}, {scale * high[0, t]:.2f}"
                for low, high in ((whole.conf_low, whole.conf_high), (whole.range_conf_low, whole.range_conf_high))
            )
            lines.append(
                texts.render(
                    "term.summary_line",
                    language,
                    name=name,
                    estimate=f"{scale * whole.estimate[0, t]:.2f}{unit}",
                    level=f"{100 * self.level:g}",
                    interval=interval,
                    span=span,
                    n=whole.n[0, t],
                )
            )
        if self.method_reason:
            lines.append(texts.render(f"reason.{self.method_reason}", language))
        lines += [f"- {assumption.text(language)}" for assumption in whole.assumptions]
        return "\n".join(lines)
