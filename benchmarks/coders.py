"""Labels of five coders on 200,000 items, beside crowd-kit.

    python benchmarks/coders.py [--rows 1000000] [--tools vocstats crowd-kit rows]

Rows are labels. `vocstats` gives standard errors and limits as well, by the delta method and, as `vocstats_profile`, from the profile
likelihood. `crowd-kit` is its DawidSkene with its defaults (estimates alone), which goes over the rows in every turn, as `rows` does: the
same EM in numpy with as many turns. The result is the prevalence of the three classes.
"""

from __future__ import annotations

import numpy as np
from side_by_side import Benchmark, Data, Run, main

CODERS, CLASSES = 5, 3


def generate(rows: int) -> Data:
    """Items of three classes, coders of skill .6 to .85."""
    rng = np.random.default_rng(1)
    items = rows // CODERS
    truth = rng.choice(CLASSES, size=items, p=[0.6, 0.25, 0.15])
    wrong = (truth[:, None] + rng.integers(1, CLASSES, size=(items, CODERS))) % CLASSES
    label = np.where(rng.random((items, CODERS)) < np.linspace(0.6, 0.85, CODERS), truth[:, None], wrong)
    return {"item": np.repeat(np.arange(items), CODERS), "coder": np.tile(np.arange(CODERS), items), "label": label.ravel()}


def vocstats(data: Data) -> Run:
    """Estimates, standard errors and limits."""
    from vocstats.prevalence import dawid_skene

    return lambda: dawid_skene(data["item"], data["coder"], data["label"], interval="delta").estimate


def vocstats_profile(data: Data) -> Run:
    """The same with limits from the profile likelihood."""
    from vocstats.prevalence import dawid_skene

    return lambda: dawid_skene(data["item"], data["coder"], data["label"]).estimate


def crowd_kit(data: Data) -> Run:
    """Estimates alone."""
    import pandas as pd
    from crowdkit.aggregation import DawidSkene

    frame = pd.DataFrame({"task": data["item"], "worker": data["coder"], "label": data["label"]})
    return lambda: DawidSkene().fit(frame).priors_.sort_index().to_numpy()


def rows(data: Data) -> Run:
    """A hundred turns over the rows."""
    item, place = data["item"], data["coder"] * CLASSES + data["label"]

    def run() -> np.ndarray:
        size = int(item[-1]) + 1
        chance = np.stack([np.bincount(item, data["label"] == c, size) for c in range(CLASSES)], axis=1)
        chance /= chance.sum(axis=1, keepdims=True)
        for _ in range(100):
            p = chance.mean(axis=0)
            counts = np.stack([np.bincount(place, chance[item, c], CODERS * CLASSES) for c in range(CLASSES)])
            theta = counts.reshape(CLASSES, CODERS, CLASSES)
            log = np.log(theta / theta.sum(axis=2, keepdims=True)).reshape(CLASSES, -1)
            value = np.log(p) + np.stack([np.bincount(item, log[c, place], size) for c in range(CLASSES)], axis=1)
            chance = np.exp(value - value.max(axis=1, keepdims=True))
            chance /= chance.sum(axis=1, keepdims=True)
        return chance.mean(axis=0)

    return run


BENCHMARK = Benchmark(
    file=__file__, title="Labels of five coders", generate=generate, agree=0.005, limits={"crowd-kit": 1.0, "rows": 1.0},
    tools={"vocstats": vocstats, "vocstats_profile": vocstats_profile, "crowd-kit": crowd_kit, "rows": rows}, rows=1_000_000,
)

if __name__ == "__main__":
    raise SystemExit(main(BENCHMARK))
