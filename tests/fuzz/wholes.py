"""Functions of mixed operands, reductions, pooling, schedules, batches, streams and texts, each
against a slow way.
"""

from __future__ import annotations

import math
import warnings
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

import minigrad as mg
import optim
from layers import GRU, LSTM, RNN, Layer, Stateful, TruncatedBPTT, pool, sample
from layers.cells import map_state
from minigrad.data import Batches, Characters, Stream, Vocabulary, lengths, mask, pad

from .layouts import laid_out

Array = np.ndarray[Any, Any]
Generator = np.random.Generator
DTYPES = ["bool", "int8", "int32", "int64", "uint8", "uint32", "float16", "float32", "float64"]


# By name: minigrad's, the same in NumPy, and the number of operands.
MIXED: dict[str, tuple[Callable[..., Any], Callable[..., Any], int]] = {
    "where": (mg.where, np.where, 3),
    "np.where": (np.where, np.where, 3),
    "clip": (np.clip, lambda x, *bounds: np.clip(x, *(one if one.ndim else one.item() for one in bounds)), 3),
    "maximum": (mg.maximum, np.maximum, 2),
    "np.minimum": (np.minimum, np.minimum, 2),
    "add": (np.add, np.add, 2),
    "subtract": (lambda a, b: a - b, np.subtract, 2),
    "multiply": (lambda a, b: a * b, np.multiply, 2),
    "divide": (np.divide, np.divide, 2),
    "power": (lambda a, b: a**b, np.power, 2),
    "matmul": (lambda a, b: a @ b, np.matmul, 2),
    "einsum": (
        lambda a, b: mg.einsum("ij,jk->ik", a, b), lambda a, b: np.einsum("ij,jk->ik", a, b), 2,
    ),
    "concatenate": (lambda *parts: mg.concatenate(parts), lambda *parts: np.concatenate(parts), 3),
    "stack": (lambda *parts: np.stack(parts), lambda *parts: np.stack(parts), 2),
    "squared error": (lambda p, t: mg.mean_squared_error(p, t, reduction="none"), lambda p, t: (p - t) ** 2, 2),
    "mean squared error": (mg.mean_squared_error, lambda p, t: np.mean((p - t) ** 2), 2),
    "absolute error": (lambda p, t: mg.mean_absolute_error(p, t, reduction="sum"), lambda p, t: np.abs(p - t).sum(), 2),
    "binary CE": (
        lambda p, t: mg.binary_cross_entropy(p, t, reduction="none"),
        lambda p, t: np.logaddexp(0, p) - p * t, 2,
    ),
}  # fmt: skip


