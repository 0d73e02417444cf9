"""Whether some combination of columns tells the heard from the others."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .chain import Floats


def separating(x: Floats, heard: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Columns that, combined, put the heard on one side and the others on the other.

    The linear programme maximises sum(s x b) under s x b >= 0 and |b| <= 1, with s = 1 where heard and -1 elsewhere
    (Konis 2007, section 4.2): its value is 0 unless the maximum of the likelihood is at infinity.
    """
    from scipy import optimize

    solve: Any = optimize.linprog
    sided = np.unique(np.where(heard, 1.0, -1.0)[:, None] * (x / np.maximum(np.abs(x).max(axis=0), 1e-300)), axis=0)
    solution = solve(-sided.sum(axis=0), A_ub=-sided, b_ub=np.zeros(len(sided)), bounds=(-1.0, 1.0), method="highs")
    if solution.x is None or -solution.fun < 1e-6:
        return np.zeros(x.shape[1], bool)
    return np.asarray(np.abs(solution.x) > 1e-6)
