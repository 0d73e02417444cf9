"""Corrections and contents made by hand: the telecom base of the docs, and a dealer table with blanks and borrowed groups."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pandas as pd

from vocstats.report import FileRecord, ReportContent
from vocstats.results import Assumption
from vocstats.workflows.corrected_score import Correction
from vocstats.workflows.correction_records import Balance, WeightingStep

NAN = float("nan")
ASSUMPTIONS = (
    Assumption(
        code="silent_like_respondents",
        testable="no",
        values={"auxiliaries": "Contract, Internet Type, tenure_band", "weighting": "rake", "customers": 3948},
    ),
    Assumption(code="exit_for_churned", testable="partly", values={"heard": 176, "customers": 1869}),
    Assumption(code="exit_respondents_only", testable="no"),
)
STEPS = (
    WeightingStep(name="base", n=1402, total=7043.0, smallest=4.2202, largest=10.6193, cv=0.4211, design_effect=1.1773, effective_n=1190.8),
    WeightingStep(name="rake", n=1402, total=7043.0, smallest=3.56, largest=18.4315, cv=0.4419, design_effect=1.1953, effective_n=1172.9),
)
BALANCE = Balance(
    part=(*["active"] * 11, *["churned"] * 11),
    variable=(*["Contract"] * 3, *["Internet Type"] * 4, *["tenure_band"] * 4) * 2,
    level=("Month-to-Month", "One Year", "Two Year", "Cable", "DSL", "Fiber Optic", "None", "1-12", "13-24", "25-48", "49+") * 2,
    target=np.array(
        [0.3779, 0.2675, 0.3547, 0.1193, 0.26, 0.3477, 0.2731, 0.2221, 0.1411, 0.2453, 0.3916]
        + [0.8855, 0.0888, 0.0257, 0.114, 0.1643, 0.6613, 0.0605, 0.5548, 0.1573, 0.1739, 0.114]
    ),
    before=np.array(
        [0.3891, 0.2618, 0.3491, 0.1158, 0.2504, 0.3515, 0.2822, 0.2382, 0.1338, 0.239, 0.3891]
        + [0.875, 0.0852, 0.0398, 0.108, 0.1705, 0.6136, 0.108, 0.5511, 0.1136, 0.1818, 0.1534]
    ),
    after=np.array(
        [0.3779, 0.2675, 0.3547, 0.1193, 0.26, 0.3477, 0.2731, 0.2221, 0.1411, 0.2453, 0.3916]
        + [0.8855, 0.0888, 0.0257, 0.114, 0.1643, 0.6613, 0.0605, 0.5548, 0.1573, 0.1739, 0.114]
    ),
    heard=np.array([477, 321, 428, 142, 307, 431, 346, 292, 164, 293, 477, 154, 15, 7, 19, 30, 108, 19, 97, 20, 32, 27]),
)


def row(*values: float) -> np.ndarray[Any, Any]:
    """One domain's figures by term."""
    return np.array([values], dtype=float)


def telco_mean(**changes: Any) -> Correction:
    """The mean of the telecom base, selection B."""
    fields: dict[str, Any] = {
        "outcome": "Satisfaction Score",
        "statistic": "mean",
        "method": "weighting",
        "weighting": "rake",
        "inference": "r",
        "unit": "customer",
        "scale": (1.0, 5.0),
        "top": (4.0, 5.0),
        "bottom": (1.0, 2.0),
        "level": 0.95,
        "seed": 1,
        "by": (),
        "labels": {},
        "estimate": row(3.9625, 3.9582, 3.3734),
        "std_error": row(0.0220, 0.0219, 0.0224),
        "conf_low": row(3.9193, 3.9153, 3.3295),
        "conf_high": row(4.0056, 4.0011, 3.4174),
        "df": row(np.inf, np.inf, np.inf),
        "n": np.array([[1226, 1226, 1402]]),
        "customers": np.array([[1226, 5174, 7043]]),
        "borrowed": row(0, 0, 0),
        "reasons": (("", "", ""),),
        "contribution": np.array([[-0.0043, -0.5848]]),
        "range_low": row(3.9625, 3.5767, 3.0932),
        "range_high": row(3.9625, 3.9582, 3.3734),
        "range_conf_low": row(3.9193, 3.5338, 3.0493),
        "range_conf_high": row(4.0056, 4.0011, 3.4174),
        "monotone_low": row(3.9625, 1.7019, 1.5325),
        "monotone_high": row(3.9625, 3.9582, 3.3734),
        "worst_low": row(3.9625, 1.7019, 1.5325),
        "worst_high": row(3.9625, 4.7541, 4.7358),
        "shift_effect": np.array([[[0.0, 0.0, 0.0], [0.7630, 0.0, 0.0], [0.5606, 0.2404, 0.0]]]),
        "shift_low": np.array([[[0.0, 0.0, 0.0], [-0.3815, 0.0, 0.0], [-0.2803, 0.0, 0.0]]]),
        "shift_high": np.zeros((1, 3, 3)),
        "mode_share": row(0, 0, 0.2654),
        "silent_shift": (-0.5, 0.0),
        "churned_shift": (0.0, 0.0),
        "mode_shift": (0.0, 0.0),
        "kpi": 3.25,
        "tipping": np.array([[[NAN, NAN], [-0.93, NAN], [-0.2201, -0.5133]]]),
        "kpi_confidence": row(1.0, 1.0, 1.0),
        "part_customers": np.array([[1226, 3948, 0, 1869]]),
        "part_heard": np.array([[1226, 0, 0, 176]]),
        "part_mean": np.array([[3.9625, 3.9569, NAN, 1.7545]]),
        "part_std_error": np.array([[0.0, 0.0219, NAN, 0.0594]]),
        "part_assumed": np.array([[0.0, 1.0, NAN, 0.906]]),
        "assumptions": ASSUMPTIONS,
        "steps": STEPS,
        "balance": BALANCE,
        "variance_accounts_for": ("with_replacement", "rake"),
    }
    return Correction(**(fields | changes))


