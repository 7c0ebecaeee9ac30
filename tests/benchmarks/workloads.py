"""Define the workloads. Each one builds the function to time and the numbers to compare."""

import time
from collections.abc import Callable, Collection
from itertools import cycle, islice
from typing import Any, NamedTuple

import numpy as np
from problem import KINDS, RULE, Sizes
from worker import peak_memory


class Built(NamedTuple):
    """The function to time, the numbers to compare, the units of work in one call, and the memory
    in use before the model was built, if it is not the memory after the imports.
    """

    call: Callable[[], object]
    check: Any
    units: int = 1
    note: str = ""
    before: int = 0


class Workload(NamedTuple):
    """A section of the report. `build(contender, setting, problem, case)` is called in the
    contender's process and returns a Built.
    """

    letter: str
    title: str
    text: str
    cases: Collection[str]
    build: Any  # None for whole programs
    rounds: int
    tolerance: float = 1e-4


def summary(arrays):
    """Yield the norm of each array and its product with a fixed pattern, which identify it."""
    for array in arrays:
        flat = np.asarray(array, np.float64).ravel()
        yield float(np.linalg.norm(flat))
        yield float(flat @ np.cos(np.arange(flat.size)))


def with_summary(call):
    """Compare the output and the gradients that a call returns."""
    output, gradients = call()
    return Built(call, [*summary([output, *gradients])])


def repeated(step, inputs):
    """Return a function that calls `step` with the next of the inputs, again and again."""
    inputs = cycle(inputs)
    return lambda: step(next(inputs))


def trained_on(step, batches, before=0):
    """Compare the losses of five steps, and time further steps."""
    call = repeated(step, batches)
    return Built(call, [call() for _ in range(5)], before=before)


def draw(rng, shapes, deviation):
    """Draw arrays of these shapes."""
    return [rng.normal(0, deviation, of).astype(np.float32) for of in shapes]


def unrolled(contender, setting, problem, case):
    return with_summary(contender.unrolled(setting, *problem.vectors()))


CHUNK = 100  # training steps per call, enough for contenders that have their own compiled loop


