"""Write command-line.md and command-line.zh.md beside this file from the commands: `python docs/reference/command_line.py`."""

from pathlib import Path

import typer

from vocstats.cli.commands import app, describe

WORDS = {
    "en": {
        "title": "Command line",
        "codes": "Exit codes: 0 done, 1 data refused, 2 wrong use. The options of the first section may stand anywhere.",
        "option": "Option",
        "argument": "Argument",
        "default": "Default",
        "meaning": "Meaning",
        "every": "For every command",
    },
    "zh": {
        "title": "命令行",
        "codes": "退出码:0 完成,1 数据被拒绝,2 用法有误。第一节的选项可放在任何位置。",
        "option": "选项",
        "argument": "参数",
        "default": "默认值",
        "meaning": "含义",
        "every": "所有命令通用",
    },
}


def row(parameter, is_option):
    """One line of a table: how it is written, its default, what it means."""
    written = ", ".join(parameter.opts) if is_option else parameter.name.upper()
    if is_option and parameter.metavar:
        written += f" {parameter.metavar}"
    default = "" if parameter.required or parameter.default in (None, False, (), []) else f"`{parameter.default}`".replace("True", "yes")
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in (f"`{written}`", default, parameter.help or "")) + " |"


def table(command, words):
    """The arguments of a command, then its options."""
    lines = []
    for kind in ("argument", "option"):
        rows = [row(each, kind == "option") for each in command.params if each.param_type_name == kind and each.name != "help"]
        if rows:
            lines += [f"| {words[kind]} | {words['default']} | {words['meaning']} |", "|---|---|---|", *rows, ""]
    return lines


def page(language):
    """The whole page in one language."""
    words = WORDS[language]
    program = typer.main.get_command(app)
    describe(program, language)
    lines = [f"# {words['title']}", "", program.help, "", words["codes"], "", f"## {words['every']}", "", *table(program, words)]
    for name, command in program.commands.items():
        lines += [f"## `vocstats {name}`", "", command.help, "", *table(command, words)]
    return "\n".join(lines).rstrip() + "\n"


PAGES = {"en": "command-line.md", "zh": "command-line.zh.md"}

if __name__ == "__main__":
    for language, name in PAGES.items():
        Path(__file__).with_name(name).write_text(page(language), encoding="utf-8")
