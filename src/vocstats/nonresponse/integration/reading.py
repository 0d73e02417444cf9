"""Outcomes and the source of comparison, as the caller gave them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ... import _checks
from ...errors import InputError, shown
from ...estimation.design import Design
from ...options import OutcomeFamily
from ...results import Floats
from ...weighting import estimated_targets
from ...weighting.auxiliaries import read_auxiliaries
from .characteristics import Characteristic, Columns, characteristics, columns_of, with_totals
from .reference import Reference, reference_sample, registry_of


def read_outcomes(y: Any, family: OutcomeFamily | None) -> dict[str, Floats]:
    """Outcomes by name: y, or y0, y1, ... for the columns of an array; checked against the family they are to be modelled with."""
    if isinstance(y, np.ndarray | list | tuple):
        array = np.asarray(y)
        columns = {f"y{k}": array[:, k] for k in range(array.shape[1])} if array.ndim == 2 else {"y": array}
    else:
        columns = _checks.named_columns(y, "y")
    if not columns:
        raise InputError("y has no columns. Give {name: values}.", code="no_columns", argument="y")
    result: dict[str, Floats] = {}
    for name, column in columns.items():
        length, argument = next(iter(result.values())).size if result else None, "y" if name == "y" else f"y[{name!r}]"
        result[name] = _checks.squarable(_checks.vector(column, argument, length=length), argument)
        off = (result[name] < 0) | ((result[name] > 1) & (family == "binomial"))
        if family in ("binomial", "poisson") and off.any():
            rows = np.flatnonzero(off)
            raise InputError(
                f"{argument} is outside what family={family!r} allows (0 to 1 for binomial, 0 and more for poisson) at rows {shown(rows)}. "
                "Correct the values, or use family='gaussian'.",
                code="outcome_off_family", argument=argument, rows=rows, family=family,
            )
    return result


def read_source(
    x: Any, counts: Floats, reference: Any, weights: Any, design: Design | None, registry: Any, totals: Any, population: float | None,
    reference_counts: Any,
) -> tuple[Reference, list[Characteristic]]:
    """The source of comparison, and the characteristics of both sides."""
    given = [name for name, value in (("reference", reference), ("registry", registry), ("totals", totals)) if value is not None]
    if len(given) != 1:
        raise InputError(
            f"Give one of reference, registry and totals; got {shown(given) or 'none'}.", code="one_reference", argument="reference",
            levels=given, given=shown(given) or "-",
        )
    needless = {"weights": weights, "design": design} if given[0] != "reference" else {}
    needless |= {"reference_counts": reference_counts} if given[0] == "totals" else {}
    for name, value in needless.items():
        if value is not None:
            raise InputError(
                f"{name} does not go with {given[0]}. Leave it out.", code="needless_beside_reference", argument=name, source=given[0]
            )
    if given[0] == "totals":
        if population is None:
            raise InputError(
                "totals need population, the number of people they are totals of.", code="totals_need_population", argument="population"
            )
        return Reference(kind="totals", mass=np.zeros(0)), with_totals(x, totals, counts, population)
    rows = reference if given[0] == "reference" else registry
    length = len(next(iter(columns_of(rows, given[0]).values())))
    if given[0] == "registry":
        return registry_of(reference_counts, length), characteristics(x, rows, counts, "registry")
    return reference_sample(weights, design, reference_counts, length), characteristics(x, rows, counts, "reference")


def read_covariance(covariance: Any, x: Any, totals: Any, columns: Columns, source: Reference) -> Reference:
    """The source with the covariance of its totals, if there is one; that of N is 0."""
    if covariance is None:
        return source
    if source.kind != "totals":
        raise InputError("totals_covariance belongs to totals.", code="covariance_without_totals", argument="totals_covariance")
    auxiliaries = read_auxiliaries(columns_of(x, "x"), totals)
    given = estimated_targets.read_covariance(covariance, auxiliaries)
    assert given is not None
    place = {label: k for k, label in enumerate(auxiliaries.labels)}
    known = [k for k, label in enumerate(columns.labels) if label in place]
    chosen = [place[columns.labels[k]] for k in known]
    matrix = np.zeros((len(columns.labels),) * 2)
    matrix[np.ix_(known, known)] = given[np.ix_(chosen, chosen)] / np.outer(columns.scale[known], columns.scale[known])
    return replace(source, mass=columns.mass, covariance=matrix)
