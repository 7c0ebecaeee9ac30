"""Read a graph: kinds of gates, the terms of a loss, and the same gate in another pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad.graph import Array, Node, ancestors

SQUASHING = frozenset("Sigmoid Tanh ReLU Softmax GELU Softplus".split())
PLAIN = frozenset(
    "Reshape Transpose Slice Cast BroadcastTo Stack Concatenate Pad".split()
)
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


def origin(node: Node) -> Node:
    """Follow gates that only move numbers back to the node that computed them."""
    while name(node) in PLAIN and len(node.inputs) == 1:
        (node,) = node.inputs
    return node


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


def terms(root: Node) -> list[Loss]:
    """Return the terms of a loss: losses of minigrad, and (a - b)² or |a - b| written by hand."""
    found = []
    for node in ancestors([root]):
        kind = name(node)
        if kind in LOSSES:
            found.append(Loss(kind, node, node.inputs[0], node.inputs[1]))
        elif kind in ("Power", "Hadamard", "Abs"):
            inner = origin(node.inputs[0])
            same = kind != "Hadamard" or node.inputs[0] is node.inputs[1]
            pair = inner.inputs if name(inner) == "Subtract" and same else ()
            constants = [one for one in pair if not one.requires_grad]
            if len(constants) == 1 and constants[0].output.size > 1:
                (output,) = (one for one in pair if one.requires_grad)
                kind = "MeanAbsoluteError" if kind == "Abs" else "MeanSquaredError"
                found.append(Loss(kind, inner, output, constants[0]))
    return found


def key(node: Node) -> tuple[Any, ...]:
    """Return what a gate has in common with the same gate of another pass."""
    parents = tuple(name(parent) or parent.name for parent in node.inputs)
    return name(node), node.scope, node.output.shape[1:], parents


def loss_of_guessing(term: Loss, labels: Array) -> float:
    """Return the loss of the best constant output, or NaN if the loss has weights."""
    settings = vars(term.node.gate)
    weights = [value for setting, value in settings.items() if "weight" in setting]
    if any(value is not None for value in weights):
        return float("nan")
    if term.classes:
        shares = _shares(labels)
        logs = np.log(np.maximum(shares, 1e-12))
        return float(-(shares * logs).sum())
    if term.kind == "BinaryCrossEntropy":
        p = np.clip(labels.mean(axis=0), 1e-12, 1 - 1e-12)
        entropy = -p * np.log(p) - (1 - p) * np.log(1 - p)
        return float(entropy.mean())
    if term.kind == "MeanAbsoluteError":
        distances = np.abs(labels - np.median(labels, axis=0))
        return float(distances.mean())
    return float(labels.var(axis=0).mean())


def _shares(labels: Array) -> Array:
    """Return the share of each class."""
    known = labels[labels >= 0]
    _, counts = np.unique(known, return_counts=True)
    return np.asarray(counts / counts.sum())
