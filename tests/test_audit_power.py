"""The figures of the power study of the audit on tables small enough to count by hand, and the page made of them."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[1]


def script(path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(Path(path).stem, ROOT / path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


measures = script("benchmarks/audit_measures.py")


@pytest.fixture
def table() -> pd.DataFrame:
    """Two networks of five dealers: two inflate in the first, nobody in the second, whose list holds one all the same."""
    return pd.DataFrame({
        "network": [1] * 5 + [2] * 5, "inflated": [True, True, *[False] * 8], "mechanism": ["gifts", "drift", *[""] * 8],
        "star": [False] * 4 + [True] + [False] * 4 + [True], "n": np.arange(10, 110, 10),
        "p_value": [0.001, 0.5, 0.01, 0.8, np.nan, 0.001, 0.2, 0.3, 0.4, 0.5],
        "flagged": [True, False, True, False, False, True, *[False] * 4],
        "raw": 9.0, "honest_mean": [8.0, 8.0, 9.0, *[9.0] * 7], "corrected": [8.5, 8.0, 9.0, *[9.0] * 7],
        "low": [7.9, 7.0, 9.1, *[8.0] * 7], "high": [8.9, 9.0, 9.5, *[10.0] * 7],
        "began": [60.0, 60.0, *[np.nan] * 8], "onset": [70.0, *[np.nan] * 9], "onset_low": 50.0, "onset_high": 80.0,
        "p:gap": [0.001, 0.5, 0.001, *[0.9] * 7], "by:ranking": [1.0, 2.0, 3.0, 0.0, 0.0, *[0.0] * 5],
    })


def test_discovery_counts_lists(table):
    found = measures.discovery(table)
    assert (found["networks"], found["flags"], found["fdr"], found["any_flag"], found["power"]) == (2, 3, 0.75, 1.0, 0.5)
    assert found["auc"] == pytest.approx((3 + 2) / 6)  # the dealer without p-value ranks last
    assert found["any_low"] == pytest.approx(0.025**0.5)


def test_an_empty_list_has_no_false_discoveries(table):
    assert measures.discovery(table.assign(flagged=False))["fdr"] == 0.0


def test_requirements_are_held_against_the_worst(table):
    met = measures.required({"15": table[table["network"] == 1], "0": table[table["network"] == 2]}).set_index("required")
    assert met.loc["false discovery rate, at most", ["worst", "scenario", "met"]].tolist() == [0.5, "15", "**no**"]
    assert met.loc["null networks with any flag, at most", "worst"] == 1.0
    assert met.loc["corrected over raw root mean square error, at most", "met"] == "yes"


def test_power_is_told_by_mechanism(table):
    assert measures.power_by(table, "mechanism").set_index("mechanism")["power"].to_dict() == {"drift": 0.0, "gifts": 1.0}


def test_sizes_are_tenths(table):
    tenths = measures.by_size(table)
    assert tenths["fewest"].tolist() == tenths["most"].tolist() == list(range(10, 110, 10))
    assert tenths["flags"].sum() == 3 and tenths["false"].sum() == 2


def test_corrected_scores_are_held_against_the_honest_mean(table):
    found = measures.correction(table)
    assert found["raw_rmse"] == pytest.approx((1 / 3) ** 0.5) and found["ratio"] == pytest.approx(0.5)
    assert found["coverage"] == pytest.approx(2 / 3)


def test_stars_are_compared_with_other_honest_dealers(table):
    found = measures.stars(table)
    assert (found["stars"], found["stars_flagged"], found["others_flagged"]) == (2, 0.0, 2 / 6)
    assert found["standard_errors"] == pytest.approx(-(2 / 6) / (0.25 * 0.75 * (1 / 2 + 1 / 6)) ** 0.5)


def test_onsets_are_measured_where_told(table):
    row = measures.onset_error(table).iloc[0]
    assert (row["flagged"], row["told"], row["median_error"], row["interval_holds"]) == (1, 1, 10.0, 1.0)


def test_rules_are_given_the_kindest_end(table):
    rows = measures.rules(table).set_index("rule")
    assert rows.loc["audit", "power_truth_known"] == 0.5  # the first only: an honest dealer comes next
    assert rows.loc["ranking", "power_truth_known"] == 0.0  # an honest dealer comes first
    assert rows.loc["ranking", "power_number_known"] == 0.5 and rows.loc["ranking", "auc"] == pytest.approx(4 / 6)


def test_signals_are_judged_by_themselves(table):
    row = measures.signals(table).iloc[0]
    assert (row["signal"], row["honest"], row["power"], row["gifts"]) == ("gap", 1 / 8, 0.5, 1.0)


def test_exact_limits():
    assert measures.exact_interval(0, 10) == pytest.approx((0.0, 1 - 0.025**0.1))
    assert measures.exact_interval(10, 10) == pytest.approx((0.025**0.1, 1.0))


def test_the_page_is_current():
    page = (ROOT / "docs/explanation/audit-power.md").read_text(encoding="utf-8")
    assert page == script("docs/explanation/make_audit_power.py").page()
