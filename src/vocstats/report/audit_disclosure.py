"""What of an audit may be read by whom: signals a dealer is told of, and figures that rest on too few people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .. import texts
from ..errors import InputError, shown

if TYPE_CHECKING:
    from ..workflows.audit_reasons import Reason

DISCLOSED = ("near_duplicates", "bursts", "threshold_bunching", "quick_forms")
KEPT_INSIDE = ("channel_gap", "outcome_discordance", "invitation_bias")
_BEHIND = {
    "channel_gap": ("n_dealer", "n_independent"), "outcome_discordance": ("n", "observed"), "invitation_bias": ("left_out",),
    "near_duplicates": ("block_forms",), "bursts": ("burst_forms", "n"), "quick_forms": ("quick", "n"),
    "period_end": ("end_n", "rest_n"),
}


def signal_names() -> tuple[str, ...]:
    """Every signal of an audit, as far as it has a name in words."""
    return tuple(key.removeprefix("signal_") for key in texts.namespace("term") if key.startswith("signal_"))


def checked_disclosure(disclose: Sequence[str]) -> tuple[str, ...]:
    """Signals dealers are told of.

    Coverage of the roster, what customers did later, and the manufacturer's own sample stay inside: shown, they teach the next evasion,
    and a dealer can work out which customer gave the low mark.
    """
    wanted = (disclose,) if isinstance(disclose, str) else tuple(disclose)
    known = signal_names()
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise InputError(
            f"disclose names {shown(unknown)}, which is no signal. Signals are {', '.join(known)}.", code="unknown_signal",
            argument="disclose", levels=unknown, known=", ".join(known),
        )
    inside = [name for name in wanted if name in KEPT_INSIDE]
    if inside:
        raise InputError(
            f"disclose names {shown(inside)}, which dealers are not told of: from it they could work out which customer gave the low mark. "
            "Take it out.", code="signal_stays_inside", argument="disclose", levels=inside,
        )
    return wanted


def withheld(reason: Reason, minimum: int) -> bool:
    """Whether a number of people behind a reason is above 0 and under the minimum."""
    counts = (reason.values.get(name, 0.0) for name in _BEHIND.get(reason.signal, ("n",)))
    return any(0 < count < minimum for count in counts)
