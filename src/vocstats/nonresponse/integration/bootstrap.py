"""The bootstrap: sample and reference drawn anew, all models fitted again."""

from __future__ import annotations

from ...results import Floats
from .estimators import Data, Settings
from .reference import Reference


def bootstrap_variance(data: Data, settings: Settings, source: Reference, replicates: int, seed: int) -> Floats:
    raise NotImplementedError
