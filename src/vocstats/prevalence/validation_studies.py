"""Prevalence from one survey and several validation studies of its classifier: a posterior, by quadrature."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from .. import _checks
from .._checks import Floats
from ..errors import InputError
from ..options import StudyPooling
from ..results import Result, frame, register
from .misclassification import counts_of, pair, refuse_uninformative
from .study_quadrature import Distribution, hierarchical, pooled, posterior

if TYPE_CHECKING:
    import pandas as pd

_TERMS = ("prevalence", "specificity", "sensitivity")


@register("study_prevalence")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StudyPrevalence(Result):
    """Posterior of the prevalence and of the classifier's accuracy in the survey.

    Attributes
    ----------
    terms : tuple of str
        "prevalence", "specificity", "sensitivity": rows of the arrays below.
    estimate : float array (3,)
        Medians.
    hdi_low, hdi_high : float arrays (3,)
        Shortest interval that holds `level` of the posterior.
    conf_low, conf_high : float arrays (3,)
        Central interval: (1 - level) / 2 on either side.
    mean, std_error : float
        Mean and standard deviation of the prevalence.
    centre, scale : float arrays (2,)
        Medians of the centre and scale of the logits of specificity and sensitivity over studies; NaN where studies are pooled.
    pooling : {"pooled", "hierarchical"}
    level : float
    """

    terms: tuple[str, ...]
    estimate: Floats
    hdi_low: Floats
    hdi_high: Floats
    conf_low: Floats
    conf_high: Floats
    mean: float
    std_error: float
    centre: Floats
    scale: Floats
    pooling: StudyPooling
    level: float

    def to_frame(self) -> pd.DataFrame:
        """One row per term: estimate, hdi_low, hdi_high, conf_low, conf_high, and the median centre and scale of the logits."""
        names = ("estimate", "hdi_low", "hdi_high", "conf_low", "conf_high")
        hyper = {name: np.append(np.nan, getattr(self, name)) for name in ("centre", "scale")}
        return frame({"term": list(self.terms), **{name: getattr(self, name) for name in names}, **hyper})

    def tidy(self) -> pd.DataFrame:
        """One row per term: term, estimate, std_error (of the prevalence), conf_low, conf_high."""
        errors = np.array([self.std_error, np.nan, np.nan])
        limits = {"conf_low": self.conf_low, "conf_high": self.conf_high}
        return frame({"term": list(self.terms), "estimate": self.estimate, "std_error": errors, **limits})

    def summary(self, language: str = "en") -> str:
        """The table."""
        return str(self.to_frame().to_string(index=False, float_format=lambda value: f"{value:.4f}"))


def prevalence_from_studies(
    positive: float, n: float, *, specificity_studies: Any, sensitivity_studies: Any, pooling: StudyPooling = "pooled",
    centre: tuple[float, float] = (4.0, 2.0), scale: float = 0.3, level: float = 0.95,
) -> StudyPrevalence:
    """Posterior of a prevalence given one survey and validation studies of its classifier (Gelman and Carpenter 2020).

        positive ~ Binomial(n, π Se + (1 - π) (1 - Sp)),    π flat

    ``"pooled"``: every study measures the survey's own Se and Sp, which are flat before. ``"hierarchical"``: each study has its own,
    and so has the survey, of which no study tells directly:

        logit Sp_j ~ Normal(μ, σ),    μ ~ Normal(centre),    σ ~ half-Normal(scale),    and Se_j likewise

    Everything is integrated by quadrature, so that the same counts give the same bits and tails are not a matter of luck.

    Parameters
    ----------
    positive, n : float
        Of the survey: customers the classifier calls positive, of those classified.
    specificity_studies, sensitivity_studies : pair of array (J,)
        (right, n) of each study: customers without the pain who were called negative, of those without it; customers with it who were
        called positive, of those with it.
    pooling : {"pooled", "hierarchical"}
        Whether studies share one accuracy.
    centre : pair of float
        Mean and standard deviation of the normal prior of μ, in logits.
    scale : float
        Scale of the half-normal prior of σ, in logits: how unlike each other studies are believed to be. With few studies the upper
        limit of the prevalence follows it.
    level : float
        Level of the intervals.

    Returns
    -------
    StudyPrevalence

    Raises
    ------
    InputError
        More right than there were, no study, a scale or spread of 0; or counts no prevalence can explain.
    IdentificationError
        Over all studies sensitivity and specificity add up to 1 or less: the classifier tells nothing, or its labels are swapped.

    References
    ----------
    Gelman & Carpenter (2020), JRSS C 69(5), 1269-1283.

    Examples
    --------
    >>> r = prevalence_from_studies(50, 3330, specificity_studies=(399, 401), sensitivity_studies=(103, 122))
    >>> round(float(r.estimate[0]), 4), round(float(r.hdi_low[0]), 4), round(float(r.hdi_high[0]), 4)
    (0.0106, 0.0008, 0.0183)
    """
    _checks.choice(pooling, StudyPooling, "pooling")
    _checks.level(level)
    middle, spread = (_checks.number(value, "centre", open_low=at > 0, low=0.0 if at else -np.inf) for at, value in enumerate(centre))
    width = _checks.number(scale, "scale", low=0.0, open_low=True)
    called, total = (_checks.number(value, name, low=0.0, open_high=True) for value, name in ((positive, "positive"), (n, "n")))
    counts_of(called, total, "positive")

    right_sp, n_sp = _studies(specificity_studies, "specificity_studies")
    right_se, n_se = _studies(sensitivity_studies, "sensitivity_studies")
    steep = right_sp.sum() / n_sp.sum() + right_se.sum() / n_se.sum() - 1.0
    refuse_uninformative(np.array([steep]), "Over all studies, sensitivity and specificity add up to 1 or less")
    if pooling == "pooled":
        sp, se = pooled(right_sp, n_sp), pooled(right_se, n_se)
    else:
        sp, se = (hierarchical(right, size, (middle, spread), width) for right, size in ((right_sp, n_sp), (right_se, n_se)))
    share, likely_se, likely_sp = posterior(called, total, se, sp)
    parts = [share, *(Distribution.on_grid(side.logits, side.weights * like) for side, like in ((sp, likely_sp), (se, likely_se)))]
    return _result(parts, [sp.hyper_medians(likely_sp), se.hyper_medians(likely_se)], pooling, level)


def _studies(studies: Any, argument: str) -> tuple[Floats, Floats]:
    """(right, n) of each study."""
    right, n = counts_of(*pair(studies, argument), argument)
    if right.size == 0:
        raise InputError(f"{argument} is empty; give at least one study.", code="no_studies", argument=argument)
    return right, n


def _result(parts: list[Distribution], hyper: list[tuple[float, float]], pooling: StudyPooling, level: float) -> StudyPrevalence:
    transforms: tuple[Callable[[Floats], Floats], ...] = (np.asarray, special.expit, special.expit)
    chances = np.array([0.5, (1.0 - level) / 2.0, (1.0 + level) / 2.0])
    median, low, high = np.array([scale(part.quantile(chances)) for part, scale in zip(parts, transforms, strict=True)]).T
    shortest = np.array([part.shortest(level, scale) for part, scale in zip(parts, transforms, strict=True)])
    mean, std_error = parts[0].moments()
    centres, scales = np.array(hyper).T
    return StudyPrevalence(
        terms=_TERMS, estimate=median, hdi_low=shortest[:, 0], hdi_high=shortest[:, 1], conf_low=low, conf_high=high, mean=mean,
        std_error=std_error, centre=centres, scale=scales, pooling=pooling, level=level,
    )
