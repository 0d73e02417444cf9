"""Counts of pain points as the model reads them: flat cells, and where each finds what it depends on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..prevalence.counts import DropOffCounts, PainPointCounts
from ..prevalence.drop_off import segment_weights
from ..results import Floats


@dataclass(frozen=True, slots=True)
class Shape:
    """What a compiled model depends on beside its data.

    Attributes
    ----------
    pains, segments, groups : int
    dealers : int
        0: dealers have no effects of their own.
    coded, mentions, false_mentions, modes : int
        Unknown pairs (Se, Sp), unknown m1, m0 and mode effects.
    stages, slopes : int
        Stages of the journey with drop-off, and pairs of a stage and a pain that acts there; 0: no drop-off is known.
    readers : int
        Coders that may have read what one cell counts; 0: cells count what one coder found.
    """

    pains: int
    segments: int
    groups: int
    dealers: int
    coded: int
    mentions: int
    false_mentions: int
    modes: int
    stages: int = 0
    slopes: int = 0
    readers: int = 0

    @property
    def reads(self) -> list[str]:
        """Names of the data that a model of this shape reads."""
        wanted = {
            "segment": self.segments > 1, "group": self.groups > 1, "dealer": self.dealers,
            **dict.fromkeys(("coder", "sensitivity_beta", "specificity_beta"), self.coded),
            "label": self.readers,
            **dict.fromkeys(("mentioner", "mention_beta"), self.mentions),
            **dict.fromkeys(("false_mentioner", "false_mention_beta"), self.false_mentions),
            **dict.fromkeys(("mode", "mode_scale"), self.modes),
            **dict.fromkeys(("slope_stage", "slope_pain", "stage", "stage_segment", "weight", "reached", "dropped"), self.stages),
        }
        return ["pain", "positive", "n", *(name for name, there in wanted.items() if there)]

    @property
    def blank(self) -> dict[str, Any]:
        """Data of one cell, to compile a model with: chains start where it says, which must be coders who are mostly right."""
        sizes = {"sensitivity": self.coded, "specificity": self.coded, "mention": self.mentions, "false_mention": self.false_mentions}
        likely, unlikely = (9.0, 1.0), (1.0, 9.0)
        known = {
            f"{name}_beta": np.tile(unlikely if name == "false_mention" else likely, (size, 1)) for name, size in sizes.items()
        } | {"mode_scale": np.ones(self.modes)}
        known |= {"positive": np.ones(1), "n": np.full(1, 2.0), "reached": np.full(1, 2), "dropped": np.ones(1, np.int64)}
        known |= {f"slope_{name}": np.zeros(self.slopes, np.int64) for name in ("stage", "pain")}
        known |= {"weight": np.full((self.segments, max(self.dealers, 1), self.groups), 1.0 / max(self.dealers, 1) / self.groups)}
        if self.readers:
            known |= dict.fromkeys(("coder", "label"), np.ones((1, self.readers), np.int64))
        return {name: known.get(name, np.zeros(1, np.int64)) for name in self.reads}


def shape_of(counts: PainPointCounts, *, dealers: bool) -> Shape:
    """The shape of the model of these counts."""
    segments, many, groups = counts.frame.shape
    acts = np.zeros((0, counts.pains)) if counts.drop_off is None else counts.drop_off.acts
    return Shape(
        counts.pains, segments, groups, many if dealers else 0, len(counts.sensitivity) * counts.pains,
        int(told(counts.mention).sum()), int(told(counts.false_mention).sum()), int((counts.mode_scale > 0.0).sum()) * counts.pains,
        len(acts), int(acts.sum()),
        counts.patterns.shape[1] if len(counts.patterns) else 0,
    )


def flat_data(counts: PainPointCounts, shape: Shape) -> dict[str, Any]:
    """The model's data: cells that hold answers, and the Beta and normal distributions known beforehand.

    ``coder``, ``mentioner``, ``false_mentioner`` and ``mode`` say which entry of the flattened unknowns a cell reads. The entry after
    the last is what holds for a coder who is never wrong, where m1 = 1, m0 = 0, and for a mode that adds nothing. Where several coders
    read the same texts, ``coder`` and their ``label`` have a column for each, and a pattern's texts are positives of as many.
    """
    kept = counts.n > 0.0
    pain, source = counts.pain[kept], counts.source[kept]
    perfect = len(counts.sensitivity) * counts.pains
    coder, label = counts.readings(source, counts.pattern[kept])
    modal = np.repeat(counts.mode_scale[:, None], counts.pains, axis=1)
    asked, falsely = told(counts.mention), told(counts.false_mention)
    data = {
        "pain": pain, "segment": counts.segment[kept], "dealer": counts.dealer[kept], "group": counts.group[kept],
        "coder": np.where(coder < 0, perfect, coder * counts.pains + pain[:, None]), "label": label,
        "mentioner": _place(asked)[source, pain], "false_mentioner": _place(falsely)[source, pain],
        "mode": _place(modal > 0.0)[source, pain],
    }
    if not shape.readers:
        data["coder"] = data["coder"][:, 0]
    data = {name: np.asarray(codes, np.int64) for name, codes in data.items()} | {
        "positive": counts.counted[kept], "n": counts.n[kept],
        "sensitivity_beta": counts.sensitivity.reshape(-1, 2), "specificity_beta": counts.specificity.reshape(-1, 2),
        "mention_beta": counts.mention[asked], "false_mention_beta": counts.false_mention[falsely], "mode_scale": modal[modal > 0.0],
    }
    if counts.drop_off is not None:
        data |= _drop_off_data(counts.drop_off, counts.frame)
    return {name: data[name] for name in shape.reads}


def _drop_off_data(counts: DropOffCounts, frame: Floats) -> dict[str, Any]:
    """Counts of stages that somebody reached, pairs of a stage and a pain that acts there, and the frame as shares of segments."""
    reached = counts.reached > 0.0
    pairs = dict(zip(("slope_stage", "slope_pain"), np.nonzero(counts.acts), strict=True))
    cells = {"stage": counts.stage, "stage_segment": counts.segment, "reached": counts.reached, "dropped": counts.dropped}
    whole = pairs | {name: values[reached] for name, values in cells.items()}
    return {name: np.asarray(values, np.int64) for name, values in whole.items()} | {"weight": segment_weights(frame)}


def told(beta: Floats) -> npt.NDArray[np.bool_]:
    """Sources and pains whose m1 or m0 has a distribution, (sources, K)."""
    return ~np.isnan(beta[..., 0])


def _place(unknown: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Where each flagged entry stands among the flagged ones; one past the last for the others."""
    place = np.full(unknown.shape, int(unknown.sum()), np.int64)
    place[unknown] = np.arange(int(unknown.sum()))
    return place
