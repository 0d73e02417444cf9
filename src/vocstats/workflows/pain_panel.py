"""The coders who read the same texts: who of them was audited, what tells of the others, and what each found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import InputError, shown
from ..results import Flags
from .pain_audits import CoderAudit, Codings
from .pain_observations import Observations
from .pain_tables import PainColumns

RATHER_RIGHT = np.array([(4.0, 1.0), (19.0, 1.0)])
"""Beta distributions of Se and Sp of a coder nobody audited: as if he had found 4 of 5 who have a pain and passed 19 of 20 who have not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """The coders who read the same texts.

    Attributes
    ----------
    names : tuple of str (J,)
    places : tuple of int (J,)
        Of each among all coders; those without an audit come after the audited ones.
    guessed : tuple of int
        Places of those nobody audited.
    told, open : tuple of str
        Those nobody audited whose labels tell how often they err, and those of whom a prior must tell too.
    """

    names: tuple[str, ...]
    places: tuple[int, ...]
    guessed: tuple[int, ...]
    told: tuple[str, ...]
    open: tuple[str, ...]


def read_panel(seen: Observations, columns: PainColumns, audit: CoderAudit | None) -> Panel:
    """Who of the coders was audited, and what tells of the others."""
    names, audited = columns.coders, audit.coders if audit is not None and audit.by == "coder" else ()
    _refuse_unnamed(seen, columns, audit)
    others = [name for name in names if name not in audited]
    first = 0 if audit is None else len(audit.coders)
    places = tuple(audited.index(name) if name in audited else first + others.index(name) for name in names)
    beside = [_read_beside(seen, names.index(name), np.isin(names, audited)) for name in others]
    alone = {name: seen.pains[most == 1] for name, (most, _) in zip(others, beside, strict=True) if (most == 1).any()}
    if alone:
        pains = sorted({str(pain) for lacking in alone.values() for pain in lacking.tolist()})
        raise InputError(
            f"Nothing is known of how well coders {shown(alone)} find {shown(pains)}: no audit is of them, and no other coder read a text "
            "that they read. Give coder_audit rows of them, or texts that two or more coders read.",
            code="coder_read_alone", argument="coders", levels=pains, coders=shown(alone), pains=shown(pains),
        )
    told = tuple(name for name, (most, enough) in zip(others, beside, strict=True) if enough[most > 0].all())
    return Panel(
        names=names, places=places, guessed=tuple(range(first, first + len(others))), told=told,
        open=tuple(name for name in others if name not in told),
    )


def _read_beside(seen: Observations, column: int, known: Flags) -> tuple[npt.NDArray[np.intp], Flags]:
    """Of each pain, the most coders of a text that one of them read, he included; and whether three did, or one of the `known`."""
    read = seen.patterns >= 0
    rows = np.flatnonzero(seen.pattern >= 0)
    rows = rows[read[seen.pattern[rows], column]]
    pain, readers = seen.pain[rows], read.sum(axis=1)[seen.pattern[rows]]
    most = np.zeros(seen.pains.size, np.intp)
    np.maximum.at(most, pain, readers)
    enough = (readers > 2) | np.any(read[seen.pattern[rows]] & known, axis=1)
    return most, np.bincount(pain[enough], minlength=seen.pains.size) > 0


def _refuse_unnamed(seen: Observations, columns: PainColumns, audit: CoderAudit | None) -> None:
    """Raise where an audit does not say which coder it is of, or is of one who coded nothing."""
    if audit is None or not columns.coders:
        return
    several = {str(seen.sources[source]) for source in np.unique(seen.source[seen.pattern >= 0])}
    if audit.by == "" or (audit.by == "source" and several & set(audit.coders)):
        raise InputError(
            f"coder_audit must have a column 'coder' that says which of {shown(columns.coders)} each row is of: several coders read the "
            f"texts of {shown(sorted(several))}.",
            code="audit_of_which_coder", argument="coder_audit", coders=shown(columns.coders), sources=shown(sorted(several)),
        )
    known = {*columns.coders, *seen.coders.tolist()}
    unknown = [name for name in audit.coders if name not in known]
    if audit.by == "coder" and unknown:
        raise InputError(
            f"coder_audit names coders {shown(unknown)}; coders= has {shown(columns.coders)}. Write names alike.",
            code="unknown_audit_coder", argument="coder_audit", levels=unknown, known=shown(columns.coders),
        )


def coder_assumptions(panel: Panel) -> list[tuple[str, str, dict[str, Any]]]:
    """What estimates rest on where several coders read the same texts: code, whether it can be tested, values."""
    testable = "partly" if len(panel.names) > 3 else "no"
    together = ("coders_independent", "coders_same_errors") if len(panel.names) > 1 else ()
    unaudited = [("pain_coders_by_prior", "no", panel.open), ("pain_coders_by_labels", "partly", panel.told)]
    said: list[tuple[str, str, dict[str, Any]]] = [
        (code, test, {"coders": ", ".join(them)}) for code, test, them in unaudited if them
    ]
    return said + [(code, testable, {}) for code in together]


def codings(seen: Observations, coder: npt.NDArray[np.intp], panel: Panel) -> Codings:
    """What every coder found, of what he read; `coder` (C,) of rows that count positives, -1 elsewhere."""
    alone = seen.pattern < 0
    parts = [(seen.pain[alone], coder[alone], seen.positive[alone], seen.n[alone])]
    for column, place in enumerate(panel.places):
        label = np.where(alone, -1, seen.patterns[seen.pattern, column])
        rows = np.flatnonzero(label >= 0)
        parts.append((seen.pain[rows], np.full(rows.size, place), seen.n[rows] * label[rows], seen.n[rows]))
    pain, by, positive, n = (np.concatenate(each) for each in zip(*parts, strict=True))
    return Codings(pain=pain, coder=by, positive=positive, n=n, pains=int(seen.pains.size))
