"""autograd (HIPS), which records NumPy functions operation by operation."""

import autograd.numpy as anp
import numpy as np
from autograd import value_and_grad


def unrolled(setting, xs, weights):
    h0 = np.zeros(
        (len(xs[0]), len(weights["b"])),
        np.float32,
    )
    parameters = tuple(weights.values())

    def loss_of(parameters):
        U, W, b = parameters
        h = h0
        for x in xs:
            h = anp.tanh(anp.dot(x, U) + anp.dot(h, W) + b)
        return anp.sum(h)

    with_gradients = value_and_grad(loss_of)
    return lambda: with_gradients(parameters)
