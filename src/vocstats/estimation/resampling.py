"""What is drawn again and how often every row then stands there: bootstrap and jackknife."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from .._checks import Floats, Integers, factorize
from .._numerics import sums_by
from ..errors import InputError
from .design import Design
from .stages import CENSUS, fractions, refuse_lonely


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Units:
    """What is drawn again: the first-stage clusters of a sample, or its rows, each as often as it stands there.

    Attributes
    ----------
    of_row : int array (n,)
        Unit of each row; G outside the sample.
    often : float array (G,)
        Identical units this one stands for: 1 for a cluster, the count of a row.
    home : int array (G,)
        Stratum.
    drawn : float array (H,)
        Units n_h in the sample.
    open_share : float array (H,)
        1 - f_h: what first-stage sampling left undrawn; 0 for a census.
    """

    of_row: Integers
    often: Floats
    home: Integers
    drawn: Floats
    open_share: Floats

    @property
    def lonely(self) -> npt.NDArray[np.bool_]:
        """Strata with one unit that are no census."""
        return np.asarray((self.drawn == 1) & (self.open_share > 0))

    @property
    def telling(self) -> npt.NDArray[np.bool_]:
        """Strata that add to a variance."""
        return np.asarray((self.drawn > 1) & (self.open_share > 0))

    def rows_in(self, strata: npt.NDArray[np.bool_]) -> Integers:
        """Rows of the sample that lie in some strata."""
        return np.flatnonzero(np.append(strata[self.home], False)[self.of_row])

    def spread(self, factors: Floats) -> Floats:
        """Factors (b, G) of the units to the rows, as (n, b) with contiguous columns; 1 outside the sample."""
        if self.often.size == self.of_row.size:  # every row is a unit
            return factors.T
        return np.take(np.hstack([factors, np.ones((len(factors), 1))]), self.of_row, axis=1).T


def first_stage(design: Design, sampled: Floats) -> Units:
    """First-stage units of the rows that stand `sampled` times in the sample (0: not in it).

    Raises
    ------
    InputError
        The fpc does not fit, a stratum has one unit under ``lonely_psu="fail"``, or there is nothing to draw again.
    """
    inside = np.flatnonzero(sampled > 0)
    strata = factorize(design.strata[0][inside] if design.strata else np.zeros(inside.size, np.intp), "strata")[0]
    clusters = design.clusters[0]
    if clusters is None:
        unit, often, home = np.arange(inside.size), sampled[inside], strata
    else:
        unit, levels = factorize(clusters[inside], "clusters")
        often, home = np.ones(levels.size), np.zeros(levels.size, np.intp)
        home[unit] = strata
    drawn = sums_by(home, often, int(home.max(initial=-1)) + 1)
    share = fractions(0, strata, design.fpc[0][inside], drawn, sampled[inside]) if design.fpc else np.zeros(drawn.size)
    of_row = np.full(sampled.size, often.size, np.intp)
    of_row[inside] = unit
    units = Units(of_row=of_row, often=often, home=home, drawn=drawn, open_share=np.where(1.0 - share >= CENSUS, 1.0 - share, 0.0))
    if units.lonely.any() and design.lonely_psu == "fail":
        refuse_lonely(0, int(units.lonely.sum()), units.rows_in(units.lonely))
    if not units.telling.any():
        raise InputError(
            "There is nothing to draw again: every stratum is a census or holds one cluster. "
            "The sample tells nothing about the variance of such a draw.",
            code="nothing_to_resample", argument="design",
        )
    return units


class Resampling(Protocol):
    """Multiplicities of the rows by replicate, and what the squared deviation of each replicate is multiplied by.

    `often` says how many identical replicates one stands for; `rscales` contains it.
    """

    @property
    def scale(self) -> float: ...
    @property
    def rscales(self) -> Floats: ...
    @property
    def often(self) -> Floats: ...
    def factors(self, numbers: Integers) -> Floats:
        """Factors (n, b) by which the counts of the rows are multiplied in the replicates `numbers`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bootstrap:
    """Rao, Wu and Yue's rescaled bootstrap: m_h of n_h units drawn with replacement, r_i times unit i.

        factor = 1 - λ + λ n_h / m_h r_i,   λ = sqrt(m_h (1 - f_h) / (n_h - 1))

    Every replicate has its own stream of random numbers, so that it does not depend on which others are computed with it.

    References
    ----------
    Rao & Wu (1988), JASA 83; Rao, Wu & Yue (1992), Survey Methodology 18(2), sec. 3.
    """

    units: Units
    replicates: int
    seed: int
    draws: float
    scale: float

    @property
    def rscales(self) -> Floats:
        """1 for every replicate."""
        return np.ones(self.replicates)

    @property
    def often(self) -> Floats:
        """1 for every replicate."""
        return np.ones(self.replicates)

    def factors(self, numbers: Integers) -> Floats:
        """Factors (n, b) of the rows."""
        units, n = self.units, self.units.drawn
        live = units.telling
        m = np.where(live, np.maximum(np.round(self.draws * (n - 1.0)), 1.0), 0.0)
        pull = np.where(live, np.sqrt(m * units.open_share / np.maximum(n - 1.0, 1.0)), 0.0)
        drawn = self._drawn(numbers, m.astype(np.intp))
        drawn *= (pull * n / np.maximum(m, 1.0))[units.home] / units.often
        drawn += (1.0 - pull)[units.home]
        return units.spread(drawn)

    def _drawn(self, numbers: Integers, m: Integers) -> Floats:
        """How often each unit is drawn in the replicates, (b, G)."""
        units, streams = self.units, [np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(int(r),))) for r in numbers]
        several = m.size > 1
        order = np.argsort(units.home, kind="stable") if several else np.arange(units.home.size)
        result = np.zeros((numbers.size, order.size))
        if units.often.sum() > 2 * order.size:  # drawing one by one would take a step per customer, not per cell
            ends = np.cumsum(np.bincount(units.home))
            strata = [(h, members, units.often[members] / units.drawn[h]) for h, members in enumerate(np.split(order, ends[:-1])) if m[h]]
            for row, stream in zip(result, streams, strict=True):
                for h, members, share in strata:
                    row[members] = stream.multinomial(m[h], share)
            return result
        bearer = np.repeat(order, units.often[order].astype(np.intp))
        sizes = units.drawn.astype(np.intp)
        start, size = (np.repeat(np.cumsum(sizes) - sizes, m), np.repeat(units.drawn, m)) if several else (None, units.drawn[0])
        shares, places = np.empty(m.sum()), np.empty(m.sum(), np.intp)  # refilled: new arrays would cost more than the draws
        moved = several or bearer.size > order.size
        for row, stream in zip(result, streams, strict=True):
            stream.random(out=shares)
            np.multiply(shares, size, out=places, casting="unsafe")
            if start is not None:
                places += start
            row[:] = np.bincount(bearer.take(places) if moved else places, minlength=row.size)
        return result


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Jackknife:
    """One unit deleted per replicate, the others of its stratum standing in for it: factor n_h / (n_h - 1).

    Attributes
    ----------
    units : Units
    deleted : int array (R,)
        Unit of which one is deleted; -1 where the whole stratum is.
    stratum : int array (R,)
        Stratum of each replicate.
    scale, rscales, often
        See `Resampling`: (1 - f_h) (n_h - 1) / n_h for each unit.

    References
    ----------
    Wolter (2007), Introduction to Variance Estimation, sec. 4.5; lonely clusters as in R survey's jknweights.
    """

    units: Units
    deleted: Integers
    stratum: Integers
    scale: float
    rscales: Floats
    often: Floats

    def factors(self, numbers: Integers) -> Floats:
        """Factors (n, b) of the rows."""
        deleted, stratum, n = self.deleted[numbers], self.stratum[numbers], self.units.drawn
        whole = deleted < 0
        strata = n.size
        inside = np.where(whole, 0.0, n[stratum] / np.maximum(n[stratum] - 1.0, 1.0))
        outside = np.where(whole, strata / max(strata - 1.0, 1.0), 1.0)
        factors = np.where(self.units.home == stratum[:, None], inside[:, None], outside[:, None])
        one = np.flatnonzero(~whole)
        often = self.units.often[deleted[one]]
        factors[one, deleted[one]] *= (often - 1.0) / often
        return self.units.spread(factors)


