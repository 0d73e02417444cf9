"""Correct a satisfaction score for those who never answered and for those who left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .. import _checks
from ..customer_base import CustomerBase
from ..errors import InputError
from ..options import Assume, CorrectionMethod, Inference, SmallGroups, Statistic, WeightingMethod
from .answering import answer
from .corrected_score import Correction
from .question import Question, Shifts, names, pair
from .statistic import measure


def correct(
    base: CustomerBase,
    *,
    outcome: str | None = None,
    scale: Sequence[float],
    statistic: Statistic = "mean",
    boxes: int = 2,
    top: Sequence[float] | None = None,
    bottom: Sequence[float] | None = None,
    items: Mapping[str, float] | None = None,
    points: float | None = None,
    auxiliaries: Sequence[str] = (),
    minimum_cell: int = 5,
    method: CorrectionMethod | None = None,
    shadow: str | None = None,
    weighting: WeightingMethod = "rake",
    trim: float | None = None,
    by: str | Sequence[str] | None = None,
    small_groups: SmallGroups = "borrow",
    inference: Inference = "registry",
    kpi: float | None = None,
    silent_shift: Sequence[float] = (0.0, 0.0),
    churned_shift: Sequence[float] = (0.0, 0.0),
    mode_shift: Sequence[float] = (0.0, 0.0),
    assume: str | Sequence[str] = (),
    level: float = 0.95,
    seed: int = 0,
) -> Correction:
    """Correct a score for nonresponse and for survivorship.

    Three figures come back. ``naive`` is the mean of all survey answers: what a company reports. ``nonresponse_corrected``
    speaks for everyone active at the reference date: the engaged for themselves, the silent through the follow-up where
    there is one (double sampling), else through weighting the engaged to all active customers on the auxiliaries.
    ``survivor_corrected`` speaks for everyone in the window: it adds the churned, of whom those who had answered
    the survey stand for themselves and exit interviews for the others. They are three populations or estimates, not three
    attempts at one number.

    Parameters
    ----------
    base : CustomerBase
        Registry and answers.
    outcome : str
        Column of the answers that holds the score. Leave it out when `items` is given.
    scale : pair of numbers
        Lowest and highest possible score; answers off it are refused.
    statistic : {"mean", "top_box", "bottom_box", "nps", "index"}
        Box statistics are shares between 0 and 1, "nps" the share of promoters minus that of detractors (-1 to 1).
    boxes : int
        Points of the scale in the top or bottom box.
    top, bottom : sequence of numbers, optional
        The points themselves, instead of `boxes`.
    items : mapping, optional
        {column: index weight}, weights summing to 1: the outcome is a weighted composite of several items.
    points : float, optional
        Points of an index at the highest score; default 100.
    auxiliaries : sequence of str
        Categorical columns of the registry on which those heard are weighted.
    minimum_cell : int
        Levels in which fewer were heard within a group are merged with their neighbour, and listed in ``merged``. Where the few
        heard in a group cannot meet all its margins at once, more of its levels are merged, and listed too.
    method : {"weighting", "double_sampling", "doubly_robust", "callbacks", "shadow", "auto"}, optional
        How the silent are represented: by the engaged, weighted on the auxiliaries; by the follow-up, weighted likewise; by the
        follow-up with a model of who refused it and one of the score (`nonresponse.follow_up`); by the engaged through the
        attempts at which they answered (`nonresponse.reweight_by_callbacks`); by the engaged through `shadow`
        (`nonresponse.shadow_variable`). Left out: by the follow-up where one was heard, else by weighting. "auto" chooses among
        all and says why. ``method`` of the result says which it was.
    shadow : str, optional
        Column of the registry that goes with the score, but not with answering once the score and the auxiliaries are known.
    weighting : {"rake", "poststratify", "calibrate"}
        How those heard in a pool are weighted to its customers.
    trim : float, optional
        Cap of the weights as a multiple of their mean; margins still hold.
    by : str or sequence of str, optional
        Column whose levels are estimated one by one; several columns are crossed.
    small_groups : {"borrow", "blank", "fail"}
        What to do with a domain in which a group only partly heard has fewer than five answers: borrow from the
        network's cells, leave blank with the reason, or refuse.
    inference : {"registry", "process", "r"}
        What the standard errors refer to: the customers listed; those and others like them; or R survey's formulas
        (with replacement, no finite-population correction).
    kpi : float, optional
        Score to be reached, in units of the statistic.
    silent_shift, churned_shift : pair of numbers
        By how many score points those who never answered may differ from those who speak for them, lowest and highest.
    mode_shift : pair of numbers
        By how many points answers by telephone (follow-up, exit interviews) may stand above what the web would have given.
    assume : str or sequence of str
        "churned_heard_like_unheard": without exit interviews, let survey answers of those who left stand for all who left.
    level : float
        Confidence level.
    seed : int
        Kept with the result; the estimates are linearised and use no random numbers.

    Returns
    -------
    Correction

    Raises
    ------
    InputError
        An argument or the data are not usable; the message names column, rows and remedy.
    InfeasibleError
        Those heard cannot represent a level of an auxiliary.

    References
    ----------
    Hansen & Hurwitz (1946), JASA 41(236); Särndal, Swensson & Wretman (1992), ch. 9 and 15; Deville & Särndal (1992).

    Examples
    --------
    >>> import vocstats as vs
    >>> simulated = vs.datasets.simulate_base(2000, seed=1)
    >>> r = vs.correct(simulated.base(), outcome="csi", scale=(1, 10), auxiliaries=["age_band", "warranty"])
    >>> r.tidy()["term"].tolist()
    ['naive', 'nonresponse_corrected', 'survivor_corrected']
    """
    if not isinstance(base, CustomerBase):
        raise InputError(f"base must be a CustomerBase; got {type(base).__name__}.", code="not_a_base", argument="base")
    if (outcome is None) == (items is None):
        raise InputError(
            "correct needs the score: name its column (outcome=), or several with their weights (items=); one of the two.",
            code="no_outcome", argument="outcome",
        )  # fmt: skip
    if method is not None:
        _checks.choice(method, CorrectionMethod, "method")
    if (method == "shadow") > (shadow is not None):
        raise InputError(
            "method='shadow' needs the column that goes with the score but not with answering: name it with shadow=.",
            code="no_shadow", argument="shadow",
        )
    listed = names(auxiliaries, "auxiliaries")
    if shadow in listed:
        raise InputError(
            f"Column {shadow!r} cannot be both the shadow variable and an auxiliary: given itself it tells nothing. Take it out of "
            "auxiliaries=, or name another column with shadow=.",
            code="shadow_is_auxiliary", argument="shadow", column=shadow,
        )
    if trim is not None and method in ("doubly_robust", "callbacks", "shadow"):
        raise InputError(
            f"method={method!r} has weights of its own, which trim= would spoil. Leave trim out.",
            code="trim_with_method", argument="trim", method=method,
        )
    what = measure(statistic, scale=scale, boxes=boxes, top=top, bottom=bottom, points=points)
    shifts = (("silent", silent_shift), ("churned", churned_shift), ("mode", mode_shift))
    return answer(
        Question(
            base=base,
            measure=what,
            outcome=outcome,
            items=items,
            method=method,
            weighting=_checks.choice(weighting, WeightingMethod, "weighting"),
            inference=_checks.choice(inference, Inference, "inference"),
            small_groups=_checks.choice(small_groups, SmallGroups, "small_groups"),
            level=_checks.level(level),
            seed=int(_checks.number(seed, "seed", low=0.0)),
            kpi=np.nan if kpi is None else _checks.number(kpi, "kpi", low=what.limits[0], high=what.limits[1]),
            shifts=Shifts(*(pair(shift, f"{name}_shift") for name, shift in shifts)),
            auxiliaries=listed,
            minimum_cell=int(_checks.number(minimum_cell, "minimum_cell", low=1)),
            trim=None if trim is None else _checks.number(trim, "trim", low=1.0, open_low=True),
            by=names(by, "by"),
            shadow=shadow,
            assumed=tuple(_checks.choice(code, Assume, "assume") for code in names(assume, "assume")),
        )
    )
