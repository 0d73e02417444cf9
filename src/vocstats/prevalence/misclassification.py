"""Prevalence from an imperfect classifier whose sensitivity and specificity are known, or estimated in a validation study."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .. import _checks
from .._numerics import normal_quantile
from ..errors import IdentificationError, InputError, shown
from ..results import Flags, Floats, Result, frame, register

if TYPE_CHECKING:
    import pandas as pd

_NUMBERS = ("estimate", "std_error", "conf_low", "conf_high")


@register("corrected_prevalence")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CorrectedPrevalence(Result):
    """Prevalence corrected for sensitivity and specificity, one per group.

    Attributes
    ----------
    estimate, conf_low, conf_high : float arrays (G,)
        Prevalence and its limits, cut at 0 and 1.
    std_error : float array (G,)
        Of the uncut estimate: accounts for drawing the customers and the validation studies.
    apparent : float array (G,)
        Share the classifier calls positive.
    uncut, uncut_low, uncut_high : float arrays (G,)
        What `estimate`, `conf_low` and `conf_high` were before they were cut.
    from_sampling, from_coder : float arrays (G,)
        Shares of the variance due to drawing the customers and to the validation studies; NaN where there is none.
    contradicted : bool array (G,)
        The whole interval lay outside [0, 1]: the counts and the stated sensitivity and specificity cannot both be right.
    level : float
        Confidence level.
    """

    estimate: Floats
    std_error: Floats
    conf_low: Floats
    conf_high: Floats
    apparent: Floats
    uncut: Floats
    uncut_low: Floats
    uncut_high: Floats
    from_sampling: Floats
    from_coder: Floats
    contradicted: Flags
    level: float

    def to_frame(self) -> pd.DataFrame:
        """One row per group."""
        names = (*_NUMBERS, "apparent", "uncut", "uncut_low", "uncut_high", "from_sampling", "from_coder", "contradicted")
        return frame({name: getattr(self, name) for name in names})

    def tidy(self) -> pd.DataFrame:
        """One row per group: term, estimate, std_error, conf_low, conf_high."""
        return frame({"term": ["corrected_prevalence"] * self.estimate.size, **{name: getattr(self, name) for name in _NUMBERS}})

    def summary(self, language: str = "en") -> str:
        """The table."""
        return str(self.to_frame().to_string(index=False, float_format=lambda value: f"{value:.4f}"))


def rogan_gladen(
    positive: npt.ArrayLike, n: npt.ArrayLike, *, sensitivity: npt.ArrayLike | None = None, specificity: npt.ArrayLike | None = None,
    sensitivity_study: Any = None, specificity_study: Any = None, level: float = 0.95,
) -> CorrectedPrevalence:
    """Prevalence corrected for a classifier that misses some and finds others by mistake (Rogan and Gladen 1978).

        P = (p + Sp - 1) / (Se + Sp - 1),    p = positive / n
        var P = [p (1 - p) / n + P² Se (1 - Se) / n_Se + (1 - P)² Sp (1 - Sp) / n_Sp] / (Se + Sp - 1)²

    The limits are Lang and Reiczigel's (2014, eq. 16-17). With z the normal quantile, p', Se', Sp' are the shares after adding z² / 2
    positives and z² / 2 negatives to the n customers and 1 and 1 to each validation study; P' and var P' follow as above, and

        P' + d ± z sqrt(var P'),    d = 2 z² [P' Se' (1 - Se') / n'_Se - (1 - P') Sp' (1 - Sp') / n'_Sp]

    What is known rather than validated adds nothing to d and to the variance. Estimate and limits are cut at 0 and 1, and the result
    keeps what they were before.

    Parameters
    ----------
    positive, n : float or array (G,)
        Customers the classifier calls positive, of those classified; with a complex design, the share times the effective size, and that.
    sensitivity, specificity : float or array (G,), optional
        Chance to be called positive of a customer who has the pain, negative of one who has not, where it is known.
    sensitivity_study, specificity_study : pair of float or array (G,), optional
        (right, n) of a validation study: customers with the pain who were called positive, of those with it in the study; customers
        without it who were called negative, of those without. One of `sensitivity` and `sensitivity_study` is needed, and one of
        `specificity` and `specificity_study`.
    level : float
        Confidence level.

    Returns
    -------
    CorrectedPrevalence

    Raises
    ------
    InputError
        More positives than customers, an empty group or study, shares outside [0, 1], a value both known and validated or neither,
        lengths that differ.
    IdentificationError
        Sensitivity and specificity add up to 1 or less: the classifier tells nothing. Or they do after 1 and 1 are added, because
        the studies are too small.

    References
    ----------
    Rogan & Gladen (1978), Am. J. Epidemiol. 107(1). Lang & Reiczigel (2014), Prev. Vet. Med. 113(1), 13-22; in their eq. 4,
    (1 + P)² is a misprint of (1 - P)².

    Examples
    --------
    >>> r = rogan_gladen(51, 2971, sensitivity_study=(32, 33), specificity_study=(20, 20))
    >>> [round(float(value[0]), 3) for value in (r.estimate, r.conf_low, r.conf_high, r.uncut_low)]
    [0.018, 0.0, 0.053, -0.147]
    """
    z = normal_quantile(_checks.level(level))
    called, size = counts_of(positive, n, "positive")
    se, n_se = _accuracy("sensitivity", sensitivity, sensitivity_study)
    sp, n_sp = _accuracy("specificity", specificity, specificity_study)
    called, size, se, n_se, sp, n_sp = _aligned(
        {"positive": called, "n": size, "sensitivity": se, "sensitivity_study": n_se, "specificity": sp, "specificity_study": n_sp}
    )
    refuse_uninformative(se + sp - 1.0, "Sensitivity and specificity add up to 1 or less")
    share, sampling, coder = _corrected(called / size, size, se, n_se, sp, n_sp)
    low, high = _limits(called, size, se, n_se, sp, n_sp, z)
    total = sampling + coder
    with np.errstate(invalid="ignore", divide="ignore"):
        from_sampling, from_coder = sampling / total, coder / total
    return CorrectedPrevalence(
        estimate=np.clip(share, 0.0, 1.0), std_error=np.sqrt(total), conf_low=np.clip(low, 0.0, 1.0), conf_high=np.clip(high, 0.0, 1.0),
        apparent=called / size, uncut=share, uncut_low=low, uncut_high=high, from_sampling=from_sampling, from_coder=from_coder,
        contradicted=(high < 0.0) | (low > 1.0), level=level,
    )


def _corrected(p: Floats, n: Floats, se: Floats, n_se: Floats, sp: Floats, n_sp: Floats) -> tuple[Floats, Floats, Floats]:
    """P and the two parts of its variance: of drawing customers, of the validation studies."""
    steep = se + sp - 1.0
    share = (p + sp - 1.0) / steep
    coder = share**2 * se * (1.0 - se) / n_se + (1.0 - share) ** 2 * sp * (1.0 - sp) / n_sp
    return share, p * (1.0 - p) / n / steep**2, coder / steep**2


def _limits(called: Floats, n: Floats, se: Floats, n_se: Floats, sp: Floats, n_sp: Floats, z: float) -> tuple[Floats, Floats]:
    """Lang and Reiczigel's limits, not cut."""
    p = (called + z**2 / 2.0) / (n + z**2)
    se, sp = _one_of_each(se, n_se), _one_of_each(sp, n_sp)
    refuse_uninformative(se + sp - 1.0, "With one right and one wrong added to each study, Se and Sp add up to 1 or less")
    share, *parts = _corrected(p, n + z**2, se, n_se + 2.0, sp, n_sp + 2.0)
    shift = 2.0 * z**2 * (share * se * (1.0 - se) / (n_se + 2.0) - (1.0 - share) * sp * (1.0 - sp) / (n_sp + 2.0))
    half = z * np.sqrt(sum(parts))
    return share + shift - half, share + shift + half


def _one_of_each(share: Floats, n: Floats) -> Floats:
    """The share of a study after one right and one wrong are added; a known one stays."""
    return share + (1.0 - 2.0 * share) / (n + 2.0)


def counts_of(part: Any, total: Any, argument: str) -> tuple[Floats, Floats]:
    """Counts and the totals they are part of."""
    counts = _checks.non_negative(np.atleast_1d(np.asarray(part)), argument)
    totals = _checks.non_negative(np.atleast_1d(np.asarray(total)), "n" if argument == "positive" else argument)
    counts, totals = _aligned({argument: counts, "n": totals})
    odd = np.flatnonzero((counts > totals) | (totals == 0))
    if odd.size:
        raise InputError(
            f"{argument} must be part of a total of more than 0; at rows {shown(odd)} it is {shown(counts[odd])} of {shown(totals[odd])}. "
            "Correct the counts, or leave empty groups out.",
            code="not_part_of_total", argument=argument, rows=odd,
        )
    return counts, totals


def _accuracy(name: str, known: Any, study: Any) -> tuple[Floats, Floats]:
    """Sensitivity or specificity, and the size of its study: infinite where it is known."""
    if (known is None) == (study is None):
        raise InputError(
            f"Give either {name} (known) or {name}_study (right, n); {'both are' if known is not None else 'neither is'} given.",
            code="known_or_validated", argument=name, study=f"{name}_study",
        )
    if study is None:
        share = _checks.vector(np.atleast_1d(np.asarray(known)), name)
        odd = np.flatnonzero((share < 0) | (share > 1))
        if odd.size:
            raise InputError(
                f"{name} must lie in [0, 1]; it does not at rows {shown(odd)}. Give counts as {name}_study.",
                code="share_out_of_bounds", argument=name, rows=odd,
            )
        return share, np.full(share.size, np.inf)
    right, n = pair(study, f"{name}_study")
    part, total = counts_of(right, n, f"{name}_study")
    return part / total, total


def pair(value: Any, argument: str) -> tuple[Any, Any]:
    """A study's (right, n)."""
    if isinstance(value, (str, bytes)) or not hasattr(value, "__len__") or len(value) != 2:
        raise InputError(
            f"{argument} must be a pair (right, n), such as (78, 85); got {value!r}.",
            code="not_a_study", argument=argument, value=repr(value),
        )
    return value[0], value[1]


def _aligned(columns: dict[str, Floats]) -> list[Floats]:
    """Columns of one length; a single number stands for all groups."""
    size = max((column.size for column in columns.values() if column.size != 1), default=1)
    for name, column in columns.items():
        _checks.same_length(column, name, None if column.size == 1 else size)
    return [np.broadcast_to(column, size) for column in columns.values()]


def refuse_uninformative(steep: Floats, reason: str) -> None:
    """Raise where Se + Sp - 1 is not positive."""
    odd = np.flatnonzero(steep <= 0)
    if odd.size:
        raise IdentificationError(
            f"{reason} at rows {shown(odd)}: the classifier says nothing about who has the pain. Check whether its labels are swapped, or "
            "validate it on more customers.",
            code="uninformative_classifier", argument="sensitivity", rows=odd,
        )
