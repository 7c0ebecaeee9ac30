"""The Gate: one class is one operation. Calling a gate computes its output and records a node.

A reader finds here what every gate has: the forward value, the gradient rule, the shape rule, a label for drawings, and
inputs to try it on. A gate keeps nothing from one call to the next.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

from . import checks
from .arrays import Array
from .context import ON_RECORD, RECORDING
from .errors import MinigradError
from .graph import Leaf, Node
from .tensor import Tensor, TensorLike, as_tensors, from_node

Shape = tuple[int, ...]
GATES: dict[str, type[Gate]] = {}
"""Every gate there is, by name; a second one of a name by "module.name". Classes that begin with _ are no gates."""


class Gate:
    """An operation with its gradient: z = forward(*arrays), and backward gives dL/d(input) from dz = dL/dz.

    To add an operation, derive a class with:

    - `forward(*arrays) -> array`. It must not change its inputs. Returning a pair (array, saved) saves something for
      backward, which gets `saved` after the inputs; the node holds it, not the gate.
    - `backward(dz, z, *arrays)`: one gradient per input, in a tuple; None stands for zero. A gradient that takes work
      may be given as a function without arguments, which is called only if that input wants a gradient. Write the rule
      in operations that arrays and Tensors both understand, and second derivatives follow from it; where that cannot
      be, set `differentiable_twice = False`. Along broadcast axes the engine sums: a rule need not.
    - `shape(*shapes) -> shape`: the output's shape, or a ShapeError that says why there is none.
    - `samples()`: (gate, arrays) pairs to try it on; `refused()`: (gate, arrays, exception class) that it must refuse.

    Hyperparameters (an axis, a reduction) are set in `__init__`; what changes from call to call is an input.

    >>> class Cube(Gate):
    ...     symbol = "x³"
    ...     def forward(self, x): return x * x * x
    ...     def backward(self, dz, z, x): return (3 * x * x * dz,)
    >>> x = Tensor([1.0, 2.0], requires_grad=True)
    >>> Cube()(x).sum().backward()
    >>> x.grad
    array([ 3., 12.], dtype=float32)
    """

    symbol: ClassVar[str] = ""
    """What stands in the box of a drawing: "+", "tanh"."""

    differentiable_twice: bool = True
    """Whether the backward rule can run on Tensors."""

    constant_inputs: tuple[int, ...] = ()
    """Positions of inputs that have no gradient (labels, ids, conditions): a Tensor there must not require one."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if not cls.__name__.startswith("_"):
            known = GATES.setdefault(cls.__name__, cls)
            # A notebook may run a cell twice; but a Tanh of somebody else's does not take the place of the first.
            GATES[cls.__name__ if known.__module__ == cls.__module__ else f"{cls.__module__}.{cls.__name__}"] = cls

    def __call__(self, *inputs: TensorLike) -> Tensor:
        nodes: tuple[Node, ...] = ()
        arrays: tuple[Any, ...] = ()
        wanted = False
        for value in inputs:
            if type(value) is not Tensor:
                return self(*as_tensors(inputs))
            node = value.node
            nodes += (node,)
            arrays += (node.output,)
            wanted = wanted or node.requires_grad
        try:
            output = self.forward(*arrays)
        except Exception as error:
            raise checks.forward_failed(self, error, nodes) from (None if isinstance(error, MinigradError) else error)
        if type(output) is not np.ndarray:
            if isinstance(output, tuple):
                output, saved = output
                arrays += (saved,)
            output = np.asarray(output)
        if wanted and RECORDING.get():
            if self.constant_inputs:
                checks.check_constants(self, nodes)
            node = Node(self, nodes, arrays, output, True)
            if (watch := ON_RECORD.get()) is not None:
                watch(node)
            return from_node(node)
        if output.base is not None:
            output = output.copy()  # a view would change unseen when the array under it is updated in place
        return from_node(Leaf(output, False, None, "constants" if RECORDING.get() else "no_grad"))

    def forward(self, *arrays: Any) -> Any:
        raise NotImplementedError(f"{self.name} has no forward")

    def backward(self, dz: Any, z: Any, *arrays: Any) -> Any:
        raise NotImplementedError(f"{self.name} has no backward")

    def value(self, *arrays: Any) -> Any:
        """forward's output alone, without what it saves for backward."""
        output = self.forward(*arrays)
        return output[0] if isinstance(output, tuple) else output

    def shape(self, *shapes: Shape) -> Shape:
        """The output's shape. By default that of the inputs broadcast together, as NumPy broadcasts."""
        return checks.broadcast_shape(self.name, *shapes)

    def flops(self, output: Shape, *shapes: Shape) -> int:
        """Floating-point operations of one forward call: by default one per output element."""
        return int(np.prod(output, dtype=np.int64))

    @property
    def name(self) -> str:
        """The class's name, as drawings and errors give it."""
        return type(self).__name__

    def __repr__(self) -> str:
        settings = ", ".join(f"{key}={value!r}" for key, value in vars(self).items() if value is not None)
        return f"{self.name}({settings})"

    @classmethod
    def samples(cls) -> Iterator[tuple[Gate, tuple[Array, ...]]]:
        """Gates of this class with float64 inputs to be tried on."""
        return iter(())

    @classmethod
    def refused(cls) -> Iterator[tuple[Gate, tuple[Any, ...], type[MinigradError]]]:
        """Gates of this class with inputs that must be refused, and the exception."""
        return iter(())
