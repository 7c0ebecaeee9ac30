"""Helpers that do not use Tensor: files, text for the terminal, notebooks, experiments as jobs.

Every other package may import them.
"""