def telco_share(**changes: Any) -> Correction:
    """Bottom-2 share of the telecom base: nobody who answered gave 1 or 2."""
    fields: dict[str, Any] = {
        "statistic": "bottom_box",
        "estimate": row(0.0, 0.0, 0.2049),
        "std_error": row(0.0, 0.0, 0.0078),
        "conf_low": row(0.0, 0.0, 0.1896),
        "conf_high": row(0.0, 0.0, 0.2202),
        "contribution": np.array([[0.0, 0.2049]]),
        "range_low": row(0.0, 0.0, 0.2049),
        "range_high": row(0.0, 0.0, 0.2049),
        "range_conf_low": row(0.0, 0.0, 0.1896),
        "range_conf_high": row(0.0, 0.0030, 0.2202),
        "monotone_low": row(0.0, 0.0, 0.2049),
        "monotone_high": row(0.0, 0.7630, 0.7654),
        "worst_low": row(0.0, 0.0, 0.0193),
        "worst_high": row(0.0, 0.7630, 0.8198),
        "shift_effect": np.full((1, 3, 3), NAN),
        "kpi": NAN,
        "tipping": np.full((1, 3, 2), NAN),
        "part_mean": np.array([[0.0, 0.0, NAN, 0.772]]),
        "part_std_error": np.array([[0.0, 0.0, NAN, 0.029]]),
    }
    return telco_mean(**(fields | changes))


