"""Tests of every lesson, and of the mistakes that the course makes."""
