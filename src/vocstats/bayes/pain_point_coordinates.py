"""Coordinates for sampling pain points, from draws of the deterministic engine: they decide how fast, not what is sampled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import linalg, special

from ..prevalence.counts import PainPointCounts
from ..prevalence.posterior import PainPointPosterior
from ..results import Floats, Integers
from .coordinates import Effects
from .pain_point_cells import Shape, told

_CHANCES = "sensitivity", "specificity", "mention", "false_mention"
_POOL = "selection_mean", "selection_scale"
_LEAST = 1e-9  # of a chance, for its logit
_SHRUNK = 1e-9  # correlations, so that draws that repeat leave a covariance that can be factored; more would blunt thin ridges


def moved(shape: Shape) -> list[str]:
    """Variables that draws of the deterministic engine describe: chances of sources before what depends on them, units of effects last."""
    there = {
        "sensitivity": shape.coded, "specificity": shape.coded, "mention": shape.mentions, "false_mention": shape.false_mentions,
        "mode_unit": shape.modes, "segment_scale": True, "intercept": True, **dict.fromkeys((*_POOL, "selection_unit"), shape.groups > 1),
        "segment_unit": shape.segments > 1,
    }
    return [name for name, wanted in there.items() if wanted]


def effects(shape: Shape) -> list[Effects]:
    """Effects that the data may tell better than their pool does."""
    possible = (Effects("selection_unit", "selection_scale", "selection_mean", 1), Effects("segment_unit", "segment_scale", "", 0))
    return [each for each in possible if each.unit in moved(shape)]


def straightened(counts: PainPointCounts, shape: Shape, draws: PainPointPosterior, seed: int) -> dict[str, Any]:
    """The data of `in_coordinates`, with which the draws would be standard normal and a pain's chances bend nothing.

    A pain is a block: logits of the chances of its sources first, all else regressed on them and on their products. The pool of offsets
    is another block. What the data say of an effect is its precision beyond the pool's, given the pool's mean.
    """
    values = _values(counts, shape, draws, np.random.default_rng(seed))
    known = [np.zeros((2, 0))]
    for each in effects(shape):
        scale, mean = np.exp(_along(values, each.scale, each.axis)), _along(values, each.mean, each.axis)
        precision, at = _told(mean + scale * values[each.unit], mean, scale)
        share = 1.0 + precision * scale**2
        values[each.unit] = (values[each.unit] - precision * scale * (at - mean) / share) * np.sqrt(share)
        known.append(np.stack([precision.ravel(), at.ravel()]))
    told, told_at = np.concatenate(known, axis=1)
    return _blocks(values, _pains(counts, shape)) | {"told": told, "told_at": told_at}


def _values(counts: PainPointCounts, shape: Shape, draws: PainPointPosterior, rng: np.random.Generator) -> dict[str, Floats]:
    """The variables in the unconstrained space of the model, draws first."""
    scale, mean, spread = draws.segment_scale, draws.selection_mean[:, None, 1:], draws.selection_scale[:, None, 1:]
    zero_sum, several = draws.segment / scale[:, :, None], len(scale)
    values = {
        "segment_scale": np.log(scale), "intercept": draws.intercept, "selection_unit": (draws.selection[:, :, 1:] - mean) / spread,
        "segment_unit": zero_sum[:, :, :-1] - zero_sum[:, :, -1:] / (1.0 + np.sqrt(shape.segments)),  # PyMC's orthonormal basis
        "selection_mean": draws.selection_mean[:, 1:], "selection_scale": np.log(draws.selection_scale[:, 1:]),
        "sensitivity": _logit(draws.sensitivity).reshape(several, -1), "specificity": _logit(draws.specificity).reshape(several, -1),
    } | _reporting(counts, draws.reporting, rng)
    return {name: values[name] for name in moved(shape)}


def _reporting(counts: PainPointCounts, reporting: Floats, rng: np.random.Generator) -> dict[str, Floats]:
    """Logits of m1 and m0 and modes in standard deviations; those of a source without answers of the pain from their priors."""
    asked, falsely, modal = told(counts.mention), told(counts.false_mention), np.repeat(counts.mode_scale[:, None], counts.pains, axis=1)
    several = len(reporting)
    flags = {"mention": asked, "false_mention": falsely, "mode_unit": modal > 0.0}
    found = {
        name: _logit(rng.beta(beta[flags[name], 0], beta[flags[name], 1], (several, int(flags[name].sum()))))
        for name, beta in (("mention", counts.mention), ("false_mention", counts.false_mention))
    } | {"mode_unit": rng.normal(size=(several, int(flags["mode_unit"].sum())))}
    heard = np.zeros(asked.shape, bool)
    heard[counts.source[counts.n > 0.0], counts.pain[counts.n > 0.0]] = True
    for pain in range(counts.pains):
        column = 0
        for name, flag in flags.items():
            sources = np.flatnonzero(flag[:, pain] & heard[:, pain])
            places = (np.cumsum(flag) - 1).reshape(flag.shape)[sources, pain]
            drawn = reporting[:, pain, column:column + sources.size]
            found[name][:, places] = drawn / counts.mode_scale[sources] if name == "mode_unit" else drawn
            column += sources.size
    return found


def _pains(counts: PainPointCounts, shape: Shape) -> dict[str, Integers]:
    """The pain that each entry of a flattened variable is of."""
    pains = np.arange(counts.pains)
    return {
        "mention": np.nonzero(told(counts.mention))[1], "false_mention": np.nonzero(told(counts.false_mention))[1],
        "mode_unit": np.tile(pains, int((counts.mode_scale > 0.0).sum())),
        **dict.fromkeys(("sensitivity", "specificity"), np.tile(pains, len(counts.sensitivity))),
        **dict.fromkeys(("segment_scale", "intercept"), pains),
        "selection_unit": np.repeat(pains, shape.groups - 1), "segment_unit": np.repeat(pains, shape.segments - 1),
        **dict.fromkeys(_POOL, np.full(shape.groups - 1, counts.pains)),
    }


def _told(effect: Floats, mean: Floats, scale: Floats) -> tuple[Floats, Floats]:
    """Precision and place of what the data say of effects: of the draws given the mean, less what the pool says."""
    apart, about = effect - effect.mean(axis=0), mean - mean.mean(axis=0)
    slope = (apart * about).sum(axis=0) / np.maximum((about**2).sum(axis=0), 1e-300)
    own, pool = 1.0 / np.mean((apart - slope * about) ** 2, axis=0), np.exp(-2.0 * np.log(scale).mean(axis=0))
    precision = np.maximum(own - pool, 0.0)
    at = (own * effect.mean(axis=0) - pool * mean.mean(axis=0)) / np.where(precision > 0.0, precision, 1.0)
    return precision, np.where(precision > 0.0, at, 0.0)


def _blocks(values: Mapping[str, Floats], pains: Mapping[str, Integers]) -> dict[str, Any]:
    """The polynomials of all blocks: which coordinates are multiplied, and the coefficients that are not 0."""
    flat = np.concatenate([each.reshape(len(each), -1) for each in values.values()], axis=1)
    block = np.concatenate([pains[name] for name in values])
    chance = np.repeat([name in _CHANCES for name in values], [each[0].size for each in values.values()])
    centre, several = np.zeros(block.size), block.size
    bends, rows, columns, coefficients = [], [], [], []
    for one in range(int(block.max()) + 1):
        each = np.flatnonzero(block == one)
        few = int(chance[each].sum())
        bent = np.stack(np.triu_indices(few), axis=1)
        constant, linear, products = _polynomial(flat[:, each], few, bent)
        centre[each] = constant - products[:, bent[:, 0] == bent[:, 1]].sum(axis=1)
        terms, places = np.column_stack([linear, products]), np.concatenate([each, several + np.arange(len(bent))])
        row, column = np.nonzero(terms)
        bends.append(each[bent])
        rows.append(each[row])
        columns.append(places[column])
        coefficients.append(terms[row, column])
        several += len(bent)
    first, second = np.concatenate(bends).T
    return {
        "first": first, "second": second, "row": np.concatenate(rows), "column": np.concatenate(columns),
        "coefficient": np.concatenate(coefficients), "centre": centre,
    }


def _polynomial(x: Floats, few: int, bends: Integers) -> tuple[Floats, Floats, Floats]:
    """Constant, linear and product terms in standard normal w: the first `few` columns linear, the others bent by their products."""
    centre, linear, products = x.mean(axis=0), _root(x), np.zeros((x.shape[1], len(bends)))
    if few:
        w = linalg.solve_triangular(linear[:few, :few], (x[:, :few] - centre[:few]).T, lower=True).T
        bent = w[:, bends[:, 0]] * w[:, bends[:, 1]] - (bends[:, 0] == bends[:, 1])
        terms = np.column_stack([np.ones(len(x)), w, bent])
        found = np.linalg.lstsq(terms, x[:, few:], rcond=None)[0]
        centre[few:], linear[few:, :few], products[few:] = found[0], found[1:few + 1].T, found[few + 1:].T
        linear[few:, few:] = _root(x[:, few:] - terms @ found)
    return centre, linear, products


def _root(x: Floats) -> Floats:
    """Triangular root of the covariance."""
    covariance = np.atleast_2d(np.cov(x.T))
    return np.asarray(np.linalg.cholesky((1.0 - _SHRUNK) * covariance + _SHRUNK * np.diag(np.diag(covariance))))


def _along(values: Mapping[str, Floats], name: str, axis: int) -> Floats:
    """A vector of each draw beside matrices, along one of their axes; 0 without a name."""
    return np.expand_dims(values[name], 2 - axis) if name else np.zeros((1, 1, 1))


def _logit(share: Floats) -> npt.NDArray[np.float64]:
    return np.asarray(special.logit(np.clip(share, _LEAST, 1.0 - _LEAST)))
