"""The parts a base is divided into, each represented by the answers heard in it."""

from __future__ import annotations

import numpy as np

from .._checks import Integers as Codes
from ..customer_base import GROUPS, SOURCES, Cells
from ..results import Flags

POOLS = ("active", "engaged", "silent", "churned_answered", "churned_rest")
ACTIVE, ENGAGED, SILENT, CHURNED_ANSWERED, CHURNED_REST = range(5)
ACTIVE_POOLS = (ACTIVE, ENGAGED, SILENT)
_SURVEY, _FOLLOW_UP, _EXIT = (SOURCES.index(name) for name in ("survey", "follow_up", "exit_interview"))
_GROUP = {name: GROUPS.index(name) for name in GROUPS}


def pools_of(cells: Cells, *, follows: bool, pools_churned: bool) -> tuple[Codes, Flags]:
    """Pool of the customers of each cell, and which cells hold answers that speak for their pool.

    Parameters
    ----------
    cells : Cells
    follows : bool
        The silent speak through a follow-up; else the engaged speak for all active customers.
    pools_churned : bool
        Survey answers of those who left stand for all who left.
    """
    active = cells.group != _GROUP["churned"]
    pool = np.full(cells.group.size, ACTIVE, np.intp)
    if follows:
        pool[cells.group == _GROUP["engaged"]] = ENGAGED
        pool[cells.group == _GROUP["silent"]] = SILENT
        pool[cells.group == _GROUP["not_invited"]] = -1
    churned_survey = ~active & (cells.source == _SURVEY)
    pool[~active] = CHURNED_REST
    if not pools_churned:
        pool[churned_survey] = CHURNED_ANSWERED
    speaks = (cells.source == _SURVEY) | (~active & (cells.source == _EXIT))
    if follows:
        speaks |= active & (cells.source == _FOLLOW_UP)
    return pool, speaks
