"""Tests of the check of other engines."""
