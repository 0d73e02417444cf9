"""Calibration to 61 totals with vocstats, a plain numpy script and peers, in one run: seconds, ratios, and whether the weights agree.

    python benchmarks/calibration.py [--rows 1000000] [--tools vocstats floor svy survey_kit survey] [--variants linear raking logit]

Forty indicators of four factors, twenty numbers and ones; totals are those of weights between .45 and 2.4 times the base weights, the
bounds of the logit are .3 and 3. The floor is Newton's method in numpy on blocks of rows, made for this one case: no checks, no search
along the step beyond halving it. survey-kit balances by its own distance between bounds, so that its weights differ. See side_by_side.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from side_by_side import Benchmark, Data, Run, main

FACTORS = (4, 7, 13, 20)
LOW, HIGH = 0.3, 3.0
BLOCK = 2048


def generate(rows: int) -> Data:
    """x (ones first), base weights d, totals t."""
    rng = np.random.default_rng(2006)
    shares = [np.arange(1, k + 1) ** -0.5 for k in FACTORS]
    codes = [rng.choice(k, rows, p=share / share.sum()) for k, share in zip(FACTORS, shares, strict=True)]
    x = np.empty((rows, 61))
    x[:, 0] = 1.0
    place = 1
    for column, k in zip(codes, FACTORS, strict=True):
        x[:, place : place + k - 1] = column[:, None] == np.arange(1, k)
        place += k - 1
    x[:, 41:] = rng.standard_normal((rows, 20)) @ (np.eye(20) + 0.1 * rng.standard_normal((20, 20))) + 0.2 * codes[0][:, None]
    d = np.exp(0.25 * rng.standard_normal(rows))
    d *= 10.0 * rows / d.sum()
    tilt = 0.15 * x[:, 41:].sum(axis=1) / np.sqrt(20.0) + 0.15 * (codes[0] - 1.0) + 0.05 * (codes[3] % 3 - 1.0)
    x[:, 41:] += 3.0
    factor = np.clip(np.exp(tilt), 0.45, 2.4)
    factor *= d.sum() / (d @ factor)
    return {"x": x, "d": d, "t": (d * factor) @ x}


def vocstats(distance: Any) -> Any:
    """`vocstats.weighting.calibrate` on the matrix."""

    def prepare(data: Data) -> Run:
        from vocstats.weighting import calibrate

        bounds = (LOW, HIGH) if distance == "logit" else None
        return lambda: calibrate(data["x"], data["t"], base_weights=data["d"], distance=distance, bounds=bounds).values

    return prepare


def vocstats_frame(data: Data) -> Run:
    """The same from a dataframe of columns, linear."""
    import pandas as pd

    from vocstats.weighting import calibrate

    frame = pd.DataFrame(data["x"], columns=[f"x{j}" for j in range(61)])
    totals = dict(zip(frame.columns, data["t"].tolist(), strict=True))
    return lambda: calibrate(frame, totals, base_weights=data["d"]).values


def floor(distance: str) -> Any:
    """Newton's method on the dual, as one would write it by hand."""

    def prepare(data: Data) -> Run:
        x, d, t = data["x"], data["d"], data["t"]
        if distance == "linear":
            return lambda: d * (1.0 + x @ np.linalg.solve(_gram(x, d), t - d @ x))
        return lambda: d * _newton(x, d, t, distance)

    return prepare


