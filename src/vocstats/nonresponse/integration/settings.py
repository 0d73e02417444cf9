"""What is to be done: the options of `nonprobability`, checked against each other and against what is known."""

from __future__ import annotations

from dataclasses import dataclass

from ... import _checks
from ...errors import IdentificationError, InputError
from ...options import (
    Imputation,
    MatchOn,
    NonprobabilityMethod,
    NonprobabilityVariance,
    OutcomeFamily,
    PropensityEquations,
    PropensityLink,
)
from .reference import Reference


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Settings:
    """What is to be done; as in `nonprobability`."""

    method: NonprobabilityMethod
    link: PropensityLink
    equations: PropensityEquations
    family: OutcomeFamily
    imputation: Imputation
    match_on: MatchOn
    donors: int
    plug_in: bool

    @property
    def leans_on_donors(self) -> bool:
        """Whether the spread of single donors' outcomes matters; the outcomes nearest to a prediction follow its model."""
        return self.imputation == "nearest_neighbour" or (self.imputation == "predictive_mean" and self.match_on == "predicted")


def read_settings(
    method: NonprobabilityMethod, link: PropensityLink, equations: PropensityEquations | None, family: OutcomeFamily,
    imputation: Imputation, match_on: MatchOn, donors: int, variance: NonprobabilityVariance, only_totals: bool,
) -> Settings:
    for value, allowed, argument in (
        (method, NonprobabilityMethod, "method"), (link, PropensityLink, "link"), (family, OutcomeFamily, "family"),
        (imputation, Imputation, "imputation"), (match_on, MatchOn, "match_on"), (variance, NonprobabilityVariance, "variance"),
    ):
        _checks.choice(value, allowed, argument)
    chosen: PropensityEquations = "calibration" if only_totals else "likelihood"
    if equations is not None:
        chosen = _checks.choice(equations, PropensityEquations, "equations")
    wrong = {
        "equations": chosen == "bias_minimising" and method != "doubly_robust",
        "imputation": imputation != "model" and method != "mass_imputation",
        "variance": variance == "bootstrap" and imputation != "model",
        "match_on": imputation == "predictive_mean" and match_on == "observed" and family == "binomial",
    }
    for argument, refused in wrong.items():
        if refused:
            raise InputError(_MISFITS[argument], code=f"integration_{argument}", argument=argument)
    if donors != int(_checks.number(donors, "donors", low=1.0)):
        raise InputError(f"donors must be a whole number; got {donors!r}.", code="not_whole", argument="donors", value=repr(donors))
    return Settings(
        method=method, link=link, equations=chosen, family=family, imputation=imputation, match_on=match_on, donors=int(donors),
        plug_in=variance == "plug_in" and chosen != "bias_minimising",  # there the estimate does not lean on the outcome model
    )


def refuse_needless(method: NonprobabilityMethod, equations: object, propensity_columns: object, outcome_columns: object) -> None:
    """Raise where an option belongs to a model that `method` does not fit."""
    needless = {
        "ipw": {"outcome_columns": outcome_columns},
        "mass_imputation": {"equations": equations, "propensity_columns": propensity_columns},
        "doubly_robust": {},
    }[method]
    for argument, value in needless.items():
        if value is not None:
            raise InputError(
                f"{argument} does not go with method={method!r}. Leave it out, or choose another method.",
                code="not_with_method", argument=argument, method=repr(method),
            )


_MISFITS = {
    "equations": "equations='bias_minimising' fits both models of method='doubly_robust' jointly, and only those.",
    "imputation": "imputation by donors belongs to method='mass_imputation'; the doubly robust estimator needs imputation='model'.",
    "match_on": "match_on='observed' gives every prediction the nearer of 0 and 1. Use match_on='predicted'.",
    "variance": "The bootstrap is not valid for nearest donors (Abadie & Imbens 2008). Use variance='linearized'.",
}


def check_identified(settings: Settings, source: Reference) -> None:
    """Raise where totals cannot serve the method."""
    if source.kind != "totals":
        return
    if settings.method != "mass_imputation" and settings.equations not in ("calibration", "bias_minimising"):
        raise IdentificationError(
            f"equations={settings.equations!r} needs the people of the population one by one. With totals use 'calibration'.",
            code="equations_need_rows", argument="equations", equations=settings.equations,
        )
    if settings.method != "ipw" and (settings.family != "gaussian" or settings.imputation != "model"):
        raise IdentificationError(
            "Totals of x do not tell the mean of a curved prediction, nor whom to match: only family='gaussian' with imputation='model' "
            "can use them. Give reference or registry.",
            code="totals_need_linear", argument="family",
        )


