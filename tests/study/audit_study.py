"""A small simulated network on disk, with the study that audits it."""

from __future__ import annotations

from pathlib import Path

import vocstats as vs

STUDY = """schema_version = 1

[study]
title = "Small network (simulated)"
title_zh = "小型网络(模拟数据)"
period = "2025/26"
language = ["en", "zh"]
output = "out"
seed = 5

[audit]
responses = "responses.csv"
response_id = "response_id"
visit = "visit_id"
channel = "channel"
items = ["welcome", "advice", "punctuality", "value"]
case_mix = ["age_band", "warranty"]
outcomes = ["complaint"]
time = "time"
threshold = 0.8

[audit.roster]
file = "visits.csv"
visit = "number"
invited = "invited"

[audit.pages]
reply_to = "quality@example.com"
run = "2026-1"

[report]
customer_files = true
"""


def write_audit_study(folder: Path, *, study: str = STUDY, dealers: int = 24) -> Path:
    """Forms and visits of a network in which a quarter of the dealers inflate strongly, and one has six forms. Returns the study file."""
    network = vs.datasets.simulate_dealers(dealers, seed=80111, inflated=0.25, strength=0.9, responses=(60, 150))
    forms = network.responses
    forms[(forms["dealer"] != "D0002") | (forms.groupby("dealer").cumcount() < 6)].to_csv(folder / "responses.csv", index=False)
    visits = network.roster.merge(network.outcomes, on="visit_id").rename(columns={"visit_id": "number"})
    visits.to_csv(folder / "visits.csv", index=False)
    path = folder / "study.toml"
    path.write_text(study, encoding="utf-8")
    return path
