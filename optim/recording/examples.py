"""The first batch of a run, computed again with the current parameters: predictions, attention
weights and filtered images of examples that are always the same.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from minigrad import Tensor, softmax, stack
from minigrad.context import no_grad
from minigrad.graph import Array, Node
from minigrad.replay import again, without_outputs

from ..diagnosis.reading import name, terms
from .encode import packed, picture, word
from .look import KERNELS, Record
from .parts import divide

ROWS = 6
HEADS = 4
POSITIONS = 24
PIXELS = 28
NUMBERS = 4


class Examples:
    """The first rows of a run's first batch."""

    def __init__(self, root: Node) -> None:
        copies = without_outputs(root)
        self.root = self.target = copies[root]
        self.root.upstream = root.upstream
        self.nodes = list(copies.values())
        self.parts = divide(self.root)
        self.kind = ""
        self.classes = 0
        self.labels = np.zeros(0)
        mask = np.ones(0, bool)
        for loss in terms(self.root)[:1]:
            self.kind, self.target = loss.kind, loss.output
            if loss.classes:
                self.classes = loss.output.shape[-1]
            labels = loss.labels.output.reshape(-1)
            self.labels = labels[:ROWS]
            # cross_entropy leaves out the rows of ignored labels with a mask
            key = getattr(loss.output.gate, "key", None)
            mask = np.ones(labels.size, bool)
            if isinstance(key, np.ndarray):
                mask = key
        self.size = mask.size
        self.rows = np.flatnonzero(mask)[:ROWS]
        """The places of the rows in the batch."""

    def show(self, values: Mapping[Node, Tensor]) -> Record:
        """Compute the predictions and pictures with these parameters."""
        record: Record = {}
        with no_grad():
            made = again(self.target, values)
            for node, part in self.parts.items():
                if node in made:
                    for kind, array in pictures(node, made).items():
                        record[kind, part.name] = array
            if self.labels.size:
                record["answers", ""] = self.answers(made[self.target])
        return record

    def answers(self, output: Tensor) -> Any:
        """Return the prediction for each row, and the probability of the right answer."""
        if self.classes:
            logits = output.reshape(-1, self.classes)
        else:
            z = output.reshape(-1)
            if self.kind != "BinaryCrossEntropy":
                return [z.array[:ROWS]] * 2
            # the softmax of 0 and z is 1 - σ(z) and σ(z)
            logits = stack([0 * z, z], axis=-1)
        p = softmax(logits).array[:ROWS]
        right = p[np.arange(len(p)), self.labels.astype(int)]
        return [p.argmax(axis=1), right]

    def describe(self, words: Any) -> dict[str, Any]:
        """Return the labels of the examples, and their texts, pictures or first numbers."""
        data: dict[str, Any] = {"kind": self.kind}
        data["labels"] = packed(self.labels)
        if words is not None and len(words) == self.classes:
            known = range(min(self.classes, 1000))
            data["classes"] = [word(words, [one]) for one in known]
        leaf = self.batch()
        if leaf is None:
            return data
        data["batch"] = len(leaf.output)
        rows, ends = self._places(leaf)
        while rows.ndim > 3:
            rows = rows[:, 0]
        if rows.ndim == 3:
            data["pictures"] = picture(smaller(rows))
        else:
            pairs = zip(rows, ends, strict=True)
            data["texts"] = [text(words, row, end) for row, end in pairs]
        return data

    def batch(self) -> Node | None:
        """Return the first array that the program used and that is not a parameter."""
        for node in self.nodes:
            for leaf in node.inputs:
                fixed = not (leaf.gate or leaf.requires_grad)
                rows = leaf.shape[0] if leaf.shape else 0
                least = min(2, self.size)
                if fixed and rows >= least and not self.size % rows:
                    return leaf
        return None

    def _places(self, leaf: Node) -> tuple[Array, Any]:
        """Return the rows of an input that the examples come from. If a row has an answer for each
        time step, also return how many steps lead to the answer.
        """
        steps = max(1, self.size // len(leaf.output))
        ends = self.rows % steps + 1
        if steps == 1:
            ends = np.full(len(self.rows), leaf.output.shape[-1])
        return leaf.output[self.rows // steps], ends


def pictures(node: Node, made: Mapping[Node, Tensor]) -> dict[str, Array]:
    """Return a gate's attention weights or filtered images for the first example, if it has any."""
    if name(node) == "Convolve":
        z = made[node].array[0, :KERNELS]
        if z.ndim == 2:
            z = z[:, None]
        return {"images": smaller(z)}
    if name(node) == "ScaledDotProductAttention":
        q, k, _, *mask = [made[one] for one in node.inputs]
        arrays = [one.array for one in mask]
        weights = node.gate.weights(q, k, *arrays)
    elif name(node) == "Softmax" and len(node.shape) == 4:
        weights = made[node]
    else:
        return {}
    first = weights.reshape(-1, *weights.shape[-3:]).array[0]
    return {"attention": first[:HEADS, :POSITIONS, :POSITIONS]}


def text(words: Any, row: Array, end: int) -> str:
    """Return the words of a row of ids, or a row's first numbers."""
    numbers = np.ravel(row)
    if numbers.dtype.kind in "iu":
        return word(words, numbers[:end])
    # with the minus of the page's other numbers
    known = [f"{one:.3g}".replace("-", "−") for one in numbers[:NUMBERS]]
    more = ["…"] if len(numbers) > NUMBERS else []
    return ", ".join(known + more)


def smaller(images: Array) -> Array:
    """Leave out rows and columns of large images."""
    every = math.ceil(max(images.shape[1:]) / PIXELS)
    return images[:, ::every, ::every]
