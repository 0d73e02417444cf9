"""Mean scores of a dealer's two channels, as the customers on his roster would have given them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .._checks import columns_of, factorize, same_length, unmasked
from .._numerics import sums_by
from ..errors import InputError, shown
from ..results import Flags, Floats
from .case_mix import adjust_for_case_mix, dealer_moments
from .signal_result import Dealers

Codes = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ChannelLevels:
    """What the answers of D dealers say: 0 is the independent channel, 1 the dealer's own.

    Attributes
    ----------
    n0, n1 : float array (D,)
        Answers.
    y0, y1 : float array (D,)
        Means, with the case mix of the dealer's visits; NaN without answers.
    s0, s1 : float array (D,)
        Variance of one answer, partly borrowed from the network.
    within : float array (D,)
        Squared deviations of the independent answers from their mean, summed.
    e0, e1, shared : float array (D,)
        Variances, and covariance, of the means through the effects of the case mix.
    visits : float array (D,)
        Visits on the roster that the score is to speak for; infinite where there is no roster.
    mix : float array (D,)
        What the case mix of the dealer's visits adds to his score, beyond that of the network.
    room : float array (D,)
        Points between the dealer's level and the highest score, in multiples of the usual; 1 until it is known.
    score, adjusted : float array (D,)
        Mean of all answers as they came, and with the case mix of the network.
    bottom, top : float
        Lowest and highest score.
    """

    n0: Floats
    n1: Floats
    y0: Floats
    y1: Floats
    s0: Floats
    s1: Floats
    within: Floats
    e0: Floats
    e1: Floats
    shared: Floats
    visits: Floats
    mix: Floats
    room: Floats
    score: Floats
    adjusted: Floats
    bottom: float
    top: float

    @property
    def v0(self) -> Floats:
        """Variance of y0; NaN without answers."""
        return np.asarray(self.e0 + np.divide(self.s0, self.n0, out=np.full(self.n0.size, np.nan), where=self.n0 > 0))

    @property
    def v1(self) -> Floats:
        """Variance of y1; NaN without answers."""
        return np.asarray(self.e1 + np.divide(self.s1, self.n1, out=np.full(self.n1.size, np.nan), where=self.n1 > 0))


def channel_levels(y: Floats, dealers: Dealers, outside: Flags, x: Any, roster_dealer: Any, roster_x: Any) -> ChannelLevels:
    """Both channels of every dealer; the effects of the case mix come from independent answers, where there are any."""
    count = dealers.count
    roster = np.zeros(0, np.intp) if roster_dealer is None else _places(roster_dealer, dealers)
    visits = np.bincount(roster, minlength=count + 1)[:count].astype(float)
    roster = roster if roster_x is not None else roster[:0]
    code = np.append(dealers.code, roster)
    answer = np.arange(code.size) < y.size
    own, other = (np.append(rows, np.zeros(roster.size, bool)) for rows in (~outside, outside))
    known = np.bincount(roster, minlength=count + 1) > 0
    target = (~answer | ~known[code]) & (code < count)  # visits; the answers of a dealer without any
    padded = np.append(y, np.zeros(roster.size))
    fit = adjust_for_case_mix(padded, _stacked(x, y.size, roster_x, roster.size), code, count + 1, rows=other if outside.any() else own)
    effect = padded - fit.scores
    mix = sums_by(code[target], effect[target], count) / np.bincount(code[target], minlength=count)
    both, zero, one = (dealer_moments(fit.scores[rows], code[rows], count) for rows in (answer, other, own))
    at0, at1, at = (fit.means(code, count + 1, rows)[:count] for rows in (other, own, target))
    within = sums_by(code[other], (fit.scores - zero.mean[np.minimum(code, count - 1)])[other] ** 2, count)
    usual = float(effect[target].mean())
    return ChannelLevels(
        n0=zero.n, n1=one.n, y0=zero.mean + mix, y1=one.mean + mix, s0=zero.variance, s1=one.variance, within=within,
        e0=fit.variance(at0, at), e1=fit.variance(at1, at), shared=np.einsum("di,ij,dj->d", at0 - at, fit.covariance, at1 - at),
        visits=np.where(visits > 0, np.maximum(visits, both.n), np.inf), mix=mix - usual, room=np.ones(count),
        score=dealers.sums(y) / both.n, adjusted=both.mean + usual, bottom=float(y.min()), top=float(y.max()),
    )


def _places(roster_dealer: Any, dealers: Dealers) -> Codes:
    """Position of each visit's dealer; one beyond the last for dealers without answers."""
    code, labels = factorize(roster_dealer, "roster_dealer")
    position = {label: place for place, label in enumerate(dealers.labels.tolist())}
    return np.array([position.get(label, dealers.count) for label in labels.tolist()], np.intp)[code]


def _stacked(x: Any, answers: int, roster_x: Any, visits: int) -> Any:
    """Characteristics of the answers and, below them, of the visits."""
    if roster_x is None:
        return x
    if not visits:
        raise InputError(
            "roster_x is given without roster_dealer, or of no visit. Give the dealer of each visit too.",
            code="roster_x_without_dealer", argument="roster_x",
        )
    above, below = columns_of(x, "x"), columns_of(roster_x, "roster_x")
    kinds = {name: _is_text(above[name]) == _is_text(below[name]) for name in set(above) & set(below)}
    if set(above) != set(below) or not all(kinds.values()):
        raise InputError(
            f"x has the characteristics {shown(above)}, roster_x {shown(below)}. Give the same to both, as text or as numbers.",
            code="roster_x_differs", argument="roster_x",
            levels=[*sorted(set(above) ^ set(below)), *sorted(name for name, same in kinds.items() if not same)],
        )
    return {
        name: np.append(_column(above[name], answers, f"x[{name!r}]"), _column(below[name], visits, f"roster_x[{name!r}]"))
        for name in above
    }


def _is_text(values: Any) -> bool:
    return any(isinstance(value, str) for value in unmasked(values).ravel()[:1].tolist())


def _column(values: Any, length: int, argument: str) -> npt.NDArray[Any]:
    column = unmasked(values)
    same_length(column, argument, length)
    return column
