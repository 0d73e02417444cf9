"""What the sources counted, as arrays: the one input of both engines."""

from __future__ import annotations

from dataclasses import dataclass, field
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
    Se m0 + (1 - Sp) (1 - m0): m1 and m0 are the chances that he mentions it, Se and Sp those of the source's coder. Where several coders
    read the same texts, a row counts those they labelled alike: with A = Π Se_j^l_j (1 - Se_j)^(1 - l_j) and
    B = Π (1 - Sp_j)^l_j Sp_j^(1 - l_j) over the coders who read them, A and B stand for Se and 1 - Sp.

    Attributes
    ----------
    pain, segment, dealer, group, source : integer array (C,)
        Where each count belongs. Group 0 is the engaged; `dealer` is 0 throughout where dealers are not told apart.
    positive, n : float array (C,)
        Customers found to have the pain, of those looked at. In rows of a pattern `n` are the texts with this pattern, and `positive` may
        be NaN: it is then all of them where at least half of the coders who read them found the pain, else none.
    frame : float array (S, D, R)
        Customers of each segment, dealer and group.
    coder : integer array (sources,)
        Which coder coded the source; -1: what it says is the truth, or its rows have patterns.
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
    pattern : integer array (C,)
        Which of `patterns` the labels of the row's texts form; -1: the row counts positives. May be left out where there are no patterns.
        Texts that one coder alone read count positives of his: both labels are kept as one pattern.
    patterns : integer array (P, coders)
        Label of each coder: 1 found, 0 not found, -1 he did not read such texts.

    Raises
    ------
    InputError
        Lengths or shapes do not fit, a code is out of range, a count is negative or missing, more positives than n, a Beta parameter is
        not positive, or a source has rows with a pattern and without; `rows` says where.
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
    pattern: Integers = field(default_factory=lambda: np.zeros(0, np.int64))
    patterns: Integers = field(default_factory=lambda: np.zeros((0, 0), np.int64))

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
        cleaned |= _patterns(self.pattern, self.patterns, cleaned["source"], coders)
        cleaned["n"] = _checks.non_negative(self.n, "n", length=rows)
        positive = _checks.vector(self.positive, "positive", length=rows, missing=True)
        left_open = (cleaned["pattern"] >= 0) & np.isnan(positive)
        positive = np.where(left_open, cleaned["n"] * _found(cleaned["patterns"])[cleaned["pattern"]], positive)
        cleaned["positive"] = _checks.non_negative(positive, "positive")
        cleaned["pattern"] = _of_one_reader(cleaned["patterns"])[cleaned["pattern"]]
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

    def joint(self, pattern: Integers) -> Flags:
        """Which patterns are of texts that several coders read."""
        return np.asarray(np.append((self.patterns >= 0).sum(axis=1) > 1, False)[pattern])

    @property
    def counted(self) -> Floats:
        """What of `n` the likelihood counts of each row, (C,): positives, or all texts of a pattern that several coders made."""
        return np.where(self.joint(self.pattern), self.n, self.positive)

    def readings(self, source: Integers, pattern: Integers) -> tuple[Integers, Integers]:
        """Who read what rows of these sources and patterns count, and his label, both (rows, L).

        A coder of -1 is never wrong; a label of -1 is none. L is 1 without patterns, else the number of coders.
        """
        coder, label = self.coder[source][:, None], np.ones((source.size, 1), np.int64)
        if not len(self.patterns):
            return coder, label
        every, labels = np.tile(np.arange(self.patterns.shape[1]), (source.size, 1)), self.patterns[pattern]
        labels[~self.joint(pattern)[:, None] & (labels >= 0)] = 1  # of one reader positives are counted
        none = pattern < 0
        every[none, 0], labels[none], labels[none, 0] = coder[none, 0], -1, 1
        return every, labels

    def columns(self, pain: int, *, patterns: bool = True) -> Columns:
        """The rows of a pain by response group, source and, unless not wanted, pattern."""
        rows = np.flatnonzero((self.pain == pain) & (self.n > 0))
        shape = (self.frame.shape[2], max(self.coder.size, 1), len(self.patterns) + 1)
        of = (self.group[rows], self.source[rows], self.pattern[rows] + 1 if patterns else np.zeros_like(rows))
        found, column = np.unique(np.ravel_multi_index(of, shape), return_inverse=True)
        group, source, pattern = np.unravel_index(found, shape)
        return Columns(rows, column, group, source, pattern - 1)


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """What counts of one pain are told apart by.

    Attributes
    ----------
    rows, column : Integers
        Rows of the counts with anybody looked at, and the column of each.
    group, source, pattern : Integers (Q,)
        Of each column.
    """

    rows: Integers
    column: Integers
    group: Integers
    source: Integers
    pattern: Integers


def _patterns(pattern: Any, patterns: Any, source: Integers, coders: int) -> dict[str, npt.NDArray[Any]]:
    """Patterns of labels and which row has which; -1 in every row where there are none."""
    labels = np.asarray(patterns)
    if not labels.size:
        left_out = np.full(source.size, -1)
        given = left_out if (np.asarray(pattern) == -1).all() else pattern
        return {"pattern": _codes(given, "pattern", low=-1, size=0, length=source.size), "patterns": np.zeros((0, coders), np.int64)}
    _shape(labels, "patterns", (len(labels), coders))
    wrong = np.flatnonzero(~np.isin(labels, (-1, 0, 1)).all(axis=1) | (labels == -1).all(axis=1))
    if wrong.size:
        raise InputError(
            f"patterns must hold 1 (found), 0 (not found) or -1 (not read), not all -1; they do not at rows {shown(wrong)}.",
            code="not_patterns", argument="patterns", rows=wrong,
        )
    code = _codes(pattern, "pattern", low=-1, size=len(labels), length=source.size)
    both = np.intersect1d(source[code >= 0], source[code < 0])
    if both.size:
        raise InputError(
            f"Sources {shown(both)} have rows with a pattern of labels and rows without: give every text its pattern, or count positives.",
            code="patterns_and_positives", argument="pattern", levels=both.tolist(), sources=shown(both),
        )
    return {"pattern": code, "patterns": labels.astype(np.int64)}


def _found(patterns: Integers) -> Floats:
    """1 where at least half of the coders who read found the pain, (P + 1,); the last, of no pattern, 0."""
    found = 2 * (patterns == 1).sum(axis=1) >= (patterns >= 0).sum(axis=1)
    return np.append(found, False).astype(float)


def _of_one_reader(patterns: Integers) -> Integers:
    """The pattern that stands for each, (P + 1,): both labels of one reader are the first of them; the last is -1."""
    stands, first = np.arange(len(patterns)), dict[int, int]()
    for place in np.flatnonzero((patterns >= 0).sum(axis=1) == 1).tolist():
        stands[place] = first.setdefault(int(patterns[place].argmax()), place)
    return np.append(stands, -1)


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
