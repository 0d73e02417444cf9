"""What the sources counted, as arrays: the one input of both engines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _checks
from ..errors import InputError, shown
from ..results import Flags, Floats, Integers, Record


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DropOffCounts(Record):
    """Who left at which stage of the journey, seen for everyone: of the customers of a segment who reached it, some went no further.

    Attributes
    ----------
    stage, segment : integer array (C,)
        Where each count belongs.
    reached, dropped : float array (C,)
        Customers who came to the stage, and those of them who left there; whole numbers.
    acts : boolean array (F, K)
        Which pain points can make customers leave at a stage.

    Raises
    ------
    InputError
        Lengths or shapes do not fit, a code is out of range, a count is negative, missing or not whole, or more dropped than reached;
        `rows` says where.
    """

    stage: Integers
    segment: Integers
    reached: Floats
    dropped: Floats
    acts: Flags

    def __post_init__(self) -> None:
        """Check everything once, as `PainPointCounts` does; the segment against its frame there."""
        rows, acts = np.size(self.stage), np.asarray(self.acts, bool)
        _shape(acts, "acts", (*acts.shape, 1, 1)[:2])
        reached, dropped = (_checks.non_negative(getattr(self, name), name, length=rows) for name in ("reached", "dropped"))
        wrong = np.flatnonzero((dropped > reached) | (reached != np.rint(reached)) | (dropped != np.rint(dropped)))
        if wrong.size:
            raise InputError(
                f"reached and dropped must be whole numbers of customers, and none of them leave who did not come; at rows {shown(wrong)} "
                f"{dropped[wrong[0]]:g} of {reached[wrong[0]]:g} do.",
                code="drop_off_counts", argument="dropped", rows=wrong, dropped=f"{dropped[wrong[0]]:g}", reached=f"{reached[wrong[0]]:g}",
            )
        cleaned = {
            "stage": _codes(self.stage, "stage", low=0, size=len(acts), length=rows),
            "segment": _codes(self.segment, "segment", low=0, size=max(int(np.max(self.segment, initial=0)) + 1, 1), length=rows),
            "reached": reached, "dropped": dropped, "acts": acts,
        }
        for name, value in cleaned.items():
            object.__setattr__(self, name, value)
        Record.__post_init__(self)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PainPointCounts(Record):
    """Counts by pain point k, segment s, dealer d, response group r and source, and what is known of how sources see.

    A source finds the pain at a customer who has it with chance Se m1 + (1 - Sp) (1 - m1), and at one who has not with chance
    Se m0 + (1 - Sp) (1 - m0): m1 and m0 are the chances that he mentions it, Se and Sp those of the source's coder.

    Attributes
    ----------
    pain, segment, dealer, group, source : integer array (C,)
        Where each count belongs. Group 0 is the engaged; `dealer` is 0 throughout where dealers are not told apart.
    positive, n : float array (C,)
        Customers found to have the pain, of those looked at.
    frame : float array (S, D, R)
        Customers of each segment, dealer and group.
    coder : integer array (sources,)
        Which coder coded the source; -1: what it says is the truth.
    sensitivity, specificity : float array (coders, K, 2)
        Beta distributions (a, b) of each coder's Se and Sp, the audit's counts added to the prior.
    mention, false_mention : float array (sources, K, 2)
        Beta distributions of m1 and m0, each by itself: NaN where m1 = 1 (the source asked everyone), NaN where m0 = 0.
    mode_scale : float array (sources,)
        Prior standard deviation of what the mode of the source adds to the logit of θ, for every pain by itself; 0: nothing.
    pains : int
        K.
    drop_off : DropOffCounts, optional
        Who left at which stage of the journey.

    Raises
    ------
    InputError
        Lengths or shapes do not fit, a code is out of range, a count is negative or missing, more positives than n, or a Beta parameter is
        not positive; `rows` says where.
    """

    pain: Integers
    segment: Integers
    dealer: Integers
    group: Integers
    source: Integers
    positive: Floats
    n: Floats
    frame: Floats
    coder: Integers
    sensitivity: Floats
    specificity: Floats
    mention: Floats
    false_mention: Floats
    mode_scale: Floats
    pains: int
    drop_off: DropOffCounts | None = None

    def __post_init__(self) -> None:
        """Check everything once: both engines trust what they are given."""
        pains = _checks.whole(self.pains, "pains", low=1)
        rows, sources, coders = np.size(self.pain), np.size(self.coder), len(self.sensitivity)
        frame = np.asarray(self.frame, float)
        _shape(frame, "frame", (*frame.shape, 1, 1, 1)[:3])
        segments, dealers, groups = frame.shape
        sizes = {"pain": pains, "segment": segments, "dealer": dealers, "group": groups, "source": sources}
        cleaned: dict[str, npt.NDArray[Any]] = {
            name: _codes(getattr(self, name), name, low=0, size=size, length=rows) for name, size in sizes.items()
        }
        cleaned |= {name: _checks.non_negative(getattr(self, name), name, length=rows) for name in ("positive", "n")}
        cleaned |= {
            "frame": _checks.non_negative(frame.ravel(), "frame").reshape(frame.shape),
            "coder": _codes(self.coder, "coder", low=-1, size=coders, length=sources),
            "mode_scale": _checks.non_negative(self.mode_scale, "mode_scale", length=sources),
        }
        cleaned |= {name: _betas(getattr(self, name), name, (coders, pains, 2)) for name in ("sensitivity", "specificity")}
        cleaned |= {
            name: _betas(getattr(self, name), name, (sources, pains, 2), missing=True) for name in ("mention", "false_mention")
        }
        _no_more_than_n(cleaned["positive"], cleaned["n"])
        if self.drop_off is not None:
            _shape(self.drop_off.acts, "acts", (len(self.drop_off.acts), pains))
            _codes(self.drop_off.segment, "segment", low=0, size=segments, length=self.drop_off.segment.size)
        for name, value in cleaned.items():
            object.__setattr__(self, name, value)
        Record.__post_init__(self)


def _codes(value: Any, argument: str, *, low: int, size: int, length: int) -> Integers:
    """Whole numbers from `low` to `size` - 1."""
    codes = _checks.vector(value, argument, length=length)
    wrong = np.flatnonzero((codes != np.floor(codes)) | (codes < low) | (codes >= size))
    if wrong.size:
        raise InputError(
            f"{argument} must hold whole numbers from {low} to {size - 1}; it holds {shown(codes[wrong[:3]], 3)} at rows {shown(wrong)}.",
            code="codes_out_of_range", argument=argument, rows=wrong, low=low, high=size - 1,
        )
    return codes.astype(np.int64)


def _betas(value: Any, argument: str, shape: tuple[int, ...], *, missing: bool = False) -> Floats:
    """Pairs of positive numbers, or of NaN where `missing`."""
    pairs = np.asarray(value, float)
    _shape(pairs, argument, shape)
    usable = ((pairs > 0.0) & np.isfinite(pairs)).all(axis=-1) | (missing & np.isnan(pairs).all(axis=-1))
    if not usable.all():
        rows = np.flatnonzero(~usable.all(axis=1))
        raise InputError(
            f"{argument} must hold the two positive parameters of a Beta distribution{' or two NaN' if missing else ''} for each pain "
            f"point; it does not at rows {shown(rows)}.",
            code="not_beta_parameters", argument=argument, rows=rows,
        )
    return pairs


def _shape(array: npt.NDArray[Any], argument: str, shape: tuple[int, ...]) -> None:
    if array.shape != shape:
        raise InputError(
            f"{argument} has the shape {array.shape}; {shape} was expected.",
            code="wrong_shape", argument=argument, got=str(array.shape), expected=str(shape),
        )


def _no_more_than_n(positive: Floats, n: Floats) -> None:
    rows = np.flatnonzero(positive > n * (1.0 + 1e-9))
    if rows.size:
        first = rows[0]
        raise InputError(
            f"positive is above n at rows {shown(rows)}, first {positive[first]:g} of {n[first]:g}. A source cannot find the pain at more "
            "customers than it looked at: are the columns exchanged, or customers counted twice?",
            code="more_positives_than_n", argument="positive", rows=rows, positive=float(positive[first]), n=float(n[first]),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PainPointPriors(Record):
    """Priors of the hierarchical model, all in logits.

    Attributes
    ----------
    intercept, intercept_scale : float
        Mean and standard deviation of a pain's level α among the engaged.
    segment_scale : float
        Scale of the half-normal prior of σ, the spread of segments.
    dealer_scale : float
        Scale of the half-normal prior of τ, the spread of dealers.
    selection_mean_scale : float
        Standard deviation of μ, by how much a response group differs over all pains.
    selection_scale : float
        Scale of the half-normal prior of the spread of that difference over pains.
    drop_off_slope : float
        Scale of the half-normal prior of B, by how much the logit of drop-off rises with that of a pain: 1 where all who leave have it.
    drop_off_spread : float
        Scale of the half-normal prior of ω, how far drop-off of segments differs for other reasons.
    """

    intercept: float = -2.0
    intercept_scale: float = 1.0
    segment_scale: float = 0.5
    dealer_scale: float = 0.5
    selection_mean_scale: float = 0.7
    selection_scale: float = 0.5
    drop_off_slope: float = 0.5
    drop_off_spread: float = 0.5
