"""Data, weights, design and replicate weights in one file, with an R script beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .._checks import Floats, vector
from ..errors import InputError, shown
from ..estimation import Design, Replicates
from ..estimation.design import on_axis
from ..tables import as_pandas, write_table
from ..weighting import Weights
from ..weighting.chain import begin
from .r_script import REPLICATE, r_script

if TYPE_CHECKING:
    import pandas as pd


def write_survey(
    path: str | Path,
    frame: Any,
    w: Weights | Replicates | npt.ArrayLike,
    *,
    outcome: str | None = None,
    design: Design | None = None,
    counts: npt.ArrayLike | None = None,
    labels: Mapping[str, str] | None = None,
    value_labels: Mapping[str, Mapping[Any, str]] | None = None,
    missing_codes: Mapping[str, Sequence[float]] | None = None,
) -> tuple[Path, Path]:
    """Write a table with its weights, and an R script that rebuilds the survey design from it.

    To the columns of `frame` are added: ``weight``; ``count`` where rows stand there more than once; ``stratum_1``,
    ``cluster_1``, ``fpc_1``, ... of the design, by stage; ``replicate_1``, ... of `Replicates`. All rows are written; the script
    drops those of weight 0 and repeats the others as their count says. It calls ``svrepdesign`` where there are
    replicates, whose standard errors contain every step of the weighting, else ``svydesign``, which takes the weights as given.

    Parameters
    ----------
    path : str or Path
        The data file: .csv, .parquet or .sav. The script has the same name and the ending .R.
    frame : mapping or dataframe
        The columns, one row per row of the weights.
    w : Weights, Replicates or array of shape (n,)
        Weights per unit, 0 where not heard, alone or with their replicates.
    outcome : str, optional
        Column of numbers whose weighted mean and standard error the script prints.
    design : Design, optional
        How the rows were drawn.
    counts : array (n,), optional
        How often each row stands there, where `w` is an array.
    labels, value_labels, missing_codes : mapping, optional
        As in `vocstats.tables.write_table`, for SPSS files.

    Returns
    -------
    tuple of Path
        The data file and the script.

    Raises
    ------
    InputError
        Lengths differ, a column has a name that is to be added, counts are not whole, `outcome` is no column of numbers or
        missing where the weight is not 0, or the file cannot be written (see `vocstats.tables.write_table`).
    MissingDependencyError
        The package that writes this kind of file is not installed.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     files = write_survey(f"{folder}/csi.csv", {"csi": [9, 7, 8]}, [10.0, 20.0, 30.0], outcome="csi")
    ...     print([file.name for file in files])
    ['csi.csv', 'csi.R']
    """
    replicates = w if isinstance(w, Replicates) else None
    table = as_pandas(frame)
    weights = begin(w.weights if isinstance(w, Replicates) else w, counts, len(table))
    design = on_axis(design, len(table), "frame")
    added = {**_weight_columns(weights), **_design_columns(design), **_replicate_columns(replicates)}
    taken = [name for name in table.columns if name in added or REPLICATE.fullmatch(name)]
    if taken:
        raise InputError(
            f"frame already has the columns {shown(taken)}, which are to be added. Rename them.",
            code="column_taken", argument="frame", levels=taken,
        )
    if outcome is not None:
        _check_outcome(table, outcome, (missing_codes or {}).get(outcome, ()), weights)
    import pandas as pd

    texts = [name for name in map(str, table.columns) if _is_text(table[name])]
    whole = pd.concat([table, pd.DataFrame(added, index=table.index)], axis=1)
    file = write_table(whole, path, labels=labels, value_labels=value_labels, missing_codes=missing_codes)
    script = file.with_suffix(".R")
    script.write_text(r_script(file.name, list(added), texts, outcome, design, replicates), encoding="utf-8")
    return file, script


def _weight_columns(weights: Weights) -> dict[str, Floats]:
    columns = {"weight": weights.values}
    if (weights.counts != 1).any():
        rows = np.flatnonzero(weights.counts != np.round(weights.counts))
        if rows.size:
            raise InputError(
                f"counts must be whole numbers to be written: R repeats each row as often. They are not at rows {shown(rows)}.",
                code="counts_to_repeat", argument="counts", rows=rows,
            )
        columns["count"] = weights.counts
    return columns


def _design_columns(design: Design | None) -> dict[str, npt.NDArray[Any]]:
    if design is None:
        return {}
    named = (("stratum", design.strata), ("cluster", design.clusters), ("fpc", design.fpc))
    return {f"{name}_{stage}": column for name, columns in named for stage, column in enumerate(columns, 1) if column is not None}


def _replicate_columns(replicates: Replicates | None) -> dict[str, Floats]:
    """Columns of replicate weights; identical replicates stand there as often as they count where their mean is the centre."""
    if replicates is None:
        return {}
    values = replicates.values
    if replicates.scaling.centre == "mean":
        values = np.repeat(values, replicates.scaling.often.astype(int), axis=1)
    return {f"replicate_{r}": values[:, r - 1] for r in range(1, values.shape[1] + 1)}


def _is_text(column: pd.Series[Any]) -> bool:
    import pandas as pd

    return isinstance(column.dtype, pd.CategoricalDtype) or pd.api.types.is_string_dtype(column)


def _check_outcome(table: pd.DataFrame, outcome: str, codes: Sequence[float], weights: Weights) -> None:
    if outcome not in table.columns:
        raise InputError(
            f"outcome={outcome!r} is no column of frame; it has {shown(table.columns)}.",
            code="not_in_table", argument="outcome", levels=[outcome],
        )
    y = vector(table[outcome].to_numpy(dtype=object), outcome, missing=True)
    rows = np.flatnonzero((np.isnan(y) | np.isin(y, list(codes))) & (weights.mass != 0))
    if rows.size:
        raise InputError(
            f"{outcome} has {rows.size} missing values where the weight is not 0, at rows {shown(rows)}. "
            "Weight those who answered, or give these rows a weight of 0.",
            code="missing_outcome", argument=outcome, rows=rows, count=int(rows.size),
        )
