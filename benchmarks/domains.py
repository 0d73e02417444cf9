"""Means and standard errors of three outcomes by dealer, strata x clusters: vocstats, a plain numpy script and peers in one run.

    python benchmarks/domains.py [--rows 1000000] [--tools vocstats floor svy survey] [--variants 1000 20]

The floor is one dense table of clusters x dealers per outcome, made for this one case. `raked` carries the standard errors through six
margins, which no peer here does. The variants are numbers of dealers. See side_by_side.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from raking import LEVELS
from side_by_side import Benchmark, Data, Run, main

STRATA, CLUSTERS = 50, 40
OUTCOMES = ("y1", "y2", "y3")


def generate(rows: int) -> Data:
    """Outcomes, weights, strata, clusters, 1,000 dealers of very different size, and six label columns."""
    rng = np.random.default_rng(4006)
    stratum = rng.integers(0, STRATA, rows)
    cluster = stratum * CLUSTERS + rng.integers(0, CLUSTERS, rows)
    share = np.arange(1, 1001) ** -0.5
    dealer = rng.choice(1000, rows, p=share / share.sum())
    of_cluster, of_dealer = rng.standard_normal(STRATA * CLUSTERS)[cluster], rng.standard_normal(1000)[dealer]
    return {
        "stratum": stratum, "cluster": cluster, "dealer": dealer,
        "w": np.exp(0.4 * rng.standard_normal(rows)) * (1.0 + 0.5 * (stratum % 3)),
        "y1": 5.0 + of_dealer + 0.5 * of_cluster + rng.standard_normal(rows),
        "y2": (rng.random(rows) < 1.0 / (1.0 + np.exp(-0.3 * (of_dealer + of_cluster)))).astype(float),
        "y3": np.exp(0.5 * rng.standard_normal(rows) + 0.2 * of_dealer),
        **{f"v{k}": rng.integers(0, k, rows).astype(np.int16) for k in LEVELS},
    }


def vocstats(dealers: int) -> Any:
    """`vocstats.estimation.mean` with given weights, once per outcome."""

    def prepare(data: Data) -> Run:
        from vocstats.estimation import Design, mean

        by = data["dealer"] % dealers

        def run() -> np.ndarray:
            design = Design(strata=data["stratum"], clusters=data["cluster"])
            each = (mean(data[y], data["w"], design=design, by=by) for y in OUTCOMES)
            return np.column_stack([column for e in each for column in (e.estimate, e.std_error)])

        return run

    return prepare


def raked(data: Data) -> Run:
    """The same through weights raked on six margins; raking is not timed."""
    from vocstats.estimation import Design, mean
    from vocstats.weighting import rake

    columns = {f"v{k}": data[f"v{k}"] for k in LEVELS}
    totals = {f"v{k}": np.linspace(1.0, 2.0, k) / np.linspace(1.0, 2.0, k).sum() * len(data["w"]) for k in LEVELS}
    w = rake(columns, totals, base_weights=data["w"], tol=1e-6)

    def run() -> np.ndarray:
        design = Design(strata=data["stratum"], clusters=data["cluster"])
        each = (mean(data[y], w, design=design, by=data["dealer"]) for y in OUTCOMES)
        return np.column_stack([column for e in each for column in (e.estimate, e.std_error)])

    return run


def floor(dealers: int) -> Any:
    """What one would write by hand for this one case."""

    def prepare(data: Data) -> Run:
        clusters = STRATA * CLUSTERS

        def run() -> np.ndarray:
            key = data["cluster"] * dealers + data["dealer"] % dealers
            size = np.bincount(key, data["w"], clusters * dealers).reshape(clusters, dealers)
            total, result = size.sum(axis=0), []
            for y in OUTCOMES:
                top = np.bincount(key, data["w"] * data[y], clusters * dealers).reshape(clusters, dealers)
                mean = top.sum(axis=0) / total
                z = ((top - size * mean) / total).reshape(STRATA, CLUSTERS, dealers)
                variance = ((z - z.mean(axis=1, keepdims=True)) ** 2).sum(axis=(0, 1)) * CLUSTERS / (CLUSTERS - 1)
                result += [mean, np.sqrt(variance)]
            return np.column_stack(result)

        return run

    return prepare


def svy(dealers: int) -> Any:
    """svy on a Polars frame."""

    def prepare(data: Data) -> Run:
        import polars as pl
        import svy as package

        frame = pl.DataFrame({name: data[name] for name in ("stratum", "cluster", "w", *OUTCOMES)}).with_columns(
            dealer=pl.Series(data["dealer"] % dealers)
        )

        def run() -> np.ndarray:
            sample = package.Sample(frame, package.Design(stratum="stratum", psu="cluster", wgt="w"))
            tables = [table.to_polars() for table in sample.estimation.mean(list(OUTCOMES), by="dealer")]
            tables = [table.with_columns(pl.col("dealer").cast(pl.Int64)).sort("dealer") for table in tables]
            return np.column_stack([table[name].to_numpy() for table in tables for name in ("est", "se")])

        return run

    return prepare


R_RUN = """
x <- as.data.frame(data[c("stratum", "cluster", "w", "y1", "y2", "y3")]); x$dealer <- data$dealer %% {dealers}
run <- function() {
  r <- svyby(~y1 + y2 + y3, ~dealer, svydesign(ids = ~cluster, strata = ~stratum, weights = ~w, data = x, nest = FALSE), svymean)
  t(as.matrix(r[order(r$dealer), c("y1", "se.y1", "y2", "se.y2", "y3", "se.y3")]))
}
"""

BENCHMARK = Benchmark(
    file=__file__, title="Means and standard errors of three outcomes by dealer", generate=generate, rows=1_000_000,
    tools={
        "vocstats 1000": vocstats(1000), "vocstats 20": vocstats(20), "vocstats_raked 1000": raked,
        "floor 1000": floor(1000), "floor 20": floor(20), "svy 1000": svy(1000), "svy 20": svy(20),
    },
    r={f"survey {dealers}": R_RUN.replace("{dealers}", str(dealers)) for dealers in (1000, 20)}, limits={"floor": 5.0},
)

if __name__ == "__main__":
    raise SystemExit(main(BENCHMARK))
