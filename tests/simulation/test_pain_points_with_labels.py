"""Ten aspects of real posts, called by a classifier and audited by 600 random labels: the joint model beats calls and labels alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import vocstats as vs

LABELS = 600


def counted(aspect: str, source: str, positive: int, n: int) -> dict[str, object]:
    """A row of observations; everybody who posted is engaged."""
    return {"pain_point": aspect, "response_group": "engaged", "source": source, "positive": positive, "n": n}


def root_mean_squares(data: Path, draws: int, seed: int) -> dict[str, float]:
    """Error pooled over aspects and draws: of the calls, of the labels, of the model.

    The model sees either all calls and the audit, or the calls of posts without a label, the labels as a source whose word is the truth,
    and the audit: everything once.
    """
    posts = pd.read_csv(data / "aspects/car_posts_aspects.csv")
    names, size = [column[5:] for column in posts if column.startswith("gold_")], len(posts)
    truth, call = posts[[f"gold_{name}" for name in names]].to_numpy(), posts[[f"p_Bert_{name}" for name in names]].to_numpy() > 0.5
    frame = pd.DataFrame({"response_group": ["engaged"], "customers": [size]})
    rng, found = np.random.default_rng(seed), {"calls": [call.mean(axis=0)], "labels": [], "model": [], "model, all once": []}
    for _ in range(draws):
        drawn = rng.permutation(size) < LABELS
        audit, every, apart = [], [], []
        for k, name in enumerate(names):
            for state in (0, 1):
                read = drawn & (truth[:, k] == state)
                audit.append({"pain_point": name, "truth": state, "positive": int(call[read, k].sum()), "n": int(read.sum())})
            every.append(counted(name, "classifier", int(call[:, k].sum()), size))
            apart.append(counted(name, "classifier", int(call[~drawn, k].sum()), size - LABELS))
            apart.append(counted(name, "labels", int(truth[drawn, k].sum()), LABELS))
        found["labels"].append(truth[drawn].mean(axis=0))
        for key, rows, perfect in (("model", every, []), ("model, all once", apart, ["labels"])):
            p = vs.estimate_pain_points(
                pd.DataFrame(rows), frame=frame, coder_audit=pd.DataFrame(audit), audit_drawn_by="random", perfect_sources=perfect
            )
            found[key].append(p.to_frame().set_index("pain_point").loc[names, "estimate"].to_numpy())
    return {key: float(np.sqrt(np.mean((np.array(values) - truth.mean(axis=0)) ** 2))) for key, values in found.items()}


def test_the_model_beats_calls_and_labels(data: Path) -> None:
    error = root_mean_squares(data, 8, 90041)
    assert error["calls"] == pytest.approx(0.00696, abs=1e-5)
    assert error["model, all once"] < error["calls"] < error["labels"]
    assert error["model"] < 0.7 * error["labels"]


@pytest.mark.slow
def test_the_model_beats_calls_and_labels_in_many_draws(data: Path) -> None:
    error = root_mean_squares(data, 150, 90042)
    assert max(error["model"], error["model, all once"]) < error["calls"] < error["labels"]
    assert error["model, all once"] < 0.9 * error["calls"]
