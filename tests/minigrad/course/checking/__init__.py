"""Tests of checking: one answer becomes a verdict."""
