"""Where nobody, or hardly anybody, was heard: what no weighting can repair."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from .._checks import factorize, flags, named_columns, non_negative, number, same_length, vector
from .._numerics import sums_by
from ..errors import InputError
from ..results import frame
from .chain import Floats, Weights
from .labels import label_codes

if TYPE_CHECKING:
    import pandas as pd

_EDGES = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
Part = tuple[str, list[Any], Any]  # variable, its levels, the level of each row


@runtime_checkable
class _Propensity(Protocol):
    """A step that divides by an estimated probability of being heard."""

    probability: Floats


def positivity(
    columns: Any,
    heard: Weights | npt.ArrayLike,
    *,
    counts: npt.ArrayLike | None = None,
    probability: npt.ArrayLike | None = None,
    cells: bool = False,
    fewest: float = 5,
    lowest: float = 0.05,
) -> pd.DataFrame:
    """Levels, cells and ranges in which nobody or hardly anybody was heard.

    Weighting lets those heard speak for people like them; where nobody like them was heard the result is extrapolation,
    and where few were, a few weights decide. For a column of floats everybody is split at the smallest and the largest value
    heard: the rows outside show how many lie beyond anybody heard.

    Parameters
    ----------
    columns : mapping or dataframe
        {name: column}, one row per unit or cell of everybody, heard or not; floats are numbers, everything else labels.
    heard : Weights or boolean array of shape (n,)
        Who was heard; of a `Weights`, whose value is not 0.
    counts : array, optional
        How often each row stands there, where `heard` is an array.
    probability : array of shape (n,), optional
        Estimated probability of being heard; None takes that of the propensity steps of a `Weights`. It adds its ranges
        0, .01, .02, .05, .1, .2, .5, 1.
    cells : bool
        Add every combination of the label columns that somebody bears.
    fewest, lowest : float
        Fewer heard than `fewest`, or a rate (for ranges of `probability`: an upper end) not above `lowest`, is marked.

    Returns
    -------
    pandas.DataFrame
        Columns variable, level, everybody, heard, rate, status: "nobody", "few", "low" or "ok". Combined levels are tuples.

    Raises
    ------
    InputError
        Lengths differ, values are missing, `heard` is not true or false, or a probability is not in [0, 1].

    References
    ----------
    Rosenbaum & Rubin (1983), Biometrika 70(1), eq. 1.3; Petersen et al. (2012), Stat. Methods Med. Res. 21(1), 31-54.

    Examples
    --------
    >>> contract = ["month", "month", "year", "year"]
    >>> table = positivity({"contract": contract}, [True, True, False, False], fewest=2)
    >>> table[["level", "everybody", "heard", "status"]].values.tolist()
    [['month', 2.0, 2.0, 'ok'], ['year', 2.0, 0.0, 'nobody']]
    """
    number(fewest, "fewest", low=0.0)
    number(lowest, "lowest", low=0.0, high=1.0)
    answered, everybody = _heard(heard, counts)
    given = probability if probability is not None or not isinstance(heard, Weights) else _probability(heard)
    named = named_columns(columns, "columns")
    if not named:
        raise InputError("columns has no columns. Give {name: values}.", code="no_columns", argument="columns")
    parts = _parts(named, answered, everybody, cells=cells)
    tables = [_table(*part, answered, everybody, fewest, lowest) for part in parts]
    if given is not None:
        tables.append(_ranges(given, answered, everybody, fewest, lowest))
    return frame({key: [value for table in tables for value in table[key]] for key in tables[0]}).astype({"level": object})


def _heard(heard: Any, counts: Any) -> tuple[npt.NDArray[np.bool_], Floats]:
    if isinstance(heard, Weights):
        if counts is not None:
            raise InputError(
                "counts entered the chain with its first step and must not be given again beside a Weights. Leave counts out.",
                code="counts_twice", argument="counts",
            )
        return heard.values != 0, heard.counts
    answered = flags(heard, "heard")
    return answered, np.ones(answered.size) if counts is None else non_negative(counts, "counts", length=answered.size)


def _probability(weights: Weights) -> Floats | None:
    """Product of the response probabilities of the propensity steps of a chain."""
    fitted = [np.asarray(step.probability) for step in weights.steps if isinstance(step, _Propensity)]
    return np.prod(fitted, axis=0) if fitted else None


def _parts(
    columns: dict[str, Any], answered: npt.NDArray[np.bool_], everybody: Floats, *, cells: bool
) -> list[Part]:
    parts: list[Part] = []
    labels: dict[str, Part] = {}
    for name, column in columns.items():
        if np.asarray(column).dtype.kind == "f":
            parts.append(_sides(name, vector(column, f"columns[{name!r}]", length=answered.size), answered & (everybody > 0)))
        else:
            codes, levels = label_codes(column, f"columns[{name!r}]", length=answered.size)
            labels[name] = (name, levels, codes)
            parts.append(labels[name])
    if cells and len(labels) > 1:
        parts.append(_crossed(list(labels.values())))
    return parts


def _crossed(labels: Sequence[Part]) -> Part:
    codes = np.zeros(len(labels[0][2]), np.int64)
    for _, levels, own in labels:
        codes = codes * len(levels) + own
    dense, present = factorize(codes, "columns")
    combined = []
    for code in present.tolist():
        borne = []
        for _, levels, _ in reversed(labels):
            code, place = divmod(code, len(levels))
            borne.append(levels[place])
        combined.append(tuple(reversed(borne)))
    return " × ".join(name for name, _, _ in labels), combined, dense


def _sides(name: str, x: Floats, answered: npt.NDArray[np.bool_]) -> Part:
    """Below, within and above the range of those heard."""
    if not answered.any():
        return name, ["any"], np.zeros(x.size, np.intp)
    low, high = float(x[answered].min()), float(x[answered].max())
    return name, [f"< {low:g}", f"{low:g} to {high:g}", f"> {high:g}"], np.where(x < low, 0, np.where(x > high, 2, 1))


def _ranges(given: Any, answered: npt.NDArray[np.bool_], everybody: Floats, fewest: float, lowest: float) -> dict[str, list[Any]]:
    p = vector(given, "probability", length=answered.size)
    outside = np.flatnonzero((p < 0) | (p > 1))
    if outside.size:
        number(float(p[outside[0]]), "probability", low=0.0, high=1.0)
    codes = np.clip(np.searchsorted(_EDGES, p, side="left") - 1, 0, len(_EDGES) - 2)
    levels = [f"{low:g} to {high:g}" for low, high in zip(_EDGES, _EDGES[1:], strict=False)]
    table = _table("probability", levels, codes, answered, everybody, fewest, 0.0)
    upper = [_EDGES[levels.index(level) + 1] for level in table["level"]]
    table["status"] = ["low" if top <= lowest and s in ("ok", "few") else s for top, s in zip(upper, table["status"], strict=True)]
    return table


def _table(
    name: str, levels: list[Any], codes: Any, answered: npt.NDArray[np.bool_], everybody: Floats, fewest: float, lowest: float
) -> dict[str, list[Any]]:
    same_length(np.asarray(codes), f"columns[{name!r}]", answered.size)
    size, known = (sums_by(codes, mass, len(levels)) for mass in (everybody, everybody * answered))
    borne = np.flatnonzero(size > 0)
    rate = known[borne] / size[borne]
    status = np.select([known[borne] == 0, known[borne] < fewest, rate <= lowest], ["nobody", "few", "low"], "ok")
    return {
        "variable": [name] * borne.size, "level": [levels[k] for k in borne], "everybody": size[borne].tolist(),
        "heard": known[borne].tolist(), "rate": rate.tolist(), "status": status.tolist(),
    }
