"""How many customers have a pain point, from sources that each see a part of them, and that imperfectly."""

from .misclassification import CorrectedPrevalence, rogan_gladen

__all__ = ["CorrectedPrevalence", "rogan_gladen"]
