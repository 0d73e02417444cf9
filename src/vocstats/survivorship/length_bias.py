"""Customers met in stock have lasted longer than customers as they come: weights by one over the time in which they could be met."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .. import _checks
from .._checks import Floats
from ..errors import IdentificationError, InputError, shown
from ..estimation import Design, mean, wald_test
from ..results import Assumption, Flags
from ..weighting.chain import Weights, begin
from ..weighting.raking import positive_mass
from .length_bias_result import StationarityTest


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LengthBiasStep:
    """Weights divided by the length of the time of joining from which a customer would be in the stock; nothing is estimated.

    Attributes
    ----------
    name : str
    factor : array (n,)
        One over the length; 0 where the duration is not complete.
    assumption : Assumption
        Stationary or known inflow.
    """

    name: str
    factor: Floats
    assumption: Assumption

    def gradient(self, *, exact: bool = False) -> Floats:
        """No parameter."""
        return np.zeros((self.factor.size, 0))

    def score(self, *, contrast: bool = False) -> Floats:
        """No estimating equation."""
        return np.zeros((self.factor.size, 0))

    def bread(self, *, exact: bool = False) -> Floats:
        """Empty."""
        return np.zeros((0, 0))

    def rerun(self, w_in: Floats, counts: Floats) -> LengthBiasStep:
        """The same: a duration does not depend on who else is drawn."""
        return self

    def rerun_many(self, w_in: Floats, counts: Floats) -> Floats:
        """The factors of every replicate, (n, b)."""
        return np.broadcast_to(self.factor[:, None], counts.shape)

    def details(self) -> dict[str, float]:
        """Nothing was iterated."""
        return {}


def length_bias_weights(
    duration: npt.ArrayLike, ended: npt.ArrayLike, *, follow_up: npt.ArrayLike | float | None = None,
    tenure_limits: tuple[float, float] | None = None, inflow: tuple[Sequence[float], Sequence[float]] | None = None,
    base_weights: Weights | npt.ArrayLike | None = None, counts: npt.ArrayLike | None = None,
) -> Weights:
    """Weights that turn customers met in stock into customers as they join: one over the time in which each could be met.

    Somebody who stays for t is in the stock of a day whenever he joined in the t before it: under an even inflow his chance is
    proportional to t. Sampled at tenures from a to b only, and with an end seen only within c after the survey, it is

        l(t) = L(min(t, b)) - L(max(a, t - c)),   w = d / l(t),   L(t) = t,

    or L(t) = the number who joined in the t before the survey, where the inflow is known. The mean of the durations with these weights
    is the harmonic mean of those in stock; with L(t) = t the weights add up to the number who join per unit of time.

    Parameters
    ----------
    duration : array of numbers (n,)
        Time from joining to leaving, not the tenure at the survey; of those who have not left until when they were last seen.
    ended : array of bool (n,)
        Whether the customer has left, so that the duration is complete. The others get weight 0: those who left stand for them.
    follow_up : number or array (n,), optional
        c: for how long after the survey leaving would have been seen, known of those who left too (the registry's last day less the
        day of the survey). None: until everybody had left.
    tenure_limits : (a, b), optional
        Lowest and highest tenure at which customers were surveyed, such as after the first month, or listed since a first day. The
        weights then speak of customers who last longer than a.
    inflow : (edges, numbers), optional
        How many joined between edges[k] and edges[k + 1] before the survey, the first edge 0. None: as many at all times.
    base_weights : Weights or array (n,), optional
        Weights of the stock, such as those of a survey with nonresponse (None: 1).
    counts : array (n,), optional
        How often a row stands there.

    Returns
    -------
    Weights
        The chain with this step, whose `assumption` says what it rests on.

    Raises
    ------
    InputError
        A duration of 0, or none above the lowest tenure; bad limits or inflow.
    IdentificationError
        Nobody has left; some have not, and `follow_up` is not given or there is a highest tenure; nobody joined when somebody in
        stock did, or the inflow does not reach that far back.

    References
    ----------
    Cox (1969), in New Developments in Survey Sampling (harmonic mean); Vardi (1982), Ann. Stat. 10(2); Asgharian, M'Lan & Wolfson (2002),
    JASA 97; Shen, Ning & Qin (2009), JASA 104 (weights 1 / l(t) under censoring).

    Examples
    --------
    >>> from vocstats.estimation import mean
    >>> months = [12, 24, 48, 60]
    >>> w = length_bias_weights(months, [True] * 4)
    >>> round(float(mean(months, w).estimate), 3)
    24.615
    """
    lasted = _checks.non_negative(duration, "duration")
    left = _checks.flags(ended, "ended", length=lasted.size)
    chain = begin(base_weights, counts, lasted.size)
    present = positive_mass(chain, "length_bias_weights") > 0
    low, high = _limits(tenure_limits)
    _refuse_short(lasted, present, low)
    seen = _follow_up(follow_up, lasted.size)
    _refuse_unended(left & present, ~left & present, seen, high)
    to, since = np.minimum(lasted, high), np.full(lasted.size, low) if seen is None else np.maximum(low, lasted - seen)
    known = left & present
    _refuse_unseen(known & (to <= since), low, high)
    joined, assumption = _joined(inflow, to, since, known)
    factor = np.divide(1.0, joined, out=np.zeros_like(joined), where=known)
    factor.flags.writeable = False
    return chain.followed_by(LengthBiasStep(name="length_bias", factor=factor, assumption=assumption))


def stationarity_test(
    backward: npt.ArrayLike, forward: npt.ArrayLike, *, follow_up: npt.ArrayLike | float | None = None,
    weights: Weights | npt.ArrayLike | None = None, counts: npt.ArrayLike | None = None, design: Design | None = None, level: float = 0.95,
) -> StationarityTest:
    """Whether the inflow was even: then those met in stock have been there for as long as they will stay.

    Under an even inflow the time since joining A and the time until leaving V of somebody in stock can change places, and so can
    min(A, c) and min(V, c) with c the follow-up. Tested is a mean of 0 of min(A, c) - min(V, c).

    Parameters
    ----------
    backward : array of numbers (n,)
        A: tenure at the survey. All tenures must have been surveyed.
    forward : array of numbers (n,)
        V: from the survey to leaving; of those who have not left, to the end of the follow-up.
    follow_up : number or array (n,), optional
        c, as in `length_bias_weights`. None: everybody has left.
    weights : Weights or array (n,), optional
        Weights of the stock, without those of `length_bias_weights`.
    counts : array (n,), optional
        How often a row stands there.
    design : Design, optional
        How the rows were drawn. None: independently.
    level : float
        Confidence level.

    Returns
    -------
    StationarityTest

    Raises
    ------
    InputError
        Bad arrays, or a time until leaving beyond the follow-up.

    References
    ----------
    Asgharian, Wolfson & Zhang (2006), Stat. Med. 25(10) (backward against forward times); Addona & Wolfson (2006), Lifetime Data Anal.
    12(3) (a formal test); here with means of paired differences, so that weights, clusters and unequal follow-ups are allowed.

    Examples
    --------
    >>> r = stationarity_test([3, 10, 22, 8, 15, 4], [6, 12, 20, 9, 24, 18], follow_up=24)
    >>> round(r.estimate, 2), round(r.p_value, 3)
    (-4.5, 0.12)
    """
    a = _checks.non_negative(backward, "backward")
    v = _checks.non_negative(forward, "forward", length=a.size)
    seen = _follow_up(follow_up, a.size)
    if seen is not None:
        rows = np.flatnonzero(v > seen * (1 + 1e-9))
        if rows.size:
            raise InputError(
                f"forward exceeds follow_up at rows {shown(rows)}: nobody is seen for longer than he is followed. Correct one of them.",
                code="beyond_follow_up", argument="forward", rows=rows,
            )
        a, v = np.minimum(a, seen), np.minimum(v, seen)
    if weights is not None and not isinstance(weights, Weights):
        weights = _checks.non_negative(weights, "weights", length=a.size)
    means = [mean(each, weights, design=design, counts=counts, level=level, df="design") for each in (a, v, a - v)]
    gap = means[2]
    test = wald_test(gap, contrast=[1.0])
    return StationarityTest(
        backward=float(means[0].estimate), forward=float(means[1].estimate), estimate=float(gap.estimate), std_error=float(gap.std_error),
        conf_low=float(gap.conf_low), conf_high=float(gap.conf_high), statistic=float(gap.estimate / gap.std_error),
        df=test.df_denominator, p_value=test.p_value, n=test.n, level=level,
    )


def _limits(tenure_limits: tuple[float, float] | None) -> tuple[float, float]:
    if tenure_limits is None:
        return 0.0, np.inf
    low, high = tenure_limits
    first = _checks.number(low, "tenure_limits", low=0.0, open_high=True)
    return first, _checks.number(high, "tenure_limits", low=first, open_low=True)


def _follow_up(follow_up: npt.ArrayLike | float | None, length: int) -> Floats | None:
    if follow_up is None:
        return None
    if np.ndim(follow_up) == 0:
        return np.full(length, _checks.number(follow_up, "follow_up", low=0.0, open_low=True))
    return _checks.non_negative(follow_up, "follow_up", length=length)


def _refuse_short(lasted: Floats, present: Flags, low: float) -> None:
    rows = np.flatnonzero(present & (lasted <= low))
    if rows.size:
        raise InputError(
            f"duration must exceed {low:g}, at which nobody can be met in stock; it does not at rows {shown(rows)}. Measure in finer "
            "units, count the day of joining, or give these rows a base weight of 0.",
            code="never_in_stock", argument="duration", rows=rows, low=low,
        )


def _refuse_unended(left: Flags, staying: Flags, seen: Floats | None, high: float) -> None:
    if not left.any():
        raise IdentificationError(
            "Nobody has left yet, so no duration is known. Follow the stock for some time, or use survival_curve with entry= the tenure at "
            "the survey, which needs no stationary inflow.",
            code="nobody_has_left", argument="ended",
        )
    if staying.any() and seen is None:
        rows = np.flatnonzero(staying)
        raise IdentificationError(
            f"{rows.size} have not left, at rows {shown(rows)}: those who have are the short ones, by how much follow_up= tells. Give for "
            "how long after the survey leaving would have been seen.",
            code="follow_up_missing", argument="follow_up", rows=rows, count=int(rows.size),
        )
    if staying.any() and seen is not None and np.isfinite(high):
        last = high + float(seen.max())
        raise IdentificationError(
            f"Nobody surveyed at a tenure of at most {high:g} and followed for {float(seen.max()):g} can be seen to leave after {last:g}, "
            "and some have not left: how many last longer is not known. Follow them longer, survey all tenures, or use survival_curve with "
            "entry= the tenure at the survey.",
            code="long_durations_unseen", argument="tenure_limits", high=high, follow_up=float(seen.max()), last=last,
        )


def _refuse_unseen(unseen: Flags, low: float, high: float) -> None:
    rows = np.flatnonzero(unseen)
    if rows.size:
        raise InputError(
            f"Nobody with such a duration, surveyed at a tenure from {low:g} to {high:g}, would have been seen to leave, but rows "
            f"{shown(rows)} were. Correct duration, follow_up or tenure_limits.",
            code="leaving_not_seen", argument="duration", rows=rows, low=low, high=high,
        )


def _joined(
    inflow: tuple[Sequence[float], Sequence[float]] | None, to: Floats, since: Floats, known: Flags
) -> tuple[Floats, Assumption]:
    """How many joined from `to` until `since` before the survey, and what is assumed of the inflow."""
    if inflow is None:
        return to - since, Assumption(code="stationary_inflow", testable="partly")
    edges = _checks.non_negative(inflow[0], "inflow edges")
    numbers = _checks.non_negative(inflow[1], "inflow numbers", length=max(edges.size - 1, 0))
    if edges.size < 2 or edges[0] != 0 or (np.diff(edges) <= 0).any():
        raise InputError(
            "inflow must be (edges, numbers): rising times before the survey, the first of them 0, and one number less, of those who "
            "joined in between.",
            code="bad_inflow", argument="inflow",
        )
    rows = np.flatnonzero(known & (to > edges[-1]))
    if rows.size:
        raise IdentificationError(
            f"The inflow is known until {edges[-1]:g} before the survey; rows {shown(rows)} could have joined earlier. Go further back, or "
            "set the highest tenure surveyed: tenure_limits.",
            code="inflow_too_short", argument="inflow", rows=rows, last=float(edges[-1]),
        )
    cumulative = np.append(0.0, np.cumsum(numbers))
    joined = np.interp(to, edges, cumulative) - np.interp(since, edges, cumulative)
    rows = np.flatnonzero(known & (joined <= 0))
    if rows.size:
        raise IdentificationError(
            f"By the inflow nobody joined at the times from which rows {shown(rows)} would be in stock. Correct inflow.",
            code="nobody_joined", argument="inflow", rows=rows,
        )
    return joined, Assumption(code="known_inflow", testable="partly")
