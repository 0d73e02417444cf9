"""How many customers have a pain point, from sources that each see a part of them, and that imperfectly."""

from .cautions import CoderWarning, IdentifyingAssumptionWarning
from .coder_result import CoderModelFit
from .coders import dawid_skene
from .codes import MappedCodes
from .list_result import CaptureRecapture
from .lists import capture_recapture
from .misclassification import CorrectedPrevalence, rogan_gladen
from .taxonomy import Taxonomy
from .unanswered import UnansweredBounds, bounds
from .validation_studies import StudyPrevalence, prevalence_from_studies

__all__ = [
    "CaptureRecapture", "CoderModelFit", "CoderWarning", "CorrectedPrevalence", "IdentifyingAssumptionWarning", "MappedCodes",
    "StudyPrevalence", "Taxonomy", "UnansweredBounds", "bounds", "capture_recapture", "dawid_skene", "prevalence_from_studies",
    "rogan_gladen",
]