def jackknife(units: Units, design: Design) -> Jackknife:
    """The jackknife of all strata that are no census, with R's rules for lonely clusters."""
    deleted = np.flatnonzero(units.telling[units.home])
    stratum, often = units.home[deleted], units.often[deleted]
    n, scale = units.drawn[stratum], 1.0
    rscales = often * units.open_share[stratum] * (n - 1.0) / n
    lonely = np.flatnonzero(units.lonely)
    if lonely.size and design.lonely_psu == "average":
        scale = float(units.often.sum() / often.sum())
    if lonely.size and design.lonely_psu == "adjust":
        strata = units.drawn.size
        deleted = np.concatenate([deleted, np.full(lonely.size, -1)])
        stratum, often = np.concatenate([stratum, lonely]), np.concatenate([often, np.ones(lonely.size)])
        rscales = np.concatenate([rscales, np.full(lonely.size, (strata - 1.0) / strata)])
    return Jackknife(units=units, deleted=deleted, stratum=stratum, scale=scale, rscales=rscales, often=often)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Given:
    """Multiplicities somebody else made, relative to the counts: (n, R)."""

    matrix: Floats
    scale: float
    rscales: Floats

    @property
    def often(self) -> Floats:
        """1 for every replicate."""
        return np.ones(self.rscales.size)

    def factors(self, numbers: Integers) -> Floats:
        """The columns themselves."""
        return self.matrix[:, numbers]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Extended:
    """A resampling with `extra` replicates of the whole sample behind it, in which something else moves: each counts once."""

    resampling: Resampling
    extra: int

    @property
    def scale(self) -> float:
        """That of the resampling."""
        return self.resampling.scale

    @property
    def rscales(self) -> Floats:
        """Those of the resampling, then what makes up for its scale."""
        return np.append(self.resampling.rscales, np.full(self.extra, 1.0 / self.scale))

    @property
    def often(self) -> Floats:
        """1 for the further ones."""
        return np.append(self.resampling.often, np.ones(self.extra))

    def factors(self, numbers: Integers) -> Floats:
        """1 for the further ones."""
        inside = numbers < self.resampling.rscales.size
        drawn = self.resampling.factors(numbers[inside])
        factors = np.ones((len(drawn), numbers.size), order="F")
        factors[:, inside] = drawn
        return factors
