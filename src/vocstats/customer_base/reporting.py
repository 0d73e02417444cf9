"""What the base looks like: groups, contacts, findings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .names import CHURNED, DISPOSITIONS, FOLLOW_UP, GROUPS, NOT_INVITED, SILENT, SOURCES, SURVEY
from .set_aside import Finding
from .source import SourceTable

if TYPE_CHECKING:
    import pandas as pd

    from .base import CustomerBase


def contacts_by_group(base: CustomerBase) -> npt.NDArray[np.int64]:
    """Customers by group (rows) and contact outcome: none first, then `DISPOSITIONS`."""
    counted, listing = base._counted, base._listing
    inside = counted["population"] == 0
    size, width = counted["count"][inside], len(DISPOSITIONS) + 1
    contact = (counted["contact"][inside] if base._contact_key else np.full(size.size, -1)).astype(np.intp) + 1
    churned = counted["churned"][inside].astype(bool)
    left = np.zeros((2, width), np.int64)
    np.add.at(left, (churned.astype(np.intp), contact), size)
    np.subtract.at(left, (listing.churned.astype(np.intp), listing.contact + 1), 1)
    table = np.zeros((len(GROUPS), width), np.int64)
    table[CHURNED] = left[1]
    table[SILENT] = left[0]
    if base._contact_key:
        table[NOT_INVITED, 0], table[SILENT, 0] = left[0, 0], 0
    np.add.at(table, (listing.group, listing.contact + 1), 1)
    return table


def group_table(
    base: CustomerBase, outcome: str | None, items: Mapping[str, float] | None, scale: tuple[float, float] | None
) -> pd.DataFrame:
    """See `CustomerBase.group_table`."""
    import pandas as pd

    contacts, listing = contacts_by_group(base), base._listing
    customers = contacts.sum(axis=1)
    table = pd.DataFrame({"group": GROUPS, "customers": customers, "share": customers / base.n})
    reached = contacts[:, 1:3].sum(axis=1)
    for name, figures in (("invited", contacts[:, 1:].sum(axis=1)), ("reached", reached), ("cooperated", contacts[:, 1])):
        table[name] = pd.array(figures if base._contact_key else [pd.NA] * len(GROUPS), dtype="Int64")
    table["drawn"] = np.bincount(listing.group[listing.drawn], minlength=len(GROUPS))
    named = outcome is not None or items is not None
    said = ~np.isnan(base._heard(outcome, items, scale).outcome) if named else np.ones(listing.ids.size, bool)
    for code, name in enumerate(SOURCES):
        known = named or name not in base._sources or _tells_by_itself(base._sources[name])
        heard = np.bincount(listing.group[(listing.source == code) & said], minlength=len(GROUPS))
        table[f"heard_{name}"] = pd.array(heard if known else [pd.NA] * len(GROUPS), dtype="Int64")
    table["heard"] = table[[f"heard_{name}" for name in SOURCES]].sum(axis=1, skipna=False).astype("Int64")
    missed = np.bincount(listing.group[(listing.source == SURVEY) & ~said], minlength=len(GROUPS))
    table["item_nonresponse"] = pd.array(missed if named else [pd.NA] * len(GROUPS), dtype="Int64")
    return table


def fieldwork(base: CustomerBase, by: str) -> pd.DataFrame:
    """See `CustomerBase.fieldwork`."""
    import pandas as pd

    view, listing = base._counted_view([by]), base._listing
    raw = view.count_by(["population", "a0", *base._contact_key])
    raw = {name: values[raw["population"] == 0] for name, values in raw.items()}
    answered = view.having("id", listing.ids[listing.source == SURVEY]).rows()
    both = np.concatenate([raw["a0"], answered["a0"]])
    codes, levels = base._registry.coded(by, both, int(raw["count"].sum()))
    kinds = raw["count"].size
    if (lacking := int(raw["count"][codes[:kinds] < 0].sum())):
        base._registry.refuse_missing(by, lacking)

    def by_level(chosen: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
        return np.bincount(codes[:kinds][chosen], raw["count"][chosen], minlength=levels.size).astype(np.int64)

    table = pd.DataFrame({by: levels, "customers": by_level(np.ones(kinds, bool))})
    contact = raw["contact"] if base._contact_key else np.empty(0)
    for name, highest in (("invited", len(DISPOSITIONS)), ("reached", 1), ("cooperated", 0)):
        figures = by_level((contact >= 0) & (contact <= highest)) if base._contact_key else [pd.NA] * levels.size
        table[name] = pd.array(figures, dtype="Int64")
    table["complete"] = np.bincount(codes[kinds:], minlength=levels.size)
    return table


def _tells_by_itself(source: SourceTable) -> bool:
    return source.name == "survey" or source.issued == "respondents"


def find(base: CustomerBase) -> list[Finding]:
    """See `CustomerBase.findings`."""
    contacts, listing = contacts_by_group(base), base._listing
    customers = contacts.sum(axis=1)
    found = [
        Finding("warning", "set_aside", {"source": record.source, "rows": record.rows, "reason": record.reason})
        for record in base._set_aside
    ]
    if customers[SILENT] and "follow_up" not in base._sources:
        found.append(Finding("warning", "silent_never_asked_again", {"count": int(customers[SILENT])}))
    if customers[CHURNED] and not (listing.group == CHURNED).any():
        found.append(Finding("warning", "churned_never_heard", {"count": int(customers[CHURNED])}))
    if customers[CHURNED] and base._registry.window is None:
        found.append(Finding("info", "no_window", {"count": int(customers[CHURNED])}))
    if (left := int(((listing.group == CHURNED) & (listing.source == SURVEY)).sum())):
        found.append(Finding("info", "churned_answered_survey", {"count": left}))
    for name, source in base._sources.items():
        if source.issued == "respondents":
            found.append(Finding("warning", "respondents_only", {"source": name}))
        elif source.index >= FOLLOW_UP and not source.documented:
            found.append(Finding("info", "draw_undocumented", {"source": name}))
    return found + (_contact_findings(base, contacts) if base._contact_key else [Finding("info", "no_contact_data", {})])


def _contact_findings(base: CustomerBase, contacts: npt.NDArray[np.int64]) -> list[Finding]:
    listing, found = base._listing, []
    answered = listing.source == SURVEY
    complete = DISPOSITIONS.index("complete")
    checks = (
        ("heard_not_invited", int((answered & (listing.contact < 0)).sum())),
        ("heard_not_complete", int((answered & (listing.contact >= 0) & (listing.contact != complete)).sum())),
        ("complete_without_answer", int(contacts[:, complete + 1].sum() - (answered & (listing.contact == complete)).sum())),
    )
    found += [Finding("warning", code, {"count": count}) for code, count in checks if count]
    if contacts[NOT_INVITED].sum():
        found.append(Finding("info", "not_invited", {"count": int(contacts[NOT_INVITED].sum())}))
    return found
