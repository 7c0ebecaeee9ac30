"""Faults that show in the comparison of training and evaluation."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from minigrad.graph import Array, Node, ancestors

from .evidence import Evidence
from .finding import LITTLE, Finding, number, prove
from .reading import key, name
from .trial import Trial

FEW_ROWS = 3
RARE = 0.9
NOTHING = 0.2
SHARED = 0.2
AVERAGED = 4
NEVER = -1e3
"""Scores that are so small have no weight after a softmax."""
ENOUGH_ROWS = 20
SHIFTED, SCALED = 3.0, 5.0
LONG = 6
"""Fewer epochs after the best one are usual, because nobody knows the best one in advance."""


def _layers(model: Any) -> list[Any]:
    return [model, *getattr(model, "named_layers", dict)().values()]


def training_mode_in_evaluation(e: Evidence) -> Iterator[Finding]:
    """An evaluation with dropout on, or with BatchNorm's statistics of the batch."""
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


def _averages(e: Evidence) -> bool:
    """Whether the same rows are evaluated many times, to average over masks of dropout."""
    inputs = [
        call.inputs[0] for call in e.watch.calls if not call.trains and call.inputs
    ]
    if not inputs:
        return False
    same = [one for one in inputs if one is inputs[-1] or _equal(one, inputs[-1])]
    return len(same) > AVERAGED


def _equal(one: Any, other: Any) -> bool:
    return np.array_equal(*(getattr(x, "array", x) for x in (one, other)))


def own_dropout_in_evaluation(e: Evidence) -> Iterator[Finding]:
    """Dropout by hand, which does not look at the model's mode."""
    masks = [mask for mask in e.watch.factors if _drops(mask)]
    trained = [
        node
        for node in e.nodes
        if name(node) == "Hadamard"
        and any(_drops(one.output) for one in _constants(node))
    ]
    if not masks or not trained or type(e.layer(trained[0])[1]).__name__ == "Dropout":
        return
    yield Finding(
        "training-mode-in-evaluation",
        f"units are also dropped in evaluation: {(masks[-1] == 0).mean():.0%} of them are multiplied by "
        "0, and the others are scaled up",
        "training is not affected, but the results depend on chance",
        "drop units only in training: look at self.training of the layer, or use layers.Dropout and "
        "call model.eval()",
        e.caller(trained[0]),
    )


def _drops(mask: Array) -> bool:
    """Whether a mask is 0 with probability p, and 1 / (1 - p) otherwise."""
    if mask.ndim < 2 or mask.dtype.kind != "f" or mask.max() <= 1:
        return False
    kept = float((mask != 0).mean())
    return bool(
        np.isin(mask, (0, mask.max())).all()
        and 0 < kept < 1
        and abs(kept * mask.max() - 1) < 0.2
    )


def _constants(node: Node) -> list[Node]:
    return [one for one in node.inputs if one.gate is None and not one.requires_grad]


def scaled_differently(e: Evidence) -> Iterator[Finding]:
    """Rows that are evaluated on another scale than the training rows."""
    rows = e.inputs
    if rows.dtype.kind != "f" or rows.ndim < 2 or len(rows) < ENOUGH_ROWS:
        return
    mean, spread = rows.mean(axis=0), _rms(rows.std(axis=0))
    for call in e.watch.calls:
        held = (
            np.asarray(getattr(call.inputs[0], "array", call.inputs[0]))
            if call.inputs
            else rows
        )
        if call.trains or held.shape[1:] != rows.shape[1:] or len(held) < ENOUGH_ROWS:
            continue
        ratio = _rms(held.std(axis=0)) / spread if spread else 1.0
        shift = _rms(held.mean(axis=0) - mean) / spread if spread else 0.0
        if shift > SHIFTED or not 1 / SCALED < ratio < SCALED:
            yield Finding(
                "evaluated-on-another-scale",
                "the rows that are evaluated have another scale than those of the training: their "
                f"means differ by {number(shift)} standard deviations, and their deviations by a "
                f"factor of {number(ratio)}",
                "training is not affected, but the network has never seen such numbers",
                "scale all rows with the mean and deviation of the training rows, once",
                call.line,
            )
            return


