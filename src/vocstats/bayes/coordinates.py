"""A model in coordinates in which its posterior is nearly standard normal: the same posterior, in longer steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .sampling import load_pymc, load_pytensor


@dataclass(frozen=True, slots=True)
class Effects:
    """Effects = mean + scale × unit, by the names of the variables.

    Attributes
    ----------
    unit : str
        A matrix.
    scale, mean : str
        Vectors along the axis of the matrix; `mean` is "" where it is 0.
    axis : int
    """

    unit: str
    scale: str
    mean: str
    axis: int


def in_coordinates(model: Any, names: Sequence[str], wanted: Sequence[str], effects: Sequence[Effects]) -> Any:
    """The model as a function of coordinates w, standard normal or nearly so where `straightened` describes its posterior.

    Values x (in the model's unconstrained space) of the variables in `names` are found from w in two steps. Blocks of y are polynomials
    of blocks of w: linear and triangular, with products of the first few, y = centre + spread [w, w_i w_j - 1(i = j)]. Then
    units of effects, given their scale s and mean m, from what is known of the effect: precision p, at a

        x = y / √(1 + p s²) + p s (a - m) / (1 + p s²)

    which is y where the data say nothing (p = 0), and the effect itself, standardised, where they say all. The density is that of the
    model times the derivative, so that the posterior of the model's variables is the same whatever the data of the map.

    Parameters
    ----------
    model : pymc.Model
    names : sequence of str
        Variables to move, in the order of y; all others keep their values.
    wanted : sequence of str
        Variables of the model to record.
    effects : sequence of Effects
        Those whose units are found from what is known.

    Returns
    -------
    pymc.Model
        With the data of the model and those of the map, that start as the identity, and the variables `wanted`.

    References
    ----------
    Papaspiliopoulos, Roberts & Sköld (2007), Statist. Sci. 22(1), for effects between centred and non-centred; Parno & Marzouk (2018),
    SIAM/ASA J. Uncertain. Quantif. 6(2), for polynomial triangular maps.
    """
    pm, replace = load_pymc(), load_pytensor("graph.replace").graph_replace
    values = {variable.name: model.rvs_to_values[variable] for variable in model.free_RVs}
    sizes = {name: np.shape(model.initial_point()[value.name]) for name, value in values.items()}
    recorded = {value.name: value for value in model.unobserved_value_vars}
    with pm.Model() as moved:
        for variable in model.data_vars:
            moved.register_data_var(variable)
        at = {name: pm.Data(name, value) for name, value in identity({name: sizes[name] for name in names}, effects).items()}
        whole = _polynomials(pm, at, sum(int(np.prod(sizes[name])) for name in names))
        x, start = {}, 0
        for name in names:
            end = start + int(np.prod(sizes[name]))
            x[name], start = whole[start:end].reshape(sizes[name]), end
        logs = []
        for each in effects:
            x[each.unit], log = _units(pm, x, each, at)
            logs.append(log)
        x |= {name: pm.Flat(f"{name}_value", shape=size) for name, size in sizes.items() if name not in x}
        there = {value: x[name].astype(value.dtype) for name, value in values.items()}
        pm.Potential("density", replace(model.logp(), there, strict=False) + sum(logs))
        for name in wanted:
            pm.Deterministic(name, replace(recorded[name], there, strict=False))
    return moved


def identity(sizes: Mapping[str, tuple[int, ...]], effects: Sequence[Effects]) -> dict[str, Any]:
    """The data of a map that changes nothing, for variables of these sizes."""
    many = sum(int(np.prod(size)) for size in sizes.values())
    data = {
        "members": np.zeros((0, 1), np.int64), "places": np.arange(many), "centre": np.zeros(many), "spread": np.zeros((0, 1, 1)),
        "bends": np.zeros((0, 2), np.int64),
    }
    return data | {f"{each.unit}_{part}": np.zeros(sizes[each.unit]) for each in effects for part in ("told", "at")}


def _polynomials(pm: Any, at: Mapping[str, Any], many: int) -> Any:
    """y of all blocks; coordinates in no block are their own."""
    w = pm.Flat("coordinates", shape=many)
    blocks = pm.math.concatenate([w, np.zeros(1)])[at["members"]]
    first, second = at["bends"][:, 0], at["bends"][:, 1]
    products = blocks[:, first] * blocks[:, second] - pm.math.eq(first, second)
    terms = pm.math.concatenate([blocks, products], axis=1)
    found = (at["spread"] * terms[:, None, :]).sum(axis=2)
    return at["centre"] + pm.math.concatenate([found.flatten(), w])[at["places"]]


def _units(pm: Any, x: Mapping[str, Any], effects: Effects, at: Mapping[str, Any]) -> tuple[Any, Any]:
    """Units of effects from what is known of them, and the log derivative."""
    along = (0, "x") if effects.axis == 0 else ("x", 0)
    scale = pm.math.exp(x[effects.scale]).dimshuffle(along)  # sampled as its logarithm
    told, apart = at[f"{effects.unit}_told"], at[f"{effects.unit}_at"]
    if effects.mean:
        apart = apart - x[effects.mean].dimshuffle(along)
    share = 1.0 + told * scale**2
    return x[effects.unit] / pm.math.sqrt(share) + told * scale * apart / share, -0.5 * pm.math.log(share).sum()
