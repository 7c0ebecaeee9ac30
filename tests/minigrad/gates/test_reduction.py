"""Reductions against NumPy and by hand, and their results where PyTorch would return a pair."""

import numpy as np
import pytest

import minigrad as mg
from layers import UnpackingWarning
from minigrad.errors import ShapeError


@pytest.mark.parametrize("reduce", ["max", "min"])
@pytest.mark.parametrize("recorded", [False, True])
def test_extremes_unpacked_as_values_and_indices_are_refused_or_warn(reduce, recorded):
    x = mg.Tensor([[1.0, 5.0], [3.0, 4.0], [2.0, 0.0]], requires_grad=recorded)
    with pytest.raises(ShapeError, match=r"MG234.*\(3,\) into 2 names"):
        _, _ = getattr(x, reduce)(1)
    with pytest.warns(UnpackingWarning, match=r"MG234.*\(2,\) into its 2 rows") as caught:
        _, _ = getattr(np, reduce)(x, axis=0)
    assert caught[0].filename == __file__


def test_extremes_are_looped_over_and_unpacked_into_other_numbers_of_names_in_silence():
    x = mg.Tensor([[1.0, 5.0], [3.0, 4.0], [2.0, 0.0]], requires_grad=True)
    one, two, three = x.max(axis=1)
    assert [one.item(), two.item(), three.item()] == [5.0, 4.0, 2.0]
    assert [row.item() for row in x.max(axis=0)] == [3.0, 5.0]
    (2 * x.max(axis=0)).sum().backward()
    np.testing.assert_array_equal(x.grad, [[0.0, 2.0], [2.0, 0.0], [0.0, 0.0]])
