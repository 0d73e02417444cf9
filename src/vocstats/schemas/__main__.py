"""Write the schema files."""

from __future__ import annotations

import json
from pathlib import Path

from ..results import kinds
from . import build

for name in kinds():
    target = Path(__file__).with_name(f"{name}.json")
    target.write_text(json.dumps(build(name), indent=1) + "\n", encoding="utf-8")
