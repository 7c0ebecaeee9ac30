"""Random choices of one case with arrays in its dtype and layout, and the comparison of results with
formulas.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import minigrad as mg

from .formulas import STEP
from .fuzzer import Choices
from .layouts import laid_out

Array = np.ndarray[Any, Any]
TOLERANCES = {"float16": 1e-2, "float32": 1e-3}


class Draw(Choices):
    """What is random about one case: choices, numbers and arrays."""

    def __init__(self, seed: int, dtype: str = "float64", layout: str = "C") -> None:
        self.rng = np.random.default_rng(seed)
        self.dtype = dtype
        self.layout = layout

    def between(self, low: int, high: int) -> int:
        """A whole number, with both ends."""
        return int(self.rng.integers(low, high + 1))

    def normal(self, *shape: int) -> Array:
        return np.asarray(self.rng.normal(size=shape))

    def upstream(self, shape: tuple[int, ...]) -> Array:
        """An upstream gradient, which in half of the cases is 0 in places or along whole axes."""
        if self.yes():
            return self.normal(*shape)
        kept = self.rng.random([n if self.yes(0.6) else 1 for n in shape]) < 0.5
        return self.normal(*shape) * kept

    def real_steps(self, batch: int, steps: int) -> Array:
        """A mask (B, T) with at least one real step in each row."""
        real = self.rng.random((batch, steps)) < 0.6
        real[np.arange(batch), self.rng.integers(0, steps, batch)] = True
        return real

    def perhaps_half(self) -> None:
        """Sometimes take float16, in which there are values but no gradients."""
        self.dtype = "float16" if self.yes(0.2) else self.dtype

    def array(self, numbers: Any, dtype: str = "") -> Array:
        """The numbers in the layout, and in the dtype, of the case."""
        return laid_out(np.asarray(numbers).astype(dtype or self.dtype), self.layout)

    def tensor(self, numbers: Any) -> mg.Tensor:
        return mg.Tensor(self.array(numbers), requires_grad=self.dtype != "float16")

    def parameters(self, layer: Any) -> dict[str, mg.Tensor]:
        """The parameters of a layer by their last names, with random numbers in them."""
        named = layer.named_parameters()
        for parameter in named.values():
            parameter.array = self.array(self.normal(*parameter.shape))
        return {path.split(".")[-1]: parameter for path, parameter in named.items()}


def same(what: str, found: Any, expected: Any) -> None:
    """Raise an AssertionError if two arrays differ by more than rounding in the dtype of the first."""
    found = np.asarray(found)
    expected = np.asarray(expected, float)
    form = f"shape: that of {what} is {found.shape}, not {expected.shape}"
    assert found.shape == expected.shape, form
    tolerance = TOLERANCES.get(str(found.dtype), 1e-9)
    largest = np.abs(expected).max(where=np.isfinite(expected), initial=1)
    near = np.allclose(
        found.astype(float), expected, tolerance, tolerance * largest, True
    )
    assert near, f"numbers: {what}: {found}\n    expected: {expected}"


def gradient(leaf: mg.Tensor) -> Array:
    return np.zeros(leaf.shape) if leaf.grad is None else np.asarray(leaf.grad)


def agree(
    draw: Draw,
    what: str,
    z: mg.Tensor,
    formula: Callable[..., Any],
    **leaves: mg.Tensor,
) -> None:
    """Check that z is formula(**leaves) in NumPy, in the dtype of the case, and that the gradients
    are its derivatives.
    """
    arrays = {name: leaf.array.astype(float) for name, leaf in leaves.items()}
    assert z.dtype == draw.dtype, f"dtype: {what} is {z.dtype}, not {draw.dtype}"
    same(what, z.array, formula(**arrays))
    if not z.requires_grad:
        return
    dz = draw.upstream(z.shape)
    z.backward(dz.astype(z.dtype))
    for name, leaf in leaves.items():
        if leaf.requires_grad:
            expected = derivative(formula, arrays, name, dz)
            same(f"{what}: the gradient of {name}", gradient(leaf), expected)


def derivative(
    formula: Callable[..., Any], arrays: dict[str, Array], name: str, dz: Array
) -> Array:
    """The gradient of sum(formula(**arrays) * dz) by one array, as formulas.py explains."""
    result = np.zeros(arrays[name].shape)
    for place in np.ndindex(result.shape):
        moved = arrays[name].astype(complex)
        moved.imag[place] = STEP
        z = formula(**arrays | {name: moved})
        result[place] = (z.imag / STEP * dz).sum()
    return result
