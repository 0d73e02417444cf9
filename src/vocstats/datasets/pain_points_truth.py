"""The truth of simulated pain points, and the tables the sources hand over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .._checks import Floats
from ..errors import InputError, shown
from .pain_points_drop_off import Journey
from .pain_points_sources import Fieldwork, Seen
from .pain_points_world import RESPONSE_GROUPS, Counts, Customers, Pains, Sufferers

if TYPE_CHECKING:
    import pandas as pd

Names = npt.NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Labels:
    """What K pains, S segments and D dealers are called."""

    pains: Names
    segments: Names
    dealers: Names

    @property
    def axes(self) -> dict[str, Names]:
        """By column of the tables, in the order of the arrays' axes."""
        return {
            "pain_point": self.pains, "segment": self.segments, "dealer": self.dealers,
            "response_group": np.array(RESPONSE_GROUPS, object),
        }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class PainPointTruth:
    """What an estimate of pain points never knows.

    Attributes
    ----------
    coders : pandas.DataFrame
        One row per coded source and pain: ``source, pain_point, sensitivity, specificity``.
    mentions : pandas.DataFrame
        One row per source that waits to be told, and pain: ``source, pain_point, mention`` (chance that who has it says so),
        ``false_mention`` (that who has it not does); without comments and tickets it has no rows.
    selection : pandas.DataFrame
        One row per pain and response group other than the engaged: ``pain_point, response_group, offset`` (of the log odds from
        those of the engaged, for those of the silent who can be reached).
    drop_off : pandas.DataFrame
        One row per stage and pain that acts there: ``stage, pain_point, slope`` (by how much the logit of drop-off rises with that of the
        pain).
    """

    coders: pd.DataFrame
    mentions: pd.DataFrame
    selection: pd.DataFrame
    drop_off: pd.DataFrame
    _labels: Labels
    _customers: Counts
    _chance: Floats
    _have: Counts

    def __repr__(self) -> str:
        sizes = f"{self._labels.pains.size:,} pain points, {self._labels.segments.size:,} segments, {self._labels.dealers.size:,} dealers"
        return f"PainPointTruth({sizes})"

    def prevalence(self, by: Sequence[str] = ()) -> pd.DataFrame:
        """How many customers have each pain.

        Parameters
        ----------
        by : sequence of str
            Of ``"segment"``, ``"dealer"`` and ``"response_group"``; none: the whole network.

        Returns
        -------
        pandas.DataFrame
            ``pain_point``, the columns of `by`, ``customers``, ``prevalence`` (mean chance of the pain over these customers: what a
            model of the process estimates) and ``share`` (of them who do have it); NaN where there are no customers.

        Raises
        ------
        InputError
            `by` names something else.
        """
        import pandas as pd

        axes = self._labels.axes
        unknown = [name for name in by if name not in axes or name == "pain_point"]
        if isinstance(by, str) or unknown or len(set(by)) < len(by):
            raise InputError(
                f"by must list some of 'segment', 'dealer' and 'response_group'; got {shown([by] if isinstance(by, str) else by)}.",
                code="unknown_truth_by", argument="by", levels=unknown, got=shown([by] if isinstance(by, str) else by),
            )
        kept = ["pain_point", *by]
        gone = tuple(axis for axis, name in enumerate(axes) if name not in kept)
        order = np.argsort(np.argsort([list(axes).index(name) for name in kept]))
        expected, customers, have = (
            np.transpose(values.sum(axis=gone), order)
            for values in (self._customers * self._chance, np.broadcast_to(self._customers, self._have.shape), self._have)
        )
        with np.errstate(invalid="ignore"):
            figures = {
                "customers": customers.ravel(), "prevalence": (expected / customers).ravel(), "share": (have / customers).ravel(),
            }
        codes = np.unravel_index(np.arange(customers.size), customers.shape)
        return pd.DataFrame({name: axes[name][code] for name, code in zip(kept, codes, strict=True)} | figures)


