"""A registry that is itself a sample: base weights, strata, clusters, against the array estimators; unequal draws of the silent."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from workflows.small_base import small_frames

import vocstats as vs
from vocstats.estimation import Design, mean

ASK: dict[str, Any] = {"outcome": "csi", "scale": (1, 10), "auxiliaries": ["region"]}


def sampled(**design: Any) -> vs.CustomerBase:
    """Everybody active; weights, strata and clusters in columns of the registry."""
    frames = small_frames()
    registry = frames["registry"].assign(churned=False)
    registry["weight"] = np.where(registry["shop"] < 6, 4.0, 2.5)
    registry["stratum"] = np.where(registry["shop"] < 6, "a", "b")
    return vs.CustomerBase.from_frames(registry, id="id", churned="churned", answers={"survey": frames["survey"]}, **design)


@pytest.mark.parametrize(
    "design",
    [{"base_weight": "weight"}, {"cluster": "shop"}, {"base_weight": "weight", "stratum": "stratum", "cluster": "shop"}],
    ids=["weights", "clusters", "all"],
)
def test_error_is_that_of_the_design(design: dict[str, str]) -> None:
    r = vs.correct(sampled(**design), **ASK)
    assert r.cells is not None and r.weights is not None
    heard = r.cells.source >= 0
    cluster, stratum = r.cells.cluster, r.cells.stratum
    declared = Design(clusters=None if cluster is None else cluster[heard], strata=None if stratum is None else stratum[heard])  # type: ignore[call-overload]
    expected = mean(r.cells.outcome[heard], r.weights, design=declared, inference="r")
    assert r.estimate[0, 1] == pytest.approx(float(expected.estimate), rel=1e-10)
    assert r.std_error[0, 1] == pytest.approx(float(expected.std_error), rel=1e-8)
    assert "with_replacement" in r.variance_accounts_for


def test_borrowing_is_refused_there() -> None:
    with pytest.raises(vs.InputError, match="blank") as caught:
        vs.correct(sampled(cluster="shop"), **ASK, by=["region", "shop"])
    assert caught.value.code == "borrow_sampled"
    blank = vs.correct(sampled(cluster="shop"), **ASK, by=["region", "shop"], small_groups="blank")
    assert np.isnan(blank.estimate[:, 1]).any() and not np.isnan(blank.estimate[:, 1]).all()


def test_unequal_draws_count_by_their_probability() -> None:
    """Half of the follow-up drawn with twice the chance: the Hájek mean of those heard with weights 1 / probability."""
    frames = small_frames()
    follow_up = frames["follow_up"].assign(chance=np.where(np.arange(len(frames["follow_up"])) % 2, 0.2, 0.1))
    base = vs.CustomerBase.from_frames(
        frames["registry"],
        id="id",
        churned="churned",
        answers={"survey": frames["survey"], "follow_up": vs.Source(follow_up, selection_probability="chance")},
    )
    r = vs.correct(base, outcome="csi", scale=(1, 10))
    expected = np.average(follow_up["csi"], weights=1 / follow_up["chance"])
    assert r.part_mean[0, 1] == pytest.approx(expected, rel=1e-12)
    assert r.part_assumed[0, 1] == pytest.approx(0.0)


def test_base_weights_scale_the_groups() -> None:
    r = vs.correct(sampled(base_weight="weight"), **ASK)
    registry = small_frames()["registry"]
    assert r.customers[0, 2] == pytest.approx(np.where(registry["shop"] < 6, 4.0, 2.5).sum(), abs=0.5)
    assert isinstance(r.tidy(), pd.DataFrame)
