"""One way to draw from a model, whichever generation of PyMC and ArviZ and whichever sampler is installed."""

from __future__ import annotations

import numpy as np
import pytest

from vocstats.bayes import SamplingWarning, sampling
from vocstats.errors import MissingDependencyError


@pytest.mark.parametrize("nutpie", [True, False])
def test_draws_are_plain_arrays_and_data_can_be_exchanged(pymc, nutpie):
    with pymc.Model() as model:
        asked, satisfied = pymc.Data("asked", np.array([40, 25])), pymc.Data("satisfied", np.array([30, 15]))
        share = pymc.Beta("share", 1.0, 1.0, shape=2)
        pymc.Deterministic("many", asked * share)
        pymc.Potential("answers", (satisfied * pymc.math.log(share) + (asked - satisfied) * pymc.math.log(1.0 - share)).sum())
    sampler = sampling.Sampler(model, nutpie=nutpie)
    for told in ([30, 15], [10, 20]):
        found = sampler.draw(["share", "many"], draws=400, tune=400, chains=2, seed=1, data={"satisfied": np.array(told)})
        np.testing.assert_allclose(found.values["many"], np.array([40, 25]) * found.values["share"])
        assert found.values["share"].shape == (2, 400, 2)
        assert found.divergences == 0
        a, b = 1 + np.array(told), 1 + np.array([40, 25]) - told
        sd = np.sqrt(a * b / (a + b) ** 2 / (a + b + 1))
        assert (np.abs(found.values["share"].mean(axis=(0, 1)) - a / (a + b)) < 0.25 * sd).all()
    again = sampler.draw(["share"], draws=400, tune=400, chains=2, seed=1, data={"satisfied": np.array([10, 20])})
    np.testing.assert_array_equal(again.values["share"], found.values["share"])


def test_convergence_sees_chains_apart_and_counts_what_draws_are_worth(arviz):
    rng = np.random.default_rng(1)
    white = rng.normal(size=(4, 1000, 3))
    r_hat, effective = sampling.convergence({"white": white})
    assert r_hat < 1.01 and 3000 < effective < 5000
    slow = np.zeros((4, 1000))
    for t in range(1, 1000):  # an autoregression: 1000 draws are worth 1000 (1 - .9) / (1 + .9)
        slow[:, t] = 0.9 * slow[:, t - 1] + rng.normal(size=4)
    _, worth = sampling.convergence({"white": white, "slow": slow})
    assert 120 < worth < 350
    r_hat, _ = sampling.convergence({"white": white, "apart": white[..., 0] + 5.0 * np.arange(4)[:, None]})
    assert r_hat > 2.0


def test_one_chain_has_no_r_hat(arviz):
    r_hat, _ = sampling.convergence({"white": np.random.default_rng(1).normal(size=(1, 100))})
    assert np.isnan(r_hat)


def test_warnings_say_what_went_wrong():
    with pytest.warns(SamplingWarning, match="3 steps of the sampler diverged"):
        sampling.warn_of(3, 1.0)
    with pytest.warns(SamplingWarning, match=r"r-hat is 1\.020"):
        sampling.warn_of(0, 1.02)
    sampling.warn_of(0, 1.01)
    sampling.warn_of(0, float("nan"))


def test_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(sampling, "import_module", lambda name: __import__("no_such_package_of_models"))
    with pytest.raises(MissingDependencyError, match="vocstats\\[bayes\\]") as caught:
        sampling.load_pymc()
    assert caught.value.values == {"package": "pymc", "extra": "bayes"}
