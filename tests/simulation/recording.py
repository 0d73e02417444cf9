"""Write the last results of a long simulation where the docs read them."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pandas as pd

import vocstats

EXPLANATION = Path(__file__).resolve().parents[2] / "docs" / "explanation"


def record(name: str, title: str, rows: pd.DataFrame, *, folder: str = "simulations", **facts: object) -> None:
    """File a table under `name` with the date, the version and what was simulated."""
    (EXPLANATION / folder).mkdir(exist_ok=True)
    document = {
        "title": title,
        "date": datetime.date.today().isoformat(),
        "version": vocstats.__version__,
        "facts": facts,
        "rows": json.loads(rows.to_json(orient="records", double_precision=10)),
    }
    (EXPLANATION / folder / f"{name}.json").write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
