"""Faults of the data that the run used: labels, ids, scales, the order of the rows."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

import minigrad as mg
from minigrad.graph import Array, Node

from .evidence import Evidence
from .finding import PROGRESS, Finding, Findings, number, prove, proved
from .reading import (
    NORMALIZING,
    PRODUCTS,
    SEQUENCES,
    Recorded,
    is_constant,
    key,
    name,
    shares,
)
from .trial import Trial
from .watch import Line

RECURRENT = re.compile("RNN|GRU|LSTM|Cell")
ROWS = 8
"""With fewer rows, nothing can be concluded about the data."""
LARGE, SMALL = 20.0, 0.02
"""Columns of a larger or smaller size are not scaled. Weights are initialized for standardized
columns, which have the size 1.
"""
MOSTLY = 0.6
UNKNOWN_IDS = 0.5
VOCABULARY = 30
"""The number of ids from which a table is a vocabulary of words."""
SCALING = ("Div", "scale", "transform", "normalize", "standardize")
UNLIKELY = 1e-3


def place(e: Evidence, position: int, *calls: str) -> Line:
    """Return the line where the inputs (0) or labels (1) come from: the first of their assignments
    that calls one of these functions, or else their last assignment, or else the line that runs the
    training.
    """
    origins = e.source.origins(position)
    for call in calls:
        for line in e.source.calls(call):
            if line in origins:
                return line
    return origins[0] if origins else e.batches_line


def _flat(rows: Array) -> Array:
    """Return (rows, columns) of float64."""
    return rows.reshape(len(rows), -1).astype(np.float64)


def not_finite(e: Evidence) -> Findings:
    """One NaN in a batch makes every parameter NaN. If the loss is NaN, `backward` raises an error, so
    the NaN is usually in the batch of that pass.
    """
    found = [("inputs", e.inputs), ("labels", e.labels)]
    line = e.line
    if e.watch.failed:
        graph, line = e.watch.failed
        one = Recorded(graph)
        found = [("inputs of the last batch", node.output) for node in one.inputs]
        found += [("labels of the last batch", node.output) for node in one.labels]
    for what, rows in found:
        bad = int((~np.isfinite(rows)).sum()) if rows.dtype.kind == "f" else 0
        if bad:
            yield Finding(
                "data-not-finite",
                f"{bad} of {rows.size} {what} are NaN or infinite",
                "every gradient becomes NaN, and then every parameter",
                "remove these rows, or replace the values, before training",
                line,
            )


def labels_constant(e: Evidence) -> Findings:
    """If every label is the same, the network learns a constant."""
    every = [node.output.ravel() for one in e.kept for node in one.labels]
    labels = np.concatenate(every or [np.zeros(0)])
    if labels.size < ROWS or (labels != labels[0]).any():
        return
    yield Finding(
        "labels-constant",
        f"all {labels.size} labels are {number(labels[0])}",
        "the loss is smallest for the same output everywhere, so the inputs do not matter",
        "look at the labels before training, as in np.unique(labels); scaling along the wrong axis "
        "or an integer division can make them equal",
        place(e, 1, "scale", "normalize", "FloorDiv"),
    )


def inputs_constant(e: Evidence) -> Findings:
    """If every row is the same, no output can depend on the input."""
    rows = e.inputs
    if len(rows) < ROWS or len(np.unique(e.labels)) < 2:
        return
    for index in range(len(e.kept[0].inputs)):
        every = e.inputs_of(index)
        if (every != every[:1]).any():
            return
    value = "all rows are equal"
    if (rows == rows.flat[0]).all():
        value = f"all are {number(rows.flat[0])}"
    yield Finding(
        "inputs-constant",
        f"the inputs of all {len(rows)} rows are the same: {value}",
        "the gradient of the first weights is 0 or the same for every row",
        "look at the inputs before training; an integer division (//) of bytes, a cast or an empty "
        "selection can destroy them",
        place(e, 0, "FloorDiv", "std", "get", "mean", "astype"),
    )


def rows_sorted(e: Evidence) -> Findings:
    """If a batch has rows of one class only, each step unlearns the other classes."""
    if e.term is None or len(e.kept) < 3:
        return
    size = e.term.labels.output.size
    if size < 4 or e.term.kind not in ("SoftmaxCrossEntropy", "BinaryCrossEntropy"):
        return
    batches = [node.output for one in e.kept for node in one.labels]
    single = sum((batch == batch.flat[0]).all() for batch in batches)
    classes, share = shares(e.labels)
    if len(classes) < 2 or single < MOSTLY * len(batches):
        return
    # the chance that a batch of shuffled rows has a single class; it is high if one class is
    # frequent
    chance = float((share**size).sum())
    if 2.0 ** len(batches) * chance**single > UNLIKELY:
        return
    finding = Finding(
        "rows-sorted",
        f"{single} of {len(batches)} batches have rows of only one class: the rows are sorted by "
        "class and not shuffled",
        "each step moves all outputs towards one class, and the next batch undoes it",
        "shuffle the rows, as Batches(..., shuffle=True) does in every epoch",
        e.batches_line,
    )
    prove(e, finding, _shuffled(e), "with the rows of all steps shuffled")
    yield finding


def _shuffled(e: Evidence) -> Trial:
    """Return a trial in which the rows of all kept passes are shuffled together with their labels."""
    passes = [one.inputs + one.labels for one in e.replayed]
    arrays: dict[Node, Array] = {}
    for nodes in zip(*passes, strict=False):
        rows = [node.output for node in nodes]
        if len({array.shape[1:] for array in rows}) > 1:
            return Trial()
        every = np.concatenate(rows)
        mixed = every[np.random.default_rng(0).permutation(len(every))]
        ends = np.cumsum([len(array) for array in rows])[:-1]
        arrays |= zip(nodes, np.split(mixed, ends), strict=True)
    return Trial(leaf=arrays.get)


def target_in_inputs(e: Evidence) -> Findings:
    """A column of the inputs that contains the label makes the task trivial, but the label of new
    data is not known.
    """
    rows = e.inputs
    # a sequence may begin with what must be remembered
    if rows.ndim != 2 or rows.shape[1] < 2 or rows.dtype.kind not in "fiub":
        return
    if len(rows) < 5 * ROWS or e.labels.size != len(rows) or e.kept[0].ids:
        return
    flat, truth = _flat(rows), e.labels.astype(np.float64).ravel()
    spread = flat.std(axis=0)
    if not np.isfinite(flat).all() or truth.std() == 0 or not spread.any():
        return
    columns = flat - flat.mean(axis=0)
    spread[spread == 0] = np.inf
    products = np.abs(columns.T @ (truth - truth.mean()))
    similar = products / spread / (len(flat) * truth.std())
    if similar.max() < 0.9999:
        return
    column = int(similar.argmax())
    yield Finding(
        "target-in-inputs",
        f"column {column} of the inputs is the label itself (correlation {similar.max():.4f})",
        "the gradient makes the network copy this column, and ignore all others",
        f"remove column {column} from the inputs, because it has no value until the answer is known",
        next(iter(e.source.origins(0, selections=True)), e.batches_line),
    )


def with_arrays(nodes: set[Node], change: Callable[[Array], Array]) -> Trial:
    """Return a trial in which the arrays of some constants are changed."""
    return Trial(leaf=lambda node: change(node.output) if node in nodes else None)


def first_inputs(e: Evidence) -> set[Node]:
    """Return the first input of each kept pass."""
    return {node for one in e.replayed for node in one.inputs[:1]}


def _scaled(e: Evidence) -> Trial:
    """Return a trial in which each column of the inputs has mean 0 and standard deviation 1."""
    axis = None if e.inputs.ndim > 2 else 0  # pixels and steps share a scale
    mean, spread = e.inputs.mean(axis), e.inputs.std(axis)
    spread = np.where(spread > 0, spread, 1)
    return with_arrays(first_inputs(e), lambda x: ((x - mean) / spread).astype(x.dtype))


def inputs_unscaled(e: Evidence) -> Findings:
    """Large inputs saturate the first layer, and make its gradients large compared with the other
    layers'. If columns have very different sizes, the largest ones do this.
    """
    rows = e.inputs
    if len(rows) < ROWS or rows.dtype.kind != "f" or _normalized(e):
        return
    sizes = np.sqrt((_flat(rows) ** 2).mean(axis=0))
    size = sizes.max(initial=0)
    if not 0 < size < np.inf or SMALL < size < LARGE:
        return
    what = "the inputs are not scaled"
    functions: tuple[str, ...] = ()
    if size < SMALL:
        what = "the inputs are tiny, as if they were scaled twice"
        functions = SCALING
    what += f": they lie between {number(rows.min())} and {number(rows.max())}"
    ratio = size / sizes[sizes > 0].min()
    if rows.ndim == 2 and ratio > 10:
        what += f", and the sizes of their columns differ by a factor of {number(ratio)}"
    dropped = e.source.dropped_scaling()
    finding = Finding(
        "inputs-unscaled",
        what,
        "the gradient of a weight is proportional to its input, so one rate cannot suit all weights, "
        "and the first layer's units saturate or die",
        "subtract the mean of the training inputs and divide by their standard deviation, column by "
        "column, and use the scaled copy",
        dropped[0] if dropped else place(e, 0, *functions),
    )
    yield from proved(e, finding, _scaled(e), "with inputs of mean 0 and deviation 1")


def _normalized(e: Evidence) -> bool:
    """Whether a normalization comes before the first weights."""
    for node in e.nodes:
        if name(node) in NORMALIZING:
            return True
        if name(node) in PRODUCTS | SEQUENCES:
            return False
    return False


def targets_unscaled(e: Evidence) -> Findings:
    """The outputs of a new network have a size of about 1. Much larger targets need huge weights or
    steps.
    """
    if e.term is None or e.term.kind != "MeanSquaredError" or e.learns:
        return
    labels = e.labels.astype(np.float64)
    spread, mean = labels.std(), labels.mean()
    if max(spread, abs(mean)) < 5 * LARGE or spread == 0:
        return
    nodes = {node for one in e.replayed for node in one.labels}
    trial = with_arrays(nodes, lambda y: ((y - mean) / spread).astype(y.dtype))
    losses = [loss * spread**2 for loss in e.attempt(trial)]
    finding = Finding(
        "targets-unscaled",
        f"the targets are not scaled: they lie between {number(labels.min())} and "
        f"{number(labels.max())}",
        "the loss and its gradients are huge, and the outputs have to grow far before they fit",
        "train on (y - y.mean()) / y.std(), and undo it for predictions",
        place(e, 1),
    )
    if losses and e.repeatable and e.progress(losses) > e.learned + PROGRESS:
        change = "with targets of mean 0 and deviation 1, in the run's units"
        finding.add_proof(e.control, losses, change)
    else:
        finding.certainty = "likely"
        finding.decide = "train on scaled targets, and compare the losses divided by the variance"
    yield finding


def ids_unknown(e: Evidence) -> Findings:
    """If most words have the same id, the network sees the same text everywhere."""
    for node in e.gates("Lookup", "LookupProduct"):
        table, ids = node.inputs[:2]
        words = ids.output[ids.output != 0]  # 0 is padding
        if words.size < 5 * ROWS or table.shape[0] < VOCABULARY:
            continue
        values, share = shares(words)
        if share.max() > UNKNOWN_IDS:
            yield Finding(
                "ids-unknown",
                f"{share.max():.0%} of the ids are {values[share.argmax()]}, which is probably the id of "
                "unknown words",
                "the gradient goes to one row of the embedding, and the rows of the words get none",
                "split the texts into words in the same way as for the vocabulary (lower case, "
                "punctuation), and count how many ids are unknown",
                place(e, 0, "encode"),
                certainty="likely",
                decide="decode a few rows: are they the words of the texts?",
            )


def axes_swapped(e: Evidence) -> Findings:
    """A recurrent layer reads (batch, time, features). If batch and time have the same size, an
    array with time as its first axis raises no error.
    """
    shapes = [node.shape for node in e.kept[0].inputs[:1]]
    if not shapes or len(shapes[0]) != 3 or shapes[0][0] != shapes[0][1]:
        return
    if not any(name(node) in SEQUENCES or "t00" in node.scope for node in e.nodes):
        return
    finding = Finding(
        "axes-swapped",
        f"the axes of time and batch are exchanged in an input of shape {shapes[0]}",
        "the state runs from one example to the next, so that the gradient mixes examples",
        "pass (batch, time, features), as in x.swapaxes(0, 1)",
        next((call.line for call in e.watch.calls), e.line),
    )

    def exchanged(rows: Array) -> Array:
        return np.ascontiguousarray(rows.swapaxes(0, 1))

    trial = with_arrays(first_inputs(e), exchanged)
    yield from proved(e, finding, trial, "with both axes exchanged")


def padding_read(e: Evidence) -> Findings:
    """A recurrent layer that reads padding after the words forgets the words."""
    calls = e.watch.inner + e.watch.calls
    for call in calls:
        for option in ("mask", "lengths"):
            if call.options.get(option) is not None:
                return
    nodes = {node for one in e.replayed for node in one.ids}
    if not nodes:
        return
    first = np.concatenate([node.output[:, 0] == 0 for node in nodes]).mean()
    last = np.concatenate([node.output[:, -1] == 0 for node in nodes]).mean()
    if last < MOSTLY or first > last:
        return
    recurrent = [one for one in calls if RECURRENT.search(type(one.layer).__name__)]
    lines = [call.line for call in recurrent + calls]
    finding = Finding(
        "padding-read",
        f"the padding after the words is read like words: {last:.0%} of the rows end with the id 0, and "
        "nothing masks it",
        "the last state has forgotten the words, and no gradient reaches them",
        "pass mask=ids != 0, or pad on the left (the default of minigrad.data.pad)",
        lines[0] if lines else e.line,
    )
    trial = with_arrays(nodes, _padding_first)
    yield from proved(e, finding, trial, "with the padding before the words")


def _padding_first(ids: Array) -> Array:
    """Move the padding after the words to the front of each row."""
    lengths = (ids != 0).sum(axis=1)
    rows = [np.roll(row, len(row) - n) for row, n in zip(ids, lengths, strict=True)]
    return np.stack(rows)


def state_carried(e: Evidence) -> Findings:
    """The state at the end of one batch is the start of the next, although the next batch's rows do
    not continue those of the first.
    """
    states: set[Node] = set()
    lines = []
    for call in e.watch.calls + e.watch.inner:
        if call.trains and len(call.inputs) > 1 and call.inputs[1] is not None:
            lines.append(call.line)
            state = call.inputs[1]
            parts = state if isinstance(state, tuple | list) else [state]
            states |= {part.node for part in parts if isinstance(part, mg.Tensor)}
    if len(lines) < 2:
        return
    readers = set()
    read: dict[Any, list[Node]] = {}
    for one in e.kept:
        for node in one.nodes:
            for index, parent in enumerate(node.inputs):
                reader = key(node), index
                if parent in states:
                    readers.add(reader)
                if is_constant(parent):
                    read.setdefault(reader, []).append(parent)
    nodes = {node for reader in readers for node in read.get(reader, [])}

    line = lines[-1]
    finding = Finding(
        "state-carried",
        "the state of one batch is the start of the next one, although other rows follow",
        "the outputs depend on earlier, unrelated examples, which the gradient cannot see",
        "start each batch with the state None, also where you evaluate, unless its rows continue those of "
        "the batch before",
        next((one for one in e.source.calls("detach") if one.near(line)), line),
    )
    trial = with_arrays(nodes, np.zeros_like)
    if nodes:
        yield from proved(e, finding, trial, "with a state of zeros for each batch")


FIRST = (
    not_finite,
    labels_constant,
    ids_unknown,
    inputs_constant,
    rows_sorted,
    target_in_inputs,
)
"""The suspects to ask before those that examine outputs and weights, because these faults are
visible in the data itself.
"""
TRIED = (axes_swapped, padding_read, state_carried, inputs_unscaled, targets_unscaled)
