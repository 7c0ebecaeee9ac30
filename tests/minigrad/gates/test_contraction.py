"""einsum of integers and floats."""

import numpy as np
import pytest

import minigrad as mg


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16"])
@pytest.mark.parametrize("subscripts", ["ij,jk,kl->il", "ij,ij,ij", "kl,jk,ij->il"])
@pytest.mark.parametrize("create_graph", [False, True])
def test_einsum_of_integers_and_floats_does_not_overflow(subscripts, dtype, create_graph):
    a, b = np.array([[10]], dtype), np.array([[30]], dtype)  # in int8, 10 · 30 is 44
    c = mg.Tensor([[1.0]], requires_grad=True)
    for operands in [
        (
            a,
            b,
            c,
        ),
        (a, c, b),
        (c, a, b),
    ]:
        z = mg.einsum(subscripts, *operands)
        assert z.dtype == np.float32
        assert z.item() == 300
        (slope,) = mg.grad(z.sum(), c, create_graph=create_graph)
        assert slope.item() == 300
