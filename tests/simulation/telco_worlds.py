"""Hide the answers of the telecom base in four ways and let vocstats recover the truth, which is known.

(a) answers of active customers hidden by covariates, (b) by the score itself, each with a fully answered follow-up of 8 % of the
silent and exit interviews with 15 % of the churned; (c) as b, follow-up and exit interviews answered by half depending on
covariates; (d) no follow-up, silence at random given covariates, exit interviews answered in full.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

import vocstats as vs

AUXILIARIES = ["contract", "internet", "tenure"]
SCENARIOS = ("a", "b", "c", "d")
STATISTICS = {
    "mean": lambda y: y,
    "bottom_box": lambda y: (y <= 2).astype(float),
    "nps": lambda y: (y == 5).astype(float) - (y <= 3),
}


@dataclass(frozen=True)
class World:
    """The whole base: registry, true scores, and who has left."""

    registry: pd.DataFrame
    score: np.ndarray
    churned: np.ndarray

    @classmethod
    def read(cls, data: Path) -> World:
        telco = pd.read_csv(data / "telco" / "telco.csv", dtype={"Customer ID": str}, keep_default_na=False)
        churned = (telco["Churn Label"] == "Yes").to_numpy()
        registry = pd.DataFrame(
            {
                "id": telco["Customer ID"],
                "churned": churned,
                "contract": telco["Contract"],
                "internet": telco["Internet Type"].replace("", "None"),
                "tenure": np.digitize(telco["Tenure in Months"], [12.5, 24.5, 48.5]),
            }
        )
        return cls(registry=registry, score=telco["Satisfaction Score"].to_numpy(float), churned=churned)

    def like_these(self, rng: np.random.Generator) -> World:
        """Another registry of the same process: as many customers drawn from this one with replacement."""
        rows = rng.integers(0, self.score.size, self.score.size)
        registry = self.registry.iloc[rows].reset_index(drop=True).assign(id=np.arange(rows.size).astype(str))
        return World(registry=registry, score=self.score[rows], churned=self.churned[rows])

    def draw(self, rng: np.random.Generator, scenario: str, *, dealers: int = 0, spread: float = 0.0) -> tuple[vs.CustomerBase, np.ndarray]:
        """One base with answers hidden, and the dealer of each customer (all 0 without dealers).

        Customers are split among the dealers at random; with `spread`, some dealers draw happier customers than others.
        """
        n, frame = self.score.size, self.registry
        monthly = (frame["contract"] == "Month-to-Month").to_numpy()
        loyal, fiber = (frame["tenure"] >= 2).to_numpy(), (frame["internet"] == "Fiber Optic").to_numpy()
        by_covariates = 1 / (1 + np.exp(1.2 - 0.5 * ~monthly - 0.4 * loyal + 0.5 * fiber))
        by_score = np.where(self.score >= 4, 0.30, 0.18)
        half = 1 / (1 + np.exp(-(0.5 * monthly - 0.5 * loyal + 0.4 * fiber)))
        answered = ~self.churned & (rng.random(n) < (by_covariates if scenario in "ad" else by_score))
        silent, gone = np.flatnonzero(~self.churned & ~answered), np.flatnonzero(self.churned)
        drawn = {"exit_interview": rng.choice(gone, round(0.15 * gone.size), replace=False)}
        if scenario != "d":
            drawn["follow_up"] = rng.choice(silent, round(0.08 * silent.size), replace=False)
        answers = {"survey": self._answers(np.flatnonzero(answered), np.ones(n))}
        for source, asked in drawn.items():
            heard = np.where(rng.random(n) < half, 1.0, np.nan) if scenario == "c" else np.ones(n)
            answers[source] = self._answers(asked, heard)
        dealer = rng.permutation(np.arange(n) % dealers) if dealers else np.zeros(n, int)
        if spread:
            pull = np.outer(self.score - self.score.mean(), spread * rng.standard_normal(dealers))
            dealer = (pull + rng.gumbel(size=(n, dealers))).argmax(axis=1)
        base = vs.CustomerBase.from_frames(frame.assign(dealer=dealer), id="id", churned="churned", answers=answers)
        return base, dealer

    def _answers(self, rows: np.ndarray, heard: np.ndarray) -> pd.DataFrame:
        return pd.DataFrame({"id": self.registry["id"].to_numpy()[rows], "score": (self.score * heard)[rows]})

    def truth(self, statistic: str, dealer: np.ndarray) -> np.ndarray:
        """(domains, 2): mean among the active, mean of everybody."""
        value, active = STATISTICS[statistic](self.score), ~self.churned
        size = dealer.max() + 1
        means = [
            np.bincount(dealer[k], value[k], size) / np.bincount(dealer[k], minlength=size) for k in (active, np.ones(active.size, bool))
        ]
        return np.column_stack(means)


def repeat(
    world: World,
    scenario: str,
    *,
    repetitions: int,
    seed: int,
    dealers: int = 0,
    spread: float = 0.0,
    level: float = 0.95,
    inference: str = "registry",
) -> pd.DataFrame:
    """One row per repetition, statistic, term and domain: error, std_error, covered, borrowed.

    With ``inference="process"`` each repetition has a registry of its own and the truth is that of the process.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(repetitions):
        listed = world.like_these(rng) if inference == "process" else world
        base, dealer = listed.draw(rng, scenario, dealers=dealers, spread=spread)
        for statistic in STATISTICS:
            r = vs.correct(
                base,
                outcome="score",
                scale=(1, 5),
                statistic=statistic,
                auxiliaries=AUXILIARIES,
                by="dealer" if dealers else None,
                level=level,
                inference=inference,
            )
            truth = world.truth(statistic, dealer)
            error = r.estimate[:, 1:] - truth
            covered = (r.conf_low[:, 1:] <= truth + 1e-12) & (truth - 1e-12 <= r.conf_high[:, 1:])
            rows.append(
                pd.DataFrame(
                    {
                        "statistic": statistic,
                        "term": np.tile(["nonresponse_corrected", "survivor_corrected"], len(truth)),
                        "error": error.ravel(),
                        "std_error": r.std_error[:, 1:].ravel(),
                        "covered": covered.ravel(),
                        "borrowed": r.borrowed[:, 1:].ravel() > 0,
                        "missing": np.isnan(r.estimate[:, 1:]).ravel(),
                    }
                )
            )
    return pd.concat(rows, ignore_index=True)


def table(rows: pd.DataFrame) -> pd.DataFrame:
    """Bias, its Monte Carlo error, true and estimated standard error, coverage."""
    groups = rows.groupby(["statistic", "term"], sort=False)
    size = groups.size()
    spread = groups["error"].std()
    return pd.DataFrame(
        {
            "bias": groups["error"].mean(),
            "bias_mc_error": spread / np.sqrt(size),
            "true_se": spread,
            "mean_se": groups["std_error"].mean(),
            "coverage": groups["covered"].mean(),
            "missing": groups["missing"].mean(),
            "borrowed": groups["borrowed"].mean(),
        }
    ).reset_index()
