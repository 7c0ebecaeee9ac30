"""Debugging: which line made the first NaN, why a tensor has no gradient, where the time goes.

The engine does not use this package. It shows how hooks can watch the engine.
"""
