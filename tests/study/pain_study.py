"""A small simulated network on disk, with studies that estimate its pain points from rows and from counts."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from vocstats.datasets import SimulatedPainPoints, simulate_pain_points

PAINS = ["information_overload", "product_quality", "price_value", "purchase_friction"]
HEAD = """schema_version = 1

[study]
title = "Small network (simulated)"
title_zh = "小型网络(模拟数据)"
language = ["en", "zh"]
output = "out"
seed = 5
"""
OPTIONS = """groups = ["segment", "dealer"]
by = "segment"
perfect_sources = ["follow_up", "exit_interview", "ticket"]
mentions = { ticket = [3, 27] }

[pain_points.coder_audit]
file = "coder_audit.csv"
"""
ROWS = f"""{HEAD}
[registry]
file = "registry.csv"
id = "customer_id"
dealer = "dealer"
churned = "churned"

[answers.survey]
file = "survey.csv"
date = "answered_on"

[answers.follow_up]
file = "follow_up.csv"
issued = "respondents"

[answers.exit_interview]
file = "exit_interview.csv"
issued = "respondents"

[pain_points]
columns = {PAINS}
window = ["2025-10-01", "2026-09-30"]
{OPTIONS}
[pain_points.reports.ticket]
file = "tickets.csv"
date = "opened_on"
code = "reason"
mapping = {{ T1 = "information_overload", T2 = "product_quality", T3 = "price_value", T4 = "purchase_friction" }}
"""
COUNTS = f"""{HEAD}
[pain_points]
observations = "counts.csv"
window = "in the year to 30 September 2026"
{OPTIONS}
[pain_points.frame]
file = "frame.csv"
"""


DROP_OFF = """
[pain_points.drop_off]
file = "journey.csv"
pains = { stage_1 = ["information_overload", "product_quality"], stage_2 = ["price_value", "purchase_friction"] }
"""


@cache
def world() -> SimulatedPainPoints:
    """Eight dealers, four pains."""
    return simulate_pain_points(8, seed=80431, pains=4, segments=3, customers=(250, 500), follow_up=0.1, exit_interviews=0.3, tickets=0.1)


def write_pain_study(folder: Path, *, study: str = ROWS) -> Path:
    """Everything both studies read. Returns the study file."""
    tables = world().tables()
    codes = {pain: f"T{k}" for k, pain in enumerate(PAINS, 1)}
    tickets = tables.pop("ticket")
    tables["tickets"] = tickets.assign(pain_point=tickets["pain_point"].map(codes)).rename(columns={"pain_point": "reason"})
    tables |= {"counts": world().observations, "frame": world().frame, "coder_audit": world().coder_audit}
    tables["journey"] = world().drop_off
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False, date_format="%Y-%m-%d")
    path = folder / "study.toml"
    path.write_text(study, encoding="utf-8")
    return path
