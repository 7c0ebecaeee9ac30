"""Faults that are there before the first step: no nonlinearity, equal weights, units that are dead or
gradients that vanish on their way through layers or time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

import minigrad as mg
from minigrad import Tensor
from minigrad.graph import Array, Node
from minigrad.replay import Change

from ..lazy import values
from .evidence import LITTLE, Evidence, Look, Place, rms
from .finding import Finding, Findings, number, prove, proved
from .reading import LINEAR, SEQUENCES, key, name, origin
from .trial import Trial

BOUNDED = ("Sigmoid", "Tanh")
MUCH = 0.8
"""Runs that remove more than this share of the loss of guessing are not repeated with new weights."""
ENOUGH_ROWS = 8
OFF = 0.25
VANISHED = 1e-3


def glorot(path: str, array: Array) -> Array:
    """Return new numbers for a matrix, drawn uniformly within ±√(6 / (inputs + outputs)), or zeros
    for a bias. Vectors of ones, which are the gains of normalizations, stay the same.
    """
    if array.ndim < 2:
        return array if (array == 1).all() else np.zeros_like(array)
    inputs, outputs, *window = array.shape
    limit = math.sqrt(6 / ((inputs + outputs) * math.prod(window)))
    rng = np.random.default_rng(0)
    return rng.uniform(-limit, limit, array.shape).astype(array.dtype)


REDRAWN = (Trial(start=glorot), "with weights drawn again")


def replaced(nodes: list[Node], gate: mg.Gate) -> Change:
    """Return a change that replaces these activations with another one."""
    keys = {key(node) for node in nodes}
    return lambda node, inputs: gate(inputs[0]) if key(node) in keys else None


def no_nonlinearity(e: Evidence) -> Findings:
    """Several linear layers in a row are equivalent to one linear layer: W2 (W1 x) = (W2 W1) x."""
    products = list(e.weights())
    if len(products) < 2 or e.learned > 1 - LITTLE / 2:
        return
    first, last = products[0][0], products[-1][0]
    between = [node for node in e.nodes if first.serial < node.serial < last.serial]
    # dropout has no effect in evaluation, where BatchNorm is linear
    for node in between:
        linear = name(node) in LINEAR or e.layer(node).kind in ("Dropout", "BatchNorm")
        if node.gate and not linear:
            return
    layers = {e.layer(node).path: e.layer(node).line for node, _ in products}
    keys = {key(_biased(e, node)) for node, _ in products if node is not last}

    def change(node: Node, inputs: Sequence[Tensor]) -> Tensor | None:
        return mg.relu(node.gate(*inputs)) if key(node) in keys else None

    finding = Finding(
        "no-nonlinearity",
        f"there is no nonlinearity between the {len(products)} layers with weights, so together they "
        "compute one linear function",
        "the gradient can only improve a linear function of the inputs",
        "add activation=mg.relu to all layers but the last",
        next(iter(layers.values())) or e.line,
        ", ".join(list(layers)[:4]),
    )
    # a narrow layer between wide ones is a linear function of low rank, which may be wanted
    nodes = [node for node, _ in products]
    inputs = nodes[0].inputs[0].shape[-1:]
    widths = [node.shape[-1:] for node in nodes]
    narrow = min(widths[:-1]) < min(inputs, widths[-1])
    tried = Trial(change=change)
    if prove(e, finding, tried, "with a ReLU after each hidden layer") or not narrow:
        yield finding


def _biased(e: Evidence, product: Node) -> Node:
    """Return the addition of the bias after a product, or the product."""
    after = e.consumers.get(product, [])
    return after[0] if len(after) == 1 and name(after[0]) == "AddGate" else product


def equal_weights(e: Evidence) -> Findings:
    """Units with equal weights get equal gradients, so they stay equal: one unit, many times."""
    products = list(e.weights())
    for place, (node, leaf) in enumerate(products[:-1]):
        first = e.watch.first.get(leaf)
        if first is None or first.size < 4 or not (first == first.flat[0]).all():
            continue
        last = values(leaf)
        if np.ptp(last, axis=-1).max() > 1e-3 * abs(last).max():
            continue  # later weights, drawn at random, made the units different
        next_weights = e.watch.first[products[place + 1][1]]
        zero = "" if next_weights.any() else ", which is 0,"
        finding = Finding(
            "equal-weights",
            f"all weights of {leaf.name or 'a hidden layer'} start at {number(first.flat[0])}",
            f"its units compute the same and get the same gradient{zero} so they never become different",
            "leave out init=, so that the weights are drawn at random",
            **e.where(node),
        )
        prove(e, finding, Trial(start=glorot), "with weights drawn at random")
        yield finding


def rows_become_equal(e: Evidence) -> Findings:
    """If all rows of the output are equal, the gate at which they become equal loses the inputs."""
    if e.term is None or e.learns or not e.term.output.shape:
        return
    rows = e.term.output.shape[0]
    last = e.last.outputs.get(e.kept[-1].terms[0].output)
    if rows < ENOUGH_ROWS or last is None or _vary(last):
        return
    for node in e.nodes:
        inputs = [e.first.outputs[one] for one in node.inputs]
        varying = [one for one in inputs if one.shape[:1] == (rows,) and _vary(one)]
        output = e.first.outputs[node]
        if name(node) in ("ReLU", *BOUNDED):
            continue  # other suspects examine whether units are dead or saturated
        if varying and output.shape[:1] == (rows,) and not _vary(output):
            yield Finding(
                "rows-equal",
                f"{name(node)} returns the same numbers for all {rows} rows, although its inputs of "
                f"shape {varying[0].shape} differ",
                "what comes after it cannot depend on the inputs, and no gradient that depends on them "
                "comes back",
                "check this step's axis, width and initial weights: a normalization over a single number, "
                "a softmax over an axis of size 1 or a unit that is always 0 makes rows equal",
                **e.where(node),
            )
            return


def _vary(rows: Array) -> bool:
    """Whether some rows differ."""
    return bool((rows != rows[:1]).any())


def _dead(look: Look, node: Node) -> bool:
    outputs = look.outputs.get(node)
    return outputs is not None and outputs.size > 0 and not outputs.any()


def dead_units(e: Evidence) -> Findings:
    """A ReLU whose input is negative for all rows has the gradient 0, so nothing brings it back."""
    for node in e.gates("ReLU"):
        if not _dead(e.first, node):
            continue
        before = e.first.outputs[node.inputs[0]]
        finding = Finding(
            "dead-units",
            f"all {node.shape[-1]} units of this ReLU are 0 for every row, before the first step: "
            f"it gets numbers between {number(before.min())} and {number(before.max())}"
            + _bias(e, node.inputs[0]),
            "the derivative of ReLU is 0 there, so no gradient reaches this layer or those before it",
            "leave out init= and the bias, so that the default draws them: about half of the units are "
            "then active",
            **e.where(node),
        )
        change = "with new random weights and biases of 0"
        prove(e, finding, Trial(start=glorot), change)
        yield finding


def _bias(e: Evidence, node: Node) -> str:
    """Return words that blame a bias if some numbers would be positive without it, or ""."""
    for parent in node.inputs:
        bias = e.watch.first.get(parent) if name(node) == "AddGate" else None
        if bias is not None and (e.first.outputs[node] - bias).max() > 0:
            return f", because of the bias {parent.name or ''} of {number(bias.mean())}"
    return ""


def dead_at_end(e: Evidence) -> Findings:
    """All units of a ReLU are dead at the end of the run, because a large step has moved them out
    of reach.
    """
    if e.learns:
        return
    last = e.kept[-1].gates("ReLU")
    for node, later in zip(e.gates("ReLU"), last, strict=False):
        if _dead(e.last, later):
            yield Finding(
                "dead-units",
                f"all {node.shape[-1]} units of a ReLU have died: at the end of the run, they are 0 for "
                "every row",
                "the derivative of ReLU is 0 there, so no gradient reaches this layer or those before it",
                "use a smaller learning rate, and scaled inputs",
                **e.where(node),
            )
            return


def _bounded(e: Evidence) -> list[Node]:
    """Return the sigmoids and tanhs that are not outputs."""
    outputs = {origin(term.output) for term in e.terms}
    return [node for node in e.gates(*BOUNDED) if node not in outputs]


def vanishing_layers(e: Evidence) -> Findings:
    """Each sigmoid multiplies the gradient by at most 1/4, and small weights shrink it further.
    After several layers, almost nothing is left for the first one.
    """
    nodes = _bounded(e)
    products = list(e.weights())
    if e.learns or len(nodes) < 2 or len(products) < 3:
        return
    first, *_, last = (rms(e.first.gradients.get(leaf)) for _, leaf in products)
    ratio = first / last if last else 0.0
    if ratio > 0.05:
        return
    kinds = sorted({name(node) for node in nodes})
    finding = Finding(
        "vanishing-gradient",
        f"the gradient vanishes on its way through {len(nodes)} {' and '.join(kinds)} layers: in the "
        f"first layer, it is {number(ratio)} times that in the last",
        "the first layers hardly change, so the last one works on random features",
        "use mg.relu (or tanh) with the default init, LayerNorm or residual connections, and Adam "
        "rather than plain SGD",
        **e.where(products[0][0]),
    )
    for activation, gate in ("ReLU", mg.relu), ("tanh", mg.tanh):
        trial = Trial(change=replaced(nodes, gate), start=glorot)
        if prove(e, finding, trial, f"with {activation} and new random weights"):
            yield finding
    if ratio < VANISHED:
        finding.certainty = "likely"
        finding.decide = "train a network with only one hidden layer: does it learn more?"
        yield finding


def weights_badly_drawn(e: Evidence) -> Findings:
    """Weights that are much smaller or larger than √(2 / (inputs + outputs)) shrink or blow up signals
    and gradients in every layer.
    """
    if e.learned > MUCH or e.watch.start is None:
        return
    for path, tensor in e.watch.start.parameters().items():
        array = tensor.array
        if array.ndim < 2 or path.endswith("table"):
            continue
        usual, actual = rms(glorot(path, array)), rms(array)
        if OFF * usual > actual > 0 or actual > usual / OFF:
            leaf = next((n for n in e.watch.first if n.name == tensor.name), None)
            made = e.made(leaf) if leaf else e.line
            users = e.consumers.get(leaf, []) if leaf else []
            layer = e.layer(users[0]) if users else Place()
            finding = Finding(
                "weights-badly-drawn",
                f"the weights {path} start with a size of {number(actual)}, but {number(usual)} would "
                "keep signals at their size",
                "small weights shrink signals and gradients in each layer, large ones saturate units or "
                "make gradients explode",
                "use the default init of the layers, or layers.init.glorot_uniform or he_normal",
                layer.line or made,
                layer.path,
            )
            yield from proved(e, finding, *REDRAWN)
            return


def vanishing_time(e: Evidence) -> Findings:
    """In a recurrent network, each time step multiplies the gradient by a factor. If only the last
    state is used, the first steps may get almost no gradient.
    """
    if e.learns:
        return
    for node in e.nodes:
        steps = _step_gradients(e, node)
        if len(steps) < 10:
            continue
        first, last = steps[0], steps[-1]
        if last <= 0 or first > VANISHED * last:
            continue
        yield Finding(
            "vanishing-over-time",
            f"the gradient vanishes over {len(steps)} time steps: at the first step, it is "
            f"{number(first / last)} times that at the last step",
            "what happened early in a sequence cannot change the weights",
            "shorten the sequences, pool over all states instead of using only the last one, or read "
            "the sequence in both directions",
            **e.where(node),
            certainty="likely",
            decide="move what the answer depends on to the end of the sequence: is it learned then?",
        )


def _step_gradients(e: Evidence, node: Node) -> list[float]:
    """Return the size of the gradient at each time step of a recurrent layer's input."""
    if name(node) not in SEQUENCES:
        return []
    gradient = e.first.gradients.get(node.inputs[0])
    if gradient is None or gradient.ndim != 3:
        return []
    sizes = [rms(step) for step in gradient.swapaxes(0, 1)]
    return sizes[::-1] if node.gate.reverse else sizes


SUSPECTS = (
    no_nonlinearity,
    equal_weights,
    dead_units,
    weights_badly_drawn,
)
FALLBACK = (rows_become_equal,)
VANISHING = (vanishing_layers, vanishing_time)
LATER = (dead_at_end,)