def mixed(dtype: str, layout: str, rng: Generator) -> str:
    """A function of plain numbers, NumPy's numbers, arrays and Tensors of all dtypes: the value,
    dtype and gradients.

    By the docs a plain number takes the dtype of the first Tensor of floats; what else there is
    combines as in NumPy.
    """
    name = str(rng.choice(list(MIXED)))
    ours, numpy, count = MIXED[name]
    kinds = ["Tensor", "Tensor", "array", "bool", "int", "float", "scalar"]
    kinds = kinds[:3] if name in ("matmul", "einsum", "concatenate", "stack") else kinds
    size = 2 if name in ("matmul", "einsum") else int(rng.integers(1, 4))
    operands: list[Any] = []
    common = str(rng.choice(DTYPES))
    for place in range(count):
        kind = str(rng.choice(kinds[:3] if name.endswith("where") and not place else kinds))
        chosen = common if rng.random() < 0.5 else str(rng.choice(DTYPES))
        chosen = "bool" if name.endswith("where") and not place and rng.random() < 0.5 else chosen
        low = 0 if chosen[0] in "bu" or "CE" in name else -4
        array = laid_out(
            rng.integers(low, 2 if chosen == "bool" or "CE" in name else 5, (2, size)).astype(
                chosen
            ),
            layout,
        )
        if kind in ("bool", "int", "float"):
            operands.append(
                {"bool": lambda n: n > 0, "int": lambda n: n, "float": lambda n: n / 4}[kind](
                    int(rng.integers(0, 4))
                )
            )
        elif kind == "scalar":
            operands.append(array[0, 0])
        else:
            floats = array.dtype in (np.float32, np.float64)
            tensor = (
                kind == "Tensor"
                or not any(isinstance(one, mg.Tensor) for one in operands)
                and place == count - 1
            )
            operands.append(
                mg.Tensor(array, requires_grad=floats and bool(rng.random() < 0.5))
                if tensor
                else array
            )
    if not any(isinstance(one, mg.Tensor) for one in operands):
        return ""
    counted = operands[name.endswith("where") :]  # a condition has no say
    known = [one.dtype for one in counted if isinstance(one, (mg.Tensor, np.ndarray))]
    if not known:
        return ""
    dtypes = [one.dtype for one in counted if isinstance(one, mg.Tensor) and one.dtype.kind == "f"]
    beside = dtypes[0] if dtypes else np.result_type(*known)
    plain = []
    for one in operands:
        if isinstance(one, (bool, int, float)) and not isinstance(one, np.generic):
            own = np.float32 if isinstance(one, float) else type(one)(0)
            plain.append(
                np.array(one, beside if beside.kind == "f" else np.result_type(beside, own))
            )
        elif isinstance(one, np.generic):
            plain.append(np.array(one, beside if beside.kind == "f" else one.dtype))
        else:
            plain.append(getattr(one, "array", one))
    with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
        try:
            found = ours(*operands)
        except mg.MinigradError:
            # refusing is allowed, in words: NumPy refuses too, or the number fits no such dtype
            return ""
        wraps = not any(one in name for one in ("error", "CE"))
        exact = np.asarray(numpy(*(plain if wraps else (one.astype(float) for one in plain))))
        value = exact.dtype if wraps else np.result_type(*plain[: 1 if "CE" in name else 2])
        value = np.dtype(float) if value.kind != "f" and not wraps else value
    described = f"{name} of " + ", ".join(
        f"{type(one).__name__} {getattr(one, 'dtype', one)}" for one in operands
    )
    if (
        found.shape != exact.shape
        or wraps
        and found.dtype != value
        or found.dtype.kind != value.kind
    ):
        return f"dtype: {described} is {found.dtype} {found.shape}, not {value} {exact.shape}"
    if found.dtype.itemsize < value.itemsize:
        return f"narrow: {described} is {found.dtype}, not {value}"
    eps = np.finfo(found.dtype).eps if found.dtype.kind == "f" else 0.0
    if not np.allclose(
        found.array.astype(float), exact.astype(float), 60 * eps, 60 * eps, equal_nan=True
    ):
        return f"number: {described} is {found.array.tolist()}, and should be {exact.tolist()}"
    if found.requires_grad and found.dtype.kind == "f":
        found.backward(np.ones(found.shape, found.dtype))
        for one in operands:
            if (
                isinstance(one, mg.Tensor)
                and one.grad is not None
                and (one.grad.dtype != one.dtype or one.grad.shape != one.shape)
            ):
                return f"gradient: in {described} it is {one.grad.dtype} {one.grad.shape}"
    return ""


def reduced(dtype: str, layout: str, rng: Generator) -> str:
    """Reductions of narrow dtypes whose numbers are so large that a sum leaves their range, and
    means of losses.
    """
    narrow = (
        "float16"
        if rng.random() < 0.6
        else str(rng.choice(["int8", "uint8", "int16", "int32", "uint32"]))
    )
    largest = float(np.finfo(narrow).max if narrow == "float16" else np.iinfo(narrow).max)
    # where only squares leave the range, sums of many numbers, or of two
    largest *= rng.choice([0.002, 0.1, 0.9])
    lowest = float(rng.choice([0.5, 0.5, 0.0 if narrow[0] == "u" else -1.0]))
    x = laid_out(
        (largest * rng.uniform(lowest, 1, (2, int(rng.integers(1, 40))))).astype(narrow), layout
    )
    name = str(
        rng.choice(
            ["sum", "mean", "var", "std", "cumsum", "logsumexp", "squared error", "absolute error"]
        )
    )
    axis: Any = rng.choice(np.array([None, 0, 1, -1], object))
    wide = x.astype(float)
    with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
        if name == "logsumexp":
            found = mg.logsumexp(mg.Tensor(x), axis=axis)
            expected = wide.max(axis) + np.log(
                np.exp(wide - wide.max(axis, keepdims=True)).sum(axis)
            )
        elif name.endswith("error"):
            if narrow == "float16":
                return ""
            error = mg.mean_squared_error if name == "squared error" else mg.mean_absolute_error
            found = error(mg.Tensor(x), x[::-1].copy())
            expected = np.mean(np.abs(wide - wide[::-1]) ** (1 + (name == "squared error")))
        else:
            found = (
                mg.cumsum(mg.Tensor(x), axis=axis or 0)
                if name == "cumsum"
                else getattr(mg.Tensor(x), name)(axis=axis)
            )
            expected = x.cumsum(axis or 0) if name == "cumsum" else getattr(x, name)(axis=axis)
            if found.dtype != expected.dtype:
                return (
                    f"dtype: {name} of {narrow} is {found.dtype}, and NumPy's is {expected.dtype}"
                )
        eps = 8 * np.finfo(found.dtype).eps if found.dtype.kind == "f" else 0.0
        if found.shape == expected.shape and np.allclose(
            found.array.astype(float), expected.astype(float), eps, eps
        ):
            return ""
    return f"reduced: {name} of {narrow} {x.tolist()} by {axis} is {found.array.tolist()}, not {expected.tolist()}"


