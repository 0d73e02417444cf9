"""The simulated fieldwork: who was invited, reached and heard.

    survey     logit P(answer) = a + response_strength h(y) + effects of the traits
               h(y) = 0.4 (y - 7) / 3 + 0.8 ((y - 6) / 4)^2      rising, and raised at both ends: a J
               P is reached in up to five attempts of equal chance
    drawn later (follow-up of the silent, exit interviews): a simple random sample; its answers depend on the traits only
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .._checks import Floats, Integers
from .population import DAY, REFERENCE_DATE, Bools, Dates, Population, days, probability

FIRST_INVITED, LAST_INVITED, LAST_ANSWER = np.datetime64("2026-07-01"), np.datetime64("2026-09-20"), np.datetime64("2026-09-30")
ATTEMPTS = 5
COMPLETE, NOT_AN_OWNER = "成功", "非车主"
DISPOSITIONS = ("拒访", "中途挂断", "无人接听", "关机", "空号", "错号", NOT_AN_OWNER)  # of those who gave no answer
DISPOSITION_CODES = {
    "complete": [COMPLETE], "refusal": ["拒访", "中途挂断"], "noncontact": ["无人接听", "关机"], "bad_number": ["空号", "错号"],
    "ineligible": [NOT_AN_OWNER],
}
DISPOSITION_SHARES = (0.27, 0.06, 0.44, 0.13, 0.06, 0.035, 0.005)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Survey:
    """The survey among those invited; arrays over the whole registry."""

    invited: Bools
    invited_on: Dates
    answered: Bools
    answered_on: Dates
    attempts: Integers
    disposition: npt.NDArray[np.object_]

    @property
    def ineligible(self) -> Bools:
        """Whether the call ended with someone who is no customer."""
        return np.asarray(self.disposition == NOT_AN_OWNER)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LaterDraw:
    """A random sample asked later; `rows` lists those drawn, then a reserve that was not called."""

    rows: Integers
    selected: Bools
    heard: Bools
    answered_on: Dates


def j_shape(score: Integers) -> Floats:
    """The part of the survey's response that depends on the score, in logits."""
    return 0.4 * (score - 7) / 3 + 0.8 * ((score - 6) / 4) ** 2


def run_survey(
    rng: np.random.Generator, population: Population, *, response_rate: float, response_strength: float, never_invited: float
) -> Survey:
    """Invite, call up to five times, and hear."""
    n = population.size
    invited_on = days(rng, FIRST_INVITED, LAST_INVITED, n)
    reachable = (population.purchased < FIRST_INVITED) & ~population.left_by(invited_on + 2 * DAY)
    invited = reachable & (rng.random(n) >= probability(population.effect("never_invited"), never_invited))
    chance = np.zeros(n)
    eta = response_strength * j_shape(population.score) + population.effect("response")
    chance[invited] = probability(eta[invited], response_rate)
    draw = rng.random(n)
    answered = draw < chance
    attempts = _attempts(draw, chance)
    latest = np.where(np.isnat(population.left), LAST_ANSWER, population.left - DAY)
    answered_on = np.minimum(invited_on + rng.integers(0, 10, n) * DAY, np.minimum(latest, LAST_ANSWER))
    disposition = np.array(DISPOSITIONS, object)[np.searchsorted(np.cumsum(DISPOSITION_SHARES)[:-1], rng.random(n), side="right")]
    noncontact = np.isin(disposition, DISPOSITION_CODES["noncontact"])
    attempts = np.where(answered, attempts, np.where(noncontact, ATTEMPTS, rng.integers(1, ATTEMPTS, n)))
    disposition = np.where(answered, COMPLETE, np.where(invited, disposition, ""))
    return Survey(
        invited=invited, invited_on=invited_on, answered=answered, answered_on=answered_on, attempts=attempts, disposition=disposition
    )


def _attempts(draw: Floats, chance: Floats) -> Integers:
    """The attempt that was answered, when each of five has the same chance and the five together have `chance`."""
    with np.errstate(divide="ignore", invalid="ignore"):
        attempt = np.ceil(ATTEMPTS * np.log1p(-draw) / np.log1p(-chance))
    return np.asarray(np.clip(np.nan_to_num(attempt, nan=1.0), 1, ATTEMPTS), np.intp)


def draw_silent(rng: np.random.Generator, population: Population, survey: Survey, *, rate: float, response: float) -> LaterDraw:
    """Follow-up of customers active at the reference date who were invited and gave no answer."""
    silent = survey.invited & ~survey.answered & ~survey.ineligible & ~population.left_by(REFERENCE_DATE)
    return _draw(rng, population, np.flatnonzero(silent), rate, response)


def draw_churned(rng: np.random.Generator, population: Population, survey: Survey, *, rate: float, response: float) -> LaterDraw:
    """Exit interviews with customers of the window who had left by the reference date and gave no survey answer."""
    churned = population.in_window & population.left_by(REFERENCE_DATE) & ~survey.answered
    return _draw(rng, population, np.flatnonzero(churned), rate, response)


def _draw(rng: np.random.Generator, population: Population, candidates: Integers, rate: float, response: float) -> LaterDraw:
    drawn = round(rate * candidates.size)
    reserve = min(drawn // 10, candidates.size - drawn)
    rows = rng.permutation(candidates)[: drawn + reserve]
    selected = np.arange(rows.size) < drawn
    chance = np.zeros(rows.size)
    chance[:drawn] = probability(population.effect("asked_again")[rows[:drawn]], response)
    heard = rng.random(rows.size) < chance
    asked_on = days(rng, REFERENCE_DATE, np.full(rows.size, np.datetime64("2026-10-31")), rows.size)
    return LaterDraw(rows=rows, selected=selected, heard=heard, answered_on=np.where(heard, asked_on, np.datetime64("NaT", "D")))
