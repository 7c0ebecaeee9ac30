"""What is measured: each workload builds, of a contender, what to time and what to compare."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Any, NamedTuple

import numpy as np
from problem import Problem, Sizes, Weights

KINDS = ("rnn", "gru", "lstm")


class Built(NamedTuple):
    """What to time, what to compare, how many units of work one call is."""

    call: Callable[[], object]
    check: Any
    units: float = 1
    note: str = ""


@dataclass(frozen=True)
class Workload:
    """A section of the report. `build(contender, setting, problem, case)` is called in the
    contender's process.
    """

    letter: str
    name: str
    title: str
    text: str
    cases: Sequence[str]
    build: Callable[[Any, str, Problem, str], Built]
    tolerance: float = 1e-4


def unrolled(contender: Any, setting: str, problem: Problem, case: str) -> Built:
    call = contender.unrolled(setting, *problem.vectors())
    loss, gradients = call()
    return Built(call, [float(loss), *(part for gradient in gradients for part in norms(gradient))])


def norms(gradient: Any) -> list[float]:
    """Enough of a gradient to tell it from any other: its norm, and its product with a fixed
    pattern.
    """
    flat = np.asarray(gradient, np.float64).ravel()
    return [float(np.sqrt(flat @ flat)), float(flat @ np.cos(np.arange(flat.size)))]


CHUNK = 100  # training steps to a call: enough for contenders with a compiled loop of their own


def training(contender: Any, setting: str, problem: Problem, case: str) -> Built:
    sizes = problem.sizes
    model = contender.Training(case, problem.weights(case), setting, problem.rule)
    losses = model.steps(problem.batches(sizes.compared))
    run = getattr(model, "run", model.steps)
    run(problem.batches(sizes.aged - sizes.compared, start=sizes.compared))
    batches = cycle(problem.batches(len(problem.labels) // sizes.batch))
    return Built(lambda: run(list(islice(batches, CHUNK))), losses, CHUNK)


# divisors of 25,000: a last batch of another size would be compiled once more
BATCHES = (50, 100, 250, 1000, 5000)


def inference(contender: Any, setting: str, problem: Problem, case: str) -> Built:
    predict = contender.inference(case, problem.weights(case), setting)
    ids = problem.ids

    def classify(batch: int) -> Any:
        return np.concatenate(
            [np.ravel(predict(ids[start : start + batch])) for start in range(0, len(ids), batch)]
        )

    def seconds(batch: int) -> float:
        """CPU time for one review, the least of five batches."""
        predict(ids[:batch])  # compiles, if anything is compiled
        times = []
        for _ in range(5):
            began = time.process_time()
            predict(ids[:batch])
            times.append(time.process_time() - began)
        return min(times) / batch

    fastest = min([batch for batch in BATCHES if batch <= len(ids)] or [len(ids)], key=seconds)
    logits = classify(fastest)
    return Built(
        lambda: classify(fastest),
        logits[:: max(1, len(logits) // 1000)].tolist(),
        note=f"batch {fastest:,}",
    )


GROWTH = {
    "steps": (10, 40, 100, 400, 1000),
    "batch": (1, 8, 32, 128, 512),
    "hidden": (16, 32, 128, 512),
    "vocabulary": (1_000, 10_000, 50_000, 200_000),
    "gates": (1_000, 10_000, 100_000, 1_000_000),
}
# training steps before timing: minigrad's Adam goes over all touched rows, at first often
EARLY = 70


def growth(contender: Any, setting: str, problem: Problem, case: str) -> Built:
    name, size = case.split("=")
    if name == "gates":
        call = contender.chain(np.linspace(-1, 1, 8, dtype=np.float32), int(size))
        value, gradient = call()
        return Built(call, [*np.ravel(value).tolist(), *np.ravel(gradient).tolist()])
    problem = problem.resized(**{name: int(size)})
    model = contender.Training("rnn", problem.weights("rnn"), setting, problem.rule)
    losses = model.steps(problem.batches(3))
    batches = cycle(problem.batches(13, start=3))
    for _ in range(EARLY - 3):
        model.steps([next(batches)])
    return Built(lambda: model.steps([next(batches)]), losses)


def start(contender: Any, setting: str, problem: Problem, case: str) -> Built:
    model = contender.Training("rnn", problem.weights("rnn"), setting, problem.rule)
    return Built(lambda: None, model.steps(problem.batches(1)))


TABLE_BATCHES = 200


def adam(contender: Any, setting: str, problem: Problem, case: str) -> Built:
    rows = int(case.split()[0].replace(",", ""))
    if rows > problem.sizes.vocabulary:
        problem = problem.resized(vocabulary=rows)
    sizes = problem.sizes
    rng = np.random.default_rng(1)
    shape = (sizes.batch * sizes.steps, sizes.width)
    values = cycle([1e-3 * rng.standard_normal(shape, np.float32) for _ in range(7)])
    table = np.zeros((rows, sizes.width), np.float32)
    step, read = contender.adam(table, setting, problem.rule)
    prepare = getattr(contender, "gradient", summed)
    gradients = cycle(
        [prepare(ids.ravel(), next(values)) for ids, _ in problem.batches(TABLE_BATCHES)]
    )
    for _ in range(sizes.compared):
        step(next(gradients))
    after = read()[problem.ids[:: max(1, len(problem.ids) // 100), -1], :10]
    # relative to the largest movement: the table began as zeros
    check = (after / np.max(np.abs(after))).tolist()
    for _ in range(TABLE_BATCHES - sizes.compared):
        step(next(gradients))
    return Built(lambda: step(next(gradients)), check)


def summed(ids: Any, values: Any) -> tuple[Any, Any]:
    """The distinct ids, and the sum of the values of each."""
    distinct, place = np.unique(ids, return_inverse=True)
    sums = np.zeros((len(distinct), values.shape[1]), np.float32)
    np.add.at(sums, place, values)
    return distinct, sums


def trainer(contender: Any, setting: str, problem: Problem, case: str) -> Built:
    run = contender.trained(case, problem.weights(case), setting, problem.rule)
    loss = run(problem.batches(problem.sizes.compared))
    batches = problem.batches(2 * CHUNK)
    return Built(lambda: run(batches), loss, 2 * CHUNK)


SHAPES = {"char": (96, 0, 256, 100, 64), "word": (10_000, 256, 256, 35, 32)}
"""Ids, width of the embedding (0: one-hot), units, steps, batch."""


def language(contender: Any, setting: str, problem: Problem, case: str) -> Built:
    size, width, hidden, steps, batch = SHAPES[case.split(",")[0]]
    if problem.sizes != Sizes():  # a smoke test
        size, width, hidden, steps, batch = size // 4, width and 5, 4, 6, 3
    rng = np.random.default_rng([problem.seed, size])
    odds = 1 / np.arange(1, size + 1)
    ids = rng.choice(size, (16, batch, steps + 1), p=odds / odds.sum())
    step = contender.language(
        language_weights(rng, size, width, hidden), setting, problem.rule | {"eps": 1e-8}
    )
    losses = [step(window) for window in ids[:5]]
    windows = cycle(ids)
    return Built(lambda: step(next(windows)), losses)


def language_weights(rng: np.random.Generator, size: int, width: int, hidden: int) -> Weights:
    """Start weights; `table` only for an embedding."""
    shapes = {
        "W_xh": (width or size, 4 * hidden),
        "W_hh": (hidden, 4 * hidden),
        "W": (hidden, size),
    }
    if width:
        shapes["table"] = (size, width)
    drawn = {name: rng.uniform(-0.06, 0.06, of).astype(np.float32) for name, of in shapes.items()}
    return drawn | {"b": np.zeros(4 * hidden, np.float32), "c": np.zeros(size, np.float32)}


WORKLOADS = [
    Workload("a", "unrolled", "The unrolled RNN, forward and backward", """
