"""Write simulations.md from the results beside it: ``python docs/explanation/make_simulations.py``."""

from __future__ import annotations

import json
from pathlib import Path

HERE = Path(__file__).resolve().parent
HEAD = """# Simulation results

Generated from the last run of the long simulations (`pytest -m slow`); do not edit. Each table says when it was made and with which
seed. `bias` is the mean error, with its Monte Carlo error; `true SE` the spread of the estimates over the repetitions, `mean SE` what
the standard errors said; `coverage` how often the interval held the truth its `inference` names. Where every answer of those
concerned stands at an end of the scale the true SE is 0 and the interval an exact one-sided limit, which covers always.
"""


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for file in sorted((HERE / "simulations").glob("*.json")):
        document = json.loads(file.read_text(encoding="utf-8"))
        facts = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in document["facts"].items())
        columns = list(document["rows"][0])
        parts.append(f"\n## {document['title']}\n\n{document['date']}, vocstats {document['version']}; {facts}.\n")
        parts.append("| " + " | ".join(name.replace("_", " ").replace(" se", " SE") for name in columns) + " |")
        parts.append("|" + "---|" * len(columns))
        for row in document["rows"]:
            parts.append("| " + " | ".join(shown(row[name]) for name in columns) + " |")
    return "\n".join(parts) + "\n"


def shown(value: object) -> str:
    """A cell: numbers to four significant digits."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    (HERE / "simulations.md").write_text(page(), encoding="utf-8")
