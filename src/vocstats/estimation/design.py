"""How the rows of the axis were drawn: strata, clusters by stage, finite populations, and what a lonely cluster means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .._checks import Integers, choice, factorize, read_only, vector
from ..errors import InputError, shown
from ..options import LonelyPsu


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Design:
    """The sampling design of an axis of rows, with R survey's conventions.

    Without any argument the rows are independent draws with replacement. Clusters are numbered within the clusters of the
    stage above, so the same label in two of them is two clusters. Rows whose base weight or count is 0 are not in the
    sample and count neither as draws nor as clusters; a domain is asked for through ``by``, never by zeroing weights.

    Parameters
    ----------
    strata : array of labels, or list of arrays, optional
        Strata of the first stage, then of the later ones (within the cluster above).
    clusters : array of labels, or list of arrays, optional
        Clusters by stage. The last entry may be None: the rows themselves, each as often as its count says.
    fpc : array of numbers, or list of arrays, optional
        Per stage the size of the population of clusters in the stratum (at least 1, may be infinite) or the sampling
        fraction (at most 1). Stages without one are with replacement; below a stage drawn with replacement nothing adds
        to the variance.
    lonely_psu : {"fail", "remove", "adjust", "average"}
        A stratum with one cluster that is not a census: an error; no variance; the squared deviation from zero, the mean
        of all influence values; the average variance of the other strata.

    Attributes
    ----------
    strata, clusters : tuple of int arrays (n,)
        Codes by stage, nested codes made distinct.
    fpc : tuple of float arrays (n,)
        As given.

    Raises
    ------
    InputError
        Lengths differ, a cluster lies in two strata, an fpc mixes counts and fractions or varies within a stratum.

    References
    ----------
    Lumley (2010), Complex Surveys, ch. 3; Saerndal, Swensson & Wretman (1992), eq. 4.3.12 for nested stages.
    """

    strata: Any = None
    clusters: Any = None
    fpc: Any = None
    lonely_psu: LonelyPsu = "fail"

    def __post_init__(self) -> None:
        choice(self.lonely_psu, LonelyPsu, "lonely_psu")
        given = {name: _by_stage(getattr(self, name), name) for name in ("strata", "clusters", "fpc")}
        length = next((len(column) for columns in given.values() for column in columns if column is not None), None)
        clusters: list[Integers | None] = []
        for column in given["clusters"]:
            if clusters and clusters[-1] is None:
                raise InputError(
                    "clusters may be None in its last stage only, where the rows themselves were drawn.",
                    code="cluster_stage_missing", argument="clusters",
                )
            codes = None if column is None else factorize(column, "clusters", length=length)[0]
            clusters.append(cross(clusters[-1], codes) if clusters and codes is not None else codes)
        clusters = clusters or [None]
        for name in ("strata", "fpc"):
            if len(given[name]) > len(clusters):
                raise InputError(
                    f"{name} has {len(given[name])} stages but clusters has {len(clusters)}. Give clusters for every stage.",
                    code="too_many_stages", argument=name, got=len(given[name]), expected=len(clusters),
                )
        strata = [factorize(column, "strata", length=length)[0] for column in given["strata"]]
        fpc = [vector(column, "fpc", length=length, infinite=True) for column in given["fpc"]]
        for numbers in fpc:
            _check_fpc(numbers)
        object.__setattr__(self, "strata", tuple(_frozen(codes) for codes in strata))
        object.__setattr__(self, "clusters", tuple(_frozen(codes) for codes in clusters))
        object.__setattr__(self, "fpc", tuple(_frozen(numbers) for numbers in fpc))
        self._check_nested(given["strata"], given["clusters"])

    def _check_nested(self, strata: Sequence[Any], clusters: Sequence[Any]) -> None:
        for stage in range(min(len(self.strata), len(self.clusters))):
            codes = self.clusters[stage]
            if codes is None:
                continue
            first = np.zeros(int(codes.max(initial=-1)) + 1, np.intp)
            first[codes] = self.strata[stage]
            astray = np.flatnonzero(first[codes] != self.strata[stage])
            if astray.size:
                rows = np.flatnonzero(np.isin(codes, codes[astray]))
                levels = list(dict.fromkeys(np.asarray(clusters[stage])[rows].tolist()))
                raise InputError(
                    f"clusters {shown(levels)} of stage {stage + 1} lie in more than one stratum, at rows {shown(rows)}. "
                    "Number clusters across strata, or pass labels that combine stratum and cluster.",
                    code="cluster_in_two_strata", argument="clusters", rows=rows, levels=levels, stage=stage + 1,
                )

    @property
    def length(self) -> int | None:
        """Number of rows of the axis; None when nothing was given."""
        return next((len(column) for columns in (self.strata, self.clusters, self.fpc) for column in columns if column is not None), None)

    def degrees_of_freedom(self, counts: npt.ArrayLike) -> float:
        """Clusters of the first stage less its strata, among rows that stand in the sample `counts` times (R's degf)."""
        often = np.asarray(counts, float)
        present, first = often > 0, self.clusters[0]
        drawn = float(often.sum()) if first is None else np.unique(first[present]).size
        return float(drawn - (np.unique(self.strata[0][present]).size if self.strata else 1))

    def same_as(self, other: Design) -> bool:
        """Whether both designs describe the same draw of the same axis."""
        pairs = [(self.strata, other.strata), (self.clusters, other.clusters), (self.fpc, other.fpc)]
        return self is other or (
            self.lonely_psu == other.lonely_psu
            and all(len(a) == len(b) and all(np.array_equal(x, y) for x, y in zip(a, b, strict=True)) for a, b in pairs)
        )


def on_axis(design: Any, length: int, axis: str) -> Design | None:
    """`design`, if it is one (or None) and describes the `length` rows of what `axis` names."""
    if design is not None and not isinstance(design, Design):
        raise InputError(
            f"design must be a Design; got {type(design).__name__}. Make one: Design(strata=..., clusters=..., fpc=...).",
            code="not_a_design", argument="design", got=type(design).__name__,
        )
    if design is not None and design.length not in (None, length):
        raise InputError(
            f"design describes {design.length} rows; {axis} has {length}. Both must stand on the same axis.",
            code="wrong_length", argument="design", got=design.length, expected=length,
        )
    return design


def cross(first: Integers | None, second: Integers) -> Integers:
    """Dense codes of the pairs of two code columns that occur."""
    if first is None:
        return second
    width = int(second.max(initial=0)) + 1
    return factorize(first.astype(np.int64) * width + second, "strata")[0]


def _by_stage(value: Any, argument: str) -> list[Any]:
    if value is None:
        return []
    if hasattr(value, "columns") and not isinstance(value, np.ndarray):
        return [np.asarray(value[name]) for name in value.columns]
    if isinstance(value, (list, tuple)) and value and (value[0] is None or np.ndim(value[0]) > 0):
        return [None if column is None else np.asarray(column) for column in value]
    array = np.asarray(value)
    if array.ndim == 0:
        raise InputError(
            f"{argument} must have one entry per row, or a list of such arrays, one per stage; got {value!r}.",
            code="not_by_row", argument=argument, value=repr(value),
        )
    return list(array.T) if array.ndim == 2 else [array]


def _check_fpc(fpc: npt.NDArray[np.float64]) -> None:
    small = np.flatnonzero(fpc <= 0)
    if small.size:
        raise InputError(f"fpc must be positive; it is not at rows {shown(small)}.", code="fpc_not_positive", argument="fpc", rows=small)
    mixed = np.flatnonzero(fpc < 1)
    if mixed.size and (fpc > 1).any():
        raise InputError(
            f"fpc holds population counts and, at rows {shown(mixed)}, fractions below 1. Give one kind per stage.",
            code="fpc_mixed", argument="fpc", rows=mixed,
        )


def _frozen(column: npt.NDArray[Any] | None) -> npt.NDArray[Any] | None:
    return None if column is None else read_only(column)
