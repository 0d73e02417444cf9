"""Whether some combination of columns tells outcomes apart for certain, so that parameters are infinite."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .chain import Floats


def separating(x: Floats, side: Floats) -> npt.NDArray[np.bool_]:
    """Columns that, combined, are >= 0 on rows of side 1, <= 0 on rows of side -1 and 0 on rows of side 0, but not 0 throughout.

    The linear programme maximises sum(s x b) under s x b >= 0 and |b| <= 1 (Konis 2007, section 4.2): its value is 0 unless the
    maximum of the likelihood is at infinity.
    """
    from scipy import optimize

    solve: Any = optimize.linprog
    scaled = x / np.maximum(np.abs(x).max(axis=0, initial=0.0), 1e-300)
    sided = np.unique(side[side != 0][:, None] * scaled[side != 0], axis=0)
    if not len(sided):
        return np.zeros(x.shape[1], bool)
    level = np.unique(scaled[side == 0], axis=0)
    fixed = {"A_eq": level, "b_eq": np.zeros(len(level))} if len(level) else {}
    solution = solve(-sided.sum(axis=0), A_ub=-sided, b_ub=np.zeros(len(sided)), **fixed, bounds=(-1.0, 1.0), method="highs")
    if solution.x is None or -solution.fun < 1e-6:
        return np.zeros(x.shape[1], bool)
    return np.asarray(np.abs(solution.x) > 1e-6)
