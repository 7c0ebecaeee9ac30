"""PyTorch's names for methods of a Tensor that mean the same in minigrad.

numpy_api.py has the names that a Tensor shares with NumPy's arrays. Names that mean something else
raise an error (help/other_frameworks.py).
"""

from typing import Any, Self

from .graph import Array
from .numpy_api import ArrayMethods, to_array


class TorchMethods(ArrayMethods):
    """The methods of PyTorch's tensors, on top of the methods of NumPy's arrays."""

    __slots__ = ()
    # defined by Tensor
    array: Any
    detach: Any
    reshape: Any
    astype: Any

    @property
    def data(self) -> Self:
        """A copy of the value as a constant, like `detach()`. You can assign a new array."""
        copy: Self = self.detach()
        return copy

    @data.setter
    def data(self, value: Any) -> None:
        self.array = to_array(value)

    def numpy(self) -> Array:
        """Return `array`, the value as a read-only array."""
        array: Array = self.array
        return array

    def tolist(self) -> Any:
        """Return the value as nested lists of numbers."""
        return self.array.tolist()

    def view(self, *shape: Any) -> Self:
        """Return `reshape(*shape)`."""
        view: Self = self.reshape(*shape)
        return view

    def t(self) -> Self:
        """Return `T`, the transpose."""
        return self.T

    def dim(self) -> int:
        """Return `ndim`, the number of axes."""
        return self.ndim

    def numel(self) -> int:
        """Return `size`, the number of elements."""
        return int(self.size)

    def cpu(self) -> Self:
        """Return the tensor itself, because all arrays are in main memory."""
        return self

    def float(self) -> Self:
        """Return `astype("float32")`."""
        floats: Self = self.astype("float32")
        return floats
