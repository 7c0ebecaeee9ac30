"""Milestone 7 asks for no operation, so it has no known mistakes."""

SLIPS = ()
