"""The study file: its schema, its reading, its run and what the run leaves behind."""

from __future__ import annotations

from .result import StudyResult
from .running import StudyRun, run_study
from .study_file import Study, check_study, load_study, study_from_document

__all__ = ["Study", "StudyResult", "StudyRun", "check_study", "load_study", "run_study", "study_from_document"]
