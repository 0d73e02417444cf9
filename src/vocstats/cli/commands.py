"""The commands: each reads its arguments, calls the study, and says what came of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from .. import __version__, options, texts
from .._checks import choice
from ..errors import InputError
from ..study import Study, check_study
from .language import general_first
from .terminal import INTERRUPTED, Terminal, refuse

app = typer.Typer(name="vocstats", add_completion=False, pretty_exceptions_enable=False)


@app.callback(invoke_without_command=True)
def _general(
    context: typer.Context,
    quiet: Annotated[bool, typer.Option("--quiet", "-q")] = False,
    language: Annotated[str | None, typer.Option(metavar="en|zh")] = None,
    debug: Annotated[bool, typer.Option("--debug")] = False,
    version: Annotated[bool, typer.Option("--version")] = False,
) -> None:
    terminal: Terminal = context.obj
    terminal.quiet, terminal.debug = quiet, debug
    if language is not None:
        choice(language, options.Language, "--language")
    if version:
        terminal.show(f"vocstats {__version__}")
        raise typer.Exit(0)
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(2)


@app.command()
def demo(
    context: typer.Context,
    which: Annotated[str, typer.Argument(metavar="[score|audit|pain-points]")] = "score",
    folder: Annotated[Path | None, typer.Option()] = None,
) -> None:
    from ..datasets import write_audit_example, write_example, write_pain_points_example
    from .running import run_and_show

    terminal: Terminal = context.obj
    examples: dict[str, tuple[Callable[[Path], Path], str, str]] = {
        "score": (write_example, "vocstats-demo", "demo_next"), "audit": (write_audit_example, "vocstats-audit", "demo_audit_next"),
        "pain-points": (write_pain_points_example, "vocstats-pain-points", "demo_audit_next"),
    }
    write, usual, then = examples[choice(which, options.Example, "WHICH")]
    folder = folder or Path(usual)
    if folder.exists():
        raise InputError(
            f"{folder} exists already. Choose another folder: vocstats demo --folder NAME.",
            code="cli_demo_exists", argument="--folder", path=str(folder),
        )
    study = write(folder)
    terminal.say("demo_written", folder=folder)
    run_and_show(terminal, _study(terminal, study))
    terminal.say(then, study=str(study))


@app.command()
def init(
    context: typer.Context,
    which: Annotated[str, typer.Argument(metavar="[score|audit]")] = "score",
    registry: Annotated[Path | None, typer.Option()] = None,
    survey: Annotated[Path | None, typer.Option()] = None,
    follow_up: Annotated[Path | None, typer.Option()] = None,
    exit_interview: Annotated[Path | None, typer.Option()] = None,
    id: Annotated[str | None, typer.Option(metavar="COLUMN")] = None,
    churned: Annotated[str | None, typer.Option(metavar="COLUMN[=VALUE|<DATE]")] = None,
    outcome: Annotated[str | None, typer.Option(metavar="COLUMN")] = None,
    scale: Annotated[str | None, typer.Option(metavar="LOW,HIGH")] = None,
    auxiliary: Annotated[list[str] | None, typer.Option(metavar="COLUMN")] = None,
    responses: Annotated[Path | None, typer.Option()] = None,
    roster: Annotated[Path | None, typer.Option()] = None,
    score: Annotated[str | None, typer.Option(metavar="COLUMN")] = None,
    channel: Annotated[str | None, typer.Option(metavar="COLUMN")] = None,
    independent_channel: Annotated[str | None, typer.Option(metavar="VALUE")] = None,
    items: Annotated[list[str] | None, typer.Option(metavar="COLUMNS")] = None,
    case_mix: Annotated[list[str] | None, typer.Option(metavar="COLUMNS")] = None,
    outcomes: Annotated[list[str] | None, typer.Option(metavar="COLUMNS")] = None,
    threshold: Annotated[str | None, typer.Option(metavar="NUMBER|FILE")] = None,
    dealer: Annotated[str | None, typer.Option(metavar="COLUMN")] = None,
    title: Annotated[str | None, typer.Option()] = None,
    file: Annotated[Path, typer.Option()] = Path("study.toml"),
    overwrite: Annotated[bool, typer.Option("--overwrite")] = False,
    ask: Annotated[bool, typer.Option("--ask/--no-ask")] = True,
) -> None:
    from .starting import given_of, write_study

    audits = choice(which, options.Example, "WHICH") == "audit"
    write_study(context.obj, file, given_of(context.params, audits=audits), audits=audits, ask=ask, overwrite=overwrite)


@app.command()
def check(context: typer.Context, study: Annotated[Path, typer.Argument(metavar="STUDY")]) -> None:
    from .checking import check_and_show

    terminal: Terminal = context.obj
    raise typer.Exit(check_and_show(terminal, _study(terminal, study)))


@app.command()
def run(
    context: typer.Context,
    study: Annotated[Path, typer.Argument(metavar="STUDY")],
    output: Annotated[Path | None, typer.Option()] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite")] = False,
    language: Annotated[list[str] | None, typer.Option(metavar="en|zh")] = None,
) -> None:
    from .running import run_and_show

    languages = [choice(each, options.Language, "--language") for each in language or ()]
    run_and_show(context.obj, _study(context.obj, study), output=output, overwrite=overwrite, languages=languages)


@app.command()
def correct(
    context: typer.Context,
    registry: Annotated[Path, typer.Argument(metavar="REGISTRY")],
    survey: Annotated[Path, typer.Option()],
    id: Annotated[str, typer.Option(metavar="COLUMN")],
    churned: Annotated[str, typer.Option(metavar="COLUMN[=VALUE|<DATE]")],
    outcome: Annotated[str, typer.Option(metavar="COLUMN")],
    scale: Annotated[str, typer.Option(metavar="LOW,HIGH")],
    follow_up: Annotated[Path | None, typer.Option()] = None,
    exit_interview: Annotated[Path | None, typer.Option()] = None,
    selected: Annotated[str | None, typer.Option(metavar="COLUMN")] = None,
    date: Annotated[str | None, typer.Option(metavar="COLUMN")] = None,
    repeated: Annotated[str, typer.Option(metavar="fail|first|last|mean")] = "fail",
    unmatched: Annotated[str, typer.Option(metavar="fail|set_aside")] = "fail",
    statistic: Annotated[list[str] | None, typer.Option(metavar="mean|top_box|bottom_box|nps")] = None,
    top: Annotated[str | None, typer.Option(metavar="POINTS")] = None,
    bottom: Annotated[str | None, typer.Option(metavar="POINTS")] = None,
    missing_codes: Annotated[str | None, typer.Option(metavar="CODES")] = None,
    auxiliary: Annotated[list[str] | None, typer.Option(metavar="COLUMN")] = None,
    missing: Annotated[str | None, typer.Option(metavar="fail|level")] = None,
    by: Annotated[list[str] | None, typer.Option(metavar="COLUMN")] = None,
    method: Annotated[str | None, typer.Option(metavar="METHOD")] = None,
    shadow: Annotated[str | None, typer.Option(metavar="COLUMN")] = None,
    attempt: Annotated[str | None, typer.Option(metavar="COLUMN")] = None,
    weighting: Annotated[str | None, typer.Option(metavar="rake|poststratify|calibrate")] = None,
    small_groups: Annotated[str | None, typer.Option(metavar="borrow|blank|fail")] = None,
    inference: Annotated[str | None, typer.Option(metavar="registry|process|r")] = None,
    kpi: Annotated[float | None, typer.Option()] = None,
    silent_shift: Annotated[str | None, typer.Option(metavar="LOW,HIGH")] = None,
    churned_shift: Annotated[str | None, typer.Option(metavar="LOW,HIGH")] = None,
    mode_shift: Annotated[str | None, typer.Option(metavar="LOW,HIGH")] = None,
    headline: Annotated[str, typer.Option(metavar="nonresponse_corrected|survivor_corrected")] = "survivor_corrected",
    level: Annotated[float | None, typer.Option()] = None,
    minimum_group: Annotated[int | None, typer.Option()] = None,
    json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    from . import one_off

    one_off.correct_and_show(context.obj, _described(context.obj, *one_off.corrected_study(context.params)), json=json)


@app.command()
def track(
    context: typer.Context,
    registry: Annotated[Path, typer.Argument(metavar="REGISTRY")],
    survey: Annotated[Path, typer.Option()],
    id: Annotated[str, typer.Option(metavar="COLUMN")],
    churned: Annotated[str, typer.Option(metavar="COLUMN[=VALUE|<DATE]")],
    outcome: Annotated[str, typer.Option(metavar="COLUMN")],
    scale: Annotated[str, typer.Option(metavar="LOW,HIGH")],
    tenure: Annotated[str, typer.Option(metavar="COLUMN")],
    entry: Annotated[str | None, typer.Option(metavar="COLUMN")] = None,
    grid: Annotated[str | None, typer.Option(metavar="NUMBERS")] = None,
    follow_up: Annotated[Path | None, typer.Option()] = None,
    exit_interview: Annotated[Path | None, typer.Option()] = None,
    selected: Annotated[str | None, typer.Option(metavar="COLUMN")] = None,
    unmatched: Annotated[str, typer.Option(metavar="fail|set_aside")] = "fail",
    statistic: Annotated[list[str] | None, typer.Option(metavar="mean|top_box|bottom_box|nps")] = None,
    top: Annotated[str | None, typer.Option(metavar="POINTS")] = None,
    bottom: Annotated[str | None, typer.Option(metavar="POINTS")] = None,
    missing_codes: Annotated[str | None, typer.Option(metavar="CODES")] = None,
    auxiliary: Annotated[list[str] | None, typer.Option(metavar="COLUMN")] = None,
    missing: Annotated[str | None, typer.Option(metavar="fail|level")] = None,
    by: Annotated[list[str] | None, typer.Option(metavar="COLUMN")] = None,
    level: Annotated[float | None, typer.Option()] = None,
    minimum_group: Annotated[int | None, typer.Option()] = None,
    json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    from . import one_off

    one_off.track_and_show(context.obj, _described(context.obj, *one_off.corrected_study(context.params, track=True)), json=json)


@app.command()
def audit(
    context: typer.Context,
    source: Annotated[Path, typer.Argument(metavar="STUDY|FORMS")],
    dealer: Annotated[str | None, typer.Option(metavar="COLUMN")] = None,
    score: Annotated[str | None, typer.Option(metavar="COLUMN")] = None,
    response_id: Annotated[str | None, typer.Option(metavar="COLUMN")] = None,
    visit: Annotated[str | None, typer.Option(metavar="COLUMN")] = None,
    channel: Annotated[str | None, typer.Option(metavar="COLUMN")] = None,
    independent_channel: Annotated[str | None, typer.Option(metavar="VALUE")] = None,
    items: Annotated[list[str] | None, typer.Option(metavar="COLUMNS")] = None,
    case_mix: Annotated[list[str] | None, typer.Option(metavar="COLUMNS")] = None,
    outcomes: Annotated[list[str] | None, typer.Option(metavar="COLUMNS")] = None,
    time: Annotated[str | None, typer.Option(metavar="COLUMN")] = None,
    device: Annotated[str | None, typer.Option(metavar="COLUMN")] = None,
    address: Annotated[str | None, typer.Option(metavar="COLUMN")] = None,
    seconds: Annotated[str | None, typer.Option(metavar="COLUMN")] = None,
    kiosks: Annotated[list[str] | None, typer.Option(metavar="DEVICES")] = None,
    roster: Annotated[Path | None, typer.Option()] = None,
    invited: Annotated[str | None, typer.Option(metavar="COLUMN")] = None,
    drawn: Annotated[str | None, typer.Option(metavar="COLUMN")] = None,
    reached: Annotated[str | None, typer.Option(metavar="COLUMN")] = None,
    threshold: Annotated[str | None, typer.Option(metavar="NUMBER|FILE")] = None,
    top: Annotated[float | None, typer.Option()] = None,
    matters: Annotated[float | None, typer.Option()] = None,
    fdr: Annotated[float | None, typer.Option()] = None,
    level: Annotated[float | None, typer.Option()] = None,
    seed: Annotated[int | None, typer.Option()] = None,
    minimum_group: Annotated[int | None, typer.Option()] = None,
    pages: Annotated[str | None, typer.Option(metavar="flagged|all|DEALERS")] = None,
    output: Annotated[Path | None, typer.Option()] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite")] = False,
    language: Annotated[list[str] | None, typer.Option(metavar="en|zh")] = None,
    json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    from . import auditing
    from .one_off import audited_study

    languages = [choice(each, options.Language, "--language") for each in language or ()]
    if source.suffix.lower() == ".toml":
        auditing.refuse_options(context.params, source)
        study = _study(context.obj, source)
        output = study.output if output is None else output
    else:
        study = _described(context.obj, *audited_study(context.params, source))
    study = auditing.with_asked_pages(study, pages)
    auditing.audit_and_show(context.obj, study, output=output, overwrite=overwrite, languages=languages, json=json)


@app.command("pain-points")
def pain_points(
    context: typer.Context,
    source: Annotated[Path, typer.Argument(metavar="STUDY|COUNTS")],
    frame: Annotated[Path | None, typer.Option()] = None,
    customers: Annotated[str | None, typer.Option(metavar="COLUMN")] = None,
    groups: Annotated[list[str] | None, typer.Option(metavar="COLUMNS")] = None,
    dealer: Annotated[str | None, typer.Option(metavar="COLUMN")] = None,
    by: Annotated[list[str] | None, typer.Option(metavar="COLUMNS")] = None,
    coder_audit: Annotated[Path | None, typer.Option()] = None,
    drawn_by: Annotated[str | None, typer.Option(metavar="random|truth|predicted")] = None,
    coders: Annotated[list[str] | None, typer.Option(metavar="COLUMNS")] = None,
    perfect_sources: Annotated[list[str] | None, typer.Option(metavar="SOURCES")] = None,
    mentions: Annotated[list[str] | None, typer.Option(metavar="SOURCE=A,B")] = None,
    taxonomy: Annotated[str | None, typer.Option(metavar="default|FILE")] = None,
    window: Annotated[str | None, typer.Option(metavar="TEXT")] = None,
    pain_point: Annotated[str | None, typer.Option(metavar="COLUMN")] = None,
    response_group: Annotated[str | None, typer.Option(metavar="COLUMN")] = None,
    source_column: Annotated[str | None, typer.Option(metavar="COLUMN")] = None,
    positive: Annotated[str | None, typer.Option(metavar="COLUMN")] = None,
    n: Annotated[str | None, typer.Option("--n", metavar="COLUMN")] = None,
    engine: Annotated[str | None, typer.Option(metavar="approximate|nuts")] = None,
    level: Annotated[float | None, typer.Option()] = None,
    seed: Annotated[int | None, typer.Option()] = None,
    minimum_group: Annotated[int | None, typer.Option()] = None,
    output: Annotated[Path | None, typer.Option()] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite")] = False,
    language: Annotated[list[str] | None, typer.Option(metavar="en|zh")] = None,
    json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    from . import estimating
    from .one_off import pain_study

    languages = [choice(each, options.Language, "--language") for each in language or ()]
    if source.suffix.lower() == ".toml":
        estimating.refuse_options(context.params, source)
        study = _study(context.obj, source)
        output = study.output if output is None else output
    else:
        study = _described(context.obj, *pain_study({**context.params, "source": source_column}, source))
    study = estimating.with_pains(study)
    estimating.estimate_and_show(context.obj, study, output=output, overwrite=overwrite, languages=languages, json=json)


def _study(terminal: Terminal, path: Path) -> Study:
    """The study of a file."""
    return _described(terminal, *check_study(path))


def _described(terminal: Terminal, study: Study | None, problems: Sequence[InputError]) -> Study:
    """The study, or the end of the command after every problem of its description was named."""
    if study is None:
        refuse(terminal, problems)
        raise typer.Exit(2)
    return study


def run_command(arguments: Sequence[str], language: str) -> int:
    """Run one command line and return its exit code; nothing but that code leaves it."""
    terminal = Terminal(language=language, debug="--debug" in arguments)
    command: Any = typer.main.get_command(app)
    describe(command, language)
    try:
        command.main(args=general_first(arguments), prog_name="vocstats", obj=terminal)
    except SystemExit as end:
        if end.code == INTERRUPTED:
            terminal.warn(terminal.text("interrupted"))
        return int(end.code or 0)
    except BaseException as error:
        if terminal.debug:
            raise
        return terminal.failure(error)
    return 0


def describe(command: Any, language: str) -> None:
    """Give every command and option its help text in one language."""
    command.help = texts.render("cli.help", language)
    for name, each in {"": command, **command.commands}.items():
        if name:
            each.help = texts.render(f"cli.{name.replace('-', '_')}", language)
        for parameter in each.params:
            if parameter.name != "help":
                parameter.help = texts.render(f"cli.{_help_key(name, parameter.name)}", language)


def _help_key(command: str, parameter: str) -> str:
    """Where the help of an option stands: options that `track` shares with `correct` are explained once."""
    key = f"{command.replace('-', '_')}_{parameter}" if command else parameter
    return key if key in texts.namespace("cli") or command != "track" else f"correct_{parameter}"