def _rms(array: Array) -> float:
    return float(np.sqrt(np.square(array, dtype=np.float64).mean()))


def batchnorm_few_rows(e: Evidence) -> Iterator[Finding]:
    """With two rows, BatchNorm turns every unit into -1 and 1, whatever the input."""
    for node in e.nodes:
        if type(e.layer(node)[1]).__name__ != "BatchNorm" or name(node) not in (
            "Mean",
            "Var",
            "Std",
        ):
            continue
        numbers = math.prod(node.inputs[0].shape) // max(math.prod(node.shape), 1)
        if numbers <= FEW_ROWS:
            path, _, line = e.layer(node)
            yield Finding(
                "batchnorm-few-rows",
                f"BatchNorm normalizes over only {numbers} numbers: a batch has "
                f"{e.terms[0].labels.output.shape[0] if e.terms else numbers} rows",
                "with two numbers, each unit is -1 or 1 whatever the input, so that its gradient is 0",
                "use batches of at least 16 rows, or LayerNorm",
                (e.source.calls("Batches") or [line or e.passes[0].line])[0],
                path,
            )
            return


def dropout_too_high(e: Evidence) -> Iterator[Finding]:
    """Dropout that leaves too little for the next layer."""
    rates = {
        id(layer): layer.rate
        for call in e.watch.calls
        for layer in _layers(call.layer)
        if type(layer).__name__ == "Dropout"
    }
    if not rates or max(rates.values()) < 0.5 or e.learned > NOTHING:
        return
    masks: set[Node] = set()
    for one in e.kept:
        for node in e.nodes_of(one):
            if (
                name(node) == "Hadamard"
                and type(e.layer(node)[1]).__name__ == "Dropout"
            ):
                masks.add(node)
    keys = {key(node) for node in masks}
    dropped = [node for node in e.nodes if node in masks]
    path, _, line = e.layer(dropped[0]) if dropped else ("", None, None)
    finding = Finding(
        "dropout-too-high",
        f"dropout with rates of {', '.join(number(rate) for rate in rates.values())} leaves too little: "
        f"{number(100 * np.prod([1 - rate for rate in rates.values()]))}% of the paths",
        "most of the gradient is set to 0, and the rest is noise",
        "use rates between 0.1 and 0.5, and few of them",
        line or e.passes[0].line,
        path,
    )
    change = Trial(change=lambda node, inputs: inputs[0] if key(node) in keys else None)
    if prove(e, finding, change, "without dropout"):
        yield finding


