"""Holds a parsed study file against the schema: cleaned settings with every default, and every problem found."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

from ..errors import InputError
from .auditing import audit_key_problems
from .kinds import KINDS
from .pain_keys import pain_key_problems
from .schema import CORRECTION, KEYS, REQUIRED, SCHEMA_VERSION, SCORE, Key, Section, keys_of, of_any_name, sections_under
from .toml_text import toml

Settings = dict[str, Any]


def check_document(document: Mapping[str, Any]) -> tuple[Settings, list[InputError]]:
    """The settings of a study with every default filled in, and what is wrong with it.

    Parameters
    ----------
    document : mapping
        The parsed TOML file, without its ``[lock]`` section.

    Returns
    -------
    settings : dict
        Nested like the document. Keys without a default that were left out are None.
    problems : list of InputError
        In the order of the file; empty where the study can be run.
    """
    version = document.get("schema_version", SCHEMA_VERSION)
    if isinstance(version, int) and version != SCHEMA_VERSION:
        return {}, [_unreadable_version(version)]
    problems: list[InputError] = []
    settings = _check_section("", "", document, problems)
    if not problems:
        problems += _across_keys(settings)
    return settings, problems


def _check_section(pattern: str, path: str, table: Any, problems: list[InputError]) -> Settings:
    if not isinstance(table, Mapping):
        problems.append(_not_a_section(path, table))
        return {}
    keys, sections = keys_of(pattern), sections_under(pattern)
    settings: Settings = {}
    for name, value in table.items():
        if name in keys:
            settings[name] = _check_value(keys[name], path, value, problems)
        elif (child := sections.get(name) or of_any_name(sections)) is not None:
            settings[name] = _check_section(child.name, _join(path, name), value, problems)
        else:
            problems.append(_unknown(pattern, path, name, value, [*keys, *sections]))
    for name, key in keys.items():
        if name not in table:
            if key.default is REQUIRED:
                problems.append(_absent(path, name, key))
            settings[name] = key.default
    unneeded = () if pattern else _unneeded(table)
    for name, section in sections.items():
        if name in table or name.startswith("{") or name in unneeded:
            continue
        if section.required:
            problems.append(_absent_section(section))
        elif section.standing:
            settings[name] = _check_section(section.name, section.name, {}, problems)
    return settings


def _unneeded(table: Mapping[str, Any]) -> tuple[str, ...]:
    """Sections of the correction that a study without one may leave out."""
    pains = table.get("pain_points")
    from_rows = isinstance(pains, Mapping) and "columns" in pains and ("observations" not in pains or "registry" in table)
    if from_rows:
        return () if any(name in table for name in SCORE) else SCORE
    alone = "audit" in table or pains is not None
    return CORRECTION if alone and not any(name in table for name in CORRECTION) else ()


def _check_value(key: Key, path: str, value: Any, problems: list[InputError]) -> Any:
    kind = KINDS[key.kind]
    try:
        cleaned = kind.clean(value)
    except TypeError:
        problems.append(
            InputError(
                f"{_place(path)}{key.name} must be {kind.en}; it is {toml(value)}.",
                code="study_wrong_type", argument=_join(path, key.name), place=_place(path), key=key.name,
                got=toml(value), expected_zh=kind.zh,
            )
        )
        return None
    for entry in cleaned if isinstance(cleaned, list) else [cleaned]:
        if key.allowed and entry not in key.allowed:
            allowed = ", ".join(key.allowed)
            problems.append(
                InputError(
                    f"{_place(path)}{key.name} must be one of {allowed}; it is {toml(entry)}{_perhaps(str(entry), key.allowed)}.",
                    code="study_not_allowed", argument=_join(path, key.name), levels=[entry], place=_place(path), key=key.name,
                    got=toml(entry), allowed=allowed,
                )
            )
    return cleaned


def _across_keys(settings: Settings) -> list[InputError]:
    """What no single key can show."""
    corrected = _of_correction(settings) if "outcome" in settings else ()
    return [*corrected, *audit_key_problems(settings), *pain_key_problems(settings)]


def _of_correction(settings: Settings) -> list[InputError]:
    problems: list[InputError] = []
    outcome = settings["outcome"]
    index = outcome.get("index")
    statistics = outcome["statistics"] or (["index"] if index else ["mean"])
    outcome["statistics"] = statistics
    if "survey" not in settings["answers"]:
        problems.append(_absent_section(Section("answers.survey")))
    if outcome["column"] is None and any(statistic != "index" for statistic in statistics):
        problems.append(_absent("outcome", "column", keys_of("outcome")["column"]))
    if index is None and "index" in statistics:
        problems.append(_absent_section(Section("outcome.index")))
    low, high = outcome["scale"]
    for box in ("top", "bottom"):
        off = [point for point in outcome[box] or () if not low <= point <= high]
        if off:
            problems.append(
                InputError(
                    f"[outcome] {box} names {toml(off)}, off the scale {toml([low, high])}.",
                    code="study_off_scale", argument=f"outcome.{box}", levels=off, key=box, points=toml(off), scale=toml([low, high]),
                )
            )
    stray = sorted(set(outcome["published"] or ()) - set(statistics))
    if stray:
        names, computed = ", ".join(stray), ", ".join(statistics)
        problems.append(
            InputError(
                f"[outcome] published names {names}, which [outcome] statistics does not compute ({computed}).",
                code="study_published", argument="outcome.published", levels=stray, names=names, statistics=computed,
            )
        )
    problems += _method(settings)
    problems += _cohorts(settings)
    for name, band in settings["auxiliaries"].get("bands", {}).items():
        labels, ends = len(band["labels"]), len(band["upper"])
        if labels != ends + 1:
            problems.append(
                InputError(
                    f"[auxiliaries.bands.{name}] needs one label more than upper ends; it has {labels} labels and {ends} upper ends.",
                    code="study_bands", argument=f"auxiliaries.bands.{name}.labels", name=name, labels=labels, ends=ends,
                )
            )
    return problems


def _method(settings: Settings) -> list[InputError]:
    """What the method for the silent needs, and what does not go with it."""
    correct, answers, problems = settings["correct"], settings["answers"], []
    survey, method, shadow = answers.get("survey") or {}, correct["method"], correct["shadow"]
    attempts = survey.get("attempt") or (survey.get("contact") or {}).get("attempts")
    follow_up = ("[answers.follow_up]", "follow_up" in answers)
    needs = {
        "shadow": ("[correct] shadow", shadow), "double_sampling": follow_up, "doubly_robust": follow_up,
        "callbacks": ("[answers.survey] attempt / [answers.survey.contact] attempts", attempts),
    }
    need, given = needs.get(method, ("", True))
    if not given:
        problems.append(
            InputError(
                f"[correct] method {toml(method)} needs {need}. Add it, or choose another method.",
                code="study_method_needs", argument="correct.method", got=toml(method), need=need,
            )
        )
    if correct["trim"] is not None and method in ("doubly_robust", "callbacks", "shadow"):
        problems.append(
            InputError(
                f"[correct] trim does not go with method {toml(method)}, which has weights of its own. Leave trim out.",
                code="study_trim_with_method", argument="correct.trim", got=toml(method),
            )
        )
    if shadow is not None and shadow in settings["auxiliaries"]["columns"]:
        problems.append(
            InputError(
                f"[correct] shadow and [auxiliaries] columns both name {toml(shadow)}: given itself it tells nothing. Name it in one.",
                code="study_shadow_auxiliary", argument="correct.shadow", levels=[shadow], got=toml(shadow),
            )
        )
    return problems


def _cohorts(settings: Settings) -> list[InputError]:
    """Where tenure comes from, and bands that rise."""
    asked, problems = settings.get("cohorts") or {}, []
    if asked and not asked["tenure"] and (asked["entry"] or not settings["registry"]["population"]):
        problems.append(
            InputError(
                "[cohorts] needs tenure, or [registry] population with joined and left, from which it follows.",
                code="study_no_tenure", argument="cohorts.tenure",
            )
        )
    grid = asked.get("grid")
    if grid and any(after <= before for before, after in pairwise([0, *grid])):
        problems.append(
            InputError(
                f"[cohorts] grid must rise from above 0; it is {toml(grid)}.",
                code="study_grid", argument="cohorts.grid", levels=grid, got=toml(grid),
            )
        )
    return problems


def _unknown(pattern: str, path: str, name: str, value: Any, known: list[str]) -> InputError:
    elsewhere = [_place(key.section).strip() or "the head of the file" for key in KEYS if key.name == name and "{" not in key.section]
    nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if nearest:
        hint, hint_zh = f"Did you mean {nearest[0]}?", f"是否应为 {nearest[0]}?"
    elif elsewhere:
        hint, hint_zh = f"It belongs to {elsewhere[0]}.", f"它属于 {elsewhere[0]}。"
    else:
        listed = ", ".join(entry for entry in known if not entry.startswith("{"))
        hint, hint_zh = f"Known here: {listed}.", f"此处可用:{listed}。"
    section = isinstance(value, Mapping)
    what = f"There is no section [{_join(path, name)}]" if section else f"{_place(path)}{name} is not a known key"
    return InputError(
        f"{what}. {hint}",
        code="study_unknown_section" if section else "study_unknown_key", argument=_join(path, name), levels=nearest,
        place=_place(path), key=name, section=_join(path, name), hint=hint_zh,
    )


def _not_a_section(path: str, value: Any) -> InputError:
    return InputError(
        f"{path} must be a section, written [{path}]; it is {toml(value)}.",
        code="study_not_a_section", argument=path, section=path, got=toml(value),
    )


def _absent(path: str, name: str, key: Key) -> InputError:
    return InputError(
        f"{_place(path)}{name} is missing. It holds {KINDS[key.kind].en}: {key.text('en')}",
        code="study_missing_key", argument=_join(path, name), place=_place(path), key=name,
        expected_zh=KINDS[key.kind].zh, meaning_zh=key.text("zh"),
    )


def _absent_section(section: Section) -> InputError:
    name = section.name
    return InputError(f"The section [{name}] is missing.", code="study_missing_section", argument=name, section=name)


def _unreadable_version(version: int) -> InputError:
    return InputError(
        f"schema_version is {version}; this version of vocstats reads {SCHEMA_VERSION}. "
        f"{'Install a newer vocstats' if version > SCHEMA_VERSION else 'Write the file anew with vocstats init'}.",
        code="study_schema_version", argument="schema_version", got=version, expected=SCHEMA_VERSION,
    )


def _perhaps(value: str, allowed: Iterable[str]) -> str:
    nearest = difflib.get_close_matches(value, list(allowed), n=1)
    return f" (did you mean {nearest[0]}?)" if nearest else ""


def _place(path: str) -> str:
    return f"[{path}] " if path else ""


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
