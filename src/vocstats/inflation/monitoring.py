"""Monitoring dealers run by run: evidence of inflated answers that may be looked at after every run."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _checks
from ..errors import InputError, shown
from ..results import Flags, Floats
from .case_mix import Codes, outcome
from .combination import e_bh
from .monitor_state import MonitorState, MonitorSums
from .monitor_sums import Run, moments, no_sums, read_characteristics, with_run
from .null import FEWEST, EmpiricalNull, fit_null
from .signal_result import dealers_of
from .start_mixtures import Gaps, mixed_evidence

Labels = npt.NDArray[Any]

_LIFT = 0.3  # standard deviations of an answer for which the limits are shortest


def monitor(
    score: npt.ArrayLike, dealer: Any, independent: npt.ArrayLike, *, period: str, state: MonitorState | None = None, x: Any = None,
    top: float | None = None, null: EmpiricalNull | None = None, fdr: float = 0.10, level: float = 0.90,
) -> MonitorState:
    """Evidence, run by run, that a dealer's own invitations bring higher scores than those of honest dealers do.

    Call it with the new responses of each run and the state of the run before. An honest dealer's invitations bring g_0 + h_d more than
    independent ones at all times, h_d ~ N(0, ω²); each run measures that gap. The e-value is the ratio of the marginal likelihoods of all
    gaps so far, h_d integrated out on both sides,

        e_d = Σ_s π_s Σ_δ π_δ  p(g_d1, ..., g_dT | gap larger by δ from run s on) / p(g_d1, ..., g_dT | honest)

    with half the chance on s = 1, the rest falling off by 1 / 36 a run, and nine lifts δ from .1 to 1.6 standard deviations of an answer.
    Under the honest network it is a martingale: its mean is 1 at any run, also one chosen by looking at the evidence, and it ever
    reaches 1 / α with probability α at most. p-values of monthly tests have no such bound, and their products count one honest gap as
    often as there are months.

    g_0 and ω are those of `null`, or fitted in every run to the mean gaps of all runs so far (`fit_null`: the lower tail, which inflation
    leaves alone) and integrated over the values these allow: e_d is then the ratio for the whole network's answers.

    Parameters
    ----------
    score : array (n,)
        Score of each response of this run; none of earlier runs.
    dealer : array (n,)
        Its dealer. New dealers may come, others stay away.
    independent : boolean array (n,)
        Whether somebody other than the dealer invited the customer (the manufacturer).
    period : str
        Label of the run that sorts by time, such as "2026-09".
    state : MonitorState, optional
        What the run before returned, or `vocstats.load` read from its JSON; None: the first run.
    x : mapping, dataframe or array (n, p), optional
        Characteristics of the customer, the same in every run. Labels enter as indicators, numbers as they are; new labels may come.
    top : float, optional
        Count a score of at least this as 1, any other as 0. None: the mean score. Settled in the first run.
    null : EmpiricalNull, optional
        Honest gaps known from elsewhere, given in the first run and kept; None: fitted.
    fdr : float
        False discovery rate of the list.
    level : float
        Probability that the limits of a dealer's effect hold at every run.

    Returns
    -------
    MonitorState
        Evidence, list and all sums: `to_json` and `vocstats.load` resume bit for bit. The standard error accounts for the error of
        measurement, ω, the uncertainty of g_0 and the effects of the characteristics. Says nothing, with a reason, of dealers with fewer
        than two answers in a channel (few_responses, one_channel), where all scores are equal (constant_scores), and with fewer than 20
        dealers and no `null` (few_dealers).

    Raises
    ------
    InputError
        Bad arrays; a period that was taken before or sorts before the latest; characteristics, `top`, `null` or kind of dealer labels other
        than before.

    References
    ----------
    Robbins (1970), Ann. Math. Stat. 41(5), for mixtures; Ramdas, Grünwald, Vovk & Shafer (2023), Stat. Sci. 38(4), for e-processes; Shin,
    Ramdas & Rinaldo (2023), New Engl. J. Stat. Data Sci. 2(2), for starting anew at every run; Wang & Ramdas (2022), J. R. Stat. Soc. B
    84(3), for the list.

    Examples
    --------
    >>> import numpy as np
    >>> rng, state = np.random.default_rng(1), None
    >>> dealer, independent = np.repeat(np.arange(60), 80), np.tile(np.arange(80) < 20, 60)
    >>> for month in range(1, 13):
    ...     chance = np.where((dealer == 7) & ~independent & (month > 3), 0.95, 0.65)
    ...     score = np.where(rng.random(dealer.size) < chance, 10, 8)
    ...     state = monitor(score, dealer, independent, top=9, period=f"2026-{month:02d}", state=state)
    >>> print(state.labels["dealer"][state.flagged], state.details["first_flagged"][7], state.details["since"][7])
    [7] 2026-10 2026-04
    """
    _checks.level(level)
    _checks.number(fdr, "fdr", low=0.0, high=1.0, open_low=True, open_high=True)
    periods = _next(period, state)
    if state is not None:
        top, null = _as_before(top, null, state)
    y = outcome(score, top)
    now = dealers_of(dealer, length=y.size)
    outside = _checks.flags(independent, "independent", length=y.size)
    labels, known, place = _all_dealers(state, now.labels)
    run = Run(y, place[now.code], labels.size, outside, *read_characteristics(x, y.size))
    sums = with_run(no_sums(run) if state is None else state.sums, known, run)
    reasons, fitted, figures = _judged(sums, null, level)
    flagged = e_bh(figures["e_value"], fdr=fdr)
    highest, first = np.full(labels.size, np.nan), np.full(labels.size, "", object)
    if state is not None:
        highest[known], first[known] = state.e_max, state.details["first_flagged"]
    highest = np.fmax(highest, figures["e_value"])
    likeliest = np.append(np.array(periods, object), "")[figures.pop("since").astype(np.intp)]
    return MonitorState(
        labels={"dealer": labels}, periods=periods, n=sums.powers[0], **figures, e_max=highest, p_value=1.0 / np.maximum(highest, 1.0),
        flagged=flagged, details={"first_flagged": np.where(flagged & (first == ""), period, first), "since": likeliest},
        reasons=reasons, null=fitted, null_given=null is not None, top=top, fdr=fdr, level=level, sums=sums,
    )


def _all_dealers(state: MonitorState | None, labels: Labels) -> tuple[Labels, Codes, Codes]:
    """Dealers of the earlier runs and of this one, sorted, and the places of either among them."""
    if state is None:
        return labels, np.arange(0), np.arange(labels.size)
    earlier = state.labels["dealer"]
    if _is_text(earlier) != _is_text(labels):
        raise InputError(
            f"dealer holds {shown(labels[:3], 3)}, the earlier runs {shown(earlier[:3], 3)}: text in one, no text in the other. "
            "Convert it first.",
            code="other_labels", argument="dealer", levels=labels[:3].tolist(), expected=shown(earlier[:3], 3),
        )
    place, both = _checks.factorize(np.concatenate([earlier, labels]), "dealer")
    return both, place[: earlier.size], place[earlier.size :]


def _is_text(labels: Labels) -> bool:
    return all(isinstance(label, str) for label in labels.tolist())


def _as_before(top: float | None, null: EmpiricalNull | None, state: MonitorState) -> tuple[float | None, EmpiricalNull | None]:
    """What was settled in the first run holds."""
    if top is not None and top != state.top:
        raise InputError(
            f"top was {state.top} in the earlier runs; got {top!r}. Leave it out, or begin anew.", code="changed_midway", argument="top",
            value=repr(top), before=str(state.top),
        )
    if null is not None and not (state.null_given and state.null is not None and _same(null, state.null)):
        raise InputError(
            "null must be given in the first run or never: evidence held against different honest networks does not add up. Leave it out, "
            "or begin anew.",
            code="null_midway", argument="null",
        )
    return state.top, state.null if state.null_given else None


def _same(one: EmpiricalNull, other: EmpiricalNull) -> bool:
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in ("centres", "spreads", "chances"))


def _judged(
    sums: MonitorSums, null: EmpiricalNull | None, level: float
) -> tuple[tuple[str, ...], EmpiricalNull | None, dict[str, Floats]]:
    """Why nothing can be said of a dealer, honest gaps, and per dealer effect, limits, e-value and likeliest first run (-1: none)."""
    answer = moments(sums)
    gaps = Gaps.of(sums.compared.sum(axis=0), answer.variance, answer.third)
    reasons = _reasons(sums, gaps.precision > 0)
    speaks = reasons == ""
    if null is None and speaks.sum() >= FEWEST:
        null = fit_null(gaps.mean[speaks], 1.0 / gaps.precision[speaks], level=level)
    figures = {name: np.full(speaks.size, np.nan) for name in ("effect", "std_error", "conf_low", "conf_high", "e_value")}
    figures["since"] = np.full(speaks.size, -1.0)
    if null is None:
        reasons[speaks] = "few_dealers"
    elif speaks.any():
        e, since = mixed_evidence(sums.compared[..., speaks], answer.variance[speaks], answer.third[speaks], null, sums.scale)
        effect = gaps.mean[speaks] - null.centre
        variance = 1.0 / gaps.precision[speaks] + null.spread**2 + null.centre_error**2
        half = np.sqrt(_reach(variance, (_LIFT * sums.scale) ** 2, level))
        found = {"effect": effect, "std_error": np.sqrt(variance), "conf_low": effect - half, "conf_high": effect + half}
        for name, values in {**found, "e_value": e, "since": since}.items():
            figures[name][speaks] = values
    return tuple(reasons.tolist()), null, figures


def _reasons(sums: MonitorSums, measured: Flags) -> npt.NDArray[np.object_]:
    """Why nothing can be said of a dealer; "" where something can."""
    reasons = np.where(measured, "", "few_responses").astype(object)
    reasons[~measured & (sums.waiting[..., 0] == 0).any(axis=0)] = "one_channel"
    reasons[:] = "constant_scores" if sums.high <= sums.low else reasons
    return reasons


def _reach(variance: Floats, lift: float, level: float) -> Floats:
    """Squared half-width of limits that hold at every run: where the normal mixture's e-value reaches 1 / (1 - level)."""
    both = variance + lift
    return np.asarray(variance * both / lift * (np.log(both / variance) - 2.0 * np.log1p(-level)))


def _next(period: Any, state: MonitorState | None) -> tuple[str, ...]:
    """All periods, this one included."""
    if not isinstance(period, str) or not period:
        raise InputError(
            f"period must be text that sorts by time, such as '2026-09'; got {period!r}.", code="not_a_period", argument="period",
            value=repr(period),
        )
    if state is None:
        return (period,)
    if not isinstance(state, MonitorState):
        raise InputError(
            f"state must be what an earlier call of monitor returned, or None; got {type(state).__name__}. Read a file with vocstats.load.",
            code="not_a_state", argument="state", value=type(state).__name__,
        )
    if period in state.periods:
        raise InputError(
            f"period {period!r} is in the state already: its answers would count twice.",
            code="period_again", argument="period", value=period,
        )
    if period < state.periods[-1]:
        raise InputError(
            f"period {period!r} sorts before {state.periods[-1]!r}, the latest in the state. Take runs in their order, with labels that "
            "sort by time, such as '2026-09'.",
            code="period_out_of_order", argument="period", value=period, latest=state.periods[-1],
        )
    return (*state.periods, period)
