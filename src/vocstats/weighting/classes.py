"""Adjustment classes: the response rate of a class as probability; classes given, formed from propensities, or merged."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse, special

from .._numerics import sums_by
from ..errors import InfeasibleError, shown
from .chain import Floats, Matrix, times
from .distances import products, scaled
from .response_models import Flags, extremes, fit_response, inverse, refuse_empty

_DIGITS = 9  # of log odds: people alike in every covariate must not fall into two classes by rounding
_EDGE = 1e-9

Codes = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Merge:
    """Two neighbouring classes made one because too few were heard in the first.

    Attributes
    ----------
    classes, into : tuple
        Labels in the class that was too small, and in the neighbour it was joined to.
    heard, heard_into : float
        How many were heard in either.
    """

    classes: tuple[Any, ...]
    into: tuple[Any, ...]
    heard: float
    heard_into: float


@dataclass(frozen=True, slots=True, eq=False)
class Classes:
    """How classes come about: given as codes with ordered labels, or equal shares in order of a logistic propensity."""

    codes: Codes | None = None
    labels: tuple[Any, ...] = ()
    x: Matrix = None
    columns: tuple[Any, ...] = ()

    def assign(self, heard: Flags, w_in: Floats, counts: Floats) -> Codes:
        """Class of every unit; formed anew where they come from propensities."""
        if self.codes is not None:
            return self.codes
        fitted = fit_response("logistic", self.x, list(self.columns), heard, w_in, counts)
        _, rank = np.unique(np.round(special.logit(fitted.probability), _DIGITS), return_inverse=True)
        share = sums_by(rank, fitted.mass, int(rank.max()) + 1)
        below = (np.cumsum(share) - share) / share.sum()
        number: Codes = np.minimum((len(self.labels) * (below + _EDGE)).astype(np.intp), len(self.labels) - 1)
        return number[rank]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClassStep:
    """Weights of those heard divided by the response rate of their class; 0 for the others.

    Attributes
    ----------
    groups : int array (n,)
        Class of each unit after merging.
    group_labels : list of tuples
        Labels that each of these classes holds.
    merges : tuple of Merge
        What was merged, in that order.
    """

    name: str
    classes: Classes
    minimum: float | None
    heard: Flags
    groups: Codes
    group_labels: list[tuple[Any, ...]]
    merges: tuple[Merge, ...]
    probability: Floats
    mass: Floats
    factor: Floats

    def gradient(self, *, exact: bool = False) -> Matrix | None:
        """Derivative of the factor R / p for given classes; None (held fixed) where the classes depend on who was heard."""
        if self.classes.codes is None or self.minimum is not None:
            return None
        return scaled(self._indicators(), np.where(self.heard, -1.0 / self.probability**2, 0.0))

    def score(self, *, contrast: bool = False) -> Matrix:
        """R - p in the class; between heard and not heard 1."""
        x = self._indicators()
        return x if contrast else scaled(x, self.heard - self.probability)

    def bread(self, *, exact: bool = False) -> Matrix:
        """Mass of the classes on the diagonal."""
        return products(self._indicators(), self.mass)

    def rerun(self, w_in: Floats, counts: Floats) -> ClassStep:
        """Classes formed, merged and their rates estimated with other weights and multiplicities."""
        return fit_classes(self.classes, self.heard, w_in, counts, minimum=self.minimum)

    def details(self) -> dict[str, float]:
        """Classes left, merges done, and the extreme probabilities."""
        found = {"iterations": 1.0, "classes": float(len(self.group_labels)), "merged": float(len(self.merges))}
        return found | extremes(self.heard, self.probability, self.mass)

    def _indicators(self) -> Matrix:
        n = self.groups.size
        return sparse.csr_array((np.ones(n), self.groups, np.arange(n + 1)), shape=(n, len(self.group_labels)))


def fit_classes(classes: Classes, heard: Flags, w_in: Floats, counts: Floats, *, minimum: float | None) -> ClassStep:
    """Response rates of the classes, small ones merged first if there is a `minimum`."""
    mass = np.array(times(counts, w_in))
    refuse_empty(heard, mass)
    codes = classes.assign(heard, w_in, counts)
    size = len(classes.labels)
    everybody, known = sums_by(codes, mass, size), sums_by(codes, mass * heard, size)
    groups, merges = np.arange(size), tuple[Merge, ...]()
    if minimum is not None:
        often = sums_by(codes, np.where(heard & (mass > 0.0), counts, 0.0), size)
        groups, merges = _merged(often, everybody > 0.0, classes.labels, minimum)
    count = int(groups.max()) + 1
    asked, answered = sums_by(groups, everybody, count), sums_by(groups, known, count)
    first = np.searchsorted(groups, np.arange(count + 1))  # groups hold neighbours, in order
    labels = [tuple(classes.labels[a:b]) for a, b in pairwise(first.tolist())]
    empty = [label for g in np.flatnonzero((asked > 0.0) & (answered == 0.0)) for label in labels[g]]
    if empty:
        raise InfeasibleError(
            f"Nobody was heard in the classes {shown(empty)}. Merge them with a neighbour.",
            code="class_not_heard", argument="classes", levels=empty,
        )
    rate = np.divide(answered, asked, out=np.ones(count), where=asked > 0.0)
    group = groups[codes]
    probability = rate[group]
    return ClassStep(
        name="propensity", classes=classes, minimum=minimum, heard=heard, groups=group, group_labels=labels, merges=merges,
        probability=probability, mass=mass, factor=inverse(heard, probability),
    )


def _merged(heard: Floats, present: Flags, labels: tuple[Any, ...], minimum: float) -> tuple[Codes, tuple[Merge, ...]]:
    """Join the smallest class to the smaller of its neighbours until every class has `minimum` heard; ties to the first.

    Classes without anybody in the sample go with the class before them (the first with the one after).
    """
    if heard.sum() < minimum:
        raise InfeasibleError(
            f"Only {heard.sum():g} people were heard; no class can have {minimum:g}. Lower minimum, or leave the classes out.",
            code="fewer_heard_than_minimum", argument="minimum", heard=float(heard.sum()), minimum=minimum,
        )
    runs = [[int(k)] for k in np.flatnonzero(present)]
    sizes = [float(heard[run[0]]) for run in runs]
    merges = []
    while min(sizes) < minimum:
        small = sizes.index(min(sizes))
        beside = [k for k in (small - 1, small + 1) if 0 <= k < len(runs)]
        other = min(beside, key=lambda k: (sizes[k], k))
        pair = [tuple(labels[k] for k in runs[place]) for place in (small, other)]
        merges.append(Merge(pair[0], pair[1], sizes[small], sizes[other]))
        first, second = sorted((small, other))
        runs[first] += runs.pop(second)
        sizes[first] += sizes.pop(second)
    starts = np.array([run[0] for run in runs])
    return np.maximum(np.searchsorted(starts, np.arange(heard.size), side="right") - 1, 0), tuple(merges)
