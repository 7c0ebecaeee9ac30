"""Lesson 3: write three gates, forward and backward."""

import numpy as np

import minigrad as mg


class Multiply(mg.Gate):
    """z = a * b, element by element."""

    symbol = "⊙"

    def forward(self, a, b):
        return a * b

    def backward(self, dz, z, a, b):
        return dz * b, dz * a


class Tanh(mg.Gate):
    """z = tanh(x), element by element."""

    symbol = "tanh"

    def forward(self, x):
        return np.tanh(x)

    def backward(self, dz, z, x):
        return (dz * (1 - z * z),)


class Exp(mg.Gate):
    """z = e to the power x, element by element."""

    symbol = "exp"

    def forward(self, x):
        return np.exp(x)

    def backward(self, dz, z, x):
        return (dz * z,)


class Divide(mg.Gate):
    """z = a / b, element by element."""

    symbol = "/"

    def forward(self, a, b):
        return a / b

    def backward(self, dz, z, a, b):
        return dz / b, -dz * z / b


class Sigmoid(mg.Gate):
    """z = 1 / (1 + e to the power -x), element by element."""

    symbol = "σ"

    def forward(self, x):
        return 1 / (1 + np.exp(-x))

    def backward(self, dz, z, x):
        return (dz * z * (1 - z),)
