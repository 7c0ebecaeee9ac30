"""Make the inputs of lesson 18's questions."""

import numpy as np

import minigrad as mg

MATRICES = ("W_q", "W_k", "W_v", "W_out")


def tensor(array):
    return mg.Tensor(np.array(array, float), requires_grad=True)


def given(*helpers, **inputs):
    """Return a function for `Question.given`. Lists and arrays become Tensors in float64."""

    def fresh(file):
        made = {
            name: tensor(value) if isinstance(value, list | np.ndarray) else value
            for name, value in inputs.items()
        }
        return made | {helper.__name__: helper for helper in helpers}

    return fresh


def random(seed, **shapes):
    """Return {name: random array of this shape}, rounded to one digit after the point."""
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=shape).round(1) for name, shape in shapes.items()}


def numbered(shape):
    return np.arange(1.0, np.prod(shape) + 1).reshape(shape)


def identity(**changed):
    """Return 2 x 2 matrices, the identity unless they are passed."""
    return {name: changed.get(name, np.eye(2)) for name in MATRICES}
