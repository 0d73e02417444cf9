"""The R blocks of the page for R users print what its Python blocks print."""

from __future__ import annotations

import doctest
import re
import subprocess
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "docs/how-to/coming-from-r.md"
MARK = "@@@"


def figures(text: str) -> list[list[float]]:
    """Numbers line by line."""
    return [[float(word) for word in line.split()] for line in text.splitlines() if line.strip()]


def test_r_prints_the_same_numbers(rscript: str) -> None:
    text = PAGE.read_text(encoding="utf-8")
    pairs = re.findall(r"^```r\n(.*?)^```\n\n```python\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    assert len(pairs) == text.count("```r\n") == text.count("```python\n") >= 10
    script = f'cat("{MARK}\\n")\n'.join(code for code, _ in pairs)
    done = subprocess.run([rscript, "-"], input=script, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    for printed, (code, python) in zip(done.stdout.split(MARK), pairs, strict=True):
        wanted = "".join(example.want for example in doctest.DocTestParser().get_examples(python))
        assert figures(printed) == figures(wanted), code
