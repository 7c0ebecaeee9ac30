"""Debugging tools that find the first NaN, a missing gradient, a leak, or the slowest gates.

The engine does not use this package. The tools watch the engine through its hooks.
"""
