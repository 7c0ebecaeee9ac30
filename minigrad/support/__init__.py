"""Helpers that know no Tensor: files written whole, text for the terminal, notebooks, experiments
as jobs.

Every other room may use them. Come here when a file, a table or a progress bar is what you want to
change.
"""
