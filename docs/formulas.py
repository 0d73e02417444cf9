"""Indented formulas of a docstring's introduction and notes are shown as they stand."""

import re


def literal(lines):
    """Put ``::`` before every indented paragraph outside the sections that are lists."""
    out, listed = [], False
    for number, line in enumerate(lines):
        if number + 1 < len(lines) and re.fullmatch(r"-{3,}", lines[number + 1].strip()):
            listed = line.strip() != "Notes"
        before = next((text for text in reversed(lines[:number]) if text.strip()), "")
        starts = line.startswith("    ") and number > 0 and not lines[number - 1].strip()
        if starts and not listed and not before.startswith(" ") and not before.rstrip().endswith("::"):
            out += ["::", ""]
        out.append(line)
    return out


def _process(app, what, name, obj, options, lines):
    lines[:] = literal(lines)


def setup(app):
    app.connect("autodoc-process-docstring", _process, priority=400)  # before numpydoc rearranges the sections
    return {"parallel_read_safe": True, "parallel_write_safe": True}
