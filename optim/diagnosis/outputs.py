"""Faults between the last layer and the loss. The graph shows them, before any training."""

from __future__ import annotations

import math
from itertools import combinations
from typing import Any

import numpy as np

import minigrad as mg
from minigrad import Tensor
from minigrad.graph import Node
from minigrad.replay import Change

from .evidence import Evidence
from .finding import Finding, Findings, number, prove, prove_with_loss, value_of
from .reading import SEQUENCES, SQUASHING, Loss, constants, key, name, origin, terms
from .trial import Repeated, Trial

RANGES = {
    "Sigmoid": (0, 1),
    "Tanh": (-1, 1),
    "ReLU": (0, np.inf),
    "Softmax": (0, 1),
    # the states of recurrent layers; that of an RNN is a tanh
    "RNNSequence": (-1, 1),
    "GRUSequence": (-1, 1),
    "LSTMSequence": (-1, 1),
}
LIMITS = {
    "ReLU": "the logits cannot be negative",
    "Tanh": "the logits stay between -1 and 1",
}
WRONG = "your share of wrong answers"
OUTSIDE = 0.05
"""The minimum share of targets beyond the range of the outputs. Fewer may be outliers."""


def without(*nodes: Node) -> Change:
    """Return a change that passes on the first input of these nodes, as if their gates were
    missing.

    The same gates are found in the graph of every pass by their name, scope, shape and inputs.
    """
    keys = {key(node) for node in nodes}
    return lambda node, inputs: inputs[0] if key(node) in keys else None


def softmax_of_one(e: Evidence) -> Findings:
    """A softmax divides exponentials by their sum, so a single output is 1 for every input."""
    outputs = {origin(term.output) for term in e.terms}
    for node in e.gates("Softmax", "SoftmaxCrossEntropy"):
        loss = name(node) == "SoftmaxCrossEntropy"
        single = not loss and node.shape[node.gate.axis] == 1
        if loss and node.inputs[0].shape[-1] > 1:
            continue
        if single and node not in outputs:
            yield Finding(
                "softmax-of-one",
                f"a softmax runs along an axis of size 1, in an array of shape {node.shape}, so each "
                "of its outputs is 1, whatever the input",
                "its derivative is 0, so no gradient passes",
                "choose the axis of what is compared, such as axis=1 for the steps of (batch, steps, 1)",
                e.caller(node),
                e.layer(node).path,
            )
        elif single or loss:
            finding = Finding(
                "softmax-of-one",
                "a softmax over a single output is always 1, whatever the input",
                "its derivative is 0, so no gradient passes",
                "use a sigmoid for two classes: Dense(..., 1) without an activation and "
                "mg.binary_cross_entropy, or two outputs and mg.softmax_cross_entropy",
                **e.where(node.inputs[0] if loss else node),
            )
            if single and e.term and np.isin(e.labels, (0, 1)).all():
                finding.curve = WRONG
                change = "trained with a sigmoid and binary_cross_entropy"
                prove_with_loss(e, finding, _sigmoid_instead, _share_of_errors, change)
            yield finding


def _sigmoid_instead(made: Repeated, root: Node) -> Tensor:
    (part,) = terms(root)
    logits = made[origin(part.output).inputs[0]]
    truth = part.labels.output.reshape(logits.shape).astype(logits.dtype)
    loss: Tensor = mg.binary_cross_entropy(logits, truth)
    return loss


def _share_of_errors(made: Repeated, root: Node) -> float:
    """The share of wrong answers. If the last gate's output is always 1, the logits before it decide."""
    (part,) = terms(root)
    output, truth = made[part.output].array, part.labels.output
    if (output == 1).all():
        output = made[origin(part.output).inputs[0]].array > 0
    return float(((output > 0.5).ravel() != (truth > 0.5).ravel()).mean())


