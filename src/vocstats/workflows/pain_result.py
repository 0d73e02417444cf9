"""The result of `vocstats.estimate_pain_points`: how many customers have which pain, how sure that is, and what it rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .. import _checks, texts
from ..errors import InputError
from ..prevalence.response_ties import response_tie
from ..results import Assumption, Floats, Labels, Result, frame, register
from .pain_fit import PainPointFit, estimates
from .pain_planning import value_of_information
from .pain_ranking import contrast, long_columns, ranking, silent_gap
from .pain_sensitivity import compare_engines, offsets, sensitivity, source_conflict
from .pain_tables import FIGURES
from .question import names

if TYPE_CHECKING:
    import pandas as pd

By = str | Sequence[str] | None


@register("pain_point_prevalence")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PainPointPrevalence(Result):
    """Share of all customers who have each pain point; K pains, G groups.

    Attributes
    ----------
    labels : {"pain_point": array (K,)}
    by : {column: array (G,)}
        Groups; empty for the whole frame (G = 1).
    customers : Floats (G,)
        In the frame.
    estimate, std_error : Floats (K, G)
        Posterior mean and standard deviation of the share; they account for sampling, the coder's errors, and what is not known of those
        nobody heard, given the model and its priors.
    conf_low, conf_high : Floats (K, G)
        Central interval: with probability `level`, given the model and the priors, the share lies there.
    apparent : Floats (K, G)
        Share found among the engaged who were asked, as it was counted (of texts that several coders read, by at least half of them); NaN
        where nobody was asked.
    prior_share : Floats (K, G)
        Part of the variance that comes from the priors.
    from_selection, from_coder, from_sampling : Floats (K, G)
        Parts that come from not knowing by how much the unheard differ, how sources see, and the rest; they add up to 1.
    engine, model : str
        ``"approximate"`` or ``"nuts"``; ``"collapsed"`` (dealers through design effects) or ``"full"``.
    level : float
    seed : int
    audit_drawn_by : str
        How the coder audit was read; "" without one.
    assumptions : tuple of Assumption
    diagnostics : {name: float}
        Of the engine; ``response_tie_p``: p-value of the test that the dealers who answer least have no more pains.
    fit : PainPointFit
        Counts and draws, for further questions; not kept in JSON.
    """

    labels: Labels = field(repr=False)
    by: Labels = field(repr=False)
    customers: Floats = field(repr=False)
    estimate: Floats = field(repr=False)
    std_error: Floats = field(repr=False)
    conf_low: Floats = field(repr=False)
    conf_high: Floats = field(repr=False)
    apparent: Floats = field(repr=False)
    prior_share: Floats = field(repr=False)
    from_selection: Floats = field(repr=False)
    from_coder: Floats = field(repr=False)
    from_sampling: Floats = field(repr=False)
    engine: str
    model: str
    level: float
    seed: int
    audit_drawn_by: str
    assumptions: tuple[Assumption, ...] = field(repr=False)
    diagnostics: Mapping[str, float] = field(repr=False)
    fit: PainPointFit | None = field(default=None, repr=False, metadata={"memory_only": True})

    @property
    def pain_points(self) -> Any:
        """Labels of the pains, (K,)."""
        return self.labels["pain_point"]

    def to_frame(self) -> pd.DataFrame:
        """One row per pain point and group.

        pain_point, the columns of `by`, estimate, std_error, conf_low, conf_high, apparent, silent_gap (estimate less apparent),
        prior_share, from_selection, from_coder, from_sampling.
        """
        values = {name: self.estimate - self.apparent if name == "silent_gap" else getattr(self, name) for name in FIGURES}
        return frame(long_columns(self.pain_points, self.by, values))

    def tidy(self) -> pd.DataFrame:
        """One row per term ("prevalence", "silent_gap"), pain point and group: term, estimate, std_error, conf_low, conf_high."""
        import pandas as pd

        table = self.to_frame()
        keys = ["pain_point", *self.by]
        figures = ["estimate", "std_error", "conf_low", "conf_high"]
        gap = table[keys].assign(
            estimate=table["silent_gap"], std_error=table["std_error"], conf_low=table["conf_low"] - table["apparent"],
            conf_high=table["conf_high"] - table["apparent"],
        )
        both = pd.concat({"prevalence": table[keys + figures], "silent_gap": gap}, names=["term"]).reset_index(level="term")
        return both.sort_values(["term", *keys], kind="stable").reset_index(drop=True)

    def draws(self, by: By = None) -> Floats:
        """Draws from the posterior of the shares, (B, K, G), pains and groups as in `to_frame`.

        Parameters
        ----------
        by : str or sequence of str, optional
            Groups; None: those estimated, (): the whole frame.

        Returns
        -------
        array (B, K, G)
        """
        fit = self._kept()
        return fit.shares(fit.groups(self._columns(by)))

    def ranking(self, by: By = None) -> pd.DataFrame:
        """Pains by how many customers have them, not by what they cost.

        Parameters
        ----------
        by : str or sequence of str, optional
            Groups to rank within; None: those estimated, (): the whole frame.

        Returns
        -------
        pandas.DataFrame
            pain_point, the columns of `by`, estimate, top_three (probability to be among the three most frequent), expected_rank,
            rank_low, rank_high (at the result's level); within each group the most frequent first.
        """
        fit, columns = self._kept(), self._columns(by)
        table = frame(ranking(fit, fit.groups(columns), self.level))
        return table.sort_values([*columns, "expected_rank"], kind="stable").reset_index(drop=True)

    def silent_gap(self, by: By = None) -> pd.DataFrame:
        """True less apparent share: the pains the survey misses most come first.

        Parameters
        ----------
        by : str or sequence of str, optional
            Groups; None: those estimated, (): the whole frame.

        Returns
        -------
        pandas.DataFrame
            pain_point, the columns of `by`, estimate, apparent, silent_gap, conf_low, conf_high, chance_missed (probability that more
            customers have the pain than the survey says).
        """
        fit = self._kept()
        table = frame(silent_gap(fit, fit.groups(self._columns(by)), self.level))
        return table.sort_values("silent_gap", ascending=False, kind="stable").reset_index(drop=True)

    def contrast(self, a: Mapping[str, Any], b: Mapping[str, Any], *, other: PainPointPrevalence | None = None) -> pd.DataFrame:
        """By how much more customers of one group have each pain than those of another.

        Parameters
        ----------
        a, b : {column: level}
            Two groups, such as ``{"segment": "SUV"}``; ``{}`` is everybody.
        other : PainPointPrevalence, optional
            Result in which `b` is looked up, of another period say; its draws count as independent of these, which leaves out what both
            share, such as one audit of the coder.

        Returns
        -------
        pandas.DataFrame
            pain_point, a, b (their shares), difference, std_error, conf_low, conf_high, chance_larger (probability that a's is larger).

        Raises
        ------
        InputError
            No such group, other pain points, or dealers that were not estimated.
        """
        return frame(contrast(self._kept(), a, b, None if other is None else other._kept(), self.level))

    def offsets(self) -> pd.DataFrame:
        """By how much those who did not answer differ, in logits: pain_point, response_group, offset, std_error, conf_low, conf_high,
        contraction (1: the data say all of it, 0: it is the prior)."""
        return frame(offsets(self._kept(), self.level))

    def sensitivity(self, by: By = None) -> pd.DataFrame:
        """Prevalence if those who did not answer differ less, and its worst-case bounds.

        Parameters
        ----------
        by : str or sequence of str, optional
            Groups; None: those estimated, (): the whole frame.

        Returns
        -------
        pandas.DataFrame
            pain_point, the columns of `by`, phi (the differences in logits are multiplied by it: 0, the silent and the churned are like
            the engaged; 1, as estimated), estimate, conf_low, conf_high, lowest, highest (bounds were nothing known of those not heard).
        """
        fit = self._kept()
        return frame(sensitivity(fit, fit.groups(self._columns(by)), self.level))

    def source_conflict(self, by: By = ()) -> pd.DataFrame:
        """Leave one source out: does it say something other than the rest?

        Every source, and ``drop_off`` where it was given, is left out in turn and the model fitted again. Where a source agrees with the
        others, the estimate moves by no more than less data explain: the variance of the move is that without it less that with it
        (Hausman).

        Parameters
        ----------
        by : str or sequence of str, optional
            Groups; (): the whole frame. What drop-off says of segments shows only by segment.

        Returns
        -------
        pandas.DataFrame
            source, pain_point, the columns of `by`, estimate, without, difference, std_error_without, z, p_value. A source without which
            some pain would have no data is not listed.

        Raises
        ------
        InputError
            No source can be left out.

        References
        ----------
        Hausman (1978), Econometrica 46(6), for the variance of the difference.
        """
        fit = self._kept()
        return frame(source_conflict(fit, fit.groups(self._columns(by))))

    def response_tie(self) -> pd.DataFrame:
        """Test whether customers answer less where more of them have the pain, which taking dealers together rests on.

        Returns
        -------
        pandas.DataFrame
            pain_point, difference (how much higher the share among the engaged would be if every dealer counted as his customers do),
            std_error, p_value.

        Raises
        ------
        IdentificationError
            Fewer than five dealers have answers.
        """
        found = response_tie(self._kept().table.counts)
        return frame({"pain_point": self.pain_points, **{name: getattr(found, name) for name in ("difference", "std_error", "p_value")}})

    def compare_engines(self, by: By = None) -> pd.DataFrame:
        """Estimate again with the other engine, and show both.

        Parameters
        ----------
        by : str or sequence of str, optional
            Groups; None: those estimated, (): the whole frame.

        Returns
        -------
        pandas.DataFrame
            pain_point, the columns of `by`, estimate and std_error by ``approximate`` and ``nuts``, difference (approximate less nuts, in
            standard deviations of nuts), ratio (of standard deviations).

        Raises
        ------
        MissingDependencyError
            The extra [bayes] is not installed.
        """
        return frame(compare_engines(self._kept(), self._columns(by)))

    def value_of_information(self, *, follow_ups: int = 100, audits: int = 100, by: By = None) -> pd.DataFrame:
        """What more data would take off the intervals, on average over what they may show.

        Parameters
        ----------
        follow_ups : int
            Further silent customers drawn at random and asked about every pain.
        audits : int
            Further answers of each coder, drawn at random and read again for every pain.
        by : str or sequence of str, optional
            Groups; None: those estimated, (): the whole frame.

        Returns
        -------
        pandas.DataFrame
            pain_point, the columns of `by`, width (of the interval), width_follow_ups, width_audits (expected after either). By linear
            approximation from the draws, with the pools' spread as it stands.

        Raises
        ------
        InputError
            The frame has no silent customers, or no source has a coder (ask for 0 then).
        """
        for name, value in (("follow_ups", follow_ups), ("audits", audits)):
            _checks.whole(value, name, low=0)
        fit = self._kept()
        return frame(value_of_information(fit, fit.groups(self._columns(by)), self.level, follow_ups=follow_ups, audits=audits))

    def summary(self, language: str = "en") -> str:
        """How it was estimated, the table's head, what it rests on."""
        about = texts.render(
            "pain_point.about", language, customers=f"{self.customers.sum():,.0f}", level=self.level,
            engine=texts.render(f"pain_point.engine_{self.engine}", language),
        )
        columns = ["pain_point", *self.by, "estimate", "conf_low", "conf_high", "apparent", "silent_gap", "prior_share"]
        table = self.to_frame().sort_values("estimate", ascending=False, kind="stable").head(20)[columns]
        rests = [f"- {each.text(language)}" for each in self.assumptions]
        shown = table.to_string(index=False, float_format=lambda value: f"{value:.3f}")
        return "\n".join([about, shown, texts.render("pain_point.ranked", language), *rests])

    def _columns(self, by: By) -> tuple[str, ...]:
        return tuple(self.by) if by is None else names(by, "by")

    def _kept(self) -> PainPointFit:
        if self.fit is None:
            raise InputError(
                "The draws of this result were not kept: it was read back from JSON. Estimate again to ask it further questions.",
                code="draws_not_kept", argument="fit",
            )
        return self.fit


def result_of(
    fit: PainPointFit, by: By, level: float, assumptions: tuple[Assumption, ...], diagnostics: Mapping[str, float]
) -> PainPointPrevalence:
    """The result of a fit, its table by some groups."""
    groups = fit.groups(by)
    found = estimates(fit, groups, level)
    return PainPointPrevalence(
        labels={"pain_point": fit.table.pains}, by=groups.labels, customers=groups.customers,
        **{name: getattr(found, name) for name in found.__slots__}, engine=fit.engine, model=fit.posterior.model, level=level,
        seed=fit.seed, audit_drawn_by=fit.table.drawn_by, assumptions=assumptions,
        diagnostics=diagnostics, fit=fit,
    )