def pooled(dtype: str, layout: str, rng: Generator) -> str:
    """Pooling the real steps of a sequence, whatever the others hold, and its gradient."""
    x, how = (
        rng.normal(size=(2, int(rng.integers(1, 5)), 3)).astype(dtype),
        str(rng.choice(["mean", "max"])),
    )
    real = rng.random(x.shape[:2]) < 0.6
    real[:, int(rng.integers(x.shape[1]))] = True
    y = x.copy()
    x[~real] = rng.choice([0.0, np.nan, np.inf, -np.inf, 1e30])
    t, weights = (
        mg.Tensor(laid_out(x, layout), requires_grad=True),
        rng.normal(size=(2, 3)).astype(dtype),
    )
    found = pool(t, how, mask=laid_out(real, layout))
    found.backward(weights)
    value, slope = np.zeros((2, 3)), np.zeros(x.shape)
    for b in range(2):
        steps = np.flatnonzero(real[b])
        for d in range(3):
            column = y[b, steps, d]
            value[b, d] = column.mean() if how == "mean" else column.max()
            if how == "mean":
                slope[b, steps, d] = weights[b, d] / len(steps)
            else:
                slope[b, steps[column.argmax()], d] = weights[b, d]
    if (
        found.dtype == dtype
        and np.allclose(found.array, value, 1e-4)
        and np.allclose(np.array(t.grad), slope, 1e-4)
    ):
        return ""
    return f"pool: {how} of {x.tolist()}, {real.tolist()} is {found.array.tolist()}, its gradient {t.grad}"