def squashed_logits(e: Evidence) -> Findings:
    """The cross entropies of minigrad take logits, which may be any real numbers. An activation
    before them limits the probabilities that the network can express.
    """
    for term in e.terms:
        last = origin(term.output)
        kind = name(last)
        if term.kind not in ("SoftmaxCrossEntropy", "BinaryCrossEntropy"):
            continue
        if kind not in SQUASHING:
            yield from _by_hand(e, term)
            continue
        limit = LIMITS.get(kind, "the logits stay between 0 and 1")
        if term.kind == "BinaryCrossEntropy" and kind in ("ReLU", "Sigmoid", "Softmax"):
            limit += ", so no probability is below one half"
        finding = Finding(
            "activation-before-cross-entropy",
            f"{kind} before the {term.kind}, which takes logits: {limit}",
            f"the gradient passes through {kind}, which weakens it and stops it where the "
            "output is at the end of its range",
            "leave out the last layer's activation; the loss applies the softmax or the sigmoid",
            **e.where(last),
        )
        prove(e, finding, Trial(change=without(last)), f"without {kind}")
        yield finding


def _by_hand(e: Evidence, term: Loss) -> Findings:
    """Outputs that are positive and add up to 1 in every row are probabilities, not logits."""
    for when in "first", "last":
        look = getattr(e, when)  # repeating the last pass takes longer than eight steps
        part = terms(look.root)[0] if e.term else term
        outputs = look.outputs.get(part.output, np.zeros(0))
        if outputs.ndim < 2 or outputs.shape[-1] < 2 or (outputs < 0).any():
            return
        if not np.allclose(outputs.sum(axis=-1), 1, atol=1e-3):
            return
    yield Finding(
        "activation-before-cross-entropy",
        "the outputs are already probabilities (positive, with a sum of 1), but the loss takes logits "
        "and applies the softmax again",
        "the second softmax flattens the probabilities, so that the gradient stays small",
        "leave out the softmax, and pass the logits to the loss",
        **e.where(origin(term.output)),
    )


def output_range(e: Evidence) -> Findings:
    """The targets of a regression must be within the range of the last activation."""
    for place, term in enumerate(e.terms):
        last = origin(term.output)
        kind = name(last)
        if not term.regression or kind not in RANGES:
            continue
        labels = e.labels_of(place).astype(float)
        low, high = RANGES[kind]
        slack = 0.05 * (labels.std() or 1)
        beyond = float(((labels < low - slack) | (labels > high + slack)).mean())
        what = f"{beyond:.0%} of the targets lie outside (from {number(labels.min())} to {number(labels.max())})"
        if kind == "Softmax" and beyond <= OUTSIDE:
            totals = labels.sum(axis=-1) if labels.ndim > 1 else labels
            beyond = float((abs(totals - 1) > 0.05).mean())
            what = f"in {beyond:.0%} of the rows, the targets do not add up to 1"
        if beyond <= OUTSIDE:
            continue
        reach = f"from {low} to {high}"
        if kind == "Softmax":
            reach = "positive and add up to 1"
        finding = Finding(
            "output-range",
            f"the outputs of {kind} are {reach}, but {what}",
            f"where the target is out of reach, {kind} is pushed to the end of its range, where its "
            "derivative is 0",
            "leave out the last layer's activation for a regression; for labels of 0 and 1 that do "
            "not exclude each other, use mg.binary_cross_entropy on the logits",
            **e.where(last),
        )
        if kind in SEQUENCES:
            finding.remedy = "add a Dense layer without activation after the recurrent layer"
        else:
            prove(e, finding, Trial(change=without(last)), f"without {kind}")
        yield finding


def broadcast_loss(e: Evidence) -> Findings:
    """(N, 1) combined with (N,) is an N x N table of all pairs."""
    for node in e.nodes:
        if len(node.inputs) != 2 or not node.requires_grad:
            continue
        labels = constants(node)
        one, other = (parent.shape for parent in node.inputs)
        size = math.prod(one)
        pairs = size > 1 and size == math.prod(other) and math.prod(node.shape) == size**2
        if not labels or len(one) == len(other) or not pairs:
            continue
        finding = Finding(
            "broadcast-loss",
            f"{name(node)} combines the shapes {one} and {other}, which gives a table of shape "
            f"{node.shape}: every prediction is compared with every target",
            "the gradients of all pairs cancel, except for the mean of the targets",
            "give the targets the predictions' shape, as in y[:, None] or y.reshape(-1, 1)",
            e.caller(node),
        )
        if node in [term.node for term in e.terms]:
            finding.curve = "your error, row by row"
            change = "with targets of the predictions' shape"
            prove_with_loss(e, finding, _row_by_row, value_of(_row_by_row), change)
        yield finding


