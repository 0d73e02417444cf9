"""The shipped JSON schemas are those of the classes, and what results write passes them."""

from __future__ import annotations

import json
from collections.abc import Callable

import jsonschema
import pytest
from workflows.small_base import small_frames

import vocstats as vs
from vocstats.estimation import mean
from vocstats.results import kinds
from vocstats.schemas import build, schema


@pytest.mark.parametrize("kind", sorted(kinds()))
def test_files_are_current(kind: str) -> None:
    """Run ``python -m vocstats.schemas`` after a field was added."""
    assert schema(kind) == build(kind)


def a_correction() -> object:
    frames = small_frames()
    base = vs.CustomerBase.from_frames(
        frames["registry"], id="id", churned="churned", answers={k: frames[k] for k in ("survey", "exit_interview")}
    )
    return vs.correct(base, outcome="csi", scale=(1, 10), auxiliaries=["region"], by="shop", small_groups="blank")


RESULTS: dict[str, Callable[[], object]] = {
    "callbacks": lambda: vs.nonresponse.reweight_by_callbacks(
        [1, 1, 2, 2, float("nan")], [1, 2, 1, 2, float("nan")], counts=[20, 16, 60, 24, 80], model="weighting"
    ),
    "correction": a_correction,
    "capture_recapture": lambda: vs.prevalence.capture_recapture({"a": [1, 1, 0], "b": [1, 0, 1]}, counts=[20, 80, 60]),
    "dawid_skene": lambda: vs.prevalence.dawid_skene(
        [i // 3 for i in range(30)], list("abc") * 10, [int(i // 3 < 4) for i in range(30)], interval="delta", starts=1
    ),
    "reporting_rate": lambda: vs.prevalence.reporting_rate([12, 30], [200, 310]),
    "unanswered": lambda: vs.prevalence.bounds([[30, 20, 9], [10, 40, 5], [3, 7, 2]], {0: 0, 1: 0}),
    "estimate": lambda: mean([1.0, 2.0, 4.0], by=["a", "a", "b"]),
    "follow_up": lambda: vs.nonresponse.follow_up([1.0, 2.0, 4.0, 3.0], [True, True, False, False], [False, False, True, True]),
    "nonprobability": lambda: vs.nonresponse.nonprobability([1.0, 2.0, 4.0], [1.0, 2.0, 4.0], registry=[1.0, 3.0, 2.0, 5.0, 1.0, 4.0]),
    "lee_bounds": lambda: vs.sensitivity.lee_bounds([1.0, 2.0, 4.0, float("nan")], ["a", "a", "b", "b"]),
    "r_indicator": lambda: vs.sensitivity.r_indicator({"new": list("aabb")}, [True, False, True, False], counts=[3, 1, 2, 2]),
    "registry_check": lambda: vs.sensitivity.registry_check([8.0, 9.0, 4.0, 0.0], [0, 0, 1, 1], [1.0, 1.0, 1.0, 0.0]),
    "tipping_point": lambda: vs.sensitivity.tipping_point(8.4, 0.25, 8.0),
    "refusal": lambda: vs.nonresponse.nonignorable_em({"yes": [90, 40], "no": [10, 60]}, [15, 40]),
    "selection": lambda: vs.nonresponse.heckman(
        [float(i % 5) if (i % 5 == 0) != (i < 20) else float("nan") for i in range(40)], {"x": [i % 7 for i in range(40)]},
        {"z": [i < 20 for i in range(40)]}, method="two_step",
    ),
    "shadow": lambda: vs.nonresponse.shadow_variable(
        [1.0, 2.0, 3.0, 4.0, float("nan"), float("nan")], [1, 1, 0, 0, 1, 0], counts=[90, 80, 120, 140, 150, 60],
    ),
    "two_phase": lambda: vs.nonresponse.double_sampling([1.0, 2.0, 4.0, 3.0], [False, False, True, True]),
    "hazard_regression": lambda: vs.survivorship.hazard_regression([1, 2, 2, 3, 3], [True, True, False, True, False], None),
    "survival_curve": lambda: vs.survivorship.survival_curve([3.0, 5.0, 8.0], [True, False, True], weights=[1.0, 2.0, 1.0]),
    "unadjusted_bias": lambda: vs.sensitivity.smub([1.0, 2.0, 4.0, 3.0, float("nan")], [1.0, 2.0, 3.0, 4.0, 1.0], phi=0.5, draws=9),
}


@pytest.mark.parametrize("kind", list(RESULTS))
def test_written_results_pass(kind: str) -> None:
    result = RESULTS[kind]()
    for influence in (False, True):
        document = json.loads(result.to_json(influence=influence))  # type: ignore[attr-defined]
        jsonschema.validate(document, schema(kind))
        assert type(vs.load(document)) is type(result)


def test_unknown_kind_is_named() -> None:
    with pytest.raises(vs.InputError, match="no_such"):
        schema("no_such")
