"""Tests of the classroom: many answers become marks."""
