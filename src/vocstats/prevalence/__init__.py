"""How many customers have a pain point, from sources that each see a part of them, and that imperfectly."""

from .cautions import IdentifyingAssumptionWarning
from .codes import MappedCodes
from .list_result import CaptureRecapture
from .lists import capture_recapture
from .misclassification import CorrectedPrevalence, rogan_gladen
from .taxonomy import Taxonomy

__all__ = [
    "CaptureRecapture", "CorrectedPrevalence", "IdentifyingAssumptionWarning", "MappedCodes", "Taxonomy", "capture_recapture", "rogan_gladen",
]
