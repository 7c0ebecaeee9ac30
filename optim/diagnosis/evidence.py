"""What the suspects look at: the run's loss, outputs, labels, inputs and layers, and the arrays and
gradients of a recorded pass.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from minigrad import Tensor
from minigrad.backward import sweep
from minigrad.context import enable_grad
from minigrad.errors import MinigradError
from minigrad.gradients import dense
from minigrad.graph import Array, Node, ancestors
from minigrad.replay import again

from ..lazy import values
from ..sgd import SGD
from . import trial
from .reading import PRODUCTS, Loss, loss_of_guessing, name, origin, terms
from .source import Source
from .trial import Trial
from .watch import Clip, Evaluation, Line, Pass, Update, Watch

SECONDS = 10.0
"""The time limit of all trials together."""


class Look:
    """The arrays and gradients of a recorded pass, with other values for some leaves."""

    def __init__(self, root: Node, leaves: dict[Node, Tensor]) -> None:
        self.root = root
        with enable_grad(), np.errstate(all="ignore"):
            self._made = again(root, leaves)

    @cached_property
    def outputs(self) -> dict[Node, Array]:
        return {node: tensor.node.output for node, tensor in self._made.items()}

    @cached_property
    def gradients(self) -> dict[Node, Array]:
        root = self._made[self.root].node
        nodes = {node: tensor.node for node, tensor in self._made.items()}
        with np.errstate(all="ignore"):
            found = sweep(
                root, np.ones(root.shape, root.dtype), keep=set(nodes.values())
            )
        return {
            node: dense(found[made]) for node, made in nodes.items() if made in found
        }


class Evidence:
    """A finished run, as the suspects see it. Everything is computed when it is needed."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.losses = watch.losses
        self.passes = [e for e in watch.events if isinstance(e, Pass)]
        self.updates = [e for e in watch.events if isinstance(e, Update)]
        self.kept = [one for one in self.passes if one.graph is not None]

        self.source = Source(self.passes[0].line if self.passes else Line("", 0))
        self.until = time.process_time() + SECONDS

        if watch.start is None and watch.second:
            self._find_own_rule()

    def _find_own_rule(self) -> None:
        """If the program changes its parameters by `w - lr * gradient`, write down the same steps as
        those of an SGD, so that they can be repeated.
        """
        gradients = self.first.gradients
        moved = {
            node: self.watch.first[node] - after
            for node, after in self.watch.second.items()
        }
        pairs = [
            (change, gradients[node])
            for node, change in moved.items()
            if node in gradients
        ]
        along = sum(float((change * g).sum(dtype=float)) for change, g in pairs)
        length = sum(float((g * g).sum(dtype=float)) for _, g in pairs)
        if along <= 0 or not np.isfinite(length):
            return
        lr = float(f"{along / length:.4g}")
        copies = {
            str(n): Tensor(a, requires_grad=True)
            for n, a in enumerate(self.watch.first.values())
        }
        self.watch.start = SGD(copies, lr=lr)
        self.watch.by_hand = dict(zip(self.watch.first, copies, strict=True))
        settings = self.watch.start.hyperparameters()
        events: list[Pass | Clip | Update] = []
        for event in self.watch.events:
            events.append(event)
            if isinstance(event, Pass):
                events.append(Update(0, 1.0, settings))
        self.watch.events = events
        self.updates = [event for event in events if isinstance(event, Update)]

    # ---- the graph ----

    @cached_property
    def root(self) -> Node | None:
        """The graph of the first pass."""
        return self.kept[0].graph if self.kept else None

    @cached_property
    def nodes(self) -> list[Node]:
        """The nodes of the first pass, in the order in which they were computed."""
        return ancestors([self.root])[::-1] if self.root else []

    @cached_property
    def terms(self) -> list[Loss]:
        return terms(self.root) if self.root else []

    @cached_property
    def parameters(self) -> list[Node]:
        """The leaves of the first pass that require a gradient."""
        return [node for node in self.nodes if node.gate is None and node.requires_grad]

    @cached_property
    def trained(self) -> set[Node]:
        """The leaves that an optimizer has."""
        made = self.watch.optimizers
        return {t.node for one in made for t in one.optimizer.parameters().values()}

    def leaves(self, optimizer: int) -> set[Node]:
        """Return the parameters of an optimizer that require a gradient."""
        if optimizer >= len(self.watch.optimizers):
            return set(self.watch.first)  # steps by hand
        tensors = self.watch.optimizers[optimizer].optimizer.parameters().values()
        return {tensor.node for tensor in tensors}

    @cached_property
    def consumers(self) -> dict[Node, list[Node]]:
        found: dict[Node, list[Node]] = {}
        for node in self.nodes:
            for parent in node.inputs:
                found.setdefault(parent, []).append(node)
        return found

    def nodes_of(self, one: Pass) -> list[Node]:
        """Return the nodes of a kept pass, in the order in which they were computed."""
        return ancestors([one.graph])[::-1] if one.graph is not None else []

    def outputs_of(self, others: dict[Node, Array]) -> dict[Node, Array]:
        """Compute the nodes of the first pass, with other arrays for some leaves."""
        leaves = {
            one: Tensor(array) for one, array in (self.watch.first | others).items()
        }
        assert self.root is not None
        made = again(self.root, leaves)
        return {node: made[node].array for node in self.nodes}

    def parts(self, one: Pass) -> list[Loss]:
        """Return the terms of the loss of a kept pass."""
        return terms(one.graph) if one.graph is not None else []

    def data(self, one: Pass) -> list[Node]:
        """Return the inputs of a pass: constants with a row for each example, without labels, masks
        and factors of dropout.
        """
        assert one.graph is not None
        parts = terms(one.graph)
        labels = {part.labels for part in parts}
        nodes = ancestors([one.graph])[::-1]
        factors = {
            p
            for n in nodes
            if name(n) in ("Hadamard", "Where", "Divide")
            for p in n.inputs
        }
        return [
            node
            for node in nodes
            if node.gate is None
            and not node.requires_grad
            and node not in labels | factors
            and node.output.ndim > 0
            and node.output.size > 1
            and node.output.dtype != bool
            and node.name is None
        ]

    def ids(self, one: Pass) -> list[Node]:
        """Return the ids (rows, steps) that a pass looks up, which may be changed in a trial. If the
        looked-up rows are constants, they would not follow.
        """
        looked_up = {
            p for n in self.nodes_of(one) if name(n) == "Lookup" for p in n.inputs
        }
        return [
            node
            for node in self.data(one)
            if node in looked_up and node.output.ndim == 2
        ]

    def labels_of(self, number: int) -> Array:
        """Return the labels of a term in all kept passes, as one array."""
        parts = [
            part for one in self.kept for part in self.parts(one)[number : number + 1]
        ]
        return joined([part.labels.output for part in parts])

    def inputs_of(self, number: int) -> Array:
        """Return an input in all kept passes, as one array."""
        nodes = [
            node for one in self.kept for node in self.data(one)[number : number + 1]
        ]
        return joined([node.output for node in nodes])

    @cached_property
    def labels(self) -> Array:
        return self.labels_of(0)

    @cached_property
    def inputs(self) -> Array:
        return self.inputs_of(0)

    # ---- arrays ----

    @cached_property
    def first(self) -> Look:
        """The first pass."""
        return self.look(
            self.kept[0], {n: Tensor(a) for n, a in self.watch.first.items()}
        )

    @cached_property
    def last(self) -> Look:
        """The last kept pass, with the parameters at the end of the run."""
        return self.look(
            self.kept[-1], {n: Tensor(values(n)) for n in self.watch.first}
        )

    def look(self, one: Pass, values: dict[Node, Tensor]) -> Look:
        """Repeat a pass, for its arrays and gradients, also those of its inputs."""
        assert one.graph is not None
        made = {node: Tensor(t.array, requires_grad=True) for node, t in values.items()}
        for node in self.data(one):
            if node.output.dtype.kind == "f" and node.output.dtype.itemsize > 2:
                made[node] = Tensor(node.output, requires_grad=True)
        return Look(one.graph, made)

    # ---- how the run went ----

    @cached_property
    def baseline(self) -> float:
        """The loss of the best constant prediction, or NaN if the kind of loss is unknown."""
        if len(self.terms) != 1 or not self._is_mean_of(self.terms[0].node):
            return float("nan")
        if self.terms[0].kind not in [part.kind for part in self.parts(self.kept[-1])]:
            return float("nan")  # training in two phases, with another loss in each
        return loss_of_guessing(self.terms[0], self.labels.astype(np.float64))

    def _is_mean_of(self, node: Node) -> bool:
        """Whether the loss is the mean of a term, not weighted; penalties may be added."""
        while consumers := self.consumers.get(node):
            weighted = name(consumers[0]) in ("Hadamard", "Divide", "Where", "Lookup")
            if weighted and len(set(consumers[0].inputs)) > 1:
                return False
            (node,) = consumers[:1]
        return True

    @cached_property
    def scale(self) -> float:
        """The root node's loss for one unit of the term's loss: the number of rows of a sum."""
        if (
            len(self.terms) != 1
            or getattr(self.terms[0].node.gate, "reduction", "mean") != "sum"
        ):
            return 1.0
        return float(self.terms[0].labels.output.size)

    def progress(self, losses: Sequence[float]) -> float:
        """Return how much of the loss of guessing is gone at the end: 0 is guessing, 1 is perfect.

        The end is the mean of the last tenth. Without a known baseline, the first loss takes its
        place.
        """
        if not losses:
            return 0.0
        end = float(np.mean(losses[-max(1, len(losses) // 10) :])) / self.scale
        start = (
            self.baseline if np.isfinite(self.baseline) else abs(losses[0]) / self.scale
        )
        if not np.isfinite(end):
            return float("-inf")
        return 1 - end / start if start > 0 else 0.0

    @cached_property
    def learned(self) -> float:
        """The progress of the whole run."""
        return self.progress(self.losses)

    @cached_property
    def held_out(self) -> list[list[Evaluation]]:
        """The evaluations between training passes: for each loss that is computed at every moment of
        evaluation, such as that of each validation batch, its values over the run.
        """
        moments: dict[int, list[Evaluation]] = {}
        for one in self.watch.evaluations:
            if one.passes:
                moments.setdefault(one.passes, []).append(one)
        sizes = [len(moment) for moment in moments.values()]
        usual = max(set(sizes), key=sizes.count, default=0)
        # at the end, the best weights may be put back and evaluated again
        regular = [
            moment[-usual:] for moment in moments.values() if len(moment) >= usual
        ]
        return [list(series) for series in zip(*regular, strict=True)]

    # ---- trials ----

    @cached_property
    def control(self) -> list[float]:
        """The losses of the repetition with nothing changed."""
        return self.attempt(Trial())

    @cached_property
    def repeatable(self) -> bool:
        """Whether the control's losses are the run's own. The rate of steps without an optimizer is
        known only to some digits, and so are their losses.
        """
        control, run = self.control, self.losses[: len(self.control)]
        if self.watch.by_hand:
            return len(control) > 1 and np.allclose(control, run, rtol=1e-3)
        return len(control) > 1 and control == run

    def attempt(self, one: Trial) -> list[float]:
        """Return the losses of a repetition, or [] if it is not possible."""
        if (
            self.watch.start is None
            or not self.kept
            or time.process_time() > self.until
        ):
            return []
        try:
            return trial.losses(self.watch, one)
        except MinigradError:
            return []  # a changed gate may not fit the others' shapes

    def weights(self) -> Iterator[tuple[Node, Node]]:
        """Yield (product, matrix of weights) for each product with a parameter."""
        for node in self.nodes:
            if name(node) in PRODUCTS:
                for parent in node.inputs:
                    leaf = origin(parent)
                    if leaf.gate is None and leaf.requires_grad and len(leaf.shape) > 1:
                        yield node, leaf

    # ---- places ----

    def caller(self, node: Node) -> Line:
        """Return the line that called a node's gate in the first pass."""
        return self.watch.lines.get(node.serial, self.passes[0].line)

    def where(self, node: Node) -> dict[str, Any]:
        """Return the layer of a node and the line that made it, as arguments of a Finding."""
        path, layer, line = self.layer(node)
        if node.gate and not type(layer).__module__.startswith("layers."):
            line = self.caller(node)  # in the forward method of the user's own layer
        elif line is None:
            line = self.made(node)
        return {"layer": path, "line": line}

    def made(self, leaf: Node) -> Line:
        """Return the line that made a parameter: of the lines that ask for a gradient, the one at its
        place. A line in a function or a loop makes several parameters.
        """
        lines = self.source.containing("requires_grad")
        before = sum(one.serial < leaf.serial for one in self.watch.first)
        return lines[min(before, len(lines) - 1)] if lines else self.passes[0].line

    def weights_before(self, node: Node) -> dict[str, Any]:
        """Return the place of the last weights before a node."""
        pairs = [pair for pair in self.weights() if pair[0].serial < node.serial]
        if not pairs:
            return self.where(node)
        product, leaf = pairs[-1]
        return self.where(product if self.layer(product)[2] else leaf)

    @cached_property
    def loss_line(self) -> Line:
        """The line that computes the loss, or that passes it to a Trainer."""
        line = self.caller(self.terms[0].node) if self.terms else self.passes[0].line
        given = self.source.argument("Trainer", 1, "loss")
        return given if given and line == self.passes[0].line else line

    def layer(self, node: Node) -> tuple[str, Any, Line | None]:
        """Return the innermost layer that computed a node: its path, the layer, and the line that
        made it.
        """
        scope = node.scope
        while scope:
            layer = self.watch.scopes.get(scope)
            if layer is not None:
                _, line = self.watch.layers.get(id(layer), (None, None))
                return ".".join(scope), layer, line
            scope = scope[:-1]
        return "", None, None


def joined(arrays: Sequence[Array]) -> Array:
    """Return the rows of all arrays, or only the first array if their rows have different shapes."""
    shapes = {array.shape[1:] for array in arrays if array.ndim}
    if len(shapes) == 1:
        return np.concatenate(arrays)
    return arrays[0] if arrays else np.zeros(0)


def final(values: Sequence[float]) -> float:
    """Return the mean of the last tenth."""
    return (
        float(np.mean(values[-max(1, len(values) // 10) :])) if values else float("nan")
    )
