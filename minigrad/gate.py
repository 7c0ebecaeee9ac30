"""The base class of all operations. Calling a gate computes its output and records a node.

A gate defines everything about an operation: the forward computation, the backward rule, the shape
rule, a symbol for drawings, and sample inputs for tests. It stores nothing between calls.

>>> GATES["Tanh"].symbol
'tanh'
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import Any, ClassVar, NoReturn

import numpy as np

from .context import OBSERVERS, current_scope, is_recording, observed_call, on_record
from .errors import MinigradError
from .graph import Array, Leaf, Node, next_serial
from .graph import Shape as Shape
from .help import engine_errors as checks
from .support.text import printable
from .tensor import Tensor, TensorLike, as_tensors, from_node

GATES: dict[str, type[Gate]] = {}
"""All gates by name. If a second module defines a gate with the same name, the second gate has the
key "module.name". Gates whose names start with _ are not included.

Since: 0.1."""


def _unshared(output: Array, nodes: Sequence[Node], recorded: bool) -> Array:
    """Return the output, copied if an in-place update of an input would change it.

    The outputs of recorded gates never change, so views of them need no copy.
    """
    if recorded and all(node.gate for node in nodes):
        return output
    for node in nodes:
        if np.may_share_memory(output, node.stored):
            return output.copy()
    if not output.flags.writeable:
        return output.copy()
    return output


class Gate:
    """An operation and its gradient: forward computes z, and backward computes dL/dx from dz.

    To add an operation, write a subclass with these methods:

    - `forward(*arrays) -> array`. It must not change its inputs, but may return one of them. To
      save a value for backward, return a pair (array, saved): backward receives `saved` after the
      inputs. The saved value is stored in the node, not in the gate. To compute second derivatives,
      backward receives Tensors, and None instead of the saved value, which it then has to
      recompute.
    - `backward(dz, z, *arrays)`, where z is the output and dz is dL/dz. It returns a tuple with one
      gradient dL/dx for each input x; None means zero. An expensive gradient may be a function
      without arguments, which is called only if that input requires a gradient. A gradient may also
      be a Gradient (gradients.py), whose array is computed when it is needed. The engine sums
      over broadcast axes. The rule must not write to dz, z or the arrays, because other gates use
      them too. In your own gates, dz is read-only. If all operations in the rule also work on
      Tensors, the gate has second derivatives. If not, set `differentiable_twice = False`.
    - `shape(*shapes) -> shape`, which you can omit if the inputs broadcast as in NumPy. It returns
      the output's shape, or raises a ShapeError that explains why the inputs are incompatible. The
      engine calls it if forward fails.
    - A gate may override `__call__` to prepare its inputs. The look-up and the fused sequences do.
    - In this package, gates also need `symbol` and `sample_inputs()`, which yields (gate, arrays)
      pairs for tests. CONTRIBUTING.md lists the steps.

    Pass settings such as an axis or a reduction to `__init__`. If a setting is a list or an array,
    store a copy, because the caller may change it before the backward pass. Pass values that change
    from call to call as inputs.

    >>> class Cube(Gate):
    ...     symbol = "x³"
    ...     def forward(self, x): return x * x * x
    ...     def backward(self, dz, z, x): return (3 * x * x * dz,)
    >>> x = Tensor([1.0, 2.0], requires_grad=True)
    >>> Cube()(x).sum().backward()
    >>> x.grad
    array([ 3., 12.], dtype=float32)

    Errors: ShapeError for incompatible shapes (MG101), DtypeError for inputs that are not numbers
    (MG110).
    Source: Goodfellow, Bengio and Courville, Deep Learning (2016), section 6.5.

    Since: 0.1.
    """

    symbol: ClassVar[str] = ""
    """The label of the gate's box in drawings, such as "+" or "tanh"."""

    differentiable_twice: bool = True
    """True if the backward rule also works on Tensors."""

    foreign: ClassVar[bool] = True
    """True if the gate is defined outside minigrad. The engine makes dz read-only for such gates.
    For minigrad's own gates, tests check that no rule writes to dz."""

    operations: ClassVar[int] = 1
    """The number of floating-point operations per element."""

    reads_stored: ClassVar[bool] = False
    """True if forward reads tables without their pending updates. A look-up applies the updates of
    the rows that it reads before it calls forward."""

    takes_gradient: ClassVar[bool] = False
    """True if the backward rule accepts a Gradient (gradients.py) as dz, not only an array."""

    constant_inputs: tuple[int, ...] = ()
    """Positions of inputs that have no gradient (labels, ids, conditions). A Tensor at such a
    position must not require a gradient."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.foreign = not cls.__module__.startswith("minigrad.gates.")
        if not cls.__name__.startswith("_"):
            name = cls.__name__
            # Running a notebook cell again replaces the gate that the cell defines. A gate from
            # another module gets a longer key and replaces nothing.
            if GATES.setdefault(name, cls).__module__ != cls.__module__:
                name = f"{cls.__module__}.{name}"
            GATES[name] = cls

    def __call__(self, *inputs: TensorLike) -> Tensor:
        """Compute the gate's output. Record the call if recording is on and an input requires a
        gradient.
        """
        if OBSERVERS and (observed := observed_call(self, inputs)) is not None:
            return observed  # type: ignore[no-any-return]
        for tensor in inputs:
            if type(tensor) is not Tensor:  # a number, an array, a list, or a subclass of Tensor
                return self(*as_tensors(inputs))
        # Most gates have one or two inputs. A loop would take longer than these two cases.
        nodes: tuple[Node, ...]
        arrays: tuple[Any, ...]
        if len(inputs) == 1:
            x = inputs[0].node
            nodes = (x,)
            arrays = (x.output,)
            requires_grad = x.requires_grad
        elif len(inputs) == 2 and not self.reads_stored:
            x = inputs[0].node
            y = inputs[1].node
            nodes = (x, y)
            arrays = (x.output, y.output)
            requires_grad = x.requires_grad or y.requires_grad
        else:
            nodes = tuple([tensor.node for tensor in inputs])
            read = attrgetter("stored" if self.reads_stored else "output")
            arrays = tuple(map(read, nodes))
            requires_grad = any(node.requires_grad for node in nodes)
        recorded = requires_grad and is_recording()
        try:
            # with one or two arguments, this takes less time than forward(*arrays)
            if len(arrays) == 1:
                output = self.forward(arrays[0])
            elif len(arrays) == 2:
                output = self.forward(arrays[0], arrays[1])
            else:
                output = self.forward(*arrays)
        except Exception as error:
            cause = None if isinstance(error, MinigradError) else error
            raise checks.forward_failed(self, error, nodes) from cause
        if type(output) is not np.ndarray:
            if type(output) is tuple:
                output, saved = output
                arrays = (*arrays, saved)
            output = np.asarray(output)  # NumPy returns some single numbers as np.float32
        # A view has a base. A gate defined elsewhere may also return one of its inputs.
        if output.base is not None or self.foreign:
            output = _unshared(output, nodes, recorded)
        if not recorded:
            origin = "constants" if is_recording() else "no_grad"
            return from_node(Leaf(output, False, None, origin))
        if self.constant_inputs:
            self._check_constants(nodes)
        node = Node()
        node.gate = self
        node.inputs = nodes
        node.arrays = arrays
        node.output = output
        node.scope = current_scope()
        node.serial = next_serial()
        node.name = node.source = node.upstream = None
        if (watch := on_record()) is not None:
            watch(node)
        return from_node(node)

    @classmethod
    def apply(cls, *inputs: TensorLike) -> NoReturn:
        """Raise UnknownNameError (MG119): this is PyTorch's way to call a custom function."""
        raise checks.no_apply(cls.__name__)

    def _check_constants(self, nodes: Sequence[Node]) -> None:
        for position in self.constant_inputs:
            if position < len(nodes) and nodes[position].requires_grad:
                raise checks.constant_requires_grad(self, position, nodes[position])

    def forward(self, *arrays: Any) -> Any:
        raise NotImplementedError(f"{self.name} has no forward")

    def backward(self, dz: Any, z: Any, *arrays: Any) -> Any:
        raise NotImplementedError(f"{self.name} has no backward")

    def value(self, *arrays: Any) -> Any:
        """Return forward's output without the value that it saves for backward."""
        output = self.forward(*arrays)
        if type(output) is tuple:
            return output[0]
        return output

    def shape(self, *shapes: Shape) -> Shape:
        """Return the output's shape. By default, the inputs broadcast by NumPy's rules."""
        return checks.broadcast_shape(self.name, *shapes)

    def flops(self, output: Shape, *shapes: Shape) -> int:
        """Return the number of floating-point operations in one forward call.

        By default this is `operations` times the size of the largest array.
        """
        sizes = map(math.prod, (output, *shapes))
        return self.operations * max(sizes)

    @property
    def name(self) -> str:
        """The name of the gate's class, as shown in drawings and errors."""
        return type(self).__name__

    def __repr__(self) -> str:
        settings = []
        for key, value in vars(self).items():
            if value is not None:
                settings.append(f"{key}={value!r}")
        return f"{printable(self.name)}({', '.join(settings)})"

    @classmethod
    def sample_inputs(cls) -> Iterator[tuple[Gate, tuple[Array, ...]]]:
        """Yield gates of this class, each with float64 inputs for tests."""
        return iter(())
