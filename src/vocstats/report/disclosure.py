"""Which figures of a table stay blank because too few people stand behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ..results import Flags

if TYPE_CHECKING:
    from ..workflows.corrected_score import Correction

SHOWN, SMALL, COMPLEMENT = 0, 1, 2


def suppressed(answers: npt.ArrayLike, minimum: int) -> npt.NDArray[np.int8]:
    """Which groups of one table to leave blank when the table's total is known.

    A group with 1 to ``minimum - 1`` answers is `SMALL`. As long as fewer than two groups are blank, or the blank ones
    together hold fewer than `minimum` answers, subtraction from the total would tell about fewer than `minimum` people:
    the smallest group still shown is then blank as well (`COMPLEMENT`). A group nobody answered in hides nothing.

    Parameters
    ----------
    answers : array of int (groups,)
        Answers in each group.
    minimum : int
        Fewest answers a figure may rest on.

    Returns
    -------
    array of int8 (groups,)
        `SHOWN`, `SMALL` or `COMPLEMENT`.

    References
    ----------
    Hundepool et al. (2012), Statistical Disclosure Control, Wiley, section 4.2 (primary and secondary suppression).
    """
    n = np.asarray(answers, dtype=np.int64)
    status = np.where((n > 0) & (n < minimum), SMALL, SHOWN).astype(np.int8)
    if not status.any():
        return status
    for group in np.argsort(n, kind="stable"):
        blank = status != SHOWN
        if blank.sum() >= 2 and n[blank].sum() >= minimum:
            break
        if n[group] > 0 and status[group] == SHOWN:
            status[group] = COMPLEMENT
    return status


def suppressed_terms(correction: Correction, minimum: int) -> npt.NDArray[np.int8]:
    """`suppressed` for each of the three terms of a correction by domain: (D, 3)."""
    return np.stack([suppressed(correction.n[:, term], minimum) for term in range(correction.n.shape[1])], axis=1)


def small_parts(correction: Correction, minimum: int) -> Flags:
    """Parts of the whole base heard by too few to show their mean: (4,)."""
    heard = correction.part_heard[0]
    return np.asarray((heard > 0) & (heard < minimum))
