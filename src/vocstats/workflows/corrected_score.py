"""The result of `vocstats.correct`: three populations or estimates, their sensitivity and what they rest on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import texts
from ..results import Assumption, Floats, Integers, Labels, Record, Result, register

if TYPE_CHECKING:
    import pandas as pd

    from ..customer_base import Cells
    from ..weighting import Weights
    from .question import Question

TERMS = ("naive", "nonresponse_corrected", "survivor_corrected")
PARTS = ("engaged", "silent", "not_invited", "churned")
SHIFTS = ("silent", "churned", "mode")


@register("weighting_step")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WeightingStep(Record):
    """One line of the weight chain as the report shows it: the weights of those heard after the step.

    Attributes
    ----------
    name : str
        Name of the step ("base", "rake", "trim", ...).
    n : int
        Units heard with a positive weight.
    total : float
        Sum of the weights, in customers.
    smallest, largest, cv : float
        Extremes and coefficient of variation of the weights.
    design_effect, effective_n : float
        Kish's design effect and n divided by it.
    """

    name: str
    n: int
    total: float
    smallest: float
    largest: float
    cv: float
    design_effect: float
    effective_n: float


@register("balance")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Balance(Record):
    """Share of each auxiliary level among those to be represented, and among those heard before and after weighting.

    Attributes
    ----------
    part, variable, level : tuple of str
        Part of the base ("active" or "churned" or a member of `PARTS`), auxiliary and level; one entry a row.
    target, before, after : Floats (rows,)
        Shares between 0 and 1.
    heard : Integers (rows,)
        Answers in the level.
    """

    part: tuple[str, ...]
    variable: tuple[str, ...]
    level: tuple[str, ...]
    target: Floats
    before: Floats
    after: Floats
    heard: Integers


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
        What was asked for; `method` is the one used for the silent: "double_sampling" or "weighting".
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
    overall : Correction or None
        The same for the whole base; None when this is it.
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
    overall: Correction | None = None
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

        ``declared_shift`` is the range over the declared shifts, ``monotone`` the bounds if those not heard are no happier than
        look-alikes who were, ``worst_case`` the bounds if they may score anything on the scale. ``conf_low`` and
        ``conf_high`` carry sampling error at both ends (declared shifts only; the bounds need none beyond their answers).
        """
        import pandas as pd

        rows = []
        for analysis, low, high, conf_low, conf_high in (
            ("declared_shift", self.range_low, self.range_high, self.range_conf_low, self.range_conf_high),
            ("monotone", self.monotone_low, self.monotone_high, None, None),
            ("worst_case", self.worst_low, self.worst_high, None, None),
        ):
            missing = np.full(low.shape, np.nan)
            rows.append(
                pd.DataFrame(
                    {
                        **self._labelled(len(TERMS)),
                        "term": np.tile(TERMS, low.shape[0]),
                        "analysis": analysis,
                        "low": self._long(low),
                        "high": self._long(high),
                        "conf_low": self._long(missing if conf_low is None else conf_low),
                        "conf_high": self._long(missing if conf_high is None else conf_high),
                    }
                )
            )
        frame = pd.concat(rows, ignore_index=True)
        return frame[frame["term"] != "naive"].reset_index(drop=True)

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
        lines += [f"- {assumption.text(language)}" for assumption in whole.assumptions]
        return "\n".join(lines)
