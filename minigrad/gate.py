"""The Gate, base class of all operations. Calling a gate computes its output and records a node.

A gate has all there is to an operation in one place: the forward computation, the backward rule,
the shape rule, a symbol for drawings, and sample inputs for tests. It stores nothing between calls.

>>> GATES["Tanh"].symbol
'tanh'
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

from .context import OBSERVERS, ON_RECORD, RECORDING
from .errors import MinigradError
from .graph import Array, Leaf, Node
from .help import engine_errors as checks
from .support.text import printable
from .tensor import Tensor, TensorLike, as_tensors, from_node

Shape = tuple[int, ...]
GATES: dict[str, type[Gate]] = {}
"""All gates by name; a second one of the same name as "module.name". Names that begin with _ are
left out."""


class Gate:
    """An operation and its gradient: forward computes z, and backward computes dL/d(input) from dz
    = dL/dz.

    To add an operation, write a subclass with:

    - `forward(*arrays) -> array`. It must not change its inputs, and may return one. To save
      something for backward, return a pair (array, saved): backward gets `saved` after the inputs.
      It is stored in the node, not in the gate.
    - `backward(dz, z, *arrays)`: a tuple with one gradient per input; None stands for zero. A
      gradient that takes work may be given as a function without arguments, which is called only if
      that input requires a gradient. If the rule uses only operations that work on arrays and
      Tensors alike, second derivatives come for free; if not, set `differentiable_twice = False`.
      The engine sums over broadcast axes, so a rule need not. It must not write into dz, z or the
      arrays, which other gates use too; in your own gates dz is read-only.
    - `shape(*shapes) -> shape`, unless inputs broadcast as in NumPy: the output's shape, or a
      ShapeError that says why the inputs do not fit. It is asked when forward has failed, and by
      drawings.
    - In this package also `symbol`, and `sample_inputs()`: (gate, arrays) pairs to test.
      CONTRIBUTING.md has the steps.

    Settings such as an axis or a reduction belong in `__init__`; what changes from call to call is
    an input.

    >>> class Cube(Gate):
    ...     symbol = "x³"
    ...     def forward(self, x): return x * x * x
    ...     def backward(self, dz, z, x): return (3 * x * x * dz,)
    >>> x = Tensor([1.0, 2.0], requires_grad=True)
    >>> Cube()(x).sum().backward()
    >>> x.grad
    array([ 3., 12.], dtype=float32)

    Errors: ShapeError for shapes that do not fit (MG101), DtypeError for inputs that are not
    numbers (MG110).
    Source: Goodfellow, Bengio and Courville, Deep Learning (2016), section 6.5.
    """

    symbol: ClassVar[str] = ""
    """The label of its box in drawings: "+", "tanh"."""

    differentiable_twice: bool = True
    """Whether the backward rule also works on Tensors."""

    foreign: ClassVar[bool] = True
    """Whether it is not one of minigrad's own, whose tests show that their rules leave dz alone."""

    operations: ClassVar[int] = 1
    """Floating-point operations for each element."""

    constant_inputs: tuple[int, ...] = ()
    """Positions of inputs that have no gradient (labels, ids, conditions): a Tensor there must not
    require one."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.foreign = not cls.__module__.startswith("minigrad.gates.")
        if not cls.__name__.startswith("_"):
            known = GATES.setdefault(cls.__name__, cls)
            # A notebook cell that is run again replaces its own class, but a Tanh from another
            # module replaces nothing.
            GATES[
                cls.__name__
                if known.__module__ == cls.__module__
                else f"{cls.__module__}.{cls.__name__}"
            ] = cls

    # Where minigrad.fast is enabled, as it is by default, fast/gate_call.py runs instead. To step
    # through this version, call minigrad.fast.disable() first.
    def __call__(self, *inputs: TensorLike) -> Tensor:
        if OBSERVERS and (result := OBSERVERS[-1].call(self, inputs)) is not None:
            return result  # type: ignore[no-any-return]
        nodes = tuple([tensor.node for tensor in as_tensors(inputs)])
        arrays = self.read(*nodes)
        try:
            output = self.forward(*arrays)
        except Exception as error:
            raise checks.forward_failed(self, error, nodes) from (
                None if isinstance(error, MinigradError) else error
            )
        if isinstance(output, tuple):
            output, saved = output
            arrays += (saved,)
        output = np.asarray(output)
        recorded = RECORDING.get() and any(node.requires_grad for node in nodes)
        if (output.base is not None or not output.flags.writeable) and not (
            recorded and all(n.gate for n in nodes)
        ):
            # an in-place update of a parameter would change a view, or the array itself, too
            output = output.copy()
        if recorded:
            checks.check_constants(self, nodes)
            node = Node(self, nodes, arrays, output, True)
            if (watch := ON_RECORD.get()) is not None:
                watch(node)
            return from_node(node)
        return from_node(Leaf(output, False, None, "constants" if RECORDING.get() else "no_grad"))

    def read(self, *nodes: Node) -> tuple[Any, ...]:
        """The arrays of the inputs. A look-up reads only some rows of its table."""
        return tuple([node.output for node in nodes])

    def forward(self, *arrays: Any) -> Any:
        raise NotImplementedError(f"{self.name} has no forward")

    def backward(self, dz: Any, z: Any, *arrays: Any) -> Any:
        raise NotImplementedError(f"{self.name} has no backward")

    def value(self, *arrays: Any) -> Any:
        """forward's output, without what it saves for backward."""
        output = self.forward(*arrays)
        return output[0] if isinstance(output, tuple) else output

    def shape(self, *shapes: Shape) -> Shape:
        """The output's shape: by default what the inputs broadcast to, by NumPy's rules."""
        return checks.broadcast_shape(self.name, *shapes)

    def flops(self, output: Shape, *shapes: Shape) -> int:
        """Floating-point operations of one forward call: `operations` for each element of the
        largest array.
        """
        return self.operations * max(map(math.prod, (output, *shapes)))

    @property
    def name(self) -> str:
        """The name of the class, as in drawings and errors."""
        return type(self).__name__

    def __repr__(self) -> str:
        settings = ", ".join(
            f"{key}={value!r}" for key, value in vars(self).items() if value is not None
        )
        return f"{printable(self.name)}({settings})"

    @classmethod
    def sample_inputs(cls) -> Iterator[tuple[Gate, tuple[Array, ...]]]:
        """Gates of this class, with float64 inputs to test them on."""
        return iter(())