h = tanh(x_t @ W_xh + h @ W_hh + b) over {steps} steps, batch {batch}, width {width}, hidden {hidden}, float32; the loss
is the sum of the last h. Five operations a step, each recorded on its own (JAX compiled: none is recorded), then the
gradients of W_xh, W_hh and b. Compared: the loss and the three gradients.""", ("",), unrolled),
    Workload("b", "training", "One training step of the classifier", """
Embedding({vocabulary}, {width}), a recurrent layer of {hidden} units over {steps} time steps, Dense(1), binary cross
entropy, Adam over all rows of the embedding; batches of {batch} real reviews. Timed after {aged} training steps.
Compared: the losses of the first {compared} training steps from equal weights.""", KINDS, training),
    Workload("c", "inference", "Classifying all reviews", """
The same classifier over {reviews:,} reviews, nothing recorded. Each contender takes batches of the size that is fastest
for it, found in advance. Compared: the logits.""", KINDS, inference),
    Workload("d", "growth", "Growth with each size", """
One training step of (b)'s RNN while one size grows, timed after 70 of them; and a chain of n gates h = tanh(h) on 8
numbers, forward and backward. Each point in its own process; memory is the most that was held beyond what importing
takes. Larger vocabularies have the same rows touched. Dotted in the plot: what grows in proportion to the size.
Compared: the first losses; the chain's value and gradient.""",
             [f"{name}={size}" for name, sizes in GROWTH.items() for size in sizes], growth),
    Workload("e", "start", "Import, and the first training step", """
`import` of the package in a new interpreter; and the time from the start of a process until its first training step of
(b)'s RNN is done: import, building the model, compiling if anything is compiled. Compared: the first loss.""",
             ("import", "first step"), start),
    Workload("f", "adam", "Adam over an embedding table", """
A step of Adam over a table of so many rows, {width} wide, given the gradient of one batch of {batch} reviews, whose ids
touch some 555 rows. minigrad is given the ids and the gradient of each look-up, as its engine has them, and sums those
of one row itself; the others are given the whole array, filled in where a batch touches it. 200 batches go around, so
that no moment decays into denormals, which would slow NumPy down. Compared: the table after the first {compared} steps,
relative to its largest movement.""", ("10,000 rows", "50,000 rows", "200,000 rows"), adam),
    Workload("g", "trainer", "The Trainer beside a bare loop", """
A training step of (b)'s RNN, fused, in a loop of six lines, by a Trainer with neither metrics nor callbacks, and by one
with its usual ones: accuracy, a progress bar (to no terminal), a report, a stop at a loss that is not finite. Compared:
the mean loss of the first {compared} training steps.""", ("rnn",), trainer),
    Workload("h", "language", "One training step of a language model", """
An LSTM of 256 units over a stream, its state carried on, Dense to the next id at each step, cross entropy, gradients
clipped to norm 1, Adam. char: 96 one-hot characters, 100 steps, batch 64. word: 10,000 words in an embedding of 256, 35
steps, batch 32. Ids by Zipf's law. *char, two threads* is timed on the wall, on all cores. Compared: the losses of the
first 5 steps from equal weights.""", ("char", "word", "char, two threads"), language, tolerance=1e-3),
]  # fmt: skip
