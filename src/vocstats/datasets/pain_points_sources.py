"""What the sources see of simulated pains.

    survey             everybody engaged; its coder finds the pain with chance Se at those who have it, 1 - Sp at the others
    follow-up          a random part of the silent who can be reached, asked by interviewers: what they say is the truth
    exit interviews    a random part of the churned, likewise
    comments           a random part of the engaged; the pain is mentioned with chance m1 by those who have it, m0 by the others, and
                       coded with a Se and Sp of their own
    tickets            of everybody; who has the pain reports it with chance ρ_k h_d, h_d log-normal by dealer
    audit              of each coder, by truth (n1 with the pain, n0 without), by what he found, or at random
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._checks import Floats
from ..options import AuditDrawnBy
from .pain_points_world import CHURNED, ENGAGED, SILENT, Counts, Customers, Sufferers

MENTION, FALSE_MENTION = (8.0, 12.0), (2.0, 98.0)  # beta distributions of m1 and m0
_RHO_CONCENTRATION = 30.0
_HABIT_SPREAD = 0.4  # of log h between dealers


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Coder:
    """How a coder sees each of K pains."""

    sensitivity: Floats
    specificity: Floats

    @classmethod
    def draw(cls, rng: np.random.Generator, pains: int, sensitivity: tuple[float, float], specificity: tuple[float, float]) -> Coder:
        """Uniform between limits."""
        return cls(sensitivity=rng.uniform(*sensitivity, pains), specificity=rng.uniform(*specificity, pains))

    def code(self, rng: np.random.Generator, have: Counts, n: Counts) -> Counts:
        """How many of `n` he finds, where `have` of them have it; arrays (K, ...)."""
        wide = (slice(None), *(None,) * (have.ndim - 1))
        return rng.binomial(have, self.sensitivity[wide]) + rng.binomial(n - have, 1.0 - self.specificity[wide])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Seen:
    """What one source found in one response group: of `n` (S, D) looked at, `positive` (K, S, D)."""

    source: str
    group: int
    positive: Counts
    n: Counts


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fieldwork:
    """What all sources saw, and how.

    `coders` by coded source; `coded` the share of what each coded that he should find, by pain; `mentions` m1 and m0 by pain.
    """

    seen: list[Seen]
    coders: dict[str, Coder]
    coded: dict[str, Floats]
    mentions: dict[str, tuple[Floats, Floats]]


def ask(
    rng: np.random.Generator, customers: Customers, sufferers: Sufferers, *, sensitivity: tuple[float, float],
    specificity: tuple[float, float], follow_up: float, exit_interviews: float, comments: float, tickets: float,
) -> Fieldwork:
    """All sources; a share of 0 leaves one out."""
    streams, pains = rng.spawn(5), int(sufferers.have.shape[0])
    engaged, have = customers.counts[..., ENGAGED], sufferers.have[..., ENGAGED]
    rate = have.sum(axis=(1, 2)) / max(int(engaged.sum()), 1)
    survey = Coder.draw(streams[0], pains, sensitivity, specificity)
    seen = [Seen(source="survey", group=ENGAGED, positive=survey.code(streams[0], have, engaged), n=engaged)]
    work = Fieldwork(seen=seen, coders={"survey": survey}, coded={"survey": rate}, mentions={})
    if follow_up:
        seen.append(_follow_up(streams[1], customers, sufferers, follow_up))
    if exit_interviews:
        seen.append(_exit_interviews(streams[2], customers, sufferers, exit_interviews))
    if comments:
        coder = work.coders["comment"] = Coder.draw(streams[3], pains, sensitivity, specificity)
        m1, m0 = streams[3].beta(MENTION[0], MENTION[1], pains), streams[3].beta(FALSE_MENTION[0], FALSE_MENTION[1], pains)
        work.mentions["comment"] = m1, m0
        work.coded["comment"] = rate * m1 + (1.0 - rate) * m0
        n = streams[3].binomial(engaged, comments)
        writers = _sample(streams[3], have, engaged, n)
        mentioned = streams[3].binomial(writers, m1[:, None, None]) + streams[3].binomial(n - writers, m0[:, None, None])
        seen.append(Seen(source="comment", group=ENGAGED, positive=coder.code(streams[3], mentioned, n), n=n))
    if tickets:
        rho = _reporting(streams[4], pains, tickets)
        work.mentions["ticket"] = rho, np.zeros(pains)
        seen += _tickets(streams[4], customers, sufferers, rho)
    return work


def _follow_up(rng: np.random.Generator, customers: Customers, sufferers: Sufferers, share: float) -> Seen:
    """About `share` of the silent, of those who can be reached."""
    n = np.minimum(rng.binomial(customers.counts[..., SILENT], share), sufferers.reachable)
    return Seen(source="follow_up", group=SILENT, positive=_sample(rng, sufferers.reachable_have, sufferers.reachable, n), n=n)


def _exit_interviews(rng: np.random.Generator, customers: Customers, sufferers: Sufferers, share: float) -> Seen:
    """About `share` of the churned."""
    total = customers.counts[..., CHURNED]
    n = rng.binomial(total, share)
    return Seen(source="exit_interview", group=CHURNED, positive=_sample(rng, sufferers.have[..., CHURNED], total, n), n=n)


def _reporting(rng: np.random.Generator, pains: int, rate: float) -> Floats:
    """ρ by pain, `rate` on average."""
    return rng.beta(_RHO_CONCENTRATION * rate, _RHO_CONCENTRATION * (1.0 - rate), pains) if rate < 1.0 else np.ones(pains)


def _tickets(rng: np.random.Generator, customers: Customers, sufferers: Sufferers, rho: Floats) -> list[Seen]:
    """Customers of each response group who reported the pain."""
    habit = np.exp(rng.normal(-(_HABIT_SPREAD**2) / 2, _HABIT_SPREAD, customers.counts.shape[1]))  # mean 1
    chance = np.minimum(rho[:, None] * habit, 1.0)[:, None, :]
    return [
        Seen(source="ticket", group=group, positive=rng.binomial(sufferers.have[..., group], chance), n=customers.counts[..., group])
        for group in (ENGAGED, SILENT, CHURNED)
    ]


def draw_audit(
    rng: np.random.Generator, coder: Coder, prevalence: Floats, sizes: tuple[int, int], drawn_by: AuditDrawnBy
) -> tuple[Counts, Counts]:
    """Found by the coder and looked at, (K, 2) by truth 0 and 1; `prevalence` (K,) is that of what he coded."""
    true, false = sizes
    caught, raised = prevalence * coder.sensitivity, (1.0 - prevalence) * (1.0 - coder.specificity)
    missed, passed = prevalence - caught, 1.0 - prevalence - raised
    if drawn_by == "random":
        table = rng.multinomial(true + false, np.stack([caught, missed, raised, passed], axis=-1))
        hit, miss, alarm, rest = table.T
    elif drawn_by == "truth":
        hit, alarm = rng.binomial(true, coder.sensitivity), rng.binomial(false, 1.0 - coder.specificity)
        miss, rest = true - hit, false - alarm
    else:
        hit, miss = rng.binomial(true, _share(caught, raised)), rng.binomial(false, _share(missed, passed))
        alarm, rest = true - hit, false - miss
    return np.stack([alarm, hit], axis=-1), np.stack([alarm + rest, hit + miss], axis=-1)


def _share(part: Floats, other: Floats) -> Floats:
    total = part + other
    return np.divide(part, total, out=np.zeros_like(total), where=total > 0)


def _sample(rng: np.random.Generator, have: Counts, total: Counts, n: Counts) -> Counts:
    """How many of `n` drawn at random of `total`, `have` of whom have it, have it."""
    return np.asarray(rng.hypergeometric(have, total - have, np.broadcast_to(n, have.shape)), np.int64)
