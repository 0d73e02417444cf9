"""What a design refuses, and that its stages follow the written formula."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from vocstats.errors import InputError
from vocstats.estimation import Design, mean, replicate, total
from vocstats.nonresponse import nonprobability
from vocstats.texts import message

BAD: dict[str, tuple[dict[str, Any], str, str]] = {
    "rule": ({"lonely_psu": "certainty"}, "not_a_choice", "'adjust'"),
    "nested": ({"strata": [1, 1, 2], "clusters": [5, 6, 5]}, "cluster_in_two_strata", r"clusters 5 of stage 1 .* rows 0, 2"),
    "length": ({"strata": [1, 1, 2], "clusters": [5, 6]}, "wrong_length", "2 entries; 3"),
    "zero fpc": ({"fpc": [10, 0, 10]}, "fpc_not_positive", "rows 1"),
    "mixed fpc": ({"fpc": [10, 0.5, 10]}, "fpc_mixed", "rows 1"),
    "missing fpc": ({"fpc": [10, np.nan, 10]}, "missing_or_infinite", "rows 1"),
    "missing label": ({"clusters": ["a", None, "b"]}, "missing_labels", "rows 1"),
    "stages": ({"fpc": [[10, 10, 10], [5, 5, 5]]}, "too_many_stages", "2 stages but clusters has 1"),
    "single value": ({"fpc": 10}, "not_by_row", "one entry per row"),
    "rows first": ({"clusters": [None, [1, 2, 3]]}, "cluster_stage_missing", "last stage"),
}
LATE: dict[str, tuple[dict[str, Any], str, str]] = {
    "varies": ({"fpc": [10, 11, 10]}, "fpc_varies", "rows 1"),
    "small": ({"fpc": [2, 2, 2]}, "fpc_too_small", "says 2 .* but 3 were drawn"),
    "lonely": ({"strata": [1, 1, 2]}, "lonely_psu", 'stage 1 hold one cluster only, at rows 2.*"remove"'),
    "nothing to average": ({"strata": [1, 2, 3], "lonely_psu": "average"}, "lonely_psu_no_average", "nothing to average"),
}


@pytest.mark.parametrize("name", BAD | LATE)
def test_refusals(name: str) -> None:
    options, code, text = (BAD | LATE)[name]
    with pytest.raises(InputError, match=text) as caught:
        mean([1.0, 2.0, 3.0], design=Design(**options))
    assert caught.value.code == code
    assert message(caught.value, "zh")


def test_stages_from_frames_and_arrays_are_the_same() -> None:
    frame = pd.DataFrame({"dealer": ["a", "a", "b", "b", "c", "c"], "visit": [1, 2, 1, 2, 1, 1]})
    designs = [Design(clusters=frame), Design(clusters=[frame["dealer"], frame["visit"]]), Design(clusters=frame.to_numpy())]
    assert all(designs[0].same_as(other) for other in designs[1:])
    assert not designs[0].same_as(Design(clusters=frame["dealer"]))
    assert designs[0].clusters[1].tolist() == [0, 1, 2, 3, 4, 4]  # the same label in another cluster is another one


def test_two_stages_by_hand() -> None:
    """Särndal, Swensson & Wretman (4.3.20): total under simple random sampling in both stages."""
    rng = np.random.default_rng(1)
    cluster = np.repeat(np.arange(5), 4)
    y = rng.normal(5, 1, 20) + cluster
    big, small = 12.0, 9.0
    design = Design(clusters=[cluster, None], fpc=[np.full(20, big), np.full(20, small)])
    e = total(y, np.full(20, big / 5 * small / 4), design=design)
    totals = small * y.reshape(5, 4).mean(1)
    first = big**2 * (1 - 5 / big) * totals.var(ddof=1) / 5
    second = big / 5 * (small**2 * (1 - 4 / small) * y.reshape(5, 4).var(axis=1, ddof=1) / 4).sum()
    assert e.std_error**2 == pytest.approx(first + second)


def test_rows_not_in_the_sample_are_no_draws() -> None:
    y, w = np.array([1.0, 2.0, 4.0, np.nan, np.nan]), np.array([1.0, 1.0, 1.0, 0.0, 0.0])
    design = Design(strata=["a", "a", "a", "a", "b"], clusters=[1, 2, 3, 4, 5], fpc=[3, 3, 3, 3, 7])
    assert mean(y, w, design=design).std_error == 0  # all three drawn of three
    assert total(y, w, design=Design(strata=design.strata)).std_error == pytest.approx(3 * np.std([1, 2, 4], ddof=1) / 3**0.5)


def test_census_strata_and_infinite_populations() -> None:
    y = np.array([1.0, 2.0, 3.0, 5.0, 8.0])
    census = Design(strata=[0, 0, 0, 1, 2], fpc=[3, 3, 3, 1, 1])
    assert total(y, design=census).std_error == 0  # a lonely cluster that is a census is not lonely
    assert total(y, design=Design(fpc=np.full(5, np.inf))).std_error == pytest.approx(total(y, design=Design()).std_error)
    assert total(y, design=Design(fpc=np.ones(5))).std_error == 0  # fraction 1


def test_degrees_of_freedom_are_clusters_less_strata() -> None:
    strata, clusters = ["a", "a", "a", "b", "b", "c"], [1, 1, 2, 3, 4, 5]
    counts = [1.0, 2.0, 1.0, 1.0, 1.0, 0.0]  # the last row is not in the sample
    assert Design(strata=strata, clusters=clusters).degrees_of_freedom(counts) == 4 - 2
    assert Design(clusters=clusters).degrees_of_freedom(counts) == 4 - 1
    assert Design(strata=strata).degrees_of_freedom(counts) == 6 - 2
    assert Design().degrees_of_freedom(counts) == 6 - 1


def test_a_design_must_be_one() -> None:
    calls: list[Callable[[Any], Any]] = [
        lambda design: mean([1, 2, 3], design=design),
        lambda design: replicate(np.ones(3), design=design),
        lambda design: nonprobability([1, 2, 3], {"x": [1, 2, 2]}, reference={"x": [1, 2, 2]}, weights=[9, 9, 9], design=design),
    ]
    for call in calls:
        with pytest.raises(InputError, match="must be a Design; got list") as refused:
            call([1, 1, 2])
        assert refused.value.code == "not_a_design" and "Design" in message(refused.value, "zh")
        with pytest.raises(InputError, match="design describes 2 rows"):
            call(Design(strata=[1, 1]))
