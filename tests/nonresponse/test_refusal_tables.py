"""Refusal that depends on the answer: the exit poll, a known truth, closed forms, derivatives, flatness."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vocstats.errors import ConvergenceError, IdentificationError, InputError, VocstatsError
from vocstats.nonresponse import LikelihoodWarning, nonignorable_em
from vocstats.nonresponse.refusal_likelihood import RefusalLikelihood
from vocstats.texts import message

YES, NO, REFUSED = [90, 40], [10, 60], [15, 40]


def poll(data: Path, **options: Any) -> Any:
    import pandas as pd

    d = pd.read_csv(data / "nonresponse/exit_poll_2012.csv")
    return nonignorable_em(d[["Voted_A", "Voted_B", "Other"]], d.Refusal, predictor=d.Gender, **options)


def test_exit_poll(data: Path) -> None:
    """Riddles, Kim & Im (2016): .496 at tolerance .1, .535 at 1e-6; and the warning that the data barely identify it."""
    with pytest.warns(LikelihoodWarning, match="barely identify the answer"):
        r = poll(data)
    assert r.naive[0] == pytest.approx(0.4852, abs=5e-5)
    assert r.estimate[0] == pytest.approx(0.535, abs=5e-4)
    assert r.path_frame().Voted_A.tolist()[0] == pytest.approx(0.496, abs=5e-4)
    assert r.conf_low[0] < r.likelihood_estimate[0] < r.conf_high[0]
    assert r.conf_high[0] - r.conf_low[0] > 0.06 and r.widening > 5 and r.at_boundary
    with pytest.warns(LikelihoodWarning):
        loose = poll(data, tol=0.1)
    assert loose.estimate[0] == pytest.approx(0.496, abs=5e-4)
    assert loose.conf_low == pytest.approx(r.conf_low, abs=2e-3)


def test_refusers_whose_answer_is_known(data: Path) -> None:
    """Denmark 1965: gender is known of refusers too. Refusal differs between residences, so the assumption fails, and it shows."""
    import pandas as pd

    d = pd.read_csv(data / "nonresponse/denmark_1965.csv").pivot_table(index="residence", columns=["response", "gender"], values="Freq")
    with pytest.warns(LikelihoodWarning):
        r = nonignorable_em({name: d["yes"][name].to_numpy() for name in ("female", "male")}, d["no"].sum(axis=1).to_numpy())
    truth = (d["yes"].female + d["no"].female).sum() / d.to_numpy().sum()
    assert r.at_boundary
    assert r.conf_high[0] < truth - 0.03


def test_closed_form_of_two_cells() -> None:
    """As many odds as cells: refusals are met exactly, Σ_y answered_xy O_y = refused_x."""
    r = nonignorable_em({"yes": YES, "no": NO}, REFUSED, tol=1e-12)
    odds = np.linalg.solve(np.column_stack([YES, NO]), REFUSED)
    assert r.odds[0] == pytest.approx(odds, rel=1e-9)
    everybody = 255.0
    assert r.estimate == pytest.approx(np.array([np.sum(YES) * (1 + odds[0]), np.sum(NO) * (1 + odds[1])]) / everybody, rel=1e-9)
    assert r.likelihood_estimate == pytest.approx(r.estimate, abs=1e-5)
    assert r.shortfall[-1] == pytest.approx(0.0, abs=1e-6)


def test_slope_of_the_likelihood() -> None:
    full = RefusalLikelihood.of(np.column_stack([YES, NO]).astype(float), np.array(REFUSED, float), np.zeros(2, int))
    theta = np.array([0.8, 0.2, 0.3, 0.7, 0.15, 0.4])
    for place in range(6):
        step = 1e-6 * np.eye(6)[place]
        assert full._loss(theta)[1][place] == pytest.approx((full._loss(theta + step)[0] - full._loss(theta - step)[0]) / 2e-6, abs=1e-8)


def test_limits_are_where_the_profile_falls_off() -> None:
    """A search over the whole parameter space: nothing outside the limits is within the chi-square quantile."""
    n, m = np.column_stack([YES, NO]).astype(float), np.array(REFUSED, float)
    full, r = RefusalLikelihood.of(n, m, np.zeros(2, int)), nonignorable_em({"yes": YES, "no": NO}, REFUSED)
    ends = ((0.7, 0.97, 46), (0.15, 0.55, 51), (0.01, 0.4, 32), (0.05, 0.6, 37))
    a, b, s, t = np.meshgrid(*(np.linspace(*end) for end in ends))
    value = 0.0
    for cell, p in enumerate((a, b)):
        yes, no = n[cell]
        value = value + yes * np.log(p * (1 - s)) + no * np.log((1 - p) * (1 - t)) + m[cell] * np.log(p * s + (1 - p) * t)
    share = (full.size[0] * a + full.size[1] * b) / full.size.sum()
    inside = share[2 * (r.log_likelihood - value) < 3.841459]
    assert inside.min() == pytest.approx(r.conf_low[0], abs=0.01)
    assert inside.max() == pytest.approx(r.conf_high[0], abs=0.01)
    assert value.max() <= r.log_likelihood + 1e-9


def test_order_scale_and_empty_cells() -> None:
    r = nonignorable_em({"yes": YES, "no": NO}, REFUSED)
    turned = nonignorable_em({"no": [*NO[::-1], 0], "yes": [*YES[::-1], 0]}, [*REFUSED[::-1], 0])
    assert turned.estimate == pytest.approx(r.estimate[::-1], rel=1e-9)
    larger = nonignorable_em(10 * np.column_stack([YES, NO]), 10 * np.array(REFUSED))
    assert larger.estimate == pytest.approx(r.estimate, rel=1e-9)
    assert (larger.conf_high - larger.conf_low) * 10**0.5 == pytest.approx(r.conf_high - r.conf_low, rel=0.1)
    assert "profile" in r.summary() and "剖面" in r.summary("zh")
    assert r.tidy().term.tolist() == ["nonignorable"] * 2 + ["ignorable"] * 2 + ["naive"] * 2


@pytest.mark.parametrize(
    ("kind", "change", "text"),
    [
        (InputError, {"refusals": [0, 0]}, "Nobody refused"),
        (InputError, {"refusals": [1, -1]}, "must not be negative"),
        (InputError, {"answers": [1, 2]}, "cells by answers"),
        (InputError, {"answers": {"满意": YES}}, "at least two answers"),
        (InputError, {"answers": {"满意": ["a", "b"], "不满意": NO}}, "must hold numbers"),
        (InputError, {"tol": 0}, "tol must lie"),
        (IdentificationError, {"answers": {"yes": [90, 0], "no": [10, 0]}}, "Nobody answered in cells 1"),
        (IdentificationError, {"predictor": ["东", "西"]}, "need as many cells"),
        (IdentificationError, {"answers": {"yes": [90, 45], "no": [10, 5]}}, "need as many cells"),
        (ConvergenceError, {"max_iter": 3}, "After 3 turns"),
    ],
)
def test_refusals(kind: type[VocstatsError], change: dict[str, Any], text: str) -> None:
    arguments = {"answers": {"yes": YES, "no": NO}, "refusals": REFUSED, **change}
    with pytest.raises(kind, match=text) as caught:
        nonignorable_em(arguments.pop("answers"), arguments.pop("refusals"), **arguments)
    assert message(caught.value, "zh") != str(caught.value)
