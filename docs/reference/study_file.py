"""Write study-file.md and study-file.zh.md beside this file from the schema: `python docs/reference/study_file.py`."""

from pathlib import Path

from vocstats.study.kinds import KINDS
from vocstats.study.schema import CORRECTION, KEYS, REQUIRED, SECTIONS, Key, Section

WORDS = {
    "en": {
        "title": "Study file",
        "intro": "Everything `vocstats run study.toml` needs. Paths are relative to the file. Every key has the name of the Python "
        "argument it sets, shown in the last column. An unknown key is an error that names the nearest known key; a line that is not "
        "needed is deleted. `vocstats demo` writes a complete example, `vocstats init` one with your own file and column names.",
        "head": ("Key", "Value", "Default", "Meaning", "Sets"),
        "required": "required",
        "unused": "not used",
        "section_required": "Required.",
        "unless_audit": "Required, unless [audit] or [pain_points] stands without any section of the correction.",
        "top": "Top of the file",
    },
    "zh": {
        "title": "设置文件",
        "intro": "`vocstats run study.toml` 所需的全部设置。路径相对于本文件。键名与 Python 参数同名,见最后一列。"
        "写错的键会报错并提示最接近的键;不用的行请删除。`vocstats demo` 写出一个完整示例,`vocstats init` 按您的文件名和列名写出一个。",
        "head": ("键", "取值", "默认值", "含义", "对应参数"),
        "required": "必填",
        "unused": "不使用",
        "section_required": "必填。",
        "unless_audit": "必填;仅写 [audit] 或 [pain_points] 而无任何校正小节时除外。",
        "top": "文件开头",
    },
}


def default(key: Key, words: dict) -> str:
    """The default as it would be written in the file."""
    if key.default is REQUIRED:
        return words["required"]
    if key.default is None:
        return words["unused"]
    if isinstance(key.default, bool):
        return f"`{str(key.default).lower()}`"
    return f"`{key.default!r}`".replace("'", '"')


def row(key: Key, language: str) -> str:
    words = WORDS[language]
    value = ", ".join(f'`"{choice}"`' for choice in key.allowed) or getattr(KINDS[key.kind], language)
    cells = (f"`{key.name}`", value, default(key, words), key.text(language), f"`{key.argument}`" if key.argument else "")
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def section(part: Section, language: str) -> str:
    words = WORDS[language]
    heading = f"`[{part.name}]`" if part.name else words["top"]
    needed = words["unless_audit" if part.name in CORRECTION else "section_required"]
    text = part.text(language) + (" " * (language == "en") + needed if part.required else "")
    rows = [row(key, language) for key in KEYS if key.section == part.name]
    head = "| " + " | ".join(words["head"]) + " |"
    return "\n".join([f"## {heading}", "", text, "", *([head, "|" + "---|" * len(words["head"]), *rows, ""] if rows else [])])


def page(language: str) -> str:
    """The whole page in one language."""
    words = WORDS[language]
    return "\n".join([f"# {words['title']}", "", words["intro"], "", *(section(part, language) for part in SECTIONS)]).rstrip() + "\n"


PAGES = {"en": "study-file.md", "zh": "study-file.zh.md"}

if __name__ == "__main__":
    for language, name in PAGES.items():
        Path(__file__).with_name(name).write_text(page(language), encoding="utf-8")
