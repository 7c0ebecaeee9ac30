"""Why did this happen? Which line made the first NaN, why a tensor got no gradient, and where the
time went.

Nothing in the engine uses this room. Come here when a graph of yours misbehaves, or to read how
hooks watch the engine.
"""
