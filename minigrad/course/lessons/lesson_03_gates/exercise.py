"""Lesson 3: write three gates, forward and backward.

Each gate is a class with two methods. Write all six methods, one or two lines
each. Then run

    minigrad course check 3
"""

import numpy as np

import minigrad as mg


class Multiply(mg.Gate):
    """z = a * b, element by element."""

    symbol = "⊙"  # the gate's label in a drawing

    def forward(self, a, b):
        """Return z, which has the same shape as a and b."""
        raise NotImplementedError("not written yet")

    def backward(self, dz, z, a, b):
        """Return the gradients dL/da and dL/db, given dz = dL/dz. All arrays
        have the shape of z.
        """
        raise NotImplementedError("not written yet")


class Tanh(mg.Gate):
    """z = tanh(x), element by element."""

    symbol = "tanh"

    def forward(self, x):
        """Return z, which has the same shape as x."""
        raise NotImplementedError("not written yet")

    def backward(self, dz, z, x):
        """Return the tuple (dL/dx,), given dz = dL/dz. All arrays have the
        shape of z.
        """
        raise NotImplementedError("not written yet")


class Exp(mg.Gate):
    """z = e to the power x, element by element."""

    symbol = "exp"

    def forward(self, x):
        """Return z, which has the same shape as x."""
        raise NotImplementedError("not written yet")

    def backward(self, dz, z, x):
        """Return the tuple (dL/dx,), given dz = dL/dz. All arrays have the
        shape of z.
        """
        raise NotImplementedError("not written yet")


if __name__ == "__main__":
    a = mg.Tensor(np.array([0.5, -1.0, 2.0]), requires_grad=True, name="a")
    b = mg.Tensor(np.array([1.5, 0.5, -0.25]), requires_grad=True, name="b")
    loss = Exp()(Tanh()(Multiply()(a, b))).sum()
    loss.backward()
    print("loss", loss.item(), "  dL/da", a.grad, "  dL/db", b.grad)
