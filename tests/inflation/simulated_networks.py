"""Signals over simulated networks: p-values of honest dealers, and power by mechanism."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from vocstats.datasets import simulate_dealers

Audit = Callable[[Any], Any]


@cache
def simulated(seed: int, *, dealers: int = 300, inflated: float = 0.0, mechanisms: tuple[str, ...] | None = None) -> Any:
    """A network; the inflating touch .4 to .6."""
    return simulate_dealers(dealers, seed=seed, inflated=inflated, strength=(0.4, 0.5, 0.6), mechanisms=mechanisms)


def p_values(signal: Any, network: Any) -> pd.DataFrame:
    """The truth of every dealer with the signal's p-value (1 where it abstains)."""
    found = pd.Series(signal.p_value, index=signal.labels["dealer"])
    truth = network.truth.dealers
    return truth.assign(p=found.reindex(truth["dealer"]).fillna(1.0).to_numpy())


def p_values_of_honest(audit: Audit, seeds: Iterable[int], *, dealers: int = 300, group: str | None = None) -> Any:
    """p-values in networks without inflation; of one group of dealers (a column of the truth) only."""
    tables = [p_values(audit(network), network) for network in (simulated(seed, dealers=dealers) for seed in seeds)]
    table = pd.concat(tables)
    return table.loc[table[group] if group else slice(None), "p"].to_numpy()


def mechanism_power(signal: Any, network: Any, level: float = 0.01) -> dict[str, float]:
    """Share of the inflated dealers with a p-value below the level, by mechanism; honest ones are under ""."""
    table = p_values(signal, network)
    return {str(name): float(np.mean(p < level)) for name, p in table.assign(m=table["mechanism"].fillna("")).groupby("m")["p"]}
