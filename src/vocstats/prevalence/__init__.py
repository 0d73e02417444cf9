"""How many customers have a pain point, from sources that each see a part of them, and that imperfectly."""

from .cautions import CoderWarning, IdentifyingAssumptionWarning
from .coder_result import CoderModelFit
from .coders import dawid_skene
from .codes import MappedCodes
from .list_result import CaptureRecapture
from .lists import capture_recapture
from .misclassification import CorrectedPrevalence, rogan_gladen
from .powered_regression import prediction_powered_regression
from .powered_result import PredictionPowered
from .prediction_powering import prediction_powered
from .reporting import ReportingRate, reporting_rate
from .taxonomy import Taxonomy
from .unanswered import UnansweredBounds, bounds
from .validation_studies import StudyPrevalence, prevalence_from_studies

__all__ = [
    "CaptureRecapture", "CoderModelFit", "CoderWarning", "CorrectedPrevalence", "IdentifyingAssumptionWarning", "MappedCodes",
    "PredictionPowered", "ReportingRate", "StudyPrevalence", "Taxonomy", "UnansweredBounds", "bounds", "capture_recapture", "dawid_skene",
    "prediction_powered", "prediction_powered_regression", "prevalence_from_studies", "reporting_rate", "rogan_gladen",
]
