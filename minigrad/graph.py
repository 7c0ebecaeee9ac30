"""The recorded graph: nodes, recording on and off, scopes, ordering, and the backward sweep. Knows no Tensor, no gate.

A node is written down when a gate is called, and holds all that the gate's backward rule will ask for. Nodes point at
the nodes they came from and never the other way, so a graph is a plain tree of references: when the last tensor that
leads to it goes, it is freed at once, without the garbage collector.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Container, Iterable
from contextlib import ContextDecorator
from itertools import count
from operator import attrgetter
from typing import Any, Protocol

import numpy as np

from .errors import GradientError, MinigradError
from .pieces import Array, Deferred, Pieces

Scope = tuple[str, ...]


class Rule(Protocol):
    """What a node needs of its gate: a name, and the gradient of each input."""

    differentiable_twice: bool
    constant_inputs: tuple[int, ...]

    @property
    def name(self) -> str: ...

    def backward(self, dz: Any, z: Any, *arrays: Any) -> Any: ...


class _State(threading.local):
    """What recording looks at. One per thread, so that `no_grad` in one thread leaves the others alone.

    Its attributes are all in its `__dict__`, which is found once by whoever reads several: for each attribute alone, a
    thread's own object is looked for anew.
    """

    def __init__(self) -> None:
        self.recording: bool = True
        self.fused: bool = False
        self.scope: Scope = ()
        self.on_record: Callable[[Node], None] | None = None
        self.on_gradient: Callable[[Node, Any], None] | None = None
        self.on_cut: Callable[[Array], Array] | None = None  # given what a cut lets through; says what goes on


state = _State()
_serials = count(1)


class Node:
    """One call of a gate: `output = gate.forward(*arrays)`, in `scope`, as number `serial` since the program began.

    Serial numbers grow along every edge, so that sorting by them is a topological order. `arrays` are the inputs as
    they were at the call: later assignments to a leaf's array do not reach them. `source` ("file.py:12") is filled in
    where lines are traced, `seed` by `backward`, so that a drawing can tell which gradients exist.
    """

    __slots__ = ("arrays", "gate", "inputs", "name", "output", "requires_grad", "scope", "seed", "serial", "source")

    updated = 0  # leaves alone are ever updated in place

    def __init__(
        self,
        gate: Rule | None,
        inputs: tuple[Node, ...],
        arrays: tuple[Array, ...],
        output: Array,
        requires_grad: bool,
        name: str | None = None,
    ) -> None:
        self.gate = gate
        self.inputs = inputs
        self.arrays = arrays
        self.output = output
        self.requires_grad = requires_grad
        self.name = name
        self.scope = state.scope
        self.serial = next(_serials)
        self.source: str | None = None
        self.seed: Any = None

    @property
    def stored(self) -> Array:
        """As `output`, which for a leaf may cost something: enough for the shape and the dtype."""
        return self.output

    def __repr__(self) -> str:
        kind = self.gate.name if self.gate else type(self).__name__
        name = f" {self.name}" if self.name else ""
        return f"<{kind} #{self.serial}{name} {self.stored.shape} in {show(self.scope)}>"


_new_node = Node.__new__


def record(gate: Rule, inputs: tuple[Node, ...], arrays: tuple[Array, ...], output: Array, scope: Scope) -> Node:
    """The node of a gate call, as `Node(...)` makes it, in two thirds of the time: with no detour over `__init__`."""
    node = _new_node(Node)
    node.gate = gate
    node.inputs = inputs
    node.arrays = arrays
    node.output = output
    node.requires_grad = True
    node.scope = scope
    node.serial = next(_serials)
    node.name = node.source = node.seed = None
    return node


class Leaf(Node):
    """A node that no gate made: a parameter, an input, a constant. Gradients accumulate here, in `grad`.

    `origin` says how it came to be: "created", "constants" (a gate none of whose inputs wanted a gradient), "no_grad",
    "detached" or "cut". Behind a cut, `cut_from` is the node whose value went on without its history.

    An optimizer may put off the change of rows that no batch touched: `owed(leaf, rows)` makes it good for those rows,
    or for all (None). Reading `output` does that first; `stored` is the array as it lies there, for its shape and
    dtype, or for whoever has called `owed` for the rows that matter.
    """

    __slots__ = ("cut_from", "grad", "origin", "owed", "stored", "updated")

    def __init__(
        self, output: Array, requires_grad: bool = False, name: str | None = None, origin: str = "created"
    ) -> None:
        self.owed: Callable[[Leaf, Array | None], None] | None = None
        super().__init__(None, (), (), output, requires_grad, name)
        self.grad: Array | Deferred | None = None
        self.origin = origin
        self.cut_from: Node | None = None
        self.updated = 0

    @property
    def output(self) -> Array:
        """The value. Whoever reads it finds it up to date, whatever an optimizer had put off."""
        if self.owed is not None:
            self.owed(self, None)
        return self.stored

    @output.setter
    def output(self, value: Array) -> None:
        self.stored = value  # type: ignore[misc]  # Node's is a property, this one's a slot

    def touch(self) -> None:
        """Note that `output` was written in place: whatever was recorded before now holds a changed array."""
        self.updated = next(_serials)


class no_grad(ContextDecorator):
    """Within this block, or the function it decorates, nothing is recorded and results want no gradient."""

    def __enter__(self) -> None:
        self._before, state.recording = state.recording, False

    def __exit__(self, *error: object) -> None:
        state.recording = self._before

    def _recreate_cm(self) -> no_grad:
        return type(self)()  # a decorated function may call itself: each call restores what it found


class enable_grad(no_grad):
    """Within this block recording is on, even inside `no_grad`."""

    def __enter__(self) -> None:
        self._before, state.recording = state.recording, True


class fused(ContextDecorator):
    """Within this block layers that can run a whole sequence as one gate do: faster, and with less to look at.

    >>> with fused():
    ...     state.fused
    True
    """

    def __init__(self, on: bool = True) -> None:
        self._on = on

    def __enter__(self) -> None:
        self._before, state.fused = state.fused, self._on

    def __exit__(self, *error: object) -> None:
        state.fused = self._before

    def _recreate_cm(self) -> fused:
        return type(self)(self._on)


class scope(ContextDecorator):
    """Give a name to all that is recorded within this block: drawings, errors and reports speak of it.

    >>> with scope("encoder"), scope("t07"):
    ...     print(show(current_scope()))
    encoder/t07
    """

    __slots__ = ("_before", "name")

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> None:
        self._before = state.scope
        state.scope = (*self._before, self.name)

    def __exit__(self, *error: object) -> None:
        state.scope = self._before

    def _recreate_cm(self) -> scope:
        return type(self)(self.name)


def is_recording() -> bool:
    """Whether gates called now are recorded: False inside `no_grad`."""
    return state.recording


def current_scope() -> Scope:
    """The names of the scopes that are open now, outermost first."""
    return state.scope


def show(scope: Scope) -> str:
    """A scope as people read it: `encoder/t07`, or `the top level`."""
    return "/".join(scope) or "the top level"


_serial = attrgetter("serial")


def ancestors(roots: Iterable[Node], follow: Callable[[Node], Iterable[Node]] | None = None) -> list[Node]:
    """All nodes that lead to `roots`, and the roots, newest first: a reverse topological order, of any depth.

    `follow(node)` names the nodes to go on to: all of its inputs, unless told otherwise.
    """
    seen = set(roots)
    stack = list(seen)
    while stack:
        node = stack.pop()
        for parent in node.inputs if follow is None else follow(node):
            if parent not in seen:
                seen.add(parent)
                stack.append(parent)
    return sorted(seen, key=_serial, reverse=True)


def _wanting(root: Node) -> list[Node]:
    """As `ancestors`, without the constants: a sweep has no business with those."""
    seen = {root}
    stack = [root]
    while stack:
        for parent in stack.pop().inputs:
            if parent.requires_grad and parent not in seen:
                seen.add(parent)
                stack.append(parent)
    return sorted(seen, key=_serial, reverse=True)


def sweep(
    root: Node, seed: Any, *, keep: Container[Node] = (), lift: Callable[[Node], Any] | None = None
) -> dict[Node, Any]:
    """Send `seed`, the gradient of something with respect to root's output, back through the graph.

    Returns the gradient of every leaf that wants one, and of the nodes in `keep`. Nothing is stored on any node, so an
    error leaves no half-finished gradient behind. With `lift`, which makes a Tensor of a node, the same rules run on
    Tensors and record a graph of their own, from which second derivatives come.
    """
    # This loop passes every gate of every program, so that what is rare in it is asked about last.
    # Sums so far, in the shape that they arrive in: one that was broadcast is summed once, when it is complete.
    gradients: dict[Node, Any] = {root: seed}
    result: dict[Node, Any] = {}
    owned: set[Node] = set()  # nodes whose sum so far is an array made here, which may be added to in place
    spread: set[Node] = set()  # nodes whose sum so far may have a broader shape than their own
    watch = state.on_gradient
    for node in _wanting(root):
        dz = gradients.pop(node, None)
        if dz is None:  # every consumer said that its gradient is zero
            continue
        if watch is not None:
            watch(node, dz)
        if node in spread:
            dz = unbroadcast(dz, node.stored.shape)
        gate = node.gate
        if gate is None or node in keep:
            result[node] = dz if lift is not None else _settled(dz, node in owned)
            if gate is None:
                continue
        if type(dz) is not np.ndarray and isinstance(dz, Deferred):
            dz = dz.dense()
        inputs, arrays, serial = node.inputs, node.arrays, node.serial
        try:
            parts = gate.backward(dz, node.output, *arrays) if lift is None else _lifted(node, dz, lift)
            if len(parts) != len(inputs):
                raise ValueError(f"{len(parts)} gradients for {len(inputs)} inputs")
            for parent, array, part in zip(inputs, arrays, parts):  # noqa: B905  # strict= doubles its cost
                if parent.updated > serial:
                    raise _updated(node, parent)
                if part is None or not parent.requires_grad:
                    continue
                if type(part) is not np.ndarray and callable(part):  # held back until it was known to be wanted
                    part = part()
                if parent not in gradients:
                    gradients[parent] = part
                    if part.shape != array.shape:
                        check_broadcast(part.shape, array.shape)
                        spread.add(parent)
                    continue
                so_far = gradients[parent]
                if part.shape != so_far.shape:
                    so_far, part = unbroadcast(so_far, array.shape), unbroadcast(part, array.shape)
                if parent in owned and type(part) is type(so_far):
                    so_far += part  # rebinds, since a NumPy scalar cannot be added to in place
                    gradients[parent] = so_far
                else:
                    gradients[parent] = so_far + part
                    if lift is None:
                        owned.add(parent)
        except MinigradError:
            raise
        except Exception as error:
            raise _rule_failed(node, dz, error) from error
    return result


def _settled(dz: Any, owned: bool) -> Any:
    """A gradient that is handed out: nobody else's array, and whole but for the pieces that an optimizer can use."""
    if isinstance(dz, Deferred):
        return dz if isinstance(dz, Pieces) else dz.dense()
    return dz if owned else np.array(dz)


