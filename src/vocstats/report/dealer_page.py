"""Printable pages of dealers: the copy a dealer gets, and the auditor's."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import __version__, _checks, texts
from ..errors import InputError
from ..options import Language
from ..workflows.audit_reasons import SHOWS, Reason
from .audit_dealers import dealer_facts, forms, plan
from .audit_disclosure import DISCLOSED, checked_disclosure, withheld
from .audit_rows import always_checked, benign, signal_rows
from .audit_wording import chance, number
from .dealer_times import Rhythm, forms_chart
from .rendering import page_environment, template_text
from .wording import Words

if TYPE_CHECKING:
    from ..workflows.audit_result import DealerAudit
    from ..workflows.dealer_record import DealerRecord

_MOST_SEEN, _MOST_SAID = 5, 8  # items and sentences that fit the sheet
_LIKE_SIZE = 2.0  # dealers up to twice and down to half as large
_ENOUGH = 10  # of them, for a range
_COUNTED = {"near_duplicates": "block_forms", "bursts": "burst_forms", "quick_forms": "quick"}
_LONGEST = 120  # bytes of a file name
_RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{k}" for port in ("com", "lpt") for k in range(1, 10))}


def write_dealer_pages(
    audit: DealerAudit, folder: str | Path, *, pages: str | Sequence[Any] = "flagged", disclose: Sequence[str] = DISCLOSED,
    languages: Sequence[Language] = ("zh", "en"), reply_to: str = "", reply_days: int = 10, minimum_group: int = 5,
    period: str | None = None, run: str = "",
) -> list[Path]:
    """Write one A4 page per dealer for the dealer, and one for the auditor.

    Parameters
    ----------
    audit : DealerAudit
        The audit itself; read back from JSON it has no times of forms, and pages have no chart.
    folder : str or Path
        Folder that exists; pages go to ``dealers/`` and ``dealers_internal/`` in it, as ``<dealer>.<language>.html``.
    pages : {"flagged", "all"} or sequence of dealers
        Whose pages to write.
    disclose : sequence of str
        Signals dealers may be told of; the auditor's copy has all. A dealer on the list at whom none of them shows is told that figures
        are held for verification, not which.
    languages : sequence of {"en", "zh"}
        One file each.
    reply_to : str
        Where the dealer is to reply, an address; empty: a line to fill in.
    reply_days : int
        Working days to reply.
    minimum_group : int
        No count of customers or forms below it on the dealer's copy.
    period : str, optional
        Said on the page; None: the days of the responses.
    run : str
        Name of the run, in the number of the page ("2026Q3" makes "2026Q3-D0123").

    Returns
    -------
    list of Path
        Every file written.

    Raises
    ------
    InputError
        A language, a dealer, a signal or `pages` is unknown, or a signal of `disclose` stays inside.
    MissingDependencyError
        jinja2 is not installed.
    """
    for language in languages:
        _checks.choice(language, Language, "languages")
    chosen = _chosen(audit, pages)
    days = f"{audit.first_day} – {audit.last_day}" if audit.first_day else ""
    job = _Job(
        audit=audit, disclose=checked_disclosure(disclose), minimum=_checks.whole(minimum_group, "minimum_group", low=1),
        reply_to=reply_to or "________________", reply_days=_checks.whole(reply_days, "reply_days", low=1),
        period=days if period is None else period, run=run, rhythm=Rhythm.of(audit),
    )
    names, environment = file_names(audit.dealers.tolist()), page_environment()
    written = []
    for kind, template, told in (("dealers", "dealer_page", job.for_dealer), ("dealers_internal", "dealer_internal", job.for_auditor)):
        (Path(folder) / kind).mkdir(exist_ok=True)
        form = environment.get_template(f"{template}.html.jinja")
        for dealer in chosen:
            for language in languages:
                path = Path(folder) / kind / f"{names[dealer]}.{language}.html"
                path.write_text(form.render(**told(audit.dealer(dealer), Words(language))), encoding="utf-8")
                written.append(path)
    return written


def _chosen(audit: DealerAudit, pages: str | Sequence[Any]) -> list[Any]:
    """Labels of the dealers whose pages are wanted."""
    dealers: list[Any] = audit.dealers.tolist()
    if isinstance(pages, str):
        if pages not in ("flagged", "all"):
            raise InputError(
                f'pages must be "flagged", "all" or a list of dealers; got {pages!r}. Write [{pages!r}] for one dealer.', code="bad_pages",
                argument="pages", value=repr(pages),
            )
        return [dealer for dealer, flagged in zip(dealers, audit.flagged, strict=True) if flagged or pages == "all"]
    return [audit.dealer(dealer).dealer for dealer in dict.fromkeys(pages)]


def file_names(labels: Sequence[Any]) -> dict[Any, str]:
    """A file name for each label that every file system takes; where two would be alike, with a hash of the label."""
    names = {label: _file_name(str(label)) for label in labels}
    folded = [name.casefold() for name in names.values()]
    return {
        label: name if folded.count(name.casefold()) == 1 else f"{name}-{hashlib.sha256(str(label).encode()).hexdigest()[:8]}"
        for label, name in names.items()
    }


def _file_name(label: str) -> str:
    clean = re.sub(r'[\\/:*?"<>|\s\x00-\x1f\x7f]+', "_", label).strip("._ ")
    clean = clean.encode()[:_LONGEST].decode(errors="ignore") or "_"
    return f"_{clean}" if clean.split(".")[0].casefold() in _RESERVED else clean


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Job:
    """What all pages share."""

    audit: DealerAudit
    disclose: tuple[str, ...]
    minimum: int
    reply_to: str
    reply_days: int
    period: str
    run: str
    rhythm: Rhythm | None

    def for_dealer(self, record: DealerRecord, words: Words) -> dict[str, Any]:
        """The dealer's copy: facts and what was expected, nothing of other dealers but medians and ranges."""
        few, seen = not record.figures["n"] >= self.minimum, self._seen(record)
        chart = "" if few or self.rhythm is None else forms_chart(self.rhythm, record.dealer, words, self.minimum)
        weeks = self.rhythm is not None and self.rhythm.width > 1
        key = [words.page("chart_key"), words.page("chart_key_few", minimum=self.minimum)]
        return {
            **self._head(record, words, words.page("title"), internal=False), "listed": record.flagged,
            "forms": self._forms(record, words),
            "score": "" if few else self._score(record, words), "items": [self._item(reason, record, words) for reason in seen],
            "chart": chart, "chart_title": words.page("chart_weeks" if weeks else "chart"), "chart_key": words.gap.join(key),
            "causes": [*always_checked(self.audit, words), *benign(seen, words)], "possible": self._possible(seen, words),
            "fdr": words.percent(record.fdr), "days": self.reply_days, "reply_to": self.reply_to,
        }

    def for_auditor(self, record: DealerRecord, words: Words) -> dict[str, Any]:
        """The auditor's copy: every figure and signal, the telephone plan, and boxes for the case."""
        facts = dealer_facts(self.audit, record, words, 1)
        rows = signal_rows(self.audit, record.dealer, words, 1)
        told = {words.term(f"signal_{reason.signal}") for reason in self._seen(record)}
        status = (words.term("status"), words.term(f"status_{record.status}"))
        for row in rows[_MOST_SAID:]:
            row["said"] = ""
        return {
            **self._head(record, words, words.page("internal_title"), internal=True), "forms": forms(record, words, 1),
            "facts": [status, *(fact for fact in facts if fact[0] not in (words.term("forms"), words.audit("fact_plan")))],
            "signals": [
                {
                    "signal": row["signal"], "said": row["said"], "reason": row["reason"], "n": words.count(row["n"]),
                    "effect": _with_error(row, words), "p_value": chance(row["p_value"], words),
                    "told": words.audit("yes" if row["signal"] in told else "no"),
                }
                for row in rows
            ],
            "chart": "" if self.rhythm is None else forms_chart(self.rhythm, record.dealer, words, 1),
            "chart_key": words.page("chart_key"), "plan": plan(record, words),
        }

    def _head(self, record: DealerRecord, words: Words, title: str, *, internal: bool) -> dict[str, Any]:
        from markupsafe import Markup

        return {
            "words": words, "title": title, "internal": internal, "dealer": str(record.dealer), "period": self.period,
            "number": f"{self.run}-{record.dealer}" if self.run else str(record.dealer),
            "style": Markup(template_text("dealer_page.css")), "foot": words.page("foot", version=__version__, seed=record.seed),
        }

    def _seen(self, record: DealerRecord) -> list[Reason]:
        """What the dealer is told of: of a dealer on the list, disclosed signals that show on enough forms."""
        if not record.flagged or not record.figures["n"] >= self.minimum:
            return []
        showing = [reason for reason in record.reasons if reason.signal in self.disclose and reason.p_value <= SHOWS]
        return [reason for reason in showing if not withheld(reason, self.minimum)][:_MOST_SEEN]

    def _forms(self, record: DealerRecord, words: Words) -> str:
        n, own = record.figures["n"], record.figures["n_own"]
        if not n >= self.minimum:
            return texts.render("reason.under_minimum", words.language) if math.isnan(n) else words.page("forms_few", minimum=self.minimum)
        if min(own, n - own) < self.minimum:
            return words.count(n)
        return words.page("forms_by", n=words.count(n), own=words.count(own), independent=words.count(n - own))

    def _score(self, record: DealerRecord, words: Words) -> str:
        mixed = any(assumption.code == "audit_case_mix" for assumption in self.audit.assumptions)
        figures = {"score": number(record.figures["score"], words), "median": number(record.medians["score"], words)}
        return words.page("score" if mixed else "score_alone", adjusted=number(record.figures["adjusted_score"], words), **figures)

    def _item(self, reason: Reason, record: DealerRecord, words: Words) -> str:
        compared = self._compared(reason.signal, record, words)
        return f"{reason.text(words.language)}{words.gap}{compared}" if compared else reason.text(words.language)

    def _compared(self, signal: str, record: DealerRecord, words: Words) -> str:
        """Median and range of the same count at other dealers of like size."""
        found = next(each for each in self.audit.signals if each.name == signal)
        if signal not in _COUNTED:
            return ""
        others = found.labels["dealer"] != record.dealer
        own = float(found.n[~others][0])
        like = others & (found.n >= max(own / _LIKE_SIZE, self.minimum)) & (found.n <= own * _LIKE_SIZE)
        counts = np.nan_to_num(np.asarray(found.details[_COUNTED[signal]], float)[like])
        if counts.size < _ENOUGH:
            return ""
        low, median, high = np.quantile(counts, [0.05, 0.5, 0.95])
        if high < 1.0:
            return words.page("compared_none")
        return words.page("compared", median=words.count(median), low=words.count(low), high=words.count(high))

    def _possible(self, seen: Sequence[Reason], words: Words) -> str:
        known = texts.namespace("dealer_page")
        own = [words.page(key) for reason in seen if (key := f"possible_{reason.signal}") in known]
        return ("; " if words.language == "en" else ";").join([words.page("possible"), *own])


def _with_error(row: dict[str, Any], words: Words) -> str:
    """An effect with its standard error."""
    effect, error = number(row["effect"], words), number(row["std_error"], words)
    return f"{effect} ± {error}" if error else effect
