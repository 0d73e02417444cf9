"""Names and codes the parts of the customer base share."""

from __future__ import annotations

GROUPS = ("engaged", "silent", "churned", "not_invited")
ENGAGED, SILENT, CHURNED, NOT_INVITED = range(4)
SOURCES = ("survey", "follow_up", "exit_interview")
SURVEY, FOLLOW_UP, EXIT_INTERVIEW = range(3)
DISPOSITIONS = ("complete", "refusal", "noncontact", "bad_number", "ineligible")
NOT_CONTACTED = -1
POPULATION = ("", "outside_where", "outside_window")  # why a registry row is not in the base; "": it is
