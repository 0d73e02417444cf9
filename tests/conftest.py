"""Fixtures every test may use. Set before numpy loads: one BLAS thread, so that two test processes do not fight for cores."""

from __future__ import annotations

import os

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

import shutil
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]


def skip_or_fail(need: str, reason: str) -> None:
    """Skip the test, or fail it where VOCSTATS_REQUIRE (a comma list of data, r, bayes) says that `need` must be there."""
    if need in os.environ.get("VOCSTATS_REQUIRE", "").split(","):
        pytest.fail(f"VOCSTATS_REQUIRE names {need!r}: {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def data() -> Path:
    """Folder of the shared data sets."""
    folder = (ROOT / os.environ.get("VOCSTATS_DATA", "../shared/data")).resolve()
    if not folder.is_dir():
        skip_or_fail("data", f"no data folder at {folder}; set VOCSTATS_DATA")
    return folder


@pytest.fixture(scope="session")
def rscript() -> str:
    """Path of Rscript."""
    path = shutil.which("Rscript")
    if path is None:
        skip_or_fail("r", "Rscript is not installed")
    return str(path)


@pytest.fixture
def pymc() -> ModuleType:
    """PyMC, of either generation."""
    return _bayes("pymc")


@pytest.fixture
def arviz() -> ModuleType:
    """ArviZ, of either generation."""
    return _bayes("arviz")


def _bayes(module: str) -> ModuleType:
    try:
        return import_module(module)
    except ImportError as error:
        skip_or_fail("bayes", f"{error}; install the extra [bayes]")
        raise
