"""Coordinates of the sampler leave the posterior of pain points as it is, and are those in which it is nearly standard normal."""

from __future__ import annotations

import numpy as np
import pytest
from bayes.test_pain_points import PRIORS, counts

from vocstats.bayes.coordinates import in_coordinates
from vocstats.bayes.pain_point_cells import flat_data, shape_of
from vocstats.bayes.pain_point_coordinates import effects, moved, straightened
from vocstats.bayes.pain_point_model import pain_point_model, variables
from vocstats.prevalence.latent_field import fit_latent_field

FAST = {"mode": "FAST_COMPILE", "on_unused_input": "ignore"}


@pytest.fixture(scope="module")
def everything():
    """The model with all its parts, two dealers besides, that model moved, and what straightens it."""
    pymc = pytest.importorskip("pymc")
    given = counts(dealers=2)
    shape = shape_of(given, dealers=True)
    model = pain_point_model(shape, PRIORS, flat_data(given, shape))
    changed = in_coordinates(model, moved(shape), variables(shape), effects(shape))
    draws = fit_latent_field(given, priors=PRIORS, draws=1000, seed=1)
    return pymc, model, changed, straightened(given, shape, draws, 1), draws


def unconstrained(model, changed):
    """The model's sampled values as a function of a point of the changed model."""
    found = {variable.name: variable for variable in changed.unobserved_value_vars}
    values = []
    for variable in model.free_RVs:
        transform = model.rvs_to_transforms[variable]
        value = found[variable.name]
        values.append(value if transform is None else transform.forward(value, *variable.owner.inputs))
    function = changed.compile_fn(values, **FAST)
    names = [model.rvs_to_values[variable].name for variable in model.free_RVs]
    return lambda point: dict(zip(names, function(point), strict=True))


def shifted(point, step):
    parts = np.split(step, np.cumsum([value.size for value in point.values()])[:-1])
    return {name: value + part.reshape(value.shape) for (name, value), part in zip(point.items(), parts, strict=True)}


def flat(point):
    return np.concatenate([np.ravel(value) for value in point.values()])


def test_density_is_that_of_the_model_times_the_derivative(everything):
    """But for a constant, by central differences at random points, the model of the formula being tested by itself."""
    pymc, model, changed, data, _ = everything
    rng, start = np.random.default_rng(2), changed.initial_point()
    values, here, there = unconstrained(model, changed), changed.compile_logp(mode="FAST_COMPILE"), model.compile_logp(mode="FAST_COMPILE")
    size = flat(start).size
    at = shifted(start, rng.normal(size=size))
    assert float(here(at)) == pytest.approx(float(there(values(at))), abs=1e-8)  # nothing is moved before data say where
    pymc.set_data(data, model=changed)
    left = []
    for _ in range(3):
        at = shifted(start, rng.normal(size=size))
        slopes = [(flat(values(shifted(at, step))) - flat(values(shifted(at, -step)))) / 2e-4 for step in 1e-4 * np.eye(size)]
        left.append(float(here(at)) - float(there(values(at))) - np.linalg.slogdet(np.array(slopes))[1])
    assert np.ptp(left) < 1e-4


def test_standard_normal_coordinates_have_the_moments_of_the_draws(everything):
    pymc, _, changed, data, draws = everything
    pymc.set_data(data, model=changed)
    wanted = {variable.name: variable for variable in changed.unobserved_value_vars}
    function = changed.compile_fn([wanted["intercept"], wanted["sensitivity"], wanted["mention"]], **FAST)
    rng, size = np.random.default_rng(3), changed.initial_point()["coordinates"].size
    found = [function({"coordinates": rng.normal(size=size)}) for _ in range(2000)]
    intercept, sensitivity, mention = (np.array(each) for each in zip(*found, strict=True))
    known = 1.0 / (1.0 + np.exp(-draws.reporting[:, :, 0]))
    for made, drawn in ((intercept, draws.intercept), (sensitivity, draws.sensitivity.reshape(1000, -1)), (mention, known)):
        np.testing.assert_allclose(made.mean(axis=0), drawn.mean(axis=0), atol=0.25 * drawn.std(axis=0).max())
        np.testing.assert_allclose(made.std(axis=0), drawn.std(axis=0), rtol=0.25)


def test_draws_that_repeat_can_be_straightened():
    """Chains of a pain whose proposals are hardly ever accepted."""
    given = counts(dealers=1)
    shape = shape_of(given, dealers=False)
    draws = fit_latent_field(given, priors=PRIORS, draws=100, seed=1)
    names = ("intercept", "segment", "selection", "segment_scale", "sensitivity", "specificity", "reporting")
    for name in names:
        getattr(draws, name).flags.writeable = True
        getattr(draws, name)[:] = getattr(draws, name)[np.arange(100) % 5]
    data = straightened(given, shape, draws, 1)
    assert all(np.isfinite(each).all() for each in data.values())
