"""One run's answers added to the sums of a monitor: adjusted for case mix, and compared where both channels have spoken."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from .. import _checks
from .._numerics import solve_symmetric, sums_by
from ..errors import InputError, shown
from ..results import Flags, Floats
from ..weighting.covariates import holds_numbers, refuse_many
from .case_mix import Codes, Moments, moments_of, products_within, sums_of_rows
from .monitor_state import MonitorSums

_FEWEST = 2  # answers of each channel make a comparison; fewer wait for the next run


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """One run's answers; `dealer` are codes of the dealers heard of so far, `dealers` their number."""

    y: Floats
    dealer: Codes
    dealers: int
    independent: Flags
    x: dict[str, Floats]
    characteristics: tuple[str, ...]

    @property
    def numbers(self) -> tuple[str, ...]:
        """Characteristics that are numbers."""
        return tuple(name for name in self.characteristics if not name.endswith("="))


def read_characteristics(x: Any, length: int) -> tuple[dict[str, Floats], tuple[str, ...]]:
    """Columns of numbers and an indicator per label; the characteristics, those of labels ending in "="."""
    columns: dict[str, Floats] = {}
    names = []
    for name, column in _checks.columns_of(x, "x").items():
        argument = f"x[{name!r}]"
        if holds_numbers(column):
            names.append(name)
            columns[name] = _checks.vector(column, argument, length=length)
        else:
            names.append(f"{name}=")
            code, labels = _checks.factorize(column, argument, length=length)
            refuse_many(len(columns) + labels.size, name, labels.size)
            columns |= {f"{name}={label}": (code == k).astype(float) for k, label in enumerate(labels.tolist())}
    return columns, tuple(sorted(names))


def no_sums(run: Run) -> MonitorSums:
    """Before the first run, of which the scales of scores and numbers are taken."""
    return MonitorSums(
        origin=float(run.y.mean()), low=np.inf, high=-np.inf, scale=0.0, powers=np.zeros((4, 0)), compared=np.zeros((0, 4, 0)),
        waiting=np.zeros((2, 0, 2 + len(run.numbers))), characteristics=run.characteristics, columns=run.numbers,
        middle=np.array([run.x[name].mean() for name in run.numbers]), square=np.zeros((len(run.numbers),) * 2),
        cross=np.zeros(len(run.numbers)),
    )


def with_run(sums: MonitorSums, known: Codes, run: Run) -> MonitorSums:
    """The sums with one run more; `known` are the codes of the dealers the sums hold."""
    wide = _widened(sums, known, run)
    x = _matrix(wide, run)
    square, cross = (
        old + new for old, new in zip(
            (wide.square, wide.cross),
            products_within(x[run.independent], run.y[run.independent], run.dealer[run.independent], run.dealers), strict=True,
        )
    )
    adjusted = run.y - x @ solve_symmetric(square, cross)
    powers = wide.powers + np.stack([sums_by(run.dealer, (adjusted - wide.origin) ** k, run.dealers) for k in range(4)])
    moments = moments_of(powers, wide.origin)
    network = float(moments.variance @ moments.n / moments.n.sum())
    waiting = wide.waiting + np.stack([_channel(adjusted, x, run, rows) for rows in (~run.independent, run.independent)])
    compared, waiting = _compared(waiting, solve_symmetric(square, np.eye(cross.size)) * network)
    low, high = min(wide.low, float(run.y.min())), max(wide.high, float(run.y.max()))
    return replace(
        wide, low=low, high=high, scale=wide.scale or (network**0.5 if high > low else 0.0), powers=powers,
        compared=np.concatenate([wide.compared, compared[None]]), waiting=waiting, square=square, cross=cross,
    )


def moments(sums: MonitorSums) -> Moments:
    """Moments of one adjusted answer of each dealer."""
    return moments_of(sums.powers, sums.origin)


def _widened(sums: MonitorSums, known: Codes, run: Run) -> MonitorSums:
    """Room for dealers and labels never met before; until now nobody had them."""
    if run.characteristics != sums.characteristics:
        raise InputError(
            f"x must hold the characteristics of the earlier runs, {shown(sums.characteristics, len(sums.characteristics)) or 'none'} "
            f"('=' marks labels); got {shown(run.characteristics, len(run.characteristics)) or 'none'}.",
            code="other_characteristics", argument="x", levels=run.characteristics, expected=", ".join(sums.characteristics),
        )
    columns = (*sums.columns, *(name for name in run.x if name not in sums.columns))
    p, old = len(columns), len(sums.columns)
    waiting = np.zeros((2, run.dealers, 2 + p))
    waiting[:, known, : 2 + old] = sums.waiting.reshape(2, -1, 2 + old)
    square = np.zeros((p, p))
    square[:old, :old] = sums.square.reshape(old, old)
    added = np.zeros(p - old)
    return replace(
        sums, powers=_spread(sums.powers, known, run.dealers), compared=_spread(sums.compared, known, run.dealers), waiting=waiting,
        columns=columns, middle=np.concatenate([sums.middle, added]), square=square, cross=np.concatenate([sums.cross, added]),
    )


def _spread(values: Floats, known: Codes, dealers: int) -> Floats:
    """The last axis with room for new dealers."""
    wide = np.zeros((*values.shape[:-1], dealers))
    wide[..., known] = values
    return wide


def _matrix(sums: MonitorSums, run: Run) -> sparse.csr_array:
    """Characteristics of each answer, in the columns of the sums; numbers less their first mean."""
    nothing = np.zeros(run.y.size)
    columns = [run.x.get(name, nothing) - middle for name, middle in zip(sums.columns, sums.middle, strict=True)]
    return sparse.csr_array(np.array(columns).reshape(len(columns), -1).T) if columns else sparse.csr_array((run.y.size, 0))


def _channel(adjusted: Floats, x: sparse.csr_array, run: Run, rows: Flags) -> Floats:
    """Number, sum of adjusted scores and of characteristics, (D, 2 + p)."""
    dealer = run.dealer[rows]
    counted = [sums_by(dealer, each, run.dealers) for each in (np.ones(dealer.size), adjusted[rows])]
    return np.column_stack([*counted, sums_of_rows(x[rows], dealer, run.dealers)])


def _compared(waiting: Floats, covariance: npt.NDArray[np.float64]) -> tuple[Floats, Floats]:
    """Sums of the comparisons that can be made, (4, D), and what waits on."""
    n1, n0 = waiting[..., 0]
    ready = (n1 >= _FEWEST) & (n0 >= _FEWEST)
    own, other = waiting[:, ready, 1:] / waiting[:, ready, :1]
    difference = own - other
    n1, n0 = n1[ready], n0[ready]
    c = n1 * n0 / (n1 + n0)
    mix = np.sqrt(np.maximum(np.einsum("di,ij,dj->d", difference[:, 1:], covariance, difference[:, 1:]), 0.0))
    compared = np.zeros((4, ready.size))
    compared[:, ready] = c, c * difference[:, 0], c**3 * (1.0 / n1**2 - 1.0 / n0**2), c * mix
    return compared, np.where(ready[:, None], 0.0, waiting)
