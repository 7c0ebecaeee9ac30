"""Read a graph: kinds of gates, the terms of a loss, and the same gate in another pass."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from minigrad.graph import Array, Node, ancestors

SQUASHING = frozenset("Sigmoid Tanh ReLU Softmax GELU Softplus".split())
PLAIN = frozenset("Reshape Transpose Slice Cast BroadcastTo Stack Concatenate Pad".split())
"""Gates that move numbers without changing them."""
LINEAR = PLAIN | frozenset(
    "MultiplyGate AddGate Subtract Negate Convolve AddWindows Windows Sum Mean LookupProduct Lookup "
    "Einsum Scatter CumSum".split()
)
PRODUCTS = frozenset("MultiplyGate Convolve LookupProduct Einsum".split())
SEQUENCES = frozenset("RNNSequence GRUSequence LSTMSequence".split())
NORMALIZING = frozenset("LayerNormalise Var Std".split())

LOSSES = frozenset(
    "SoftmaxCrossEntropy BinaryCrossEntropy NegativeLogLikelihood MeanSquaredError "
    "MeanAbsoluteError".split()
)


def name(node: Node) -> str:
    """Return the name of a node's gate, or "" for a leaf."""
    return node.gate.name if node.gate else ""


def is_constant(node: Node) -> bool:
    """Return whether a node is a leaf without a gradient."""
    return node.gate is None and not node.requires_grad


def constants(node: Node) -> list[Node]:
    """Return the inputs of a node that are constants."""
    return [one for one in node.inputs if is_constant(one)]


def origin(node: Node) -> Node:
    """Follow gates that only move numbers back to the node that computed them."""
    while name(node) in PLAIN and len(node.inputs) == 1:
        (node,) = node.inputs
    return node


def key(node: Node) -> tuple[Any, ...]:
    """Return what a gate has in common with the same gate of another pass."""
    parents = []
    for parent in node.inputs:
        parents.append(name(parent) or parent.name)
    columns = node.shape[1:]
    return name(node), node.scope, columns, *parents


@dataclass(frozen=True)
class Loss:
    """A term of the loss: its kind, such as "MeanSquaredError", the output and the labels."""

    kind: str
    node: Node
    output: Node
    labels: Node

    @property
    def classes(self) -> bool:
        """Whether the labels are numbers of classes."""
        return self.kind in ("SoftmaxCrossEntropy", "NegativeLogLikelihood")

    @property
    def regression(self) -> bool:
        """Whether it is made of squared or absolute errors."""
        return self.kind in ("MeanSquaredError", "MeanAbsoluteError")


def terms(root: Node) -> list[Loss]:
    """Return the terms of a loss: losses of minigrad, and (a - b)² or |a - b| written by hand."""
    found = []
    for node in ancestors([root]):
        kind = name(node)
        if kind in LOSSES:
            output, labels = node.inputs[:2]
            found.append(Loss(kind, node, output, labels))
        elif kind in ("Power", "Hadamard", "Abs"):
            found += _by_hand(node)
    return found


def _by_hand(node: Node) -> list[Loss]:
    """Return the term of a squared or absolute error, or [] for any other square or absolute value."""
    kind = name(node)
    if kind == "Hadamard" and node.inputs[0] is not node.inputs[1]:
        return []
    error = origin(node.inputs[0])
    outputs = [one for one in error.inputs if one.requires_grad]
    labels = [one for one in error.inputs if not one.requires_grad]
    if name(error) != "Subtract" or len(labels) != 1:
        return []
    if labels[0].output.size < 2:
        return []
    loss = "MeanAbsoluteError" if kind == "Abs" else "MeanSquaredError"
    return [Loss(loss, error, outputs[0], labels[0])]


class Recorded:
    """The graph of a pass, read once."""

    def __init__(self, graph: Node) -> None:
        self.graph = graph

    @cached_property
    def nodes(self) -> list[Node]:
        """The nodes, in the order in which they were computed."""
        return ancestors([self.graph])[::-1]

    def gates(self, *names: str) -> list[Node]:
        """Return the nodes of gates with these names."""
        return [node for node in self.nodes if name(node) in names]

    @cached_property
    def terms(self) -> list[Loss]:
        return terms(self.graph)

    @cached_property
    def labels(self) -> list[Node]:
        """The labels of each term."""
        return [term.labels for term in self.terms]

    @cached_property
    def inputs(self) -> list[Node]:
        """The constants with a row for each example, without labels, masks and factors of dropout."""
        others = set(self.labels)
        for node in self.gates("Hadamard", "Where", "Divide"):
            others.update(node.inputs)
        found = []
        for node in self.nodes:
            if not is_constant(node) or node.name or node in others:
                continue
            array = node.output
            if array.ndim > 0 and array.size > 1 and array.dtype != bool:
                found.append(node)
        return found

    @property
    def ids(self) -> list[Node]:
        """The ids (rows, steps) that are looked up in the graph. A trial may change them, because the
        graph repeats the look-up.
        """
        looked_up: set[Node] = set()
        for node in self.gates("Lookup"):
            looked_up.update(node.inputs)
        matrices = [node for node in self.inputs if node.output.ndim == 2]
        return [node for node in matrices if node in looked_up]


def shares(labels: Array) -> tuple[Array, Array]:
    """Return the different labels, and the share of each."""
    found, counts = np.unique(labels, return_counts=True)
    return found, np.asarray(counts / counts.sum())


def loss_of_guessing(term: Loss, labels: Array) -> float:
    """Return the loss of the best constant output, or NaN if the loss has weights."""
    for setting, value in vars(term.node.gate).items():
        if "weight" in setting and value is not None:
            return float("nan")
    if term.classes:
        _, p = shares(labels[labels >= 0])
        logs = np.log(np.maximum(p, 1e-12))
        return float(-(p * logs).sum())
    if term.kind == "BinaryCrossEntropy":
        p = np.clip(labels.mean(axis=0), 1e-12, 1 - 1e-12)
        q = 1 - p
        entropy = -p * np.log(p) - q * np.log(q)
        return float(entropy.mean())
    if term.kind == "MeanAbsoluteError":
        distances = np.abs(labels - np.median(labels, axis=0))
        return float(distances.mean())
    return float(labels.var(axis=0).mean())
