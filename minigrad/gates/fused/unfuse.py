"""Replace the fused gates in a graph with small gates for each time step.

A fused gate is drawn as a single box. To inspect its steps, use the unfused form.
"""

from collections.abc import Callable, Sequence
from functools import partial
from operator import attrgetter
from typing import Any

from ...context import SCOPE, enable_grad, scope, scope_label, setting, step_name
from ...errors import GradientError
from ...gate import Gate
from ...graph import Node, ancestors
from ...tensor import Tensor, TensorLike, as_tensors, cut, from_node
from .. import (
    GELU,
    Convolve,
    GRUSequence,
    LayerNormalise,
    LookupProduct,
    LSTMSequence,
    RNNSequence,
    ScaledDotProductAttention,
    stack,
    tanh,
    where,
)
from ..activation import CUBIC, SLOPE
from ..basic import floats
from ..steps import gru_step, lstm_step, passed, without_padding

# (mask of real rows, a_t, *state before the step, *weights) -> state after the step
Step = Callable[..., Sequence[Tensor]]


def unfuse(tensor: TensorLike) -> Tensor:
    """Record the computation of `tensor` again, with small gates instead of fused ones.

    The result is called the unfused form. It has the same scopes, names and leaves as `tensor`, and
    the same value and gradients up to rounding. You can draw it, explore it, and differentiate it
    twice. A recurrent gate is replaced by its time steps, and every other fused gate by the gates of
    its formula. If you have called `tensor.backward()`, drawings of the unfused form show the
    gradients without another call to `backward`.

    >>> import numpy as np
    >>> W = Tensor([[0.5]], requires_grad=True, name="W")
    >>> z = RNNSequence()(np.ones((1, 2, 1), "float32"), np.zeros((1, 1), "float32"), W)
    >>> [node.gate.name for node in ancestors([unfuse(z).node])[::-1] if node.gate]
    ['MultiplyGate', 'AddGate', 'Tanh', 'MultiplyGate', 'AddGate', 'Tanh', 'Stack']

    Errors: GradientError if a parameter has changed since the forward pass (MG145).

    Since: 0.2.
    """
    copies: dict[Node, Node] = {}
    (root,) = as_tensors([tensor])
    for node in reversed(ancestors([root.node], attrgetter("predecessors"))):
        inputs = [copies[parent] for parent in node.predecessors]
        copies[node] = _again(node, inputs)
    return from_node(copies[root.node])


def _again(node: Node, inputs: list[Node]) -> Node:
    """Record a node again with `inputs`, and unfuse its gate. Return the node itself if nothing
    changes.
    """
    gate: Any = node.gate
    unfused = UNFUSED.get(type(gate))
    if unfused is None and inputs == list(node.predecessors):
        return node
    if gate is None:
        return cut(from_node(inputs[0])).node
    for parent, array in zip(node.inputs, node.arrays, strict=False):
        if parent.updated > node.serial or parent.stored is not array:
            raise GradientError(
                "MG145",
                f"the graph cannot be unfused: {parent.name or 'a tensor'} {parent.shape} was "
                f"changed after {gate.name} used it",
                where=f"{gate.name} {scope_label(node.scope)}",
                cause="unfusing recomputes every value and would now give a different result",
                remedy="call mg.unfuse before the optimizer's step, or run the forward pass again",
            )
    tensors = [from_node(one) for one in inputs]
    with setting(SCOPE, node.scope), enable_grad():
        again = unfused(gate, *tensors) if unfused else gate(*tensors)
    new: Node = again.node
    new.name = node.name
    new.source = node.source
    new.upstream = node.upstream
    return new


# ---- the unfused form of each fused gate ----


def _gelu(gate: GELU, x: Tensor) -> Tensor:
    u = SLOPE * (x + CUBIC * x**3)
    return 0.5 * x * (1 + tanh(u))


def _layer_normalise(
    gate: LayerNormalise,
    x: Tensor,
    gain: Tensor,
    *bias: Tensor,
) -> Tensor:
    centred, inverse = gate.standardize(x)
    return sum(bias, centred * inverse * gain)


def _rnn_step(real, a, h, W_hh) -> Sequence[Tensor]:
    return [passed(real, tanh(h @ W_hh + a), h)]


def _gru_step(real, a, h, W_hh, b_hh) -> Sequence[Tensor]:
    new, _ = gru_step(a, h, W_hh, b_hh)
    return [passed(real, new, h)]


def _lstm_step(real, a, h, c, W_hh) -> Sequence[Tensor]:
    return lstm_step(a, h, c, W_hh, real)[:2]


def _unrolled(step: Step, gate, *inputs: Tensor) -> Tensor:
    """Return the states after each step, in time order.

    The gate determines the direction and where the state is cut.
    """
    count = len(gate.parameters)
    a, *others = map(floats, inputs[:count])
    now = others[: gate.states]
    weights = others[gate.states :]
    real = inputs[count].array if len(inputs) > count else None
    a = without_padding(a, real)
    length = a.shape[1]
    order = list(range(length))
    if gate.reverse:
        order.reverse()
    cut_before = gate.cuts(length, real)
    states: list[Sequence[Tensor]] = [()] * length
    for number, t in enumerate(order):
        with scope(step_name(t, length)):
            if number in cut_before:
                rows = cut_before[number]
                after = [cut(part) for part in now]
                if rows is not None:
                    after = [where(rows, new, old) for new, old in zip(after, now, strict=True)]
                now = after
            here = None
            if real is not None and not real[:, t].all():
                here = real[:, t : t + 1]
            now = [*step(here, a[:, t], *now, *weights)]
            states[t] = now
            for part, name in zip(now, "hc", strict=False):
                part.name = name
    stacked = [stack(part) for part in zip(*states, strict=True)]
    if len(stacked) == 1:
        return stacked[0]
    return stack(stacked)


UNFUSED: dict[type[Gate], Callable[..., Tensor]] = {
    Convolve: Convolve.product,
    GELU: _gelu,
    LayerNormalise: _layer_normalise,
    LookupProduct: lambda gate, x, ids, W, b: floats(x) @ W + b,
    ScaledDotProductAttention: lambda gate, q, k, v, *mask: (
        gate.weights(q, k, *(one.array for one in mask)) @ v
    ),
    RNNSequence: partial(_unrolled, _rnn_step),
    GRUSequence: partial(_unrolled, _gru_step),
    LSTMSequence: partial(_unrolled, _lstm_step),
}
