"""The model of contaminated scores on networks it describes and on networks it does not: limits, errors, sampling."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from bayes.mark_networks import network
from scipy import special

from vocstats.bayes import ContaminationFit, ContaminationPriors
from vocstats.bayes.contamination import contamination_model, variables
from vocstats.bayes.contamination_cells import ScoreCells, collapse
from vocstats.bayes.contamination_posterior import summarise
from vocstats.bayes.sampling import Sampler
from vocstats.datasets import SimulatedNetwork, simulate_dealers
from vocstats.inflation import honest_scores

DEALERS, DRAWS, TUNE = 50, 800, 700
CUTS = special.ndtri(np.cumsum((0.005, 0.005, 0.008, 0.012, 0.025, 0.035, 0.07, 0.14, 0.27)))

pytestmark = pytest.mark.slow


class Refitter:
    """One compiled model, for networks of the same numbers of dealers and scores."""

    def __init__(self, cells: ScoreCells) -> None:
        self.priors = ContaminationPriors()
        self.sampler = Sampler(contamination_model(cells, self.priors))

    def fit(self, cells: ScoreCells, seed: int) -> ContaminationFit:
        """`fit_contamination` without compiling again."""
        found = self.sampler.draw(variables(cells), draws=DRAWS, tune=TUNE, chains=2, seed=seed, data={"counts": cells.counts})
        return summarise(cells, found, priors=self.priors, seed=seed, level=0.9)


def described(seeds: range) -> Iterator[tuple[ScoreCells, pd.DataFrame]]:
    """Networks drawn from the model, its network parameters at usual values."""
    for seed in seeds:
        net = network(seed, dealers=DEALERS, sizes=(30, 1500), cuts=CUTS)
        truth = pd.DataFrame({"inflated": net.turned > 0, "honest_mean": net.honest_mean, "inflation": net.added})
        yield collapse(net.score, net.dealer, net.independent, scale=(1, 10)), truth


def undescribed(seeds: range) -> Iterator[tuple[ScoreCells, pd.DataFrame]]:
    """Networks in which dealers inflate by ten mechanisms, and of which the roster is known."""
    for seed in seeds:
        net = simulated(seed)
        answers = net.responses
        cells = collapse(answers["score"], answers["dealer"], answers["channel"] == "manufacturer", scale=(1, 10))
        yield cells, net.truth.dealers.set_index("dealer").loc[cells.dealers].reset_index()


def simulated(seed: int) -> SimulatedNetwork:
    """A fifth of the dealers inflate."""
    return simulate_dealers(DEALERS, seed=seed, inflated=0.2, strength=[0.4, 0.6])


def study(refitter: Refitter, networks: Iterator[tuple[ScoreCells, pd.DataFrame]]) -> pd.DataFrame:
    """One row per dealer: what was found beside the truth."""
    parts = []
    for k, (cells, truth) in enumerate(networks):
        fit = refitter.fit(cells, k + 1)
        row = fit.to_frame().rename(columns={"honest_mean": "found", "inflation": "found_inflation"})
        facts = {"network": k, "r_hat": fit.r_hat, "effective": fit.effective_draws, "divergences": fit.divergences}
        parts.append(pd.concat([row.drop(columns="dealer"), truth.drop(columns=["n", "score"], errors="ignore")], axis=1).assign(**facts))
        print(k, facts, flush=True)
    return pd.concat(parts, ignore_index=True)


def judged(found: pd.DataFrame) -> dict[str, Any]:
    """Coverage and errors among the inflated and the others."""
    result: dict[str, Any] = {}
    for name, rows in {"inflated": found[found["inflated"]], "honest": found[~found["inflated"]]}.items():
        error = rows["found"] - rows["honest_mean"]
        result[name] = {
            "dealers": len(rows), "coverage": float(rows["honest_mean"].between(rows["conf_low"], rows["conf_high"]).mean()),
            "bias": float(error.mean()), "rmse": float(np.sqrt((error**2).mean())),
            "raw_rmse": float(np.sqrt(((rows["score"] - rows["honest_mean"]) ** 2).mean())),
            "chance": float(rows["chance_inflated"].mean()),
        }
    return result


@cache
def refitter() -> Refitter:
    """Compiled once for both studies."""
    return Refitter(next(described(range(80_400, 80_401)))[0])


def test_networks_the_model_describes(pymc: ModuleType) -> None:
    """Limits cover, and chances are what they say."""
    table = study(refitter(), described(range(80_400, 80_408)))
    found = judged(table)
    print(f"\n{pd.DataFrame(found)}")
    for name in ("inflated", "honest"):
        assert abs(found[name]["coverage"] - 0.9) < 4.0 * np.sqrt(0.09 / found[name]["dealers"]), found
        assert abs(found[name]["bias"]) < 0.05, found
    assert abs(table["chance_inflated"].mean() - table["inflated"].mean()) < 0.05
    assert table["divergences"].max() == 0


def test_simulated_network_beside_the_fast_correction(pymc: ModuleType) -> None:
    """Mechanisms the model does not know: limits fall short among the inflated, the error is still below two thirds of the raw one."""
    seeds = range(80_300, 80_308)
    table = study(refitter(), undescribed(seeds))
    found, fast = judged(table), pd.concat([fast_scores(seed) for seed in seeds], ignore_index=True)
    print(f"\n{pd.DataFrame(found)}\n{fast_errors(table, fast)}")
    assert table["divergences"].max() == 0
    assert found["inflated"]["coverage"] > 0.7 and found["honest"]["coverage"] > 0.85, found
    assert found["inflated"]["rmse"] < 2 / 3 * found["inflated"]["raw_rmse"], found
    assert np.corrcoef(table["found"], fast["corrected_score"])[0, 1] > 0.95


def fast_scores(seed: int) -> pd.DataFrame:
    """`honest_scores` of the same answers, for the visits on the roster; dealers in the same order."""
    net = simulated(seed)
    answers = net.responses
    independent = (answers["channel"] == "manufacturer").to_numpy()
    return honest_scores(answers["score"], answers["dealer"], independent, roster_dealer=net.roster["dealer"], level=0.9).to_frame()


def fast_errors(table: pd.DataFrame, fast: pd.DataFrame) -> pd.DataFrame:
    """The same judgement of the fast correction, and how far the two are apart."""
    columns = fast[["conf_low", "conf_high"]].assign(found=fast["corrected_score"], chance_inflated=fast["chance"])
    apart = (table["found"] - fast["corrected_score"]).abs()
    kinds = {"inflated": table["inflated"], "honest": ~table["inflated"]}
    return pd.DataFrame(judged(table.assign(**columns))).T.assign(apart=[apart[rows].mean() for rows in kinds.values()])
