"""Tests of the course: its runner, and every lesson."""
