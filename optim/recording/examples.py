"""The first batch of a run, computed again with the present parameters: predictions, attention weights
and filtered images of examples that are always the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from minigrad import Tensor, softmax, stack
from minigrad.context import no_grad
from minigrad.graph import Array, Node
from minigrad.replay import again, without_outputs

from ..diagnosis.reading import name, terms
from .encode import picture, word
from .look import KERNELS, Record
from .parts import divide

ROWS = 6
HEADS = 4
POSITIONS = 24
PIXELS = 28


class Examples:
    """The first rows of a run's first batch."""

    def __init__(self, root: Node) -> None:
        copies = without_outputs(root)
        self.root = copies[root]
        self.root.upstream = root.upstream
        self.nodes = list(copies.values())
        self.parts = divide(self.root)
        self.loss = next(iter(terms(self.root)), None)
        labels = (
            self.loss.labels.output.reshape(-1)
            if self.loss
            else np.zeros(0)
        )
        self.labels = labels[:ROWS]
        # cross_entropy leaves out the rows of ignored labels with a mask
        key = (
            getattr(self.loss.output.gate, "key", None)
            if self.loss
            else None
        )
        mask = (
            key
            if isinstance(key, np.ndarray)
            else np.ones(labels.size, bool)
        )
        self.size = mask.size
        self.rows = np.flatnonzero(mask)[:ROWS]
        """The places of the rows in the batch."""

    def show(self, values: Mapping[Node, Tensor]) -> Record:
        """Compute the predictions and pictures with these parameters."""
        record: Record = {}
        with no_grad():
            made = again(
                self.loss.output if self.loss else self.root, values
            )
            for node in self.nodes:
                title = (
                    self.parts[node].name if node in self.parts else ""
                )
                if (
                    name(node) == "ScaledDotProductAttention"
                    and node in made
                ):
                    q, k, _, *mask = [made[one] for one in node.inputs]
                    z = node.gate.weights(
                        q, k, *[one.array for one in mask]
                    ).array
                    record["attention", title] = heads(z)
                elif (
                    name(node) == "Softmax"
                    and len(node.shape) == 4
                    and node in made
                ):
                    record["attention", title] = heads(made[node].array)
                elif name(node) == "Convolve" and node in made:
                    z = made[node].array[0, :KERNELS]
                    z = z if z.ndim > 2 else z[:, None]
                    every = -(-max(z.shape[1:]) // PIXELS)
                    record["images", title] = z[:, ::every, ::every]
            if self.loss:
                record["answers", ""] = self.answers(
                    made[self.loss.output]
                )
        return record

    def answers(self, output: Tensor) -> Any:
        """Return the prediction for each row, and the probability of the right answer."""
        assert self.loss is not None
        if self.loss.classes:
            logits = output.reshape(-1, output.shape[-1])
        else:
            z = output.reshape(-1)
            if self.loss.kind != "BinaryCrossEntropy":
                return [z.array[:ROWS]] * 2
            logits = stack(
                [0 * z, z], axis=-1
            )  # softmax is the sigmoid of z
        p = softmax(logits).array[:ROWS]
        right = p[np.arange(len(p)), self.labels.astype(int)]
        return [p.argmax(axis=1), right]

    def describe(self, words: Any) -> dict[str, Any]:
        """Return the labels of the examples, and their texts or pictures."""
        kind = self.loss.kind if self.loss else ""
        data: dict[str, Any] = {
            "kind": kind,
            "labels": self.labels.tolist(),
        }
        classes = (
            self.loss.output.shape[-1]
            if self.loss and self.loss.classes
            else 0
        )
        if words is not None and len(words) == classes:
            data["classes"] = [
                word(words, [one]) for one in range(min(classes, 1000))
            ]
        for node in self.nodes:
            if name(node) == "Convolve" and node.inputs[0].gate is None:
                each, _ = self._places(node.inputs[0])
                pixels = [x[0] if x.ndim > 2 else x for x in each]
                data.setdefault("pictures", picture(pixels))
            elif (
                name(node) == "Lookup"
                and len(node.inputs[1].shape) == 2
            ):
                each, ends = self._places(node.inputs[1])
                texts = [
                    word(words, ids[:end])
                    for ids, end in zip(each, ends, strict=True)
                ]
                data.setdefault("texts", texts)
        return data

    def _places(self, leaf: Node) -> tuple[Array, Any]:
        """Return the rows of an input that the examples come from. If a row has an answer for each
        time step, also return how many steps lead to the answer.
        """
        steps = max(1, self.size // len(leaf.output))
        ends = (
            self.rows % steps + 1
            if steps > 1
            else [None] * len(self.rows)
        )
        return leaf.output[self.rows // steps], ends


def heads(weights: Array) -> Array:
    """Return the weights of the first example: (heads, queries, keys)."""
    first: Array = weights.reshape(-1, *weights.shape[-3:])[0]
    return first[:HEADS, :POSITIONS, :POSITIONS]
