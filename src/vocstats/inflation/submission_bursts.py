"""Bursts: forms of one dealer, device or address that come in a crowd within minutes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _checks
from .._checks import Floats, Integers
from ..errors import InputError
from .clock import Moments, moments
from .daily_scan import Hours, Place, crowds
from .resampled_null import draws_needed, pooled_p
from .signal_result import Dealers, Signal, codes_of, dealers_of, signal

_FEWEST = 3  # forms: two are a couple
_DAY = 86_400
_EXCESS = 0.05  # such windows expected at an honest dealer for one to count as a burst
_SIZE_CLASSES = 5


def bursts(
    time: npt.ArrayLike, dealer: npt.ArrayLike, *, device: npt.ArrayLike | None = None, address: npt.ArrayLike | None = None,
    kiosks: Iterable[Any] = (), windows: Iterable[float] = (10, 30, 120), draws: int | None = None, level: float = 0.95, seed: int = 0,
) -> Signal:
    """Forms that come in a crowd, at one dealer, from one device or one address, within minutes.

    Forms are scanned day by day, in groups of three or more: those of the dealer, of each device, of each address. A window begins with
    a form. Given the N forms of the group on that day, the others fall into it with probability μ, its share of the day by the hours at
    which forms come on the dealer's other days (the network's hours count as 30 forms), so c forms are found in

        E = G W N P(Bin(N - 1, μ) ≥ c - 1)

    windows of the dealer's G groups and W widths, at most. A device in use all day long is no burst, however many forms it sends. The
    statistic is -log E of the least expected window; its null distribution comes from exchanging places in the day between dealers of
    like size.

    Parameters
    ----------
    time : array of moments (n,)
        When the form was submitted, by the dealer's clock; missing where unknown.
    dealer : array (n,)
        Dealer of each response.
    device, address : array (n,), optional
        Device and address (network address, e-mail domain, telephone) that the form came from; missing where unknown.
    kiosks : labels
        Devices registered as tablets of the showroom; their forms are left out.
    windows : numbers
        Widths of the windows in minutes.
    draws : int, optional
        Draws of the honest network; None: as many as make 4,000 over all dealers, 400 at most.
    level : float
        Confidence level; the effect is a count and has no limits.
    seed : int
        Seed of the draws.

    Returns
    -------
    Signal
        `n` counts forms with a time that came from no kiosk; `effect` is the share of them in bursts, windows with E < .05. `details`, of
        the least expected window: forms (`burst_forms`), minutes from the first to the last (`burst_minutes`), when it began
        (`burst_start`), whether all came from one "device", one "address" or anyhow ("dealer": `burst_place`), E (`burst_expected`); the
        forms in all bursts (`forms`), and those from the device used most (`device_forms`). Evidence: the forms in bursts.

    Raises
    ------
    InputError
        Bad arrays or options.

    References
    ----------
    Naus (1965), JASA 60, and Kulldorff (1997), Commun. Stat. Theory Methods 26(6), for scans given the number of events; Wallenstein &
    Neff (1987), Stat. Med. 6, for the bound.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> time = np.datetime64("2026-09-01T08:00:00") + rng.integers(0, 30, 400) * 86_400 + rng.integers(0, 36_000, 400)
    >>> time[:20] = np.datetime64("2026-09-03T17:20:00") + np.arange(20) * 50
    >>> r = bursts(time, np.repeat(np.arange(10), 40))
    >>> int(r.details["burst_forms"][0]), float(r.details["burst_minutes"][0].round(1)), r.rows_of(0).size, bool(r.p_value[0] < 1e-4)
    (20, 15.8, 20, True)
    """
    _checks.level(level)
    dealers = dealers_of(dealer, length=np.size(time))
    size = dealers.code.size
    moment = moments(time, "time", length=size)
    places = {name: codes_of(label, name, size) for name, label in (("device", device), ("address", address)) if label is not None}
    widths = _widths(windows)
    rounds = draws_needed(dealers, total=4_000) if draws is None else _checks.whole(draws, "draws", low=2)
    used = ~np.isnat(moment) & ~_registered(device, kiosks, size)
    rows = np.flatnonzero(used)
    rows = rows[np.lexsort((moment[rows], dealers.code[rows]))]  # neighbours in memory are neighbours in time
    scan = _Scan.of(moment[rows], dealers.code[rows], {name: code[rows] for name, code in places.items()}, dealers, widths)
    null = scan.draws(rounds, np.random.default_rng(_checks.whole_seed(seed, "seed")))
    return _found(scan, null, rows, moment, np.isnat(moment), dealers, level)


def _widths(windows: Iterable[float]) -> tuple[float, ...]:
    widths = _checks.numbers(windows, "windows")
    if not widths or min(widths) <= 0 or max(widths) > 720:
        raise InputError(
            f"windows must be widths in minutes, above 0 and up to 720; got {widths}.", code="bad_windows", argument="windows",
            value=str(widths),
        )
    return tuple(60.0 * width for width in widths)


def _registered(device: Any, kiosks: Iterable[Any], length: int) -> npt.NDArray[np.bool_]:
    known = set(kiosks)
    if known and device is None:
        raise InputError(
            "kiosks are given, but no device of the forms. Pass device as well.", code="kiosks_without_device", argument="kiosks"
        )
    if not known:
        return np.zeros(length, bool)
    return np.array([value in known for value in _checks.unmasked(device).tolist()], bool)


@dataclass(frozen=True, slots=True, eq=False)
class _Scan:
    """The forms scanned, with the places they come from and the hours expected.

    Attributes
    ----------
    seconds : int array (n,)
        Second of the day.
    dealer : int array (n,)
    hours : Hours
    places : {name: Place}
    groups : Floats (D,)
        Groups of a dealer, over all places.
    widths : tuple of float
    most : Floats (D,)
        Forms from the device used most.
    """

    seconds: npt.NDArray[np.int64]
    dealer: Integers
    hours: Hours
    places: dict[str, Place]
    groups: Floats
    widths: tuple[float, ...]
    most: Floats

    @classmethod
    def of(cls, moment: Moments, dealer: Integers, codes: dict[str, Integers], dealers: Dealers, widths: tuple[float, ...]) -> _Scan:
        date, seconds = np.divmod(moment.astype(np.int64), _DAY)
        hours = Hours.of(seconds, date, dealer, dealers.count)
        places = {name: Place.of(hours.day, code, _FEWEST) for name, code in codes.items()}
        places["dealer"] = Place.of(hours.day, None, _FEWEST)
        groups = np.zeros(dealers.count)
        for place in places.values():
            np.add.at(groups, dealer[place.forms], 1.0 / place.size[place.group])
        most = _device_used_most(codes, dealer, dealers.count)
        return cls(seconds, dealer, hours, places, np.maximum(np.round(groups), 1.0), widths, most)

    def least(self, seconds: npt.NDArray[np.int64]) -> Floats:
        """-log of the smallest E by dealer, 0 where none is below 1."""
        found = np.zeros(self.groups.size)
        for place in self.places.values():
            windows = crowds(place, self.hours, seconds, self.widths, _FEWEST)
            at = self.dealer[windows.order[windows.first]]
            np.maximum.at(found, at, -np.log(np.maximum(self.groups[at] * windows.expected, 1e-300)))
        return found

    def draws(self, rounds: int, rng: np.random.Generator) -> Floats:
        """`least` of networks in which forms have exchanged their place in the day, (rounds, D)."""
        share = self.hours.share_before(self.hours.day, self.seconds)
        forms = np.bincount(self.dealer, minlength=self.groups.size)
        stratum = np.searchsorted(np.quantile(forms, np.arange(1, _SIZE_CLASSES) / _SIZE_CLASSES), forms, side="left")[self.dealer]
        home, found, exchanged = np.argsort(stratum, kind="stable"), [], np.empty_like(share)
        for _ in range(rounds):
            exchanged[home] = share[np.argsort(stratum + rng.random(stratum.size))]
            found.append(self.least(self.hours.second(exchanged)))
        return np.stack(found)


def _device_used_most(codes: dict[str, Integers], dealer: Integers, dealers: int) -> Floats:
    most = np.full(dealers, np.nan)
    if "device" in codes:
        known = codes["device"] >= 0
        pair, number = np.unique(codes["device"][known] * dealers + dealer[known], return_counts=True)
        most[:] = 0.0
        np.maximum.at(most, pair % dealers, number)
    return most


def _found(
    scan: _Scan, null: Floats, rows: Integers, moment: Moments, untimed: npt.NDArray[np.bool_], dealers: Dealers, level: float
) -> Signal:
    forms = np.bincount(scan.dealer, minlength=dealers.count).astype(float)
    statistic = scan.least(scan.seconds)
    window, weight = _windows(scan, moment[rows])
    evidence = np.flatnonzero(weight > 0)
    crowded = np.bincount(scan.dealer[evidence], minlength=dealers.count).astype(float)
    timed = dealers.sums(~untimed)
    no_clock = np.full(dealers.count, bool(rows.size) and not scan.seconds.any())
    return signal(
        "bursts", dealers, n=forms, effect=crowded / np.maximum(forms, 1.0), std_error=np.full(dealers.count, np.nan), statistic=statistic,
        p_value=pooled_p(statistic, null, forms), unit="share", level=level,
        abstains={"no_times": timed == 0, "only_kiosks": forms == 0, "no_clock": no_clock, "few_responses": forms < _FEWEST},
        details={**window, "forms": crowded, "device_forms": scan.most}, null={"draws": float(null.shape[0])},
        evidence=rows[evidence], weight=weight[evidence],
    )


def _windows(scan: _Scan, moment: Moments) -> tuple[dict[str, npt.NDArray[Any]], Floats]:
    """The least expected window of each dealer, and how surprising the best burst of each form is (0: in none)."""
    dealers = scan.groups.size
    best: dict[str, npt.NDArray[Any]] = {name: np.full(dealers, np.nan) for name in ("burst_forms", "burst_minutes", "burst_expected")}
    best |= {"burst_start": np.full(dealers, np.datetime64("NaT", "s")), "burst_place": np.full(dealers, "", object)}
    weight = np.zeros(moment.size)
    for name, place in scan.places.items():
        found = crowds(place, scan.hours, scan.seconds, scan.widths, _FEWEST)
        at = scan.dealer[found.order[found.first]]
        expected = np.maximum(scan.groups[at] * found.expected, 1e-300)
        for one in np.flatnonzero(expected < _EXCESS):
            inside = found.order[found.first[one] : found.last[one] + 1]
            weight[inside] = np.maximum(weight[inside], -np.log(expected[one]))
            if not best["burst_expected"][at[one]] <= expected[one]:
                began, ended = moment[inside[0]], moment[inside[-1]]
                values = (inside.size, (ended - began) / np.timedelta64(60, "s"), expected[one], began, name)
                for key, value in zip(best, values, strict=True):
                    best[key][at[one]] = value
    return best, weight
