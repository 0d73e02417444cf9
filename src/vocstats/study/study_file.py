"""The study file: read, held against the schema, and turned into the arguments the workflows take."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from .checking import check_document

if TYPE_CHECKING:
    from ..customer_base import CustomerBase

TITLES = {"en": "title", "zh": "title_zh"}
DEFINITIONS = {"en": "churn_definition", "zh": "churn_definition_zh"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """A study whose file was found in order.

    Attributes
    ----------
    path : Path
        The study file; every path in it is relative to its folder.
    text : str
        The file as written.
    settings : mapping
        {section: {key: value}} with every default filled in; None where a key without a default was left out.
    locked : mapping
        {file name: SHA-256} when this is a lock file: the files must not have changed.
    """

    path: Path
    text: str
    settings: Mapping[str, Any]
    locked: Mapping[str, str]

    def __getitem__(self, section: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.settings.get(section) or {}
        return found

    @property
    def corrects(self) -> bool:
        """Whether it corrects a score."""
        return "outcome" in self.settings

    @property
    def reads_base(self) -> bool:
        """Whether it reads customers: it has a registry."""
        return "registry" in self.settings

    @property
    def counts_pains(self) -> bool:
        """Whether it estimates pain points."""
        return "pain_points" in self.settings

    @property
    def audits(self) -> bool:
        """Whether it audits dealers."""
        return "audit" in self.settings

    @property
    def output(self) -> Path:
        """Folder the run writes."""
        return self.locate(self["study"]["output"])

    @property
    def period(self) -> str:
        """What the study is about, in words; empty where it does not say."""
        period = self["study"]["period"] or ""
        return period if isinstance(period, str) else " – ".join(period)

    @property
    def files(self) -> dict[str, str]:
        """The data files by role ("registry", "survey", "survey.contact", ...), named as in the study."""
        from .requests import requests

        return {request.role: request.name for request in requests(self)}

    @property
    def sources(self) -> dict[str, Mapping[str, Any]]:
        """The settings of each source of answers."""
        return {name: settings for name, settings in self["answers"].items() if isinstance(settings, Mapping)}

    def locate(self, name: str) -> Path:
        """The path of a file named in the study."""
        return (self.path.parent / name).resolve()

    def texts(self, section: str, keys: Mapping[str, str]) -> dict[str, str]:
        """{language: text} of a text that may be given in two languages."""
        return {language: self[section][key] for language, key in keys.items() if self[section][key]}

    def base(self) -> CustomerBase:
        """Read the files and build the customer base.

        Returns
        -------
        CustomerBase
            As `CustomerBase.from_frames` builds it.

        Raises
        ------
        InputError
            A file is missing, or the data are refused.
        """
        from .reading import read_base

        return read_base(self)

    def corrections(self) -> list[tuple[str, dict[str, Any]]]:
        """The arguments of `vocstats.correct` for each statistic, without `by`."""
        outcome, correct, sensitivity = self["outcome"], self["correct"], self["sensitivity"]
        index = outcome.get("index") or {}
        shared = {
            "scale": tuple(outcome["scale"]),
            "auxiliaries": tuple(self["auxiliaries"]["columns"]),
            "minimum_cell": self["auxiliaries"]["minimum_cell"],
            **{name: correct[name] for name in ("method", "shadow", "weighting", "trim", "small_groups", "inference")},
            "assume": tuple(correct["assume"] or ()),
            **{name: tuple(sensitivity[name]) for name in ("silent_shift", "churned_shift", "mode_shift")},
            "level": self["study"]["level"],
            "seed": self["study"]["seed"],
        }
        calls = []
        for position, statistic in enumerate(outcome["statistics"]):
            call = {**shared, "outcome": outcome["column"], "statistic": statistic, "kpi": correct["kpi"] if position == 0 else None}
            if statistic == "index":
                call |= {"outcome": None, "items": index["items"], "points": index["points"]}
            if statistic in ("top_box", "nps"):
                call["top"] = outcome["top"]
            if statistic in ("bottom_box", "nps"):
                call["bottom"] = outcome["bottom"]
            calls.append((statistic, call))
        return calls


def load_study(path: str | Path) -> Study:
    """Read a study file and hold it against the schema.

    Parameters
    ----------
    path : str or Path
        A study file, or the ``study.lock.toml`` of a finished run.

    Returns
    -------
    Study
        With every default filled in.

    Raises
    ------
    InputError
        The file is not there, is not TOML, or a key is unknown, missing, of the wrong type or not available.
        The error is about the first problem; `check_study` returns them all.
    """
    study, problems = check_study(path)
    if study is None:
        raise problems[0]
    return study


def check_study(path: str | Path) -> tuple[Study | None, list[InputError]]:
    """Like `load_study`, but every problem of the file is returned.

    Parameters
    ----------
    path : str or Path
        A study file.

    Returns
    -------
    study : Study or None
        None when there are problems.
    problems : list of InputError
        In the order of the file.
    """
    path, reason = Path(path).resolve(), ""
    try:
        text = path.read_text(encoding="utf-8-sig")
        document = tomllib.loads(text)
    except FileNotFoundError:
        message, code = f"There is no file {path}.", "study_no_file"
    except IsADirectoryError:
        message, code = f"{path} is a folder, not a study file.", "study_is_folder"
    except UnicodeDecodeError:
        message, code = f"{path.name} is not UTF-8 text. Save it as UTF-8.", "study_not_utf8"
    except tomllib.TOMLDecodeError as error:
        message, code, reason = f"{path.name} is not valid TOML: {error}.", "study_not_toml", str(error)
    else:
        return study_from_document(document, path=path, text=text)
    return None, [InputError(message, code=code, argument="path", path=str(path), name=path.name, reason=reason)]


def study_from_document(document: Mapping[str, Any], *, path: Path, text: str = "") -> tuple[Study | None, list[InputError]]:
    """A study from its parsed document; `path` says where its relative paths start."""
    try:
        locked = {str(record["name"]): str(record["sha256"]) for record in document.get("lock", {}).get("files", [])}
    except (AttributeError, KeyError, TypeError):
        message = "The [lock] section is damaged. Delete it to run the study without comparing its files."
        return None, [InputError(message, code="study_damaged_lock", argument="lock")]
    settings, problems = check_document({name: value for name, value in document.items() if name != "lock"})
    if problems:
        return None, problems
    return Study(path=path, text=text, settings=settings, locked=locked), []
