"""What `correct` was asked: its arguments, checked once, and everything the later steps need beside the cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .. import _checks
from ..customer_base import SOURCES, Cells, CustomerBase
from ..errors import InputError, shown
from ..options import CorrectionMethod, Inference, SmallGroups, WeightingMethod
from .statistic import Measure

FOLLOWING = ("double_sampling", "doubly_robust")  # the silent speak through a follow-up


@dataclass(frozen=True, slots=True)
class Shifts:
    """The declared shifts, each (lowest, highest), in score points."""

    silent: tuple[float, float]
    churned: tuple[float, float]
    mode: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A checked call of `correct`; `method` None: by the follow-up where one was heard, else by weighting."""

    base: CustomerBase
    measure: Measure
    outcome: str | None
    items: Mapping[str, float] | None
    method: CorrectionMethod | None
    weighting: WeightingMethod
    inference: Inference
    small_groups: SmallGroups
    level: float
    seed: int
    kpi: float
    shifts: Shifts
    auxiliaries: tuple[str, ...]
    minimum_cell: int
    trim: float | None
    by: tuple[str, ...]
    shadow: str | None
    assumed: tuple[str, ...]

    @property
    def follows(self) -> bool:
        """Whether the silent speak through a follow-up."""
        return self.method in FOLLOWING

    def cells(self) -> Cells:
        """The base collapsed to what the question needs to know; answers told apart by attempt only where the method asks for it."""
        columns = dict.fromkeys((*self.auxiliaries, *self.by, *([self.shadow] if self.shadow else [])))
        return self.base.cells(
            list(columns), outcome=self.outcome, items=self.items, scale=self.measure.scale, attempts=self.method == "callbacks"
        )

    def pools_churned(self, cells: Cells) -> bool:
        """Whether survey answers of those who left stand for all who left: assumed, and no exit interview says otherwise."""
        return "churned_heard_like_unheard" in self.assumed and not was_heard(cells, "exit_interview")


def was_heard(cells: Cells, source: str) -> bool:
    """Whether a source gave an answer."""
    return bool((cells.source == SOURCES.index(source)).any())


def names(value: str | Sequence[str] | None, argument: str) -> tuple[str, ...]:
    """One name or several, none of them twice."""
    listed = () if value is None else (value,) if isinstance(value, str) else tuple(value)
    wrong = [name for name in listed if not isinstance(name, str)]
    if wrong:
        raise InputError(f"{argument} must name columns; got {shown(wrong)}.", code="not_a_name", argument=argument)
    repeated = sorted({name for name in listed if listed.count(name) > 1})
    if repeated:
        raise InputError(f"{argument} names {shown(repeated)} more than once.", code="named_twice", argument=argument, levels=repeated)
    return listed


def pair(value: Sequence[float], argument: str) -> tuple[float, float]:
    """(lowest, highest), both finite."""
    if isinstance(value, str) or not hasattr(value, "__len__") or len(value) != 2:
        raise InputError(
            f"{argument} must be a pair (lowest, highest); got {value!r}.", code="not_a_pair", argument=argument, value=repr(value)
        )
    low, high = (_checks.number(v, argument, open_low=True, open_high=True) for v in value)
    if low > high:
        raise InputError(
            f"{argument} must rise from lowest to highest; got {(low, high)}.", code="not_a_pair", argument=argument, value=repr(value)
        )
    return low, high
