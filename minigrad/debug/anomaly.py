"""`trace_lines` records which line called each gate; `detect_anomaly` finds the first NaN.

Both use the engine's hooks (`context.ON_RECORD`, `context.ON_GRADIENT`), and add no overhead when
they are off.
"""

import os
import sys
from pathlib import Path
from typing import Any, Self

import numpy as np

from ..context import ON_GRADIENT, ON_RECORD, scope_label, watching
from ..derivatives import rule_on_arrays
from ..errors import NonFiniteError
from ..gradients import dense
from ..graph import Array, Node, ancestors
from ..numpy_api import to_array
from ..support.notebook import cell_of
from ..support.text import printable

MASKING = frozenset(
    "AddGate BroadcastTo Cast Concatenate Divide Hadamard LogSoftmax Reshape Slice Stack Transpose "
    "Where".split()
)
"""Gates that add a mask to scores, or pass masked scores on."""

PACKAGES = tuple(
    str(Path(__file__).resolve().parents[2] / name) + os.sep
    for name in ("minigrad", "layers", "optim")
)
"""The folders of minigrad's packages. The first calling line outside them is the user's."""


class trace_lines(watching):
    """Within this block, set each `node.source` to the line that called the node's gate.

    >>> import minigrad as mg
    >>> with mg.trace_lines():
    ...     y = mg.tanh(mg.Tensor(1.0, requires_grad=True))
    >>> y.node.source.endswith(":2")
    True

    The recorded line is the innermost line outside minigrad's packages, so for a gate in a layer of
    minigrad, it is the line that calls the layer or the model. Drawings, gradient reports and
    `detect_anomaly` show it. Tracing takes about a microsecond per gate call.

    Since: 0.1.
    """

    def __init__(self) -> None:
        super().__init__(ON_RECORD, self.on_record)

    def on_record(self, node: Node) -> None:
        """Store the line that called the node's gate."""
        node.source = _calling_line()


class detect_anomaly(trace_lines):
    """Within this block, raise an error at the first NaN or infinity in either pass.

    Errors: in the forward pass, NonFiniteError MG710 at the first gate whose output is not finite;
    in the backward pass, MG711 at the first rule whose gradient is not finite. Both show the gate,
    its scope, the line that called it, and the range of each input. Operations inside `no_grad` or
    on constants are not recorded, so they are not checked. A mask is not an error: a constant of
    -inf may be added to the scores of a softmax, or chosen by `where`.

    >>> import minigrad as mg
    >>> x = mg.Tensor([1.0, 0.0], requires_grad=True, name="x")
    >>> with mg.detect_anomaly(), np.errstate(divide="ignore"):
    ...     mg.log(x)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    minigrad.errors.NonFiniteError: [MG710] Log returned 1 non-finite value out of 2: -inf at [1]
      where:  Log at the top level, called at <doctest ...>:2; given x of shape (2,) with values from 0 to 1
      cause:  ...
      remedy: ...

    Since: 0.1.
    """

    def __enter__(self) -> Self:
        visited: list[tuple[Node, Any]] = []

        def on_gradient(node: Node, dz: Any) -> None:
            # serials decrease during a backward pass, so a higher serial means a new pass
            if visited and visited[-1][0].serial < node.serial:
                visited.clear()
            if not _finite(dz):
                raise _backward_error(node, dz, visited)
            visited.append((node, dz))

        super().__enter__()
        watching(ON_GRADIENT, on_gradient).__enter__()  # closed with this block
        return self

    def on_record(self, node: Node) -> None:
        """Store the line, and raise an error if the node's output is not finite."""
        super().on_record(node)
        if not _finite(node.output) and not _masked(node):
            raise _forward_error(node)


def first_non_finite(root: Node) -> Node:
    """Return the oldest non-finite ancestor of `root`, which must be non-finite itself. Masks are
    left out.
    """
    for node in reversed(ancestors([root])):
        if not _finite(node.output) and not _masked(node):
            return node
    return root


def _masked(node: Node) -> bool:
    """Return whether all non-finite values of a non-finite node are -inf from a constant mask."""
    if (node.output[~np.isfinite(node.output)] != -np.inf).any():
        return False
    if node.gate is None:
        return not node.requires_grad
    sources = [parent for parent in node.inputs if not _finite(parent.output)]
    return bool(sources) and node.gate.name in MASKING and all(map(_masked, sources))


def strange_node(node: Node) -> str:
    """Describe a node with non-finite values: the first such value, and its inputs' ranges."""
    verb = "returned" if node.gate else "contains"
    told = f"{title(node, inside=True)} {verb} {_strange(node.output)}"
    return f"{told}; given {_inputs(node)}" if node.gate else told


