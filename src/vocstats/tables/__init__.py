"""Any dataframe or file -> columns: the only place that knows dataframe libraries, and the only reader of files."""

from __future__ import annotations

from .arrays import Columns, day, moment_of
from .input_table import InputTable
from .near import NearTable
from .reading import read_table
from .table import Expression, Offenders, Table, either

__all__ = ["Columns", "Expression", "InputTable", "NearTable", "Offenders", "Table", "day", "either", "moment_of", "read_table"]
