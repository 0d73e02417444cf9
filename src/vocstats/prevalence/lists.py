"""Capture-recapture: how many customers are on no list, from how lists overlap."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _checks
from .._checks import Floats
from .._numerics import sums_by
from ..errors import IdentificationError, InputError, shown
from ..options import InformationCriterion, LikelihoodInterval
from ..results import Assumption
from .cautions import IdentifyingAssumptionWarning
from .list_likelihood import LogLinear, LogLinearFit, fit, profile_limits
from .list_result import CaptureRecapture, size_limits

_HEADS = ("M0", "Mt", "Mh Chao", "Mh Darroch", "Mth Chao", "Mth Darroch")
_MOST = 12  # lists: 2^t histories are held in memory
_MOST_SEARCHED = 5  # lists whose every set of pairs is fitted


def capture_recapture(
    seen: Any, *, counts: npt.ArrayLike | None = None, models: Sequence[str] | str | None = None, criterion: InformationCriterion = "bic",
    interval: LikelihoodInterval = "profile", level: float = 0.95,
) -> CaptureRecapture:
    """Size of a population from overlapping lists, by log-linear models side by side.

    A customer's history h = (h_1, ..., h_t) says on which lists he is; k = Σ h_j. Counts are Poisson with

        M0            log μ_h = β_0 + β k
        Mt            log μ_h = β_0 + Σ_j β_j h_j
        Mh, Mth Darroch   the same + τ k² / 2
        Mh, Mth Chao      the same + Σ_{i=3}^{t} η_i max(k - i + 1, 0),  η_i >= 0: a lower bound of the size
        + a:b         + λ h_a h_b for two lists that go together or avoid each other;  + pairs: for every two lists

    and N = n + exp(β_0), with variance exp(β_0) + exp(2 β_0) Var(β_0). No data tell that exp(β_0) are on no list: every model assumes it in
    its own way, so that the models are worth more side by side than the best of them alone.

    Parameters
    ----------
    seen : mapping, dataframe or array (n, t)
        One column of true and false (or 1 and 0) per list; one row per customer, or per history with its `counts`.
    counts : array (n,), optional
        How often a row stands there.
    models : sequence of str, optional
        Such as ``["Mt", "Mth Chao", "Mt + survey:tickets", "Mt + pairs"]``; None: the six of the table above and ``"Mt + pairs"`` (with two
        lists ``"M0"`` and ``"Mt"``). ``"every set of pairs"``: Mt with each set of interactions of two of up to five lists.
    criterion : {"bic", "aic"}
        By which models are weighted: exp(-criterion / 2).
    interval : {"profile", "delta"}
        Limits of each model from the profile of its multinomial likelihood, or from the standard error on the logarithmic scale.
    level : float
        Confidence level.

    Returns
    -------
    CaptureRecapture
        Estimates by model, their average, and whether they agree.

    Raises
    ------
    InputError
        A row is on no list, a list is empty, a model is unknown, there are more than 12 lists.
    IdentificationError
        One list only, nobody on two lists, or an overlap that leaves those on no list open in every model.

    Warns
    -----
    IdentifyingAssumptionWarning
        The models' estimates lie further apart than the limits of the model of the largest weight.

    References
    ----------
    Rivest & Baillargeon (2007), Biometrics 63(4) (lower bounds); Rivest (2011), Statistica Sinica 21(4); Chao (1987), Biometrics 43(4);
    Darroch, Fienberg, Glonek & Junker (1993), JASA 88(423); Cormack (1992), Biometrics 48(2) (profile); Fienberg & Rinaldo (2012),
    Ann. Stat. 40(2) (empty cells); Buckland, Burnham & Augustin (1997), Biometrics 53(2), eq. 9 (average).

    Examples
    --------
    >>> lists = {"tickets": [1, 1, 0], "notes": [1, 0, 1]}
    >>> r = capture_recapture(lists, counts=[20, 80, 60], models=["Mt"])
    >>> print(f"{r.estimate[0]:.0f} of whom {r.n:.0f} seen, limits {r.conf_low[0]:.0f} to {r.conf_high[0]:.0f}")
    400 of whom 160 seen, limits 294 to 582
    """
    _checks.choice(criterion, InformationCriterion, "criterion")
    _checks.choice(interval, LikelihoodInterval, "interval")
    _checks.level(level)
    names, histories, y = _histories(seen, counts)
    shared = (histories * y[:, None]).T @ histories
    _refuse_unconnected(names, shared)
    wanted = _wanted(models, names)
    tables = {name: LogLinear(x=x, y=y, bounded=bounded) for name, (x, bounded) in wanted.items()}
    fits = {name: found for name, table in tables.items() if (found := fit(table)) is not None}
    if not fits:
        raise IdentificationError(
            f"The overlap of the lists does not suit {shown(tables, len(tables))}: two lists without a common customer, or one whose every "
            "customer is on another, leave those on no list open. Use fewer interactions or join lists.",
            code="list_overlap_unsuited", argument="seen", levels=list(tables),
        )
    options = _Options(criterion, interval, level)
    left_out = tuple(name for name in tables if name not in fits)
    result = _result(names, shared, {name: tables[name] for name in fits}, fits, left_out, options)
    if result.assumption_drives:
        warnings.warn(
            f"The models give sizes from {result.estimate.min():.0f} to {result.estimate.max():.0f}, further apart than the limits of the "
            "model of the largest weight: what is assumed of customers on no list drives the answer. Report the range.",
            IdentifyingAssumptionWarning, stacklevel=2,
        )
    return result


@dataclass(frozen=True, slots=True)
class _Options:
    criterion: InformationCriterion
    interval: LikelihoodInterval
    level: float


def _histories(seen: Any, counts: Any) -> tuple[tuple[str, ...], Floats, Floats]:
    """Names of the lists, every history that can be seen (2^t - 1, t) and how often it was."""
    table = seen if isinstance(seen, Mapping) or hasattr(seen, "columns") else _named(seen)
    names = tuple(str(name) for name in table)
    if len(names) > _MOST:
        raise InputError(
            f"seen has {len(names)} lists; {_MOST} are the most. Join lists that see the same customers.",
            code="too_many_lists", argument="seen", got=len(names), most=_MOST,
        )
    if len(names) < 2:
        raise IdentificationError(
            "One list cannot tell how many customers are on none: two that overlap are needed.", code="one_list", argument="seen"
        )
    length = len(table[next(iter(table))])
    on = np.column_stack([_checks.flags(table[name], f"seen[{str(name)!r}]", length=length) for name in table])
    often = np.ones(length) if counts is None else _checks.non_negative(counts, "counts", length=length)
    rows = np.flatnonzero(~on.any(axis=1) & (often > 0))
    if rows.size:
        raise InputError(
            f"Rows {shown(rows)} of seen are on no list: how many such customers there are is what is to be found. Remove these rows.",
            code="on_no_list", argument="seen", rows=rows, count=int(rows.size),
        )
    codes = on @ (2 ** np.arange(len(names)))
    return names, _every_history(len(names)), sums_by(codes, often, 2 ** len(names))[1:]


def _every_history(lists: int) -> Floats:
    """Those that can be seen, (2^t - 1, t): 1 where a customer is on the list."""
    return np.asarray(np.arange(1, 2**lists)[:, None] >> np.arange(lists) & 1, float)


def _named(seen: Any) -> dict[str, Any]:
    array = np.asarray(seen)
    if array.ndim != 2:
        raise InputError(
            f"seen must have one row per customer and one column per list; its shape is {array.shape}.",
            code="bad_lists_shape", argument="seen", shape=str(array.shape),
        )
    return {f"list{j + 1}": column for j, column in enumerate(array.T)}


def _refuse_unconnected(names: tuple[str, ...], shared: Floats) -> None:
    empty = [name for name, size in zip(names, np.diag(shared), strict=True) if size == 0]
    if empty:
        raise InputError(f"Nobody is on the lists {shown(empty)}. Leave them out.", code="empty_list", argument="seen", levels=empty)
    if not np.triu(shared, 1).any():
        raise IdentificationError(
            "No customer is on two lists: without overlap there may be any number of customers on none. Check that customers are matched.",
            code="no_overlap", argument="seen", levels=names,
        )


def _wanted(models: Any, names: tuple[str, ...]) -> dict[str, tuple[Floats, int]]:
    """Design and number of bounded coefficients of each model, by its name."""
    pairs = [f"{a}:{b}" for a, b in combinations(names, 2)]
    if models is None:
        given: Sequence[str] = _HEADS[:2] if len(names) == 2 else (*_HEADS, "Mt + pairs")
    elif models == "every set of pairs":
        _checks.number(len(names), "number of lists", high=_MOST_SEARCHED)
        saturated = len(pairs) if len(names) > 2 else 0
        given = [" + ".join(("Mt", *some)) for some in chain.from_iterable(combinations(pairs, k) for k in range(saturated + 1))]
    else:
        given = [models] if isinstance(models, str) else list(models)
    if not given:
        raise InputError("models names no model. Give one, or leave it out.", code="no_models", argument="models")
    return {str(model): _design(str(model), names) for model in given}


def _design(model: str, names: tuple[str, ...]) -> tuple[Floats, int]:
    """Columns of one model over every history that can be seen; the bounded ones come last."""
    head, *terms = (part.strip() for part in model.split(" + "))
    every = list(combinations(names, 2))
    chosen: list[tuple[str, ...]] = []
    for term in terms:
        chosen += every if term == "pairs" else [pair for pair in every if ":".join(pair) == term or ":".join(pair[::-1]) == term]
        if term != "pairs" and not any(term in (":".join(pair), ":".join(pair[::-1])) for pair in every):
            raise InputError(
                f"{term!r} of the model {model!r} is no pair of lists. Pairs are {shown([':'.join(pair) for pair in every], len(every))}.",
                code="unknown_list_pair", argument="models", levels=[term], model=model,
            )
    if head not in _HEADS:
        raise InputError(
            f"Unknown model {model!r}: it must begin with one of {', '.join(_HEADS)}.",
            code="unknown_list_model", argument="models", levels=[model], allowed=", ".join(_HEADS),
        )
    t = len(names)
    h = _every_history(t)
    k = h.sum(axis=1, keepdims=True)
    main = h if head.startswith("Mt") else k
    together = [h[:, names.index(a)] * h[:, names.index(b)] for a, b in dict.fromkeys(chosen)]
    columns = [np.ones((h.shape[0], 1)), main, *(each[:, None] for each in together)]
    bounded = max(t - 2, 0) if head.endswith("Chao") else 0
    if head.endswith("Darroch"):
        columns.append(k**2 / 2.0)
    columns += [np.maximum(k - i + 1, 0.0) for i in range(3, t + 1)][:bounded]
    return np.hstack(columns), bounded


def _result(
    names: tuple[str, ...], shared: Floats, tables: Mapping[str, LogLinear], fits: Mapping[str, LogLinearFit], left_out: tuple[str, ...],
    options: _Options,
) -> CaptureRecapture:
    n = next(iter(tables.values())).n
    unseen, error = np.array([each.unseen for each in fits.values()]), np.array([each.std_error for each in fits.values()])
    parameters = np.array([each.parameters for each in fits.values()], float)
    likelihood = np.array([each.log_likelihood for each in fits.values()])
    aic, bic = 2.0 * parameters - 2.0 * likelihood, np.log(n) * parameters - 2.0 * likelihood
    ranked = bic if options.criterion == "bic" else aic
    weight = np.exp(0.5 * (ranked.min() - ranked))
    weight /= weight.sum()
    if options.interval == "profile":
        limits = np.array([profile_limits(tables[name], found.unseen, options.level) for name, found in fits.items()]).T
    else:
        limits = n + np.array(size_limits(unseen, error, options.level))
    average = float(weight @ unseen)
    spread = float(weight @ np.sqrt(error**2 + (unseen - average) ** 2))
    ends = size_limits(np.array(average), np.array(spread), options.level)
    best = int(np.argmax(weight))
    histories = next(iter(tables.values())).y.size
    return CaptureRecapture(
        models=tuple(fits), estimate=n + unseen, std_error=error, conf_low=limits[0], conf_high=limits[1],
        deviance=np.array([each.deviance for each in fits.values()]), df=histories - parameters, aic=aic, bic=bic, weight=weight,
        average=n + average, average_std_error=spread, average_low=n + float(ends[0]), average_high=n + float(ends[1]), lists=names,
        shared=shared, n=n, not_estimable=left_out, assumption_drives=bool(np.ptp(unseen) > limits[1][best] - limits[0][best]),
        criterion=options.criterion, interval=options.interval, level=options.level, assumptions=_assumptions(),
    )


def _assumptions() -> tuple[Assumption, ...]:
    return (
        Assumption(code="lists_closed", testable="no"),
        Assumption(code="lists_matched", testable="no"),
        Assumption(code="lists_model", testable="partly"),
        Assumption(code="lists_highest_interaction", testable="no"),
    )
