"""The embedded example of an audit: a simulated network as files, with the study file that audits it."""

from __future__ import annotations

import json
from importlib.resources import files
from os import PathLike
from pathlib import Path

from .dealer_network import simulate_dealers
from .example import refuse_present, write_files

AUDIT_FILES = ("responses.csv", "visits.csv", "truth.json", "study.toml")


def write_audit_example(folder: str | PathLike[str], *, dealers: int = 100, seed: int = 20260930) -> Path:
    """Write a simulated network of dealers as files, with the study file that audits it and the simulated truth.

    Files: ``responses.csv`` (one row per form), ``visits.csv`` (one per visit, with what followed), ``study.toml`` and ``truth.json``
    (which dealers inflate, how, and what their honest score is). CSV files are UTF-8.

    Parameters
    ----------
    folder : path
        Where to write; made when absent.
    dealers : int
        Number of dealers; 15 % of them inflate.
    seed : int
        Seed of the simulation; the same seed gives the same tables.

    Returns
    -------
    pathlib.Path
        The study file.

    Raises
    ------
    InputError
        The folder holds one of the files already, or an option is out of its bounds.

    Examples
    --------
    >>> import tempfile
    >>> from vocstats.datasets import write_audit_example
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     print(write_audit_example(folder, dealers=20).name)
    study.toml
    """
    target = Path(folder)
    refuse_present(target, AUDIT_FILES)
    network = simulate_dealers(dealers, seed=seed, strength=(0.5, 0.7), responses=(60, 900))
    visits = network.roster.merge(network.outcomes, on="visit_id")
    flags = ("drawn", "invited", "reached", "heard", *network.outcome_names)
    tables = {"responses": network.responses, "visits": visits.astype(dict.fromkeys(flags, int))}
    known = network.truth.dealers[["dealer", "inflated", "mechanism", "score", "honest_mean"]]
    truth = {"seed": seed, "dealers": json.loads(known.to_json(orient="records", double_precision=4))}
    return write_files(target, tables, truth, files(__package__).joinpath("audit.toml").read_text(encoding="utf-8"), dates=None)
