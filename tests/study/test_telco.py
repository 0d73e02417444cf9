"""study_telco.toml runs unchanged beside the telco data and gives the figures of its head comment, to rounding."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from vocstats.study import StudyRun, load_study, run_study


@pytest.fixture(scope="module")
def telco(data: Path, tmp_path_factory: pytest.TempPathFactory) -> StudyRun:
    folder = tmp_path_factory.mktemp("telco")
    for name in ("telco/telco.csv", "telco/selection_B.csv", "../study_telco.toml"):
        shutil.copy(data / name, folder)
    return run_study(load_study(folder / "study_telco.toml"))


def test_the_three_figures(telco: StudyRun) -> None:
    mean = telco.content.corrections["mean"]
    naive, active, everyone = mean.estimate[0]
    assert (round(naive, 4), round(active, 4), round(everyone, 4)) == (3.9625, 3.9582, 3.3734)
    assert mean.n[0].tolist()[0] == 1226
    assert (round(mean.conf_low[0, 2], 4), round(mean.conf_high[0, 2], 4)) == (3.3295, 3.4174)


def test_the_range(telco: StudyRun) -> None:
    mean = telco.content.corrections["mean"]
    assert (round(mean.range_low[0, 2], 4), round(mean.range_high[0, 2], 4)) == (3.0932, 3.3734)
    assert mean.range_conf_low[0, 2] == pytest.approx(3.0493, abs=1.5e-4), "the comment subtracts rounded figures"
    assert round(mean.range_conf_high[0, 2], 4) == 3.4174
    assert mean.range_conf_low[0, 2] < 3.24492 < mean.range_conf_high[0, 2], "the range covers the truth"
    assert mean.conf_low[0, 2] > 3.24492, "the interval does not"


def test_the_tipping_point(telco: StudyRun) -> None:
    assert round(telco.content.corrections["mean"].tipping[0, 2, 0], 2) == -0.22


def test_the_exact_limit_of_no_bottom_box(telco: StudyRun) -> None:
    bottom = telco.content.corrections["bottom_box"]
    assert bottom.estimate[0, 0] == 0
    assert round(100 * bottom.conf_high[0, 0], 2) == 0.30


def test_the_registry_interval_is_narrower(data: Path, telco: StudyRun) -> None:
    text = telco.content.study_text.replace('inference    = "r"', "")
    path = telco.folder.parent.parent / "registry.toml"
    path.write_text(text.replace('output   = "out/telco_B"', 'output = "out/registry"'), encoding="utf-8")
    registry = run_study(load_study(path), languages=["en"]).content.corrections["mean"]
    assert registry.std_error[0, 2] < telco.content.corrections["mean"].std_error[0, 2]
