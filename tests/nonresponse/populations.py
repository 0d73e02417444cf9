"""Small populations with a sample nobody drew and a probability sample beside it."""

from __future__ import annotations

from typing import Any

import numpy as np

from vocstats.estimation import Design


def small(seed: int = 1, *, sample: int = 150, reference: int = 120, binary: bool = False) -> dict[str, Any]:
    """Arguments of `nonprobability`: two numeric characteristics and one of labels, strata and clusters in the reference."""
    rng = np.random.default_rng(seed)

    def people(n: int, tilt: float) -> dict[str, Any]:
        shop = np.array(["a", "b", "c"])[rng.choice(3, n, p=[0.4, 0.3, 0.3] if tilt == 0 else [0.6, 0.3, 0.1])]
        return {"age": rng.normal(50.0 + 5.0 * tilt, 10.0, n), "visits": rng.poisson(2.0 + tilt, n).astype(float), "shop": shop}

    x, z = people(sample, 1.0), people(reference, 0.0)
    signal = 0.03 * (x["age"] - 50.0) + 0.3 * x["visits"] + (x["shop"] == "b")
    y = (rng.random(sample) < 1.0 / (1.0 + np.exp(0.5 - signal))).astype(float) if binary else 5.0 + signal + rng.normal(size=sample)
    strata = np.arange(reference) % 3
    design = Design(strata=strata, clusters=[np.arange(reference) // 4 * 3 + strata], fpc=np.full(reference, 200.0))
    return {"y": y, "x": x, "reference": z, "weights": rng.uniform(20.0, 60.0, reference), "design": design}


def taken(columns: dict[str, Any], rows: Any) -> dict[str, Any]:
    """Some rows of every column."""
    return {name: np.asarray(column)[rows] for name, column in columns.items()}
