"""vocstats: what all customers would have said, how sure one can be, and which part of the answer is assumption."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_EXPORTS = {
    "CustomerBase": ".customer_base",
    "CountedPainPoints": ".customer_base",
    "Reports": ".customer_base",
    "Source": ".customer_base",
    "audit_dealers": ".workflows.dealer_audit",
    "DealerAudit": ".workflows.audit_result",
    "correct": ".workflows.correction",
    "Correction": ".workflows.correction",
    "estimate_pain_points": ".workflows.pain_points",
    "PainPointPrevalence": ".workflows.pain_result",
    "track_cohorts": ".workflows.cohort_tracking",
    "CohortTrack": ".workflows.cohort_tracking",
    "difference": ".estimation",
    "load": ".results",
    "VocstatsError": ".errors",
    "InputError": ".errors",
    "InfeasibleError": ".errors",
    "ConvergenceError": ".errors",
    "IdentificationError": ".errors",
    "MissingDependencyError": ".errors",
    "VocstatsWarning": ".errors",
}
_SUBPACKAGES = (
    "bayes", "datasets", "estimation", "export", "inflation", "nonresponse", "plots", "prevalence", "report", "results", "sensitivity",
    "survivorship", "weighting", "workflows",
)

__all__ = sorted([*_EXPORTS, *_SUBPACKAGES, "__version__"])


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        value = getattr(import_module(_EXPORTS[name], __name__), name)
        globals()[name] = value
        return value
    if name in _SUBPACKAGES:
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__


def _result_modules() -> None:
    """Import every module that registers a result, so that `load` knows its kind."""
    estimators = (".estimation", ".weighting", ".nonresponse", ".inflation", ".sensitivity", ".survivorship", ".prevalence", ".bayes")
    workflows = (".workflows.correction", ".workflows.audit_result", ".workflows.cohort_track", ".workflows.pain_result")
    for module in (*estimators, *workflows, ".study.result"):
        import_module(module, __name__)
