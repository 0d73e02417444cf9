"""Which figures of pain points stay blank, because too few customers stand behind them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .._numerics import sums_by
from ..errors import InputError
from ..results import Flags, Floats
from .disclosure import SHOWN, suppressed

if TYPE_CHECKING:
    from ..workflows.pain_fit import PainPointFit
    from ..workflows.pain_result import PainPointPrevalence
    from ..workflows.pain_shares import Groups

_ESTIMATED = (
    "estimate", "std_error", "conf_low", "conf_high", "prior_share", "from_selection", "from_coder", "from_sampling",
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answers:
    """Customers looked at, by pain and group.

    Attributes
    ----------
    engaged, everybody : Floats (K, G)
        Answers behind the apparent share, and all.
    by_source : {source: Floats (G,)}
        Of the pain that most were looked at for.
    """

    engaged: Floats
    everybody: Floats
    by_source: dict[str, Floats]


def answers(fit: PainPointFit, groups: Groups) -> Answers:
    """Customers each source looked at, by pain and group."""
    counts, table = fit.table.counts, fit.table
    place = groups.place(counts.segment, counts.dealer)
    inside = place >= 0
    pains, size = table.pains.size, groups.size

    def summed(rows: Flags) -> Floats:
        kept = rows & inside
        return sums_by(counts.pain[kept] * size + place[kept], counts.n[kept], pains * size).reshape(pains, size)

    asked = table.asked[counts.source] & (counts.group == 0)
    names = np.array(table.source_names, object)
    by_source = {name: summed(np.isin(counts.source, np.flatnonzero(names == name))).max(axis=0) for name in dict.fromkeys(names.tolist())}
    return Answers(engaged=summed(asked), everybody=summed(np.ones(inside.size, bool)), by_source=by_source)


def publishable_pain_points(result: PainPointPrevalence, minimum: int) -> PainPointPrevalence:
    """The result without figures that rest on few answers and those that would let one subtract them, and without draws.

    Parameters
    ----------
    result : PainPointPrevalence
        With its draws; not one read back from JSON.
    minimum : int
        Fewest answers a figure may rest on: of the engaged for the apparent share, of all who were heard for the others.

    Returns
    -------
    PainPointPrevalence
        NaN in place of such figures.

    Raises
    ------
    InputError
        The draws of the result were not kept.
    """
    if result.fit is None:
        raise InputError(
            "The result was read back from JSON: on how many answers its figures rest is not known. Write the report of the result itself.",
            code="answers_not_kept", argument="result",
        )
    heard = answers(result.fit, result.fit.groups(tuple(result.by)))
    few = _few(heard.everybody, minimum)
    changed: dict[str, Any] = {name: np.where(few, np.nan, getattr(result, name)) for name in _ESTIMATED}
    changed["apparent"] = np.where(few | _few(heard.engaged, minimum), np.nan, result.apparent)
    return replace(result, **changed, fit=None)


def _few(n: Floats, minimum: int) -> Flags:
    """Of each pain, the groups that stay blank."""
    return np.asarray(np.stack([suppressed(of_one, minimum) for of_one in n]) != SHOWN)
