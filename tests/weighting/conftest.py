"""A small customer base with known structure, shared by the tests of the weighting steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest


@pytest.fixture
def base() -> dict[str, Any]:
    """60 cells: two label columns, a number, who was heard, counts, an outcome known only for those heard."""
    rng = np.random.default_rng(20)
    n = 60
    region = np.array(["north", "south", "west"])[np.arange(n) % 3]
    tenure = np.array([1, 2, 3, 4])[rng.integers(0, 4, n)]
    age = 40.0 + 10.0 * rng.standard_normal(n)
    heard = rng.random(n) < 0.25 + 0.15 * (tenure > 2) + 0.2 * (region == "south")
    counts = rng.integers(1, 6, n)
    y = np.where(heard, 3.0 + 0.02 * age + 0.3 * tenure + rng.standard_normal(n), np.nan)
    return {"margins": {"region": region, "tenure": tenure}, "age": age, "heard": heard, "counts": counts, "y": y, "n": n}
