"""What holds customer numbers, written only when the study asks for it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ..customer_base import CustomerBase
    from ..workflows.corrected_score import Correction


def write_weights(path: Path, base: CustomerBase, correction: Correction) -> None:
    """Customer number and weight of everybody in the base; 0 for those whose answer speaks for nobody."""
    cells, weights = correction.cells, correction.weights
    if cells is None or weights is None:
        return
    values = np.zeros(len(cells))
    values[correction.voices] = weights.values
    path.parent.mkdir(parents=True, exist_ok=True)
    base.spread(values, cells).to_parquet(path, index=False)