def frame_table(labels: Labels, customers: Counts) -> pd.DataFrame:
    """Customers of every segment, dealer and response group."""
    import pandas as pd

    axes = {name: labels.axes[name] for name in ("segment", "dealer", "response_group")}
    codes = np.unravel_index(np.arange(customers.size), customers.shape)
    named = {name: axis[code] for (name, axis), code in zip(axes.items(), codes, strict=True)}
    return pd.DataFrame(named | {"customers": customers.ravel()})


def observation_table(labels: Labels, seen: Sequence[Seen]) -> pd.DataFrame:
    """One row per source, pain and cell with somebody looked at."""
    tables = []
    for each in seen:
        segment, dealer = np.nonzero(each.n)
        positive = each.positive[:, segment, dealer]
        pains, cells = positive.shape
        tables.append(
            {
                "pain_point": np.repeat(labels.pains, cells), "segment": np.tile(labels.segments[segment], pains),
                "dealer": np.tile(labels.dealers[dealer], pains), "response_group": RESPONSE_GROUPS[each.group],
                "source": each.source, "positive": positive.ravel(), "n": np.tile(each.n[segment, dealer], pains),
            }
        )
    return _stacked(tables)


def audit_table(labels: Labels, audits: Sequence[tuple[str, Counts, Counts]]) -> pd.DataFrame:
    """Rows of the audit: source, found by the coder and looked at, (K, 2) by truth."""
    tables = [
        {
            "pain_point": np.repeat(labels.pains, 2), "source": source, "truth": np.tile([0, 1], labels.pains.size),
            "positive": positive.ravel(), "n": n.ravel(),
        }
        for source, positive, n in audits
    ]
    return _stacked(tables, ("pain_point", "source", "truth", "positive", "n"))


def drop_off_table(labels: Labels, journey: Journey) -> pd.DataFrame:
    """One row per stage, segment and dealer with customers who reached it."""
    import pandas as pd

    stage, segment, dealer = np.nonzero(journey.reached)
    at = stage, segment, dealer
    names = {"stage": stage_names(journey)[stage], "segment": labels.segments[segment], "dealer": labels.dealers[dealer]}
    return pd.DataFrame(names | {"reached": journey.reached[at], "dropped": journey.dropped[at]})


def stage_names(journey: Journey) -> Names:
    """Names of the stages."""
    return np.array([f"stage_{k}" for k in range(1, len(journey.acting) + 1)], object)


def truth_of(
    labels: Labels, customers: Customers, pains: Pains, sufferers: Sufferers, work: Fieldwork, journey: Journey, slope: float
) -> PainPointTruth:
    """The truth of a simulated world."""
    import pandas as pd

    coders = [
        {"source": source, "pain_point": labels.pains, "sensitivity": coder.sensitivity, "specificity": coder.specificity}
        for source, coder in work.coders.items()
    ]
    mentions = [
        {"source": source, "pain_point": labels.pains, "mention": m1, "false_mention": m0} for source, (m1, m0) in work.mentions.items()
    ]
    others = np.array(RESPONSE_GROUPS[1:], object)
    selection = {
        "pain_point": np.repeat(labels.pains, others.size), "response_group": np.tile(others, labels.pains.size),
        "offset": pains.offset[:, 1:].ravel(),
    }
    drop_off = {
        "stage": np.repeat(stage_names(journey), journey.acting.shape[1]), "pain_point": labels.pains[journey.acting.ravel()],
        "slope": np.full(journey.acting.size, slope),
    }
    return PainPointTruth(
        coders=_stacked(coders), mentions=_stacked(mentions, ("source", "pain_point", "mention", "false_mention")),
        selection=pd.DataFrame(selection), drop_off=pd.DataFrame(drop_off),
        _labels=labels, _customers=customers.counts, _chance=pains.chance, _have=sufferers.have,
    )


def _stacked(tables: Sequence[Mapping[str, Any]], columns: Sequence[str] = ()) -> pd.DataFrame:
    """Tables below each other; without any an empty one of these columns."""
    import pandas as pd

    return pd.concat(map(pd.DataFrame, tables), ignore_index=True) if tables else pd.DataFrame(columns=list(columns))
