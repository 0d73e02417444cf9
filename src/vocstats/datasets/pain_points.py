"""Simulated pain points of the customers of a network of dealers, seen through imperfect sources, with the truth beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from .._checks import choice, number, numbers, whole, whole_seed
from ..errors import InputError
from ..options import AuditDrawnBy
from ..prevalence import Taxonomy
from .pain_points_drop_off import draw_journey
from .pain_points_rows import spread_over_customers
from .pain_points_sources import ask, draw_audit
from .pain_points_truth import Labels, PainPointTruth, audit_table, drop_off_table, frame_table, observation_table, truth_of
from .pain_points_world import draw_customers, draw_pains, draw_sufferers

if TYPE_CHECKING:
    import pandas as pd

HIGHEST_SIZE = 1e7


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class SimulatedPainPoints:
    """What the sources counted, the frame and the audit of the coders, as `estimate_pain_points` reads them, with the truth.

    Attributes
    ----------
    observations : pandas.DataFrame
        One row per source, pain and cell with anybody looked at: ``pain_point, segment, dealer, response_group`` (``"engaged"``,
        ``"silent"``, ``"churned"``), ``source`` (``"survey"``, ``"follow_up"``, ``"exit_interview"``, ``"comment"``, ``"ticket"``),
        ``positive``, ``n``.
    frame : pandas.DataFrame
        Customers of each ``segment, dealer, response_group``.
    coder_audit : pandas.DataFrame
        Audit of each coder: ``pain_point, source, truth`` (1 has the pain; of comments: mentions it), ``positive`` (found by the
        coder), ``n``.
    drop_off : pandas.DataFrame
        Journey of all customers: ``stage`` (``"stage_1"`` and so on), ``segment, dealer, reached, dropped``; without stages no rows.
    truth : PainPointTruth
        How many customers do have each pain, how coders see, by how much the silent and the churned differ, what drop-off rises with.
    groups : tuple of str
        Columns that tell customers apart.
    perfect_sources : tuple of str
        Sources whose answers are the truth.
    """

    observations: pd.DataFrame
    frame: pd.DataFrame
    coder_audit: pd.DataFrame
    drop_off: pd.DataFrame
    truth: PainPointTruth
    groups: ClassVar[tuple[str, ...]] = ("segment", "dealer")
    perfect_sources: ClassVar[tuple[str, ...]] = ("follow_up", "exit_interview")

    def __repr__(self) -> str:
        sizes = f"{int(self.frame['customers'].sum()):,} customers, {len(self.observations):,} counts"
        return f"SimulatedPainPoints({sizes}, {self.truth!r}; simulated)"

    @property
    def drop_off_pains(self) -> dict[str, list[str]]:
        """Pain points that act at each stage, as `estimate_pain_points` takes them."""
        return {str(stage): rows["pain_point"].tolist() for stage, rows in self.truth.drop_off.groupby("stage", sort=False)}

    def tables(self, *, seed: int = 0) -> dict[str, pd.DataFrame]:
        """The counts spread over customers, as a company would hold them: `CustomerBase.count_pain_points` counts them again.

        Parameters
        ----------
        seed : int
            Which customers of a cell have what; the counts stay the same.

        Returns
        -------
        dict of pandas.DataFrame
            ``registry`` (``customer_id, segment, dealer, churned``), and for each source a table: ``customer_id``, ``answered_on`` and a
            column of 1 and 0 by pain point; of tickets ``customer_id, pain_point, opened_on``. The window is 1 October 2025 to 30
            September 2026; interviews are of the month after it.
        """
        return spread_over_customers(np.random.default_rng(whole_seed(seed, "seed")), self.observations, self.frame)


def simulate_pain_points(
    dealers: int = 40,
    *,
    seed: int,
    pains: int = 18,
    segments: int = 6,
    customers: tuple[float, float] = (400, 2500),
    response_rate: float = 0.28,
    churn_rate: float = 0.14,
    response_spread: float = 0.25,
    prevalence: tuple[float, float] = (0.03, 0.35),
    segment_spread: float = 0.35,
    dealer_spread: float = 0.35,
    dealer_tail: float = 6.0,
    tied: float = 0.0,
    selection: float = 1.0,
    resistance: float = 1.0,
    follow_up: float = 0.05,
    exit_interviews: float = 0.12,
    sensitivity: tuple[float, float] = (0.75, 0.95),
    specificity: tuple[float, float] = (0.95, 0.99),
    audit: tuple[int, int] | None = (60, 160),
    audit_drawn_by: AuditDrawnBy = "truth",
    comments: float = 0.0,
    tickets: float = 0.0,
    stages: int = 2,
    drop_off: float = 0.5,
    drop_off_spread: float = 0.1,
) -> SimulatedPainPoints:
    """Simulate who of a network's customers has which pain, and what imperfect sources see of it.

        chance of pain k at a customer of segment s, dealer d, response group r     logit θ_ksdr = α_k + a_ks + b_kd + δ_kr

    Every customer has the pain or not by that chance; the survey hears all the engaged through a coder, the follow-up some of
    the silent, the exit interviews some of the churned. Truth, fieldwork, audits and the journey come from separate
    streams: the same seed with another `follow_up` asks other customers of the same world. The world is not quite the estimator's
    model: dealers have heavier tails, the levels of pains are evenly spread, the response of dealers varies, customers are finitely many.

    Parameters
    ----------
    dealers : int
        Number of dealers.
    seed : int
        Seed of everything; the same seed and options give the same tables.
    pains : int
        Number of pain points: the eighteen of `Taxonomy.default` in their order, then ``pain_19`` and so on.
    segments : int
        Number of segments.
    customers : (float, float)
        Limits of the number of customers of a dealer, log-uniform between them.
    response_rate : float
        About the share that answers the survey of those who have not left.
    churn_rate : float
        About the share of the customers who have left.
    response_spread : float
        Standard deviation between dealers of the logit of the response rate.
    prevalence : (float, float)
        Limits of the prevalence of pains among the engaged of an average segment and dealer, evenly spaced in logits between them.
    segment_spread, dealer_spread : float
        Standard deviations between segments and dealers, in logits; of each pain between half and one and a half times as much.
    dealer_tail : float
        Degrees of freedom, above 2, of the Student distribution of dealers; larger is closer to normal.
    tied : float
        Correlation between -1 and 1 of a dealer's prevalences with the reluctance of its customers to answer.
    selection : float
        How strongly the silent and the churned differ from the engaged: 1 shifts their log odds by .45 and .7 on average, with
        standard deviations of .35 and .45 between pains; 0: not at all.
    resistance : float
        The silent who cannot be reached (half of them) differ from the engaged by so many times what those who can be reached do.
    follow_up, exit_interviews : float
        Share of the silent and of the churned who are interviewed.
    sensitivity, specificity : (float, float)
        Limits of the coders' Se and Sp, uniform between them by pain.
    audit : (int, int), optional
        Audited answers of each coder and pain, with and without the pain (or found and not found); None: no audit.
    audit_drawn_by : {"truth", "predicted", "random"}
        How they were drawn; at random both numbers together.
    comments : float
        Share of the engaged who wrote a comment.
    tickets : float
        Mean chance, over pains, that who has a pain has a ticket of it.
    stages : int
        Stages of the journey, at each of which two pains make customers leave.
    drop_off : float
        By how much the logit of drop-off rises with that of either pain; 0: with neither.
    drop_off_spread : float
        Standard deviation between segments, in logits, of what else makes customers leave.

    Returns
    -------
    SimulatedPainPoints
        The tables and the truth.

    Raises
    ------
    InputError
        An option is out of its bounds.

    Examples
    --------
    >>> from vocstats.datasets import simulate_pain_points
    >>> world = simulate_pain_points(seed=1, pains=3, segments=2)
    >>> world
    SimulatedPainPoints(47,173 customers, 720 counts, PainPointTruth(3 pain points, 2 segments, 40 dealers); simulated)
    >>> print(world.truth.prevalence().round(3).to_string(index=False))
          pain_point  customers  prevalence  share
    information_overload      47173       0.078  0.079
         product_quality      47173       0.198  0.198
             price_value      47173       0.247  0.249
    """
    shares = {
        "response_rate": response_rate, "churn_rate": churn_rate, "follow_up": follow_up, "exit_interviews": exit_interviews,
        "comments": comments, "tickets": tickets,
    }
    for name, share in shares.items():
        number(share, name, low=0.0, high=1.0)
    spreads = {
        "response_spread": response_spread, "segment_spread": segment_spread, "dealer_spread": dealer_spread, "drop_off": drop_off,
        "drop_off_spread": drop_off_spread,
    }
    for name, spread in spreads.items():
        number(spread, name, low=0.0, high=5.0)
    number(dealer_tail, "dealer_tail", low=2.0, high=1e6, open_low=True)
    number(tied, "tied", low=-1.0, high=1.0)
    for name, strength in {"selection": selection, "resistance": resistance}.items():
        number(strength, name, low=-10.0, high=10.0)
    choice(audit_drawn_by, AuditDrawnBy, "audit_drawn_by")
    sizes = None if audit is None else _sizes(audit)
    see = _limits(sensitivity, "sensitivity"), _limits(specificity, "specificity")
    labels = _labels(whole(pains, "pains", low=1), whole(segments, "segments", low=1), whole(dealers, "dealers", low=1))
    streams = np.random.default_rng(whole_seed(seed, "seed")).spawn(6)
    people = draw_customers(
        streams[0], segments, dealers, limits=_limits(customers, "customers", low=1.0, high=HIGHEST_SIZE), response_rate=response_rate,
        churn_rate=churn_rate, response_spread=response_spread,
    )
    world = draw_pains(
        streams[1], pains, people, limits=_limits(prevalence, "prevalence", inside=True), segment_spread=segment_spread,
        dealer_spread=dealer_spread, dealer_tail=dealer_tail, tied=tied, selection=selection, resistance=resistance,
    )
    sufferers = draw_sufferers(streams[2], people, world)
    work = ask(
        streams[3], people, sufferers, sensitivity=see[0], specificity=see[1], follow_up=follow_up, exit_interviews=exit_interviews,
        comments=comments, tickets=tickets,
    )
    audits = [] if sizes is None else [
        (source, *draw_audit(rng, coder, work.coded[source], sizes, audit_drawn_by))
        for rng, (source, coder) in zip(streams[4].spawn(len(work.coders)), work.coders.items(), strict=True)
    ]
    journey = draw_journey(
        streams[5], people.counts, world.chance, stages=whole(stages, "stages", low=0), slope=drop_off, spread=drop_off_spread
    )
    return SimulatedPainPoints(
        observations=observation_table(labels, work.seen), frame=frame_table(labels, people.counts),
        coder_audit=audit_table(labels, audits), drop_off=drop_off_table(labels, journey),
        truth=truth_of(labels, people, world, sufferers, work, journey, drop_off),
    )


def _limits(value: tuple[float, float], name: str, *, low: float = 0.0, high: float = 1.0, inside: bool = False) -> tuple[float, float]:
    given = numbers(value, name)
    outside = len(given) != 2 or not low <= given[0] <= given[1] <= high
    if outside or (inside and (given[0] == low or given[1] == high)):
        raise InputError(
            f"{name} must be a lower and an upper limit {'inside' if inside else 'within'} [{low:g}, {high:g}]; got {value!r}.",
            code="not_limits", argument=name, value=repr(value), low=f"{low:g}", high=f"{high:g}",
        )
    return given[0], given[1]


def _sizes(audit: tuple[int, int]) -> tuple[int, int]:
    given = numbers(audit, "audit")
    if len(given) != 2:
        raise InputError(
            f"audit must say how many answers were audited with and without the pain, such as (60, 160); got {audit!r}.",
            code="not_audit_sizes", argument="audit", value=repr(audit),
        )
    return whole(given[0], "audit", low=0), whole(given[1], "audit", low=0)


def _labels(pains: int, segments: int, dealers: int) -> Labels:
    known = Taxonomy.default().keys[:pains]
    return Labels(
        pains=np.array([*known, *(f"pain_{k}" for k in range(len(known) + 1, pains + 1))], object),
        segments=np.array([f"S{k:02d}" for k in range(1, segments + 1)], object),
        dealers=np.array([f"D{k:04d}" for k in range(1, dealers + 1)], object),
    )
