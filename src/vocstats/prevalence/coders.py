"""Several coders who err: how often each does, what the items are, and how many of each class there are."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _checks
from .._checks import Floats
from .._numerics import exact_share_limits, normal_quantile
from ..errors import IdentificationError, InputError, shown
from ..estimation.intervals import share_limits
from ..options import AuditDrawnBy, LikelihoodInterval
from ..results import Assumption
from .cautions import CoderWarning
from .coder_information import Errors, standard_errors
from .coder_likelihood import CoderModel, Parameters
from .coder_patterns import Patterns, read_patterns
from .coder_result import CoderModelFit

_NOTHING = 1e-7  # share of the information below which the labels do not identify the model
_LITTLE = 0.02  # below which a warning says so
_APART = 0.005  # prevalences between summits beyond which a warning says so


def dawid_skene(
    item: Any, coder: Any, label: Any, *, counts: npt.ArrayLike | None = None, gold: Any = None, gold_drawn_by: AuditDrawnBy = "random",
    classes: Sequence[Any] | None = None, easy: bool = False, coder_prior: Any = None, prevalence_prior: npt.ArrayLike | None = None,
    interval: LikelihoodInterval = "profile", level: float = 0.95, starts: int = 5, seed: int = 0,
) -> CoderModelFit:
    """Prevalence of classes and error rates of coders by maximum likelihood, the true classes summed out.

        f(labels of an item) = Σ_c p_c { (1 - e_c) Π θ_jcl + e_c 1[every label is c] }

    over the labels l that coders j gave it: p prevalence, θ_jc the chances of coder j's labels at an item of class c, e_c the share of easy
    items (0 unless `easy`). Items labelled alike are one pattern with its count, so that the cost grows with patterns and not with items.

    Parameters
    ----------
    item, coder, label : arrays (n,)
        The long table: coder j gave this label to this item. Coders need not see every item; a coder who labelled an item more than once
        counts as often (his labels independent given the class).
    counts : array (n,), optional
        How many items show this pattern; the same in every row of an item.
    gold : array (n,), optional
        The item's known class, the same in every row of it; missing where unknown.
    gold_drawn_by : {"random", "predicted", "truth"}
        How items of known class were chosen. "truth" (so many of each class): they tell of the coders, and not of the prevalence.
        "predicted": by their labels, among all items of this table.
    classes : sequence, optional
        The classes, in the order wanted; None: every label that occurs, sorted.
    easy : bool
        Some items every coder gets right for certain, a share e_c of their own in every class.
    coder_prior : array (K, K) or (J, K, K), or {coder: array (K, K)}, optional
        Pseudo-counts from the coders' history: how often class c (row) was labelled l (column); of every coder, or by coder (sorted).
    prevalence_prior : array (K,), optional
        Pseudo-counts of items by class.
    interval : {"profile", "delta"}
        Limits of the prevalence: from the profile likelihood, or from the standard error on the scale of log odds.
    level : float
        Confidence level.
    starts : int
        Starts of the EM: the majority's labels, the others with random skills; the highest likelihood wins.
    seed : int
        Of the random starts.

    Returns
    -------
    CoderModelFit
        Prevalence, coders, items, with standard errors from the observed information: items are draws from many like them.

    Raises
    ------
    InputError
        Labels missing, or outside `classes`; counts or gold that differ within an item; pseudo-counts of the wrong shape.
    IdentificationError
        No item has three labels, and neither gold nor pseudo-counts of coders say what coders do; or the information is singular.
    ConvergenceError
        The EM does not settle.

    Warns
    -----
    CoderWarning
        The labels carry less than 2 % of the information that known classes would, in some direction; or several summits of the likelihood
        are as good.

    References
    ----------
    Dawid & Skene (1979), J. R. Stat. Soc. C 28(1), eqs. 2.3-2.5; Louis (1982), J. R. Stat. Soc. B 44(2), eq. 3.2; Allman, Matias & Rhodes
    (2009), Ann. Stat. 37(6) (three labels identify the classes but for their names); Varadhan & Roland (2008), Scand. J. Stat. 35(2).

    Examples
    --------
    >>> patterns = [(1, 1, 1), (1, 1, 0), (1, 0, 1), (0, 1, 1), (1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 0, 0)]
    >>> r = dawid_skene(
    ...     np.repeat(np.arange(8), 3), ["a", "b", "c"] * 8, np.ravel(patterns), counts=np.repeat([80, 34, 20, 9, 26, 30, 16, 785], 3)
    ... )
    >>> print(f"{r.estimate[1]:.3f} ({r.conf_low[1]:.3f}, {r.conf_high[1]:.3f})")
    0.156 (0.132, 0.184)
    """
    _checks.choice(gold_drawn_by, AuditDrawnBy, "gold_drawn_by")
    _checks.choice(interval, LikelihoodInterval, "interval")
    _checks.level(level)
    patterns = read_patterns(item, coder, label, counts, gold, classes)
    model = CoderModel.of(
        patterns, _prevalence_prior(prevalence_prior, patterns), _coder_prior(coder_prior, patterns), bool(easy), gold_drawn_by != "truth"
    )
    _refuse_unidentified(model)
    summits = model.summits(_checks.whole(starts, "starts", low=1), _checks.whole_seed(seed, "seed"))
    if not model.anchored:
        summits = [_named_by_trace(model, each) for each in summits]
    errors = standard_errors(model, summits[0])
    near = _near(model, summits)
    _judge(errors.kept, near)
    return _result(model, summits[0], errors, near, interval, level)


def _prevalence_prior(given: Any, patterns: Patterns) -> Floats:
    classes = patterns.shape[1]
    return np.zeros(classes) if given is None else _checks.non_negative(given, "prevalence_prior", length=classes)


def _coder_prior(given: Any, patterns: Patterns) -> Floats:
    """Pseudo-counts (J, K, K)."""
    j, k = patterns.shape
    prior = np.zeros((j, k, k))
    if given is None:
        return prior
    if isinstance(given, Mapping):
        place = {name: row for row, name in enumerate(patterns.coders.tolist())}
        unknown = [name for name in given if name not in place]
        if unknown:
            raise InputError(
                f"coder_prior names {shown(unknown)}, who gave no label. Coders are {shown(patterns.coders)}.",
                code="unknown_coder", argument="coder_prior", levels=unknown,
            )
        tables = [(place[name], table) for name, table in given.items()]
    else:
        array = np.asarray(given)
        tables = list(enumerate(array if array.ndim == 3 else [array] * j))
    for row, table in tables:
        array = np.asarray(table)
        if array.shape != (k, k) or len(tables) > j:
            raise InputError(
                f"coder_prior must hold tables of {k} classes by {k} labels, one for all coders or one for each of {j}; "
                f"got the shape {np.shape(given) if not isinstance(given, Mapping) else array.shape}.",
                code="bad_coder_prior", argument="coder_prior", classes=k, coders=j,
            )
        prior[row] = _checks.non_negative(array.ravel(), "coder_prior").reshape(k, k)
    return prior


def _refuse_unidentified(model: CoderModel) -> None:
    known = (model.patterns.gold >= 0).any() or model.coder_prior.any()
    most = int(model.patterns.given[model.patterns.counts > 0].max(initial=0))
    if not known and most < 3:
        raise IdentificationError(
            f"No item has more than {most} labels: fewer than three cannot tell a coder's errors from the prevalence. Add a third coder, "
            "gold items, or pseudo-counts of the coders (coder_prior).",
            code="fewer_than_three_coders", argument="coder", most=most,
        )


def _named_by_trace(model: CoderModel, at: Parameters) -> Parameters:
    """Classes under the names at which coders are right most often: the likelihood itself does not name them."""
    from scipy.optimize import linear_sum_assignment

    said = np.einsum("j,jcl->cl", np.asarray(model.totals.T @ model.patterns.counts), at.theta)
    rows, names = linear_sum_assignment(-said)
    order = rows[np.argsort(names)]
    return replace(at, p=at.p[order], theta=at.theta[:, order])


def _near(model: CoderModel, summits: list[Parameters]) -> Floats:
    """Least and largest prevalence (K, 2) among the summits that the data do not tell from the highest at 95 %."""
    allowed = model.height(summits[0]) - 0.5 * normal_quantile(0.95) ** 2
    p = np.array([each.p for each in summits if model.height(each) >= allowed])
    return np.stack([p.min(axis=0), p.max(axis=0)], axis=1)


def _judge(kept: float, near: Floats) -> None:
    if kept < _NOTHING:
        raise IdentificationError(
            "The labels cannot tell these coders' errors, the easy items and the prevalence apart: the information is singular. Add "
            "coders, gold items or pseudo-counts, or leave out easy=True.",
            code="coders_not_identified", argument="label",
        )
    if kept < _LITTLE:
        warnings.warn(
            f"In some direction the labels carry {100 * kept:.2g} % of the information that known classes would: the estimates hang on the "
            "model. Add coders or gold items.", CoderWarning, stacklevel=3,
        )
    apart = float(np.ptp(near, axis=1).max())
    if apart > _APART:
        warnings.warn(
            f"The likelihood has several summits that the labels do not tell apart; prevalences differ by up to {apart:.3f} between them "
            "(summit_low, summit_high). Add labels, gold items or pseudo-counts.", CoderWarning, stacklevel=3,
        )


def _result(
    model: CoderModel, at: Parameters, errors: Errors, near: Floats, interval: LikelihoodInterval, level: float
) -> CoderModelFit:
    patterns = model.patterns
    log_likelihood, hard, easy = model.chances(at)
    n = float(patterns.counts.sum())
    if interval == "profile":
        low, high = model.profile_limits(at, errors.p, level)
    else:
        low, high = share_limits("logit", at.p, errors.p, np.full(at.p.size, np.inf), np.full(at.p.size, n), level)
    theta_low, theta_high = exact_share_limits(at.theta, errors.effective, level)
    votes = patterns.votes
    first = votes == votes.max(axis=1, keepdims=True)
    return CoderModelFit(
        labels={"class": patterns.classes}, estimate=at.p, std_error=errors.p, conf_low=low, conf_high=high,
        summit_low=near[:, 0], summit_high=near[:, 1],
        majority=patterns.counts @ (first / first.sum(axis=1, keepdims=True)) / n, coders={"coder": patterns.coders}, theta=at.theta,
        theta_error=errors.theta, theta_low=theta_low, theta_high=theta_high, effective=errors.effective, easy=at.e, easy_error=errors.e,
        label_counts=np.asarray(model.totals.T @ patterns.counts), information_kept=errors.kept,
        log_likelihood=float(patterns.counts @ log_likelihood), n=n, n_labels=float(patterns.counts @ patterns.given),
        n_gold=float(patterns.counts @ (patterns.gold >= 0)), patterns=patterns.counts.size, interval=interval, level=level,
        assumptions=_assumptions(model), items={"item": patterns.items}, probabilities=(hard + easy)[patterns.of_item],
    )


def _assumptions(model: CoderModel) -> tuple[Assumption, ...]:
    enough = model.patterns.shape[0] > 3
    found = [
        Assumption(code="coders_independent", testable="partly" if enough else "no"),
        Assumption(code="coders_easy_items" if model.easy else "coders_same_errors", testable="partly" if enough else "no"),
    ]
    if not model.anchored:
        found.append(Assumption(code="coders_rather_right", testable="no"))
    if model.coder_prior.any() or model.prevalence_prior.any():
        found.append(Assumption(code="coders_history", testable="partly"))
    if (model.patterns.gold >= 0).any():
        found.append(Assumption(code="gold_is_true" if model.gold_tells_prevalence else "gold_drawn_by_truth", testable="no"))
    return tuple(found)
