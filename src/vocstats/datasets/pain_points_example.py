"""The embedded example of pain points: a simulated network's customers as files, with the study file that estimates them."""

from __future__ import annotations

import json
from importlib.resources import files
from os import PathLike
from pathlib import Path

from .example import refuse_present, write_files
from .pain_points import simulate_pain_points

PAIN_POINTS_FILES = (
    "registry.csv", "survey.csv", "follow_up.csv", "exit_interview.csv", "coder_audit.csv", "truth.json", "study.toml"
)


def write_pain_points_example(folder: str | PathLike[str], *, dealers: int = 24, seed: int = 20260930) -> Path:
    """Write simulated customers and what they say of eighteen pain points as files, with the study file and the simulated truth.

    Files: ``registry.csv`` (one row per customer), ``survey.csv``, ``follow_up.csv`` and ``exit_interview.csv`` (one row per answer, a
    column of 1 and 0 by pain point), ``coder_audit.csv``, ``study.toml`` and ``truth.json`` (how many do have each pain, by segment too).
    CSV files are UTF-8.

    Parameters
    ----------
    folder : path
        Where to write; made when absent.
    dealers : int
        Number of dealers.
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
    >>> from vocstats.datasets import write_pain_points_example
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     print(write_pain_points_example(folder, dealers=5).name)
    study.toml
    """
    target = Path(folder)
    refuse_present(target, PAIN_POINTS_FILES)
    world = simulate_pain_points(dealers, seed=seed, customers=(300, 1_200))
    figures = {name: world.truth.prevalence(by) for name, by in (("everybody", ()), ("by_segment", ("segment",)))}
    truth = {"seed": seed} | {name: json.loads(table.to_json(orient="records", double_precision=4)) for name, table in figures.items()}
    tables = {**world.tables(seed=seed), "coder_audit": world.coder_audit}
    return write_files(target, tables, truth, files(__package__).joinpath("pain_points.toml").read_text(encoding="utf-8"))
