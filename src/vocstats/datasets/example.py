"""The embedded example: the simulated tables as files, with the study file that runs on them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from importlib.util import find_spec
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError, MissingDependencyError, shown
from .blemishes import NO_ANSWER_CODES
from .simulation import SimulatedBase, simulate_base

if TYPE_CHECKING:
    import pandas as pd

EXAMPLE_FILES = (
    "registry.csv", "survey.xlsx", "call_log.csv", "follow_up.csv", "exit_interview.csv", "truth.json", "study.toml"
)
_PUBLISHED = "published     = { mean = 9.21 }"  # the line of study.toml that the simulated survey fills


def study_template() -> str:
    """Text of the example's study file, to be edited.

    Returns
    -------
    str
        TOML with comments in English and Chinese.
    """
    return files(__package__).joinpath("study.toml").read_text(encoding="utf-8")


def write_example(folder: str | PathLike[str], *, n: int = 20_000, seed: int = 20260930) -> Path:
    """Write a simulated customer base as files, with the study file that corrects it and the simulated truth.

    Files: ``registry.csv``, ``survey.xlsx`` (sheet Q3), ``call_log.csv``, ``follow_up.csv``, ``exit_interview.csv``,
    ``study.toml`` and ``truth.json``. CSV files are UTF-8.

    Parameters
    ----------
    folder : path
        Where to write; made when absent.
    n : int
        Customers in the registry.
    seed : int
        Seed of the simulation; the same seed gives the same tables.

    Returns
    -------
    pathlib.Path
        The study file.

    Raises
    ------
    InputError
        The folder holds one of the files already, or `n` or `seed` is out of its bounds.
    MissingDependencyError
        openpyxl, which writes the Excel file, is not installed.

    Examples
    --------
    >>> import tempfile
    >>> from vocstats.datasets import write_example
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     print(write_example(folder, n=1_000).name)
    study.toml
    """
    if find_spec("openpyxl") is None:
        raise MissingDependencyError(
            "The example holds an Excel file; openpyxl, which writes it, is not installed. Install it with: pip install 'vocstats[report]'",
            code="openpyxl_missing",
        )
    target = Path(folder)
    refuse_present(target, EXAMPLE_FILES)
    simulated = simulate_base(n, seed=seed)
    tables = {name: getattr(simulated, name) for name in ("registry", "call_log", "follow_up", "exit_interview")}
    study = study_template().replace(_PUBLISHED, f"published     = {{ mean = {_published(simulated):.2f} }}")
    path = write_files(target, tables, {"seed": seed, "n": n, **simulated.truth.to_dict()}, study)
    survey = simulated.survey.assign(answered_on=simulated.survey["answered_on"].dt.date)
    survey.to_excel(target / "survey.xlsx", sheet_name="Q3", index=False, engine="openpyxl")
    return path


def write_files(
    folder: Path, tables: Mapping[str, pd.DataFrame], truth: Mapping[str, Any], study: str, *, dates: str | None = "%Y-%m-%d"
) -> Path:
    """Tables as CSV (`dates`: how a time is written; None: in full), the truth as JSON, and the study file, whose path is returned."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False, encoding="utf-8", date_format=dates, lineterminator="\n")
    (folder / "truth.json").write_text(json.dumps(truth, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    path = folder / "study.toml"
    path.write_text(study, encoding="utf-8")
    return path


def refuse_present(folder: Path, names: Sequence[str]) -> None:
    """Raise where `folder` holds one of the files."""
    present = [name for name in names if (folder / name).exists()]
    if present:
        raise InputError(
            f"folder {str(folder)!r} already holds {shown(present, len(present))}. Choose an empty folder or remove them.",
            code="example_exists", argument="folder", levels=present, folder=str(folder),
        )


def _published(simulated: SimulatedBase) -> float:
    """The mean a company would report: the last answer of everyone it knows, codes for no answer left out."""
    survey = simulated.survey[simulated.survey["customer_id"].isin(simulated.registry["customer_id"])]
    last = survey.drop_duplicates("customer_id", keep="last")["csi"]
    return float(last[~last.isin(NO_ANSWER_CODES)].mean())
