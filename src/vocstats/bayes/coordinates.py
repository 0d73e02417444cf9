"""A model in coordinates in which its posterior is nearly standard normal: the same posterior, in longer steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..results import Integers
from .sampling import load_pymc, load_pytensor

_FIXED = "centre", "told", "told_at"  # data whose length the model decides


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

    Values x (in the model's unconstrained space) of the variables in `names` are found from w in two steps. First polynomials: v are the w
    and products of two of them, and y = centre + Σ coefficient × v. Then units of effects, given their scale s and mean m, from what is
    known of the effect: precision p, at a

        x = y / √(1 + p s²) + p s (a - m) / (1 + p s²)

    which is y where the data say nothing (p = 0), and the effect itself, standardised, where they say all. The density is that of the
    model times the derivative of the second step, so that the posterior of the model's variables is the same whatever the data of the
    map, as long as the polynomials are linear and triangular but for products of earlier w: their derivative is constant.

    Parameters
    ----------
    model : pymc.Model
    names : sequence of str
        Variables to move, in the order of y, the units of `effects` last; all others keep their values.
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
    pm, tensor, replace = load_pymc(), load_pytensor("tensor"), load_pytensor("graph.replace").graph_replace
    values = {variable.name: model.rvs_to_values[variable] for variable in model.free_RVs}
    start = model.initial_point()
    sizes = {name: np.shape(start[value.name]) for name, value in values.items()}
    recorded = {value.name: value for value in model.unobserved_value_vars}
    ends = np.cumsum([int(np.prod(sizes[name])) for name in names])
    places = {name: np.arange(end - int(np.prod(sizes[name])), end).reshape(sizes[name]) for name, end in zip(names, ends, strict=True)}
    with pm.Model() as moved:
        for variable in model.data_vars:
            moved.register_data_var(variable)
        at = {
            name: pm.Data(name, value, shape=value.shape if name in _FIXED else None) for name, value in identity(places, effects).items()
        }
        whole, log = _units(tensor, _polynomials(tensor, pm.Flat("coordinates", shape=int(ends[-1])), at), places, effects, at)
        parts = tensor.split(whole, [place.size for place in places.values()], n_splits=len(places))
        x = {name: part.reshape(sizes[name]) for name, part in zip(names, parts, strict=True)}
        x |= {name: pm.Flat(f"{name}_value", shape=size) for name, size in sizes.items() if name not in x}
        there = {value: x[name].astype(value.dtype) for name, value in values.items()}
        pm.Potential("density", replace(model.logp(), there, strict=False) + log)
        for name in wanted:
            pm.Deterministic(name, replace(recorded[name], there, strict=False))
    return moved


def identity(places: Mapping[str, Integers], effects: Sequence[Effects]) -> dict[str, Any]:
    """The data of a map that changes nothing, for variables in these places of y."""
    many, units = sum(place.size for place in places.values()), sum(places[each.unit].size for each in effects)
    return {
        "first": np.zeros(0, np.int64), "second": np.zeros(0, np.int64), "row": np.arange(many), "column": np.arange(many),
        "coefficient": np.ones(many), "centre": np.zeros(many), "told": np.zeros(units), "told_at": np.zeros(units),
    }


def _polynomials(tensor: Any, w: Any, at: Mapping[str, Any]) -> Any:
    """y of w: a sparse matrix of coefficients times w and products."""
    v = tensor.concatenate([w, w[at["first"]] * w[at["second"]]])
    return tensor.inc_subtensor(at["centre"][at["row"]], at["coefficient"] * v[at["column"]])


def _units(tensor: Any, y: Any, places: Mapping[str, Integers], effects: Sequence[Effects], at: Mapping[str, Any]) -> tuple[Any, Any]:
    """x of y, its last entries units of effects found from what is known of them, and the log derivative."""
    if not effects:
        return y, 0.0
    scales = np.concatenate([_shared(places, each, each.scale) for each in effects])
    means = np.concatenate([_shared(places, each, each.mean) for each in effects])
    known, told = tensor.concatenate([y, np.zeros(1)]), at["told"]
    scale = tensor.exp(known[scales])  # sampled as its logarithm
    share = 1.0 + told * scale**2
    others, units = tensor.split(y, [y.type.shape[0] - scales.size, scales.size], n_splits=2)
    units = units / tensor.sqrt(share) + told * scale * (at["told_at"] - known[means]) / share
    return tensor.concatenate([others, units]), -0.5 * tensor.log(share).sum()


def _shared(places: Mapping[str, Integers], effects: Effects, name: str) -> Integers:
    """For every unit, the place of the scale or mean it shares with others; without a name, that of a 0 after y."""
    units = places[effects.unit]
    if not name:
        return np.full(units.size, sum(place.size for place in places.values()))
    return np.broadcast_to(np.expand_dims(places[name], 1 - effects.axis), units.shape).ravel()
