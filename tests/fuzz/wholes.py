"""Operands of all dtypes, schedules, batches, texts and small parts of training, each
against a slow way.
"""

from __future__ import annotations

import contextlib
import io
import math
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import minigrad as mg
import optim
from layers import Dense
from minigrad.data import Batches, Characters, Stream, Vocabulary, lengths, mask, pad

from .draw import Array, Draw, same
from .formulas import FORMULAS

INTEGERS = ("bool", "int8", "int32", "int64", "uint8", "uint32")
FLOATS = ("float16", "float32", "float64")
# NumPy's functions, with the number of operands
MIXED = {
    "where": 3,
    "maximum": 2,
    "minimum": 2,
    "add": 2,
    "subtract": 2,
    "multiply": 2,
    "divide": 2,
    "power": 2,
    "matmul": 2,
    "concatenate": 3,
    "stack": 2,
}


def mixed(draw: Draw) -> None:
    """A function of plain numbers, NumPy's numbers, arrays and Tensors of all dtypes: the value,
    dtype and gradients.

    By the docs a number takes the dtype of the first Tensor of floats; what else there is combines
    as in NumPy.
    """
    name = draw.pick(*MIXED)
    arrays_only = name in ("matmul", "concatenate", "stack")
    size = 2 if name == "matmul" else draw.between(1, 3)
    dtypes = INTEGERS + 2 * FLOATS
    common = draw.pick(*dtypes)
    operands = []
    for place in range(MIXED[name]):
        condition = name == "where" and not place
        dtype = draw.pick("bool" if condition else common, draw.pick(*dtypes))
        low = 0 if dtype[0] in "bu" else -4
        array = draw.array(
            draw.rng.integers(low, 2 if dtype == "bool" else 5, (2, size)), dtype
        )
        tensor = mg.Tensor(
            array, requires_grad=dtype in ("float32", "float64") and draw.yes()
        )
        n = draw.between(0, 3)
        kinds = [tensor, tensor, array]
        if not arrays_only and not condition:
            kinds += [array[0, 0], array[0, 0], n > 0, n, n / 4]
        operands.append(draw.pick(*kinds))
    counted = operands[name == "where" :]  # a condition has no say
    tensors = [one for one in operands if isinstance(one, mg.Tensor)]
    known = [one.dtype for one in counted if isinstance(one, (mg.Tensor, np.ndarray))]
    if not tensors or not known:
        return
    floats = [
        one.dtype
        for one in counted
        if isinstance(one, mg.Tensor) and one.dtype.kind == "f"
    ]
    beside = floats[0] if floats else np.result_type(*known)

    def plain(one: Any) -> Any:
        if isinstance(one, (mg.Tensor, np.ndarray)):
            return getattr(one, "array", one)
        if beside.kind == "f":
            return np.array(one, beside)
        if isinstance(one, np.generic):
            return np.array(one)
        weak = np.float32 if isinstance(one, float) else type(one)(0)
        return np.array(one, np.result_type(beside, weak))

    function = getattr(np, name)
    together = name in ("concatenate", "stack")
    try:
        found = function(operands) if together else function(*operands)
    except mg.MinigradError:
        return  # refusing is allowed, in words: NumPy refuses too, or the number fits no such dtype
    arrays = [plain(one) for one in operands]
    expected = function(arrays) if together else function(*arrays)
    what = f"{name} of " + ", ".join(
        f"{type(one).__name__} {getattr(one, 'dtype', one)}" for one in operands
    )
    assert found.dtype == expected.dtype, (
        f"{what} is {found.dtype}, not {expected.dtype}"
    )
    same(what, found.array, expected)
    if found.requires_grad:
        found.backward(np.ones(found.shape, found.dtype))
        for one in tensors:
            if one.grad is not None:
                form = (one.grad.dtype, one.grad.shape)
                assert form == (one.dtype, one.shape), f"{what}: a gradient is {form}"


def narrow(draw: Draw) -> None:
    """Reductions of narrow dtypes whose numbers are so large that a sum leaves their range."""
    dtype = draw.pick("float16", "float16", "int8", "uint8", "int16", "int32", "uint32")
    most = float(np.finfo(dtype).max if dtype == "float16" else np.iinfo(dtype).max)
    # where only squares leave the range, sums of many numbers, or of two
    most *= draw.pick(0.002, 0.1, 0.9)
    low = draw.pick(0.5, 0.0 if dtype[0] == "u" else -1.0)
    x = draw.array(most * draw.rng.uniform(low, 1, (2, draw.between(1, 40))), dtype)
    t = mg.Tensor(x)
    wide = x.astype(float)
    axis = draw.pick(None, 0, 1, -1)
    errors = [] if dtype == "float16" else ["mean_squared_error", "mean_absolute_error"]
    name = draw.pick("sum", "mean", "var", "std", "cumsum", "logsumexp", *errors)
    if name in errors:
        found = getattr(mg, name)(t, x[::-1].copy())
        expected = getattr(FORMULAS, name)(wide, wide[::-1], "mean")
    elif name == "logsumexp":
        found = t.logsumexp(axis=axis)
        expected = FORMULAS.logsumexp(wide, axis)
    else:
        axis = axis or 0 if name == "cumsum" else axis
        found = getattr(t, name)(axis=axis)
        expected = getattr(x, name)(axis=axis)
        if dtype == "float16":  # NumPy's squares and sums leave the range
            expected = getattr(wide, name)(axis=axis).astype(dtype)
        assert found.dtype == expected.dtype, f"{name} of {dtype} is {found.dtype}"
    same(f"{name} of {dtype} {x.tolist()} by {axis}", found.array, expected)


