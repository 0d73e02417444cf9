"""Shared address: more of a dealer's forms than elsewhere come from one address, though from as many devices."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _checks
from .._checks import Integers
from ..results import Floats
from .chances import spread_of_shares
from .count_excess import count_excess
from .null import EmpiricalNull
from .signal_result import Dealers, Signal, codes_of, dealers_of, own_responses, signal

Flags = npt.NDArray[np.bool_]

_FEWEST = 2  # forms: one shares its address with nobody
_ENOUGH = 500  # independent forms, to learn the usual share from


def shared_address(
    address: Any, dealer: Any, *, device: Any = None, independent: npt.ArrayLike | None = None, null: EmpiricalNull | None = None,
    level: float = 0.95,
) -> Signal:
    """Forms a dealer asked for that come from one address, such as that of the network on his premises, each from a device of its own.

    Customers answer from the waiting room, and a tablet in the showroom sends many forms from there. So forms from a device that sent
    several of the dealer's forms are left out (crowds of them are for `bursts`), and the dealer's independently invited customers tell
    how many answer from there anyway. Of n_d forms left that he asked for, O_d come from the address that sent most of his forms
    (none, if it sent one). With k_d of m_d independent ones from there, drawn towards the network's share p as far as their differences
    are chance,

        E_d = n_d p_d,   V_d = n_d p_d (1 - p_d),   p_d = p + τ² / (τ² + p (1 - p) / m_d) (k_d / m_d - p)

    τ² the variance between dealers. Counts are held against honest dealers as in `quick_forms`:

        x_d = 2 (√(O_d + 3/8) - √(E_d + 3/8)) √E_d / V_d ~ N(μ, 1 / V_d + u_d + ω²),   u_d the variance of logit p_d
        p-value = ∫ P(X > O_d | x) + P(X = O_d | x) / 2 dN(x; μ, u_d + ω²),   X binomial, its log odds moved by x

    Parameters
    ----------
    address : array (n,)
        Address (of the network) each form came from; missing where unknown. None: the signal abstains.
    dealer : array (n,)
        Dealer of each form.
    device : array (n,), optional
        Device each form came from; missing where unknown. None: no form is left out, and a dealer with a tablet of his own stands out.
    independent : boolean array (n,), optional
        Whether somebody other than the dealer invited the customer. None: how many customers answer from the waiting room is not
        known, and the signal abstains.
    null : EmpiricalNull, optional
        Honest network of x from elsewhere; None: fitted to these dealers.
    level : float
        Confidence level.

    Returns
    -------
    Signal
        Its effect is the share of forms in excess; the standard error accounts for chance and the honest spread. Details: `same_address`,
        `expected`, `independent_share` (as observed, NaN where there is none), `shared_device` (forms left out). Evidence: the forms from
        that address. Abstains without addresses (no_addresses) or channels (no_channel), with fewer than 500 independent forms
        (few_independent), with a single form (few_responses), and with fewer than 20 dealers and no `null` (few_dealers).

    Raises
    ------
    InputError
        Bad arrays, or no responses.

    References
    ----------
    Efron & Morris (1975), J. Amer. Stat. Assoc. 70(350), for shares drawn towards their mean. The test is ours.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> dealer = np.repeat(np.arange(60), 100)
    >>> independent = rng.random(dealer.size) < 0.25
    >>> here = rng.random(dealer.size) < np.where((dealer == 7) & ~independent, 0.4, 0.15)
    >>> r = shared_address(np.where(here, dealer, 60 + np.arange(dealer.size)), dealer, independent=independent)
    >>> print(f"{r.details['same_address'][7]:.0f} instead of {r.details['expected'][7]:.1f}, p = {r.p_value[7]:.0e}")
    35 instead of 10.1, p = 4e-05
    """
    _checks.level(level)
    dealers = dealers_of(dealer, length=None if address is None else len(_checks.unmasked(address)))
    size = dealers.code.size
    place = np.full(size, -1, np.intp) if address is None else codes_of(address, "address", size)
    machine = np.full(size, -1, np.intp) if device is None else codes_of(device, "device", size)
    own = own_responses(independent, size)
    shared = (machine >= 0) & (_alike(dealers, machine) > 1)
    kept = (place >= 0) & ~shared
    here = kept & _most_used(dealers, place, kept)
    n, seen = dealers.sums(kept & own), dealers.sums(here & own)
    m, usual = dealers.sums(kept & ~own), dealers.sums(here & ~own)
    chance, unsure = _chances(usual, m)
    speaks = (n >= _FEWEST) & (m.sum() >= _ENOUGH)
    excess = count_excess(seen, n * chance, n * chance * (1.0 - chance), speaks, null, level, unsure=unsure)
    with np.errstate(divide="ignore", invalid="ignore"):
        return signal(
            "shared_address", dealers, n=n, effect=excess.effect / n, std_error=excess.std_error / n, statistic=excess.statistic,
            p_value=excess.p_value, unit="share", level=level, null=excess.told, evidence=np.flatnonzero(here & own),
            abstains={
                "no_addresses": np.full(dealers.count, not (place >= 0).any()), "no_channel": np.full(dealers.count, independent is None),
                "few_independent": np.full(dealers.count, m.sum() < _ENOUGH), "few_responses": n < _FEWEST,
                "few_dealers": np.full(dealers.count, excess.null is None),
            },
            details={
                "same_address": seen, "expected": n * chance, "independent_share": usual / m, "shared_device": dealers.sums(shared & own),
            },
        )


def _alike(dealers: Dealers, label: Integers) -> Integers:
    """How many of the dealer's forms have the label of each form."""
    pair = dealers.code * (int(label.max(initial=-1)) + 2) + label + 1
    _, group, size = np.unique(pair, return_inverse=True, return_counts=True)
    return np.asarray(size[group])


def _most_used(dealers: Dealers, place: Integers, kept: Flags) -> Flags:
    """Whether a form kept has the address that sent most of its dealer's, two or more; of addresses that sent as many the first."""
    rows = np.flatnonzero(kept)
    places = int(place.max(initial=0)) + 1
    pair, group, size = np.unique(dealers.code[rows] * places + place[rows], return_inverse=True, return_counts=True)
    of = pair // places
    order = np.lexsort((-size, of))
    first = order[np.unique(of[order], return_index=True)[1]]
    chosen = np.zeros(pair.size, bool)
    chosen[first] = size[first] >= _FEWEST
    result = np.zeros(kept.size, bool)
    result[rows] = chosen[group]
    return result


def _chances(count: Floats, n: Floats) -> tuple[Floats, Floats]:
    """Shares drawn towards their mean as far as their differences are chance, and the variance of their log odds."""
    mean = float((count.sum() + 0.5) / (n.sum() + 1.0))
    chance = mean * (1.0 - mean)
    share = np.divide(count, n, out=np.full(n.size, mean), where=n > 0)
    spread = spread_of_shares(share, n, mean)
    drawn = mean + (share - mean) * n * spread / (n * spread + chance)
    drawn = np.clip(drawn, 0.5 / (n + 1.0) * mean, 1.0 - 0.5 / (n + 1.0) * (1.0 - mean))
    return drawn, spread * chance / (n * spread + chance) / (drawn * (1.0 - drawn)) ** 2
