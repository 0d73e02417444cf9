"""A command line run in this process, and one run as a user would."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from study.small_study import write_small_study

from vocstats.cli import main


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOCSTATS_LANGUAGE", "en")
    monkeypatch.setenv("COLUMNS", "120")


@pytest.fixture
def vocstats(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Call the command line in this process."""

    def call(*arguments: object) -> Outcome:
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Outcome(int(end.value.code or 0), captured.out, captured.err)

    return call


@pytest.fixture
def shell(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[bytes]]:
    """Call the command line as a process of its own, in the folder of the test."""

    def call(*arguments: object, code: str | None = None, **environment: str) -> subprocess.CompletedProcess[bytes]:
        command = [sys.executable, "-m", "vocstats"] if code is None else [sys.executable, "-c", code]
        return subprocess.run(
            [*command, *map(str, arguments)], cwd=tmp_path, env={**os.environ, **environment}, capture_output=True, check=False, timeout=120
        )

    return call


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """The study file of a small simulated base."""
    return write_small_study(tmp_path)
