"""The truth of a simulated network: who inflated, by how much, and what everybody would have said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .._checks import Floats, Integers
from .._numerics import sums_by
from .dealer_forms import Items
from .dealer_mechanisms import MECHANISMS, Fieldwork, Plan
from .dealer_tables import Identifiers
from .dealer_visits import START, TOP, Dealers, Visits, grade

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class NetworkTruth:
    """What an audit never knows.

    Attributes
    ----------
    dealers : pandas.DataFrame
        One row per dealer: ``dealer``; ``inflated``, ``mechanism`` (empty: none), ``strength``, ``onset`` (month in which it began;
        missing: never); ``touched`` (share of the answers the dealer asked for that were altered or kept out); ``n`` and ``score``
        (number and mean of all answers as received), ``expected_n`` and ``expected_score`` (the same had nobody inflated; NaN
        without answers), ``inflation`` (their difference); ``visits``, ``honest_mean`` and ``honest_top_box`` (of all visits on
        the roster, as answered to the manufacturer); ``quality`` (top box of its average customer), ``honest_gap`` (of the top
        box answered to the dealer), ``star``, ``kiosk``, ``tiny``, ``hard_cases``.
    responses : pandas.DataFrame
        One row per answer received, in its order: ``response_id``, ``dealer``, ``touched``, ``honest_score``.
    visits : pandas.DataFrame
        One row per visit, in the order of the roster: ``visit_id``, ``dealer``, ``kept_out`` (not invited, not to be reached or
        deleted for dissatisfaction), ``satisfaction`` (latent), ``honest_score`` (as answered to the manufacturer).
    """

    dealers: pd.DataFrame
    responses: pd.DataFrame
    visits: pd.DataFrame

    def __repr__(self) -> str:
        return f"NetworkTruth({len(self.dealers):,} dealers, {int(self.dealers['inflated'].sum()):,} inflated)"


def network_truth(ids: Identifiers, dealers: Dealers, plan: Plan, visits: Visits, honest: Items, work: Fieldwork) -> NetworkTruth:
    """The truth of a network; `honest` are the scores of the forms before they were altered."""
    import pandas as pd

    visit_score = grade(visits.latent)
    form, visit = ids.form_order, ids.visit_order
    return NetworkTruth(
        dealers=_dealers(ids.label, dealers, plan, visits, visit_score, honest, work),
        responses=pd.DataFrame(
            {
                "response_id": ids.response[form], "dealer": ids.label[work.forms.dealer[form]], "touched": work.touched[form],
                "honest_score": honest[form].astype(np.int64),
            }
        ),
        visits=pd.DataFrame(
            {
                "visit_id": ids.visit[visit], "dealer": ids.label[visits.dealer[visit]], "kept_out": work.kept_out[visit],
                "satisfaction": visits.satisfaction[visit], "honest_score": visit_score[visit].astype(np.int64),
            }
        ),
    )


def _dealers(
    labels: npt.NDArray[Any], dealers: Dealers, plan: Plan, visits: Visits, visit_score: Items, honest: Items, work: Fieldwork
) -> pd.DataFrame:
    import pandas as pd

    forms, arrived = work.forms, work.arrived
    n, score = _mean(forms.dealer[arrived], forms.score[arrived], dealers.count)
    expected_n, expected_score = _mean(forms.dealer, honest, dealers.count)
    asked = forms.asked_by_dealer
    touched = _mean(forms.dealer[asked], (work.touched | ~arrived)[asked], dealers.count)[1]
    names = np.array([*MECHANISMS, ""], object)
    onset = START.astype("datetime64[M]") + plan.onset.astype("timedelta64[M]")
    return pd.DataFrame(
        {
            "dealer": labels, "inflated": plan.mechanism >= 0, "mechanism": names[plan.mechanism], "strength": plan.strength,
            "onset": np.where(plan.onset < 0, np.datetime64("NaT", "M"), onset).astype("datetime64[s]"),
            "touched": np.nan_to_num(touched), "n": n, "score": score, "expected_n": expected_n,
            "expected_score": expected_score, "inflation": score - expected_score, "visits": dealers.visits,
            "honest_mean": _mean(visits.dealer, visit_score, dealers.count)[1],
            "honest_top_box": _mean(visits.dealer, visit_score >= TOP, dealers.count)[1], "quality": dealers.quality,
            "honest_gap": dealers.gap_points, "star": dealers.star, "kiosk": dealers.kiosk, "tiny": dealers.tiny,
            "hard_cases": dealers.extreme,
        }
    )


def _mean(dealer: Integers, values: npt.NDArray[Any], count: int) -> tuple[Integers, Floats]:
    """Number and mean by dealer; NaN where there is none."""
    n = np.bincount(dealer, minlength=count)
    with np.errstate(invalid="ignore"):
        return n, sums_by(dealer, np.asarray(values, float), count) / n
