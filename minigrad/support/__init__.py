"""Helpers that do not use Tensor: for files, text in the terminal, notebooks, and parallel jobs.

Any other package may import them.
"""
