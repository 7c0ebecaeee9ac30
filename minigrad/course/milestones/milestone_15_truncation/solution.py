"""Milestone 15, solved."""


def cut(h):
    """Return the same numbers as a Value without inputs."""
    return Value(h.array)
