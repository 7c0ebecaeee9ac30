"""LayerNorm of unusual inputs. Values and gradients are compared with PyTorch's in
test_cells.py.
"""

import re

import numpy as np
import pytest

import minigrad as mg
from layers import LayerNorm
from minigrad.errors import ShapeError


def test_a_list_of_equal_elements_is_normalized():
    np.testing.assert_array_equal(LayerNorm(2)([[3.0, 3.0]]).array, [[0, 0]])


@pytest.mark.parametrize("shape", [(2, 1), (1,), (2, 4), ()])
def test_vectors_of_another_width_are_refused(shape):
    with pytest.raises(
        ShapeError, match=rf"MG236.*takes x of shape \(\.\.\., 3\), not {re.escape(str(shape))}"
    ):
        LayerNorm(3)(mg.Tensor(np.ones(shape)))
