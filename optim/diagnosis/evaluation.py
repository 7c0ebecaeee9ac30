"""Faults that show in the comparison of training and evaluation."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from minigrad.graph import Array, Node

from .evidence import Evidence, Place, as_array
from .finding import Finding, Findings, number, proved
from .outcome import holds
from .outputs import without
from .trial import Trial
from .watch import Call

FEW_ROWS = 3
NOTHING = 0.2
SHARED = 0.2
AVERAGED = 4
ENOUGH_ROWS = 20
SHIFTED, SHIFTED_FAILING = 3.0, 1.0
"""Deviations between the means of a column. Honest test rows differ by less than one."""
SCALED, SCALED_FAILING = 5.0, 2.0
"""Factors between the deviations of a column."""
COMPARED = 1000
"""The number of training rows that are compared."""
SURE = 4.0
"""A difference of this many standard errors is no chance."""
MOSTLY_NEW, NEW_IDS = 0.5, 0.2
"""Shares of ids that training never had. In texts, a tenth of the words may be new."""
LONG = 6
"""The minimum number of epochs after the best one. Fewer than this are normal, because nobody knows
the best epoch in advance.
"""


def training_mode_in_evaluation(e: Evidence) -> Findings:
    """The evaluation runs with dropout on, or with BatchNorm's statistics of the batch."""
    active = e.watch.active if e.passes else {}
    if active and not _averages(e):
        yield Finding(
            "training-mode-in-evaluation",
            "the model is evaluated in training mode: after the last backward pass, it was called with "
            f"{' and '.join(sorted(active))} on",
            "training is not affected, but the results depend on chance or on the batch",
            "call model.eval() before the evaluation, and model.train() before training continues; layers "
            "outside the model are not switched",
            next(iter(active.values())),
        )


def _evaluated(e: Evidence) -> Iterator[tuple[Call, Array]]:
    """Yield the calls of evaluations with their inputs."""
    for call in e.watch.calls:
        if not call.trains and call.inputs:
            yield call, as_array(call.inputs[0])


def _averages(e: Evidence) -> bool:
    """Whether the same rows are evaluated many times, to average over masks of dropout."""
    inputs = [rows for _, rows in _evaluated(e)]
    same = [rows for rows in inputs if np.array_equal(rows, inputs[-1])]
    return len(same) > AVERAGED


def evaluated_otherwise(e: Evidence) -> Findings:
    """The evaluated rows are prepared in another way than the training rows: in some columns, other
    means or deviations, or ids that training never had.

    If an evaluation is known to fail, smaller differences count than if its result is unknown.
    """
    fails = holds(e) is False
    last = {call.line: (call, held) for call, held in _evaluated(e)}
    for call, held in last.values():
        rows = _trained(e, call, held)
        if min(len(rows), len(held)) < ENOUGH_ROWS:
            continue
        difference = ""
        if held.dtype.kind in "iu":
            words = held[held != 0]  # 0 is padding
            new = float((~np.isin(words, rows)).mean()) if words.size else 0.0
            if new > (NEW_IDS if fails else MOSTLY_NEW):
                difference = f"{new:.0%} of their ids never occur in training"
        elif held.dtype.kind == "f":
            shift, ratio = _apart(rows, held)
            if shift > (SHIFTED_FAILING if fails else SHIFTED):
                difference = f"their mean differs by {number(shift)} standard deviations"
            elif max(ratio, 1 / ratio) > (SCALED_FAILING if fails else SCALED):
                difference = f"their deviation is {number(ratio)} times the training rows'"
        if difference:
            yield Finding(
                "evaluated-otherwise",
                "the rows that are evaluated are prepared differently from the training rows: "
                f"{difference}",
                "training is not affected, but the network has never seen such inputs",
                "prepare all rows in the same way: the same columns and ids, scaled with the mean "
                "and deviation of the training rows",
                call.line,
            )


