"""Discrete-time hazard regression of 50,000 customers over 24 months with vocstats and on the table of person-months, in one run.

    python benchmarks/hazards.py [--rows 50000] [--tools vocstats statsmodels glm]

Three label columns (48 profiles), censoring from the 1st to the 24th month. vocstats sums the likelihood over cells of profile and month;
statsmodels and R's glm take one row per customer and month at risk, as their manuals say, made within the time that counts. All return
the same coefficients. With --rows 10000000 --tools vocstats the first runs alone. See side_by_side.py.
"""

from __future__ import annotations

import numpy as np
from side_by_side import Benchmark, Data, Run, main

LEVELS, MONTHS = {"model": 8, "channel": 3, "serviced": 2}, 24


def generate(rows: int) -> Data:
    """Months until leaving or the end of observation, and three columns of codes."""
    rng = np.random.default_rng(3011)
    x = {name: rng.integers(0, levels, rows) for name, levels in LEVELS.items()}
    chance = 0.02 * np.exp(0.1 * x["model"] - 0.3 * x["channel"] - 0.5 * x["serviced"])
    leaves, followed = rng.geometric(chance), rng.integers(1, MONTHS + 1, rows)
    return {"months": np.minimum(leaves, followed).astype(np.int64), "left": (leaves <= followed).astype(np.int64), **x}


def vocstats(data: Data) -> Run:
    """`vocstats.survivorship.hazard_regression`; labels as text, so that they are labels."""
    from vocstats.survivorship import hazard_regression

    text = np.array([f"L{level}" for level in range(max(LEVELS.values()))])
    x = {name: text[data[name]] for name in LEVELS}
    return lambda: hazard_regression(data["months"], data["left"], x).estimate


def statsmodels(data: Data) -> Run:
    """A binomial GLM of one row per person-month."""
    import statsmodels.api as sm

    def run() -> np.ndarray:
        months = data["months"]
        row = np.repeat(np.arange(months.size), months)
        month = np.arange(row.size) - np.repeat(np.cumsum(months) - months, months) + 1
        left = ((month == months[row]) & (data["left"][row] == 1)).astype(float)
        labels = [data[name][row][:, None] == np.arange(1, levels) for name, levels in LEVELS.items()]
        design = np.hstack([month[:, None] == np.arange(1, MONTHS + 1), *labels]).astype(float)
        return np.asarray(sm.GLM(left, design, family=sm.families.Binomial()).fit(tol=1e-10).params)

    return run


GLM = """
run <- function() {
  row <- rep(seq_along(data$months), data$months)
  month <- sequence(data$months)
  left <- as.integer(month == data$months[row] & data$left[row] == 1)
  cells <- data.frame(left, month = factor(month), model = factor(data$model[row]), channel = factor(data$channel[row]),
                      serviced = factor(data$serviced[row]))
  coef(glm(left ~ 0 + month + model + channel + serviced, binomial, cells, control = glm.control(epsilon = 1e-12)))
}
"""

BENCHMARK = Benchmark(
    file=__file__, title="Discrete-time hazard regression", generate=generate, rows=50_000, agree=1e-6,
    tools={"vocstats": vocstats, "statsmodels": statsmodels}, r={"glm": GLM}, limits={"statsmodels": 0.2, "glm": 0.2},
)

if __name__ == "__main__":
    raise SystemExit(main(BENCHMARK))
