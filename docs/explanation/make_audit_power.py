"""Write audit-power.md from the results beside it: ``python docs/explanation/make_audit_power.py``."""

from __future__ import annotations

import json
from pathlib import Path

HERE = Path(__file__).resolve().parent
HEAD = """# Power and false discoveries of the dealer audit

Generated from the last recorded run of `benchmarks/audit_power.py`; do not edit. Networks are those of `datasets.simulate_dealers`: ordinal
scores with a common factor, honest dealers who differ in level, channel gap, case mix and season, honest stars, dealers with a kiosk, tiny
ones. The audit sees responses, roster and outcomes, never the truth. Seeds of these networks were used for nothing else; but what the
audit takes for the patterns of practice (`patterns.toml`) was estimated from other networks of the same simulator, so that power is that
against practices of the kind looked for.

Scenarios are named by the share of dealers that inflate, in percent, each by one of ten mechanisms, and by their strength: none named is
.4, .5 or .6 at random, `15_0.2` is .2. `0` is the global null. Simulation shows what the audit does in a world made like this one. A real
network has habits the simulator lacks: judge a list by what is verified on the telephone.
"""
NOTES = {
    "00_required": "The worst of all scenarios. A tenth is one of the dealers by number of answers. With some 55 flags, as where few "
    "inflate, its interval ends below the limit only if 5 of them or fewer are wrong: few networks show a worst figure that is mostly "
    "chance.",
    "01_discovery": "`fdr` is the mean over networks of the share of honest dealers on the list (0 where it is empty), with its interval "
    "of 95 %; `any flag` the share of networks that flag anybody, which is the FDR where nobody inflates.",
    "02_mechanisms": "Share flagged of the dealers who use it.",
    "03_strengths": "Share flagged of the dealers who inflate that strongly.",
    "04_sizes": "Dealers of a scenario by number of answers, in tenths; `fdr` is the share of honest dealers among all flags of the tenth, "
    "with its exact interval.",
    "05_corrected": "Against the honest mean over the dealer's roster, all flagged dealers together, rightly and wrongly flagged. `raw` is "
    "the score as published; `coverage` is that of the 90 % interval.",
    "06_stars": "Shares flagged of the honest dealers.",
    "07_onset": "Of flagged dealers who began within the year: those of whom the audit tells an onset, and how far it is off.",
    "08_rules": "None of the simpler rules says where its list ends. Each is given three ends: as many dealers as the audit lists "
    "(`as audit`), as many as inflate (`number known`), and the kindest, the longest list of which at most a tenth is honest "
    "(`truth known`): an end that only the truth knows, chosen anew in every network. The audit's own ranking is treated alike.",
    "09_signals": "`speaks`: share of dealers of whom it says something; `honest` and `power`: share of honest and inflating dealers with "
    "p < .01; `list`: power of a list made of this signal alone; then power at p < .01 by mechanism.",
    "10_careful": "The same networks, in the hands of dealers who know how an audit looks for them: they spread what they do over time, "
    "devices and customers, and vary the answers.",
    "11_coach": "Dealers who coach customers whoever asks, on the score that counts: the channels agree, and by how much a score is "
    "inflated cannot be told. They are found by the single questions, which stay honest here, and by full marks too frequent for the other "
    "answers; coached evenly on every question they would hardly be ([what the audit cannot see](false-accusations.md)).",
    "12_ablation": "The list made anew without each of the signals; `most lost` is the largest loss of power at any mechanism.",
}


def page() -> str:
    """The whole page."""
    documents = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted((HERE / "audit_power").glob("*.json"))}
    parts = [HEAD]
    for name, document in documents.items():
        facts = "; ".join(f"{fact} {value}" for fact, value in document["facts"].items())
        if name == min(documents):
            parts.append(f"vocstats {document['version']}; {facts}.")
        columns = list(document["rows"][0])
        parts.append(f"\n## {document['title']}\n\n{NOTES[name]}\n")
        parts.append("| " + " | ".join(column.replace("_", " ") for column in columns) + " |")
        parts.append("|" + "---|" * len(columns))
        parts += ["| " + " | ".join(shown(row[column]) for column in columns) + " |" for row in document["rows"]]
    return "\n".join(parts) + "\n"


def shown(value: object) -> str:
    """A cell: numbers to three decimals, nothing where there is none."""
    return "" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value).replace("_", " ")


if __name__ == "__main__":
    (HERE / "audit-power.md").write_text(page(), encoding="utf-8")
