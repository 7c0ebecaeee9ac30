"""Milestone 7 asks for no operation."""