def _trained(e: Evidence, evaluation: Call, held: Array) -> Array:
    """Return the training rows to compare with evaluated ones: all ids, or the rows of their shape. If
    a layer changes the rows before the first gate, they come from the first calls.

    What another layer has computed is not a row: it changes as training goes on.
    """
    if held.dtype.kind in "iu":
        ids = [node.output.ravel() for one in e.kept for node in one.ids]
        return np.concatenate(ids) if ids else np.zeros(0, int)
    shape = held.shape[1:]
    kind = type(evaluation.layer)
    calls = [call for call in e.trained_calls if type(call.layer) is kind]
    if not calls or any(call.computed for call in calls):
        return np.zeros((0, *shape))
    arrays = [e.inputs, *(as_array(call.inputs[0]) for call in calls)]
    alike = [rows for rows in arrays if rows.ndim > 1 and rows.shape[1:] == shape]
    return np.concatenate(alike) if alike else np.zeros((0, *shape))


def _apart(rows: Array, held: Array) -> tuple[float, float]:
    """Return by how many deviations the means differ, and the ratio of the deviations, both in the
    column where they differ most. A ratio that may be chance counts as 1, and of many columns, a
    tenth must differ.
    """
    axis = 0 if rows.ndim == 2 else None  # pixels and steps are one column
    rows = rows[:: len(rows) // COMPARED + 1].astype(np.float64)
    least = 0.1 * rows.std() + 1e-12  # of columns that hardly vary
    spread = np.maximum(rows.std(axis), least)
    centred = rows - rows.mean(axis)
    shift = np.abs(held.mean(axis) - rows.mean(axis)) / spread
    ratio = np.maximum(held.std(axis), least) / spread
    # the standard error of a deviation grows with the kurtosis, and is large for rare values
    kurtosis = np.square(centred**2).mean(axis) / spread**4
    count = held.size / ratio.size
    error = np.sqrt(np.maximum(kurtosis - 1, 0) / (4 * count))
    sure = (np.abs(ratio - 1) > SURE * error) & (spread > least)
    ratio = np.atleast_1d(np.where(sure, ratio, 1.0))
    farthest = np.argsort(np.abs(np.log(ratio)))[::-1][ratio.size // 10]
    return float(np.quantile(shift, 0.9, method="higher")), float(ratio[farthest])


def batchnorm_statistics(e: Evidence) -> Findings:
    """In evaluation, BatchNorm uses running means and variances. They must be near the batches'."""
    for node in e.kept[-1].gates("Mean") if not holds(e) else ():
        place = e.layer(node)
        inputs = e.last.outputs.get(node.inputs[0])
        if place.kind != "BatchNorm" or inputs is None or len(inputs) < ENOUGH_ROWS:
            continue
        columns = np.moveaxis(inputs, 1, -1).reshape(-1, inputs.shape[1])
        shift = np.abs(columns.mean(axis=0) - place.layer.mean) / (columns.std(axis=0) + 1e-6)
        ratio = np.sqrt(place.layer.variance) / (columns.std(axis=0) + 1e-6)
        if np.median(shift) > SHIFTED or not 1 / SCALED < np.median(ratio) < SCALED:
            yield Finding(
                "batchnorm-statistics",
                "the running statistics of BatchNorm are far from those of the last batch: the means "
                f"differ by {number(np.median(shift))} deviations, and the deviations by a factor of "
                f"{number(np.median(ratio))}",
                "training is not affected, because it uses the batch's statistics; the evaluation uses "
                "the running ones",
                "use a momentum of 0.1 and train for more steps, and call the model in training mode "
                "on training rows only",
                place.line or e.line,
                place.path,
            )


def batchnorm_few_rows(e: Evidence) -> Findings:
    """With two rows, BatchNorm turns every unit into -1 and 1, whatever the input."""
    for node in e.gates("Mean", "Var", "Std"):
        layer = e.layer(node)
        if layer.kind != "BatchNorm":
            continue
        numbers = math.prod(node.inputs[0].shape) // max(math.prod(node.shape), 1)
        if numbers <= FEW_ROWS:
            rows = e.terms[0].labels.shape[0] if e.terms else numbers
            yield Finding(
                "batchnorm-few-rows",
                f"BatchNorm normalizes over only {numbers} numbers: a batch has {rows} rows",
                "with two numbers, each unit is -1 or 1 whatever the input, so that its gradient is 0",
                "use batches of at least 16 rows, or LayerNorm",
                e.source.call("Batches") or layer.line or e.line,
                layer.path,
            )


def dropout_too_high(e: Evidence) -> Findings:
    """Dropout with a high rate leaves too little for the next layer."""
    layers = {id(layer): layer for call in e.watch.calls for layer in call.layers}
    dropouts = [one for one in layers.values() if type(one).__name__ == "Dropout"]
    rates = [layer.rate for layer in dropouts]
    if max(rates, default=0) < 0.5 or e.learned > NOTHING:
        return
    masked = []
    for one in e.replayed:
        for node in one.gates("Hadamard"):
            if e.layer(node).kind == "Dropout":
                masked.append(node)
    layer = e.layer(masked[0]) if masked else Place()
    left = 100 * np.prod([1 - rate for rate in rates])
    finding = Finding(
        "dropout-too-high",
        f"dropout with rates of {', '.join(map(number, rates))} leaves too little: {number(left)}% of the "
        "paths",
        "most of the gradient is set to 0, and the rest is noise",
        "use rates between 0.1 and 0.5, and few of them",
        layer.line or e.line,
        layer.path,
    )
    trial = Trial(change=without(*masked))
    yield from proved(e, finding, trial, "without dropout")


def overfitting(e: Evidence) -> Findings:
    """The validation loss has its minimum early and then rises far, while the training loss falls."""
    if holds(e) is False:
        return  # it was never better than guessing
    for trainer, _ in e.watch.trainers:
        # a callback stops the run, or keeps the best weights, by a column of the history
        if any(hasattr(callback, "monitor") for callback in trainer.callbacks):
            return
    for series in e.held_out:
        held = [one.loss for one in series]
        moments = [0, *(one.passes for one in series)]
        train = [np.mean(e.losses[a:b]) for a, b in pairwise(moments)]
        best = int(np.argmin(held))
        late = len(held) - 1 - best >= max(LONG, len(held) // 2)
        # a network that has learned something may end above its best loss, but not above guessing
        worse = held[-1] > max(1.5 * held[best], e.baseline)
        if late and worse and train[-1] < 0.5 * train[best]:
            yield Finding(
                "overfitting",
                "the network learns the training rows by heart: the loss of other rows is lowest after "
                f"{series[best].passes:,} steps ({number(held[best])}) and then rises to "
                f"{number(held[-1])}, while the training loss falls to {number(train[-1])}",
                "the later gradients fit single rows instead of what they have in common",
                "stop early (optim.EarlyStopping, optim.BestWeights), or use more data, fewer weights, "
                "dropout or weight decay",
                e.line,
            )


def wrong_axis_metric(e: Evidence) -> Findings:
    """argmax along axis 0 compares the rows of a batch instead of the classes."""
    classes = any(term.classes for term in e.terms)
    for line in e.source.calls("argmax") if classes else ():
        if "axis=0" in line.text.replace(" ", ""):
            yield Finding(
                "metric-axis",
                "the predicted class is looked up with argmax along axis 0, which is the batch",
                "training is not affected, but the reported accuracy means nothing",
                "use argmax(axis=-1), the axis of the classes",
                line,
                certainty="likely",
            )


def sees_target(e: Evidence) -> Findings:
    """In a language model, the label of a step is the input of the next step. If a step depends on
    later inputs, it only has to copy them.
    """
    if e.term is None or not e.term.classes:
        return
    labels = e.term.labels.output
    for node in e.kept[0].ids:
        ids = node.output
        if np.array_equal(ids.ravel(), labels.ravel()):
            yield Finding(
                "sees-the-target",
                "the label of each step is the input of the same step, so that the network only copies",
                "the gradient teaches it to repeat its input",
                "shift by one step: inputs ids[:, :-1], labels ids[:, 1:]",
                e.line,
            )
        if not _continues(ids, labels):
            continue
        changed = ids.copy()
        changed[:, -1] = np.where(ids[:, -1] == ids.min(), ids.max(), ids.min())
        after = _with_input(e, node, changed)
        states = []
        seeing = []
        for state in e.nodes:
            before = e.first.outputs[state]
            if before.ndim == 3 and before.shape[:2] == ids.shape:
                states.append(state)
                if _differ(before[:, :-1], after[state][:, :-1]):
                    seeing.append(state)
        if states and states[-1] in seeing:
            yield Finding(
                "sees-the-target",
                "outputs depend on later inputs: the label of each step is the input of the next one, "
                "and the network can see it",
                "the gradient teaches the network to copy the next input, which does not exist yet when "
                "it writes",
                "use causal=True in the attention, a recurrent layer that reads in one direction, or "
                "a convolution that is padded on the left only",
                **e.where(seeing[0]),
            )
        return


def _with_input(e: Evidence, node: Node, array: Array) -> dict[Node, Array]:
    """Return the outputs of the first pass with another input."""
    return e.look(e.kept[0], e.watch.first | {node: array}).outputs


def _differ(before: Array, after: Array) -> bool:
    size = max(1.0, np.abs(before).max())
    return bool(np.abs(before - after).max() > 1e-6 * size)


def _continues(ids: Array, labels: Array) -> bool:
    """Return whether the labels are the inputs of the next steps. If the labels lack the padding
    (ids of 0 or below), only how often each number occurs is compared.
    """
    if labels.dtype.kind not in "iu" or ids.shape[1] < 3:
        return False
    if labels.size == ids.size:
        truth = labels.reshape(ids.shape)[:, :-1]
        same = (truth == ids[:, 1:])[truth > 0]
        return same.size > len(ids) and float(same.mean()) > 0.9
    following, truth = ids[:, 1:], labels[labels > 0]
    following = following[following > 0]
    most = max(following.max(initial=0), truth.max(initial=0)) + 1
    needed = np.bincount(following, minlength=most)
    counts = np.bincount(truth, minlength=most)
    shared = np.minimum(needed, counts).sum()
    return len(truth) > len(ids) and shared > 0.9 * max(len(following), 1)


def mask_inverted(e: Evidence) -> Findings:
    """A mask is True at real steps. If it is inverted, the layer reads only the padding."""
    inputs = [node.output for node in e.kept[0].inputs]
    padding = [ids == 0 for ids in inputs if ids.dtype.kind in "iu" and ids.ndim == 2]
    for call in e.watch.inner + e.watch.calls:
        mask = as_array(call.options.get("mask")).astype(bool)
        for zeros in padding:
            if zeros.any() and np.array_equal(mask, zeros):
                yield Finding(
                    "mask-inverted",
                    "the mask is True at the padding (id 0) and False at the words, so the layer "
                    "reads only padding",
                    "no gradient reaches the words",
                    "invert the mask: it is True at real steps, as in mask=ids != 0",
                    call.line,
                )


def validation_in_training(e: Evidence) -> Findings:
    """Rows that were trained on say nothing about new rows. Two cases are not reported: rows that
    contain only a few different numbers, because they may be equal by chance, and an evaluation on
    exactly the training rows, because it is intended.
    """
    rows = e.inputs
    if rows.dtype.kind != "f" or rows.ndim < 2 or len(rows) < 16:
        return
    if not np.isfinite(rows).all():
        return
    columns = rows.reshape(len(rows), -1).T[:50]
    seen = {row.tobytes() for row in rows}
    if max(len(np.unique(column)) for column in columns) < 0.3 * len(seen):
        return
    evaluated: list[Any] = []
    for _, validation in e.watch.trainers:
        evaluated += getattr(validation, "columns", [])[:1]
    evaluated += [array for _, array in _evaluated(e)]
    for array in evaluated:
        held = np.asarray(array)
        if held.shape[1:] != rows.shape[1:]:
            continue
        shared = sum(row.tobytes() in seen for row in held.astype(rows.dtype))
        if SHARED * len(held) < shared < len(held):
            yield Finding(
                "validation-in-training",
                f"{shared} of {len(held)} rows that are used for validation are also training rows",
                "training is not affected, but the validation says nothing about new rows",
                "split the rows first, as in x[:n] and x[n:], before anything is drawn or augmented",
                next(iter(e.source.origins(0, selections=True)), e.line),
            )


FIRST = (mask_inverted, sees_target, batchnorm_few_rows)
TRIED = (dropout_too_high,)
LAST = (
    training_mode_in_evaluation,
    evaluated_otherwise,
    batchnorm_statistics,
    wrong_axis_metric,
    overfitting,
    validation_in_training,
)
