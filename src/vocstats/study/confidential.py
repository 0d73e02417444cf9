"""What holds customer numbers, written only when the study asks for it."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import MissingDependencyError

if TYPE_CHECKING:
    from ..customer_base import CustomerBase
    from ..workflows.corrected_score import Correction


def refuse_without_parquet() -> None:
    """Raise where no Parquet file can be written."""
    if find_spec("pyarrow") is None:
        raise MissingDependencyError(
            'Writing confidential/weights.parquet needs pyarrow: pip install "pyarrow". Or set [report] customer_files = false.',
            code="needs_pyarrow",
        )


def write_weights(path: Path, base: CustomerBase, correction: Correction) -> None:
    """Customer number and weight of everybody in the base; 0 for those whose answer speaks for nobody."""
    from ..workflows.representation import pools_of

    cells, weights = correction.cells, correction.weights
    if cells is None or weights is None:
        return
    _, speaks = pools_of(cells, double_sampling=correction.method == "double_sampling", pool_churned=False)
    values = np.zeros(len(cells))
    values[speaks] = weights.values
    path.parent.mkdir(parents=True, exist_ok=True)
    base.spread(values, cells).to_parquet(path, index=False)
