"""What was seen of the answers of people some of whom said "don't know": which complete answers go with it, and how many gave it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._checks import Floats
from ..errors import ConvergenceError

_TURNS = 100_000
_CLOSE = 1e-12  # of a chance, between one turn and the next
_EMPTY = 1e-10  # chance below which a cell stands at 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SeenAnswers:
    """What was seen of people: counts (O,) and which complete answers (C,) go with each (O, C); `shape` of the complete answers."""

    counts: Floats
    fits: Floats
    shape: tuple[int, ...]

    @classmethod
    def of(cls, table: Floats, missing: Sequence[int | None]) -> SeenAnswers:
        """Of the cells somebody is in."""
        fits: Any = np.ones((1, 1))
        for size, gap in zip(table.shape, missing, strict=True):
            own = np.eye(size) if gap is None else np.insert(np.eye(size - 1), gap, 1.0, axis=0)
            fits = np.kron(fits, own)
        used = np.flatnonzero(table.ravel() > 0)
        shape = tuple(size - (gap is not None) for size, gap in zip(table.shape, missing, strict=True))
        return cls(counts=table.ravel()[used], fits=fits[used], shape=shape)

    def event(self, asked: Mapping[int, Sequence[int]]) -> Floats:
        """1 for the complete answers asked about, (C,)."""
        inside = np.ones(self.shape)
        for axis, places in asked.items():
            own = np.isin(np.arange(self.shape[axis]), places).astype(float)
            inside *= own.reshape([-1 if each == axis else 1 for each in range(inside.ndim)])
        return inside.ravel()

    def sure(self, asked: Mapping[int, Sequence[int]], *, against: bool = False) -> float:
        """People who are for certain among those asked about, or for certain not."""
        wanted = 1.0 - self.event(asked) if against else self.event(asked)
        return float(self.counts[self.fits @ (1.0 - wanted) == 0.0].sum())

    def complete(self, asked: Mapping[int, Sequence[int]]) -> tuple[float, float]:
        """People among those asked about, and all, of those who answered everything."""
        answered = self.fits.sum(axis=1) == 1.0
        return float((self.counts * answered) @ (self.fits @ self.event(asked))), float(self.counts[answered].sum())

    def at_random(self, asked: Mapping[int, Sequence[int]]) -> tuple[float, float]:
        """The share and its standard error if "don't know" is missing at random; NaN where that does not tell it."""
        p, event = self._maximum(), self.event(asked)
        inside = p > _EMPTY
        fits = self.fits[:, inside]
        information = fits.T @ ((self.counts / (fits @ p[inside]) ** 2)[:, None] * fits)
        basis = np.linalg.svd(np.ones((1, int(inside.sum()))))[2][1:]  # directions in which shares still add up to 1
        slope, curved = basis @ event[inside], basis @ information @ basis.T
        change = np.linalg.pinv(curved, rcond=1e-9, hermitian=True) @ slope
        if np.abs(curved @ change - slope).max(initial=0.0) > 1e-6:
            return np.nan, np.nan
        return float(event @ p), float(np.sqrt(max(float(slope @ change), 0.0)))

    def _maximum(self) -> Floats:
        """Shares of the complete answers by EM."""
        p, n = np.full(self.fits.shape[1], 1.0 / self.fits.shape[1]), self.counts.sum()
        for _ in range(_TURNS):
            new = p * (self.fits.T @ (self.counts / (self.fits @ p))) / n
            if np.abs(new - p).max() < _CLOSE:
                return np.asarray(new)
            p = new
        raise ConvergenceError(
            f"The EM of the table did not settle in {_TURNS} turns. Merge answers that few people gave.",
            code="unanswered_no_convergence", argument="table", turns=_TURNS,
        )