def by_domain(
    labels: dict[str, Any], heard: Any, *, borrowed: Any = None, seed: int = 0, whole: Correction | None = None, **changes: Any
) -> Correction:
    """A correction by domain with `heard` answers in each; figures vary around the whole base's."""
    whole = telco_mean() if whole is None else whole
    heard = np.asarray(heard)
    d = heard.size
    rng = np.random.default_rng(seed)
    move = rng.normal(0, 0.08, (d, 1)) * (1.0 if whole.statistic == "mean" else 0.1)

    def spread(values: Any, shift: Any = 0.0) -> Any:
        return np.repeat(values, d, axis=0) + shift

    size = np.sqrt(1402 / np.maximum(heard, 1))[:, None]
    estimate = spread(whole.estimate, move)
    half = 1.96 * spread(whole.std_error) * size
    customers = np.stack([heard, heard * 4, heard * 5], axis=1)
    fields: dict[str, Any] = {
        "by": tuple(labels),
        "labels": {name: np.asarray(column, dtype=object) for name, column in labels.items()},
        "estimate": estimate,
        "std_error": spread(whole.std_error) * size,
        "conf_low": estimate - half,
        "conf_high": estimate + half,
        "df": np.full((d, 3), np.inf),
        "n": np.stack([heard, heard, heard], axis=1),
        "customers": customers,
        "borrowed": np.zeros((d, 3)) if borrowed is None else np.outer(borrowed, [0.0, 0.7, 1.0]),
        "reasons": (("", "", ""),) * d,
        "contribution": spread(whole.contribution),
        "range_conf_low": estimate - half - 0.28,
        "range_conf_high": estimate + half,
        "part_customers": np.stack([heard, heard * 3, heard * 0, heard], axis=1),
        "part_heard": np.stack([heard, heard * 0, heard * 0, heard // 8], axis=1),
        "overall": whole,
        **{
            name: spread(getattr(whole, name), move)
            for name in ("range_low", "range_high", "monotone_low", "monotone_high", "worst_low", "worst_high")
        },
        **{
            name: spread(getattr(whole, name))
            for name in ("shift_effect", "tipping", "kpi_confidence", "part_mean", "part_std_error", "part_assumed")
        },
        "steps": (),
        "balance": None,
    }
    return dataclasses.replace(whole, **(fields | changes))


def contract() -> Correction:
    """By contract, as the study of the telecom base asks for; two-year contracts left too rarely to be estimated."""
    correction = by_domain({"Contract": ["Month-to-Month", "One Year", "Two Year"]}, [631, 336, 435])
    estimate = np.array([[4.0713, 4.0706, 2.9972], [3.8879, 3.8840, 3.6755], [3.8972, 3.8945, NAN]])
    return dataclasses.replace(
        correction,
        estimate=estimate,
        std_error=np.where(np.isnan(estimate), NAN, 0.04),
        conf_low=estimate - 0.08,
        conf_high=estimate + 0.08,
        range_conf_low=estimate - 0.36,
        range_conf_high=estimate + 0.08,
        n=np.array([[477, 477, 631], [321, 321, 336], [428, 428, 432]]),
        customers=np.array([[477, 1955, 3610], [321, 1384, 1550], [428, 1835, 1883]]),
        part_customers=np.array([[477, 1478, 0, 1655], [321, 1063, 0, 166], [428, 1407, 0, 48]]),
        part_heard=np.array([[477, 0, 0, 154], [321, 0, 0, 15], [428, 0, 0, 4]]),
        reasons=(("", "", ""), ("", "", ""), ("", "", "churned_few")),
    )


def dealers(names: list[str] | None = None, *, whole: Correction | None = None) -> Correction:
    """By dealer: 24 of them, three with few answers, five of which lean on the network."""
    names = [f"D{number:04d}" for number in range(101, 125)] if names is None else names
    rng = np.random.default_rng(5)
    heard = rng.integers(18, 90, len(names))
    heard[[2, 9]] = (4, 7)
    return by_domain({"dealer": names}, heard, borrowed=np.where(heard < 30, 0.6, 0.0), seed=3, whole=whole)


def telco(**changes: Any) -> ReportContent:
    """The report of the telecom base, selection B."""
    fields: dict[str, Any] = {
        "title": {"en": "Telecom base, selection B (fictional)", "zh": "电信客户基盘:选择机制 B(虚构数据)"},
        "headline": "survivor_corrected",
        "corrections": {"mean": telco_mean(), "bottom_box": telco_share()},
        "domains": {"Contract": {"mean": contract()}},
        "groups": pd.DataFrame(
            {
                "group": ["engaged", "silent", "churned"],
                "customers": [1226, 3948, 1869],
                "share": [0.1741, 0.5606, 0.2654],
                "invited": [NAN] * 3,
                "heard_survey": [1226, 0, 0],
                "heard_exit_interview": [0, 0, 176],
                "heard": [1226, 0, 176],
            }
        ),
        "set_aside": pd.DataFrame({"source": [], "reason": [], "rows": [], "examples": []}),
        "response_rates": {"RR1": 0.237, "RR3": NAN, "RR5": NAN, "contact_rate": NAN, "cooperation_rate": NAN},
        "level": 0.95,
        "seed": 1,
        "created": "2026-11-21",
        "kpi": 3.25,
        "period": "Q3",
        "churn_definition": {"en": "Left during the quarter (Churn Label = Yes).", "zh": "本季度内销户(Churn Label = Yes)。"},
        "why": "Nobody silent was ever asked; half a point is two thirds of the spread (SD 0.77) among those who answered.",
        "files": (
            FileRecord(role="registry", name="telco.csv", sha256="9f" * 32, rows=7043),
            FileRecord(role="survey", name="selection_B.csv", sha256="3a" * 32, rows=1402),
        ),
        "study_text": 'schema_version = 1\n\n[study]\ntitle = "Telecom base, selection B (fictional)"\n',
        "versions": {"vocstats": "0.1.0", "numpy": "2.1.0"},
    }
    return ReportContent(**(fields | changes))


def network(names: list[str] | None = None, **changes: Any) -> ReportContent:
    """A dealer network: the telecom figures by dealer, with two statistics."""
    shares = telco_share(
        estimate=row(0.031, 0.04, 0.2049),
        conf_low=row(0.02, 0.028, 0.19),
        conf_high=row(0.043, 0.052, 0.22),
        std_error=row(0.006, 0.006, 0.0078),
    )
    fields: dict[str, Any] = {
        "title": {"en": "After-sales satisfaction, Q3 2026 (simulated)", "zh": "2026年第三季度售后满意度(模拟数据)"},
        "producer": "Quality department",
        "period": "2026-07-01 – 2026-09-30",
        "published": {"mean": 4.1},
        "domains": {"dealer": {"mean": dealers(names), "bottom_box": dealers(names, whole=shares)}},
    }
    return telco(**(fields | changes))