def _row_by_row(made: Repeated, root: Node) -> Tensor:
    """Return the mean of the squared errors of the rows."""
    part = terms(root)[0]
    output = made[part.output]
    error = output - part.labels.output.reshape(output.shape).astype(output.dtype)
    mean: Tensor = (error * error).mean()
    return mean


def loss_for_classes(e: Evidence) -> Findings:
    """Squares or absolute errors for labels 0 and 1: the gradient of squares vanishes where the
    network is confidently wrong, and absolute errors lead to the median, which is a constant if
    most labels are equal.
    """
    term, labels = e.term, e.labels
    if term is None or not term.regression or e.learns:
        return
    if not labels.size or not np.isin(labels, (0, 1)).all():
        return
    many = labels.ndim > 1 and labels.shape[-1] > 1 and (labels.sum(axis=-1) == 1).all()
    better = "softmax_cross_entropy" if many else "binary_cross_entropy"
    last = origin(term.output)
    squashed = name(last) in ("Sigmoid", "Softmax")

    def objective(made: Repeated, root: Node) -> Tensor:
        (part,) = terms(root)
        output = made[origin(part.output).inputs[0] if squashed else part.output]
        truth = part.labels.output
        truth = truth.argmax(axis=-1) if many else truth.astype(output.dtype)
        loss: Tensor = getattr(mg, better)(output, truth)
        return loss

    def errors(made: Repeated, root: Node) -> float:
        (part,) = terms(root)
        output, truth = made[part.output].array, part.labels.output
        if many:
            return float((output.argmax(axis=-1) != truth.argmax(axis=-1)).mean())
        return float(((output > 0.5) != (truth > 0.5)).mean())

    what = "squared errors for labels of 0 and 1"
    effect = "the gradient is tiny where the network is confidently wrong"
    absolute = term.kind == "MeanAbsoluteError"
    if absolute:
        what = "absolute errors for labels of 0 and 1"
        effect = "every example pulls with equal force, so the majority decides: the best constant is the median"
    if squashed:
        what += f" after a {name(last)}"
    finding = Finding(
        "wrong-loss-for-classes",
        what,
        effect,
        f"use mg.{better} on the logits, without an activation in the last layer",
        **e.where(last),
    )
    line = e.caller(term.node)
    if line != e.line or not finding.line:
        finding.line = line
    finding.curve = WRONG
    if prove_with_loss(e, finding, objective, errors, f"trained with {better}"):
        yield finding
    elif absolute:
        finding.certainty = "likely"
        finding.decide = f"train with mg.{better}, and compare the shares of right answers"
        yield finding


def same_output_twice(e: Evidence) -> Findings:
    """Two outputs computed from the same input with the same weights are equal, so they cannot
    learn different targets.
    """
    outputs = [origin(term.output) for term in e.terms]
    for one, other in combinations(outputs, 2):
        if one is not other and _formula(one) == _formula(other):
            yield Finding(
                "same-layer-twice",
                "two outputs with different targets come from one layer: they have the same "
                "weights and the same input, so they are always equal",
                "the gradients of both targets meet in the same weights, which learn their mean",
                "make one layer for each output; a = b = Dense(...) makes one layer with two names",
                **e.where(one),
            )


def _formula(node: Node) -> tuple[Any, ...]:
    """Return what a node computes: its gate, and the parents that are leaves or shared nodes."""
    parents = []
    for parent in node.inputs:
        inner = name(parent) in ("MultiplyGate", "Reshape") and _formula(parent)
        parents.append(inner or parent.serial)
    return (name(node), *parents)


SUSPECTS = (
    softmax_of_one,
    squashed_logits,
    broadcast_loss,
    output_range,
    same_output_twice,
    loss_for_classes,
)
