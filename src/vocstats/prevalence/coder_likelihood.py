"""The latent class model of coders' labels: EM over distinct patterns, its acceleration, and the profile of a prevalence."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import sparse, special

from .._checks import Floats
from .._numerics import normal_quantile
from ..errors import ConvergenceError
from .coder_patterns import Patterns

LEAST = 1e-100  # of a chance in a logarithm
_CLOSE = 1e-8  # of a parameter, between one turn and the next
_TURNS = 20_000
_NEAREST = 0.05  # of the way to 0 or 1 that an extrapolation leaves
_MIXED = 1e-3  # of even chances in the start of a profile
_FEW = 2000  # patterns up to which every start goes on to its summit
_SHORT = 30  # turns of every start where there are more


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Parameters:
    """Prevalence p (K,), easy shares e (K,), and chances θ (J, K, K) that coder j says l of an item of class c."""

    p: Floats
    e: Floats
    theta: Floats

    def moved(self, one: Parameters, two: Parameters) -> Parameters:
        """Varadhan & Roland's step from here over two turns of the EM, kept inside the simplices."""
        turns = [each.vector() for each in (self, one, two)]
        first, change = turns[1] - turns[0], turns[2] - 2.0 * turns[1] + turns[0]
        length = -np.sqrt(float(first @ first) / max(float(change @ change), 1e-300))
        if length > -1.0:
            return two
        vector = turns[0] - 2.0 * length * first + length**2 * change
        vector = np.clip(vector, _NEAREST * turns[2], 1.0 - _NEAREST * (1.0 - turns[2]))  # a chance the EM holds at 0 never leaves it
        k = self.p.size
        p, e, theta = vector[:k], vector[k : 2 * k], vector[2 * k :].reshape(self.theta.shape)
        total = theta.sum(axis=2, keepdims=True)
        theta = np.where(total > 0, theta / np.where(total > 0, total, 1.0), two.theta)
        return Parameters(p=p / p.sum() if p.sum() > 0 else two.p, e=e, theta=theta)

    def vector(self) -> Floats:
        """Everything in one row."""
        return np.concatenate([self.p, self.e, self.theta.ravel()])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CoderModel:
    """Patterns, pseudo-counts of prevalence (K,) and of coders (J, K, K), whether items may be easy, and what gold items tell."""

    patterns: Patterns
    prevalence_prior: Floats
    coder_prior: Floats
    easy: bool
    gold_tells_prevalence: bool
    unanimous: Floats
    allowed: Floats
    totals: Any

    @classmethod
    def of(cls, patterns: Patterns, prevalence_prior: Floats, coder_prior: Floats, easy: bool, gold_tells_prevalence: bool) -> CoderModel:
        """With what does not change from turn to turn."""
        classes = patterns.shape[1]
        gold = patterns.gold
        return cls(
            patterns=patterns, prevalence_prior=prevalence_prior, coder_prior=coder_prior, easy=easy,
            gold_tells_prevalence=gold_tells_prevalence, unanimous=(patterns.votes == patterns.given[:, None]).astype(float),
            allowed=((gold[:, None] == np.arange(classes)) | (gold[:, None] < 0)).astype(float), totals=patterns.by_coder,
        )

    @property
    def anchored(self) -> bool:
        """Whether something beside the labels says which class is which."""
        return bool((self.patterns.gold >= 0).any() or self.coder_prior.any() or self.easy)

    @property
    def prevalence_counts(self) -> Floats:
        """Items of each pattern that tell the prevalence."""
        return self.patterns.counts * (1.0 if self.gold_tells_prevalence else self.patterns.gold < 0)

    def chances(self, at: Parameters) -> tuple[Floats, Floats, Floats]:
        """Log-likelihood of each pattern (S,), and chances (S, K) that its items are of a class and hard, and of a class and easy."""
        j, k = self.patterns.shape
        log_theta = np.log(np.maximum(at.theta, LEAST)).transpose(0, 2, 1).reshape(j * k, k)
        log_p = np.log(np.maximum(at.p, LEAST))
        before = log_p if self.gold_tells_prevalence else np.where(self.patterns.gold[:, None] < 0, log_p, 0.0)
        with np.errstate(divide="ignore"):
            known = before + np.log(self.allowed)
            hard = known + self.patterns.labels @ log_theta + np.log1p(-at.e)
            easy = known + np.log(self.unanimous) + np.log(at.e)
        top = np.maximum(hard.max(axis=1), easy.max(axis=1))
        hard, easy = np.exp(hard - top[:, None]), np.exp(easy - top[:, None])
        total = hard.sum(axis=1) + easy.sum(axis=1)
        return top + np.log(total), hard / total[:, None], easy / total[:, None]

    def value(self, at: Parameters, log_likelihood: Floats) -> float:
        """Log-likelihood with the logarithm of the pseudo-counts' density."""
        prior = special.xlogy(self.prevalence_prior, np.maximum(at.p, LEAST)).sum()
        prior += special.xlogy(self.coder_prior, np.maximum(at.theta, LEAST)).sum()
        return float(self.patterns.counts @ log_likelihood + prior)

    def label_counts(self, hard: Floats) -> Floats:
        """Expected labels (J, K, K) by coder, class and label."""
        j, k = self.patterns.shape
        sums = self.patterns.labels.T @ (self.patterns.counts[:, None] * hard)
        return np.asarray(sums).reshape(j, k, k).transpose(0, 2, 1) + self.coder_prior

    def turn(self, at: Parameters, held: tuple[int, float] | None = None) -> tuple[Parameters, float]:
        """One turn of the EM and the value before it; `held`: a class whose prevalence is fixed."""
        log_likelihood, hard, easy = self.chances(at)
        items = self.prevalence_counts @ (hard + easy) + self.prevalence_prior
        if held is None:
            p = items / items.sum()
        else:
            items[held[0]] = 0.0
            p = (1.0 - held[1]) * items / max(items.sum(), LEAST)
            p[held[0]] = held[1]
        labels = self.label_counts(hard)
        total = labels.sum(axis=2, keepdims=True)
        theta = np.where(total > 0, labels / np.where(total > 0, total, 1.0), at.theta)
        mass = self.patterns.counts
        e = np.divide(mass @ easy, mass @ (hard + easy), out=np.zeros_like(at.e), where=mass @ (hard + easy) > 0) if self.easy else at.e
        return Parameters(p=p, e=e, theta=theta), self.value(at, log_likelihood)

    def climb(self, at: Parameters, *, held: tuple[int, float] | None = None, turns: int = _TURNS, close: float = _CLOSE) -> Parameters:
        """To the maximum, two turns and an extrapolation at a time; it never goes down."""
        for _ in range(0, turns, 3):
            one, value = self.turn(at, held)
            two, _ = self.turn(one, held)
            if np.abs(two.vector() - one.vector()).max() < close and np.abs(one.vector() - at.vector()).max() < close:
                return two
            moved = at.moved(one, two)
            if held is not None and moved is not two:
                moved = replace(moved, p=_holding(moved.p, held))
            settled, reached = self.turn(moved, held)
            at = settled if reached >= value else two
        if turns < _TURNS:
            return at
        raise ConvergenceError(
            f"The EM of the coders' labels did not settle in {_TURNS} turns. Pseudo-counts of the coders, or gold items, make it settle.",
            code="coders_no_convergence", argument="label", turns=_TURNS,
        )

    def summits(self, starts: int, seed: int) -> list[Parameters]:
        """Where the EM ends, the highest first: from the majority's labels and from coders of random skill.

        With many patterns only the start that leads after 30 turns goes on.
        """
        rng = np.random.default_rng(seed)
        begun = [self._majority(), *(self._skilled(rng) for _ in range(starts - 1))]
        if self.patterns.counts.size > _FEW:
            led = [self.climb(start, turns=_SHORT) for start in begun]
            begun = [max(led, key=self.height)]
        return sorted((self.climb(start) for start in begun), key=self.height, reverse=True)

    def height(self, at: Parameters) -> float:
        """Log-likelihood, with that of the pseudo-counts."""
        return self.turn(at)[1]

    def _majority(self) -> Parameters:
        votes = self.patterns.votes / self.patterns.given[:, None]
        chance = np.where(self.patterns.gold[:, None] >= 0, self.allowed, votes)
        labels = self.label_counts(chance) + 1e-6
        items = self.prevalence_counts @ chance + self.prevalence_prior + 1e-6
        theta, e = labels / labels.sum(axis=2, keepdims=True), np.full(items.size, 0.3 if self.easy else 0.0)
        return Parameters(p=items / items.sum(), e=e, theta=theta)

    def _skilled(self, rng: np.random.Generator) -> Parameters:
        j, k = self.patterns.shape
        skill = rng.uniform(0.3, 0.95, size=(j, 1, 1))
        theta = skill * np.eye(k) + (1.0 - skill) * rng.dirichlet(np.ones(k), size=(j, k))
        return replace(self._majority(), p=rng.dirichlet(np.full(k, 2.0)), theta=theta)

    def profile_limits(self, top: Parameters, error: Floats, level: float) -> tuple[Floats, Floats]:
        """Prevalences whose profile deviance is the chi-square quantile, one pair per class; two classes mirror each other."""
        best, k = self.height(top), top.p.size
        low, high = np.zeros(k), np.ones(k)
        for c in range(1, k) if k == 2 else range(k):
            low[c], high[c] = (self._limit(top, best, c, float(error[c]), way, level) for way in (-1.0, 1.0))
        if k == 2:
            low[0], high[0] = 1.0 - high[1], 1.0 - low[1]
        return low, high

    def _limit(self, top: Parameters, best: float, c: int, error: float, way: float, level: float) -> float:
        from scipy.optimize import brentq

        edge = 1e-9 if way < 0 else 1.0 - 1e-9
        centre = float(np.clip(top.p[c], 1e-9, 1.0 - 1e-9))
        short, mixed = 0.5 * normal_quantile(level) ** 2, (1.0 - _MIXED) * top.theta + _MIXED / top.p.size
        e = (1.0 - _MIXED) * top.e + 0.5 * _MIXED * self.easy

        def beyond(share: float) -> float:
            at = self.climb(replace(top, p=_holding(top.p, (c, share)), e=e, theta=mixed), held=(c, share), close=1e-6)
            return self.height(at) - best + short

        step = max(normal_quantile(level) * error, 1e-4) if np.isfinite(error) else 0.05
        far = centre
        while True:
            near, far = far, min(max(far + way * step, 1e-9), 1.0 - 1e-9)
            if beyond(far) < 0.0:
                return float(brentq(beyond, near, far, xtol=1e-3 * step))
            if far == edge:
                return 0.0 if way < 0 else 1.0


def _holding(p: Floats, held: tuple[int, float]) -> Floats:
    """Prevalences with that of one class fixed and the others in their proportions."""
    others = np.maximum(p, 1e-12)
    others[held[0]] = 0.0
    fixed = (1.0 - held[1]) * others / others.sum()
    fixed[held[0]] = held[1]
    return np.asarray(fixed)


def expanded(theta: Floats, c: int) -> Any:
    """Sparse (J, J K): row j holds θ_jc at the places of coder j's labels."""
    j, k = theta.shape[:2]
    return sparse.csr_matrix((theta[:, c].ravel(), (np.repeat(np.arange(j), k), np.arange(j * k))), shape=(j, j * k))
