"""Domains with few answers: borrowed, left blank, or refused."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from workflows.small_base import small_frames

import vocstats as vs

Build = Callable[..., vs.CustomerBase]
ASK = {"outcome": "csi", "scale": (1, 10), "auxiliaries": ["region"], "by": "shop"}


def test_borrowing_leaves_nobody_blank_and_says_so(make_base: Build) -> None:
    r = vs.correct(make_base(), **ASK)
    assert not np.isnan(r.estimate).any() and not np.isnan(r.std_error).any()
    assert (r.borrowed[:, 2] > 0).any() and (r.borrowed[:, 0] == 0).all()
    tidy = r.tidy()
    assert ((tidy["borrowed"] >= 0) & (tidy["borrowed"] <= 1)).all()


def test_blank_gives_the_reason(make_base: Build) -> None:
    borrowed, blank = (vs.correct(make_base(), small_groups=rule, **ASK) for rule in ("borrow", "blank"))
    few = borrowed.borrowed > 0
    np.testing.assert_array_equal(np.isnan(blank.estimate), few)
    np.testing.assert_allclose(blank.estimate[~few], borrowed.estimate[~few])
    reasons = np.array(blank.reasons)
    assert set(reasons[few]) <= {"silent_few", "churned_few", "silent_unheard", "churned_unheard"}
    assert (reasons[~few] == "").all()


def test_fail_names_the_domains(make_base: Build) -> None:
    with pytest.raises(vs.InputError, match="shop") as caught:
        vs.correct(make_base(), small_groups="fail", **ASK)
    assert caught.value.levels and caught.value.code == "small_groups"


def test_a_single_dealer_is_the_whole(make_base: Build) -> None:
    frames = small_frames()
    frames["registry"]["shop"] = 7
    r = vs.correct(make_base(frames=frames), **ASK)
    assert r.estimate.shape == (1, 3)
    assert r.overall is not None
    np.testing.assert_allclose(r.estimate, r.overall.estimate)


def test_domain_without_any_answer_is_borrowed(make_base: Build) -> None:
    frames = small_frames()
    heard = frames["registry"]["id"].isin(np.concatenate([frames[k]["id"] for k in ("survey", "follow_up", "exit_interview")]))
    frames["registry"].loc[np.flatnonzero(~heard)[:30], "shop"] = 99
    r = vs.correct(make_base(frames=frames), **ASK)
    last = -1
    assert r.labels["shop"][last] == 99
    assert np.isnan(r.estimate[last, 0]) and r.reasons[last][0] == "nobody_answered"
    assert not np.isnan(r.estimate[last, 1:]).any()
    assert r.borrowed[last, 2] == pytest.approx(1.0)
