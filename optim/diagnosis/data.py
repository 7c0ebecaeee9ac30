"""Faults of the data, as it went by: labels, ids, scales, the order of the rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import numpy as np

import minigrad as mg
from minigrad.graph import Array, Node

from .evidence import Evidence, final
from .finding import LITTLE, Finding, number, prove
from .reading import NORMALIZING, PRODUCTS, SEQUENCES, key, name
from .start import glorot
from .trial import Trial
from .watch import Line

RECURRENT = re.compile("RNN|GRU|LSTM|Cell")
ROWS = 8
"""Fewer rows show nothing about the data."""
LARGE, SMALL = 20.0, 0.02
"""Columns of standard inputs have a size of about 1. Weights are drawn for that."""
MOSTLY = 0.6
UNKNOWN_IDS = 0.5
SHARE_MISSING = 0.2
MANY_CLASSES = 100
SCALING = ("Div", "scale", "transform", "normalize", "standardize")
MANY = 200
RARE = 0.9
EVALUATIONS = 3
ALIGNED = "print a few rows of the inputs with their labels, and see whether they belong together"
UNLIKELY = 1e-3


def _listed(lines: list[Line]) -> str:
    return ", ".join(f"line {line.number}" for line in lines[:4])


def place(e: Evidence, position: int, *calls: str) -> Line:
    """Return the line where the inputs (0) or labels (1) come from: the first of their assignments
    that calls one of these functions, the last assignment, or the line that runs the training.
    """
    origins = e.source.origins(position)
    for call in calls:
        for line in e.source.calls(call):
            if line in origins:
                return line
    return (origins or e.source.calls("Batches") or [e.passes[0].line])[0]


def _flat(rows: Array) -> Array:
    """Return (rows, columns) of float64."""
    return (
        rows.reshape(len(rows), -1).astype(np.float64)
        if rows.ndim
        else rows.reshape(1, 1)
    )


def not_finite(e: Evidence) -> Iterator[Finding]:
    """One NaN in a batch makes every parameter NaN. `backward` refuses such a loss, so the batch is
    usually that of the pass that failed.
    """
    one = e.watch.failed
    if one is None:
        found = [("inputs", e.inputs), ("labels", e.labels)]
        line = e.passes[0].line if e.passes else None
    else:
        found = [("inputs of the last batch", node.output) for node in e.data(one)]
        found += [
            ("labels of the last batch", part.labels.output) for part in e.parts(one)
        ]
        line = one.line
    for what, rows in found:
        if rows.dtype.kind == "f" and not np.isfinite(rows).all():
            bad = int((~np.isfinite(rows)).sum())
            yield Finding(
                "data-not-finite",
                f"{bad} of {rows.size} {what} are NaN or infinite",
                "every gradient becomes NaN, and then every parameter",
                "remove these rows, or replace the values, before training",
                line,
            )
            return


def labels_constant(e: Evidence) -> Iterator[Finding]:
    """If every label is the same, the network learns a constant."""
    every = [part.labels.output.ravel() for one in e.kept for part in e.parts(one)]
    labels = np.concatenate(every or [np.zeros(0)])
    if labels.size < ROWS or not (labels == labels.reshape(-1)[0]).all():
        return
    yield Finding(
        "labels-constant",
        f"all {labels.size} labels are {number(labels.reshape(-1)[0])}",
        "the loss is smallest for the same output everywhere, so the inputs do not matter",
        "look at the labels before training, as in np.unique(labels); scaling along the wrong axis "
        "or an integer division can make them equal",
        place(e, 1, "scale", "normalize", "FloorDiv"),
    )


def inputs_constant(e: Evidence) -> Iterator[Finding]:
    """If every row is the same, no output can depend on the input."""
    every = [e.inputs_of(number) for number in range(len(e.data(e.kept[0])))]
    rows = e.inputs
    if len(rows) < ROWS or len(np.unique(e.labels)) < 2:
        return
    if any(len(one) and (one != one[0]).any() for one in every if one.ndim):
        return
    flat = rows.reshape(len(rows), -1)
    value = (
        f"all are {number(flat[0, 0])}"
        if (flat == flat[0, 0]).all()
        else "all rows are equal"
    )
    yield Finding(
        "inputs-constant",
        f"the inputs of all {len(rows)} rows are the same: {value}",
        "the gradient of the first weights is 0 or the same for every row",
        "look at the inputs before training; an integer division (//) of bytes, a cast or an empty "
        "selection can destroy them",
        place(e, 0, "FloorDiv", "std", "get", "mean", "astype"),
    )


def rows_sorted(e: Evidence) -> Iterator[Finding]:
    """If a batch has rows of one class only, each step unlearns the other classes."""
    if len(e.terms) != 1 or len(e.kept) < 3:
        return
    (term,) = e.terms
    batches = [part.labels.output for one in e.kept for part in e.parts(one)]
    if (
        term.kind not in ("SoftmaxCrossEntropy", "BinaryCrossEntropy")
        or term.labels.output.size < 4
    ):
        return
    single = sum((batch == batch.reshape(-1)[0]).all() for batch in batches)
    _, counts = np.unique(e.labels, return_counts=True)
    if len(counts) < 2 or single < MOSTLY * len(batches):
        return
    # in shuffled rows, a batch has a single class with this chance, which is high for rare classes
    chance = float(((counts / counts.sum()) ** term.labels.output.size).sum())
    if 2.0 ** len(batches) * chance**single > UNLIKELY:
        return
    finding = Finding(
        "rows-sorted",
        f"{single} of {len(batches)} batches have rows of only one class: the rows are sorted by "
        "class and not shuffled",
        "each step moves all outputs towards one class, and the next batch undoes it",
        "shuffle the rows, as Batches(..., shuffle=True) does in every epoch",
        (e.source.calls("Batches") or [e.passes[0].line])[0],
    )
    prove(e, finding, _shuffled(e), "with the rows of all steps shuffled")
    yield finding


def _shuffled(e: Evidence) -> Trial:
    """Return a trial in which the rows of all kept passes, with their labels, change places."""
    columns = zip(
        *([*e.data(one), *(part.labels for part in e.parts(one))] for one in e.kept),
        strict=False,
    )
    arrays: dict[Node, Array] = {}
    for nodes in columns:
        rows = [node.output for node in nodes]
        if len({array.shape[1:] for array in rows}) > 1:
            return Trial()
        every = np.concatenate(rows)
        mixed = every[np.random.default_rng(0).permutation(len(every))]
        ends = np.cumsum([len(array) for array in rows])[:-1]
        arrays |= zip(nodes, np.split(mixed, ends), strict=True)
    return Trial(leaf=arrays.get)


def classes_missing(e: Evidence) -> Iterator[Finding]:
    """Rows that are sorted by class and then split leave the last classes for the evaluation."""
    if len(e.terms) != 1 or not e.terms[0].classes or len(e.kept) < len(e.passes):
        return
    evaluated = [one.truth.ravel() for series in e.held_out for one in series[-1:]]
    truth = np.concatenate(evaluated or [np.zeros(0, int)])
    missing = np.setdiff1d(truth, e.labels)
    share = np.isin(truth, missing).mean() if len(truth) else 0.0
    if len(truth) >= ROWS and share > SHARE_MISSING:
        yield Finding(
            "classes-missing",
            f"{share:.0%} of the labels in the evaluation are classes that never occur in training: "
            f"{', '.join(str(one) for one in missing[:5])}",
            "no gradient ever asks for these classes",
            "shuffle the rows before they are split, because they are sorted by class",
            place(e, 1),
        )


def labels_change(e: Evidence) -> Iterator[Finding]:
    """If the same row has another label each time it comes, inputs and labels were shuffled apart."""
    labels: dict[bytes, set[bytes]] = {}
    again = 0
    if len(e.terms) != 1 or len(np.unique(e.labels)) > MANY_CLASSES:
        return
    # rows of ids, such as two letters, may be followed by different labels
    if e.learned > LITTLE or e.inputs.dtype.kind != "f":
        return
    for one in e.kept:
        nodes, parts = e.data(one), e.parts(one)
        truth = parts[0].labels.output if parts else np.zeros(0)
        if not nodes or any(len(node.output) != len(truth) for node in nodes):
            return
        for *row, label in zip(*(node.output for node in nodes), truth, strict=True):
            inputs = b"".join(part.tobytes() for part in row)
            before = labels.setdefault(inputs, set())
            again += bool(before)
            before.add(label.tobytes())
    several = sum(len(found) > 1 for found in labels.values())
    if again < MANY or len(labels) < MANY // 4 or several < 0.5 * len(labels):
        return
    lines = e.source.reordering()
    yield Finding(
        "labels-change",
        f"the same inputs come with different labels: {several} of {len(labels)} different rows",
        "the gradients of a row contradict each other, so only the mean of all labels can be learned",
        "shuffle inputs and labels with one order, as in x[order], y[order]",
        (lines or [place(e, 1)])[-1],
    )


def integers_wrapped(e: Evidence) -> Iterator[Finding]:
    """Whole numbers that fill exactly the range of an integer type have probably left it: one more
    than the largest number is the smallest.
    """
    for what, position, rows in (("inputs", 0, e.inputs), ("labels", 1, e.labels)):
        values = rows.astype(np.float64) if rows.dtype.kind in "iuf" else np.zeros(0)
        if len(values) < MANY or not np.array_equal(values, np.round(values)):
            continue
        for kind in (np.int8, np.int16, np.uint16):
            low, high = np.iinfo(kind).min, np.iinfo(kind).max
            near = (high - low) / 100
            if 0 <= values.min() - low < near and 0 <= high - values.max() < near:
                yield Finding(
                    "integers-wrapped",
                    f"the {what} are whole numbers from {values.min():.0f} to {values.max():.0f}, the "
                    f"range of {kind.__name__}: results beyond it have probably wrapped around",
                    "the gradient follows numbers that have nothing to do with the true ones",
                    "convert to float before you calculate, as in x.astype(np.float32)",
                    place(e, position, "Mult", "Add", "astype"),
                    certainty="likely",
                    decide="compute one row again with float64, and compare",
                )
                return


def target_in_inputs(e: Evidence) -> Iterator[Finding]:
    """A column of the inputs that is the label makes the task trivial, until it is not known."""
    labels, rows = e.labels, e.inputs
    if (
        len(rows) < 5 * ROWS
        or rows.ndim != 2  # a sequence may begin with what must be remembered
        or e.ids(e.kept[0])
        or rows.dtype.kind not in "fiub"
        or len(rows) != len(labels)
    ):
        return
    flat, truth = _flat(rows), _flat(labels)
    if (
        truth.shape[1] != 1
        or flat.shape[1] < 2
        or not np.isfinite(flat).all()
        or truth.std() == 0
    ):
        return
    spread = flat.std(axis=0)
    columns = np.flatnonzero(spread > 0)
    moved = (flat[:, columns] - flat[:, columns].mean(0)) / spread[columns]
    similar = np.abs(moved.T @ (truth[:, 0] - truth.mean())) / (len(flat) * truth.std())
    if not similar.size or similar.max() < 0.9999:
        return
    column = int(columns[similar.argmax()])
    yield Finding(
        "target-in-inputs",
        f"column {column} of the inputs is the label itself (correlation {similar.max():.4f})",
        "the gradient makes the network copy this column, and ignore all others",
        f"remove column {column} from the inputs; when the answer is not known yet, it has no meaning",
        (e.source.origins(0, selections=True) or [place(e, 0)])[0],
    )


def with_arrays(nodes: set[Node], change: Callable[[Array], Array]) -> Trial:
    """Return a trial in which the arrays of some constants are changed."""
    return Trial(leaf=lambda node: change(node.output) if node in nodes else None)


def first_inputs(e: Evidence) -> set[Node]:
    """Return the first input of each kept pass."""
    return {node for one in e.kept for node in e.data(one)[:1]}


def _scaled(e: Evidence) -> Trial:
    """Return a trial in which each column of the inputs has mean 0 and standard deviation 1."""
    mean, spread = e.inputs.mean(axis=0), e.inputs.std(axis=0)
    if e.inputs.ndim > 2:  # pixels and steps share a scale
        mean, spread = e.inputs.mean(), e.inputs.std()
    spread = np.where(spread > 0, spread, 1)
    return with_arrays(first_inputs(e), lambda x: ((x - mean) / spread).astype(x.dtype))


def inputs_unscaled(e: Evidence) -> Iterator[Finding]:
    """Large inputs saturate the first layer, and make its gradients large compared with the other
    layers'. Columns of very different sizes do it for some columns.
    """
    rows = e.inputs
    if (
        rows.dtype.kind != "f"
        or len(rows) < ROWS
        or not np.isfinite(rows).all()
        or _normalized(e)
    ):
        return
    flat = np.abs(_flat(rows))
    sizes = np.sqrt((flat**2).mean(axis=0))
    sizes = sizes[sizes > 0]
    if not sizes.size or (sizes.max() < LARGE and sizes.max() > SMALL):
        return
    low, high = number(rows.min()), number(rows.max())
    finding = Finding(
        "inputs-unscaled",
        (
            "the inputs are tiny, as if they were scaled twice"
            if sizes.max() < SMALL
            else "the inputs are not scaled"
        )
        + f": they lie between {low} and {high}"
        + (
            f", and the sizes of their columns differ by a factor of {number(sizes.max() / sizes.min())}"
            if rows.ndim == 2 and sizes.max() > 10 * sizes.min()
            else ""
        ),
        "the gradient of a weight is proportional to its input, so one rate cannot suit all weights, "
        "and the first layer's units saturate or die",
        "subtract the mean of the training inputs and divide by their standard deviation, column by "
        "column, and use the scaled copy",
        (
            e.source.dropped_scaling()
            or [place(e, 0, *(SCALING if sizes.max() < SMALL else ()))]
        )[0],
    )
    if prove(e, finding, _scaled(e), "with inputs of mean 0 and deviation 1"):
        yield finding


def _normalized(e: Evidence) -> bool:
    """Whether a normalization comes before the first weights."""
    for node in e.nodes:
        if name(node) in NORMALIZING:
            return True
        if name(node) in PRODUCTS | SEQUENCES:
            return False
    return False


def targets_unscaled(e: Evidence) -> Iterator[Finding]:
    """The outputs of a new network have a size of about 1. Targets of other sizes need huge weights
    or steps.
    """
    if len(e.terms) != 1 or e.terms[0].kind != "MeanSquaredError" or e.learned > LITTLE:
        return
    labels = e.labels.astype(np.float64)
    spread, mean = labels.std(), labels.mean()
    if max(spread, abs(mean)) < 5 * LARGE or spread == 0:
        return
    nodes = {part.labels for one in e.kept for part in e.parts(one)}
    trial = with_arrays(nodes, lambda y: ((y - mean) / spread).astype(y.dtype))
    losses = e.attempt(trial)
    scaled = [loss * spread**2 for loss in losses]
    finding = Finding(
        "targets-unscaled",
        f"the targets are not scaled: they lie between {number(labels.min())} and "
        f"{number(labels.max())}",
        "the loss and its gradients are huge, and the outputs have to grow far before they fit",
        "train on (y - y.mean()) / y.std(), and undo it for predictions",
        place(e, 1),
    )
    if losses and e.repeatable and e.progress(scaled) > e.learned + 0.15:
        finding.certainty, finding.run, finding.trial = "proved", e.control, scaled
        finding.changed = "with targets of mean 0 and deviation 1, in the run's units"
    else:
        finding.certainty = "likely"
        finding.decide = (
            "train on scaled targets, and compare the losses divided by the variance"
        )
    yield finding


def ids_unknown(e: Evidence) -> Iterator[Finding]:
    """If most words have the same id, the network sees the same text everywhere."""
    for node in e.nodes:
        if name(node) not in ("Lookup", "LookupProduct"):
            continue
        ids = node.inputs[1].output
        values, counts = np.unique(ids[ids != 0], return_counts=True)  # 0 is padding
        if not values.size or counts.sum() < 5 * ROWS or node.inputs[0].shape[0] < 10:
            continue
        share = counts.max() / counts.sum()
        if share > UNKNOWN_IDS:
            yield Finding(
                "ids-unknown",
                f"{share:.0%} of the ids are {values[counts.argmax()]}, as for unknown words",
                "the gradient goes to one row of the embedding, and the rows of the words get none",
                "split the texts into words in the same way as for the vocabulary (lower case, "
                "punctuation), and count how many ids are unknown",
                place(e, 0, "encode"),
            )
            return


def axes_swapped(e: Evidence) -> Iterator[Finding]:
    """A recurrent layer reads (batch, time, features). If both axes have the same size, an array with
    time first passes unnoticed.
    """
    rows = (
        [node for node in e.data(e.kept[0])[:1] if node.output.ndim == 3]
        if e.kept
        else []
    )
    steps = any(name(node) in SEQUENCES or "t00" in node.scope for node in e.nodes)
    if not rows or not steps or rows[0].output.shape[0] != rows[0].output.shape[1]:
        return
    trial = with_arrays(
        first_inputs(e), lambda x: np.ascontiguousarray(x.swapaxes(0, 1))
    )
    finding = Finding(
        "axes-swapped",
        f"the axes of time and batch are exchanged in an input of shape {rows[0].output.shape}",
        "the state runs from one example to the next, so that the gradient mixes examples",
        "pass (batch, time, features), as in x.swapaxes(0, 1)",
        next((c.line for c in e.watch.calls), e.passes[0].line),
    )
    if prove(e, finding, trial, "with both axes exchanged"):
        yield finding


def padding_read(e: Evidence) -> Iterator[Finding]:
    """A recurrent layer that reads padding after the words forgets the words."""
    calls = e.watch.inner + e.watch.calls
    masks = [c.options.get(option) for c in calls for option in ("mask", "lengths")]
    if any(mask is not None for mask in masks):
        return
    nodes = {node for one in e.kept for node in e.ids(one)}
    padded = [node.output == 0 for node in nodes]
    if not padded:
        return
    first, last = (
        np.mean(np.concatenate([rows[:, step] for rows in padded])) for step in (0, -1)
    )
    if last < MOSTLY or first > last:
        return
    finding = Finding(
        "padding-read",
        f"the padding after the words is read like words: {last:.0%} of the rows end with the id 0, and "
        "nothing masks it",
        "the last state has forgotten the words, and no gradient reaches them",
        "pass mask=ids != 0, or pad on the left (the default of minigrad.data.pad)",
        next(
            (
                call.line
                for call in calls
                if RECURRENT.search(type(call.layer).__name__)
            ),
            next((call.line for call in calls), e.passes[0].line),
        ),
    )
    trial = with_arrays(nodes, _padding_first)
    if prove(e, finding, trial, "with the padding before the words"):
        yield finding


def _padding_first(ids: Array) -> Array:
    """Move the padding after the words to the front of each row."""
    lengths = (ids != 0).sum(axis=1)
    rows = [np.roll(row, len(row) - n) for row, n in zip(ids, lengths, strict=True)]
    return np.stack(rows)


def state_carried(e: Evidence) -> Iterator[Finding]:
    """The state at the end of one batch is the start of the next, although its rows do not continue
    the former ones.
    """
    calls = [call for call in e.watch.calls + e.watch.inner if len(call.inputs) > 1]
    carried = [call for call in calls if call.inputs[1] is not None and call.trains]
    if len(carried) < 2 or not e.kept:
        return
    states: set[Node] = set()
    for call in carried:
        state = call.inputs[1]
        parts = state if isinstance(state, tuple | list) else [state]
        states |= {part.node for part in parts if isinstance(part, mg.Tensor)}
    users = {
        (key(node), place)
        for one in e.kept
        for node in e.nodes_of(one)
        for place, parent in enumerate(node.inputs)
        if parent in states
    }
    nodes = {
        parent
        for one in e.kept
        for node in e.nodes_of(one)
        for place, parent in enumerate(node.inputs)
        if parent.gate is None
        and not parent.requires_grad
        and (key(node), place) in users
    }

    line = carried[-1].line
    finding = Finding(
        "state-carried",
        "the state of one batch is the start of the next one, although other rows follow",
        "the outputs depend on earlier, unrelated examples, which the gradient cannot see",
        "start each batch with the state None, also where you evaluate, unless its rows continue those of "
        "the batch before",
        next((one for one in e.source.calls("detach") if one.near(line)), line),
    )
    trial = with_arrays(nodes, np.zeros_like)
    if nodes and prove(e, finding, trial, "with a state of zeros for each batch"):
        yield finding


def labels_misaligned(e: Evidence) -> Iterator[Finding]:
    """If the labels belong to other rows, the network can only learn by heart: batches that it has
    not seen yet stay at the loss of guessing, although a single batch can be learned.
    """
    if len(e.terms) != 1 or not np.isfinite(e.baseline) or len(e.kept) < 4:
        return
    _, counts = np.unique(e.labels, return_counts=True)
    if counts.max() > RARE * counts.sum():  # guessing is nearly always right
        return
    validation = _at_chance(e)
    lines = _reordering(e)
    if validation:
        yield Finding(
            "labels-misaligned",
            "the labels do not seem to belong to the inputs: the training rows are learned by heart, "
            f"but on other rows the network only guesses ({validation})",
            "each gradient fits single rows, and the gradients of different rows have nothing in common",
            "keep inputs and labels together: shuffle both with one order (x[order], y[order]), leave out the "
            "same rows of both, and transpose a table instead of reshaping it"
            + (f"; look at {_listed(lines)}" if lines else ""),
            lines[0] if lines else e.passes[0].line,
            certainty="likely",
            decide=ALIGNED,
        )
        return
    if e.learned > 0.1 or len(e.updates) < MANY:
        return
    every = e.attempt(Trial(start=glorot, adam=True, clear=True))
    one = e.attempt(Trial(start=glorot, adam=True, clear=True, one_batch=True))
    if len(every) < MANY or not one:  # a short run, or a slow network, shows nothing
        return
    if e.progress(every) < 0.15 and e.progress(one) > LITTLE:
        yield Finding(
            "labels-misaligned",
            "the labels do not seem to belong to the inputs: one batch can be learned by heart, but "
            "all batches together cannot, not even with Adam and new weights",
            "the gradients of different batches have nothing in common, and cancel",
            "keep inputs and labels together: shuffle both with one order (x[order], y[order]), and leave out "
            "the same rows of both" + (f"; look at {_listed(lines)}" if lines else ""),
            lines[0] if lines else place(e, 1),
            certainty="likely",
            decide=ALIGNED,
            run=every,
            trial=one,
            curve="all batches, with Adam",
            changed="with Adam, and one batch only",
        )


def _reordering(e: Evidence) -> list[Line]:
    """Return the lines that may have separated the inputs from the labels."""
    origins = e.source.origins(0)
    return e.source.reordering() or [
        line for line in e.source.calls("reshape") if line in origins
    ]


def _at_chance(e: Evidence) -> str:
    """Return the evaluation's result if it is that of guessing while training is far better."""
    _, counts = np.unique(e.labels, return_counts=True)
    chance = counts.max() / counts.sum()
    moments = list(zip(*e.held_out, strict=True))
    if len(moments) < EVALUATIONS or e.learned < 0.1:
        return ""
    labels = sum(one.truth.size for one in moments[0])
    losses = [np.mean([one.loss for one in moment]) for moment in moments]
    right = [np.mean([one.right for one in moment]) for moment in moments]
    if labels < MANY or min(losses) < e.baseline or not max(right) < chance + 0.05:
        return ""
    return (
        f"{right[-1]:.0%} right there, and a loss of {number(losses[-1])}, against "
        f"{number(final(e.losses))} in training"
    )


FIRST = (
    not_finite,
    labels_constant,
    ids_unknown,
    inputs_constant,
    rows_sorted,
    classes_missing,
    labels_change,
    integers_wrapped,
    target_in_inputs,
)
"""Before outputs and weights are looked at: these are seen in the data itself."""
TRIED = (axes_swapped, padding_read, state_carried, inputs_unscaled, targets_unscaled)
LAST = (labels_misaligned,)
