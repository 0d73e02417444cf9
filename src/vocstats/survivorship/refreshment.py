"""Attrition that may depend on the score not heard, corrected by a refreshment sample, and the test that it does not."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _checks
from .._checks import Floats
from .._numerics import solve_symmetric
from ..errors import InputError, shown
from ..estimation import Design, Estimate, HypothesisTest, wald_test
from ..estimation.coding import coding_of
from ..results import Flags
from ..weighting.chain import Weights, begin
from ..weighting.raking import positive_mass
from .parts import Part, domains_of, estimate_of
from .refreshment_fit import RefreshmentStep, Samples, fit_attrition, read_scores, refuse_empty
from .refreshment_result import RefreshmentFit, refreshment_assumptions

_MOST = 30  # levels of a saturated score


def refreshment_weights(
    y1: npt.ArrayLike, y2: npt.ArrayLike, refreshment: npt.ArrayLike, *, x: Any = None, moments: int | None = None,
    base_weights: Weights | npt.ArrayLike | None = None, counts: npt.ArrayLike | None = None, design: Design | None = None,
    level: float = 0.95,
) -> RefreshmentFit:
    """Weights of those who stayed in a panel, by a refreshment sample of its second period; and whether attrition is at random.

        P(stay | y1, y2, x) = 1 / (1 + exp(-k0 - k1(y1) - k2(y2) - x'b)),   w = d / P

    The weights give those who stayed the panel's own first period (y1 and x of everybody, those who left included) and the refreshment
    sample's second. Two margins and no interaction of y1 and y2: just identified. k2 = 0 is attrition at random given the first period.

    The refreshment sample must stand for the panel's own population at the second period: a draw, asked then, from those of whom
    the panel was a draw. Where both are customers, that is who was a customer in both periods. Newcomers do not belong
    in the refreshment sample; and a sample of current customers holds nobody who is no longer one, so panel members who
    ceased to be customers must be left out as well (base weight 0): for them the weights say nothing.

    Parameters
    ----------
    y1 : array of numbers (n,)
        First-period score of every panel member; missing in the refreshment sample.
    y2 : array of numbers (n,)
        Second-period score; missing for those who left the panel.
    refreshment : array of bool (n,)
        Who belongs to the refreshment sample and not to the panel.
    x : array (n, p), mapping or dataframe, optional
        Characteristics that attrition may depend on, known of every panel member, such as tenure or channel; of the refreshment
        sample they are not looked at. Labels become indicators.
    moments : int, optional
        k1 and k2 are polynomials of this degree. None: an effect of every level of the scores.
    base_weights : Weights or array (n,), optional
        Design weights within each sample (None: 1); 0 leaves a row out. Their size matters within a sample only.
    counts : array (n,), optional
        How often a row stands there.
    design : Design, optional
        How the rows were drawn, for the coefficients and tests; pass it to the estimators as well. None: independently.
    level : float
        Confidence level of the coefficients' limits.

    Returns
    -------
    RefreshmentFit
        Its `weights` carry both sources of error: give them to ``vocstats.estimation.mean`` and others, with inference "r".

    Raises
    ------
    InputError
        A first score in the refreshment sample, or none in the panel; bad arrays; more than 30 levels without `moments`.
    IdentificationError
        One of the samples, or attrition, is missing; the refreshment sample gave scores that nobody who stayed gave; of a first
        score nobody stayed, or nobody left; y1 and y2 cannot be told apart among those who stayed.
    InfeasibleError
        More of the panel gave a second score than the refreshment sample says there are in all, or no weights meet the margins.

    References
    ----------
    Hirano, Imbens, Ridder & Rubin (2001), Econometrica 69(6) (additively non-ignorable attrition is just identified); Franguridi, Hahn,
    Hoonhout, Kapteyn & Ridder (2025), arXiv 2512.13270; Hausman & Wise (1979), Econometrica 47(2); Deville & Särndal (1992), JASA 87
    (calibration).

    Examples
    --------
    >>> nan, k = float("nan"), [40, 10, 10, 20, 20, 20, 60, 60]
    >>> y1, y2 = [1, 1, 0, 0, 1, 0, nan, nan], [1, 0, 1, 0, nan, nan, 1, 0]
    >>> r = refreshment_weights(y1, y2, [False] * 6 + [True] * 2, counts=k)
    >>> r.weights.values[:4].round(4).tolist()
    [1.2089, 2.1646, 1.1646, 1.9177]
    """
    _checks.level(level)
    fresh = _checks.flags(refreshment, "refreshment")
    chain = begin(base_weights, counts, fresh.size)
    used = positive_mass(chain, "refreshment_weights") > 0
    samples = _samples(y1, y2, fresh, used, x, moments)
    step = fit_attrition(samples, chain.values, chain.counts)
    weights = chain.followed_by(step)
    coefficients = _coefficients(chain, step, design, level)
    panel = ~fresh & used
    return RefreshmentFit(
        coefficients=coefficients, missing_at_random=_test(coefficients, samples, (2,)), hausman_wise=_test(coefficients, samples, (1,)),
        completely_at_random=_test(coefficients, samples, (1, 2)), n_panel=float(chain.counts[panel].sum()),
        n_stayed=float(chain.counts[samples.stayed & used].sum()), n_refreshment=float(chain.counts[fresh & used].sum()),
        smallest_probability=step.details()["probability_min_heard"], effective_stayed=weights.effective_sample_size,
        level=level, assumptions=refreshment_assumptions(moments=moments), chain=weights,
    )


def _samples(y1: npt.ArrayLike, y2: npt.ArrayLike, fresh: Flags, used: Flags, x: Any, moments: int | None) -> Samples:
    """Both samples, checked; rows without weight play no part."""
    first, second = (_checks.vector(y, name, length=fresh.size, missing=True) for y, name in ((y1, "y1"), (y2, "y2")))
    degree = None if moments is None else _checks.whole(moments, "moments", low=1)
    for code, rows, argument, text in (
        ("panel_without_first", used & ~fresh & np.isnan(first), "y1", "Panel members have no first score"),
        ("refreshment_with_first", used & fresh & ~np.isnan(first), "y1", "The refreshment sample holds first scores"),
        ("refreshment_unheard", used & fresh & np.isnan(second), "y2", "Members of the refreshment sample have no second score"),
    ):
        wrong = np.flatnonzero(rows)
        if wrong.size:
            raise InputError(
                f"{text}, at rows {shown(wrong)}. A row is of the panel (y1 known, y2 missing for those who left) or of the refreshment "
                "sample (y1 missing, y2 known).",
                code=code, argument=argument, rows=wrong,
            )
    panel, stayed = ~fresh & used, ~fresh & used & ~np.isnan(second)
    refuse_empty(stayed, fresh & used, panel & ~stayed)
    scores = [
        read_scores(name, np.nan_to_num(values), known, degree)
        for name, values, known in (("y1", first, panel), ("y2", second, stayed | (fresh & used)))
    ]
    for score in scores:
        _refuse_many(score.name, len(score.levels))
    matrix, names = _covariates(x, panel)
    return Samples(first=scores[0], second=scores[1], x=matrix, names=names, stayed=stayed, refreshed=fresh)


def _refuse_many(name: str, levels: int) -> None:
    if levels > _MOST:
        raise InputError(
            f"{name} has {levels} different values, more than an effect of each can be estimated for ({_MOST}). Give moments=, such as "
            "moments=2, or merge points of the scale.",
            code="too_many_score_levels", argument=name, count=levels, most=_MOST,
        )


def _covariates(x: Any, panel: Flags) -> tuple[Floats, tuple[str, ...]]:
    """Columns of x without an intercept, 0 outside the panel."""
    rows = np.flatnonzero(panel)
    coding = coding_of(x, length=panel.size, rows=rows)
    matrix = np.zeros((panel.size, len(coding.columns) - 1))
    matrix[rows] = coding.matrix(x, length=panel.size, rows=rows)[:, 1:]
    return matrix, coding.columns[1:]


def _coefficients(chain: Weights, step: RefreshmentStep, design: Design | None, level: float) -> Estimate:
    """Coefficients with influence values of both samples, and of the steps before this one."""
    influence = chain.base[:, None] * chain.pullback(solve_symmetric(step.bread(), step.score().T).T)
    domains = domains_of(len(chain), None, np.where(chain.base > 0, chain.counts, 0.0), design)
    n, told = np.array([float(chain.counts[step.samples.stayed].sum())]), np.ones(1, bool)
    parts = {
        term: Part(value=step.parameters[[k]], influence=influence[:, k], n=n, spread=told) for k, term in enumerate(step.samples.terms)
    }
    return estimate_of("refreshment", parts, domains, level=level, weights_given=False)


def _test(coefficients: Estimate, samples: Samples, owners: tuple[int, ...]) -> HypothesisTest:
    """Wald's test that the effects of a score, or of both, are 0."""
    chosen = np.flatnonzero(np.isin(samples.owner, owners))
    return wald_test(coefficients, contrast=np.eye(samples.owner.size)[chosen], statistic="Chisq")
