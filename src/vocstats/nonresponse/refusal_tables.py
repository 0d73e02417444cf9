"""Refusals that depend on the answer, from a table of answers and refusals by cell: EM, and the likelihood it climbs."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _checks
from .._checks import Floats
from .._numerics import normal_quantile
from ..errors import ConvergenceError, IdentificationError, InputError, shown
from ..results import Assumption, Integers
from .cautions import LikelihoodWarning
from .refusal_likelihood import RefusalLikelihood
from .refusal_result import RefusalEstimate

_STOPS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
_FLAT, _NEVER = 2.0, 1e-3  # an interval so many times that of ignorable refusal; a chance to refuse next to its end


def nonignorable_em(
    answers: Any, refusals: npt.ArrayLike, *, predictor: Any = None, tol: float = 1e-6, max_iter: int = 1_000_000, level: float = 0.95
) -> RefusalEstimate:
    """Shares of the answers when the chance to refuse depends on the answer itself, from a table of cells.

        refused_xy = refused_x p(y|x) O(g, y) / Σ_y p(y|x) O(g, y),   O(g, y) = Σ_{x in g} refused_xy / Σ_{x in g} answered_xy

    in turns, p(y|x) the shares among those of cell x who answered and O the odds to refuse, which may differ between answers and
    between the groups g of `predictor`, not between the cells of a group: these are what identifies O. Limits come from the
    profile of the full likelihood, Π_xy [P(y|x) (1 - S(g, y))]^answered_xy Π_x [Σ_y P(y|x) S(g, y)]^refused_x.

    Parameters
    ----------
    answers : array (cells, answers), mapping or dataframe of columns (cells,)
        How many gave each answer.
    refusals : array (cells,)
        How many refused.
    predictor : array of labels (cells,), optional
        What refusing may depend on beside the answer (g). None: nothing else.
    tol : float
        The EM stops when the sum of the absolute changes of the odds is below.
    max_iter : int
        Most turns.
    level : float
        Confidence level.

    Returns
    -------
    RefusalEstimate
        Shares by EM and by the full likelihood, profile limits, what the EM said at looser tolerances, and how flat the likelihood is.
        A `LikelihoodWarning` says that the data barely identify the answer where the limits are more than twice as far apart as
        under refusal that does not depend on the answer, or some answer's chance to refuse is next to 0 or 1.

    Raises
    ------
    InputError
        Negative or missing counts, nobody refused, fewer than two answers.
    IdentificationError
        A cell nobody answered in, or a group with fewer different cells than answers.
    ConvergenceError
        `max_iter` turns were not enough.

    References
    ----------
    Riddles, Kim & Im (2016), J. Surv. Stat. Methodol. 4(2), app. 2 (the EM); Baker & Laird (1988), JASA 83(401) (the likelihood).

    Examples
    --------
    >>> r = nonignorable_em({"yes": [90, 40], "no": [10, 60]}, [15, 40])
    >>> r.estimate.round(3).tolist(), r.naive.round(3).tolist()
    ([0.561, 0.439], [0.65, 0.35])
    """
    _checks.level(level)
    tol, most = _checks.number(tol, "tol", low=0.0, open_low=True), int(_checks.number(max_iter, "max_iter", low=1.0))
    n, names = _answers(answers)
    m = _checks.non_negative(refusals, "refusals", length=len(n))
    if predictor is None:
        group, groups = np.zeros(len(n), np.intp), np.array([""], object)
    else:
        group, groups = _checks.factorize(predictor, "predictor", length=len(n))
    used = n.sum(axis=1) + m > 0
    _check_identified(n[used], m[used], group[used], groups)
    full = RefusalLikelihood.of(n[used], m[used], group[used])
    odds, rounds, path = _climb(full, tol, most)
    shares = full.completed(odds)
    top = full.maximum(odds)
    limits = np.array([full.limits(k, top, level) for k in range(n.shape[1] if n.shape[1] > 2 else 1)])
    if n.shape[1] == 2:
        limits = np.vstack([limits, 1.0 - limits[:, ::-1]])
    ignorable, error = full.ignorable()
    widening = float(np.max((limits[:, 1] - limits[:, 0]) / np.maximum(2.0 * normal_quantile(level) * error, 1e-300)))
    refusing = full.refusing(top)
    edge = bool((refusing < _NEVER).any() or (refusing > 1.0 - _NEVER).any())
    if widening > _FLAT or edge:
        _warn(names, limits, widening, edge)
    highest = full.value(top)
    return RefusalEstimate(
        labels={"answer": np.array(names, object)}, estimate=shares, likelihood_estimate=full.shares(top), conf_low=limits[:, 0],
        conf_high=limits[:, 1], naive=n.sum(axis=0) / n.sum(), ignorable=ignorable, ignorable_std_error=error, odds=odds,
        groups=tuple(str(label) for label in groups.tolist()), iterations=float(rounds), tolerances=np.array([stop for stop, _ in path]),
        path=np.array([full.completed(at) for _, at in path]).reshape(len(path), n.shape[1]),
        shortfall=np.array([highest - full.value_of_odds(at) for _, at in path]), log_likelihood=highest, widening=widening,
        at_boundary=edge, n=float(n.sum()), refused=float(m.sum()), level=level, assumptions=_assumptions(predictor is not None),
    )


def _answers(answers: Any) -> tuple[Floats, list[str]]:
    if isinstance(answers, np.ndarray | list | tuple):
        table = np.asarray(answers)
        if table.ndim != 2:
            raise InputError(
                f"answers must be a table, cells by answers; its shape is {table.shape}.", code="answers_not_a_table", argument="answers",
                shape=str(table.shape),
            )
        columns = {str(k): column for k, column in enumerate(table.T)}
    else:
        columns = _checks.named_columns(answers, "answers")
    if len(columns) < 2:
        raise InputError("answers must hold at least two answers.", code="one_answer", argument="answers")
    length = len(np.asarray(next(iter(columns.values()))))
    counts = [_checks.non_negative(column, f"answers[{name!r}]", length=length) for name, column in columns.items()]
    return np.column_stack(counts), list(columns)


def _check_identified(n: Floats, m: Floats, group: Integers, groups: npt.NDArray[Any]) -> None:
    if not m.sum() > 0:
        raise InputError("Nobody refused, so the shares are those of the answers.", code="nobody_refused", argument="refusals")
    rows = np.flatnonzero(n.sum(axis=1) == 0)
    if rows.size:
        raise IdentificationError(
            f"Nobody answered in cells {shown(rows)}, so nothing is known of them. Merge them with others.",
            code="cell_not_heard", argument="answers", rows=rows,
        )
    shares = n / n.sum(axis=1, keepdims=True)
    short = [groups[g] for g in np.unique(group) if np.linalg.matrix_rank(shares[group == g], tol=1e-6) < n.shape[1]]
    if short:
        raise IdentificationError(
            f"{n.shape[1]} chances to refuse need as many cells with different shares of the answers; the groups {shown(short)} of the "
            "predictor have fewer. Leave the predictor out, merge answers, or state a range (sensitivity.worst_case_bounds).",
            code="refusal_not_identified", argument="predictor", levels=short, needed=n.shape[1],
        )


def _climb(full: RefusalLikelihood, tol: float, most: int) -> tuple[Floats, int, list[tuple[float, Floats]]]:
    """Odds at `tol`, turns, and the odds at every looser tolerance on the way."""
    odds = np.ones((full.groups, full.n.shape[1]))
    ahead = [stop for stop in _STOPS if stop > tol]
    path: list[tuple[float, Floats]] = []
    for turn in range(1, most + 1):
        fresh = full.turn(odds)
        change = float(np.abs(fresh - odds).sum())
        odds = fresh
        while ahead and change < ahead[0]:
            path.append((ahead.pop(0), odds))
        if change < tol:
            return odds, turn, [*path, (tol, odds)]
    raise ConvergenceError(
        f"After {most} turns the odds still change by {change:.3g}, more than tol = {tol:g}: the likelihood is flat. Allow more turns, or "
        "merge answers.",
        code="em_not_converged", argument="max_iter", iterations=most, change=change, tol=tol,
    )


def _warn(names: list[str], limits: Floats, widening: float, edge: bool) -> None:
    widest = int(np.argmax(limits[:, 1] - limits[:, 0]))
    reason = f"the limits are {widening:.1f} times as far apart as under refusal that does not depend on the answer"
    ends = "; some answer is estimated to be refused (nearly) never or always" if edge else ""
    warnings.warn(
        f"The data barely identify the answer: any share of {names[widest]!r} from {limits[widest, 0]:.3f} to {limits[widest, 1]:.3f} goes "
        f"with them ({reason}{ends}). Report the range, and not the estimate alone.",
        LikelihoodWarning, stacklevel=3,
    )


def _assumptions(predicted: bool) -> tuple[Assumption, ...]:
    code = "refusal_given_answer_and_group" if predicted else "refusal_given_answer"
    return (Assumption(code=code, testable="partly"), Assumption(code="cells_drawn_independently", testable="partly"))
