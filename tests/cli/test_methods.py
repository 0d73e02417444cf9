"""Methods for the silent from the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from study.test_methods import study_with

Call = Callable[..., Any]


def test_correct_takes_method_attempt_and_shadow(vocstats: Call, tmp_path: Path) -> None:
    study_with(tmp_path)
    arguments = [
        "correct", tmp_path / "registry.csv", "--survey", tmp_path / "survey.csv", "--follow-up", tmp_path / "calls.csv", "--selected",
        "drawn", "--id", "customer_id", "--churned", "status=left", "--outcome", "csi", "--scale", "1,10", "--auxiliary", "warranty",
        "--mode-shift", "0,0.5",
    ]  # fmt: skip

    def corrected(*more: str) -> dict[str, Any]:
        done = vocstats(*arguments, "--json", *more)
        assert done.code == 0, done.err
        return dict(json.loads(done.out)["corrections"][0])

    told = corrected("--method", "callbacks", "--attempt", "wave")
    assert told["method"] == "callbacks" and told["mode_shift"] == [0.0, 0.5]
    assert corrected("--method", "auto")["method"] == "doubly_robust"
    refused = vocstats(*arguments, "--method", "shadow", "--shadow", "visits")
    assert refused.code == 1 and "shadow" in refused.err.lower()
    assert "doubly robust" in vocstats(*arguments, "--method", "auto").out