def schedules(draw: Draw) -> None:
    """Factors at all steps, the borders included."""
    n = draw.between(1, 6)
    factor = draw.pick(0.1, 0.5, 1.0)
    warm = draw.between(0, 4)

    def cosine(step: int) -> Any:
        part = math.cos(math.pi * min(step / n, 1) / 2) ** 2
        return factor + (1 - factor) * part

    choices: list[tuple[Any, Callable[[int], float]]] = [
        (optim.StepSchedule(n, factor), lambda step: factor ** (step // n)),
        (optim.CosineSchedule(n, factor), cosine),
    ]
    schedule, formula = draw.pick(*choices)
    whole = optim.WarmUp(warm, schedule) if warm else schedule
    for step in range(15):
        expected = (step + 1) / warm if step < warm else formula(step - warm)
        same(f"{schedule} after {warm} steps at {step}", whole(step), expected)


def batches(draw: Draw) -> None:
    """Rows by rows over some epochs, from any position of another object, and with rows of
    different lengths.
    """
    rows = draw.between(1, 11)
    size = draw.between(1, 5)
    shuffle = draw.yes()
    seed = draw.between(0, 2)
    x = draw.array(draw.normal(rows, 2))
    expected = []
    ragged = [draw.rng.integers(1, 9, draw.between(0, 3)).tolist() for _ in range(rows)]
    for epoch in range(3):
        order = (
            np.random.default_rng([seed, epoch]).permutation(rows)
            if shuffle
            else range(rows)
        )
        for start in range(0, rows, size):
            picked = list(order[start : start + size])
            width = max(len(ragged[k]) for k in picked)
            ids = [[0] * (width - len(ragged[k])) + ragged[k] for k in picked]
            expected.append([x[picked].tolist(), ids])
    _in_turn(
        lambda: Batches(x, ragged, batch_size=size, shuffle=shuffle, seed=seed),
        expected,
        draw,
    )


def streams(draw: Draw) -> None:
    """Windows of one row of ids, around and around."""
    rows = draw.between(1, 3)
    steps = draw.between(1, 3)
    count = draw.between(1, 4)
    windows = draw.pick(None, draw.between(1, 7))
    size = rows * steps * count + draw.between(1, rows * steps)
    ids = draw.array(draw.rng.integers(0, 100, size), "int64")
    expected = []
    for number in range(3 * (windows or count)):
        at = [(row * count + number % count) * steps for row in range(rows)]
        expected.append(
            [[ids[a + ahead :][:steps].tolist() for a in at] for ahead in (0, 1)]
        )
    _in_turn(lambda: Stream(ids, rows, steps, windows=windows), expected, draw)


def _in_turn(make: Callable[[], Batches], expected: list[Any], draw: Draw) -> None:
    """Whether three passes give these batches, and what they still have to give when resumed at a
    position.
    """
    data = make()
    found = []
    states = []
    for _ in range(3):
        if draw.yes(0.3):
            next(iter(data))  # a peek does not count
        for batch in data:
            found.append([column.tolist() for column in batch])
            states.append(data.state_dict())
    assert found == expected, f"{found}, not {expected}"
    at = draw.between(0, len(states) - 1)
    again = make()
    again.load_state_dict(states[at])
    assert again.state_dict() == states[at], (
        f"{states[at]} is stored as {again.state_dict()}"
    )
    remaining = range(states[at]["epoch"], 3)
    rest = [[column.tolist() for column in batch] for _ in remaining for batch in again]
    assert rest == expected[at + 1 :], (
        f"from {states[at]} {rest}, not {expected[at + 1 :]}"
    )


def texts(draw: Draw) -> None:
    """Vocabularies of words and of characters, and padding."""
    words = ["film", "the", "naïve", "名前", "10", "end", "a", "x²"]
    written = [
        draw.rng.choice(words, draw.between(0, 5)).tolist()
        for _ in range(draw.between(1, 3))
    ]
    count = Counter(word for text in written for word in text)
    size = draw.between(4, 11)
    known = sorted(count, key=lambda word: (-count[word], word))[: size - 3]
    vocabulary = Vocabulary.build(written, size)
    assert vocabulary.words == known and len(vocabulary) == 3 + len(known), (
        vocabulary.words
    )
    ids = [
        [1, *(known.index(w) + 3 if w in known else 2 for w in text)]
        for text in written
    ]
    for text, row in zip(written, ids, strict=True):
        assert vocabulary.encode(text).tolist() == row, text
        shown = ["<start>", *(word if word in known else "<unknown>" for word in text)]
        assert vocabulary.decode([0, *row]).split() == shown, row
    length = draw.pick(None, draw.between(1, 6))
    side = draw.pick("left", "right")
    wide = length or max(map(len, ids))
    rows = []
    for row in ids:
        row = row[-wide:]
        zeros = [0] * (wide - len(row))
        rows.append(zeros + row if side == "left" else row + zeros)
    padded = pad(ids, length, side=side)
    assert padded.tolist() == rows, f"{ids} to {length}, {side} is {padded.tolist()}"
    assert np.array_equal(mask(padded), np.array(rows) != 0), rows
    assert lengths(padded).tolist() == [np.count_nonzero(row) for row in rows], rows
    letters = "".join(draw.rng.choice(list("ab c😀é\n名\ue000"), draw.between(1, 12)))
    size = draw.between(2, 8)
    times = Counter(letters)
    alphabet = "".join(
        sorted(sorted(times, key=lambda one: (-times[one], one))[: size - 1])
    )
    characters = Characters.build(letters, size)
    numbers = [alphabet.find(one) + 1 for one in letters]
    assert characters.alphabet == alphabet, (
        f"{characters.alphabet!r} of {letters!r}, {size}"
    )
    assert characters.encode(letters).tolist() == numbers, letters
    decoded = "".join(one if one in alphabet else "\ufffd" for one in letters)
    assert characters.decode(numbers) == decoded, letters


def measured(draw: Draw) -> None:
    """The accuracy, and parameters split by patterns."""
    classes = draw.between(1, 3)
    shape = (2, 3)[: draw.between(1, 2)]
    output = draw.array(
        draw.rng.integers(-2, 3, (*shape, classes))
    )  # with ties, and zeros
    labels = draw.rng.integers(0, max(classes, 2), shape)
    chosen = output.argmax(axis=-1) if classes > 1 else output[..., 0] > 0
    same(
        f"of {output.tolist()}",
        optim.accuracy(output, labels),
        (chosen == labels).mean(),
    )
    paths = ["rnn.cell.W", "rnn.cell.b", "rnn2.W", "head.b", "head", "body.0.W"]
    matches = {
        "rnn": {0, 1},
        "rnn.cell": {0, 1},
        "rnn.cell.W": {0},
        "*.b": {1, 3},
        "head": {3, 4},
        "*W": {0, 2, 5},
        "body.?.W": {5},
        "rnn2": {2},
        "rnn*": {0, 1, 2},
    }
    patterns = draw.rng.choice(list(matches), draw.between(1, 2)).tolist()
    found, rest = optim.split({path: mg.Tensor(0.0) for path in paths}, *patterns)
    wanted = set().union(*(matches[pattern] for pattern in patterns))
    assert list(found) == [paths[k] for k in sorted(wanted)], patterns
    assert list(rest) == [path for path in paths if path not in found], patterns


class OwnBatches:
    """Batches of a user's own, without a position to continue from."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.at = 0

    def __iter__(self) -> Iterator[tuple[Array, Array]]:
        start = self.at
        self.at = 0
        for number in range(start, self.count):
            self.at = number + 1
            yield np.ones((1, 2), np.float32), np.array([number])
        self.at = 0


class Resumable(OwnBatches):
    def state_dict(self) -> dict[str, int]:
        return {"at": self.at}

    def load_state_dict(self, state: dict[str, int]) -> None:
        self.at = state["at"]


def own_batches(draw: Draw) -> None:
    """A run over a user's own batches that fails and is resumed: together they see each batch
    once.
    """
    kind = draw.pick(OwnBatches, Resumable)
    count = draw.between(1, 5)
    epochs = 2
    fails = draw.between(1, count * epochs - 1)
    seen: list[int] = []

    def fit(folder: str, resume: Path | None) -> None:
        def loss(output: mg.Tensor, labels: Any) -> mg.Tensor:
            if resume is None and len(seen) == fails:
                raise KeyboardInterrupt
            seen.extend(labels.tolist())
            return output.sum()

        model = Dense(2, 1)
        optimizer = optim.SGD(model.named_parameters(), lr=0.1)
        callbacks = [optim.Snapshots(folder, every_steps=1)]
        trainer = optim.Trainer(model, loss, optimizer, metrics={}, callbacks=callbacks)
        with contextlib.suppress(KeyboardInterrupt):
            trainer.fit(kind(count), epochs=epochs, resume=resume)

    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.redirect_stdout(io.StringIO()),
    ):
        fit(folder, None)
        fit(folder, optim.Snapshots.latest(folder))
    assert seen == [*range(count)] * epochs, (
        f"{kind.__name__} that fails at {fails}: {seen}"
    )


CHECKS = (mixed, narrow, schedules, batches, streams, texts, measured, own_batches)
