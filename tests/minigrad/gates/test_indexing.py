"""where: no gradient for the values that are not chosen."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import minigrad as mg


@pytest.mark.parametrize(
    "junk",
    [np.nan, np.inf],
)
def test_where_gradient_is_0_where_not_chosen(junk):
    a, b = (
        mg.Tensor(
            [1.0, 2.0],
            requires_grad=True,
        )
        for _ in "ab"
    )
    z = mg.where([True, False], a, b)
    for dz in ([junk, 3.0], [3.0, junk]):
        da, db = mg.grad(
            z,
            [a, b],
            upstream=dz,
        )
        assert_array_equal(da.array, [dz[0], 0])
        assert_array_equal(db.array, [0, dz[1]])
