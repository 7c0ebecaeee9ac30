"""Faults of the loop itself: gradients that are not cleared, steps that are missing, parameters
that the optimizer or the loss does not reach. These findings are certain, because they are counted
and not inferred.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from minigrad.graph import Node

from ..lazy import values
from .evidence import Evidence
from .finding import Finding, Findings, prove
from .reading import PRODUCTS, is_constant, name, origin
from .trial import Trial
from .watch import Pass, Update

MUCH = 0.8
"""A run that removes more than this share of the loss of guessing does well with fixed weights."""
ENOUGH = 3
"""A fault of the loop must appear in at least this many passes, because a single pass does not
prove it.
"""


def gradients_not_cleared(e: Evidence) -> Findings:
    """`backward` adds to gradients. If they are not cleared after a step, every step uses the sum
    of all gradients so far. Gradients that are deliberately summed over several passes before one
    step do not count.
    """
    optimizers = [set(made.leaves.values()) for made in e.watch.optimizers]
    optimizers = optimizers or [set(e.watch.first)]  # steps by hand
    stale = steps = 0
    # leaves whose gradient was used by a step and not cleared since, and those of them to whose
    # gradient a later pass has added
    used: set[Node] = set()
    added: set[Node] = set()
    for event in e.watch.events:
        if isinstance(event, Pass):
            used -= set(event.clear)
            added = (added | set(event.kept)) & used
        elif isinstance(event, Update):
            leaves = optimizers[event.optimizer]
            steps += 1
            stale += not added.isdisjoint(leaves)
            used |= leaves
    if steps >= ENOUGH and stale > 0.5 * steps:
        finding = Finding(
            "gradients-not-cleared",
            f"the gradients are not cleared: {stale} of {steps} steps used gradients that an earlier step "
            "had used already",
            "each step follows the sum of all gradients so far, like a momentum that never fades",
            "call optimizer.zero_grad() before each loss.backward()",
            e.passes[-1].line,
        )
        prove(e, finding, Trial(clear=True), "with gradients cleared before each pass")
        yield finding


def _unchanged(e: Evidence) -> list[Node]:
    """Return the parameters that still have their first value."""
    first = e.watch.first
    return [node for node in first if np.array_equal(values(node), first[node])]


def no_step(e: Evidence) -> Findings:
    """Gradients are computed, but nothing uses them."""
    if len(e.passes) < ENOUGH or e.updates:
        return
    if len(_unchanged(e)) < len(e.watch.first):
        return
    made = e.watch.optimizers
    passes = Counter(leaf for one in e.passes for leaf in (*one.kept, *one.clear))
    if max(passes.values(), default=0) < (ENOUGH if made else 3 * ENOUGH):
        return  # several graphs, or one that is only inspected
    if made:
        cause = "because optimizer.step() is never called"
        line = e.source.call("step") or e.optimizer_line
        remedy = "call optimizer.step() after each loss.backward()"
    else:
        cause = "and there is no optimizer"
        remedy = (
            "change the parameter itself, as in w.array = w.array - lr * w.grad; w = w - lr * w.grad "
            "makes another Tensor, and the graph still reads the old one"
        )
        line = (e.source.containing(".grad") or [e.passes[-1].line])[-1]
    yield Finding(
        "no-step",
        f"no parameter has changed in {len(e.passes)} backward passes, {cause}",
        "the gradients are computed, but they do not reach the parameters",
        remedy,
        line,
    )


def parameters_not_trained(e: Evidence) -> Findings:
    """A parameter gets a gradient, but belongs to no optimizer, so it keeps its first value."""
    if not e.updates or not e.watch.optimizers:
        return
    trained = {node for made in e.watch.optimizers for node in made.leaves.values()}
    left = [node for node in _unchanged(e) if node not in trained]
    if not left:
        return
    names = ", ".join(str(node.name or "a parameter") for node in left[:4])
    yield Finding(
        "parameters-not-in-optimizer",
        f"the optimizer does not have {names}, so {len(left)} of {len(e.watch.first)} parameters keep "
        "their first values",
        "their gradients are computed in each pass and then ignored",
        "make the optimizer with model.named_parameters() of the whole model, after the model is "
        "complete; to keep a part fixed on purpose, use optim.freeze(model, ...)",
        e.optimizer_line,
    )


def weights_fixed(e: Evidence) -> Findings:
    """Weights between trained layers that no optimizer has ever trained keep their random values."""
    if not e.updates or e.learned > MUCH:
        return
    trained = set(e.watch.first)
    for made in e.watch.optimizers:
        for path, leaf in made.leaves.items():
            if made.optimizer.steps.get(path):
                trained.add(leaf)
    last = set(e.kept[-1].nodes)
    for node in e.gates(*PRODUCTS):
        if not node.requires_grad:
            continue
        for leaf in map(origin, node.inputs):
            weights = leaf.output
            fixed = leaf in last and is_constant(leaf) and leaf not in trained
            if not fixed or weights.ndim < 2 or weights.dtype.kind != "f":
                continue
            yield Finding(
                "weights-fixed",
                f"the weights {leaf.name or ''} of shape {weights.shape} between trained layers keep "
                "their random first values: they need no gradient, and nothing has trained them",
                "the gradient passes through them to the layers before, but does not change them",
                "pass requires_grad=True, or freeze weights only after they have been trained",
                **e.where(node),
            )


def graph_cut(e: Evidence) -> Findings:
    """The optimizer has a parameter that no loss depends on, because the graph ends before it."""
    if len(e.passes) < ENOUGH or not e.kept or len(e.kept) < len(e.passes) // 4:
        return
    leaves = e.watch.optimizers[0].leaves if e.watch.optimizers else {}
    lost = {}
    for path, leaf in leaves.items():
        if leaf not in e.watch.first and leaf.requires_grad:
            lost[path] = leaf
    if not lost or len(lost) == len(leaves):
        return
    made = {}
    for number, (layer, line) in e.watch.layers.items():
        if not _own(layer).isdisjoint(lost.values()):
            made[number] = line
    lines = list(made.values())
    where = "it is never called"
    called = [call.line for call in e.watch.inner if id(call.layer) in made]
    if called:
        lines = called
        where = "its output is computed, but then leaves the graph"
    if lines:
        ends = ("array", "detach", "asarray", "no_grad", "item")
        lines = e.source.attributes(lines[0], *ends) or lines
    layers = ", ".join(sorted({path.rpartition(".")[0] for path in lost}))
    yield Finding(
        "graph-cut",
        f"no gradient reaches {layers or ', '.join(lost)}: {where}",
        "its parameters have no gradient, so they keep their first values",
        "pass Tensors from layer to layer: .array, .item(), np.asarray, .detach() and mg.no_grad() end the "
        "graph; use mg.clip, mg.maximum and the like instead of NumPy's functions on .array",
        lines[0] if lines else None,
        layers,
    )


def _own(layer: object) -> set[Node]:
    """Return a layer's own parameters, without those of inner layers."""
    members = vars(layer).get("_members", {})
    return {value.node for value in members.values() if hasattr(value, "node")}


