"""Columns of a shadow model: x and z of everybody and y's part, centred, scaled, and refused where they identify nothing."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import _checks
from .._checks import Floats
from ..errors import IdentificationError, InputError, shown
from ..estimation.coding import coding_of, collinear
from ..options import ResponseForm
from .shadow_fit import ShadowData, refuse_no_silence


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Columns:
    """The data of the fit and the way back: coefficients of (x, b) as `back @` those of the scaled columns."""

    data: ShadowData
    terms: tuple[str, ...]
    back: Floats


def read_columns(
    y: Floats, z: Any, response_x: Any, outcome_x: Any, *, doubly: bool, mass: Floats, form: ResponseForm
) -> Columns:
    """Check and code everything; rows without mass are 0."""
    rows = np.flatnonzero(mass > 0)
    heard = ~np.isnan(y) & (mass > 0)
    refuse_no_silence(heard, mass)
    b, b_names, b_centre, b_scale = _part_of_y(y, heard, mass, form)
    x, x_names = _coded(response_x, rows, y.size)
    a, a_names = _coded(outcome_x, rows, y.size) if doubly else (np.zeros((y.size, 0)), ())
    for matrix, names in ((x, x_names), (a, a_names)):
        _refuse_collinear(matrix[heard], mass[heard], names)
    (x, x_centre, x_scale), (a, _, _) = (_scaled(matrix, mass) for matrix in (x, a))
    shadow = _shadow(z, np.hstack([x, a]), heard=heard, mass=mass, powers=b.shape[1])
    if shadow.shape[1] < b.shape[1]:
        raise IdentificationError(
            f"z gives {shadow.shape[1]} moments, and y has {b.shape[1]} coefficients in the response model. Give a z with more levels "
            "or several shadow variables, or let y enter linearly (response='linear').",
            code="shadow_too_coarse", argument="z", moments=shadow.shape[1], needed=b.shape[1],
        )
    back = np.diag(1.0 / np.concatenate([x_scale, b_scale]))
    back[0] -= np.concatenate([x_centre / x_scale, b_centre / b_scale])
    data = ShadowData(x=x, a=a, z=shadow, b=b, heard=heard, names=x_names)
    return Columns(data=data, terms=(*x_names, *b_names), back=back)


def _coded(x: Any, rows: Any, length: int) -> tuple[Floats, tuple[str, ...]]:
    coding = coding_of(x or None, length=length, rows=rows)
    matrix = np.zeros((length, len(coding.columns)))
    matrix[rows] = coding.matrix(x or None, length=length, rows=rows)
    return matrix, coding.columns


def _part_of_y(y: Floats, heard: Any, mass: Floats, form: ResponseForm) -> tuple[Floats, tuple[str, ...], Floats, Floats]:
    """b(y), its names, centres and scales."""
    known = y[heard]
    levels = np.unique(known)
    if levels.size < 2:
        raise IdentificationError(
            "All those heard gave the same answer: how response depends on it cannot be told. Use a sensitivity range.",
            code="shadow_one_answer", argument="y", count=int(levels.size),
        )
    if form == "saturated":
        b = np.where(heard[:, None], y[:, None] == levels[1:], False).astype(float)
        return b, tuple(f"y={level:g}" for level in levels[1:]), np.zeros(levels.size - 1), np.ones(levels.size - 1)
    share = mass[heard] / mass[heard].sum()
    centre = float(share @ known)
    scale = float(np.sqrt(share @ (known - centre) ** 2))
    return np.where(heard, (y - centre) / scale, 0.0)[:, None], ("y",), np.array([centre]), np.array([scale])


def _shadow(z: Any, x: Floats, *, heard: Any, mass: Floats, powers: int) -> Floats:
    """Functions of z that x does not span: indicators of labels, numbers with as many powers as y has coefficients."""
    parts = []
    for name, column in _checks.named_columns(z, "z").items():
        argument = "z" if name == "z" else f"z[{name!r}]"
        array = _checks.unmasked(column)
        with suppress(InputError):  # numbers that came through a table of mixed content are numbers
            array = _checks.vector(array, argument, missing=True)
        if array.dtype.kind not in "buif":
            codes, levels = _checks.factorize(column, argument, length=mass.size)
            _refuse_unheard(codes, levels, heard=heard, mass=mass, argument=argument)
            parts.append((codes[:, None] == np.arange(1, levels.size)).astype(float))
        else:
            number = _scaled(_checks.squarable(_checks.vector(column, argument, length=mass.size), argument)[:, None], mass, every=True)[0]
            parts.append(np.hstack([number**power for power in range(1, powers + 1)]))
    wide = _scaled(np.hstack([*parts, np.zeros((mass.size, 0))]), mass, every=True)[0]
    names = tuple(map(str, range(wide.shape[1])))
    spanned = collinear(np.hstack([x, wide]), mass, (*("",) * x.shape[1], *names))
    kept = wide[:, [name not in spanned for name in names]]
    if not kept.shape[1]:
        raise IdentificationError(
            "z does not vary beyond x, so it tells nothing of the silent. Give a shadow variable that is not among the columns of x and "
            "differs between people, such as later churn or usage.",
            code="shadow_constant", argument="z",
        )
    still = collinear(np.hstack([x, kept])[heard], mass[heard], (*("",) * x.shape[1], *names[: kept.shape[1]]))
    if any(still):
        raise IdentificationError(
            "z varies among everybody but not (beyond x) among those heard: nobody like some of the silent was heard. Merge levels of z, "
            "hear some of them (exit interviews), or use a sensitivity range.",
            code="shadow_not_heard", argument="z",
        )
    return np.asarray(kept)


def _refuse_unheard(codes: Any, levels: Any, *, heard: Any, mass: Floats, argument: str) -> None:
    everybody, known = (np.bincount(codes, weight, minlength=levels.size) for weight in (mass, mass * heard))
    silent = levels[(everybody > 0) & (known == 0)].tolist()
    if silent:
        raise IdentificationError(
            f"Nobody of level {shown(silent)} of {argument} was heard, so nobody can speak for them. Merge levels, hear some of them (exit "
            "interviews), or use a sensitivity range.",
            code="shadow_level_not_heard", argument="z", levels=silent,
        )


def _refuse_collinear(x: Floats, mass: Floats, names: tuple[str, ...]) -> None:
    dependent = collinear(x, mass, names)
    if dependent:
        raise IdentificationError(
            f"Among those heard the columns {shown(dependent)} of x cannot be told apart from others, or nobody heard bears them. Leave "
            "columns out or merge levels.",
            code="shadow_collinear", argument="x", levels=dependent,
        )


def _scaled(matrix: Floats, mass: Floats, *, every: bool = False) -> tuple[Floats, Floats, Floats]:
    """Columns with mean 0 and deviation 1 among rows with mass (the intercept as it is unless `every`), centres and scales."""
    share = mass / mass.sum()
    centre = share @ matrix
    if not every:
        centre[:1] = 0.0
    scale = np.sqrt(share @ (matrix - centre) ** 2)
    scale = np.where(scale > 1e-12 * np.abs(matrix).max(axis=0, initial=0.0), scale, 1.0)
    return (matrix - centre) / scale, centre, scale
