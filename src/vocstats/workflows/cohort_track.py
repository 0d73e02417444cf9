"""The result of `vocstats.track_cohorts`: satisfaction by tenure, three ways."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import texts
from ..results import Assumption, Floats, Labels, Result, register
from .cohort_estimates import TERMS

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["TERMS", "CohortTrack", "band_names"]


def band_names(after: Floats, to: Floats, *, whole: bool) -> tuple[str, ...]:
    """Bands of whole tenures as 13–24, of months between days as 12–24."""
    starts = after + 1 if whole else np.maximum(after, 0)
    return tuple(f"{a:g}–{b:g}" if a < b else f"{b:g}" for a, b in zip(starts, to, strict=True))


@register("cohort_track")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CohortTrack(Result):
    """Satisfaction by tenure as reported, of everybody who bought, and had nobody left.

    G is the number of groups (1 without `by`), K that of tenure bands; the last axis of length 3 follows `TERMS`: ``naive``
    (survey answers given at that tenure), ``survivor_corrected`` (everybody who bought, those who left by what they said then),
    ``had_nobody_left`` (everybody who bought, had they all stayed).

    Attributes
    ----------
    outcome, statistic : str
        What was asked for.
    scale : tuple of float
        Lowest and highest possible score.
    top, bottom : tuple of float
        The points counted by box and promoter statistics; empty where not used.
    level : float
        Confidence level of every interval.
    seed : int
        Seed the result was asked with (linearised results do not use it).
    tenure, entry : str
        Columns of tenure and of late entry; "" where the dates of the window decide (then tenure is in months).
    auxiliaries, by : tuple of str
        What those heard were weighted on, and what makes the groups.
    labels : Labels
        {column: label of each group}, sorted, original type; empty for the whole base.
    tenure_after, tenure_to : Floats (K,)
        Bands: above the first, up to the second.
    estimate, std_error, conf_low, conf_high, df : Floats (G, K, 3)
        In the units of the statistic. NaN: not estimated.
    n : Floats (G, K, 3)
        Answers behind the term.
    reasons : tuple of tuple of tuple of str
        (G, K, 3) codes of `texts/reason.toml` why a term is missing; "" where it is not.
    shift_effect : Floats (G, K, 3, 2)
        Change of each term per point by which those never heard, active and churned, differ from those who speak for them; NaN for
        statistics other than mean and index.
    silent_shift, churned_shift : tuple of float
        The declared shifts, in score points.
    range_low, range_high, range_conf_low, range_conf_high : Floats (G, K, 3)
        Estimates at the ends of the declared shifts, without and with sampling error; NaN where there is no effect to tell.
    retention : Floats (G, K)
        Share of everybody who bought who is still a customer, averaged over the band; NaN where no customer has this tenure.
    active, churned : Floats (G, K)
        Mean of the current customers of the band, and of those who left by then.
    n_churned : Floats (G, K)
        Answers of those who left.
    customers, left : Floats (G, K)
        Current customers whose tenure lies in the band; those who left by its end.
    probability : Floats (G, K)
        Smallest estimated probability of still being a customer among those heard of the band.
    observed_from : Floats (G,)
        Tenure at which somebody first came under observation: the figures speak for those who reached it.
    beyond : float
        Survey answers given at longer tenures than the last band.
    overall : CohortTrack or None
        The same for the whole base; None when this is it.
    assumptions : tuple of Assumption
        What the figures rest on.
    merged : tuple of str
        One line per merged level of an auxiliary.
    variance_accounts_for : tuple of str
        Codes of what the standard errors account for.
    """

    outcome: str
    statistic: str
    scale: tuple[float, float]
    top: tuple[float, ...]
    bottom: tuple[float, ...]
    level: float
    seed: int
    tenure: str
    entry: str
    auxiliaries: tuple[str, ...]
    by: tuple[str, ...]
    labels: Labels
    tenure_after: Floats
    tenure_to: Floats
    estimate: Floats
    std_error: Floats
    conf_low: Floats
    conf_high: Floats
    df: Floats
    n: Floats
    reasons: tuple[tuple[tuple[str, ...], ...], ...]
    shift_effect: Floats
    silent_shift: tuple[float, float]
    churned_shift: tuple[float, float]
    range_low: Floats
    range_high: Floats
    range_conf_low: Floats
    range_conf_high: Floats
    retention: Floats
    active: Floats
    churned: Floats
    n_churned: Floats
    customers: Floats
    left: Floats
    probability: Floats
    observed_from: Floats
    beyond: float
    overall: CohortTrack | None = None
    assumptions: tuple[Assumption, ...] = ()
    merged: tuple[str, ...] = ()
    variance_accounts_for: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<CohortTrack of {self.outcome} ({self.statistic}), {len(self.estimate)} groups>\n{self.summary()}"

    def band_names(self) -> tuple[str, ...]:
        """The bands as they are read out: 13–24."""
        return band_names(self.tenure_after, self.tenure_to, whole=bool(self.tenure))

    def tidy(self) -> pd.DataFrame:
        """One row per group, band and term: labels, tenure_after, tenure_to, term, estimate, std_error, conf_low, conf_high, n.

        Returns
        -------
        DataFrame
            Sorted by labels and tenure, terms in the order naive, survivor_corrected, had_nobody_left.
        """
        import pandas as pd

        groups, bands, _ = self.estimate.shape
        return pd.DataFrame(
            {
                **{name: np.repeat(column, bands * 3) for name, column in self.labels.items()},
                "tenure_after": np.tile(np.repeat(self.tenure_after, 3), groups),
                "tenure_to": np.tile(np.repeat(self.tenure_to, 3), groups),
                "term": np.tile(TERMS, groups * bands),
                **{name: getattr(self, name).reshape(-1) for name in ("estimate", "std_error", "conf_low", "conf_high", "n")},
            }
        )

    def to_frame(self) -> pd.DataFrame:
        """`tidy` with sensitivity range, degrees of freedom, retention, counts, where observation begins, and why a figure is missing."""
        frame = self.tidy()
        for name in ("range_low", "range_high", "range_conf_low", "range_conf_high", "df"):
            frame[name] = getattr(self, name).reshape(-1)
        for name in ("retention", "customers", "left", "n_churned", "probability"):
            frame[name] = np.repeat(getattr(self, name).reshape(-1), 3)
        frame["observed_from"] = np.repeat(self.observed_from, 3 * self.tenure_to.size)
        frame["reason"] = [reason for group in self.reasons for band in group for reason in band]
        return frame

    def summary(self, language: str = "en") -> str:
        """One screen: the three figures of each band of the whole base, and what they rest on."""
        whole = self if self.overall is None else self.overall
        shares = self.statistic not in ("mean", "index")
        lines = [
            texts.render(
                "term.cohort_title", language, outcome=self.outcome, statistic=texts.render(f"term.statistic_{self.statistic}", language),
                tenure=self.tenure or texts.render("term.months_since_purchase", language),
            )
        ]
        names = [texts.render(f"term.cohort_{term}", language) for term in TERMS]
        for k, band in enumerate(whole.band_names()):
            figures = [f"{name} {whole._figure(k, t, shares, language)}" for t, name in enumerate(names)]
            lines.append(f"{band}: " + ("; " if language == "en" else ";").join(figures))
        return "\n".join([*lines, *(f"- {assumption.text(language)}" for assumption in whole.assumptions)])

    def _figure(self, k: int, t: int, shares: bool, language: str) -> str:
        """One figure of the whole base with its interval, or why there is none."""
        factor, unit = (100.0, " %") if shares else (1.0, "")
        value, low, high = (factor * float(column[0, k, t]) for column in (self.estimate, self.conf_low, self.conf_high))
        if np.isnan(value):
            return f"({texts.render(f'reason.{self.reasons[0][k][t]}', language)})"
        return f"{value:.2f}{unit} ({low:.2f}, {high:.2f})"

    def gap(self) -> Any:
        """By how much the reported figure stands above that of everybody who bought, (G, K)."""
        return self.estimate[:, :, 0] - self.estimate[:, :, 1]
