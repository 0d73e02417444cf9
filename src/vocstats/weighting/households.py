"""Households: members share one factor of a calibration, and with equal weights entering it one weight."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from .._checks import factorize
from .._numerics import sums_by
from ..errors import InputError, shown
from .chain import Floats, Matrix, Weights

_ALIKE = 1e-9  # relative difference up to which the weights of a household count as equal


def household_codes(households: Any, chain: Weights) -> npt.NDArray[np.intp] | None:
    """Codes of the households (None: none); refused where the weights of those heard differ within one."""
    if households is None:
        return None
    codes, labels = factorize(households, "households", length=len(chain))
    heard = np.flatnonzero(chain.mass)
    low, high = np.full(labels.size, np.inf), np.full(labels.size, -np.inf)
    np.minimum.at(low, codes[heard], chain.values[heard])
    np.maximum.at(high, codes[heard], chain.values[heard])
    unequal = np.flatnonzero(high - low > _ALIKE * np.maximum(np.abs(low), np.abs(high)))
    if unequal.size:
        levels = labels[unequal].tolist()
        raise InputError(
            f"The weights of those heard differ within households {shown(levels)}; one weight per household needs equal weights to start "
            "from. Give all members their household's weight first, or leave households out.",
            code="unequal_in_household", argument="households", levels=levels,
        )
    return codes


def by_household(x: Matrix, households: npt.NDArray[np.intp], mass: Floats) -> tuple[Matrix, Floats]:
    """Mean of every column over the members of each household, weighted by mass (0 where there is none), and the mass of each.

    References
    ----------
    Lemaître & Dufour (1987), Survey Methodology 13(2).
    """
    total = sums_by(households, mass, int(households.max(initial=-1)) + 1)
    share = np.divide(mass, total[households], out=np.zeros_like(mass), where=total[households] != 0.0)
    return sparse.csr_array((share, (households, np.arange(mass.size))), shape=(total.size, mass.size)) @ x, total
