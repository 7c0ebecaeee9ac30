"""LookupProduct refuses shapes that do not fit; test_gates.py checks its results."""

import numpy as np
import pytest

import minigrad as mg


def test_lookup_product_refuses_shapes():
    table, W, bias = np.ones((5, 3)), np.ones((2, 2)), np.ones(2)
    with pytest.raises(mg.MinigradError, match="MG101"):
        mg.LookupProduct()(
            table,
            np.array([1]),
            W,
            bias,
        )
