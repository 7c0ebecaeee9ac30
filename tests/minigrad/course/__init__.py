"""Tests of the course: a folder for each room, and the commands."""
