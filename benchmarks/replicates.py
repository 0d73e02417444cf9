"""Bootstrap replicates, raked again each, and the standard error of a mean: vocstats, plain scripts and peers in one run.

    python benchmarks/replicates.py [--rows 100000] [--tools vocstats rows numba svy survey]

Six margins to a relative error of 1e-6, fifty strata of forty clusters, which are drawn again n_h - 1 of n_h with replacement (Rao & Wu).
Every tool draws its own, so that standard errors agree as far as 200 replicates tell. `rows` fits every replicate over the rows in numpy;
`numba` eight at once in compiled code, its compilation not counted. R's survey rakes ten replicates only. See side_by_side.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from raking import LEVELS, NAMES
from raking import generate as raked
from side_by_side import Benchmark, Data, Run, main

STRATA, CLUSTERS = 50, 40
TOL = 1e-6


def generate(rows: int) -> Data:
    """Label columns, base weights, totals, clusters and an outcome."""
    columns, d, targets = raked(rows)
    rng = np.random.default_rng(4106)
    stratum = rng.integers(0, STRATA, rows)
    cluster = stratum * CLUSTERS + rng.integers(0, CLUSTERS, rows)
    y = 5.0 + columns["v1"] + 0.1 * columns["v4"] + 0.3 * rng.standard_normal(STRATA * CLUSTERS)[cluster] + rng.standard_normal(rows)
    totals = {f"t{name}": np.array(values) for name, values in targets.items()}
    return {**columns, **totals, "d": d, "stratum": stratum, "cluster": cluster, "y": y}


def vocstats(replicates: int) -> Any:
    """`rake`, `replicate` and `mean`."""

    def prepare(data: Data) -> Run:
        from vocstats.estimation import Design, mean, replicate
        from vocstats.weighting import rake

        columns, totals = {name: data[name] for name in NAMES}, {name: data[f"t{name}"] for name in NAMES}

        def run() -> np.ndarray:
            w = rake(columns, totals, base_weights=data["d"], tol=TOL)
            design = Design(strata=data["stratum"], clusters=data["cluster"])
            e = mean(data["y"], replicate(w, design=design, method="bootstrap", replicates=replicates, seed=1))
            return np.array([float(e.estimate), float(e.std_error)])

        return run

    return prepare


def multiplicities(replicates: int) -> np.ndarray:
    """How often each cluster stands there: all once in the first column, then resamples."""
    rng = np.random.default_rng(2)
    drawn = [rng.multinomial(CLUSTERS - 1, np.full(CLUSTERS, 1 / CLUSTERS), size=replicates).T for _ in range(STRATA)]
    return np.column_stack([np.ones(STRATA * CLUSTERS), np.vstack(drawn) * CLUSTERS / (CLUSTERS - 1)])


def spread(means: np.ndarray) -> np.ndarray:
    """Estimate and standard error from the means of the sample and of its replicates."""
    return np.array([means[0], np.sqrt(((means[1:] - means[0]) ** 2).mean())])


def rows(data: Data) -> Run:
    """Proportional fitting over the rows, one replicate after the other."""
    codes, totals = [data[name].astype(np.intp) for name in NAMES], [data[f"t{name}"] for name in NAMES]

    def rake(w: np.ndarray) -> np.ndarray:
        error = 1.0
        while error > TOL:
            error = 0.0
            for code, total in zip(codes, totals, strict=True):
                ratio = total / np.bincount(code, w)
                error = max(error, float(np.abs(ratio - 1.0).max()))
                w = w * ratio[code]
        return w

    def run() -> np.ndarray:
        weights = (rake(data["d"] * column[data["cluster"]]) for column in multiplicities(200).T)
        return spread(np.array([w @ data["y"] / w.sum() for w in weights]))

    return run


def numba(data: Data) -> Run:
    """The same in compiled code, eight replicates at once."""
    import numba as package

    starts = np.cumsum([0, *LEVELS])
    codes = np.column_stack([data[name] + start for name, start in zip(NAMES, starts, strict=False)]).astype(np.int16)
    totals = np.concatenate([data[f"t{name}"] for name in NAMES])

    @package.njit(fastmath=True)  # type: ignore[untyped-decorator]
    def rake(codes: Any, totals: Any, starts: Any, d: Any, cluster: Any, often: Any) -> Any:
        n, margins = codes.shape
        lanes = often.shape[1]
        w = np.empty((n, lanes))
        for i in range(n):
            for lane in range(lanes):
                w[i, lane] = d[i] * often[cluster[i], lane]
        sums, ratio = np.zeros((totals.size, lanes)), np.ones((totals.size, lanes))
        error, last = 1.0, 0
        while error > TOL:
            error = 0.0
            for j in range(margins):
                sums[starts[j] : starts[j + 1]] = 0.0
                for i in range(n):
                    for lane in range(lanes):
                        w[i, lane] *= ratio[codes[i, last], lane]
                        sums[codes[i, j], lane] += w[i, lane]
                for k in range(starts[j], starts[j + 1]):
                    for lane in range(lanes):
                        ratio[k, lane] = totals[k] / sums[k, lane]
                        error = max(error, abs(ratio[k, lane] - 1.0))
                last = j
        for i in range(n):
            for lane in range(lanes):
                w[i, lane] *= ratio[codes[i, last], lane]
        return w

    def run() -> np.ndarray:
        often, means = multiplicities(200), []
        for start in range(0, often.shape[1], 8):
            lanes = np.ascontiguousarray(often[:, start : start + 8])
            w = rake(codes, totals, starts, data["d"], data["cluster"], lanes)
            means.append(data["y"] @ w / w.sum(axis=0))
        return spread(np.concatenate(means))

    return run


def svy(data: Data) -> Run:
    """svy on a Polars frame."""
    import polars as pl
    import svy as package

    frame = pl.DataFrame({name: data[name] for name in (*NAMES, "d", "stratum", "cluster", "y")})
    totals = {name: dict(enumerate(data[f"t{name}"].tolist())) for name in NAMES}

    def run() -> np.ndarray:
        sample = package.Sample(frame, package.Design(stratum="stratum", psu="cluster", wgt="d"))
        sample = sample.weighting.create_bs_wgts(n_reps=200, rstate=42).weighting.rake(controls=totals, tol=TOL, max_iter=1000)
        table = sample.estimation.mean("y", method="replication", variance_center="estimate").to_polars()
        return np.array([table["est"][0], table["se"][0]])

    return run


R_RUN = f"""
v <- paste0("v", 1:6)
x <- as.data.frame(lapply(setNames(v, v), function(k) factor(data[[k]], 0:(length(data[[paste0("t", k)]]) - 1))))
x$d <- data$d; x$y <- data$y
pop <- lapply(v, function(k) setNames(data.frame(factor(levels(x[[k]]), levels(x[[k]])), data[[paste0("t", k)]]), c(k, "Freq")))
epsilon <- {TOL} * min(unlist(data[paste0("t", v)])) / sum(x$d)
run <- function() {{
  design <- svydesign(ids = ~cluster, strata = ~stratum, weights = ~d, data = cbind(x, cluster = data$cluster, stratum = data$stratum))
  design <- as.svrepdesign(design, type = "subbootstrap", replicates = 10, mse = TRUE)
  e <- svymean(~y, rake(design, lapply(v, function(k) as.formula(paste("~", k))), pop, control = list(maxit = 500, epsilon = epsilon)))
  c(coef(e), SE(e))
}}
"""

BENCHMARK = Benchmark(
    file=__file__, title="Bootstrap replicates raked again", generate=generate, rows=100_000,
    tools={"vocstats 200": vocstats(200), "rows 200": rows, "numba 200": numba, "svy 200": svy, "vocstats 10": vocstats(10)},
    r={"survey 10": R_RUN}, limits={"svy": 0.2}, check=lambda data, name, result: float(result[1]),
)

if __name__ == "__main__":
    raise SystemExit(main(BENCHMARK))
