"""Commands, their exit codes and what they say; as a user meets them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import typer

import vocstats as vs
from vocstats import texts
from vocstats.cli.commands import app, describe
from vocstats.cli.language import general_first, language_of

Call = Callable[..., Any]
COMMANDS = ("demo", "init", "check", "run", "correct")


# ---------------------------------------------------------------- help, language, general options
def test_help_lists_every_command(vocstats: Call) -> None:
    done = vocstats("--help")
    assert done.code == 0
    assert all(command in done.out for command in COMMANDS)


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_everything_has_its_help_in_both_languages(language: str) -> None:
    program: Any = typer.main.get_command(app)
    describe(program, language)
    for command in (program, *program.commands.values()):
        assert command.help
        assert all(parameter.help for parameter in command.params if parameter.name != "help")


def test_texts_of_the_command_line_exist_in_both_languages() -> None:
    for key, entry in texts.namespace("cli").items():
        assert set(entry) == {"en", "zh"}, key
        assert re.findall(r"\{(\w+)\}", entry["en"]).sort() == re.findall(r"\{(\w+)\}", entry["zh"]).sort(), key


def test_version(vocstats: Call) -> None:
    assert vocstats("--version").out.strip() == f"vocstats {vs.__version__}"


@pytest.mark.parametrize(
    ("environment", "arguments", "language"),
    [
        ({"VOCSTATS_LANGUAGE": "zh", "LANG": "en_US.UTF-8"}, [], "zh"),
        ({"LANG": "zh_CN.UTF-8"}, [], "zh"),
        ({"LANG": "de_DE.UTF-8"}, [], "en"),
        ({"LANG": "zh_CN.UTF-8"}, ["--language", "en"], "en"),
        ({"LANG": "en_US"}, ["run", "x.toml", "--language=zh"], "zh"),
    ],
)
def test_language_comes_from_the_option_then_the_environment(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], arguments: list[str], language: str
) -> None:
    for name in ("VOCSTATS_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert language_of(arguments) == language


def test_general_options_may_stand_anywhere() -> None:
    assert general_first(["check", "s.toml", "--quiet", "--language", "zh"]) == ["--quiet", "--language", "zh", "check", "s.toml"]
    assert general_first(["run", "s.toml", "--language", "zh", "--debug"]) == ["--debug", "run", "s.toml", "--language", "zh"]
    assert general_first(["--language", "en", "run", "s.toml"]) == ["--language", "en", "run", "s.toml"]


@pytest.mark.parametrize("arguments", [["frobnicate"], ["run"], ["run", "s.toml", "--frob"], ["check", "--language", "de", "s.toml"]])
def test_wrong_usage_ends_with_2(vocstats: Call, arguments: list[str]) -> None:
    assert vocstats(*arguments).code == 2


@pytest.mark.parametrize("arguments", [[], ["--quiet"]])
def test_without_a_command_it_says_which_there_are(vocstats: Call, arguments: list[str]) -> None:
    done = vocstats(*arguments)
    assert done.code == 2
    assert all(command in done.out for command in COMMANDS)


# ---------------------------------------------------------------- check
def test_check_of_good_data(vocstats: Call, study: Path) -> None:
    done = vocstats("check", study)
    assert done.code == 0, done.err
    assert "Nothing would be refused" in done.out
    assert not (study.parent / "out").exists()
    (study.parent / "out").mkdir()
    assert "--overwrite" in vocstats("check", study).out


def test_check_names_every_problem_of_the_study_file(vocstats: Call, study: Path) -> None:
    text = study.read_text(encoding="utf-8").replace("seed = 3", "seeds = 3").replace("scale = [1, 10]", 'scale = "1-10"')
    study.write_text(text + "\n[journey]\n", encoding="utf-8")
    done = vocstats("check", study)
    assert done.code == 2
    assert "Did you mean seed?" in done.err
    assert "[outcome] scale must be two numbers" in done.err
    assert "journey" in done.err
    assert "sensitivity, audit, pain_points, report" in done.err


def test_check_names_every_absent_file(vocstats: Call, study: Path) -> None:
    (study.parent / "survey.csv").unlink()
    (study.parent / "exits.csv").unlink()
    done = vocstats("check", study)
    assert done.code == 2
    assert "[answers.survey] names the file survey.csv" in done.err
    assert "[answers.exit_interview] names the file exits.csv" in done.err


def test_check_names_every_absent_column(vocstats: Call, study: Path) -> None:
    text = study.read_text(encoding="utf-8").replace('columns = ["warranty"]', 'columns = ["waranty", "region"]')
    study.write_text(text.replace('column = "csi"', 'column = "csl"'), encoding="utf-8")
    done = vocstats("check", study)
    assert done.code == 1
    assert "'waranty'" in done.err and "'warranty'" in done.err
    assert "'region'" in done.err
    assert done.err.count("'csl'") == 2


def test_check_finds_one_problem_behind_the_other(vocstats: Call, study: Path) -> None:
    survey = pd.read_csv(study.parent / "survey.csv", dtype=str)
    again = survey.iloc[[0]]
    stranger = pd.DataFrame({"customer_id": ["99999"], "csi": ["7"]})
    survey.loc[5, "csi"] = "11"
    pd.concat([survey, again, stranger]).to_csv(study.parent / "survey.csv", index=False)
    registry = pd.read_csv(study.parent / "registry.csv", dtype=str)
    registry.loc[3, "warranty"] = None
    registry.to_csv(study.parent / "registry.csv", index=False)
    done = vocstats("check", study)
    assert done.code == 1
    assert "answered more than once" in done.err
    assert "not in the registry" in done.err and "99999" in done.err
    assert "no 'warranty'" in done.err
    assert "11" in done.err
    assert "survey.csv, lines 2, 262" in done.err
    assert "4 problem(s)" in done.out


def test_check_in_chinese(vocstats: Call, study: Path) -> None:
    pd.read_csv(study.parent / "survey.csv", dtype=str).replace("8", "88").to_csv(study.parent / "survey.csv", index=False)
    done = vocstats("check", study, "--language", "zh")
    assert done.code == 1
    assert "错误:" in done.err
    assert "Error" not in done.err


# ---------------------------------------------------------------- run
def test_run_shows_the_table_the_sentence_and_the_files(vocstats: Call, study: Path) -> None:
    done = vocstats("run", study)
    assert done.code == 0, done.err
    assert done.err == ""
    for term in ("naive", "nonresponse-corrected", "survivor-corrected"):
        assert term in done.out
    assert "The interval covers sampling error only. The range shows" in done.out
    assert str(study.parent / "out/report.en.html") in done.out
    assert (study.parent / "out/report.zh.html").exists()


def test_run_refuses_and_replaces(vocstats: Call, study: Path) -> None:
    assert vocstats("run", study, "--language", "en").code == 0
    refused = vocstats("run", study)
    assert refused.code == 2
    assert "--overwrite" in refused.err
    assert vocstats("run", study, "--overwrite", "--language", "en").code == 0
    (study.parent / "out/notes.txt").write_text("mine")
    assert vocstats("run", study, "--overwrite").code == 2
    assert (study.parent / "out/notes.txt").read_text() == "mine"


def test_run_quietly_elsewhere(vocstats: Call, study: Path, tmp_path: Path) -> None:
    done = vocstats("run", study, "--quiet", "--output", tmp_path / "deep/elsewhere", "--language", "zh")
    assert (done.code, done.out, done.err) == (0, "", "")
    assert [path.name for path in (tmp_path / "deep/elsewhere").glob("*.html")] == ["report.zh.html"]


def test_run_refuses_data_with_1(vocstats: Call, study: Path) -> None:
    registry = pd.read_csv(study.parent / "registry.csv", dtype=str)
    pd.concat([registry, registry.iloc[[7]]]).to_csv(study.parent / "registry.csv", index=False)
    done = vocstats("run", study)
    assert done.code == 1
    assert "'00008'" in done.err
    assert "registry.csv, lines 9, 602" in done.err
    assert "Traceback" not in done.err
    assert not (study.parent / "out").exists()


def test_the_unexpected_shows_no_traceback_unless_asked(vocstats: Call, study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: object, **options: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("vocstats.report.render", broken)
    done = vocstats("run", study)
    assert done.code == 1
    assert "boom" in done.err and "--debug" in done.err and "Traceback" not in done.err
    with pytest.raises(RuntimeError, match="boom"):
        vocstats("run", study, "--debug")


def test_interrupting_leaves_nothing(vocstats: Call, study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("vocstats.report.render", interrupted)
    done = vocstats("run", study)
    assert done.code == 130
    assert "Nothing was written" in done.err
    assert sorted(path.name for path in study.parent.iterdir()) == ["exits.csv", "registry.csv", "study.toml", "survey.csv"]


def test_interrupting_while_packages_are_imported(vocstats: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("vocstats.cli.commands.run_command", interrupted)
    done = vocstats("--version")
    assert done.code == 130
    assert done.err == "Interrupted. Nothing was written.\n"


# ---------------------------------------------------------------- correct
def one_off(study: Path) -> list[str]:
    folder = study.parent
    return [
        "correct", f"{folder / 'registry.csv'}", "--survey", f"{folder / 'survey.csv'}", "--id", "customer_id", "--churned", "status=left",
        "--outcome", "csi", "--scale", "1,10", "--auxiliary", "warranty", "--silent-shift", "-0.5,0",
    ]  # fmt: skip


def test_correct_prints_the_table_and_what_it_rests_on(vocstats: Call, study: Path) -> None:
    done = vocstats(*one_off(study), "--by", "dealer", "--statistic", "mean,top_box")
    assert done.code == 0, done.err
    assert "D1" in done.out and "too few answers" in done.out
    assert "\n- " in done.out
    assert not (study.parent / "out").exists()


def test_correct_as_json(vocstats: Call, study: Path) -> None:
    done = vocstats(*one_off(study), "--json")
    assert done.code == 0, done.err
    result = vs.load(json.loads(done.out))
    run = vs.load(json.loads(done.out)).overall("mean")
    assert result.corrections[0].outcome == "csi"
    assert run.silent_shift == (-0.5, 0)


@pytest.mark.parametrize(
    ("changes", "code", "part"),
    [
        ({"--scale": "1 to 10"}, 2, "numbers separated by commas"),
        ({"--outcome": "csl"}, 1, "Did you mean 'csi'"),
        ({"--churned": "status=gone"}, 1, "'left'"),
        ({"--survey": "nowhere.csv"}, 2, "nowhere.csv"),
        ({"--scale": "1,5"}, 1, "csi"),
    ],
)
def test_correct_refuses(vocstats: Call, study: Path, changes: dict[str, str], code: int, part: str) -> None:
    arguments = one_off(study)
    for option, value in changes.items():
        arguments[arguments.index(option) + 1] = value
    done = vocstats(*arguments)
    assert done.code == code
    assert part in done.err


# ---------------------------------------------------------------- as a process of its own
@pytest.mark.parametrize(("encoding", "language"), [("gbk", "zh"), ("cp936", "en"), ("ascii", "zh")])
def test_any_console_encoding(shell: Call, study: Path, encoding: str, language: str) -> None:
    done = shell("run", study, "--language", language, PYTHONIOENCODING=encoding, TERM="dumb", FORCE_COLOR="1")
    assert done.returncode == 0, done.stderr
    assert b"\x1b[" not in done.stdout
    shown = done.stdout.decode(encoding)
    assert re.search(r"\d\.\d\d", shown)
    if encoding == "gbk":
        assert "敏感性范围" in shown


def test_errors_in_any_console_encoding(shell: Call, study: Path) -> None:
    study.write_text(study.read_text(encoding="utf-8").replace('column = "csi"', 'column = ["é≤🙂"]'), encoding="utf-8")
    done = shell("check", study, "--language", "zh", PYTHONIOENCODING="gbk")
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr


def test_exit_codes_of_the_process(shell: Call, study: Path) -> None:
    assert shell("check", study).returncode == 0
    assert shell("check", "nothing.toml").returncode == 2
    (study.parent / "survey.csv").write_text("customer_id,csi\n99999,5\n")
    assert shell("check", study).returncode == 1


@pytest.mark.parametrize(("package", "language"), [("typer", "en"), ("rich", "zh")])
def test_without_the_extra_the_message_names_it(shell: Call, package: str, language: str) -> None:
    code = f"import sys; sys.modules[{package!r}] = None; from vocstats.cli import main; main(['--help'])"
    done = shell(code=code, VOCSTATS_LANGUAGE=language, PYTHONIOENCODING="utf-8")
    assert done.returncode == 2
    assert done.stderr.decode().strip() == texts.render("cli.extra_missing", language)


def test_the_demo_ends_with_a_report(shell: Call, tmp_path: Path) -> None:
    done = shell("demo", PYTHONIOENCODING="utf-8")
    assert done.returncode == 0, done.stderr.decode()
    reports = list((tmp_path / "vocstats-demo").rglob("report.*.html"))
    assert {path.name for path in reports} == {"report.en.html", "report.zh.html"}
    assert all(str(path) in done.stdout.decode() for path in reports)
    again = shell("demo")
    assert again.returncode == 2
    assert b"--folder" in again.stderr