def overfitting(e: Evidence) -> Iterator[Finding]:
    """The validation loss has its minimum early and then rises far, while the training loss falls."""
    if _keeps_the_best(e):
        return
    for series in e.held_out:
        held = [one.loss for one in series]
        moments = [0, *(one.passes for one in series)]
        train = [np.mean(e.losses[a:b]) for a, b in pairwise(moments)]
        best = int(np.argmin(held))
        wasted = len(held) - 1 - best
        # a network that has learned something may end above its best loss, but not above guessing
        worse = (
            held[-1] > max(1.5 * held[best], e.baseline)
            and train[-1] < 0.5 * train[best]
        )
        if worse and wasted >= max(LONG, len(held) // 2):
            yield Finding(
                "overfitting",
                "the network learns the training rows by heart: the loss of other rows is lowest after "
                f"{series[best].passes:,} steps ({number(held[best])}) and then rises to "
                f"{number(held[-1])}, while the training loss falls to {number(train[-1])}",
                "the later gradients fit single rows instead of what they have in common",
                "stop early (optim.EarlyStopping, optim.BestWeights), or use more data, fewer weights, "
                "dropout or weight decay",
                e.passes[0].line,
            )
            return


def _keeps_the_best(e: Evidence) -> bool:
    """Whether a callback stops the run, or keeps the best weights, by a column of the history."""
    return any(
        hasattr(callback, "monitor")
        for trainer, _ in e.watch.trainers
        for callback in trainer.callbacks
    )


def wrong_axis_metric(e: Evidence) -> Iterator[Finding]:
    """argmax along axis 0 compares the rows of a batch instead of the classes."""
    if not any(term.classes for term in e.terms):
        return
    for line in e.source.calls("argmax"):
        if "axis=0" in line.text.replace(" ", ""):
            yield Finding(
                "metric-axis",
                "the predicted class is looked up with argmax along axis 0, which is the batch",
                "training is not affected, but the reported accuracy means nothing",
                "use argmax(axis=-1), the axis of the classes",
                line,
                certainty="likely",
            )
            return


def sees_target(e: Evidence) -> Iterator[Finding]:
    """In a language model, the label of a step is the input of the next step. If a step depends on
    later inputs, it only has to copy them.
    """
    if not e.kept or len(e.terms) != 1 or not e.terms[0].classes:
        return
    one = e.kept[0]
    for node in e.ids(one):
        ids = node.output
        labels = e.parts(one)[0].labels.output
        if ids.size == labels.size and np.array_equal(ids.ravel(), labels.ravel()):
            yield Finding(
                "sees-the-target",
                "the label of each step is the input of the same step, so that the network only copies",
                "the gradient teaches it to repeat its input",
                "shift by one step: inputs ids[:, :-1], labels ids[:, 1:]",
                e.passes[0].line,
            )
            return
        if not _continues(ids, labels):
            continue
        changed = ids.copy()
        changed[:, -1] = np.where(ids[:, -1] == ids.min(), ids.max(), ids.min())
        before, after = e.outputs_of({}), e.outputs_of({node: changed})
        states = [n for n in before if n.shape[:2] == ids.shape and len(n.shape) == 3]
        seeing = [n for n in states if _differ(before[n][:, :-1], after[n][:, :-1])]
        if states and states[-1] in seeing:
            yield Finding(
                "sees-the-target",
                "outputs depend on later inputs: the label of each step is the input of the next one, "
                "and the network can see it",
                "the gradient teaches it to copy the next input, which is missing when it writes",
                "use causal=True in the attention, a recurrent layer that reads in one direction, or "
                "a convolution that is padded on the left only",
                **e.where(seeing[0]),
            )
        return


def _differ(before: Array, after: Array) -> bool:
    return bool(np.abs(before - after).max() > 1e-6 * max(1.0, np.abs(before).max()))


def _continues(ids: Array, labels: Array) -> bool:
    """Return whether the labels are the inputs of the next steps. Padding, 0 or below, may be left
    out, so the numbers are counted.
    """
    if labels.dtype.kind not in "iu" or ids.shape[1] < 3:
        return False
    if labels.size == ids.size:
        truth = labels.reshape(ids.shape)[:, :-1]
        same = (truth == ids[:, 1:])[truth > 0]
        return same.size > len(ids) and float(same.mean()) > 0.9
    following, truth = ids[:, 1:][ids[:, 1:] > 0], labels[labels > 0]
    most = max(following.max(initial=0), truth.max(initial=0)) + 1
    counts = [
        np.bincount(values.ravel(), minlength=most) for values in (following, truth)
    ]
    return len(truth) > len(ids) and np.minimum(*counts).sum() > 0.9 * max(
        len(following), 1
    )


def mask_inverted(e: Evidence) -> Iterator[Finding]:
    """A mask is True at real steps. Inverted, the layer reads only the padding."""
    for call in e.watch.inner + e.watch.calls:
        mask = call.options.get("mask")
        mask = getattr(mask, "array", mask)
        if mask is None or np.ndim(mask) != 2 or not e.kept:
            continue
        for node in e.data(e.kept[0]):
            ids = node.output
            padded = ids.dtype.kind in "iu" and (ids == 0).any()
            if padded and np.array_equal(np.asarray(mask, bool), ids == 0):
                yield Finding(
                    "mask-inverted",
                    "the mask is True at the padding (id 0) and False at the words, so the layer "
                    "reads only padding",
                    "no gradient reaches the words",
                    "invert the mask: it is True at real steps, as in mask=ids != 0",
                    call.line,
                )
                return


def masked_by_hand(e: Evidence) -> Iterator[Finding]:
    """A mask in a formula, which leaves only the padding: of the losses, or of the scores before a
    softmax.
    """
    losses = {term.node for term in e.terms}
    leaves = [n for n in e.nodes if n.gate is None and not n.requires_grad]
    whole = [leaf.output for leaf in leaves if leaf.output.dtype.kind in "iu"]
    whole += [term.labels.output for term in e.terms]
    for node in e.nodes:
        kind, constants = name(node), [one.output for one in _constants(node)]
        if kind == "Hadamard" and losses & set(ancestors([node])):
            kept = constants
        elif kind == "AddGate" and _scores(e, node):
            kept = [one > NEVER for one in constants if (one <= NEVER).any()]
        elif kind == "Where" and _scores(e, node) and len(constants) == 2:
            condition, filled = constants
            kept = (
                [condition == (node.inputs[2] in leaves)]
                if (filled <= NEVER).all()
                else []
            )
        else:
            continue
        for mask in kept:
            padding = [one.ravel() == 0 for one in whole if one.size == mask.size > 1]
            if any(np.array_equal(mask.ravel(), one) for one in padding):
                yield Finding(
                    "mask-inverted",
                    "a mask leaves only the padding (id 0), and hides the words",
                    "no gradient comes from the words",
                    "invert the mask, as in ids != 0",
                    e.caller(node),
                )
                return


def _scores(e: Evidence, node: Node) -> bool:
    return any(name(one) == "Softmax" for one in e.consumers.get(node, []))


def validation_in_training(e: Evidence) -> Iterator[Finding]:
    """Rows that were trained on say nothing about new rows. Rows of few different numbers may be equal
    by chance, and an evaluation on exactly the training rows is meant.
    """
    rows = e.inputs
    if (
        rows.dtype.kind != "f"
        or rows.ndim < 2
        or len(rows) < 16
        or not np.isfinite(rows).all()
    ):
        return
    flat = rows.reshape(len(rows), -1)
    seen = {row.tobytes() for row in flat}
    if max(len(np.unique(column)) for column in flat.T[:50]) < 0.3 * len(seen):
        return
    for array in _evaluated(e):
        held = np.asarray(array)
        if held.ndim < 2 or held.shape[1:] != rows.shape[1:]:
            continue
        held = held.astype(rows.dtype).reshape(len(held), -1)
        shared = sum(row.tobytes() in seen for row in held)
        if SHARED * len(held) < shared < len(held):
            yield Finding(
                "validation-in-training",
                f"{shared} of {len(held)} rows that are used for validation are also training rows",
                "training is not affected, but the validation says nothing about new rows",
                "split the rows first, as in x[:n] and x[n:], before anything is drawn or augmented",
                (e.source.origins(0, selections=True) or [e.passes[0].line])[0],
            )
            return


def _evaluated(e: Evidence) -> Iterator[Any]:
    """Yield the inputs of evaluations."""
    for _, validation in e.watch.trainers:
        yield from getattr(validation, "columns", [])[:1]
    for call in e.watch.calls:
        if not call.trains and call.inputs:
            yield getattr(call.inputs[0], "array", call.inputs[0])


def wrong_way(e: Evidence) -> Iterator[Finding]:
    """A callback keeps the best value of a column. Unless its name ends in "loss", higher counts as
    better, which is wrong for an error.
    """
    for trainer, _ in e.watch.trainers:
        rows = trainer.history.rows
        for callback in trainer.callbacks:
            monitor = getattr(callback, "monitor", "loss")
            # of the training rows: overfitting turns the metrics of others
            metric = f"train_{monitor.partition('_')[2]}"
            if monitor.endswith("loss") or len(rows) < 3 or metric not in rows[0]:
                continue
            values, loss = (
                [row[column] for row in rows] for column in (metric, "train_loss")
            )
            if (
                np.std(values) > 0
                and np.std(loss) > 0
                and np.corrcoef(values, loss)[0, 1] > 0.7
            ):
                yield Finding(
                    "monitor-wrong-way",
                    f"{type(callback).__name__} looks for the highest {monitor}, but it falls with the "
                    "loss, so lower is better",
                    "the gradient is not affected, but the run stops early or keeps its worst weights",
                    'name a metric of errors so that it ends in "loss", or monitor "validation_loss"',
                    (e.source.calls(type(callback).__name__) or [e.passes[0].line])[0],
                )
                return


def imbalance(e: Evidence) -> Iterator[Finding]:
    """If one class is rare, always predicting the other one already has a low loss."""
    if len(e.terms) != 1 or e.learned > LITTLE or not e.kept:
        return
    (term,) = e.terms
    values, counts = np.unique(e.labels, return_counts=True)
    if not term.classes and term.kind != "BinaryCrossEntropy":
        return
    if len(values) > 20 or len(values) < 2 or counts.max() < RARE * counts.sum():
        return
    outputs = e.last.outputs[e.parts(e.kept[-1])[0].output]
    guesses = outputs.argmax(axis=-1) if term.classes else outputs > 0
    if (guesses == guesses.reshape(-1)[0]).all():
        yield Finding(
            "classes-imbalanced",
            f"{counts.max() / counts.sum():.0%} of the labels are {values[counts.argmax()]}, and the "
            "network predicts this for every row",
            "the rare rows have so little share in the gradient that the bias alone reduces the loss",
            "give the rare class a larger weight (weights=), or draw its rows more often, and "
            "judge by recall instead of accuracy",
            e.loss_line,
            certainty="likely",
            decide="train on as many rows of each class: are both predicted then?",
        )


def positions_missing(e: Evidence) -> Iterator[Finding]:
    """Attention sees a set. Without positions, exchanging two steps changes nothing."""
    attention = [node for node in e.nodes if name(node) == "ScaledDotProductAttention"]
    ids = e.ids(e.kept[0]) if e.kept else []
    if (
        not attention
        or attention[0].gate.causal
        or not ids
        or len(e.terms) != 1
        or e.learned > LITTLE
    ):
        return
    output = e.terms[0].output
    before = e.outputs_of({})[output]
    backwards = {ids[0]: np.ascontiguousarray(ids[0].output[:, ::-1])}
    after = e.outputs_of(backwards)[output]
    # small positions make small differences, but larger ones than rounding
    same = np.abs(before - after).max() < 1e-5 * np.abs(before).max()
    if len(before.shape) == 2 and same:
        path, _, line = e.layer(attention[0])
        yield Finding(
            "positions-missing",
            "the order of the steps makes no difference: with reversed inputs, the outputs are the same",
            "attention treats its steps as a set, so the gradient cannot teach it anything about order",
            "add positions after the embedding, as PositionalEmbedding or PositionalEncoding do",
            line or e.passes[0].line,
            path,
        )


FIRST = (wrong_way, mask_inverted, masked_by_hand, sees_target, batchnorm_few_rows)
TRIED = (dropout_too_high, positions_missing)
LAST = (
    training_mode_in_evaluation,
    own_dropout_in_evaluation,
    scaled_differently,
    wrong_axis_metric,
    overfitting,
    imbalance,
    validation_in_training,
)
