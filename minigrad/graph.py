"""The recorded graph: nodes, recording on and off, scopes, ordering. Knows no Tensor, no gate, no gradient's way back.

A node is written down when a gate is called, and holds all that the gate's backward rule will ask for. Nodes point at
the nodes they came from and never the other way, so a graph is a plain tree of references: when the last tensor that
leads to it goes, it is freed at once, without the garbage collector.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextlib import ContextDecorator
from itertools import count
from operator import attrgetter
from typing import Any, Protocol

from .pieces import Array, Deferred

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


by_serial = attrgetter("serial")


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
    return sorted(seen, key=by_serial, reverse=True)
