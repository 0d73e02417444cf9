"""A small table whose columns are at home already: the same questions as to an engine, answered by numpy.

A query on a small pandas frame costs more in overhead than in work; a correction asks a dozen.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .arrays import Columns

if TYPE_CHECKING:
    import pandas as pd


class NearTable:
    """Columns in the form of `arrays.bring_home`.

    Parameters
    ----------
    columns : dict of array
    """

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._indexes: dict[str, pd.Index[Any]] = {}

    def rows(self) -> Columns:
        """Every row."""
        return self._columns

    def extended(self, columns: Columns) -> NearTable:
        """The table with further columns, rows in the same order."""
        result = NearTable(self._columns | columns)
        result._indexes = self._indexes
        return result

    def key_facts(self, column: str) -> dict[str, float]:
        """Of a text column: ``rows``, how many are ``missing``, and how many ``distinct`` values there are."""
        index = self._index(column)
        distinct = index.size if index.is_unique else index.nunique()
        return {"rows": index.size, "missing": int(np.sum(index.isna())), "distinct": distinct}

    def count_by(self, keys: Sequence[str]) -> Columns:
        """Distinct combinations of `keys` (missing is a value) with how many rows have each, as ``count``."""
        import pandas as pd

        combined = np.zeros(next(iter(self._columns.values())).size, np.int64)
        span = 1
        for key in keys:
            codes, levels = pd.factorize(self._columns[key], use_na_sentinel=False)
            if span * levels.size > max(4 * combined.size, 65_536):
                combined, present = pd.factorize(combined)
                span = present.size
            combined, span = combined * levels.size + codes, span * levels.size
        kind, present = pd.factorize(combined)
        first = np.empty(present.size, np.intp)
        first[kind[::-1]] = np.arange(kind.size - 1, -1, -1)
        return {key: self._columns[key][first] for key in keys} | {"count": np.bincount(kind, minlength=present.size).astype(np.int64)}

    def having(self, column: str, values: npt.NDArray[Any]) -> NearTable:
        """The rows whose text `column`, without repetitions, is one of `values`."""
        import pandas as pd

        found = self._index(column).get_indexer(pd.Index(values, dtype=object))
        return NearTable({name: array[found[found >= 0]] for name, array in self._columns.items()})

    def _index(self, column: str) -> pd.Index[Any]:
        """The column as an index, built once: it is asked for several times."""
        import pandas as pd

        if column not in self._indexes:
            self._indexes[column] = pd.Index(self._columns[column], dtype=object)
        return self._indexes[column]
