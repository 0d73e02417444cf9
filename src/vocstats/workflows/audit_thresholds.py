"""KPI lines of an audit: one for all, one per dealer, or one per dealer and month."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _checks
from .._checks import Floats
from ..errors import InputError, shown
from ..tables import InputTable
from .audit_tables import Column, Responses, refuse_missing

_MONTH = re.compile(r"\s*(\d{4})\s*[-/.年]?\s*(\d{1,2})\s*月?\s*")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Thresholds:
    """KPI lines, k of them.

    Attributes
    ----------
    dealer : array (k,)
    month : datetime64[M] array (k,), optional
        None: a dealer's line holds in every month.
    value : Floats (k,)
        NaN where none is set.
    """

    dealer: Column
    month: npt.NDArray[np.datetime64] | None
    value: Floats

    def of(self, dealer: Column, month: npt.NDArray[np.datetime64]) -> Floats:
        """The line of each response; NaN where none is set."""
        import pandas as pd

        of, dealers = pd.factorize(self.dealer)
        in_, months = (np.zeros(of.size, np.intp), None) if self.month is None else pd.factorize(self.month.astype(np.int64))
        lines = np.full((dealers.size + 1, 1 if months is None else months.size + 1), np.nan)  # the last ones: not in the table
        lines[of, in_] = self.value
        column = 0 if months is None else pd.Index(months).get_indexer(pd.Index(month.astype("datetime64[M]").astype(np.int64)))
        return np.asarray(lines[pd.Index(dealers).get_indexer(pd.Index(dealer)), column])


def read_threshold(given: Any, answers: Responses, column: str) -> float | Thresholds | None:
    """One line as it is; those of a mapping {dealer: line}, or of a table with the columns of dealers, "threshold" and perhaps "month"."""
    if given is None:
        return None
    if isinstance(given, (int, float, str, np.generic)):
        return _checks.number(given, "threshold")
    found = _of_mapping(given) if isinstance(given, Mapping) else _of_table(InputTable(given, "threshold"), column)
    _refuse_others(found.dealer, answers.dealer)
    return found


def is_share(line: float | Thresholds, lowest: float, highest: float) -> bool:
    """Whether lines are shares of top marks, being below the lowest score and at most 1; InputError where they are neither."""
    values = np.atleast_1d(np.asarray(line.value if isinstance(line, Thresholds) else line, float))
    shares = (values > 0.0) & (values <= 1.0) & (values < lowest)
    wrong = np.flatnonzero(~shares & ~np.isnan(values) & ~((values > lowest) & (values <= highest)))
    if wrong.size:
        raise InputError(
            f"threshold must be a mean score above {lowest:g} and up to {highest:g}, or a share of top marks up to 1; got "
            f"{values[wrong[0]]:g}.",
            code="threshold_out_of_scale", argument="threshold", rows=wrong if isinstance(line, Thresholds) else (), lowest=lowest,
            highest=highest, value=float(values[wrong[0]]),
        )
    means = np.flatnonzero(~shares & ~np.isnan(values))
    if shares.any() and means.size:
        raise InputError(
            f"threshold holds shares of top marks and mean scores, such as {values[shares][0]:g} and {values[means[0]]:g}. Give one kind.",
            code="threshold_mixed", argument="threshold", rows=means, share=float(values[shares][0]), mean=float(values[means[0]]),
        )
    return bool(shares.any())


def _of_mapping(given: Mapping[Any, Any]) -> Thresholds:
    value = _checks.vector(list(given.values()), "threshold", missing=True)
    return Thresholds(dealer=np.array(list(given), object), month=None, value=value)


def _of_table(table: InputTable, column: str) -> Thresholds:
    wanted = {"dealer": table.column(column, argument="threshold"), "value": table.number("threshold", argument="threshold")}
    if "month" in table.schema:
        wanted["month"] = table.moment("month", argument="threshold")
    rows = table.view(wanted).rows()
    for key, name in {"dealer": column, "month": "month"}.items():
        if key in rows:
            refuse_missing(rows[key], name, table)
    month = _months(table, rows["month"]) if "month" in rows else None
    _refuse_repeated(rows["dealer"], month)
    return Thresholds(dealer=rows["dealer"], month=month, value=rows["value"])


def _months(table: InputTable, values: Column) -> npt.NDArray[np.datetime64]:
    """Months from any day of theirs, or from texts such as 2026-07."""
    if values.dtype.kind != "M":
        found = [_MONTH.fullmatch(text) for text in values.tolist()]
        days = [text if month is None else f"{month[1]}-{month[2]}-1" for text, month in zip(values.tolist(), found, strict=True)]
        values = np.array(days, object)
    return table.moments("month", values).astype("datetime64[M]")


def _refuse_repeated(dealer: Column, month: npt.NDArray[np.datetime64] | None) -> None:
    import pandas as pd

    keys = pd.DataFrame({"dealer": dealer} | ({} if month is None else {"month": month.astype(np.int64)}))
    twice = np.flatnonzero(keys.duplicated())
    if twice.size:
        raise InputError(
            f"threshold has more than one line for the same dealer{'' if month is None else ' and month'}, at rows {shown(twice)}. "
            "Keep one of each.",
            code="repeated_threshold", argument="threshold", rows=twice,
        )


def _refuse_others(dealer: Column, audited: Column) -> None:
    import pandas as pd

    if not pd.Index(dealer).isin(pd.unique(pd.Series(audited))).any():
        some, others = dealer.tolist()[:3], audited.tolist()[:3]
        raise InputError(
            f"No dealer of threshold is a dealer of the responses: {shown(some)} and {shown(others)}. Write dealers alike in both.",
            code="thresholds_of_others", argument="threshold", levels=some, others=shown(others),
        )