def check_broadcast(part: tuple[int, ...], shape: tuple[int, ...]) -> None:
    """ValueError unless a gradient of shape `part` can belong to an input of `shape` that was broadcast."""
    ends = part[len(part) - len(shape) :]
    if len(part) < len(shape) or any(size not in (1, end) for size, end in zip(shape, ends, strict=True)):
        raise ValueError(f"the gradient of an input of shape {shape} came out as {part}")


def unbroadcast(part: Any, shape: tuple[int, ...]) -> Any:
    """Sum a gradient over the axes along which its input was repeated, so that it has the input's shape again.

    An array repeated by broadcasting is used once per repetition, and gradients of several uses add up.

    >>> unbroadcast(np.ones((5, 2, 3)), (2, 1)).tolist()
    [[15.0], [15.0]]
    """
    check_broadcast(part.shape, shape)
    extra = len(part.shape) - len(shape)
    axes = tuple(range(extra)) + tuple(
        extra + axis for axis, size in enumerate(shape) if size == 1 and part.shape[extra + axis] != 1
    )
    if axes:
        part = part.sum(axis=axes, keepdims=True)
    return part.reshape(shape) if extra else part


def _lifted(node: Node, dz: Any, lift: Callable[[Node], Any]) -> Any:
    """The rule run on Tensors, under the scope of its node so that the new graph reads like the old one."""
    gate = node.gate
    assert gate is not None
    if not gate.differentiable_twice:
        raise GradientError(
            "MG124",
            f"{gate.name} has no second derivative",
            where=f"{gate.name} in {show(node.scope)}",
            cause="its backward rule is written for arrays alone, and leaves no graph behind",
            remedy="differentiate mg.opened(output), or build the layer with fused=False: both use small gates",
        )
    for parent, array in zip(node.inputs, node.arrays, strict=True):
        if parent.output is not array:
            raise _updated(node, parent)
    before, state.scope = state.scope, ("backward", *node.scope)
    try:
        # Ids, labels and conditions have no derivative: rules read them as plain arrays.
        arrays = [
            array if array.dtype.kind != "f" or position in gate.constant_inputs else lift(parent)
            for position, (parent, array) in enumerate(zip(node.inputs, node.arrays, strict=True))
        ]
        parts = gate.backward(dz, lift(node), *arrays)
        wanted = {position for position, parent in enumerate(node.inputs) if parent.requires_grad}
        # A gradient that is held back records its gates when it is asked for: now, while its scope is open.
        return [part() if position in wanted and callable(part) else part for position, part in enumerate(parts)]
    finally:
        state.scope = before


def _updated(node: Node, leaf: Node) -> GradientError:
    gate = node.gate.name if node.gate else "?"
    return GradientError(
        "MG123",
        f"{leaf.name or 'a tensor'} {leaf.output.shape} was changed after {gate} used it and before backward",
        where=f"{gate} in {show(node.scope)}",
        cause="an optimizer step, or another update, came between the forward pass and this backward pass; a recurrent "
        "state that is carried over from the last batch brings its old graph along",
        remedy="run the forward pass again before calling backward; carry a state over as state.detach()",
    )


def _rule_failed(node: Node, dz: Any, error: Exception) -> GradientError:
    gate = node.gate.name if node.gate else "?"
    shapes = ", ".join(str(array.shape) for array in node.arrays)
    return GradientError(
        "MG125",
        f"the backward rule of {gate} failed: {error}",
        where=f"{gate} in {show(node.scope)}; inputs {shapes}, output {node.output.shape}, dz {dz.shape}",
        cause="backward(dz, z, *arrays) must return one gradient, of the input's shape, for each input",
        remedy=f"mg.gradcheck shows what is wrong with the rule of {gate}",
    )
