"""The evidence for the suspects: the run's loss, outputs, labels, inputs and layers, and the arrays
and gradients of a recorded pass.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from minigrad import Tensor
from minigrad.backward import sweep
from minigrad.context import enable_grad
from minigrad.errors import MinigradError
from minigrad.gradients import dense
from minigrad.graph import Array, Node
from minigrad.replay import again

from ..lazy import values
from ..sgd import SGD
from . import trial
from .reading import PRODUCTS, Loss, Recorded, loss_of_guessing, name, origin
from .source import Source
from .trial import Trial
from .watch import Call, Evaluation, Line, Pass, Update, Watch

SECONDS = 10.0
"""The time limit of all trials together."""
LITTLE = 0.5
"""A run has learned little if it removes less than this share of the loss of guessing, which is the
loss of the best constant output.
"""


class Look:
    """The arrays and gradients that a recorded pass has with other values for some leaves."""

    def __init__(
        self,
        root: Node,
        leaves: dict[Node, Tensor],
    ) -> None:
        self.root = root
        with enable_grad(), np.errstate(all="ignore"):
            made = again(root, leaves)
        self.nodes = {node: tensor.node for node, tensor in made.items()}

    @cached_property
    def outputs(self) -> dict[Node, Array]:
        return {node: made.output for node, made in self.nodes.items()}

    @cached_property
    def gradients(self) -> dict[Node, Array]:
        root = self.nodes[self.root]
        one = np.ones(root.shape, root.dtype)
        every = set(self.nodes.values())
        with np.errstate(all="ignore"):
            found = sweep(root, one, keep=every)
        gradients = {}
        for node, made in self.nodes.items():
            if made in found:
                gradients[node] = dense(found[made])
        return gradients


class Place(NamedTuple):
    """The innermost layer that computed a node: its path, the layer, and the line that made the
    layer.
    """

    path: str = ""
    layer: Any = None
    line: Line | None = None

    @property
    def kind(self) -> str:
        return type(self.layer).__name__


class Evidence:
    """A finished run, as the suspects see it. Everything is computed when it is needed."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.losses = watch.losses
        self.passes = [e for e in watch.events if isinstance(e, Pass)]
        self.kept = []
        for one in self.passes:
            if one.graph is not None:
                self.kept.append(Recorded(one.graph))
        self.replayed = [*self.kept]
        """The kept passes, and the one that failed."""
        if watch.failed is not None:
            self.replayed.append(Recorded(watch.failed[0]))
        self.line = Line("", 0)
        """The line of the first backward pass."""
        if self.passes:
            self.line = self.passes[0].line
        self.source = Source(self.line)
        self.until = time.process_time() + SECONDS
        self.excluded: list[str] = []
        """The changes of the trials that did not help, in words."""

        if watch.repeatable and watch.start is None and watch.second:
            self._find_own_rule()
        self.updates = [e for e in watch.events if isinstance(e, Update)]

    def _find_own_rule(self) -> None:
        """If the program changes its parameters by `w - lr * gradient`, record its steps as those
        of an SGD optimizer, so that they can be repeated.
        """
        watch = self.watch
        along = length = 0.0
        for node, after in watch.second.items():
            gradient = self.first.gradients.get(node)
            if gradient is not None:
                change = watch.first[node] - after
                along += np.sum(change * gradient, dtype=float)
                length += np.sum(gradient * gradient, dtype=float)
        if along <= 0 or not np.isfinite(length):
            return
        copies: dict[str, Tensor] = {}
        for leaf, array in watch.first.items():
            path = str(len(copies))
            watch.by_hand[leaf] = path
            copies[path] = Tensor(array, requires_grad=True)
        rate = float(f"{along / length:.4g}")
        watch.start = SGD(copies, rate)
        settings = watch.start.hyperparameters()
        update = Update(0, 1.0, settings)
        events: list[Any] = []
        for event in watch.events:
            events.append(event)
            if isinstance(event, Pass):
                events.append(update)
        watch.events = events

    # ---- the graph ----

    @cached_property
    def nodes(self) -> list[Node]:
        """The nodes of the first pass, in the order in which they were computed."""
        return self.kept[0].nodes if self.kept else []

    def gates(self, *names: str) -> list[Node]:
        """Return the first pass's nodes of gates with these names."""
        return self.kept[0].gates(*names) if self.kept else []

    @cached_property
    def terms(self) -> list[Loss]:
        """The terms of the first pass's loss."""
        return self.kept[0].terms if self.kept else []

    @cached_property
    def term(self) -> Loss | None:
        """The only term of the loss."""
        if len(self.terms) != 1:
            return None
        return self.terms[0]

    @cached_property
    def parameters(self) -> list[Node]:
        """The leaves of the first pass that require a gradient."""
        return [node for node in self.nodes if node in self.watch.first]

    @cached_property
    def consumers(self) -> dict[Node, list[Node]]:
        found: dict[Node, list[Node]] = {}
        for node in self.nodes:
            for parent in node.inputs:
                found.setdefault(parent, []).append(node)
        return found

    def toward_loss(self, node: Node) -> Iterator[tuple[Node, Node]]:
        """Yield (consumer, its input) on the way from a node to the loss."""
        while consumers := self.consumers.get(node):
            yield consumers[0], node
            node = consumers[0]

    def weights(self) -> Iterator[tuple[Node, Node]]:
        """Yield (product, matrix of weights) for each product with a parameter."""
        for node in self.gates(*PRODUCTS):
            for parent in node.inputs:
                leaf = origin(parent)
                first = self.watch.first.get(leaf)
                if first is not None and first.ndim > 1:
                    yield node, leaf

    # ---- arrays ----

    def labels_of(self, number: int) -> Array:
        """Return the labels of a term in all kept passes, as one array."""
        return joined([one.labels for one in self.kept], number)

    def inputs_of(self, number: int) -> Array:
        """Return an input in all kept passes, as one array."""
        return joined([one.inputs for one in self.kept], number)

    @cached_property
    def labels(self) -> Array:
        return self.labels_of(0)

    @cached_property
    def inputs(self) -> Array:
        return self.inputs_of(0)

    @cached_property
    def first(self) -> Look:
        """The first pass."""
        return self.look(self.kept[0], self.watch.first)

    @cached_property
    def last(self) -> Look:
        """The last kept pass, with the parameters at the end of the run."""
        trained = {leaf: values(leaf) for leaf in self.watch.first}
        return self.look(self.kept[-1], trained)

    def look(self, one: Recorded, leaves: Mapping[Node, Array]) -> Look:
        """Repeat a pass to get its arrays and its gradients, including those of its inputs."""
        arrays = {}
        for node in one.inputs:
            if node.output.dtype in (np.float32, np.float64):
                arrays[node] = node.output
        made = {}
        for node, array in {**arrays, **leaves}.items():
            made[node] = Tensor(array, requires_grad=array.dtype.kind == "f")
        return Look(one.graph, made)

    # ---- how the run went ----

    @cached_property
    def baseline(self) -> float:
        """The loss of the best constant prediction, or NaN if the kind of loss is unknown."""
        if self.term is None or not self._is_mean_of(self.term.node):
            return float("nan")
        last = self.kept[-1]
        kinds = [term.kind for term in last.terms]
        same_end = name(last.graph) == name(self.kept[0].graph)
        if self.term.kind not in kinds or not same_end:
            return float("nan")  # training in two phases, with another loss in each
        labels = self.labels.astype(np.float64)
        return loss_of_guessing(self.term, labels)

    def _is_mean_of(self, node: Node) -> bool:
        """Whether the loss is the unweighted mean of a term. Penalties may be added to it."""
        for user, _ in self.toward_loss(node):
            weighted = name(user) in ("Hadamard", "Divide", "Where", "Lookup")
            factors = set(user.inputs)
            if weighted and len(factors) > 1:
                return False
        return True

    @cached_property
    def scale(self) -> float:
        """How much the root node's loss changes per unit of the term's loss: the number of rows if
        the loss is a sum, otherwise 1.
        """
        if self.term is None:
            return 1.0
        gate = self.term.node.gate
        summed = getattr(gate, "reduction", "mean") == "sum"
        return float(self.term.labels.output.size) if summed else 1.0

    def progress(self, losses: Sequence[float]) -> float:
        """Return the share of the loss of guessing that is gone at the end: 0 if the network still
        guesses, 1 if it is perfect.

        If the loss of guessing is unknown, the first loss takes its place.
        """
        if not losses:
            return 0.0
        scale = self.scale
        end = final(losses) / scale
        if not np.isfinite(end):
            return float("-inf")
        start = self.baseline
        if not np.isfinite(start):
            start = abs(losses[0]) / scale
        return 1 - end / start if start > 0 else 0.0

    @cached_property
    def learned(self) -> float:
        """The progress of the whole run."""
        return self.progress(self.losses)

    @cached_property
    def most_learned(self) -> float:
        """The progress of the optimizer that made the most: a script may train several models, one after
        the other, and some of them badly on purpose.
        """
        passes: list[float] = []
        parts: dict[int, list[float]] = {}
        losses = iter(self.losses)
        for event in self.watch.events:
            if isinstance(event, Pass):
                passes.append(next(losses))
            elif isinstance(event, Update):
                parts.setdefault(event.optimizer, []).extend(passes)
                passes.clear()
        return max(map(self.progress, [self.losses, *parts.values()]))

    @cached_property
    def learns(self) -> bool:
        """Whether the run learns. If so, most suspects report nothing."""
        return self.learned > LITTLE

    @cached_property
    def trained_calls(self) -> list[Call]:
        """The calls with inputs whose outputs were trained."""
        return [call for call in self.watch.calls if call.trains and call.inputs]

    @cached_property
    def held_out(self) -> list[list[Evaluation]]:
        """The evaluations between training passes: for each place in the program, its results over
        the run. The batches of one evaluation are joined.
        """
        places: dict[Any, dict[int, list[Evaluation]]] = {}
        for one in self.watch.evaluations:
            if one.passes:
                places.setdefault(one.place, {}).setdefault(one.passes, []).append(one)
        return [list(map(joined_evaluation, moments.values())) for moments in places.values()]

    # ---- trials ----

    @cached_property
    def control(self) -> list[float]:
        """The losses of the repetition with nothing changed, without the pass that failed."""
        return self.attempt(Trial())[: len(self.losses)]

    @cached_property
    def repeatable(self) -> bool:
        """Whether the control's losses are the run's own. If the run has no optimizer, its rate is
        measured, so its losses can be repeated only to a few digits.
        """
        control = self.control
        run = self.losses[: len(control)]
        if len(control) < 2:
            return False
        if self.watch.by_hand:
            return np.allclose(control, run, rtol=1e-3)
        return control == run

    def attempt(self, one: Trial) -> list[float]:
        """Return the losses of a repetition, or [] if it is not possible."""
        if self.watch.start is None or not self.kept:
            return []
        if time.process_time() > self.until:
            return []
        try:
            return trial.losses(self.watch, one)
        except MinigradError:
            return []  # a changed gate may not fit the others' shapes

    # ---- places ----

    def caller(self, node: Node) -> Line:
        """Return the line that called a node's gate in the first pass."""
        return self.watch.lines.get(node.serial, self.line)

    def layer(self, node: Node) -> Place:
        """Return the innermost layer that computed a node."""
        scope = node.scope
        while scope:
            layer = self.watch.scopes.get(scope)
            if layer is not None:
                made = self.watch.layers.get(id(layer), (layer, None))
                return Place(".".join(scope), *made)
            scope = scope[:-1]
        return Place()

    def where(self, node: Node) -> dict[str, Any]:
        """Return the layer of a node and the line that made this layer, as arguments of a Finding."""
        layer = self.layer(node)
        line = layer.line or self.made(node)
        module = type(layer.layer).__module__
        if node.gate and not module.startswith("layers."):
            # in the forward method of the user's own layer
            line = self.caller(node)
        return {"layer": layer.path, "line": line}

    def made(self, leaf: Node) -> Line:
        """Return the line that probably made a parameter. For the n-th parameter, this is the n-th
        line that contains `requires_grad`, or the last such line if there are fewer, because a line
        in a function or a loop makes several parameters.
        """
        lines = self.source.containing("requires_grad")
        if not lines:
            return self.line
        before = [one for one in self.watch.first if one.serial < leaf.serial]
        place = min(len(before), len(lines) - 1)
        return lines[place]

    @cached_property
    def batches_line(self) -> Line:
        """The line that makes the batches, or else the line of the backward pass."""
        return self.source.call("Batches") or self.line

    @cached_property
    def loss_line(self) -> Line:
        """The line that computes the loss, or that passes it to a Trainer."""
        line = self.line
        if self.terms:
            line = self.caller(self.terms[0].node)
        if line != self.line:
            return line
        return self.source.argument("Trainer", 1, "loss") or line

    @cached_property
    def optimizer_line(self) -> Line:
        """The line that makes the optimizer, or else the line of the backward pass."""
        if not self.watch.optimizers:
            return self.line
        return self.watch.optimizers[0].line


