"""What every signal of an audit returns: one row per dealer, and the responses that bear it out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .. import texts
from .._checks import Integers as Codes
from .._checks import factorize, flags, is_missing, same_length, unmasked
from .._numerics import normal_quantile, sums_by
from ..errors import InputError
from ..results import Flags, Floats, Integers, Labels, Result, frame, register

if TYPE_CHECKING:
    import pandas as pd


@register("signal")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Signal(Result):
    """How strongly one sign of inflation shows at each dealer; D is the number of dealers.

    Attributes
    ----------
    name : str
        Name of the signal, that of its function.
    labels : {"dealer": array (D,)}
        Dealers, sorted, original type.
    n : Floats (D,)
        Responses (or visits) of the dealer that the signal rests on.
    effect, std_error : Floats (D,)
        What the signal measures, in `unit`, and its standard error; NaN where it abstains or has none.
    statistic : Floats (D,)
        What is held against the honest network: larger is more suspicious; NaN where the signal abstains.
    p_value : Floats (D,)
        Chance of such a statistic, or a larger one, at an honest dealer of this size; NaN where the signal abstains.
    unit : {"points", "share", "count", "log_odds"}
        Unit of `effect`: points of the scale, a share of responses, a number of them, or log odds.
    reasons : tuple of str
        Per dealer the code (`texts/reason.toml`) of why the signal abstains; "" where it speaks.
    details : {name: array (D,)}
        Further figures the evidence is told with.
    null : {name: array (k,)}
        The honest network as estimated: its centre, spread and the like.
    level : float
        Confidence level of the limits of the effect in `tidy`.
    evidence, evidence_dealer : Integers (rows,)
        Positions of responses that bear the signal out, weightiest first within a dealer, and the position of their dealer in
        `labels`.
    """

    name: str
    labels: Labels
    n: Floats
    effect: Floats
    std_error: Floats
    statistic: Floats
    p_value: Floats
    unit: str
    reasons: tuple[str, ...]
    details: Labels
    null: Labels
    level: float
    evidence: Integers = field(repr=False)
    evidence_dealer: Integers = field(repr=False)

    def place_of(self, dealer: Any) -> int | None:
        """Position of a dealer in `labels`; None where the signal does not know him."""
        places = np.flatnonzero(self.labels["dealer"] == dealer)
        return int(places[0]) if places.size else None

    def rows_of(self, dealer: Any) -> Integers:
        """Positions of the responses that bear the signal out at one dealer, weightiest first.

        Parameters
        ----------
        dealer : label
            As in `labels`.

        Returns
        -------
        Integers (k,)

        Raises
        ------
        InputError
            No such dealer.
        """
        place = self.place_of(dealer)
        if place is None:
            raise InputError(f"There is no dealer {dealer!r}.", code="unknown_dealer", argument="dealer", levels=[dealer])
        return np.asarray(self.evidence[self.evidence_dealer == place])

    def to_frame(self) -> pd.DataFrame:
        """One row per dealer: dealer, n, effect, std_error, statistic, p_value, the details, reason."""
        columns = {name: getattr(self, name) for name in ("n", "effect", "std_error", "statistic", "p_value")}
        return frame({**self.labels, **columns, **self.details, "reason": list(self.reasons)})

    def tidy(self) -> pd.DataFrame:
        """One row per dealer: term, dealer, estimate (the effect), std_error, conf_low, conf_high."""
        half = normal_quantile(self.level) * self.std_error
        numbers = {"estimate": self.effect, "std_error": self.std_error, "conf_low": self.effect - half, "conf_high": self.effect + half}
        return frame({"term": [self.name] * self.n.size, **self.labels, **numbers})

    def summary(self, language: str = "en") -> str:
        """The dealers at whom the sign shows most."""
        table = self.to_frame().sort_values("p_value", kind="stable").head(10)
        table["reason"] = [texts.render(f"reason.{code}", language) if code else "" for code in table["reason"]]
        return str(table.to_string(index=False, float_format=lambda value: f"{value:.4g}"))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dealers:
    """The dealer of each response.

    Attributes
    ----------
    code : int array (n,)
    labels : array (D,)
        Sorted.
    """

    code: Codes
    labels: npt.NDArray[Any]

    @property
    def count(self) -> int:
        """D."""
        return int(self.labels.size)

    def sums(self, values: npt.ArrayLike) -> Floats:
        """Sum by dealer, (D,)."""
        return sums_by(self.code, np.asarray(values, float), self.count)


def dealers_of(dealer: Any, *, length: int | None = None) -> Dealers:
    """The dealers of `length` responses (None: any number); missing ones are refused."""
    code, labels = factorize(dealer, "dealer", length=length)
    if not labels.size:
        raise InputError("There are no responses.", code="no_responses", argument="dealer")
    return Dealers(code=np.asarray(code, np.intp), labels=labels)


def own_responses(independent: npt.ArrayLike | None, length: int) -> Flags:
    """Responses the dealer asked for: all of them where nobody says who asked."""
    return np.ones(length, bool) if independent is None else ~flags(independent, "independent", length=length)


def codes_of(label: Any, argument: str, length: int) -> Integers:
    """Codes of labels from 0; -1 where missing."""
    values = unmasked(label)
    same_length(values, argument, length)
    if values.dtype.kind == "O":
        known = np.array([not is_missing(value) for value in values.tolist()], bool)
    else:
        known = ~np.isnan(values) if values.dtype.kind == "f" else np.ones(length, bool)
    codes = np.full(length, -1, np.intp)
    codes[known] = factorize(values[known], argument)[0]
    return codes


def signal(
    name: str, dealers: Dealers, *, n: Floats, effect: Floats, std_error: Floats, statistic: Floats, p_value: Floats, unit: str,
    abstains: Mapping[str, npt.NDArray[np.bool_]], details: Mapping[str, npt.NDArray[Any]] | None = None,
    null: Mapping[str, npt.ArrayLike] | None = None, evidence: Codes | None = None, weight: Floats | None = None, level: float = 0.95,
) -> Signal:
    """A signal from its figures: silent where it abstains, evidence sorted by dealer and weight.

    Parameters
    ----------
    abstains : {code: bool array (D,)}
        Dealers of whom the signal says nothing, by reason; the first that holds counts.
    evidence : int array (k,), optional
        Positions of responses, in any order.
    weight : float array (k,), optional
        How much each of them says; None: the order given.
    """
    reasons = np.full(dealers.count, "", object)
    for code, holds in reversed(list(abstains.items())):
        reasons[holds] = code
    silent = reasons != ""
    rows = np.zeros(0, np.intp) if evidence is None else np.asarray(evidence, np.intp)
    rank = np.arange(rows.size) if weight is None else -np.asarray(weight)
    of = dealers.code[rows]
    order = np.lexsort((rank, of))
    order = order[~silent[of[order]]]
    return Signal(
        name=name, labels={"dealer": dealers.labels}, n=np.asarray(n, float), unit=unit, reasons=tuple(reasons.tolist()), level=level,
        details=dict(details or {}), null={key: np.atleast_1d(np.asarray(value)) for key, value in (null or {}).items()},
        evidence=rows[order].astype(np.int64), evidence_dealer=of[order].astype(np.int64),
        **{key: np.where(silent, np.nan, value) for key, value in (
            ("effect", effect), ("std_error", std_error), ("statistic", statistic), ("p_value", p_value),
        )},
    )
