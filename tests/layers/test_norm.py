"""LayerNorm of unusual inputs. Values and gradients are compared with PyTorch's in
test_cells.py.
"""

import re

import numpy as np
import pytest

import minigrad as mg
from layers import LayerNorm
from minigrad.errors import ShapeError


def test_lists_and_rows_of_equal_elements_are_normalized():
    np.testing.assert_allclose(
        LayerNorm(2)([[1.0, 3.0], [3.0, 3.0]]).array, [[-1, 1], [0, 0]], atol=1e-4
    )
    assert repr(LayerNorm(5)).startswith("LayerNorm(5)")


@pytest.mark.parametrize("shape", [(2, 1), (1,), (2, 4), ()])
def test_vectors_of_another_width_are_refused(shape):
    with pytest.raises(
        ShapeError, match=rf"MG236.*takes x of shape \(\.\.\., 3\), not {re.escape(str(shape))}"
    ):
        LayerNorm(3)(mg.Tensor(np.ones(shape)))