def joined_evaluation(batches: list[Evaluation]) -> Evaluation:
    """Return the evaluation of several batches."""
    sizes = [max(one.truth.size, 1) for one in batches]
    loss = np.average([one.loss for one in batches], weights=sizes)
    right = np.average([one.right for one in batches], weights=sizes)
    truths = [np.atleast_1d(one.truth) for one in batches]
    if len({truth.shape[1:] for truth in truths}) > 1:
        truths = [truth.ravel() for truth in truths]
    truth = np.concatenate(truths)
    return batches[0]._replace(loss=float(loss), right=float(right), truth=truth)


def joined(passes: list[list[Node]], number: int) -> Array:
    """Return the rows of a constant in all passes, or only those of the first pass if the shapes
    differ.
    """
    arrays = []
    for nodes in passes:
        if number < len(nodes):
            arrays.append(nodes[number].output)
    shapes = {array.shape[1:] for array in arrays if array.ndim}
    if len(shapes) == 1:
        return np.concatenate(arrays)
    return arrays[0] if arrays else np.zeros(0)


def final(losses: Sequence[float]) -> float:
    """Return the mean of the last tenth of the losses."""
    if not losses:
        return float("nan")
    tenth = max(1, len(losses) // 10)
    return float(np.mean(losses[-tenth:]))


def rms(array: Array | None) -> float:
    """Return the root of the mean square, or 0 without an array."""
    if array is None:
        return 0.0
    squares = np.square(array, dtype=np.float64)
    return float(np.sqrt(squares.mean()))


def as_array(array: Any) -> Array:
    """Return the NumPy array of an input, which may be a Tensor."""
    return np.asarray(getattr(array, "array", array))
