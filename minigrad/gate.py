"""The Gate: one class is one operation. Calling a gate computes its output and records a node.

What a gate knows is here and in its own class: the forward value, the gradient rule, the shape rule, its label in a
drawing, inputs to try it on. It keeps nothing from one call to the next.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

from .errors import GradientError, MinigradError, ShapeError
from .graph import Leaf, Node, record, show, state
from .pieces import Array
from .tensor import Tensor, TensorLike, as_tensor, handle

Shape = tuple[int, ...]
GATES: dict[str, type[Gate]] = {}
"""Every gate there is, by name."""


class Gate:
    """An operation with its gradient: z = forward(*arrays), and backward gives dL/d(input) from dz = dL/dz.

    To add an operation, derive a class with:

    - `forward(*arrays) -> array`. It must not change its inputs. A pair (array, kept) leaves something for the backward
      rule, which gets `kept` behind the inputs; the node holds it, not the gate.
    - `backward(dz, z, *arrays)`: one gradient per input, in a tuple. None stands for zero. A gradient that takes work
      may be given as a function without arguments, which is called only if that input wants a gradient. Write the
      rule in operations that arrays and Tensors both understand, and second derivatives follow from it; where that
      cannot be, set `differentiable_twice = False`. Along broadcast axes the engine sums: a rule need not.
    - `shape(*shapes) -> shape`: the output's shape, or a ShapeError that says why there is none.
    - `samples()`: (gate, arrays) pairs that try it; `refused()`: (gate, arrays, exception class) to be turned down.

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
        GATES[cls.__name__] = cls

    @property
    def name(self) -> str:
        """The class's name, as drawings and errors give it."""
        return type(self).__name__

    def __repr__(self) -> str:
        settings = ", ".join(f"{key}={value!r}" for key, value in vars(self).items() if value is not None)
        return f"{self.name}({settings})"

    def forward(self, *arrays: Any) -> Any:
        raise NotImplementedError(f"{self.name} has no forward")

    def backward(self, dz: Any, z: Any, *arrays: Any) -> Any:
        raise NotImplementedError(f"{self.name} has no backward")

    def value(self, *arrays: Any) -> Any:
        """forward's output alone, without what it keeps for backward."""
        output = self.forward(*arrays)
        return output[0] if type(output) is tuple else output

    def shape(self, *shapes: Shape) -> Shape:
        """The output's shape. By default that of the inputs broadcast together, as NumPy broadcasts."""
        return broadcast_shape(self.name, *shapes)

    def flops(self, output: Shape, *shapes: Shape) -> int:
        """Floating-point operations of one forward call: by default one per output element."""
        return int(np.prod(output, dtype=np.int64))

    @classmethod
    def samples(cls) -> Iterator[tuple[Gate, tuple[Array, ...]]]:
        """Gates of this class with float64 inputs to be tried on."""
        return iter(())

    @classmethod
    def refused(cls) -> Iterator[tuple[Gate, tuple[Any, ...], type[MinigradError]]]:
        """Gates of this class with inputs that must be refused, and the exception."""
        return iter(())

    def __call__(self, *inputs: TensorLike) -> Tensor:
        # Every operation of every program passes here, most with one Tensor or two: their cases are written out.
        count = len(inputs)
        if count == 2 and type(a := inputs[0]) is Tensor and type(b := inputs[1]) is Tensor:
            one, other = a.node, b.node
            nodes: tuple[Node, ...] = (one, other)
            arrays: tuple[Array, ...] = (one.output, other.output)
            wanted = one.requires_grad or other.requires_grad
        elif count == 1 and type(a := inputs[0]) is Tensor:
            one = a.node
            nodes = (one,)
            arrays = (one.output,)
            wanted = one.requires_grad
        else:
            nodes = tuple([tensor.node for tensor in _as_tensors(inputs)])
            arrays = tuple([node.output for node in nodes])
            wanted = any(node.requires_grad for node in nodes)
        try:
            output = self.forward(*arrays)
        except Exception as error:
            raise self._explain(error, nodes) from (None if isinstance(error, (MinigradError, ValueError)) else error)
        if type(output) is not np.ndarray:
            if type(output) is tuple:
                arrays = (*arrays, output[1])
                output = output[0]
            output = np.asarray(output)
        now = state.__dict__
        if wanted and now["recording"]:
            if self.constant_inputs:
                self._check_constants(nodes)
            node = record(self, nodes, arrays, output, now["scope"])
            if now["on_record"] is not None:
                now["on_record"](node)
            tensor = _new_tensor(Tensor)
            tensor.node = node
            return tensor
        if output.base is not None:
            output = output.copy()  # a view would change unseen when the array under it is updated in place
        return handle(Leaf(output, False, None, "constants" if state.recording else "no_grad"))

    def _explain(self, error: Exception, nodes: tuple[Node, ...]) -> Exception:
        """The error of a forward call in the words of the gate: which inputs, of which shapes, in which scope."""
        if not isinstance(error, MinigradError):
            try:
                self.shape(*[node.output.shape for node in nodes])
            except MinigradError as better:
                error = better
            else:
                cause = f"{type(error).__name__} in its forward"
                error = ShapeError(
                    "MG106",
                    f"{self.name} failed: {error}",
                    cause=cause,
                    remedy="mend its forward, or give it inputs that it can take; `shape` says which, and why",
                )
        if not error.where:
            given = ", ".join(f"{node.name or 'input'} {node.output.shape}" for node in nodes)
            error.where = f"{self.name} in {show(state.scope)}; given {given}"
        return error

    def _check_constants(self, nodes: tuple[Node, ...]) -> None:
        for position in self.constant_inputs:
            if position < len(nodes) and nodes[position].requires_grad:
                raise GradientError(
                    "MG128",
                    f"input {position} of {self.name} ({nodes[position].name or 'unnamed'}) requires a gradient, "
                    "and this gate gives none for it",
                    where=f"{self.name} in {show(state.scope)}",
                    cause="labels, ids and conditions are constants",
                    remedy="pass t.detach(), or make the tensor without requires_grad",
                )


_new_tensor = Tensor.__new__


def _as_tensors(values: tuple[TensorLike, ...]) -> tuple[Tensor, ...]:
    for value in values:
        if type(value) is not Tensor:
            break
    else:
        return values
    dtype = next((value.dtype for value in values if isinstance(value, Tensor) and value.dtype.kind == "f"), None)
    if dtype is None:
        dtype = next((value.dtype for value in values if isinstance(value, (Tensor, np.ndarray))), None)
    return tuple([as_tensor(value, dtype) for value in values])


def broadcast_shape(gate: str, *shapes: Shape) -> Shape:
    """The shape that arrays of these shapes have together; a ShapeError names the axis where they part.

    Two sizes of an axis, counted from the right, fit when they are equal or one of them is 1.
    """
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        pass
    given = " and ".join(str(shape) for shape in shapes)
    longest = max(len(shape) for shape in shapes)
    for back in range(1, longest + 1):
        sizes = {shape[-back] for shape in shapes if len(shape) >= back}
        if len(sizes - {1}) > 1:
            break
    raise ShapeError(
        "MG101",
        f"{gate} cannot combine shapes {given}",
        cause=f"axis {-back}, counted from the end, has sizes {' and '.join(str(s) for s in sorted(sizes))}: "
        "sizes fit when they are equal or one is 1",
        remedy="reshape or transpose one of them; t.reshape(n, 1) turns a row into a column",
    )