def _calling_line() -> str:
    frame = sys._getframe(2)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(PACKAGES):
        frame = frame.f_back
    return source_line(frame.f_code.co_filename, frame.f_lineno)


def source_line(filename: str, line: int) -> str:
    """Return a short name for a line of a file or of a notebook's cell.

    A file inside the working directory is shown by its relative path. Any other file is shown by
    its name and the last two folders of its path.
    """
    cell = cell_of(filename)
    if cell:
        return f"{cell}, line {line}"
    name = filename.removeprefix(os.getcwd() + os.sep)
    if name == filename:
        name = "/".join(filename.replace("\\", "/").split("/")[-3:])
    return f"{name}:{line}"


def _finite(gradient: Any) -> bool:
    return bool(np.isfinite(to_array(dense(gradient))).all())


def title(node: Node, *, inside: bool = False) -> str:
    """Return a node's title for errors and reports: gate, name, scope, and the calling line.

    For a title inside a sentence, `inside` puts the scope and the line in parentheses.
    """
    kind = node.gate.name if node.gate else "leaf" if node.name else "a leaf"
    name = f" {node.name!r}" if node.name else ""
    place = scope_label(node.scope) + (f", called at {node.source}" if node.source else "")
    return printable(f"{kind}{name} ({place})" if inside else f"{kind}{name} {place}")


def _strange(array: Array) -> str:
    """Describe how many values are not finite, and which is the first."""
    bad = ~np.isfinite(array)
    index = tuple(int(i) for i in np.argwhere(bad)[0])
    count = int(bad.sum())
    values = f"{count} non-finite value{'s' * (count > 1)} out of {array.size}"
    return f"{values}: {array[index]} at {list(index)}"


def _range(name: str, array: Array) -> str:
    """Describe an array by its shape and the range of its finite values."""
    finite = array[np.isfinite(array)]
    span = (
        f"values from {finite.min():.4g} to {finite.max():.4g}"
        if finite.size
        else "no finite values"
    )
    lost = array.size - finite.size
    return f"{name} of shape {array.shape} with {span}" + (
        f" and {lost} that {'is' if lost == 1 else 'are'} not finite"
        if lost and finite.size
        else ""
    )


def _inputs(node: Node) -> str:
    return ", ".join(
        _range(parent.name or f"input {number}", array)
        for number, (parent, array) in enumerate(zip(node.inputs, node.arrays, strict=False))
    )


def _forward_error(node: Node) -> NonFiniteError:
    given = [parent for parent in node.inputs if not _finite(parent.output)]
    cause = (
        "the input is outside the gate's domain, as in log(0) or 1/0, or the result is too large for the "
        "dtype, as in exp(100)"
    )
    remedy = (
        "keep the input inside the domain (add a small number or clip), or lower the learning rate"
    )
    if given:
        names = " and ".join(
            f"{parent.name or 'a constant'} {parent.output.shape}" for parent in given
        )
        cause = f"an input is already not finite: {names} contains {_strange(given[0].output)}"
        remedy = "check the data for NaN; if the input is a parameter, lower the learning rate or clip gradients"
    return NonFiniteError(
        "MG710",
        f"{node.gate.name} returned {_strange(node.output)}",
        where=f"{title(node)}; given {_inputs(node)}",
        cause=cause,
        remedy=remedy,
    )


def _backward_error(node: Node, dz: Any, visited: list[tuple[Node, Any]]) -> NonFiniteError:
    """Return the error for the first rule that returned a non-finite gradient for `node`.

    To find this rule, run the rules of the node's consumers again.
    """
    whole = to_array(dense(dz))
    for consumer, upstream in visited:
        if consumer.gate is None or node not in consumer.inputs or hasattr(upstream, "array"):
            continue
        upstream = dense(upstream)
        for position, part in enumerate(rule_on_arrays(consumer, upstream)):
            if consumer.inputs[position] is node and part is not None and not _finite(part):
                name = node.name or f"input {position}"
                return NonFiniteError(
                    "MG711",
                    f"the backward rule of {consumer.gate.name} returned a gradient for {name} "
                    f"with {_strange(part)}",
                    where=f"{title(consumer)}; given {_inputs(consumer)}, {_range('dz', upstream)}",
                    cause="the gate's derivative is infinite or undefined there (sqrt, log or "
                    "division at 0), or the gradient is too large for the dtype",
                    remedy="keep the input away from that point (add a small number), or clip "
                    "gradients",
                )
    return NonFiniteError(
        "MG711",
        f"the gradient of {title(node, inside=True)} contains {_strange(whole)}",
        where=f"{title(node)}; {_range('dz', whole)}",
        cause="each part of the gradient is finite but the sum is too large for the dtype, or "
        "backward started with NaN or infinity",
        remedy="scale the loss down, clip gradients, or compute in float64",
    )
