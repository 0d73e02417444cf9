"""Tables in which some said "don't know": what their answers could be, and what they would be if missing at random."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .. import _checks, texts
from .._checks import Floats
from .._numerics import exact_share_limits, normal_quantile
from ..errors import IdentificationError, InputError, shown
from ..estimation.intervals import share_limits
from ..results import Assumption, Result, frame, register
from .seen_answers import SeenAnswers

if TYPE_CHECKING:
    import pandas as pd


@register("unanswered")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UnansweredBounds(Result):
    """Share of those whose answers would all be the ones asked about, by what is assumed of "don't know".

    Attributes
    ----------
    methods : tuple of str
        ``"lower"`` and ``"upper"`` (no assumption), ``"complete"`` (who answered every question of the table), ``"available"`` (who
        answered those asked about), ``"mar_asked"`` and ``"mar_all"`` (missing at random given the questions asked about, given all).
    estimate, std_error, conf_low, conf_high : float arrays (methods,)
        Shares; standard errors as if people were drawn independently, with replacement, limits on the scale of log odds. NaN where
        nobody answered everything, and where combinations of answers that nobody gave in full leave the share open.
    set_low, set_high : float
        Limits of the share whatever the "don't knows" would say (Imbens & Manski).
    n, n_complete, n_available : float
        People, and those who answered all, and the questions asked about.
    questions : tuple of str
        Names of the table's questions, in their order.
    level : float
        Confidence level.
    assumptions : tuple of Assumption
        What the single shares rest on; the bounds rest on none of them.
    """

    methods: tuple[str, ...]
    estimate: Floats
    std_error: Floats
    conf_low: Floats
    conf_high: Floats
    set_low: float
    set_high: float
    n: float
    n_complete: float
    n_available: float
    questions: tuple[str, ...]
    level: float
    assumptions: tuple[Assumption, ...]

    def to_frame(self) -> pd.DataFrame:
        """One row per method: method, estimate, std_error, conf_low, conf_high."""
        return self._framed("method")

    def tidy(self) -> pd.DataFrame:
        """One row per method: term, estimate, std_error, conf_low, conf_high."""
        return self._framed("term")

    def _framed(self, name: str) -> pd.DataFrame:
        numbers = ("estimate", "std_error", "conf_low", "conf_high")
        return frame({name: list(self.methods), **{each: getattr(self, each) for each in numbers}})

    def summary(self, language: str = "en") -> str:
        """The shares, the limits of the set, and what the single shares rest on."""
        lines = [self.tidy().to_string(index=False, float_format=lambda value: f"{value:.4f}")]
        ends = {"low": f"{self.set_low:.4f}", "high": f"{self.set_high:.4f}", "level": f"{100 * self.level:g}"}
        lines.append(texts.render("variance.unanswered_set", language, **ends))
        lines += [f"- {assumption.text(language)}" for assumption in self.assumptions]
        return "\n".join(lines)


def bounds(
    table: npt.ArrayLike, asked: Mapping[Any, Any], *, unknown: int | Sequence[int | None] = -1, questions: Sequence[str] | None = None,
    level: float = 0.95,
) -> UnansweredBounds:
    """Share of people with given answers when some of the answers are "don't know".

    The worst cases let every "don't know" be the one answer or the other. Missing at random: the chance of "don't know" depends only on
    what a person did answer; then the shares p_c of complete answers maximise Σ_o n_o log Σ_{c in o} p_c by EM (o: what a person was seen
    to answer).

    Parameters
    ----------
    table : array (levels of question 1, ..., levels of question Q)
        Numbers of people by their answers, "don't know" being one level of each question.
    asked : {question: answer}
        The share wanted, by number or name of the question and place of the answer (or several places) among its levels:
        ``{1: 0, 2: 0}`` for the first answer to the second and third question.
    unknown : int or sequence of int or None
        Place of "don't know" among the levels, one for all questions or one each; None: the question has none.
    questions : sequence of str, optional
        Names of the questions; None: their numbers from 0.
    level : float
        Confidence level.

    Returns
    -------
    UnansweredBounds
        Bounds, complete and available cases, and both shares under missing at random, with standard errors.

    Raises
    ------
    InputError
        Negative counts, a question or answer that is not in the table, an answer that is "don't know".
    IdentificationError
        The table is empty, or nobody answered the questions asked about.
    ConvergenceError
        The EM does not settle.

    References
    ----------
    Rubin, Stern & Vehovar (1995), JASA 90(431) (the Slovenian plebiscite); Molenberghs, Kenward & Goetghebeur (2001), J. R. Stat. Soc. C
    50(1), tables 3 and 5; Imbens & Manski (2004), Econometrica 72(6), eqs. 6 and 7.

    Examples
    --------
    >>> attends_and_independent = [[1439, 78, 159], [16, 16, 32], [144, 54, 136]]
    >>> r = bounds(attends_and_independent, {0: 0, 1: 0})
    >>> print(r.to_frame().round(3).to_string(index=False))
       method  estimate  std_error  conf_low  conf_high
        lower     0.694      0.010     0.674      0.713
        upper     0.905      0.006     0.892      0.917
     complete     0.929      0.007     0.915      0.941
    available     0.929      0.007     0.915      0.941
    mar_asked     0.892      0.007     0.877      0.905
      mar_all     0.892      0.007     0.877      0.905
    """
    _checks.level(level)
    counts = _counts(table)
    names = _names(questions, counts.ndim)
    missing = _unknown(unknown, counts.shape)
    event = _event(asked, names, counts.shape, missing)
    axes = sorted(event)
    seen = SeenAnswers.of(counts, missing)
    others = tuple(axis for axis in range(counts.ndim) if axis not in event)
    of_asked = SeenAnswers.of(counts.sum(axis=others), [missing[axis] for axis in axes])
    inner = {place: event[axis] for place, axis in enumerate(axes)}
    n, yes, no = float(counts.sum()), of_asked.sure(inner), of_asked.sure(inner, against=True)
    complete, available = seen.complete(event), of_asked.complete(inner)
    if not available[1]:
        raise IdentificationError(
            f"Nobody answered {shown([names[axis] for axis in axes])}: the table tells nothing of them.",
            code="nobody_answered", argument="asked", levels=[names[axis] for axis in axes],
        )
    shares = [(yes, n), (n - no, n), complete, available]
    found = [*(_share(*each) for each in shares), of_asked.at_random(inner), seen.at_random(event)]
    estimate, error = (np.array(each) for each in zip(*found, strict=True))
    sizes = np.array([n, n, complete[1], available[1], available[1], available[1]])
    low, high = (
        np.where(np.isnan(inside), edge, inside)  # a share of 0 or 1 has exact limits
        for inside, edge in zip(share_limits("logit", estimate, error, np.full(6, np.inf), sizes, level),
                                exact_share_limits(estimate, sizes, level), strict=True)
    )
    ends = _imbens_manski(estimate[:2], error[:2], n, level)
    return UnansweredBounds(
        methods=("lower", "upper", "complete", "available", "mar_asked", "mar_all"), estimate=estimate, std_error=error, conf_low=low,
        conf_high=high, set_low=ends[0], set_high=ends[1], n=n, n_complete=complete[1], n_available=available[1], questions=names,
        level=level,
        assumptions=(
            Assumption(code="unknown_not_told_by_answers", testable="no"),
            Assumption(code="unknown_at_random", testable="no"),
        ),
    )


def _counts(table: Any) -> Floats:
    array = np.asarray(table)
    if array.ndim < 1 or not array.size:
        raise InputError(
            f"table must have an axis per question and at least one cell; its shape is {array.shape}.",
            code="bad_answer_table", argument="table", shape=str(array.shape),
        )
    counts = _checks.non_negative(array.ravel(), "table").reshape(array.shape)
    if not counts.any():
        raise IdentificationError("table is empty: nobody was asked.", code="nobody_asked", argument="table")
    return counts


def _names(questions: Any, size: int) -> tuple[str, ...]:
    names = tuple(str(q) for q in (range(size) if questions is None else questions))
    if len(names) != size or len(set(names)) != size:
        raise InputError(
            f"questions must name the {size} axes of table, each once; got {shown(names)}.",
            code="bad_question_names", argument="questions", levels=names, axes=size,
        )
    return names


def _place(value: Any, size: int, argument: str) -> int:
    """A place among `size` levels, counted from the end where negative."""
    place = int(_checks.number(value, argument, low=-size, high=size - 1))
    return place + size if place < 0 else place


def _unknown(unknown: Any, shape: tuple[int, ...]) -> list[int | None]:
    given = [unknown] * len(shape) if unknown is None or np.isscalar(unknown) else list(unknown)
    if len(given) != len(shape):
        raise InputError(
            f"unknown must be one place, or one for each of {len(shape)} questions; got {len(given)}.",
            code="bad_unknown", argument="unknown", got=len(given), expected=len(shape),
        )
    return [None if place is None else _place(place, size, "unknown") for place, size in zip(given, shape, strict=True)]


def _event(asked: Any, names: tuple[str, ...], shape: tuple[int, ...], missing: list[int | None]) -> dict[int, list[int]]:
    """Axis -> places, among the answers without "don't know", that are asked about."""
    if not isinstance(asked, Mapping) or not asked:
        raise InputError("asked must say which answers to which questions, such as {0: 1}.", code="bad_asked", argument="asked")
    event = {}
    for question, answers in asked.items():
        axis = names.index(question) if question in names else question
        if isinstance(axis, str) or axis not in range(len(names)):
            raise InputError(
                f"asked names the question {question!r}; there are {shown(names, len(names))}.",
                code="unknown_question", argument="asked", levels=[question],
            )
        places = [_place(each, shape[axis], f"asked[{question!r}]") for each in (answers if np.ndim(answers) else [answers])]
        gap = missing[axis]
        if gap is not None and gap in places:
            raise InputError(
                f'asked wants the "don\'t know" of {question!r}: give an answer.', code="asked_unknown", argument="asked", levels=[question]
            )
        event[int(axis)] = [place - (gap is not None and place > gap) for place in places]
    return event


def _share(part: float, whole: float) -> tuple[float, float]:
    """A share and its standard error; NaN of nobody."""
    if not whole:
        return np.nan, np.nan
    return part / whole, float(np.sqrt(part / whole * (1.0 - part / whole) / whole))


def _imbens_manski(ends: Floats, errors: Floats, n: float, level: float) -> tuple[float, float]:
    """Limits that hold for every share between the bounds: c solves Φ(c + width / max error) - Φ(-c) = level."""
    from scipy.optimize import brentq
    from scipy.special import ndtr

    largest = max(float(errors.max()), 1.0 / n)
    apart = float(ends[1] - ends[0]) / largest

    def beyond(z: float) -> float:
        return float(ndtr(z + apart) - ndtr(-z)) - level

    c = float(brentq(beyond, 0.0, normal_quantile(level) + 1e-9))
    return max(float(ends[0] - c * errors[0]), 0.0), min(float(ends[1] + c * errors[1]), 1.0)
