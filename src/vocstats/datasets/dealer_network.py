"""A simulated network of dealers, some of whom inflate their scores, with the truth beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from .._checks import choice, number, numbers, whole, whole_seed
from ..errors import InputError
from ..options import InflationMechanism
from .dealer_forms import ITEMS, draw_forms
from .dealer_mechanisms import MECHANISMS, draw_plan, inflate
from .dealer_tables import OUTCOMES, Identifiers, outcome_table, response_table, roster_table
from .dealer_truth import NetworkTruth, network_truth
from .dealer_visits import INVITED, LEVELS, draw_dealers, draw_visits

if TYPE_CHECKING:
    import pandas as pd

USUAL = tuple(name for name in MECHANISMS if name != "coach_both_channels")
HIGHEST_SIZE = 1e6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class SimulatedNetwork:
    """Simulated tables of a network of dealers over the year from 1 October 2025, with the simulated truth.

    Attributes
    ----------
    responses : pandas.DataFrame
        One row per answer received, by time: ``response_id``, ``dealer``, ``visit_id``, ``channel`` (``"dealer"``: invited by the
        dealer; ``"manufacturer"``: drawn at random by the manufacturer), ``score`` (1 to 10), eight items (1 to 10), ``time``,
        ``device``, ``address`` (of the network it was sent from), ``seconds`` (taken to fill in), and the case mix.
    roster : pandas.DataFrame
        One row per visit to the workshop, by day: ``visit_id``, ``dealer``, ``visited_on``, the case mix, ``drawn`` (by the
        manufacturer), ``invited`` (by either), ``reached``, ``heard``.
    outcomes : pandas.DataFrame
        One row per visit, in the order of the roster: ``visit_id``, and whether a ``complaint``, a return for the same fault
        (``returned``) or loss of the customer (``churned``) followed; they depend on the true satisfaction.
    threshold : float
        KPI cut-off that month-end pushes aim at: share of 9 and 10 among the answers of a month that the dealer asked for.
    truth : NetworkTruth
        Who inflated, and what everybody would have said.
    items, case_mix, outcome_names : tuple of str
        Names of columns.
    """

    responses: pd.DataFrame
    roster: pd.DataFrame
    outcomes: pd.DataFrame
    threshold: float
    truth: NetworkTruth
    items: ClassVar[tuple[str, ...]] = ITEMS
    case_mix: ClassVar[tuple[str, ...]] = tuple(LEVELS)
    outcome_names: ClassVar[tuple[str, ...]] = tuple(OUTCOMES)

    def __repr__(self) -> str:
        sizes = f"{len(self.truth.dealers):,} dealers, {len(self.responses):,} answers of {len(self.roster):,} visits"
        return f"SimulatedNetwork({sizes}; simulated)"


def simulate_dealers(
    dealers: int = 500,
    *,
    seed: int,
    inflated: float = 0.15,
    strength: float | Sequence[float] = 0.4,
    mechanisms: Sequence[InflationMechanism] | InflationMechanism | None = None,
    responses: tuple[float, float] = (30, 1500),
    top_box: float = 0.70,
    spread: float = 0.10,
    channel_gap: float = 0.02,
    gap_spread: float = 0.03,
    independent_share: float = 0.25,
    stars: float = 0.04,
    kiosks: float = 0.06,
    tiny: float = 0.04,
    extremes: float = 0.05,
    response_strength: float = 0.0,
    threshold: float = 0.80,
    careful: bool = False,
) -> SimulatedNetwork:
    """Simulate a network of dealers, some of whom inflate their scores.

    The honest network is drawn first, with every answer an honest dealer or the manufacturer would have received; then the
    inflating dealers alter or keep out answers. The same seed without inflation therefore gives the other dealers the same answers.

        top box of an average customer   T_d = top_box + spread z_d                       answered to the manufacturer
                                         T_d + channel_gap + gap_spread g_d               answered to the dealer
        satisfaction                     f = level_d + case mix + season + u,   u ~ N(0, 0.6)
        score, items                     f (+ gap_d) + e cut into 1 to 10,      e ~ N(0, 0.4)

    Parameters
    ----------
    dealers : int
        Number of dealers.
    seed : int
        Seed of everything; the same seed and options give the same tables.
    inflated : float
        Share of the dealers that inflate; never honest stars.
    strength : float or sequence of float
        How strongly, in (0, 1]; of several each dealer has one at random. Share of the answers to the dealer that are touched in
        the year; where the dissatisfied are kept out, the share of them; at month end, the push covers 20 x strength days.
    mechanisms : str or sequence of str, optional
        Equally frequent among the inflating. ``"begging"`` (borderline answers become full marks), ``"gifts"`` (a 10 for a gift),
        ``"copied_forms"`` (staff fill in batches from a template, at one device), ``"plausible_forms"`` (staff invent good answers
        of too little variety), ``"cherry_picking"`` (the dissatisfied are not invited), ``"corrupted_numbers"`` (they cannot be
        reached), ``"deleted_records"`` (low answers vanish), ``"month_end_push"`` (low answers of the last days of a month become
        high until the cut-off is passed), ``"drift"`` (begging that rises month by month), ``"late_start"`` (gifts from some
        month on), ``"coach_both_channels"`` (begging whoever asks). Default: all but the last, which leaves no gap.
    responses : (float, float)
        Limits of the number of answers of a dealer, log-uniform between them.
    top_box, spread : float
        Mean and standard deviation between dealers of the honest share of 9 and 10.
    channel_gap, gap_spread : float
        Mean and standard deviation between dealers of the honest difference of that share between the channels.
    independent_share : float
        Share of the answers that the manufacturer's own random sample has.
    stars, kiosks, tiny, extremes : float
        Share of honest stars, of dealers with a tablet on which most customers answer on Saturdays, of dealers with fewer than 30
        answers, of dealers with unusually hard cases.
    response_strength : float
        How answering depends on satisfaction beyond the case mix, in logits per standard deviation.
    threshold : float
        KPI cut-off of month-end pushes.
    careful : bool
        The inflating know how an audit looks for them: they spread what they do over time, devices and customers, and vary it.

    Returns
    -------
    SimulatedNetwork
        The tables and the truth.

    Raises
    ------
    InputError
        An option is out of its bounds.

    References
    ----------
    TrueDelta (2007) asked 1,700 car buyers what dealers do about surveys; the mechanisms are those they name.

    Examples
    --------
    >>> from vocstats.datasets import simulate_dealers
    >>> network = simulate_dealers(40, seed=1)
    >>> network.truth
    NetworkTruth(40 dealers, 6 inflated)
    """
    shares = {
        "inflated": inflated, "top_box": top_box, "independent_share": independent_share, "stars": stars, "kiosks": kiosks, "tiny": tiny,
        "extremes": extremes, "threshold": threshold,
    }
    for name, share in shares.items():
        number(share, name, low=0.0, high=1.0)
    for name, size in {"spread": spread, "gap_spread": gap_spread}.items():
        number(size, name, low=0.0, high=1.0)
    number(channel_gap, "channel_gap", low=-1.0, high=1.0)
    number(response_strength, "response_strength")
    drawn = independent_share * INVITED / (independent_share * INVITED + 1.0 - independent_share)  # of the visits
    streams = np.random.default_rng(whole_seed(seed, "seed")).spawn(6)
    network = draw_dealers(
        streams[0], whole(dealers, "dealers", low=1), responses=_limits(responses), top_box=top_box, spread=spread,
        channel_gap=channel_gap, gap_spread=gap_spread, drawn=drawn, stars=stars, kiosks=kiosks, tiny=tiny, extremes=extremes,
    )
    visits = draw_visits(streams[1], network, drawn=drawn, response_strength=response_strength)
    forms, premises = draw_forms(streams[2], network, visits)
    plan = draw_plan(
        streams[3], network, inflated=inflated, strengths=_strengths(strength), mechanisms=_mechanisms(mechanisms), threshold=threshold
    )
    work = inflate(streams[4], plan, network, visits, forms, premises, threshold=threshold, careful=careful)
    outcome_rng, id_rng = streams[5].spawn(2)
    ids = Identifiers.draw(id_rng, network, visits, work)
    return SimulatedNetwork(
        responses=response_table(ids, visits, work), roster=roster_table(ids, visits, work),
        outcomes=outcome_table(outcome_rng, ids, visits), threshold=float(threshold),
        truth=network_truth(ids, network, plan, visits, forms.score, work),
    )


def _limits(responses: tuple[float, float]) -> tuple[float, float]:
    limits = numbers(responses, "responses")
    if len(limits) != 2 or not 1.0 <= limits[0] <= limits[1] <= HIGHEST_SIZE:
        raise InputError(
            f"responses must be the lowest and the highest number of answers of a dealer, such as (30, 1500); got {responses!r}.",
            code="not_limits_of_responses", argument="responses", value=repr(responses),
        )
    return limits[0], limits[1]


def _strengths(strength: float | Sequence[float]) -> tuple[float, ...]:
    given = numbers([strength] if np.isscalar(strength) else strength, "strength")
    if not given:
        raise InputError("strength has no number.", code="no_choice", argument="strength")
    return tuple(number(each, "strength", low=0.0, high=1.0, open_low=True) for each in given)


def _mechanisms(mechanisms: Sequence[str] | str | None) -> tuple[str, ...]:
    given = USUAL if mechanisms is None else (mechanisms,) if isinstance(mechanisms, str) else tuple(mechanisms)
    if not given:
        raise InputError("mechanisms has no name.", code="no_choice", argument="mechanisms")
    return tuple(choice(each, InflationMechanism, "mechanisms") for each in given)
