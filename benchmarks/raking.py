"""Raking one table on six margins with vocstats, a plain numpy script and peers, in one run: seconds, ratios, and whether weights agree.

    python benchmarks/raking.py [--rows 1000000] [--tools vocstats floor weightipy svy survey] [--variants weighted unweighted]

Relative margin errors of 1e-6 are asked for. The floor collapses the rows to cells by hand, fits the cells proportionally and spreads the
factors back, made for codes that fit a dense table: no checks, no labels. weightipy knows no base weights and is compared without them;
`labels` takes text instead of codes, as pandas categories and as Python strings. See side_by_side.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from side_by_side import Benchmark, Data, Run, main

LEVELS = (2, 5, 8, 12, 31, 40)
NAMES = tuple(f"v{j}" for j in range(1, len(LEVELS) + 1))
TOL = 1e-6
Columns = dict[str, np.ndarray]
Targets = dict[str, list[float]]


def generate(rows: int) -> tuple[Columns, np.ndarray, Targets]:
    """Six associated label columns with skewed levels, base weights, and targets tilted against the sample."""
    rng, tilt = np.random.default_rng(1006), np.random.default_rng(77)
    latent = rng.standard_normal(rows)
    columns, targets = {}, {}
    for j, (name, k) in enumerate(zip(NAMES, LEVELS, strict=True)):
        share = np.arange(1, k + 1) ** -(0.6 + 0.15 * j)
        z = 0.4 * latent + np.sqrt(0.84) * rng.standard_normal(rows)
        columns[name] = np.searchsorted(np.quantile(z, np.cumsum(share / share.sum())[:-1]), z).astype(np.int16)
        wanted = np.bincount(columns[name], minlength=k) * np.exp(0.5 * tilt.standard_normal(k))
        targets[name] = (rows * wanted / wanted.sum()).tolist()
    d = np.exp(0.3 * rng.standard_normal(rows))
    return columns, d * rows / d.sum(), targets


def data(rows: int) -> Data:
    """What `generate` gives, under one name each."""
    columns, d, targets = generate(rows)
    return {**columns, "d": d, **{f"t{name}": np.array(totals) for name, totals in targets.items()}}


def vocstats(weighted: bool) -> Any:
    """`vocstats.weighting.rake` on a pandas frame."""

    def prepare(data: Data) -> Run:
        import pandas as pd

        from vocstats.weighting import rake

        frame = pd.DataFrame({name: data[name] for name in NAMES})
        totals = {name: dict(enumerate(data[f"t{name}"].tolist())) for name in NAMES}
        return lambda: rake(frame, totals, base_weights=data["d"] if weighted else None, tol=TOL).values

    return prepare


def labels(kind: str) -> Any:
    """The same on text: six columns of strings or of pandas categories."""

    def prepare(data: Data) -> Run:
        import pandas as pd

        from vocstats.weighting import rake

        names = {name: np.array([f"{name} level {k:02d}" for k in range(len(data[f"t{name}"]))], dtype=object) for name in NAMES}
        frame = pd.DataFrame({name: names[name][data[name]] for name in NAMES}).astype(kind)
        totals = {name: dict(zip(names[name], data[f"t{name}"].tolist(), strict=True)) for name in NAMES}
        return lambda: rake(frame, totals, base_weights=data["d"], tol=TOL).values

    return prepare


def floor(data: Data) -> Run:
    """Collapse to cells, fit them, spread the factors: what one would write by hand for these columns."""
    columns, totals, d = [data[name] for name in NAMES], [data[f"t{name}"] for name in NAMES], data["d"]

    def run() -> np.ndarray:
        code = columns[0].astype(np.int32)
        for column, k in zip(columns[1:], LEVELS[1:], strict=True):
            code *= k
            code += column
        mass = np.bincount(code, weights=d, minlength=int(np.prod(LEVELS)))
        cells = np.flatnonzero(mass)
        levels, w, factors = np.unravel_index(cells, LEVELS), mass[cells], [np.ones(k) for k in LEVELS]
        error = 1.0
        while error > TOL:
            error = 0.0
            for factor, level, total in zip(factors, levels, totals, strict=True):
                ratio = total / np.bincount(level, w)
                error = max(error, float(np.abs(ratio - 1.0).max()))
                factor *= ratio
                w *= ratio[level]
        result = d.copy()
        for factor, column in zip(factors, columns, strict=True):
            result *= factor[column]
        return result

    return run


def weightipy(data: Data) -> Run:
    """Weightipy knows no base weights."""
    import pandas as pd
    import weightipy as wp

    frame, rows = pd.DataFrame({name: data[name] for name in NAMES}), len(data["d"])
    shares = {name: {k: 100.0 * value / rows for k, value in enumerate(data[f"t{name}"].tolist())} for name in NAMES}
    return lambda: np.asarray(wp.weight(frame, wp.scheme_from_dict(shares, rim_params={"convcrit": TOL})), dtype=float)


def svy(data: Data) -> Run:
    """svy on a Polars frame."""
    import polars as pl
    import svy as package

    frame = pl.DataFrame({name: data[name] for name in (*NAMES, "d")})
    totals = {name: dict(enumerate(data[f"t{name}"].tolist())) for name in NAMES}

    def run() -> np.ndarray:
        sample = package.Sample(frame, package.Design(wgt="d")).weighting.rake(controls=totals, tol=TOL, max_iter=1000)
        return np.asarray(sample.data.get_column("rk_wgt").to_numpy())

    return run


R_RUN = f"""
v <- paste0("v", 1:6)
x <- as.data.frame(lapply(setNames(v, v), function(k) factor(data[[k]], 0:(length(data[[paste0("t", k)]]) - 1))))
x$d <- data$d
pop <- lapply(v, function(k) setNames(data.frame(factor(levels(x[[k]]), levels(x[[k]])), data[[paste0("t", k)]]), c(k, "Freq")))
epsilon <- {TOL} * min(unlist(data[paste0("t", v)])) / sum(x$d)
run <- function() weights(rake(svydesign(ids = ~1, weights = ~d, data = x), lapply(v, function(k) as.formula(paste("~", k))), pop,
                               control = list(maxit = 500, epsilon = epsilon)))
"""


def margin_error(data: Data, name: str, w: np.ndarray) -> float:
    """Largest relative error of a total."""
    return max(float(np.abs(np.bincount(data[each], w) / data[f"t{each}"] - 1.0).max()) for each in NAMES)


BENCHMARK = Benchmark(
    file=__file__, title="Raking on six margins", generate=data, rows=1_000_000,
    tools={
        "vocstats weighted": vocstats(True), "vocstats unweighted": vocstats(False), "floor weighted": floor,
        "labels_category weighted": labels("category"), "labels_object weighted": labels("object"),
        "weightipy unweighted": weightipy, "svy weighted": svy,
    },
    r={"survey weighted": R_RUN}, agree=1e-4, limits={"floor": 2.0, "weightipy": 0.1}, check=margin_error,
)

if __name__ == "__main__":
    raise SystemExit(main(BENCHMARK))
