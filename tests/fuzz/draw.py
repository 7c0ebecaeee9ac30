"""Draw: the random choices of one case, and the comparison of its results with formulas."""

import functools
import warnings
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from tests.layouts import LAYOUTS

from .formulas import STEP
from .thresholds import small_thresholds, using

TOLERANCES = {
    "float16": 1e-2,
    "float32": 1e-3,
    "float64": 1e-9,
}
NATIVE = [name for name in LAYOUTS if name != "big-endian"]  # which is a dtype too


class Draw:
    """The choices of one case, by Hypothesis, the simplest ones first; and numbers from a seed, in
    one dtype and one layout.
    """

    def __init__(self, data):
        self.choose = data.draw
        self.rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
        self.dtype = self.pick("float64", "float64", "float32")
        self.layout = self.pick("C", *NATIVE)

    def pick(self, *values) -> Any:
        return self.choose(st.sampled_from(values))

    def yes(self, percent=50):
        return self.choose(st.integers(1, 100)) > 100 - percent

    def between(self, low, high):
        """An integer, which may be either end."""
        return self.choose(st.integers(low, high))

    def sizes(self, count, low=1, high=3):
        return tuple(self.between(low, high) for _ in range(count))

    def normal(self, *shape):
        return np.asarray(self.rng.normal(size=shape))

    def upstream(self, shape):
        """An upstream gradient, which may be 0 in places or along whole axes."""
        kept = [size if self.rng.random() < 0.6 else 1 for size in shape]
        sparse = self.rng.random(kept) < self.pick(1.0, 0.5)
        return self.normal(*shape) * sparse

    def real_steps(self, batch, steps):
        """A mask (B, T) with at least one real step in each row."""
        real = self.rng.random((batch, steps)) < 0.6
        real[
            np.arange(batch),
            self.rng.integers(0, steps, batch),
        ] = True
        return real

    def perhaps_float16(self):
        """Sometimes take float16, in which there are values but no gradients."""
        self.dtype = "float16" if self.yes(20) else self.dtype

    def array(self, numbers, dtype=None):
        """The numbers in the case's layout and dtype."""
        return laid_out(
            np.asarray(numbers).astype(dtype or self.dtype),
            self.layout,
        )

    def ids(self, below, shape):
        return self.array(
            self.rng.integers(0, below, shape),
            "int64",
        )

    def tensor(self, numbers):
        return mg.Tensor(
            self.array(numbers),
            requires_grad=self.dtype != "float16",
        )

    def parameters(self, layer):
        """The parameters of a layer by their last names, with random numbers in them."""
        named = layer.named_parameters()
        for parameter in named.values():
            parameter.array = self.array(self.normal(*parameter.shape))
        return {path.split(".")[-1]: parameter for path, parameter in named.items()}


def laid_out(array, layout):
    return LAYOUTS[layout](array) if array.ndim else array


def random_cases(test):
    """Make a property of a test of one `Draw`, in which thresholds may be small."""

    def run(data):
        small = data.draw(small_thresholds, "small thresholds")
        with (
            using(small),
            warnings.catch_warnings(action="ignore"),
            np.errstate(all="ignore"),
        ):
            test(Draw(data))

    functools.update_wrapper(run, test)
    del run.__wrapped__  # type: ignore[attr-defined]
    return given(data=st.data())(run)


# ---- comparison ----


def same(found, expected, what="value"):
    """Raise an AssertionError if two arrays differ by more than rounding in the dtype of the first."""
    found = np.asarray(found)
    expected = np.asarray(expected, float)
    assert found.shape == expected.shape, what
    tolerance = TOLERANCES[str(found.dtype)]
    largest = np.abs(expected).max(where=np.isfinite(expected), initial=1)
    room = tolerance * largest
    np.testing.assert_allclose(
        found,
        expected,
        tolerance,
        room,
        err_msg=what,
    )


def gradient(leaf):
    return np.zeros(leaf.shape, leaf.dtype) if leaf.grad is None else leaf.grad


def agree(draw, z, formula, **leaves):
    """Check that z is formula(**leaves), and that the gradients are its derivatives."""
    arrays = {name: leaf.array.astype(float) for name, leaf in leaves.items()}
    assert z.dtype == draw.dtype
    same(z.array, formula(**arrays))
    if not z.requires_grad:
        return
    dz = draw.upstream(z.shape)
    z.backward(dz.astype(z.dtype))
    for name, leaf in leaves.items():
        if leaf.requires_grad:
            expected = derivative(formula, arrays, name, dz)
            same(
                gradient(leaf),
                expected,
                f"gradient of {name}",
            )


def derivative(formula, arrays, name, dz):
    """The gradient of sum(formula(**arrays) * dz) by one array, as formulas.py explains."""
    exact = np.result_type(arrays[name], np.complex128)
    result = np.zeros(arrays[name].shape, exact).real
    for place in np.ndindex(result.shape):
        moved = arrays[name].astype(exact)
        moved.imag[place] = STEP
        slopes = formula(**arrays | {name: moved}).imag / STEP
        result[place] = (slopes * dz).sum()
    return result


# ---- layouts in a graph ----


class Relaid(mg.Gate):
    """z = x, in a layout; dx = dz, in another."""

    def __init__(self, forwards, backwards):
        self.forwards, self.backwards = (
            forwards,
            backwards,
        )

    def forward(self, x):
        return laid_out(x, self.forwards)

    def backward(self, dz, z, x):
        if isinstance(dz, mg.Tensor):
            return (Relaid(self.backwards, self.forwards)(dz),)
        return (laid_out(dz, self.backwards),)


def relaid(x, forwards, backwards):
    """x with its array in one layout, and its gradient in another."""
    gate = Relaid(forwards, backwards)
    return gate(x if x.node.gate else 1.0 * x)  # a view of a leaf would be copied