def training(contender, setting, problem, case):
    sizes = problem.sizes
    model = contender.Training(case, problem.weights(case), setting, RULE)
    losses = model.steps(problem.batches(sizes.compared))
    run = getattr(model, "run", model.steps)
    run(problem.batches(sizes.aged - sizes.compared, start=sizes.compared))
    batches = cycle(problem.batches(len(problem.labels) // sizes.batch))
    return Built(lambda: run(list(islice(batches, CHUNK))), losses, CHUNK)


# divisors of 25,000, because a last batch of another size would be compiled again
BATCHES = (50, 100, 250, 1000, 5000)


def inference(contender, setting, problem, case):
    predict = contender.inference(case, problem.weights(case), setting)

    def classify(batch, ids=problem.ids):
        starts = range(0, len(ids), batch)
        return np.concatenate([predict(ids[s : s + batch]) for s in starts]).ravel()

    def seconds(batch):
        """Return the CPU time of classifying 5,000 reviews, the minimum of three times. The same
        few reviews would remain in the cache, which would favour small batches.
        """
        predict(problem.ids[:batch])  # compiles the function if necessary
        times = [time.process_time()]
        for _ in range(3):
            classify(batch, problem.ids[:5000])
            times.append(time.process_time())
        return min(np.diff(times))

    count = len(problem.ids)
    fastest = min((batch for batch in BATCHES if batch <= count), key=seconds)
    logits = classify(fastest)[:: max(1, count // 1000)]
    note = f"batch {fastest:,}"
    return Built(lambda: classify(fastest), logits.tolist(), note=note)


GROWTH = {
    "steps": (10, 40, 100, 400, 1000),
    "batch": (1, 8, 32, 128, 512),
    "hidden": (16, 32, 128, 512),
    "vocabulary": (1_000, 10_000, 50_000, 200_000),
    "gates": (1_000, 10_000, 100_000, 1_000_000),
}
# training steps before timing, because minigrad's Adam updates all touched rows often at first
EARLY = 70


def growth(contender, setting, problem, case):
    name, size = case.split("=")
    if name == "gates":
        x = np.linspace(-1, 1, 8, dtype=np.float32)
        return with_summary(contender.chain(x, int(size)))
    problem = problem.resized(**{name: int(size)})
    model = contender.Training("rnn", problem.weights("rnn"), setting, RULE)
    losses = model.steps(problem.batches(3))
    batches = problem.batches(13, start=3)
    call = repeated(lambda batch: model.steps([batch]), batches)
    for _ in range(EARLY - 3):
        call()
    return Built(call, losses)


def start(contender, setting, problem, case):
    model = contender.Training("rnn", problem.weights("rnn"), setting, RULE)
    return Built(lambda: None, model.steps(problem.batches(1)))


TABLE_BATCHES = 200


def adam(contender, setting, problem, case):
    rows = int(case.split()[0].replace(",", ""))
    if rows > problem.sizes.vocabulary:
        problem = problem.resized(vocabulary=rows)
    sizes = problem.sizes
    rng = np.random.default_rng(1)
    values = cycle(draw(rng, 7 * [(sizes.batch * sizes.steps, sizes.width)], 1e-3))
    table = np.zeros((rows, sizes.width), np.float32)
    step, read = contender.adam(table, setting, RULE)
    prepare = getattr(contender, "gradient", summed)
    batches = problem.batches(TABLE_BATCHES)
    gradients = [prepare(ids.ravel(), next(values)) for ids, _ in batches]
    for gradient in gradients[: sizes.compared]:
        step(gradient)
    after = read()[problem.ids[:: max(1, len(problem.ids) // 100), -1], :10]
    # relative to the largest change, because the table started as zeros
    check = (after / np.max(np.abs(after))).tolist()
    for gradient in gradients[sizes.compared :]:
        step(gradient)
    return Built(repeated(step, gradients), check)


def summed(ids, values):
    """Return the distinct ids and the sum of the values for each id."""
    distinct, place = np.unique(ids, return_inverse=True)
    sums = np.zeros((len(distinct), values.shape[1]), np.float32)
    np.add.at(sums, place, values)
    return distinct, sums


def trainer(contender, setting, problem, case):
    run = contender.trained(case, problem.weights(case), setting, RULE)
    loss = run(problem.batches(problem.sizes.compared))
    batches = problem.batches(2 * CHUNK)
    return Built(lambda: run(batches), loss, 2 * CHUNK)


USUAL = RULE | {"eps": 1e-8}
SHAPES = {
    "char": (96, 0, 256, 100, 64),
    "word": (10_000, 256, 256, 35, 32),
    "character LSTM": (65, 64, 256, 100, 64),
}
"""Ids, width of the embedding (0: one-hot), units, steps, batch."""


def language(contender, setting, problem, case):
    size, width, hidden, steps, batch = SHAPES[case.split(",")[0]]
    if problem.sizes != Sizes():  # a smoke test
        size, width, hidden, steps, batch = size // 4, width and 5, 4, 6, 3
    rng = np.random.default_rng(0)
    odds = 1 / np.arange(1, size + 1)
    windows = rng.choice(size, (16, batch, steps + 1), p=odds / odds.sum())
    step = contender.language((size, width, hidden), setting, USUAL)
    return trained_on(step, windows)


SMALL = (128, 4, 4)  # width, heads, blocks
TINY = (8, 2, 2)  # for a smoke test
GPT_RULE: dict[str, Any] = {"lr": 1e-3, "betas": (0.9, 0.99), "eps": 1e-8}


def small_gpt(contender, setting, context, sizes):
    """Build the contender's model. Return it, with random windows of ids."""
    model = contender.SmallGPT((65, context, *sizes), setting, GPT_RULE)
    rng = np.random.default_rng(0)
    return model, rng.integers(65, size=(16, 12, context + 1))


def gpt(contender, setting, problem, case):
    context = int(case.split(",")[0].split()[1])
    model, windows = small_gpt(contender, setting, 6, TINY)
    model.step(windows[0])  # PyTorch loads many modules in its first step
    before = peak_memory(afresh=True)
    if problem.sizes == Sizes():  # not a smoke test
        model, windows = small_gpt(contender, setting, context, SMALL)
    return trained_on(model.step, windows, before)


def writing(contender, setting, problem, case):
    count, sizes = int(case.split()[0]), SMALL
    if problem.sizes != Sizes():  # a smoke test
        count, sizes = 6, TINY
    model, windows = small_gpt(contender, setting, count, sizes)
    logits = np.asarray(model.logits(windows[0, :1, :-1]))[:, :, ::8]
    return Built(lambda: model.write(count), logits.tolist())


IMAGES = 64
CONVOLUTIONS = {  # images, channels, kernel and filters
    "8x8, 1 to 8 channels, 3x3": (8, 1, 3, 8),
    "28x28, 1 to 6, 5x5": (28, 1, 5, 6),
    "12x12, 6 to 16, 5x5": (12, 6, 5, 16),
    "28x28, 16 to 32, 3x3": (28, 16, 3, 32),
}


def convolution(contender, setting, problem, case):
    rng = np.random.default_rng(0)
    if case in CONVOLUTIONS:
        side, channels, kernel, filters = CONVOLUTIONS[case]
        images = (IMAGES, channels, side, side)
        kernels = (filters, channels, kernel, kernel)
        outputs = (IMAGES, filters, side - kernel + 1, side - kernel + 1)
        *inputs, dz = draw(rng, [images, kernels, outputs], 1)
        return with_summary(contender.convolution(inputs, dz, setting))
    if case == "LeNet step":
        x = rng.random((IMAGES, 1, 28, 28), np.float32)
        return trained_on(contender.lenet(setting), [(x, rng.integers(10, size=IMAGES))])
    x, dz = draw(rng, [(IMAGES, 6, 24, 24), (IMAGES, 6, 12, 12)], 1)
    # pooling follows a ReLU
    return with_summary(contender.convolution([np.maximum(x, 0)], dz, setting))


UNTUNED: dict[str, Any] = {
    "stacked GRU": ("stacked_gru", (26, 64, 61), (32, 60)),
    "MLP": ("mlp", (784, 256, 128, 10), (128,)),
}
"""The contender's function, the model's sizes, and the input's shape without the last axis."""


def untuned(contender, setting, problem, case):
    name = case.split(",")[0]
    if name in SHAPES:
        return language(contender, setting, problem, case)
    function, sizes, rows = UNTUNED[name]
    if problem.sizes != Sizes():  # a smoke test
        sizes, rows = (6, 5, 4, 3)[: len(sizes)], (3, 2)[: len(rows)]
    rng = np.random.default_rng(0)
    x = rng.standard_normal((16, *rows, sizes[0]), np.float32)
    labels = rng.integers(sizes[-1], size=(16, *rows))
    step = getattr(contender, function)(sizes, setting, USUAL)
    return trained_on(step, list(zip(x, labels, strict=True)))


WORKLOADS = [
    Workload("a", "The unrolled RNN, forward and backward", """
The network computes h = tanh(x_t @ W_xh + h @ W_hh + b) over {steps} steps, with batch size
{batch}, width {width}, hidden size {hidden}, and float32. The loss is the sum of the last h. Five
operations are recorded for each time step, except in compiled JAX, which does not record
operations. The backward pass computes the gradients with respect to W_xh, W_hh and b. The
*difference* column shows how much a contender's loss and its three gradients differ from the first
contender's.""",
             ("",), unrolled, rounds=15),
    Workload("b", "One training step of the classifier", """
The model consists of Embedding({vocabulary}, {width}), a recurrent layer with {hidden} units over
{steps} time steps, and Dense(1). It is trained on batches of {batch} real reviews, with binary
cross entropy and with Adam, which updates all rows of the embedding. A step is timed after {aged}
training steps. The *difference* column shows how much a contender's losses in the first {compared}
training steps differ from the first contender's. All contenders start from the same weights.""",
             KINDS, training, rounds=9),
    Workload("c", "Classifying all reviews", """
The classifier of (b) predicts the sentiment of {reviews:,} reviews without recording a graph. Each
contender uses its fastest batch size, which is determined before the measurement. The *difference*
column shows how much a contender's logits differ from the first contender's.""",
             KINDS, inference, rounds=5),
    Workload("d", "Growth with each size", """
Each plot except the last varies one dimension of (b), such as the batch size, and shows how the
RNN's time per training step grows. A step is timed after 70 training steps. The last plot shows the
time for a chain of n gates h = tanh(h) on 8 numbers, forward and backward. Each point is measured
in its own process. The memory figure is the peak memory minus the memory in use after the imports.
With a larger vocabulary, a batch still uses the same number of embedding rows. The *difference*
column shows how much a contender's first losses (for the chain, its value and gradient) differ from
the first contender's.""",
             [f"{name}={size}" for name, sizes in GROWTH.items() for size in sizes], growth, rounds=3),
    Workload("e", "Import, and the first training step", """
The *import* case measures the time it takes to import the package in a new interpreter. The *first
step* case measures the time from the start of a process to the end of the first training step of
the RNN in (b). This includes importing the package, building the model and, in some libraries,
compiling it. The *difference* column shows how much a contender's first loss differs from the first
contender's.""",
             ("import", "first step"), start, rounds=7),
    Workload("f", "Adam over an embedding table", """
In this benchmark, one step of Adam updates a table with {width} columns and the given number of
rows. The gradient comes from one batch of {batch} reviews, which use about 555 rows. As in a real
training step, minigrad receives the ids and the gradient of each look-up and sums the gradients of
each row itself. The other contenders receive a dense array. The steps cycle through 200 batches so
that Adam's moments do not decay to denormal numbers, which would slow NumPy down. The *difference*
column compares the tables after the first {compared} steps. It shows how much a contender's table
differs from the first contender's, as a fraction of the largest change in the table.""",
             ("10,000 rows", "50,000 rows", "200,000 rows"), adam, rounds=15),
    Workload("g", "The Trainer beside a bare loop", """
A training step of the RNN in (b), with fused gates, is timed in three settings: a six-line loop, a
Trainer without metrics or callbacks, and a Trainer with the usual metrics and callbacks. The last
setting uses accuracy, a progress bar (without a terminal), a report for each epoch, and a check for
non-finite losses. The *difference* column shows how much a Trainer's mean loss over the first
{compared} training steps differs from the loop's.""",
             ("rnn",), trainer, rounds=15),
    Workload("h", "One training step of a language model", """
An LSTM with 256 units and carried state reads a stream of ids, and a Dense layer predicts the next
id at each time step. Training uses cross entropy, Adam, and gradients clipped to a norm of 1. The
*char* case has 96 one-hot characters, 100 time steps and batches of 64. The *word* case has 10,000
words with an embedding of width 256, 35 time steps and batches of 32. The ids follow Zipf's law.
The *char, two threads* case compares elapsed times on all cores. The *difference* column shows how
much a contender's losses in the first 5 steps differ from the first contender's. All contenders
start from the same weights.""",
             ("char", "word", "char, two threads"), language, rounds=7, tolerance=1e-3),
    Workload("i", "One training step of a small GPT", """
The model is nanoGPT's for a CPU, as in `examples/gpt.py`: 4 blocks, 4 heads, width 128, 65
characters, and batches of 12 pieces with 64 or 256 characters. PyTorch uses its own
scaled_dot_product_attention. Training uses cross entropy, gradients clipped to a norm of 1, and
AdamW. The cases with two threads compare elapsed times on all cores. *MB* is the peak of the
process's resident memory minus its resident memory after a training step of a tiny model, because
PyTorch loads many modules in its first step. The *difference* column shows
how much a contender's losses in the first 5 steps differ from the first contender's. All contenders
start from the same weights.""",
             [f"context {n}{threads}" for threads in ("", ", two threads") for n in (64, 256)],
             gpt, rounds=7, tolerance=1e-5),
    Workload("j", "Writing text with a small GPT", """
The model of (i) writes 256 characters, one after the other, and always chooses the most likely
character. With a state, it reads only the newest character, and takes the keys and values of the
earlier characters from the state. Without a state, it reads all characters again, as nanoGPT does
in PyTorch. The *difference* column shows how much a contender's logits differ from the first
contender's, over 256 random characters, each predicted from those before it.""",
             ("256 characters",), writing, rounds=7, tolerance=1e-5),
    Workload("k", "Convolution, max pooling and LeNet", """
Forward and backward of one operation, for 64 images in float32. A case states the height and width
of the images, the channels before and after the convolution, and the size of the kernel. The
gradients of the images and the kernel are computed. *LeNet step* is a training step of a LeNet for
images of 28x28: two convolutions, each with a ReLU and max pooling, three dense layers, cross
entropy and SGD. The *difference* column shows how much the output and the gradients (for LeNet, the
losses in the first 5 steps) differ from the first contender's.""",
             (*CONVOLUTIONS, "max pooling 2x2 of 6x24x24", "LeNet step"), convolution, rounds=7),
    Workload("l", "One training step of models that nobody tuned", """
minigrad was not optimized for these models, but for those of the other sections. *stacked GRU* has
two bidirectional layers with 64 units. It classifies each of 60 time steps of 26 numbers into 61
classes, in batches of 32. *MLP* has layers of 784, 256, 128 and 10 units and batches of 128.
*character LSTM* is the model of (h) with 65 characters, an embedding of width 64, 256 units, 100
time steps and batches of 64. All are trained with cross entropy and Adam. The cases with two
threads compare elapsed times on all cores. The *difference* column shows how much a contender's
losses in the first 5 steps differ from the first contender's. All contenders start from the same
weights.""",
             [name + threads for threads in ("", ", two threads")
              for name in (*UNTUNED, "character LSTM")],
             untuned, rounds=7, tolerance=1e-5),
    Workload("m", "Whole programs", """
Each program in `tests/benchmarks/programs` trains the classifier of (b) for 3 epochs with the
library's own training loop, if it has one, and computes the accuracy on a tenth of the reviews
after each epoch. The time of the process from start to end includes the imports and, in some
libraries, compiling. Each library chooses its number of threads and draws its own initial weights,
but all embeddings start in ±0.05. The ratios use elapsed times. The *difference* column shows how
much a contender's accuracy at its best epoch differs from the first contender's. Because of the
different weights, it may be up to 0.03.""",
             [f"{kind} program" for kind in KINDS], None, rounds=3, tolerance=0.03),
]  # fmt: skip
