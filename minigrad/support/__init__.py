"""Helper functions for files, terminal text, notebooks, and parallel jobs.

They do not use Tensor, and any other package may import them.
"""
