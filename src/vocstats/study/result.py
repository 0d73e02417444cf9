"""What a run of a study leaves for other programs: ``result.json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..results import Record, register
from ..workflows.audit_result import DealerAudit
from ..workflows.cohort_track import CohortTrack
from ..workflows.corrected_score import Correction
from ..workflows.pain_result import PainPointPrevalence


@register("study_result")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StudyResult(Record):
    """What a study found, as written to ``result.json``: no customer numbers, no influence values.

    Attributes
    ----------
    title : dict
        {language: title of the study}.
    headline : str
        The term of the report's first screen; "" where no score is corrected.
    created : str
        ISO date of the run.
    corrections : tuple of Correction
        For each statistic the whole base, then one for each entry of ``[correct] by``; `Correction.by` tells them apart.
    tracks : tuple of CohortTrack
        Satisfaction by tenure, where the study asks for it: for each statistic the whole base, then each entry of ``[cohorts] by``.
    audit : DealerAudit or None
        The dealer audit, where the study asks for it: without positions of rows.
    pain_points : PainPointPrevalence or None
        How many customers have which pain, where the study asks for it: without draws.
    """

    title: Mapping[str, str]
    headline: str
    created: str
    corrections: tuple[Correction, ...] = field(default=())
    tracks: tuple[CohortTrack, ...] = field(default=())
    audit: DealerAudit | None = None
    pain_points: PainPointPrevalence | None = None

    def overall(self, statistic: str) -> Correction:
        """The correction of the whole base."""
        return self.by((), statistic)

    def by(self, columns: tuple[str, ...], statistic: str) -> Correction:
        """The correction by `columns`; KeyError where the study did not compute it."""
        for correction in self.corrections:
            if correction.by == columns and correction.statistic == statistic:
                return correction
        raise KeyError((columns, statistic))
