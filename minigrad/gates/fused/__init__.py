"""Fused gates: an RNN, GRU or LSTM over all time steps as a single gate.

Fused gates compute the same results as the unrolled cells, in a fraction of the time. To learn how
the cells work, read `gates/steps.py` instead. `unfuse.py` replaces fused gates with small gates.
"""
