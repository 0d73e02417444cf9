"""A small simulated network and its audit, as several test files need them."""

from __future__ import annotations

from functools import cache
from typing import Any

import vocstats as vs

COLUMNS: dict[str, Any] = {
    "response_id": "response_id", "visit": "visit_id", "time": "time", "device": "device", "address": "address", "seconds": "seconds",
    "invited": "invited", "drawn": "drawn", "reached": "reached",
}


@cache
def network(inflated: float = 0.2, dealers: int = 60) -> tuple[Any, Any, Any]:
    """Responses, roster with what followed, and the simulated network."""
    drawn = vs.datasets.simulate_dealers(dealers, seed=72_900, inflated=inflated, strength=0.6, responses=(30, 400))
    return drawn.responses, drawn.roster.merge(drawn.outcomes, on="visit_id"), drawn


def options(**changes: Any) -> dict[str, Any]:
    """All columns of the simulated tables; None takes one out."""
    drawn = network()[2]
    known = {
        **COLUMNS, "items": drawn.items, "case_mix": drawn.case_mix, "outcomes": drawn.outcome_names, "threshold": drawn.threshold,
    }
    return {name: value for name, value in (known | changes).items() if value is not None}


@cache
def audit() -> vs.DealerAudit:
    """The audit of the small network with every column."""
    responses, roster, _ = network()
    return vs.audit_dealers(responses, roster=roster, **options())
