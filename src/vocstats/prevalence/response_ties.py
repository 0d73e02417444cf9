"""Do customers answer less often at dealers where more of them have a pain? Taking dealers together rests on that they do not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from ..errors import IdentificationError
from ..results import Floats, Record
from .counts import PainPointCounts
from .design_effects import dealer_cells

_FEWEST = 5  # dealers


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ResponseTie(Record):
    """Whether dealers' response is tied to what their customers have.

    Attributes
    ----------
    difference : float array (K,)
        How much higher the share found among the engaged would be if every dealer counted as his customers do, rather than as those who
        answered; NaN for a pain nobody of the engaged was asked about.
    std_error : float array (K,)
        Over dealers.
    p_value : float array (K,)
        That it is 0, two-sided.
    overall_p_value : float
        That no pain is tied: twice the smaller of Bonferroni's over pains and that of the mean over pains, which are often tied alike.
    dealers : int
        With answers.
    """

    difference: Floats
    std_error: Floats
    p_value: Floats
    overall_p_value: float
    dealers: int


def response_tie(counts: PainPointCounts, /) -> ResponseTie:
    """Test whether the share of a dealer's customers who answered is tied to the share of them who have a pain.

    With e_kd the share found at dealer d beyond that of his customers' segments, f_d his share of the answers of the engaged and F_d his
    share of all customers,

        difference_k = Σ_d (F_d - f_d) e_kd,        variance: Σ_d (F_d - f_d)² e_kd² D / (D - 2)

    on D - 2 degrees of freedom. It is by how much collapsed counts would be off if nobody but the engaged were heard.

    Parameters
    ----------
    counts : PainPointCounts
        Of every dealer.

    Returns
    -------
    ResponseTie
        By pain, and for all of them.

    Raises
    ------
    IdentificationError
        Fewer than five dealers have answers.

    References
    ----------
    The variance is White's (1980), Econometrica 48(4), of a mean weighted by F_d - f_d.
    """
    customers = counts.frame.sum(axis=(0, 2))
    dealers = customers.size
    heard, found = np.zeros((2, counts.pains, dealers))
    for pain in range(counts.pains):
        cells = dealer_cells(counts, pain)
        engaged = cells.group == 0
        heard[pain] = cells.n[engaged].sum(axis=(0, 1))
        found[pain] = cells.residuals()[engaged].sum(axis=(0, 1))
    known = heard > 0.0
    many = int(known.any(axis=0).sum())
    if many < _FEWEST:
        raise IdentificationError(
            f"Answers of the engaged come from {many} dealers; to test a tie of their response takes {_FEWEST}.",
            code="few_dealers_to_tie", dealers=many, least=_FEWEST,
        )
    apart = np.where(known, customers, 0.0)
    apart /= np.maximum(apart.sum(axis=1, keepdims=True), 1.0)
    apart -= heard / np.maximum(heard.sum(axis=1, keepdims=True), 1.0)
    terms = apart * np.divide(found, heard, out=np.zeros_like(found), where=known)
    freedom = known.sum(axis=1) - 2.0
    difference, std_error, p_value = _tested(terms, freedom)
    told = np.flatnonzero(std_error > 0.0)
    together = _tested((terms[told] / std_error[told, None]).sum(axis=0)[None], np.array([many - 2.0]))[2][0]
    overall = 2.0 * np.nanmin(np.append(told.size * p_value[told], together), initial=0.5)
    return ResponseTie(difference=difference, std_error=std_error, p_value=p_value, overall_p_value=float(overall), dealers=many)


def _tested(terms: Floats, freedom: Floats) -> tuple[Floats, Floats, Floats]:
    """Sums of rows, their standard errors and two-sided p-values; NaN without degrees of freedom."""
    usable = freedom > 0.0
    difference = np.where(usable, terms.sum(axis=1), np.nan)
    std_error = np.where(usable, np.sqrt(np.sum(terms**2, axis=1) * (freedom + 2.0) / np.maximum(freedom, 1.0)), np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        return difference, std_error, 2.0 * special.stdtr(np.maximum(freedom, 1.0), -np.abs(difference / std_error))
