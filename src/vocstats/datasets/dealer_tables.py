"""The tables of a simulated network, as a manufacturer's systems would export them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .._checks import Integers
from .dealer_forms import ITEMS
from .dealer_mechanisms import Fieldwork
from .dealer_visits import LEVELS, START, Dealers, Visits
from .population import probability

if TYPE_CHECKING:
    import pandas as pd

OUTCOMES = {"complaint": (0.04, 1.5), "returned": (0.06, 1.0), "churned": (0.09, 0.8)}  # share; fall in logits per unit of satisfaction


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Identifiers:
    """Names and order of the rows: ids at random, rows by time."""

    label: npt.NDArray[np.object_]  # per dealer
    visit: Integers  # id per visit
    response: Integers  # id per form
    visit_order: Integers
    form_order: Integers  # of the forms that arrived

    @classmethod
    def draw(cls, rng: np.random.Generator, dealers: Dealers, visits: Visits, work: Fieldwork) -> Identifiers:
        """Number everything, whether it arrives or not."""
        arrived = np.flatnonzero(work.arrived)
        return cls(
            label=np.array([f"D{k:04d}" for k in range(1, dealers.count + 1)], object), visit=1 + rng.permutation(visits.size),
            response=1 + rng.permutation(work.arrived.size), visit_order=np.lexsort((rng.random(visits.size), visits.day)),
            form_order=arrived[np.argsort(work.forms.time[arrived], kind="stable")],
        )


def response_table(ids: Identifiers, visits: Visits, work: Fieldwork) -> pd.DataFrame:
    """One row per answer received."""
    import pandas as pd

    order, forms = ids.form_order, work.forms
    visit = forms.visit[order]
    columns = {
        "response_id": ids.response[order], "dealer": ids.label[forms.dealer[order]], "visit_id": ids.visit[visit],
        "channel": np.array(["manufacturer", "dealer"], object)[forms.asked_by_dealer[order].astype(np.intp)],
        "score": forms.score[order].astype(np.int64),
    }
    items = dict(zip(ITEMS, forms.items[order].T.astype(np.int64), strict=True))
    traces = {
        "time": START.astype("datetime64[s]") + forms.time[order], "device": forms.device[order], "address": forms.address[order],
        "seconds": forms.seconds[order],
    }
    return pd.DataFrame({**columns, **items, **traces, **_case_mix(visits, visit)})


def roster_table(ids: Identifiers, visits: Visits, work: Fieldwork) -> pd.DataFrame:
    """One row per visit."""
    import pandas as pd

    order = ids.visit_order
    return pd.DataFrame(
        {
            "visit_id": ids.visit[order], "dealer": ids.label[visits.dealer[order]],
            "visited_on": (START + visits.day[order]).astype("datetime64[s]"), **_case_mix(visits, order), "drawn": visits.drawn[order],
            "invited": work.invited[order], "reached": work.reached[order], "heard": work.heard[order],
        }
    )


def outcome_table(rng: np.random.Generator, ids: Identifiers, visits: Visits) -> pd.DataFrame:
    """What followed each visit: the less satisfied complain, return and leave more often."""
    import pandas as pd

    happened = {
        name: (rng.random(visits.size) < probability(-slope * visits.satisfaction, share))[ids.visit_order]
        for name, (share, slope) in OUTCOMES.items()
    }
    return pd.DataFrame({"visit_id": ids.visit[ids.visit_order], **happened})


def _case_mix(visits: Visits, rows: Integers) -> dict[str, npt.NDArray[Any]]:
    return {name: np.array(levels, object)[visits.case[name][rows]] for name, levels in LEVELS.items()}
