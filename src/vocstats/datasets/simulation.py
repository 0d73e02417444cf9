"""A car maker's customer base, simulated: the registry, what was heard, and the truth beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .._checks import number, whole_seed
from .blemishes import NO_ANSWER_CODES, blank_traits, spoil_survey
from .fieldwork import DISPOSITION_CODES, LaterDraw, Survey, draw_churned, draw_silent, run_survey
from .population import LEVELS, REFERENCE_DATE, REGIONS, TENURE_LABELS, TENURE_UPPER, WINDOW, Population, draw_population
from .truth import OUTSIDE, SimulatedTruth, true_means

if TYPE_CHECKING:
    import pandas as pd

    from ..customer_base import CustomerBase


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class SimulatedBase:
    """Simulated tables of a car maker, as its systems would export them, with the simulated truth.

    Attributes
    ----------
    registry : pandas.DataFrame
        One row per customer: ``customer_id`` (text with leading zeros), ``dealer``, ``region``, ``country``, ``model``,
        ``purchase_channel``, ``age_band``, ``warranty``, ``tenure_months`` (to 1 October 2026), ``purchase_date`` and
        ``churn_date`` (missing: still a customer at the export on 15 November 2026).
    survey : pandas.DataFrame
        Answers: ``customer_id``, ``answered_on`` (July to September 2026), ``csi`` (1 to 10; 98 and 99 stand for no answer).
    follow_up : pandas.DataFrame
        Sample of the silent: ``customer_id``, ``selected`` (1 drawn, 0 reserve that was not called), ``csi`` (missing: asked and
        not heard), ``answered_on``.
    exit_interview : pandas.DataFrame
        Sample of the churned who gave no survey answer; columns as in `follow_up`.
    call_log : pandas.DataFrame
        Everybody invited to the survey: ``customer_id``, ``attempts`` (1 to 5), ``disposition`` (in Chinese).
    truth : SimulatedTruth
        Score of everybody and true means.
    """

    registry: pd.DataFrame
    survey: pd.DataFrame
    follow_up: pd.DataFrame
    exit_interview: pd.DataFrame
    call_log: pd.DataFrame
    truth: SimulatedTruth

    def __repr__(self) -> str:
        parts = {"answers": self.survey, "follow-ups": self.follow_up, "exit interviews": self.exit_interview}
        sizes = ", ".join(f"{len(frame):,} {name}" for name, frame in parts.items())
        return f"SimulatedBase({len(self.registry):,} customers, {sizes}; simulated)"

    def base(self) -> CustomerBase:
        """The tables as a customer base, read as the example study reads them.

        Returns
        -------
        CustomerBase
            Status at 30 September 2026 among the customers of the year to that day; sources without rows are left out.
        """
        from ..customer_base import CustomerBase, Source

        contact = {
            "frame": self.call_log, "id": "customer_id", "outcome": "disposition", "codes": DISPOSITION_CODES, "attempts": "attempts"
        }
        later = {"follow_up": self.follow_up, "exit_interview": self.exit_interview}
        return CustomerBase.from_frames(
            self.registry,
            id="customer_id",
            dealer="dealer",
            churned={"column": "churn_date", "before": str(REFERENCE_DATE)},
            window={"joined": "purchase_date", "left": "churn_date", "from": str(WINDOW[0]), "to": str(WINDOW[1])},
            answers={
                "survey": Source(self.survey, date="answered_on", repeated="last", unmatched="set_aside", contact=contact),
                **{name: Source(frame, selected="selected") for name, frame in later.items() if len(frame)},
            },
            missing="level",
            missing_codes=NO_ANSWER_CODES,
            bands={"tenure_band": {"from": "tenure_months", "upper": TENURE_UPPER, "labels": TENURE_LABELS}},
        )


def simulate_base(
    n: int = 20_000,
    *,
    seed: int = 0,
    fieldwork_seed: int | None = None,
    dealers: int = 40,
    churn_rate: float = 0.12,
    churn_strength: float = 1.0,
    never_invited: float = 0.08,
    response_rate: float = 0.24,
    response_strength: float = 1.0,
    follow_up_rate: float = 0.12,
    follow_up_response: float = 0.6,
    exit_rate: float = 0.4,
    exit_response: float = 0.5,
    blemishes: bool = True,
) -> SimulatedBase:
    """Simulate a car maker's customer base whose survey answers depend on the score itself.

    Who is satisfied, who leaves and who answers:

        satisfaction  s = effects of age, model, channel, tenure, warranty + dealer + e,  cut into a score y from 1 to 10
        leaving       logit P = a - 0.8 churn_strength s + effects of age and warranty
        answering     logit P = b + response_strength h(y) + effects of age, channel, tenure, warranty
                      h(y) = 0.4 (y - 7) / 3 + 0.8 ((y - 6) / 4)^2

    so the survey hears too many of the delighted, somewhat more of the furious than of the lukewarm, and hardly anybody
    who left. The follow-up and the exit interviews are simple random samples whose own nonresponse depends on the
    traits only. `a` and `b` are set to meet `churn_rate` and `response_rate`.

    Parameters
    ----------
    n : int
        Customers in the registry, at least 100. A few are outside the window from 2025-10-01 to 2026-09-30.
    seed : int
        Seed of everything; the same seed and options give the same tables.
    fieldwork_seed : int, optional
        Seed of invitations, answers, draws and blemishes; another one surveys the same customers again. Default: `seed`.
    dealers : int
        Dealers, of very different size.
    churn_rate : float
        About the share of the customers who left during the window.
    churn_strength, response_strength : float
        How strongly leaving depends on satisfaction and answering on the score; 0: not at all beyond the traits.
    never_invited : float
        Share never invited among those who could have been; buyers since July 2026 are never invited.
    response_rate : float
        Share of the invited who answer the survey.
    follow_up_rate, exit_rate : float
        Share drawn of the silent, and of the churned who gave no survey answer; 0: none.
    follow_up_response, exit_response : float
        Share of those drawn who answer.
    blemishes : bool
        Repeated answers, unknown ids, codes 98 and 99 and missing traits, as in real exports.

    Returns
    -------
    SimulatedBase
        The tables and the truth.

    Raises
    ------
    InputError
        An option is out of its bounds.

    Examples
    --------
    >>> from vocstats.datasets import simulate_base
    >>> simulated = simulate_base(1_000, seed=1)
    >>> simulated.registry.shape
    (1000, 11)
    """
    n, dealers = int(number(n, "n", low=100)), int(number(dealers, "dealers", low=1))
    shares = {
        "churn_rate": churn_rate, "never_invited": never_invited, "response_rate": response_rate, "follow_up_rate": follow_up_rate,
        "follow_up_response": follow_up_response, "exit_rate": exit_rate, "exit_response": exit_response,
    }
    for name, share in shares.items():
        number(share, name, low=0.0, high=1.0)
    strengths = {"churn_strength": churn_strength, "response_strength": response_strength}
    for name, strength in strengths.items():
        number(strength, name)
    population = draw_population(np.random.default_rng(whole_seed(seed, "seed")), n, dealers, churn_rate, churn_strength)
    fieldwork = np.random.default_rng([whole_seed(seed if fieldwork_seed is None else fieldwork_seed, "fieldwork_seed"), 1])
    survey_rng, follow_up_rng, exit_rng, blemish_rng = fieldwork.spawn(4)
    survey = run_survey(
        survey_rng, population, response_rate=response_rate, response_strength=response_strength, never_invited=never_invited
    )
    follow_up = draw_silent(follow_up_rng, population, survey, rate=follow_up_rate, response=follow_up_response)
    exits = draw_churned(exit_rng, population, survey, rate=exit_rate, response=exit_response)
    simulated = _tables(population, survey, follow_up, exits)
    return _blemished(blemish_rng, simulated) if blemishes else simulated


def _tables(population: Population, survey: Survey, follow_up: LaterDraw, exits: LaterDraw) -> SimulatedBase:
    import pandas as pd

    registry = _registry(population)
    ids = registry["customer_id"]
    answered = np.flatnonzero(survey.answered)
    invited = np.flatnonzero(survey.invited)
    customers = pd.DataFrame(
        {
            "customer_id": ids, "group": _group(population, survey), "heard": _heard(survey, follow_up, exits),
            "satisfaction": population.satisfaction, "csi": population.score,
        }
    )
    return SimulatedBase(
        registry=registry,
        survey=pd.DataFrame(
            {
                "customer_id": ids.iloc[answered].to_numpy(), "answered_on": survey.answered_on[answered].astype("datetime64[s]"),
                "csi": population.score[answered],
            }
        ),
        follow_up=_later(ids, population, follow_up),
        exit_interview=_later(ids, population, exits),
        call_log=pd.DataFrame(
            {
                "customer_id": ids.iloc[invited].to_numpy(), "attempts": survey.attempts[invited],
                "disposition": survey.disposition[invited],
            }
        ),
        truth=SimulatedTruth(customers=customers, means=true_means(customers, registry)),
    )


def _registry(population: Population) -> pd.DataFrame:
    import pandas as pd

    dealer_names = np.array([f"D{k:04d}" for k in range(1, population.dealer_region.size + 1)], object)
    region = np.array(REGIONS, object)[population.dealer_region]
    country = np.where(region == "Overseas", "SG", "CN").astype(object)
    labels = {name: np.array(levels, object)[population.traits[name]] for name, levels in LEVELS.items()}
    return pd.DataFrame(
        {
            "customer_id": population.ids.astype(object), "dealer": dealer_names[population.dealer],
            "region": region[population.dealer], "country": country[population.dealer],
            "model": labels["model"], "purchase_channel": labels["purchase_channel"], "age_band": labels["age_band"],
            "warranty": labels["warranty"], "tenure_months": population.tenure_months,
            "purchase_date": population.purchased.astype("datetime64[s]"), "churn_date": population.left.astype("datetime64[s]"),
        }
    )


def _group(population: Population, survey: Survey) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    group = np.where(survey.answered, "engaged", np.where(survey.invited, "silent", "not_invited")).astype(object)
    group[population.left_by(REFERENCE_DATE)] = "churned"
    group[~population.in_window] = OUTSIDE
    return group


def _heard(survey: Survey, follow_up: LaterDraw, exits: LaterDraw) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    heard = np.where(survey.answered, "survey", "").astype(object)
    heard[follow_up.rows[follow_up.heard]] = "follow_up"
    heard[exits.rows[exits.heard]] = "exit_interview"
    return heard


def _later(ids: pd.Series[str], population: Population, draw: LaterDraw) -> pd.DataFrame:
    import pandas as pd

    score = pd.array(population.score[draw.rows], dtype="Int64")
    score[~draw.heard] = pd.NA
    return pd.DataFrame(
        {
            "customer_id": ids.iloc[draw.rows].to_numpy(), "selected": draw.selected.astype(int), "csi": score,
            "answered_on": draw.answered_on.astype("datetime64[s]"),
        }
    )


def _blemished(rng: np.random.Generator, simulated: SimulatedBase) -> SimulatedBase:
    return SimulatedBase(
        registry=blank_traits(rng, simulated.registry), survey=spoil_survey(rng, simulated.survey, len(simulated.registry)),
        follow_up=simulated.follow_up, exit_interview=simulated.exit_interview, call_log=simulated.call_log, truth=simulated.truth,
    )
