"""Who answered at which attempt: scores, attempts and characteristics, read and checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _checks
from .._checks import Floats, Integers
from .._numerics import sums_by
from ..errors import IdentificationError, InputError, shown
from ..estimation.coding import coding_of, collinear
from ..options import CallbackDependence
from .callback_likelihood import CallLikelihood

_MOST_SCORES, MOST_CELLS = 50, 500


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Calls:
    """Everybody asked: score (missing: never heard), attempt of the answer (0: none) of `attempts` made.

    x (n, p) are the characteristics without an intercept, u (n, q) what the odds of an answer depend on of the score (0 where never
    heard), both centred and scaled by `centre` and `spread` (p + q,); `columns` and `terms` name them.
    """

    y: Floats
    attempt: Integers
    attempts: int
    x: Floats
    u: Floats
    columns: tuple[str, ...]
    terms: tuple[str, ...]
    centre: Floats
    spread: Floats

    @property
    def heard(self) -> npt.NDArray[np.bool_]:
        """Who answered at any attempt."""
        return self.attempt > 0

    @property
    def z(self) -> Floats:
        """Characteristics and score, (n, p + q)."""
        return np.hstack([self.x, self.u])

    @property
    def parameters(self) -> int:
        """Of the response model."""
        return self.attempts + len(self.columns) + len(self.terms)

    def unscaled(self) -> Floats:
        """Matrix that turns parameters into those of columns in their own units."""
        k, size = self.attempts, self.parameters
        matrix = np.eye(size)
        matrix[np.arange(k, size), np.arange(k, size)] = 1.0 / self.spread
        matrix[:k, k:] = -self.centre / self.spread
        return matrix


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cells:
    """Rows collapsed to the cells (class, score) of the likelihood; `cell` (n,) is -1 where never heard or without mass."""

    full: CallLikelihood
    group: Integers  # (n,) class of each row
    cell: Integers
    size: Floats  # mass of each class


def read_calls(
    y: npt.ArrayLike, attempt: npt.ArrayLike, attempts: int | None, x: Any, dependence: CallbackDependence, present: npt.NDArray[np.bool_]
) -> Calls:
    """Checked arrays; `present` rows have a weight and say which levels there are."""
    score = _checks.vector(y, "y", missing=True)
    _checks.squarable(score[~np.isnan(score)], "y")
    answered, made = _attempts(attempt, attempts, score, present)
    rows = np.flatnonzero(present)
    coding = coding_of(x, length=score.size, rows=rows)
    matrix = np.zeros((score.size, len(coding.columns)))
    matrix[rows] = coding.matrix(x, length=score.size, rows=rows)
    dependent = collinear(matrix, present.astype(float), coding.columns)
    if dependent:
        raise IdentificationError(
            f"Columns {shown(dependent)} of x are constant or combinations of others. Leave them out.",
            code="callback_collinear", argument="x", levels=dependent,
        )
    heard = present & (answered > 0)
    u, terms = _basis(score, heard, dependence)
    z = np.hstack([matrix[:, 1:], u])
    centre, spread = np.zeros(z.shape[1]), np.ones(z.shape[1])
    numbers = [j for j, column in enumerate(z.T) if not np.isin(column[present], (0.0, 1.0)).all()]
    for j in numbers:
        known = z[heard, j]
        centre[j], spread[j] = known.mean(), known.std() or 1.0
    z = np.where(present[:, None], (z - centre) / spread, 0.0)
    p = matrix.shape[1] - 1
    z[~heard, p:] = 0.0
    return Calls(
        y=score, attempt=answered, attempts=made, x=z[:, :p], u=z[:, p:], columns=coding.columns[1:], terms=terms, centre=centre,
        spread=spread,
    )


def collapse(calls: Calls, mass: Floats) -> Cells:
    """Cells of distinct characteristics and score, with masses (n,)."""
    present = mass > 0
    rows = np.flatnonzero(present)
    group = np.zeros(mass.size, np.intp)
    classes, group[rows] = np.unique(calls.x[rows], axis=0, return_inverse=True)
    heard = np.flatnonzero(present & calls.heard)
    scores, code = np.unique(calls.y[heard], return_inverse=True)
    pairs, place = np.unique(group[heard] * scores.size + code, return_inverse=True)
    silent = np.setdiff1d(np.arange(len(classes)), pairs // scores.size)
    if silent.size:
        where = np.flatnonzero(present & np.isin(group, silent))
        raise IdentificationError(
            f"In {silent.size} of {len(classes)} classes of x nobody was heard, at rows {shown(where)}: their scores are unknown. Merge "
            "levels, or use model='weighting'.",
            code="callback_class_not_heard", argument="x", rows=where, count=silent.size, classes=len(classes),
        )
    if pairs.size > MOST_CELLS:
        raise InputError(
            f"x and y make {pairs.size} cells; the likelihood takes {MOST_CELLS}. Round numbers to bands, or use model='weighting'.",
            code="callback_many_cells", argument="x", count=pairs.size, most=MOST_CELLS,
        )
    cell = np.full(mass.size, -1, np.intp)
    cell[heard] = place
    n = np.zeros((pairs.size, calls.attempts))
    np.add.at(n, (place, calls.attempt[heard] - 1), mass[heard])
    first = np.zeros(pairs.size, np.intp)
    first[place] = heard
    size = sums_by(group[rows], mass[rows], len(classes))
    never = sums_by(group[rows], np.where(calls.heard, 0.0, mass)[rows], len(classes))
    full = CallLikelihood(n=n, group=pairs // scores.size, z=calls.z[first], m=never, share=size / size.sum())
    return Cells(full=full, group=group, cell=cell, size=size)


def _attempts(attempt: npt.ArrayLike, attempts: int | None, y: Floats, present: npt.NDArray[np.bool_]) -> tuple[Integers, int]:
    """Attempt of every answer (0: none) and attempts made, each with somebody heard and somebody left."""
    given = _checks.vector(attempt, "attempt", length=y.size, missing=True)
    known = ~np.isnan(given)
    odd = np.flatnonzero(known & ((given != np.floor(given)) | (given < 1)))
    if odd.size:
        raise InputError(
            f"attempt must be 1, 2, ... or missing for those never heard; it is something else at rows {shown(odd)}.",
            code="not_an_attempt", argument="attempt", rows=odd,
        )
    problems = (
        (known & np.isnan(y), "y", "attempt_without_score", "y is missing at rows {rows}, who answered at some attempt. Mark them as never "
         "heard (attempt missing), or weight this item nonresponse first."),
        (~known & ~np.isnan(y), "attempt", "score_without_attempt", "attempt is missing at rows {rows}, whose score is known. Say at which "
         "attempt they answered, or leave out answers that came unasked."),
    )
    for wrong, argument, code, message in problems:
        rows = np.flatnonzero(wrong)
        if rows.size:
            raise InputError(message.format(rows=shown(rows)), code=code, argument=argument, rows=rows, count=int(rows.size))
    if not (known & present).any():
        raise IdentificationError("Nobody was heard, so nothing is known of the score.", code="outcome_not_heard", argument="attempt")
    if not (~known & present).any():
        raise InputError("Nobody is silent, so there is nothing to correct. Use estimation.mean.", code="nobody_silent", argument="attempt")
    largest = int(given[known & present].max())
    made = largest if attempts is None else _checks.whole(attempts, "attempts", low=1)
    if largest > made:
        raise InputError(
            f"attempts is {made}, but somebody answered at attempt {largest}.", code="attempt_beyond_last", argument="attempts", made=made,
            largest=largest,
        )
    answered = np.where(known, given, 0.0).astype(np.intp)
    empty = [k for k in range(1, made + 1) if not (present & (answered == k)).any()]
    if empty:
        raise IdentificationError(
            f"Nobody answered at attempt {shown(empty)}, so it tells nothing. Leave it out and number the others anew.",
            code="attempt_not_heard", argument="attempt", levels=empty,
        )
    if made < 2:
        raise IdentificationError(
            "There was a single attempt, so nothing tells how those who answer late differ from those who answer at once. Weight on known "
            "characteristics, follow up the silent, or state a range (sensitivity.worst_case_bounds).",
            code="single_attempt", argument="attempt",
        )
    return answered, made


def _basis(y: Floats, heard: npt.NDArray[np.bool_], dependence: CallbackDependence) -> tuple[Floats, tuple[str, ...]]:
    """What the odds depend on of the score: the score itself, or an indicator of every score but the lowest."""
    scores = np.unique(y[heard])
    if scores.size < 2:
        raise IdentificationError(
            f"Everybody heard has the score {scores[0]:g}: nothing can depend on it.",
            code="one_score", argument="y", score=float(scores[0]),
        )
    if dependence == "linear":
        return np.where(heard, y, 0.0)[:, None], ("score",)
    if scores.size > _MOST_SCORES:
        raise InputError(
            f"y has {scores.size} different scores; dependence='saturated' takes {_MOST_SCORES}. Use dependence='linear', or round.",
            code="many_scores", argument="y", count=scores.size, most=_MOST_SCORES,
        )
    return (heard[:, None] & (y[:, None] == scores[1:])).astype(float), tuple(f"score={score:g}" for score in scores[1:].tolist())


def refuse_separated(calls: Calls, present: npt.NDArray[np.bool_]) -> None:
    """Raise where the score decides, as far as the answers tell, at which attempt somebody is heard."""
    heard = present & calls.heard
    first = [float(score) for score in np.unique(calls.y[heard]) if (calls.attempt[heard & (calls.y == score)] == 1).all()]
    last = [float(score) for score in np.unique(calls.y[heard]) if (calls.attempt[heard & (calls.y == score)] > 1).all()]
    if first or last:
        raise IdentificationError(
            f"Scores {shown(first + last)} were heard at the first attempt only, or never at it: how reluctant such people are cannot be "
            "told (separation). Merge them with neighbours, or use dependence='linear'.",
            code="callback_separation", argument="y", levels=first + last,
        )
