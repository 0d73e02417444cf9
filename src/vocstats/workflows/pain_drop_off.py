"""The table of drop-off as arrays: who left at which stage of the journey, and which pains can make them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _checks
from .._numerics import sums_by
from ..errors import InputError, rows_of, shown
from ..prevalence.counts import DropOffCounts
from ..results import Flags
from ..tables import Columns, InputTable
from .pain_tables import Column, Frame, PainColumns, cells_of, refuse_repeated, whole_counts

DROP_OFF = "drop_off"
"""What the source is called among others."""
HIGHEST_DRIFT = 0.1
"""Of means of segments in standard deviations, above which draws have not settled on the drop-off."""
Acts = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DropOff:
    """What a table of drop-off says.

    Attributes
    ----------
    counts : DropOffCounts or None
        Of the stages that say something; None: of none.
    acts : {stage: pain points}
        Those stages, and what can make customers leave there.
    idle : tuple of str
        Stages that customers of one segment only, or nobody, reached: they cannot say how segments differ.
    """

    counts: DropOffCounts | None
    acts: Acts
    idle: tuple[str, ...]


def checked_acts(drop_off: Any, given: Any) -> Acts:
    """``drop_off_pains`` as `estimate_pain_points` gets it."""
    if (drop_off is None) != (given is None):
        lacking, there = ("drop_off_pains", "drop_off") if given is None else ("drop_off", "drop_off_pains")
        raise InputError(
            f"{there} is given without {lacking}: drop-off tells of pain points only with the stages at which they make customers leave. "
            'Give both, such as drop_off_pains={"payment": ["purchase_friction"]}.',
            code="drop_off_without_pains", argument=lacking, there=there, lacking=lacking,
        )
    if given is not None and not isinstance(given, Mapping):
        raise InputError(
            f'drop_off_pains must name the pain points of each stage, {{"payment": ["purchase_friction"]}}; got {given!r}.',
            code="drop_off_pains_not_a_mapping", argument="drop_off_pains", value=repr(given),
        )
    listed = {stage: (pains,) if isinstance(pains, str) else pains for stage, pains in (given or {}).items()}
    return {str(stage): tuple(dict.fromkeys(map(str, pains))) for stage, pains in listed.items()}


@rows_of("drop_off")
def read_drop_off(given: Any, acts: Acts, columns: PainColumns, frame: Frame, pains: Column) -> DropOff:
    """The table, its dealers added up, each row in a segment of the frame."""
    table = InputTable(given, DROP_OFF)
    wanted = {key: table.number(key, argument=DROP_OFF) for key in ("reached", "dropped")} | {"stage": table.column("stage")}
    told = [name for name in columns.groups if name != columns.dealer or name in table.schema]
    rows = table.view(wanted | {f"group {name}": table.column(name, argument="groups") for name in told}).rows()
    if not rows["reached"].size:
        raise InputError("drop_off holds no rows.", code="empty_table", argument=DROP_OFF, table=DROP_OFF)
    reached, dropped = (whole_counts(rows[key], key) for key in ("reached", "dropped"))
    _refuse_more_than_reached(reached, dropped)
    code, labels = _checks.factorize(rows["stage"], "stage")
    stages = [str(label) for label in labels.tolist()]
    acting = _acting(acts, stages, pains)
    segment, dealer = frame.place_group(rows, reached.size)
    _refuse_absent((segment < 0) | (dealer < 0), rows, columns)
    shape = (len(stages), *frame.customers.shape[:2])
    refuse_repeated(np.ravel_multi_index((code, segment, dealer), shape), DROP_OFF, rows, columns)
    cell, size = code * shape[1] + segment, shape[0] * shape[1]
    came, left = (sums_by(cell, each, size).reshape(shape[:2]) for each in (reached, dropped))
    useful = (came > 0).sum(axis=1) > 1
    stage, place = np.nonzero((came > 0) & useful[:, None])
    counts = DropOffCounts(
        stage=np.cumsum(useful)[stage] - 1, segment=place, reached=came[stage, place], dropped=left[stage, place], acts=acting[useful]
    )
    return DropOff(
        counts=counts if useful.any() else None, acts={name: acts[name] for name, use in zip(stages, useful, strict=True) if use},
        idle=tuple(name for name, use in zip(stages, useful, strict=True) if not use),
    )


def _acting(acts: Acts, stages: Sequence[str], pains: Column) -> Flags:
    """Which pain points act at which stage, (F, K)."""
    unknown = sorted(set(acts) - set(stages))
    if unknown:
        hint, near = _checks.suggestion(unknown[0], stages)
        raise InputError(
            f"drop_off_pains names the stages {shown(unknown)}; those of drop_off are {shown(stages)}.{hint}",
            code="unknown_stage", argument="drop_off_pains", levels=unknown, known=shown(stages), **near,
        )
    without = [stage for stage in stages if not acts.get(stage)]
    if without:
        raise InputError(
            f"drop_off has the stages {shown(without)}, and drop_off_pains names no pain point that makes customers leave there. Name "
            "some, or take the rows out.",
            code="stage_without_pains", argument="drop_off_pains", levels=without,
        )
    known = {str(pain): k for k, pain in enumerate(pains.tolist())}
    strange = sorted({pain for stage in stages for pain in acts[stage]} - set(known))
    if strange:
        hint, near = _checks.suggestion(strange[0], known)
        raise InputError(
            f"drop_off_pains names pain points that the observations do not have: {shown(strange)}."
            f"{hint} They have {shown(pains)}.",
            code="unknown_pain_of_stage", argument="drop_off_pains", levels=strange, known=shown(pains), **near,
        )
    flags = np.zeros((len(stages), pains.size), bool)
    for row, stage in enumerate(stages):
        flags[row, [known[pain] for pain in acts[stage]]] = True
    return flags


def _refuse_more_than_reached(reached: npt.NDArray[np.float64], dropped: npt.NDArray[np.float64]) -> None:
    over = np.flatnonzero(dropped > reached)
    if over.size:
        raise InputError(
            f"Column 'dropped' of drop_off exceeds 'reached' at rows {shown(over)}: of {reached[over[0]]:g} customers who came to the "
            f"stage, {dropped[over[0]]:g} are said to have left there. 'reached' counts all who came, whether they went on or left.",
            code="dropped_above_reached", argument=DROP_OFF, rows=over, reached=f"{reached[over[0]]:g}", dropped=f"{dropped[over[0]]:g}",
        )


def _refuse_absent(absent: npt.NDArray[np.bool_], rows: Columns, columns: PainColumns) -> None:
    at = np.flatnonzero(absent)
    if at.size:
        cells = cells_of(rows, columns, at)
        raise InputError(
            f"drop_off holds {shown(cells)} at rows {shown(at)}, of which the frame has no customers. Write segments and dealers alike in "
            "both tables, and take out those that the estimate is not of.",
            code="drop_off_not_in_frame", argument=DROP_OFF, rows=at, levels=cells, cells=shown(cells),
        )
