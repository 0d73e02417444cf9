"""How many customers have a pain point, from sources that each see a part of them, and that imperfectly."""

from .cautions import CoderWarning, IdentifyingAssumptionWarning
from .coder_result import CoderModelFit
from .coders import dawid_skene
from .codes import MappedCodes
from .counts import DropOffCounts, PainPointCounts, PainPointPriors
from .design_effects import collapse_dealers
from .latent_field import fit_latent_field
from .list_result import CaptureRecapture
from .lists import capture_recapture
from .misclassification import CorrectedPrevalence, rogan_gladen
from .posterior import PainPointPosterior
from .powered_regression import prediction_powered_regression
from .powered_result import PredictionPowered
from .prediction_powering import prediction_powered
from .reporting import ReportingRate, reporting_rate
from .response_ties import ResponseTie, response_tie
from .taxonomy import Taxonomy
from .unanswered import UnansweredBounds, bounds
from .validation_studies import StudyPrevalence, prevalence_from_studies

__all__ = [
    "CaptureRecapture", "CoderModelFit", "CoderWarning", "CorrectedPrevalence", "DropOffCounts", "IdentifyingAssumptionWarning",
    "MappedCodes",
    "PainPointCounts", "PainPointPosterior", "PainPointPriors", "PredictionPowered", "ReportingRate", "ResponseTie",
    "StudyPrevalence", "Taxonomy", "UnansweredBounds", "bounds", "capture_recapture", "collapse_dealers", "dawid_skene",
    "fit_latent_field", "prediction_powered", "prediction_powered_regression", "prevalence_from_studies", "reporting_rate",
    "response_tie", "rogan_gladen",
]
