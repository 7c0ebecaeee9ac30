"""Fused gates: an RNN, GRU or LSTM over all time steps, a layer normalization, or an attention, as a
single gate.

Fused gates compute the same results as small gates, in a fraction of the time. To learn how the
recurrent cells work, read `layers/cells.py` and `gates/steps.py` instead.
`unfuse.py` replaces fused gates with small gates.
"""
