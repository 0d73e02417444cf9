"""Several signals as one p-value per dealer, recalibrated on joint null draws, and the list of dealers at a false discovery rate."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .. import _checks
from ..errors import InputError, shown
from ..options import CombinationMethod, DiscoveryControl
from ..results import Flags, Floats
from .combination_result import CombinedEvidence
from .joint_null import chances, null_draws, whole_rows
from .likelihood_ratio import likelihood_ratios
from .signal_result import Signal

_CUT = 0.9  # p0: the Cauchy distribution is cut off on the left so that .9 of it is left
_LEAST_P = 1e-300  # its transform still is a number
_BEYOND = 200  # null draws the tail is tied to: their number is off by a factor of 1.15 at most, 95 times in 100


def combine(
    signals: Sequence[Signal], *, draws: int | npt.ArrayLike = 100_000, method: CombinationMethod = "truncated_cauchy",
    control: DiscoveryControl = "bh", fdr: float = 0.10, seed: int = 0,
) -> CombinedEvidence:
    """Combine signals dealer by dealer, and list the dealers to be verified at a false discovery rate.

    With the p-values p_1, ..., p_m of the signals that speak of a dealer,

        truncated Cauchy   T = Σ cot(π p₀ p_j) / m,  p₀ = .9        harmonic mean   T = Σ (1 / p_j) / m

    Both are ruled by the smallest p-values, hardly by how signals depend on each other. The rest of that dependence is dealt with by
    recalibration: p is the share of joint null draws, of the same signals, with as large a T. Beyond the largest draws that share falls
    as the tail of T's own distribution does, to which the tail of T tends whatever the normal dependence.

    Parameters
    ----------
    signals : sequence of Signal
        At least one; names differ. A dealer unknown to a signal is one of whom it says nothing.
    draws : int or array (B, S)
        Null draws: p-values of the S signals at honest dealers, row by row from the same dealer, NaN where a signal abstains. Or a
        number of them: normal scores correlated as they are among dealers of whom neither of two signals thinks ill (p above one half).
    method : {"truncated_cauchy", "harmonic_mean", "likelihood_ratio"}
        Ruled by the smallest p-values; or by how well all of them fit what dealers are known to do (`patterns.toml`). A signal unknown
        there is looked for by itself; `level_excess` and `straightlining` do not count.
    control : {"bh", "e_bh"}
        Benjamini and Hochberg on the p-values, for independent or positively dependent dealers; or e-BH, whatever the dependence.
    fdr : float
        False discovery rate of the list.
    seed : int
        Of the null draws, where only their number is given.

    Returns
    -------
    CombinedEvidence
        NaN, and not flagged, where every signal abstains.

    Raises
    ------
    InputError
        No signal, two of one name, or null draws that do not fit.

    References
    ----------
    Gui, Jiang & Wang (2025), Biometrika, asaf038 (left-truncated Cauchy); Wilson (2019), PNAS 116(4) (harmonic mean); Benjamini &
    Hochberg (1995), J. R. Stat. Soc. B 57(1); Wang & Ramdas (2022), J. R. Stat. Soc. B 84(3) (e-BH); Sun & Cai (2007), J. Amer. Stat.
    Assoc. 102(479) (one list of dealers by likelihood ratio); Efron (2004), J. Amer. Stat. Assoc. 99(465) (empirical null).

    Examples
    --------
    >>> import numpy as np
    >>> from vocstats.inflation import level_excess, outcome_discordance
    >>> rng = np.random.default_rng(2)
    >>> dealer = np.repeat(np.arange(100), 200)
    >>> score = rng.integers(8, 11, 20_000)
    >>> complaint = rng.random(20_000) < np.where(dealer == 7, 0.20, 0.03)
    >>> r = combine([level_excess(score, dealer), outcome_discordance(score, dealer, complaint)])
    >>> r.labels["dealer"][r.flagged].tolist()
    [7]
    """
    _checks.choice(method, CombinationMethod, "method")
    _checks.choice(control, DiscoveryControl, "control")
    _checks.number(fdr, "fdr", low=0.0, high=1.0, open_low=True, open_high=True)
    names, labels, p, n = _table(signals)
    null, correlation = null_draws(draws, p, seed)
    if method == "likelihood_ratio":
        statistic, p_value = likelihood_ratios(p, n, names, null, correlation if np.ndim(draws) == 0 else None)
    else:
        statistic, p_value = _combined(p, null, method)
    q, e = q_values(p_value), e_values(p_value)
    with np.errstate(invalid="ignore"):
        flagged = q <= fdr if control == "bh" else e_bh(e, fdr=fdr)
    return CombinedEvidence(
        labels={"dealer": labels}, signals=names, p_values=p, statistic=statistic, p_value=p_value, q_value=q, e_value=e,
        flagged=flagged, correlation=correlation, method=method, control=control, fdr=fdr,
    )


def q_values(p_value: npt.ArrayLike) -> Floats:
    """Benjamini and Hochberg's q-values.

        q_(i) = min over k >= i of  p_(k) M / k

    Parameters
    ----------
    p_value : array (M,)
        NaN is left out and stays NaN.

    Returns
    -------
    Floats (M,)
        Smallest false discovery rate at which the list holds each.

    Raises
    ------
    InputError
        A p-value outside 0 to 1.

    References
    ----------
    Benjamini & Hochberg (1995), J. R. Stat. Soc. B 57(1).

    Examples
    --------
    >>> q_values([0.01, 0.04, 0.03, 0.5]).round(4)
    array([0.04  , 0.0533, 0.0533, 0.5   ])
    """
    p = chances(p_value, "p_value")
    order = np.argsort(p, kind="stable")[: int(np.isfinite(p).sum())]
    steps = p[order] * order.size / np.arange(1, order.size + 1)
    q = np.full(p.size, np.nan)
    q[order] = np.minimum.accumulate(steps[::-1])[::-1]
    return q


def e_values(p_value: npt.ArrayLike, *, kappa: float | None = None) -> Floats:
    """e-values of p-values: evidence whose mean under the null hypothesis is at most 1.

        e = κ p^(κ - 1)          averaged over κ from 0 to 1:   e = (1 - p + p log p) / (p log² p)

    Parameters
    ----------
    p_value : array (M,)
        NaN stays NaN; 0 gives infinity.
    kappa : float, optional
        κ between 0 and 1; None: the average.

    Returns
    -------
    Floats (M,)

    Raises
    ------
    InputError
        A p-value outside 0 to 1, or κ not between 0 and 1.

    References
    ----------
    Vovk & Wang (2021), Ann. Stat. 49(3), eq. 1 and 2.

    Examples
    --------
    >>> e_values([0.001, 0.05, 1.0]).round(2)
    array([20.79,  1.78,  0.5 ])
    """
    p = chances(p_value, "p_value")
    with np.errstate(divide="ignore", invalid="ignore"):
        if kappa is not None:
            k = _checks.number(kappa, "kappa", low=0.0, high=1.0, open_low=True, open_high=True)
            return np.asarray(k * p ** (k - 1.0))
        log = np.log(p)
        near_one = np.abs(log) < 1e-3
        e = np.where(near_one, 0.5 - log / 6.0, (1.0 - p + p * log) / (p * log**2))
    return np.asarray(np.where(p == 0.0, np.inf, e))


def e_bh(e_value: npt.ArrayLike, *, fdr: float = 0.10) -> Flags:
    """The list of e-BH: the k largest e-values, k the largest number for which all of them reach M / (k · fdr).

    It keeps the false discovery rate however the e-values depend on each other.

    Parameters
    ----------
    e_value : array (M,)
        NaN is left out and never on the list.
    fdr : float
        False discovery rate.

    Returns
    -------
    Flags (M,)

    Raises
    ------
    InputError
        A negative e-value, or a rate not between 0 and 1.

    References
    ----------
    Wang & Ramdas (2022), J. R. Stat. Soc. B 84(3).

    Examples
    --------
    >>> e_bh([60.0, 30.0, 1.0, 0.2], fdr=0.1).tolist()
    [True, True, False, False]
    """
    rate = _checks.number(fdr, "fdr", low=0.0, high=1.0, open_low=True, open_high=True)
    e = _checks.vector(e_value, "e_value", missing=True, infinite=True)
    if (e < 0).any():
        rows = np.flatnonzero(e < 0)
        raise InputError(f"e_value must not be negative; it is at rows {shown(rows)}.", code="negative", argument="e_value", rows=rows)
    order = np.argsort(-e, kind="stable")[: int((~np.isnan(e)).sum())]
    enough = e[order] * np.arange(1, order.size + 1) >= order.size / rate
    flagged = np.zeros(e.size, bool)
    flagged[order[: int(np.flatnonzero(enough).max(initial=-1)) + 1]] = True
    return flagged


def _table(signals: Sequence[Signal]) -> tuple[tuple[str, ...], npt.NDArray[np.object_], Floats, Floats]:
    """Names, all dealers sorted, p-values (D, S), and the responses they rest on."""
    names = tuple(each.name for each in signals)
    if not names or len(set(names)) < len(names):
        raise InputError(
            f"signals must hold at least one signal, each of another name; got {shown(names)}.",
            code="bad_signals", argument="signals", levels=names,
        )
    code, labels = _checks.factorize(np.concatenate([each.labels["dealer"] for each in signals]), "signals")
    column = np.repeat(np.arange(len(names)), [each.p_value.size for each in signals])
    p, n = (np.full((labels.size, len(names)), np.nan) for _ in range(2))
    p[code, column], n[code, column] = (np.concatenate([getattr(each, figure) for each in signals]) for figure in ("p_value", "n"))
    return names, labels, p, n


def _combined(p: Floats, null: Floats, method: CombinationMethod) -> tuple[Floats, Floats]:
    """Statistic and recalibrated p-value of every dealer, pattern by pattern of the signals that speak."""
    speaks = ~np.isnan(p)
    transformed, null = _transform(p, method), _transform(null, method)
    patterns, pattern = np.unique(speaks, axis=0, return_inverse=True)
    statistic, p_value = np.full(p.shape[0], np.nan), np.full(p.shape[0], np.nan)
    for k, columns in enumerate(patterns):
        if not columns.any():
            continue
        members = np.flatnonzero(pattern.ravel() == k)
        statistic[members] = transformed[np.ix_(members, columns)].mean(axis=1)
        drawn = whole_rows(null, columns).mean(axis=1)
        p_value[members] = _recalibrated(statistic[members], np.sort(drawn), method)
    return statistic, p_value


def _transform(p: Floats, method: CombinationMethod) -> Floats:
    bounded = np.maximum(p, _LEAST_P)
    return np.asarray(1.0 / np.tan(np.pi * _CUT * bounded) if method == "truncated_cauchy" else 1.0 / bounded)


def _tail(t: Floats, method: CombinationMethod) -> Floats:
    """Chance of a transformed p-value above t."""
    return np.asarray(np.arctan2(1.0, t) / (np.pi * _CUT) if method == "truncated_cauchy" else 1.0 / t)


def _recalibrated(statistic: Floats, null: Floats, method: CombinationMethod) -> Floats:
    """Share of the sorted null draws as large; beyond the largest 200 (or one in ten, of fewer draws) by the tail of the transform."""
    beyond = min(_BEYOND, null.size // 10)
    edge = null[-beyond]
    as_large = null.size - np.searchsorted(null, statistic - 1e-12 * np.abs(statistic))
    share = (1.0 + as_large) / (1.0 + null.size)
    falling = (1.0 + beyond) / (1.0 + null.size) * _tail(statistic, method) / _tail(edge, method)
    return np.asarray(np.where(statistic > edge, falling, share))
