"""The likelihood of a table of answers and refusals, its EM and its profile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from .._checks import Floats, Integers
from .._numerics import normal_quantile
from ..errors import ConvergenceError

_LEAST = 1e-9  # of a probability, so that its logarithm is finite
_CLOSE = 1e-6  # of a limit, in shares


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RefusalLikelihood:
    """Answers n (cells, K), refusals m (cells,), group of each cell; parameters P(y|x) and S(g, y) = P(refuse | g, y) in one row."""

    n: Floats
    m: Floats
    group: Integers
    groups: int

    @classmethod
    def of(cls, n: Floats, m: Floats, group: Integers) -> Self:
        """With the groups renumbered to those that occur."""
        codes = np.unique(group, return_inverse=True)[1].ravel()
        return cls(n=n, m=m, group=codes, groups=int(codes.max()) + 1)

    @property
    def size(self) -> Floats:
        """People in each cell."""
        return np.asarray(self.n.sum(axis=1) + self.m)

    def turn(self, odds: Floats) -> Floats:
        """One turn of the EM."""
        refused, answered = np.zeros_like(odds), np.zeros_like(odds)
        np.add.at(refused, self.group, self._expected(odds))
        np.add.at(answered, self.group, self.n)
        return np.divide(refused, answered, out=np.zeros_like(odds), where=answered > 0)

    def completed(self, odds: Floats) -> Floats:
        """Shares of the answers with the refusals divided among them."""
        return np.asarray((self.n + self._expected(odds)).sum(axis=0) / self.size.sum())

    def value_of_odds(self, odds: Floats) -> float:
        """Log-likelihood at the shares among those who answered and the odds to refuse."""
        p = self.n / self.n.sum(axis=1, keepdims=True)
        q = (p * odds[self.group]).sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            answers = np.where(self.n > 0, self.n * np.log(p), 0.0).sum()
            return float(answers - self.size @ np.log1p(q) + np.where(self.m > 0, self.m * np.log(q), 0.0).sum())

    def _expected(self, odds: Floats) -> Floats:
        part = self.n / self.n.sum(axis=1, keepdims=True) * odds[self.group]
        return np.asarray(self.m[:, None] * part / part.sum(axis=1, keepdims=True))

    def _split(self, theta: Floats) -> tuple[Floats, Floats]:
        cells, k = self.n.shape
        return theta[: cells * k].reshape(cells, k), theta[cells * k :].reshape(self.groups, k)

    def _loss(self, theta: Floats) -> tuple[float, Floats]:
        """Minus the log-likelihood per person, and its slope."""
        p, s = self._split(theta)
        refuse, total = s[self.group], self.size.sum()
        q = np.maximum((p * refuse).sum(axis=1), 1e-300)
        value = -(self.n * (np.log(p) + np.log1p(-refuse))).sum() - self.m @ np.log(q)
        by_cell = self.n / (1.0 - refuse) - (self.m / q)[:, None] * p
        to_s = np.zeros_like(s)
        np.add.at(to_s, self.group, by_cell)
        to_p = -self.n / p - (self.m / q)[:, None] * refuse
        return float(value / total), np.concatenate([to_p.ravel(), to_s.ravel()]) / total

    def value(self, theta: Floats) -> float:
        """Log-likelihood."""
        return -self._loss(theta)[0] * float(self.size.sum())

    def shares(self, theta: Floats) -> Floats:
        """Shares of the answers among everybody."""
        return np.asarray(self.size @ self._split(theta)[0] / self.size.sum())

    def refusing(self, theta: Floats) -> Floats:
        """S(g, y)."""
        return self._split(theta)[1]

    def ignorable(self) -> tuple[Floats, Floats]:
        """Shares, and their standard errors, where refusing depends on the cell and not on the answer; sizes of the cells fixed."""
        answered = self.n.sum(axis=1, keepdims=True)
        p, weight = self.n / answered, self.size / self.size.sum()
        return np.asarray(weight @ p), np.sqrt(weight**2 @ (p * (1.0 - p) / answered))

    def maximum(self, odds: Floats) -> Floats:
        """Parameters at the maximum, from those of the EM and from ignorable refusal, whichever leads higher."""
        rate = np.bincount(self.group, self.m) / np.bincount(self.group, self.size)
        even = np.repeat(rate[:, None], self.n.shape[1], axis=1)
        p = np.maximum(self.n / self.n.sum(axis=1, keepdims=True), _LEAST)
        found = [self._solved(np.concatenate([p.ravel(), s.ravel()]), None) for s in (even, np.clip(odds / (1.0 + odds), 1e-3, 1 - 1e-3))]
        return min(found, key=lambda theta: self._loss(theta)[0])

    def limits(self, k: int, top: Floats, level: float) -> tuple[float, float]:
        """Shares of answer k whose profile deviance is the chi-square quantile of `level` with one degree of freedom."""
        centre, highest, allowed = float(self.shares(top)[k]), self.value(top), normal_quantile(level) ** 2
        ends = []
        for way in (-1.0, 1.0):
            inside, at, step = centre, top, 0.01
            while step > _CLOSE:
                share = inside + way * step
                theta = self._solved(at, (k, share)) if 1e-4 < share < 1.0 - 1e-4 else None
                if theta is not None and 2.0 * (highest - self.value(theta)) < allowed:
                    inside, at = share, theta
                else:
                    step /= 4.0
            ends.append(inside)
        return ends[0], ends[1]

    def _solved(self, start: Floats, held: tuple[int, float] | None) -> Floats:
        """Maximum of the likelihood, of those parameters whose share of answer k is held where one is given."""
        from scipy import optimize

        cells, k = self.n.shape
        sums = np.hstack([np.kron(np.eye(cells), np.ones(k)), np.zeros((cells, self.groups * k))])
        right = np.ones(cells)
        if held is not None:
            row = np.zeros(start.size)
            row[held[0] : cells * k : k] = self.size / self.size.sum()
            sums, right = np.vstack([sums, row]), np.append(right, held[1])
        bounds = [(_LEAST, 1.0)] * (cells * k) + [(_LEAST, 1.0 - _LEAST)] * (self.groups * k)
        equal: Any = {"type": "eq", "fun": lambda theta: sums @ theta - right, "jac": lambda theta: sums}
        begin = np.clip(start, _LEAST, 1.0 - _LEAST)
        done = optimize.minimize(
            self._loss, begin, jac=True, method="SLSQP", bounds=bounds, constraints=[equal], options={"maxiter": 1000, "ftol": 1e-13}
        )
        theta = np.clip(done.x, _LEAST, 1.0 - _LEAST)
        if not np.abs(sums @ theta - right).max() < 1e-6:
            raise ConvergenceError(
                f"The likelihood of the table found no maximum ({done.message}). Merge rare answers or small cells.",
                code="refusal_not_converged", argument="answers", reason=str(done.message),
            )
        return theta
