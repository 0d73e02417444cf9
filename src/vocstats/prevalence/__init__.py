"""How many customers have a pain point, from sources that each see a part of them, and that imperfectly."""

from .cautions import IdentifyingAssumptionWarning
from .list_result import CaptureRecapture
from .lists import capture_recapture
from .misclassification import CorrectedPrevalence, rogan_gladen

__all__ = [
    "CaptureRecapture", "CorrectedPrevalence", "IdentifyingAssumptionWarning", "capture_recapture", "rogan_gladen",
]
