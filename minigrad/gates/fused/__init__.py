"""Whole sequences as one gate: an RNN, GRU or LSTM over all time steps, and the small gates that
each stands for.

They compute what the unrolled cells compute, in a fraction of the time. Read them after `steps.py`,
if at all.
"""
