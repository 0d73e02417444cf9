"""Everything a report shows, gathered by the study and drawn by this folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .audit_disclosure import DISCLOSED

if TYPE_CHECKING:
    import pandas as pd

    from ..workflows.audit_result import DealerAudit
    from ..workflows.cohort_track import CohortTrack
    from ..workflows.corrected_score import Correction
    from .pain_content import PainPointContent


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRecord:
    """One file that was read: its name as written in the study, SHA-256, rows and role ("registry", "survey", ...)."""

    role: str
    name: str
    sha256: str
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportContent:
    """What the report is made of; texts that exist in two languages are {language: text}.

    Attributes
    ----------
    title, churn_definition : mapping
        {language: text}; a language that is absent falls back to the other.
    producer, period, unit, why : str
        From the study file; empty where not given. `why` explains the declared shifts.
    headline : str
        Term of the first screen: "nonresponse_corrected" or "survivor_corrected".
    groups, set_aside : DataFrame
        `CustomerBase.groups` and `CustomerBase.set_aside`.
    response_rates : mapping
        RR1, RR3, RR5, contact_rate, cooperation_rate; NaN where contact data are absent.
    findings : tuple
        `CustomerBase.findings`: what `vocstats check` would say.
    corrections : mapping
        {statistic: Correction} of the whole base, in the order of the study; the first is the one of the first screen.
    domains : mapping
        {name of the by column(s): {statistic: Correction}}.
    tracks : mapping
        Satisfaction by tenure, where the study asks for it: {"": {statistic: CohortTrack} of the whole base, and one entry for each by
        column(s)}.
    published : mapping
        {statistic: published figure}; empty when none was given.
    kpi : float or None
        Score to be reached.
    minimum_group : int
        Groups with fewer answers are blank, and so is what would let one subtract them.
    files : tuple of FileRecord
        What was read.
    study_text : str
        The study file as written.
    versions : mapping
        {package: version}.
    seed : int
    created : str
        ISO date of the run.
    level : float
    languages : tuple of str
        Languages a report is written in; each links to the others.
    excel : bool
        Whether ``tables.xlsx`` lies beside the report.
    window : str
        Which customers count, in words of the study file; empty where all of the registry do.
    fieldwork : DataFrame or None
        One row per dealer: dealer, customers, invited, reached, cooperated, complete; None without contact outcomes.
    audit : DealerAudit or None
        An audit of the dealers, which has chapters of its own.
    disclose : tuple of str
        Signals of the audit that dealers are told of.
    pain_points : PainPointContent or None
        Pain points, which have chapters of their own; see `pain_content`.
    """

    title: Mapping[str, str]
    headline: str
    corrections: Mapping[str, Correction]
    groups: pd.DataFrame
    set_aside: pd.DataFrame
    response_rates: Mapping[str, float]
    level: float
    seed: int
    created: str
    domains: Mapping[str, Mapping[str, Correction]] = field(default_factory=dict)
    tracks: Mapping[str, Mapping[str, CohortTrack]] = field(default_factory=dict)
    findings: tuple[Any, ...] = ()
    published: Mapping[str, float] = field(default_factory=dict)
    churn_definition: Mapping[str, str] = field(default_factory=dict)
    producer: str = ""
    period: str = ""
    unit: str = "customer"
    why: str = ""
    kpi: float | None = None
    minimum_group: int = 10
    files: tuple[FileRecord, ...] = ()
    study_text: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    languages: tuple[str, ...] = ("en", "zh")
    excel: bool = True
    window: str = ""
    fieldwork: pd.DataFrame | None = None
    audit: DealerAudit | None = None
    disclose: tuple[str, ...] = DISCLOSED
    pain_points: PainPointContent | None = None

    @property
    def first(self) -> Correction:
        """The correction of the first screen."""
        return next(iter(self.corrections.values()))

    def text(self, name: str, language: str) -> str:
        """A text that exists in two languages, in `language` or else in the one there is."""
        return in_language(getattr(self, name), language)


def in_language(there: Mapping[str, str], language: str) -> str:
    """A text of several languages, in `language` or else in the one there is."""
    return there.get(language) or next((text for text in there.values() if text), "")
