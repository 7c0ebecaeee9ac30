"""Fused recurrent gates refuse sequences of no steps.

Their results are in test_unfuse.py and tests/layers/test_fused.py, their gradients in test_gates.py.
"""

import numpy as np
import pytest

import minigrad as mg


def test_sequence_of_no_steps_is_refused():
    a, h0, W = np.ones((2, 0, 1)), np.ones((2, 1)), np.ones((1, 1))
    with pytest.raises(mg.MinigradError, match="MG144"):
        mg.RNNSequence()(
            a,
            h0,
            W,
        )
