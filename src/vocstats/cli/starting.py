"""``vocstats init``: asks for files and columns, with guesses from the files' headers, and writes a commented study file."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ..errors import InputError
from ..study import study_from_document
from ..study.commented import commented_study
from ..tables import InputTable, read_table
from .guessing import any_missing, column_of, data_files, existing, guess_auxiliaries, guess_name, levels
from .one_off import churned_of, names_of, numbers_of

if TYPE_CHECKING:
    from .terminal import Terminal

_FILES = {
    "registry": ("registry", "customer", "base", "crm", "名册", "客户"),
    "survey": ("survey", "answer", "response", "csi", "问卷", "调查", "满意"),
    "follow_up": ("follow", "补访"),
    "exit_interview": ("exit", "流失"),
}
_COLUMNS = {
    "id": ("customer_id", "customer id", "customerid", "客户编号", "客户号", "会员", "vin", "id", "编号"),
    "churned": ("churned", "churn_date", "churn label", "churn", "流失", "left", "lapsed", "status", "状态"),
    "outcome": ("csi", "satisfaction", "满意", "score", "得分", "评分", "nps", "rating"),
    "dealer": ("dealer", "经销商", "门店", "网点"),
    "selected": ("selected", "drawn", "抽中", "入样"),
}
_GONE = ("churned", "yes", "left", "lapsed", "lost", "流失", "是", "已流失", "1", "true")
_SCALES = ((1, 5), (1, 7), (1, 10), (0, 10), (0, 100))
_CODES = (97, 98, 99, -1)
_BOTH = ("dealer", "title")
_SCORE = ("registry", "survey", "follow_up", "exit_interview", "id", "churned", "outcome", "scale", "auxiliary", *_BOTH)
_AUDIT = (
    "responses", "roster", "score", "channel", "independent_channel", "items", "case_mix", "outcomes", "threshold", *_BOTH
)
_OF_SCORE = ("follow_up", "exit_interview", "dealer", "auxiliaries")  # may be left out
_OF_AUDIT = ("channel", "roster", "outcomes", "items", "case_mix", "threshold")


@dataclass(slots=True)
class Interview:
    """Answers from the command line, from questions, or from guesses, in this order."""

    terminal: Terminal
    given: Mapping[str, str]
    ask: bool
    optional: tuple[str, ...]

    def __call__(self, name: str, guess: str, clean: Callable[[str], Any]) -> Any:
        """The cleaned answer to the question `name`; a wrong one is asked for again, or refused where nobody is asked."""
        answer = self.given.get(name)
        while True:
            asked = answer is None and self.ask
            if answer is None:
                answer = self._prompt(name, guess) if asked else guess
            answer = answer.strip()
            if not answer and name in self.optional:
                return None
            try:
                return clean(answer) if answer else self._refuse(name)
            except InputError as error:
                if not asked:
                    raise
                self.terminal.problem(error)
                answer = None

    def _prompt(self, name: str, guess: str) -> str:
        answer: str = typer.prompt(self.terminal.text(f"ask_{name}"), default=guess, show_default=bool(guess))
        return "" if answer == "-" else answer

    def _refuse(self, name: str) -> Any:
        option = f"--{name.replace('_', '-')}"
        raise InputError(f"{option} is needed: nothing in the files suggests it.", code="cli_init_needs", argument=option)


def write_study(terminal: Terminal, path: Path, given: Mapping[str, str], *, audits: bool, ask: bool, overwrite: bool) -> None:
    """Interview the user and write the study file, of a score or of an audit."""
    from .starting_audit import audit_interview

    if path.exists() and not overwrite:
        raise InputError(
            f"{path} exists already. Choose another name (--file), or replace it (--overwrite).",
            code="cli_file_exists", argument="--file", path=str(path),
        )
    if ask and not terminal.quiet:
        terminal.say("init_head")
    answer = Interview(terminal, given, ask, _OF_AUDIT if audits else _OF_SCORE)
    document = (audit_interview if audits else interview)(answer, path.resolve().parent)
    text = commented_study(document, terminal.language)
    _, problems = study_from_document({"schema_version": 1, **document}, path=path)
    for problem in problems:
        raise problem
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    terminal.say("init_written", file=path)


def given_of(options: Mapping[str, Any], *, audits: bool) -> dict[str, str]:
    """Options of the command line as answers; InputError where one belongs to the other kind of study."""
    given = {name: value for name, value in options.items() if name in (*_SCORE, *_AUDIT) and value not in (None, [], ())}
    stray = [f"--{name.replace('_', '-')}" for name in given if name not in (_AUDIT if audits else _SCORE)]
    if stray:
        listed, which, other = ", ".join(stray), *(("audit", "score") if audits else ("score", "audit"))
        raise InputError(
            f"{listed}: for the study of a{'n audit' if other == 'audit' else ' score'} (vocstats init {other}). Leave it out of "
            f"vocstats init {which}.",
            code="cli_init_options", argument=stray[0], options=listed, which=which, other=other,
        )
    texts = {name: ",".join(value) if isinstance(value, (list, tuple)) else str(value) for name, value in given.items()}
    return {"auxiliaries" if name == "auxiliary" else name: text for name, text in texts.items()}


def interview(answer: Interview, folder: Path) -> dict[str, Any]:
    """The document of a study, from the interview."""
    files = data_files(folder)
    readers: dict[str, InputTable] = {}

    def opened(role: str) -> str | None:
        def clean(name: str) -> str:
            readers[role] = InputTable(read_table(existing(folder, name)), role)
            return name

        name: str | None = answer(role, guess_name(files, _FILES[role]), clean)
        return name

    registry, survey = opened("registry"), opened("survey")
    base, answers = readers["registry"], readers["survey"]
    identifier = answer("id", guess_name(base.schema, _COLUMNS["id"]), lambda name: column_of(base, name))
    churned = answer("churned", _guess_churned(base), lambda text: _churned(base, text))
    outcome = answer("outcome", guess_name(answers.schema, _COLUMNS["outcome"]), lambda name: column_of(answers, name))
    low, high, codes = _guess_scale(answers, outcome)
    scale = answer("scale", f"{low:g},{high:g}", lambda text: numbers_of(text, "--scale"))
    sources: dict[str, Any] = {"survey": {"file": survey, **_identifier(answers, identifier)}}
    for role in ("follow_up", "exit_interview"):
        if (file := opened(role)) is not None:
            drawn = guess_name(readers[role].schema, _COLUMNS["selected"])
            sources[role] = {"file": file, **_identifier(readers[role], identifier), **({"selected": drawn} if drawn else {})}
    dealer = answer("dealer", guess_name(base.schema, _COLUMNS["dealer"]), lambda name: column_of(base, name))
    taken = {identifier, dealer, outcome, churned if isinstance(churned, str) else churned["column"]}
    suggested = ",".join(guess_auxiliaries(base, taken))
    auxiliaries = answer("auxiliaries", suggested, lambda text: [column_of(base, name) for name in names_of([text])])
    title = answer("title", answer.terminal.text("default_title"), str)
    return document_of(
        registry={"file": registry, "id": identifier, "dealer": dealer, "churned": churned},
        answers=sources,
        outcome={"column": outcome, "scale": scale, "missing_codes": codes or None},
        auxiliaries={"columns": auxiliaries, "missing": "level" if auxiliaries and any_missing(base, auxiliaries) else None},
        correct={"by": [dealer] if dealer else None},
        study={"title": title, "language": [answer.terminal.language], "output": "out"},
    )


def document_of(**sections: Any) -> dict[str, Any]:
    """The sections without what was not answered."""
    return {name: {key: value for key, value in section.items() if value is not None} for name, section in sections.items()}


def _churned(table: InputTable, text: str) -> Any:
    form = churned_of(text)
    table.require(form if isinstance(form, str) else form["column"])
    return form


def _identifier(table: InputTable, identifier: str) -> dict[str, str]:
    """The column of customer numbers of a source, where it is not called as in the registry."""
    if identifier in table.schema:
        return {}
    guess = guess_name(table.schema, _COLUMNS["id"]) or next(iter(get_close_matches(identifier, table.schema, n=1, cutoff=0)))
    return {"id": guess}


def _guess_churned(table: InputTable) -> str:
    column = guess_name(table.schema, _COLUMNS["churned"])
    if not column:
        return ""
    values = levels(table, column)
    if table.kind(column) in ("date", "datetime") or (values and all(re.match(r"\d{4}[-/.年]", str(value)) for value in values)):
        return f"{column}<{date.today().isoformat()}"
    if table.kind(column) == "text":
        gone = [value for value in values if str(value).lower() in _GONE]
        return f"{column}={','.join(gone)}" if gone else ""
    return column


def _guess_scale(table: InputTable, column: str) -> tuple[float, float, list[float]]:
    """The narrowest usual scale the answers fit on, and the codes that stand beside it."""
    values = [value for value in levels(table, column) if isinstance(value, (int, float))]
    codes = [value for value in values if value in _CODES]
    inside = [value for value in values if value not in codes] or values
    for low, high in _SCALES if inside else ():
        if low <= min(inside) and max(inside) <= high:
            return low, high, [int(code) for code in codes if not low <= code <= high]
    return (min(values), max(values), []) if values else (1, 10, [])
