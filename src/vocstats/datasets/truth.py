"""The simulated truth: what every customer would have said, and the means a correction is after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

OUTSIDE = "outside_window"
TOP, BOTTOM = 9, 6  # top box: 9 and 10; bottom box: 1 to 6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class SimulatedTruth:
    """What a survey never knows.

    Attributes
    ----------
    customers : pandas.DataFrame
        One row per row of the registry, in its order: ``customer_id``, ``group`` (``"engaged"``, ``"silent"``, ``"churned"``,
        ``"not_invited"`` or ``"outside_window"``), ``heard`` (``"survey"``, ``"follow_up"``, ``"exit_interview"`` or empty),
        ``satisfaction`` (latent) and ``csi`` (1 to 10, whether given or not).
    means : pandas.DataFrame
        True ``mean``, ``top_box`` (9 and 10) and ``bottom_box`` (1 to 6) of ``csi`` with the number of ``customers``, by
        ``population``, ``by`` and ``level``. Populations are the groups and the terms of a correction:
        ``nonresponse_corrected`` (active at the reference date) and ``survivor_corrected`` (everyone in the window). ``by`` is
        empty for the whole population, else ``"dealer"`` or ``"model"``.
    """

    customers: pd.DataFrame
    means: pd.DataFrame

    def __repr__(self) -> str:
        return f"SimulatedTruth({len(self.customers):,} customers)"

    def to_dict(self) -> dict[str, Any]:
        """The true means as plain Python, for a file beside the data.

        Returns
        -------
        dict
            ``kind``, a description in both languages and ``means``, a list of records.
        """
        return {
            "kind": "simulated_truth",
            "description": "Simulated truth: means over all simulated customers, heard or not.",
            "description_zh": "模拟真值:全部模拟客户(无论是否获得答复)的真实均值。",
            "means": self.means.to_dict("records"),
        }


def true_means(customers: pd.DataFrame, registry: pd.DataFrame) -> pd.DataFrame:
    """The `means` of a `SimulatedTruth`, from its `customers` and the registry in the same order."""
    import pandas as pd

    inside = customers["group"] != OUTSIDE
    score = customers["csi"]
    table = pd.DataFrame(
        {
            "population": customers["group"], "dealer": registry["dealer"], "model": registry["model"],
            "mean": score.astype(float), "top_box": (score >= TOP).astype(float), "bottom_box": (score <= BOTTOM).astype(float),
        }
    )[inside]
    terms = {"nonresponse_corrected": table[table["population"] != "churned"], "survivor_corrected": table}
    parts = [_average(table, ["population"]).assign(by="", level="")]
    for term, rows in terms.items():
        named = rows.assign(population=term)
        parts.append(_average(named, ["population"]).assign(by="", level=""))
        parts += [_average(named, ["population", by]).rename(columns={by: "level"}).assign(by=by) for by in ("dealer", "model")]
    columns = ["population", "by", "level", "customers", "mean", "top_box", "bottom_box"]
    return pd.concat(parts, ignore_index=True)[columns]


def _average(table: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    grouped = table.groupby(keys, sort=True)[["mean", "top_box", "bottom_box"]]
    return grouped.mean().assign(customers=grouped.size()).reset_index()
