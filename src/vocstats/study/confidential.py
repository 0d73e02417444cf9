"""What holds numbers of customers, forms and visits, written only when the study asks for it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ..customer_base import CustomerBase
    from ..workflows.audit_result import DealerAudit
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


def write_evidence_rows(path: Path, audit: DealerAudit) -> None:
    """Numbers of the forms and visits that bear out the evidence on each dealer to be verified, weightiest first: no names."""
    import pandas as pd

    listed = [audit.evidence_rows(dealer).assign(dealer=str(dealer)) for dealer in audit.dealers[audit.flagged].tolist()]
    columns = ["dealer", "signal", "response_id", "visit"]
    rows = pd.concat(listed)[columns] if listed else pd.DataFrame(columns=columns)
    path.parent.mkdir(parents=True, exist_ok=True)
    rows.to_excel(path, index=False, engine="openpyxl")
