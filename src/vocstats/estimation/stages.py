"""What every stage of a design adds to the variance, with R survey's rules for finite populations and lonely clusters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .._checks import Floats, Integers
from .._numerics import sums_by
from ..errors import InputError, shown
from .design import Design, cross
from .linearization import Influence

CENSUS = 1e-7  # a stratum with less than this share left undrawn has no sampling variance (R's tolerance)
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stage:
    """One stage of a drawn sample.

    Attributes
    ----------
    strata : int array (n,)
        Stratum of each row.
    clusters : int array (n,), or None
        Cluster of each row; None: the rows themselves.
    home, drawn : int array, float array (G,)
        Stratum of each cluster; 1 where it was drawn, for rows how often they stand there.
    scale : float array (H,)
        Coefficient of the squared sum of each cluster of the stratum: F (1 - f) n / (n - 1), F the product of the
        sampling fractions above, f the stratum's own.
    centre : float array (H,)
        Coefficient of the squared sum of the stratum, subtracted: scale / n, or 0 where a lonely cluster is compared with 0.
    reached : float array (n,)
        F f: product of the sampling fractions down to this stage; 0 below a draw with replacement.
    unknowable : bool
        The whole sample is one cluster in one stratum.
    """

    strata: Integers
    clusters: Integers | None
    home: Integers
    drawn: Floats
    scale: Floats
    centre: Floats
    reached: Floats
    unknowable: bool

    def variance(self, influence: Influence, counts: Floats) -> Floats:
        """Σ_h scale_h Σ_g (Z_g - mean_h)² for every domain, Z_g the summed influence of cluster g."""
        if self.unknowable:
            return np.full(influence.shape[1], np.nan)
        weight = self.scale[self.home] * self.drawn
        within = influence if self.clusters is None else influence.summed(self.clusters, self.home.size, counts)
        if not self.centre.any():
            return within.sum_of_squares(weight)
        of_strata = influence.summed(self.strata, self.scale.size, counts)
        return within.sum_of_squares(weight) - of_strata.sum_of_squares(self.centre)


def stages(design: Design, counts: Floats) -> list[Stage]:
    """The stages of `design` for the sample whose rows stand there `counts` times (0: not in the sample).

    Parameters
    ----------
    design : Design
        Codes of strata and clusters.
    counts : float array (n,)
        Multiplicities.

    Returns
    -------
    list of Stage
        First stage first, ending where everything above was drawn with replacement.

    Raises
    ------
    InputError
        The fpc varies within a stratum or is smaller than the sample; a lonely cluster under ``lonely_psu="fail"``.
    """
    result: list[Stage] = []
    reached = np.ones(counts.size)
    parent: Integers = np.zeros(counts.size, np.intp)
    for index, clusters in enumerate(design.clusters):
        result.append(_stage(design, index, parent, counts, reached))
        reached = result[-1].reached
        if clusters is None or not reached.any():
            break
        parent = clusters
    return result


def _stage(design: Design, index: int, parent: Integers, counts: Floats, reached: Floats) -> Stage:
    strata = cross(parent if index else None, design.strata[index]) if index < len(design.strata) else parent
    clusters, size = design.clusters[index], int(strata.max(initial=-1)) + 1
    home, drawn = (strata, counts) if clusters is None else _clusters(clusters, strata, counts)
    n = sums_by(home, drawn, size)
    above = _by_stratum(strata, reached, size)
    fraction = fractions(index, strata, design.fpc[index], n, counts) if index < len(design.fpc) else np.zeros(size)
    live = (n > 0) & (above > 0)
    open_share = np.where(1.0 - fraction >= CENSUS, above * (1.0 - fraction), 0.0)
    several = live & (n > 1)
    scale = np.where(several, open_share * n / np.where(several, n - 1.0, 1.0), 0.0)
    centre = np.where(several, scale / np.where(several, n, 1.0), 0.0)
    lonely = live & ~several & (open_share > 0)
    unknowable = index == 0 and bool(lonely.any()) and int(live.sum()) == 1
    if lonely.any() and not unknowable:
        rows = np.flatnonzero(lonely[strata] & (counts > 0))
        if design.lonely_psu == "fail":
            refuse_lonely(index, int(lonely.sum()), rows)
        if design.lonely_psu == "adjust":
            scale = np.where(lonely, open_share, scale)
        if design.lonely_psu == "average":
            ratio = _average(index, _by_stratum(strata, parent, size).astype(np.intp), live, lonely, rows)
            scale, centre = scale * ratio, centre * ratio
    return Stage(
        strata=strata, clusters=clusters, home=home, drawn=drawn, scale=scale, centre=centre,
        reached=(above * fraction)[strata], unknowable=unknowable,
    )


def _clusters(clusters: Integers, strata: Integers, counts: Floats) -> tuple[Integers, Floats]:
    home = np.zeros(int(clusters.max(initial=-1)) + 1, np.intp)
    home[clusters] = strata
    return home, (sums_by(clusters, counts, home.size) > 0).astype(float)


def _by_stratum(strata: Integers, column: npt.NDArray[np.floating] | Integers, size: int) -> Floats:
    value = np.zeros(size)
    value[strata] = column
    return value


def fractions(index: int, strata: Integers, fpc: Floats, n: Floats, counts: Floats) -> Floats:
    given = _by_stratum(strata, fpc, n.size)
    differ = np.flatnonzero((given[strata] != fpc) & (counts > 0))
    if differ.size:
        raise InputError(
            f"fpc of stage {index + 1} varies within a stratum, e.g. at rows {shown(differ)}. Give every row of a stratum the same.",
            code="fpc_varies", argument="fpc", rows=differ, stage=index + 1,
        )
    if (fpc <= 1).all():
        return given
    over = np.flatnonzero(n > given * (1 + 1e-12))
    if over.size:
        rows, population, drawn = np.flatnonzero((strata == over[0]) & (counts > 0)), float(given[over[0]]), float(n[over[0]])
        raise InputError(
            f"fpc of stage {index + 1} says {population:g} for the stratum of rows {shown(rows)}, but {drawn:g} were drawn there. "
            "Give the size of the population the clusters of that stage were drawn from.",
            code="fpc_too_small", argument="fpc", rows=rows, stage=index + 1, population=population, drawn=drawn,
        )
    share: Floats = n / np.where(given > 0, given, 1.0)
    return share


def refuse_lonely(index: int, count: int, rows: npt.NDArray[np.intp]) -> None:
    raise InputError(
        f"{count} strata of stage {index + 1} hold one cluster only, at rows {shown(rows)}: their variance cannot be estimated. "
        'Merge strata, or choose lonely_psu="remove", "adjust" or "average".',
        code="lonely_psu", argument="lonely_psu", rows=rows, stage=index + 1, count=count,
    )


def _average(index: int, parent: Integers, live: Flags, lonely: Flags, rows: npt.NDArray[np.intp]) -> Floats:
    """R's rule: what the other strata under the same cluster add, times strata over strata that can tell."""
    present, telling = (np.bincount(parent, flags, minlength=int(parent.max()) + 1) for flags in (live, live & ~lonely))
    if ((present > 0) & (telling == 0)).any():
        raise InputError(
            f'lonely_psu="average" has nothing to average at stage {index + 1}: every stratum holds one cluster (rows {shown(rows)}). '
            'Choose "remove" or "adjust".',
            code="lonely_psu_no_average", argument="lonely_psu", rows=rows, stage=index + 1,
        )
    ratio: Floats = (present / np.maximum(telling, 1.0))[parent]
    return ratio