def _gram(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    total = np.zeros((61, 61))
    for i in range(0, len(x), BLOCK):
        part = x[i : i + BLOCK]
        total += part.T @ (part * w[i : i + BLOCK, None])
    return total


def _newton(x: np.ndarray, d: np.ndarray, t: np.ndarray, distance: str) -> np.ndarray:
    a = (HIGH - LOW) / ((1.0 - LOW) * (HIGH - 1.0))

    def curve(eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if distance == "raking":
            factor = np.exp(eta)
            return factor, factor
        e = np.exp(a * eta)
        below = (HIGH - 1.0) + (1.0 - LOW) * e
        return (LOW * (HIGH - 1.0) + HIGH * (1.0 - LOW) * e) / below, a * e * (1.0 - LOW) * (HIGH - 1.0) * (HIGH - LOW) / below**2

    b = np.zeros(61)
    factor, slope = curve(x @ b)
    miss = t - (d * factor) @ x
    while np.abs(miss / t).max() > 1e-8:
        step = np.linalg.solve(_gram(x, d * slope), miss)
        while True:
            new, new_slope = curve(x @ (b + step))
            new_miss = t - (d * new) @ x
            if np.linalg.norm(new_miss / t) < np.linalg.norm(miss / t):
                break
            step /= 2.0
        b, factor, slope, miss = b + step, new, new_slope, new_miss
    return factor


def svy(data: Data) -> Run:
    """svy on a Polars frame, linear."""
    import polars as pl
    import svy as package

    names = [f"x{j}" for j in range(61)]
    frame = pl.DataFrame(data["x"], schema=names).with_columns(d=pl.Series(data["d"]))
    totals = dict(zip(names, data["t"].tolist(), strict=True))

    def run() -> np.ndarray:
        sample = package.Sample(frame, package.Design(wgt="d")).weighting.calibrate(controls=totals)
        return np.asarray(sample.data.get_column("calib_wgt").to_numpy())

    return run


def survey_kit(bounds: tuple[float, float] | None) -> Any:
    """survey-kit on a Polars frame; the targets are a frame of two rows with the wanted means."""

    def prepare(data: Data) -> Run:
        import polars as pl
        from survey_kit.calibration.calibration import Calibration
        from survey_kit.calibration.moment import Moment

        names, size = [f"x{j}" for j in range(1, 61)], float(data["t"][0])
        frame = pl.DataFrame(data["x"][:, 1:], schema=names).with_columns(d=pl.Series(data["d"])).with_row_index("id")
        means = {name: [total / size] * 2 for name, total in zip(names, data["t"][1:].tolist(), strict=True)}
        target = pl.DataFrame(means | {"w": [size / 2.0] * 2, "id": [0, 1]})

        def run() -> np.ndarray:
            moment = Moment(df=target, formula="~1+" + "+".join(names), weight="w", index=["id"])
            calibration = Calibration(df=frame, moments=[moment], index=["id"], weight="d", final_weight="fw", tolerance=1e-6)
            calibration.run(print_diagnostics=False, skip_diagnostics=True, **({"bounds": bounds} if bounds else {}))
            result = calibration.get_final_weights(frame)
            result = result.collect() if hasattr(result, "collect") else result
            weights = np.asarray(result.sort("id").get_column("fw").to_numpy(), dtype=float)
            return weights * (size / weights.sum())

        return run

    return prepare


R_RUN = """
x <- as.data.frame(data$x[, -1]); names(x) <- paste0("x", 1:60); x$d <- data$d
totals <- setNames(data$t, c("(Intercept)", paste0("x", 1:60)))
formula <- as.formula(paste("~", paste0("x", 1:60, collapse = "+")))
data <- NULL
run <- function() weights(calibrate(svydesign(ids = ~1, weights = ~d, data = x), formula, totals{options}))
"""
R_OPTIONS = {"linear": "", "raking": ', calfun = "raking"', "logit": f', calfun = "logit", bounds = c({LOW}, {HIGH})'}


def total_error(data: Data, name: str, weights: np.ndarray) -> float:
    """Largest relative error of a total."""
    return float(np.abs(weights @ data["x"] / data["t"] - 1.0).max())


BENCHMARK = Benchmark(
    file=__file__, title="Calibration to 61 totals", generate=generate, rows=1_000_000,
    tools={
        **{f"vocstats {distance}": vocstats(distance) for distance in ("linear", "raking", "logit")},
        **{f"floor {distance}": floor(distance) for distance in ("linear", "raking", "logit")},
        "vocstats_frame linear": vocstats_frame,
        "svy linear": svy, "survey_kit raking": survey_kit(None), "survey_kit logit": survey_kit((LOW, HIGH)),
    },
    r={f"survey {distance}": R_RUN.replace("{options}", options) for distance, options in R_OPTIONS.items()},
    limits={"floor": 1.3}, check=total_error,
)

if __name__ == "__main__":
    raise SystemExit(main(BENCHMARK))
