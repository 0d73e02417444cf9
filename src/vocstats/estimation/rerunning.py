"""The masses of all replicates, some replicates at a time: chains re-run on resampled multiplicities, or matrices as given."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from .._checks import Floats, Integers
from ..errors import ConvergenceError, IdentificationError, InfeasibleError, VocstatsError, shown
from ..weighting.chain import Weights
from .resampling import Resampling

CHUNK = 1 << 21  # entries of rows x replicates worked on at once
STORED = 1 << 27  # entries of rows heard x replicates kept in memory (1 GiB); more are computed anew for every estimate
FAILURES = (ConvergenceError, IdentificationError, InfeasibleError)


class Source(Protocol):
    """Where the masses (n, b) of the replicates `numbers` come from."""

    def masses(self, numbers: Integers) -> Floats: ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rerun:
    """The chain on other multiplicities; estimated targets move by `shifts` (p, R). Columns are contiguous in memory."""

    weights: Weights
    resampling: Resampling
    shifts: Floats

    def masses(self, numbers: Integers) -> Floats:
        """Multiplicity times weight."""
        counts = self.resampling.factors(numbers) * self.weights.counts[:, None]
        if not self.shifts.size:
            return np.asarray(self.weights.rerun_many(counts) * counts)
        columns = [self.weights.rerun(counts[:, j], shift=self.shifts[:, r]).mass for j, r in enumerate(numbers)]
        return np.column_stack(columns)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AsGiven:
    """Final replicate weights (n, R) times what each row stands for beside them."""

    matrix: Floats
    beside: Floats

    def masses(self, numbers: Integers) -> Floats:
        """Count times replicate weight."""
        return np.asarray(self.matrix[:, numbers] * self.beside[:, None])


def fingerprint(source: Source, numbers: Integers) -> str:
    """What the first and the last replicate drew, and which there are; empty for replicate weights as given."""
    if not isinstance(source, Rerun) or not numbers.size:
        return ""
    drawn = source.resampling.factors(numbers[[0, -1]])
    return hashlib.sha256(drawn.tobytes() + numbers.tobytes()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Run:
    """All replicates, computed once: the rows heard in any of them, those that failed, and the masses if they are few enough."""

    rows: Integers
    numbers: Integers
    chunks: tuple[Floats, ...] | None
    failures: dict[int, VocstatsError]


def run(source: Source, weights: Weights, size: int, *, drop: bool) -> Run:
    """Compute every replicate.

    Parameters
    ----------
    source : Source
    weights : Weights
        The full sample.
    size : int
        Number of replicates.
    drop : bool
        Go on past replicates that fail; otherwise those of the first chunk with a failure are named.

    Raises
    ------
    InfeasibleError
        A replicate failed, and `drop` is false; or all did.
    """
    heard = weights.mass != 0
    keep = int(heard.sum()) * size <= STORED
    everywhere = heard.copy()
    failures: dict[int, VocstatsError] = {}
    parts: list[tuple[Integers, Floats]] = []
    for numbers in chunked(np.arange(size), len(weights)):
        masses = _attempted(source, numbers, len(weights), failures)
        good = np.array([number not in failures for number in numbers])
        if failures and (not drop or len(failures) == size):
            _refuse(failures, int(numbers[-1]) + 1)
        masses = masses if good.all() else masses[:, good]
        found = heard | (masses != 0).any(axis=1)
        everywhere |= found
        if keep:
            parts.append((np.flatnonzero(found), masses if found.all() else masses[found]))
    rows = np.flatnonzero(everywhere)
    return Run(
        rows=rows, numbers=np.array([number for number in range(size) if number not in failures], np.intp),
        chunks=tuple(_on(rows, found, masses) for found, masses in parts) if keep else None, failures=failures,
    )


def chunked(numbers: Integers, length: int) -> Iterator[Integers]:
    """Numbers of replicates in chunks of bounded size."""
    width = max(1, CHUNK // max(length, 1))
    for start in range(0, numbers.size, width):
        yield numbers[start : start + width]


def _attempted(source: Source, numbers: Integers, length: int, failures: dict[int, VocstatsError]) -> Floats:
    """Masses of a chunk; halves it until the replicates that fail stand alone, files them, and leaves them missing."""
    try:
        return source.masses(numbers)
    except FAILURES as error:
        if numbers.size == 1:
            failures[int(numbers[0])] = error
            return np.full((length, 1), np.nan)
    return np.hstack([_attempted(source, half, length, failures) for half in np.array_split(numbers, 2)])


def _on(rows: Integers, found: Integers, masses: Floats) -> Floats:
    """Masses on more rows, 0 where none were found."""
    if found.size == rows.size:
        return masses
    wider = np.zeros((rows.size, masses.shape[1]))
    wider[np.searchsorted(rows, found)] = masses
    return wider


def _refuse(failures: dict[int, VocstatsError], tried: int) -> None:
    number, first = next(iter(failures.items()))
    numbers = shown(number + 1 for number in failures)
    raise InfeasibleError(
        f"The chain of weights cannot be re-run in {len(failures)} of the first {tried} replicates (numbers {numbers}). "
        f'In number {number + 1}: {first} Merge the levels named; or use method="jackknife", or a bootstrap with draws=0.5, in which '
        'a unit not drawn keeps part of its count; or leave such replicates out with failed="drop".',
        code="replicates_failed", argument="w", levels=first.levels, count=len(failures), tried=tried, numbers=numbers, cause=first.code,
    ) from first