def optimizer_made_again(e: Evidence) -> Findings:
    """An optimizer that is made for every batch has no memory: its momentum and its means start at
    0 in each step. An optimizer without momentum or means loses nothing, so it is not reported.
    """
    optimizers = e.watch.optimizers
    used = Counter(made.line for made in optimizers if made.steps and made.remembers)
    for line, count in used.items():
        group = [made for made in optimizers if made.line == line]
        steps = sum(made.steps for made in group)
        if count < ENOUGH or steps / count > 3 or not group[0].remembers:
            continue
        kind = type(group[0].optimizer).__name__
        finding = Finding(
            "optimizer-made-again",
            f"a new {kind} is made again and again: {count} optimizers for {steps} steps",
            "its memory of earlier gradients (momentum, running means) is empty in each step",
            "make the optimizer once, before the loop",
            line,
        )
        prove(e, finding, Trial(one_optimizer=True), "with one optimizer for all steps")
        yield finding


def loss_maximized(e: Evidence) -> Findings:
    """If there is a minus sign before the loss, each step makes the network worse."""
    for term in e.terms:
        signs = sum(_negates(user, node) for user, node in e.toward_loss(term.node))
        if signs % 2:
            yield Finding(
                "loss-maximized",
                f"the sign of the loss is wrong: {term.kind} enters the loss with a minus",
                "the steps go uphill, so the error grows",
                "remove the minus; an optimizer makes the loss smaller",
                e.loss_line,
            )
    if e.updates or not e.kept or len(e.losses) < ENOUGH:
        return
    along = 0.0
    for node, first in e.watch.first.items():
        gradient = e.first.gradients.get(node)
        if gradient is not None:
            along += float(((values(node) - first) * gradient).sum())
    if along > 0 and e.losses[-1] > 1.5 * abs(e.losses[0]):
        yield Finding(
            "loss-maximized",
            f"the parameters move along the gradient, and the loss grows from {e.losses[0]:.3g} to "
            f"{e.losses[-1]:.3g}",
            "the steps go uphill",
            "subtract the gradient: w.array = w.array - lr * w.grad",
            e.passes[-1].line,
        )


def _negates(node: Node, parent: Node) -> bool:
    if name(node) == "Subtract":
        return node.inputs[1] is parent
    if name(node) in ("Hadamard", "Divide"):
        others = [one for one in node.inputs if one is not parent][:1]
        constants = [one.output for one in others if is_constant(one)]
        return any(array.size == 1 and array.item() < 0 for array in constants)
    return name(node) == "Negate"


def evaluation_mode_in_training(e: Evidence) -> Findings:
    """In evaluation mode, dropout is off and BatchNorm uses statistics that it never updates."""
    used = [call for call in e.watch.calls if call.trains]
    off = [call for call in used if not call.training]
    for call in off[:1]:
        inside = {type(layer).__name__ for layer in call.layers}
        kinds = [kind for kind in ("BatchNorm", "Dropout") if kind in inside]
        if kinds and len(off) > len(used) // 2 and len(off) >= ENOUGH:
            yield Finding(
                "evaluation-mode-in-training",
                f"the model is trained in evaluation mode, in {len(off)} of {len(used)} passes",
                f"{' and '.join(kinds)} do not work as in training: running means are used, but never "
                "updated, and nothing is dropped",
                "call model.train() before each epoch, because an evaluation sets model.eval()",
                call.line,
            )


SUSPECTS = (
    no_step,
    gradients_not_cleared,
    loss_maximized,
    parameters_not_trained,
    weights_fixed,
    graph_cut,
    optimizer_made_again,
    evaluation_mode_in_training,
)
