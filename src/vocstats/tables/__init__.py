"""Any dataframe or file -> columns: the only place that knows dataframe libraries, and the only reader and writer of files."""

from __future__ import annotations

from .arrays import Columns, day, moment_of, packed
from .input_table import InputTable
from .near import NearTable
from .reading import read_table
from .table import Expression, Offenders, Table, either
from .writing import as_pandas, write_table

__all__ = [
    "Columns", "Expression", "InputTable", "NearTable", "Offenders", "Table", "as_pandas", "day", "either", "moment_of", "packed",
    "read_table", "write_table",
]
