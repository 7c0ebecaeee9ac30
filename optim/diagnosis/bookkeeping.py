"""Faults of the loop itself: gradients that are not cleared, steps that are missing, parameters
that the optimizer or the loss does not reach. These findings are certain, because they are counted
and not inferred.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from minigrad.graph import Leaf, Node

from ..lazy import values
from .evidence import Evidence, final
from .finding import FACTOR, PROGRESS, Finding, Findings, prove
from .reading import PLAIN, PRODUCTS, is_constant, name, origin
from .trial import Trial
from .watch import Line, Pass, Update

MUCH = 0.8
"""A run that removes more than this share of the loss of guessing does well with fixed weights."""
SHRUNK = 0.1
SELECTING = PLAIN | {"Mean", "Sum", "Where", "TakeAlongAxis", "Gather", "Lookup"}
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
            # random numbers differ from each other, and some are negative
            if len(np.unique(weights)) < weights.size / 2 or not weights.min() < 0:
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


def state_detached(e: Evidence) -> Findings:
    """A state that is detached after each time step keeps its value, but no gradient reaches earlier
    steps. Between two passes, a state may be detached.
    """
    lines = e.source.in_loops("detach", without="backward")
    for node in e.nodes if lines and not e.learns else ():
        if isinstance(node, Leaf) and node.origin == "detached" and node.shape:
            yield Finding(
                "graph-cut",
                f"the graph is cut within a pass: a state of shape {node.shape} is detached in a loop",
                "no gradient reaches the steps before it, so only the last one learns",
                "leave out detach() within a sequence; to cut between batches, detach only the state that a "
                "batch begins with",
                lines[0],
            )


def gradients_shrunk(e: Evidence) -> Findings:
    """The program changes gradients after the backward pass, for example by clipping each number."""
    if not e.watch.shrunk or e.learns:
        return
    share, line = min(e.watch.shrunk)
    losses = e.control  # repeats the run without the program's change
    run = e.losses[: len(losses)]
    if share < SHRUNK and losses and final(losses) < FACTOR * final(run):
        yield Finding(
            "gradients-shrunk",
            f"between backward() and step(), the program shrinks the gradients to {share:.2g} of their "
            "length",
            "each step is shorter by the same factor, or has the same tiny length however steep the loss "
            "is",
            "leave the gradients as they are, or clip only those that are much longer than usual, with "
            "optim.clip_gradients",
            e.source.call("clip", "clamp", "minimum", "sign") or line,
            run=run,
            trial=losses,
            changed="with the gradients that backward() computed",
        )


def changed_outside(e: Evidence) -> Findings:
    """The program changes parameters between the steps. Repeated without these changes, the steps
    train the network.
    """
    if len(e.watch.optimizers) != 1 or e.watch.by_hand or e.learns:
        return
    losses = e.control
    run = e.losses[: len(losses)]
    if len(losses) < 2 or e.repeatable or final(losses) > FACTOR * final(run):
        return
    if e.progress(losses) > e.progress(run) + PROGRESS:
        lines = [line for line in e.source.containing(".array") if "=" in line.text]
        yield Finding(
            "changed-outside",
            "your program changes parameters or gradients between the steps: when the recorded steps "
            "are repeated without these changes, the losses differ from the run's, and the network "
            "learns",
            "the changes undo what the steps have taught the network",
            "leave out what changes the parameters, such as a limit for weights, or make it much weaker",
            min(lines, key=lambda one: abs(one.number - e.line.number), default=e.line),
            certainty="likely",
            decide="run the script without these lines",
            run=run,
            trial=losses,
            changed="without the changes between them",
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


def model_made_again(e: Evidence) -> Findings:
    """A model that is made in the loop starts from scratch each time."""
    if len(e.passes) < 2 * ENOUGH or len(e.watch.first) < ENOUGH:
        return
    yield from _model_for_each_part(e)
    models = len(e.watch.first) / max(len(e.parameters), 1)
    if models < max(ENOUGH, len(e.passes) / 3) or not e.watch.layers:
        return
    layer, line = next(iter(e.watch.layers.values()))
    yield Finding(
        "model-made-again",
        f"the model is made again and again: {models:.0f} models in {len(e.passes)} passes",
        "each pass begins with new random weights, and what was learned is lost",
        "make the model once, before the loop",
        line,
        type(layer).__name__,
    )


def _model_for_each_part(e: Evidence) -> Findings:
    """Several models are made in one line, but only the last is evaluated. (A search or a
    cross-validation evaluates each of them.)
    """
    made: dict[Line, list[Any]] = {}
    for layer, line in e.watch.layers.values():
        if id(layer) in e.watch.trained:
            made.setdefault(line, []).append(layer)
    evaluated = {id(call.layer) for call in e.watch.calls if not call.trains}
    for line, layers in made.items():
        others = [layer for layer in layers[:-1] if id(layer) in evaluated]
        if len(layers) >= ENOUGH and id(layers[-1]) in evaluated and not others:
            yield Finding(
                "model-made-again",
                f"{len(layers)} models are made in the same line and trained one after the other, and "
                "only the last is used",
                "each begins with new random weights, and what the one before has learned is lost",
                "make the model once, before the loop",
                line,
                type(layers[-1]).__name__,
            )


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
    for node in e.nodes:
        if _log_of_probabilities(node) and _grows_with(e, node):
            yield Finding(
                "loss-maximized",
                "the sign of the loss is wrong: it is a mean of log probabilities without a minus",
                "the steps make the right answers less likely",
                "minimize the negative log likelihood: put a minus before the mean",
                e.caller(e.consumers[node][0]),
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


def _log_of_probabilities(node: Node) -> bool:
    if name(node) == "Log":
        return name(origin(node.inputs[0])) in ("Softmax", "Sigmoid")
    return name(node) == "LogSoftmax"


def _grows_with(e: Evidence, node: Node) -> bool:
    """Whether the loss is a weighted mean of a node, with weights that are not negative."""
    for user, parent in e.toward_loss(node):
        if len(e.consumers[parent]) > 1:
            return False
        if name(user) == "Hadamard":
            factors = [one for one in user.inputs if one is not parent]
            if not all(is_constant(one) and _not_negative(one) for one in factors):
                return False
        elif name(user) not in SELECTING:
            return False
    return True


def _not_negative(weights: Node) -> bool:
    return weights.dtype.kind in "fiu" and bool((weights.output >= 0).all())


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
    state_detached,
    gradients_shrunk,
    changed_outside,
    optimizer_made_again,
    model_made_again,
    evaluation_mode_in_training,
)
