"""Both generations of PyMC and ArviZ install and sample: PyMC 5 with ArviZ 0.23 on Python 3.11, PyMC 6 with ArviZ 1 from 3.12."""

from __future__ import annotations

import sys

import numpy as np
import pytest

# ArviZ 0.23 announces ArviZ 1 on import, once a day.
pytestmark = pytest.mark.filterwarnings("ignore:\\nArviZ is undergoing:FutureWarning")


def test_each_python_gets_its_generation(pymc, arviz):
    generation = (int(pymc.__version__.split(".")[0]), int(arviz.__version__.split(".")[0]))
    assert generation == ((5, 0) if sys.version_info < (3, 12) else (6, 1))


@pytest.mark.parametrize("sampler", ["pymc", "nutpie"])
def test_conjugate_posterior_is_reproduced(pymc, sampler):
    asked, satisfied = np.array([40, 25, 60]), np.array([30, 15, 48])
    with pymc.Model():
        share = pymc.Beta("share", 1.0, 1.0, shape=3)
        pymc.Binomial("satisfied", n=asked, p=share, observed=satisfied)
        trace = pymc.sample(
            draws=500, tune=500, chains=2, cores=1, nuts_sampler=sampler, target_accept=0.9, random_seed=1,
            progressbar=False, compute_convergence_checks=False,
        )
    posterior = trace["posterior"]
    draws = getattr(posterior, "dataset", posterior)["share"].to_numpy()
    alpha, beta = 1 + satisfied, 1 + asked - satisfied
    sd = np.sqrt(alpha * beta / (alpha + beta) ** 2 / (alpha + beta + 1))
    assert draws.shape == (2, 500, 3)
    # About 700 effective draws: a Monte Carlo standard error of 0.04 posterior sd; 0.2 is five of them.
    np.testing.assert_allclose(draws.mean((0, 1)), alpha / (alpha + beta), atol=0.2 * sd.min())
    np.testing.assert_allclose(draws.std((0, 1)), sd, rtol=0.2)
