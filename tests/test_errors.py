"""Errors keep what they say when they are copied or come from another process."""

from __future__ import annotations

import copy
import pickle

import pytest

from vocstats import errors

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.VocstatsError)]


@pytest.mark.parametrize("kind", KINDS)
def test_errors_are_copied_whole(kind: type[errors.VocstatsError]) -> None:
    error = kind("坏的 column", code="bad_column", argument="score", rows=[1, 3], levels=["甲"], table="answers", known=["a"])
    for copied in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert type(copied) is kind and str(copied) == str(error) and vars(copied) == vars(error)