def schedules(dtype: str, layout: str, rng: Generator) -> str:
    """Factors at all steps, the borders included."""
    n, factor, warm = (
        int(rng.integers(1, 7)),
        float(rng.choice([0.0, 0.1, 0.5, 1.0])),
        int(rng.integers(1, 5)),
    )
    plain: dict[str, tuple[Any, Callable[[int], float]]] = {
        "step": (optim.StepSchedule(n, max(factor, 0.1)), lambda t: max(factor, 0.1) ** (t // n)),
        "cosine": (
            optim.CosineSchedule(n, factor),
            lambda t: (
                factor if t >= n else factor + (1 - factor) * math.cos(math.pi * t / n / 2) ** 2
            ),
        ),
        "none": (None, lambda t: 1.0),
    }
    name = str(rng.choice(list(plain)))
    after, formula = plain[name]
    whole = optim.WarmUp(warm, after) if after is None or rng.random() < 0.5 else after
    late = warm if isinstance(whole, optim.WarmUp) else 0
    for step in range(15):
        expected = (step + 1) / warm if step < late else formula(step - late)
        if not math.isclose(whole(step), expected, abs_tol=1e-12):
            return f"schedule: {name}({n}, {factor}) after {late} steps is {whole(step)} at {step}, not {expected}"
    return ""


def batches(dtype: str, layout: str, rng: Generator) -> str:
    """Rows by rows over some epochs, from any position of another object, and with rows of
    different lengths.
    """
    expected: list[tuple[Array, ...]] = []
    rows, size, shuffle, seed = (
        int(rng.integers(*bounds)) for bounds in ((1, 12), (1, 6), (0, 2), (0, 3))
    )
    x = laid_out(rng.normal(size=(rows, 2)).astype(dtype), layout)
    ragged = [rng.integers(1, 9, int(rng.integers(0, 4))).tolist() for _ in range(rows)]

    def make() -> Batches:
        return Batches(x, ragged, batch_size=size, shuffle=bool(shuffle), seed=seed)

    for epoch in range(3):
        order = (
            np.random.default_rng([seed, epoch]).permutation(rows) if shuffle else np.arange(rows)
        )
        for start in range(0, rows, size):
            picked = order[start : start + size]
            width = max(len(ragged[k]) for k in picked)
            expected.append(
                (
                    x[picked],
                    np.array([[0] * (width - len(ragged[k])) + ragged[k] for k in picked], int),
                )
            )
    return _in_turn(make, expected, 3, rng)


def streams(dtype: str, layout: str, rng: Generator) -> str:
    """Windows of one row of ids, around and around."""
    rows, steps, count = (int(rng.integers(1, n)) for n in (4, 4, 5))
    windows = None if rng.random() < 0.4 else int(rng.integers(1, 8))
    ids = laid_out(
        rng.integers(0, 100, rows * steps * count + int(rng.integers(1, rows * steps + 1))), layout
    )
    per_epoch, expected = windows or count, []
    for number in range(3 * per_epoch):
        at = [row * count * steps + number % count * steps for row in range(rows)]
        expected.append(
            tuple(np.array([ids[a + ahead : a + ahead + steps] for a in at]) for ahead in (0, 1))
        )
    return _in_turn(lambda: Stream(ids, rows, steps, windows=windows), expected, 3, rng)


def _in_turn(
    make: Callable[[], Batches], expected: list[tuple[Array, ...]], epochs: int, rng: Generator
) -> str:
    """Whether the passes give these batches, and what they still have to give when resumed at a
    position.
    """
    data, found, states = make(), [], []
    for _ in range(epochs):
        if rng.random() < 0.3:
            next(iter(data))  # a peek does not count
        for batch in data:
            found.append(batch)
            states.append(data.state_dict())
    at = int(rng.integers(len(states)))
    again = make()
    again.load_state_dict(states[at])
    if (stored := again.state_dict()) != states[at]:
        return f"stored: {states[at]} loaded and stored again is {stored}"
    rest = [batch for _ in range(epochs - states[at]["epoch"]) for batch in again]
    for what, ours, theirs in (
        ("in turn", found, expected),
        (f"from {states[at]}", rest, expected[at + 1 :]),
    ):
        if [[one.tolist() for one in batch] for batch in ours] != [
            [one.tolist() for one in batch] for batch in theirs
        ]:
            return f"batches: {what} {ours}\n    instead of {theirs}"
    return "" if len(data) * epochs == len(expected) else f"length: {len(data)}"


def texts(dtype: str, layout: str, rng: Generator) -> str:
    """Vocabularies of words and of characters, and padding."""
    words = ["film", "the", "naïve", "名前", "10", "end", "a", "x²"]
    written = [
        [str(word) for word in rng.choice(words, int(rng.integers(0, 6)))]
        for _ in range(int(rng.integers(1, 4)))
    ]
    count = Counter(word for text in written for word in text)
    size = int(rng.integers(4, 12))
    known = sorted(count, key=lambda word: (-count[word], word))[: size - 3]
    joined = [" ".join(text) for text in written]
    vocabulary = Vocabulary.build(written, size)
    if vocabulary.words != known or len(vocabulary) != 3 + len(known):
        return f"words: of {written} they are {vocabulary.words}, not {known}"
    ids = [
        [1, *(known.index(word) + 3 if word in known else 2 for word in text)] for text in written
    ]
    if [vocabulary.encode(text).tolist() for text in written] != ids:
        return f"ids: of {written} they are {[vocabulary.encode(text).tolist() for text in written]}, not {ids}"
    if [vocabulary.decode([0, *row]).split() for row in ids] != [
        ["<start>", *(word if word in known else "<unknown>" for word in text)] for text in written
    ]:
        return f"decoded: {[vocabulary.decode(row) for row in ids]}"
    length = int(rng.integers(1, 7)) if rng.random() < 0.7 else None
    side, keep, wide = (
        str(rng.choice(["left", "right"])),
        str(rng.choice(["last", "first"])),
        length or max(map(len, ids)),
    )
    rows = []
    for row in ids:
        row = row[max(0, len(row) - wide) :] if keep == "last" else row[:wide]
        zeros = [0] * (wide - len(row))
        rows.append(zeros + row if side == "left" else row + zeros)
    padded = pad(ids, length, side=side, keep=keep)
    if padded.tolist() != rows or mask(padded).tolist() != [
        [id != 0 for id in row] for row in rows
    ]:
        return f"pad: {ids} to {length}, {side}, {keep} is {padded.tolist()}, not {rows}"
    if lengths(padded).tolist() != [sum(id != 0 for id in row) for row in rows]:
        return f"lengths: of {rows} they are {lengths(padded).tolist()}"
    letters = (
        "".join(str(one) for one in rng.choice(list("ab c😀é\n名\ue000"), int(rng.integers(1, 9))))
        + joined[0]
    )
    size = int(rng.integers(2, 9))
    times = Counter(letters)
    alphabet = "".join(sorted(sorted(times, key=lambda one: (-times[one], one))[: size - 1]))
    characters = Characters.build(letters, size)
    numbers = [alphabet.index(one) + 1 if one in alphabet else 0 for one in letters]
    if characters.alphabet != alphabet or characters.encode(letters).tolist() != numbers:
        return f"characters: of {letters!r}, {size}: {characters.alphabet!r}, {characters.encode(letters).tolist()}"
    if characters.decode(numbers) != "".join(
        one if one in alphabet else "\ufffd" for one in letters
    ):
        return f"characters: decoded to {characters.decode(numbers)!r}"
    return ""


def derived(dtype: str, layout: str, rng: Generator) -> str:
    """Jacobians and products with the Hessian, of one input or two of other shapes."""
    x, y = (rng.uniform(-1, 1, size=(2, 3)[: int(rng.integers(0, 3))]) for _ in range(2))
    a, b = rng.normal(size=(4, x.size)), rng.normal(size=(4, y.size))
    several = bool(rng.random() < 0.5)

    def f(x: Any, y: Any = y) -> Any:  # tanh(a x) (b y)
        return mg.tanh((mg.Tensor(a) @ x.reshape(-1, 1)).reshape(2, 2)) * (
            mg.Tensor(b) @ y.reshape(-1, 1)
        ).reshape(2, 2)

    points = [
        mg.Tensor(laid_out(one, layout), requires_grad=bool(rng.random() < 0.5)) for one in (x, y)
    ][: 1 + several]
    z, s = np.tanh(a @ x.ravel()), b @ y.ravel()
    rows = [((1 - z**2) * s)[:, None] * a, z[:, None] * b]
    found = mg.jacobian(f, points if several else points[0])
    for k, one in enumerate(found if several else [found]):
        if one.shape != (2, 2, *points[k].shape) or not np.allclose(
            one.array.ravel(), rows[k].ravel()
        ):
            return f"jacobian: by input {k} it is {one.array.tolist()}, and should be {rows[k].tolist()}"
    v, w = (rng.normal(size=one.shape) for one in (x, y))
    along = (-2 * z * (1 - z**2) * s * (a @ v.ravel()) + (1 - z**2) * (b @ w.ravel()) * several) @ a
    products = [along, ((1 - z**2) * (a @ v.ravel())) @ b]
    given: Any = ([v, w], points) if several else (v, points[0])
    result = mg.hvp(lambda *inputs: f(*inputs).sum(), given[1], given[0])
    for k, one in enumerate(result if several else [result]):
        if one.shape != points[k].shape or not np.allclose(one.array.ravel(), products[k]):
            return f"hvp: by input {k} it is {one.array.tolist()}, and should be {products[k].tolist()}"
    return ""


def measured(dtype: str, layout: str, rng: Generator) -> str:
    """The accuracy, and parameters split by patterns."""
    classes, shape = int(rng.integers(1, 4)), (2, 3)[: int(rng.integers(1, 3))]
    output = rng.integers(-2, 3, (*shape, classes)).astype(dtype)  # with ties, and zeros
    labels = rng.integers(0, max(classes, 2), shape)
    right = 0
    for place in np.ndindex(*shape):
        logits = output[place].tolist()
        right += int(labels[place] == (logits.index(max(logits)) if classes > 1 else logits[0] > 0))
    found = optim.accuracy(laid_out(output, layout), labels)
    if not math.isclose(found, right / labels.size):
        return f"accuracy: {found} of {output.tolist()} and {labels.tolist()}"
    paths = ["rnn.cell.W", "rnn.cell.b", "rnn2.W", "head.b", "head", "body.0.W"]
    matches = {"rnn": {0, 1}, "rnn.cell": {0, 1}, "rnn.cell.W": {0}, "*.b": {1, 3}, "head": {3, 4}, "*W": {0, 2, 5},
               "body.?.W": {5}, "rnn2": {2}, "rnn*": {0, 1, 2}}  # fmt: skip
    chosen = [str(one) for one in rng.choice(list(matches), int(rng.integers(1, 3)))]
    parts = optim.split({path: mg.Tensor(0.0, requires_grad=True) for path in paths}, *chosen)
    wanted = set().union(*(matches[one] for one in chosen))
    if [list(part) for part in parts] != [
        [p for k, p in enumerate(paths) if (k in wanted) == yes] for yes in (True, False)
    ]:
        return f"split: by {chosen} it is {[list(part) for part in parts]}"
    return ""


def sampled(dtype: str, layout: str, rng: Generator) -> str:
    """Ids written by a model with a state: the likeliest, or shares near softmax(logits /
    temperature).
    """
    logits = rng.normal(size=(4, 4)).astype(dtype)

    class Next(Layer):
        def forward(self, ids: Any, state: Any) -> Any:
            total = (0 if state is None else state.array.astype(int)) + ids.sum(axis=1)
            steps = np.cumsum(ids, axis=1) + (
                0 if state is None else state.array.astype(int)[:, None]
            )
            return mg.Tensor(logits[steps % 4]), mg.Tensor(total.astype("f8"))

    prompt, temperature = (
        rng.integers(0, 4, int(rng.integers(1, 4))).tolist(),
        float(rng.choice([0.0, 0.5, 2.0])),
    )
    found = sample(
        Next(),
        prompt,
        300 if temperature else 8,
        temperature=temperature,
        seed=int(rng.integers(9)),
    )
    total, seen = sum(prompt), np.zeros((4, 4))
    for id in found:
        if not temperature and id != logits[total % 4].argmax():
            return f"sample: {found} after {prompt}, from {logits.tolist()}"
        seen[total % 4, id] += 1
        total += id
    if temperature:
        e = np.exp(logits / temperature)
        shares, count = e / e.sum(axis=1, keepdims=True), seen.sum(axis=1, keepdims=True)
        if not (
            np.abs(seen - count * shares) <= 6 * np.sqrt(count * shares * (1 - shares)) + 2
        ).all():
            return f"sample: at {temperature} {seen.tolist()}, from {logits.tolist()}"
    return ""


def walked(dtype: str, layout: str, rng: Generator) -> str:
    """Truncated backpropagation by windows, against a loop over a cell that is cut k2 steps before
    each end.
    """
    kind, steps = (RNN, GRU, LSTM)[int(rng.integers(3))], 7
    k1, k2 = map(int, rng.integers(1, 5, 2))
    layer = kind(
        2, 2, return_sequences=True, return_state=True, fused=True if rng.random() < 0.4 else None
    )
    parameters = layer.named_parameters()
    for tensor in parameters.values():
        tensor.array = laid_out(rng.normal(size=tensor.shape), layout)
    x, weights = rng.normal(size=(2, steps, 2)), rng.normal(size=(2, steps, 2))
    model = Stateful(layer, TruncatedBPTT(k1, k2))
    whole = [
        (slice(max(s, min(s + k1, steps) - k2), min(s + k1, steps)), None)
        for s in range(0, steps, k1)
    ]
    # a shorter last window would be the start of another batch's sequence
    if carried := bool(rng.random() < 0.5):
        whole = whole[: steps // k1]
        windows: Any = ((part, model(x[:, part.stop - k1 : part.stop])) for part, _ in whole)
    else:
        windows = TruncatedBPTT(k1, k2).walk(layer, x)
    (cell,) = layer.cells().values()
    for (expected, _), (part, output) in zip(whole, windows, strict=True):
        found: list[Any] = []
        for hand in (False, True):
            if hand:
                state, outputs = cell.initial_state(2), []
                state = map_state(lambda one: mg.Tensor(one.array.astype(float)), state)
                for t in range(expected.stop):
                    if t == max(0, expected.stop - k2):
                        state = map_state(lambda one: one.detach(), state)
                    h, state = cell(mg.Tensor(x[:, t]), state)
                    outputs.append(h)
                output = mg.stack(outputs[expected], axis=1)
            (output * weights[:, expected]).sum().backward()
            found.append([output.array, *(np.array(tensor.grad) for tensor in parameters.values())])
            for tensor in parameters.values():
                tensor.grad = None
        if part != expected or not all(map(np.allclose, *found)):
            return f"windows: {kind.__name__}, {k1}, {k2}, {carried=}: at {part} {found[0]}\n    by hand {found[1]}"
    return ""
