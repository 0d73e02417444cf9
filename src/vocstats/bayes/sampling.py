"""Sampling a model: the one place that knows of the two generations of PyMC and ArviZ, and of nutpie.

Python 3.11 gets PyMC 5 with ArviZ 0.23, Python 3.12 and later PyMC 6 with ArviZ 1. What leaves this file is plain numpy.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import numpy as np

from ..errors import MissingDependencyError, VocstatsWarning
from ..results import Floats

TARGET_ACCEPT = 0.9
HIGHEST_R_HAT = 1.01  # Vehtari, Gelman, Simpson, Carpenter & Bürkner (2021)


class SamplingWarning(VocstatsWarning):
    """Chains that disagree, or steps that diverged: the posterior drawn may not be the model's."""


@dataclass(frozen=True, slots=True, eq=False)
class Draws:
    """Draws from a posterior.

    Attributes
    ----------
    values : {name: Floats (chains, draws, ...)}
    divergences : int
        Steps after tuning that diverged.
    """

    values: Mapping[str, Floats]
    divergences: int


def load_pymc() -> ModuleType:
    """PyMC, or an error that says what to install."""
    return _load("pymc")


def load_pytensor(module: str) -> ModuleType:
    """A module of PyTensor, in which PyMC's models are written."""
    return _load(f"pytensor.{module}")


class Sampler:
    """A model made ready for sampling once, for as many data sets of its shape as come.

    Compiling takes longer than sampling. Data the model holds as ``pymc.Data`` can be exchanged in `draw`.
    """

    def __init__(self, model: Any, *, nutpie: bool | None = None) -> None:
        """`nutpie`: sample with it; None: where it is installed. Otherwise PyMC's own sampler is used."""
        self.model, self._free = model, [variable.name for variable in model.free_RVs]
        self._decided: dict[tuple[str, ...], Any] = {}  # functions of `_found`
        use = find_spec("nutpie") is not None if nutpie is None else nutpie
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PyTensor reports where it found no BLAS
            self._compiled = _load("nutpie").compile_pymc_model(model, freeze_model=False, var_names=self._free) if use else None

    def draw(
        self, names: Sequence[str], *, draws: int, tune: int, chains: int, seed: int, data: Mapping[str, Any] | None = None,
        target_accept: float = TARGET_ACCEPT,
    ) -> Draws:
        """Draw the variables named, one chain after the other.

        Parameters
        ----------
        data : {name: array}, optional
            Other values of the model's data, of the same shape.
        target_accept : float
            Nearer 1, steps are shorter: slower, and fewer of them diverge.
        """
        if data:
            load_pymc().set_data(dict(data), model=self.model)
        common = {"draws": draws, "tune": tune, "chains": chains, "cores": 1, "target_accept": target_accept}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # both announce their next generations
            if self._compiled is not None:
                compiled = self._compiled.with_data(**data) if data else self._compiled
                trace = _load("nutpie").sample(compiled, seed=seed, progress_bar=False, save_warmup=False, **common)
            else:
                trace = load_pymc().sample(
                    model=self.model, var_names=self._free, random_seed=seed, progressbar=False, compute_convergence_checks=False,
                    quiet=True, nuts_sampler="pymc", **common,
                )
            posterior, told = _dataset(trace["posterior"]), _dataset(trace["sample_stats"])
            values = {name: np.asarray(posterior[name].to_numpy(), float) for name in self._free}
            others = tuple(name for name in names if name not in values)
            values |= self._found(values, others) if others else {}
        return Draws({name: values[name] for name in names}, int(told["diverging"].to_numpy().sum()))

    def _found(self, free: Mapping[str, Floats], names: tuple[str, ...]) -> dict[str, Floats]:
        """Variables that others decide, of all draws at once: the sampler would compile them at length."""
        if names not in self._decided:
            tensor, vectorize = load_pytensor("tensor"), load_pytensor("graph.replace").vectorize_graph
            given = {name: tensor.tensor(name, shape=(None, *values.shape[2:])) for name, values in free.items()}
            outputs = vectorize([self.model[name] for name in names], {self.model[name]: variable for name, variable in given.items()})
            self._decided[names] = _load("pytensor").function(
                list(given.values()), outputs, mode="FAST_COMPILE", on_unused_input="ignore"
            )
        several = next(iter(free.values())).shape[:2]
        found = self._decided[names](*(values.reshape(-1, *values.shape[2:]) for values in free.values()))
        return {name: values.reshape(*several, *values.shape[1:]) for name, values in zip(names, found, strict=True)}


def convergence(values: Mapping[str, Floats]) -> tuple[float, float]:
    """Largest r-hat and smallest effective number of draws (bulk) of arrays (chains, draws, ...); NaN with a single chain.

    References
    ----------
    Vehtari, Gelman, Simpson, Carpenter & Bürkner (2021), Bayesian Anal. 16(2).
    """
    arviz, xarray = _load("arviz"), import_module("xarray")
    variables = {
        name: (("chain", "draw", *(f"{name}_{axis}" for axis in range(array.ndim - 2))), array) for name, array in values.items()
    }
    dataset = xarray.Dataset(variables)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a single chain
        r_hat, size = (_flat(_dataset(statistic(dataset))) for statistic in (arviz.rhat, arviz.ess))
    return float(np.fmax.reduce(r_hat)), float(np.fmin.reduce(size))


def warn_of(divergences: int, r_hat: float, *, stacklevel: int = 2) -> None:
    """Warn of divergences and of chains that disagree."""
    if divergences:
        warnings.warn(
            f"{divergences} steps of the sampler diverged: parts of the posterior may be missing. Check the data and the priors.",
            SamplingWarning, stacklevel=stacklevel + 1,
        )
    if r_hat > HIGHEST_R_HAT:
        warnings.warn(
            f"The chains disagree: the largest r-hat is {r_hat:.3f}, above {HIGHEST_R_HAT}. Take more draws (draws=, tune=).",
            SamplingWarning, stacklevel=stacklevel + 1,
        )


def _load(package: str) -> ModuleType:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # ArviZ 0.23 announces ArviZ 1 on import
            return import_module(package)
    except ImportError as error:
        message = f"Hierarchical models need {package}; install it with: pip install 'vocstats[bayes]'"
        raise MissingDependencyError(message, code="missing_dependency", package=package, extra="bayes") from error


def _dataset(group: Any) -> Any:
    """A group of draws as xarray's Dataset: ArviZ 1 keeps a DataTree."""
    return getattr(group, "dataset", group)


def _flat(dataset: Any) -> Floats:
    return np.concatenate([np.ravel(dataset[name].to_numpy()) for name in dataset.data_vars])
