"""The networks of lesson 18: a network reads five digits and writes them in another order.

`python lesson_18_attention.py` trains one for each task, with the learner's functions.
"""

import traceback

import numpy as np

import minigrad as mg
from minigrad.course.checking.lesson import progress
from minigrad.course.lessons.lesson_18_attention import shading
from optim import Adam

T, WIDTH, HEADS, EQUALS = 5, 32, 2, 10
TASKS = {
    "copy": lambda digits: digits,
    "reverse": lambda digits: digits[:, ::-1],
    "sort": lambda digits: np.sort(digits, axis=1),
}
STEPS, BATCH, HELD_OUT = 100, 32, 200
EXAMPLE = np.array([[3, 1, 4, 0, 5]])


class Writer:
    """A network that reads digits and '=', and then writes: 3 1 4 1 5 = 5 1 4 1 3.

    Each token and each place has a vector. Their sum x goes through `multi_head`. The result is
    added to x, and a matrix turns each sum into ten logits for the next digit.
    """

    def __init__(self, multi_head, rng, causal=True):
        self.multi_head, self.causal = multi_head, causal
        sizes = {"tokens": (EQUALS + 1, WIDTH), "places": (2 * T, WIDTH), "W_digits": (WIDTH, 10)}
        sizes |= dict.fromkeys(("W_q", "W_k", "W_v", "W_out"), (WIDTH, WIDTH))
        for name, size in sizes.items():
            array = (0.2 * rng.standard_normal(size)).astype("float32")
            setattr(self, name, mg.Tensor(array, requires_grad=True, name=name))
        self.parameters = [getattr(self, name) for name in sizes]

    def vectors(self, ids):
        return mg.lookup(self.tokens, ids) + self.places[: ids.shape[1]]

    def __call__(self, ids):
        x = self.vectors(ids)
        matrices = self.W_q, self.W_k, self.W_v, self.W_out
        return (x + self.multi_head(x, *matrices, HEADS, self.causal)) @ self.W_digits

    def write(self, digits):
        """Return the digits (N, T) that the network writes after the digits (N, T) and '='."""
        ids = np.pad(digits, ((0, 0), (0, 1)), constant_values=EQUALS)
        with mg.no_grad():
            for _ in range(T):
                ids = np.column_stack([ids, self(ids).array[:, -1].argmax(axis=1)])
        return ids[:, T + 1 :]


def examples(task, rng):
    """Return (training digits, held-out digits), which have no sequence in common. If the task is
    to sort, all digits of a sequence are different.
    """
    if task == "sort":
        digits = np.argsort(rng.random((3000, 10)), axis=1)[:, :T]
    else:
        digits = rng.integers(0, 10, (3000, T))
    held_out = digits[:HELD_OUT]
    seen = (digits[:, None] == held_out).all(axis=2).any(axis=1)
    return digits[~seen], held_out


def with_answer(task, digits):
    """Return what the network reads during training, and what it should write at the last T places."""
    answer = TASKS[task](digits)
    equals = np.full((len(digits), 1), EQUALS)
    return np.column_stack([digits, equals, answer[:, :-1]]), answer


def train(multi_head, task, causal=True):
    """Train a network. Return it, its last loss, and its accuracy: the share of held-out sequences
    that it writes without a mistake.
    """
    rng = np.random.default_rng(0)
    digits, held_out = examples(task, rng)
    writer = Writer(multi_head, rng, causal)
    optimizer = Adam(writer.parameters, lr=0.01)
    for step in range(STEPS):
        ids, answer = with_answer(task, digits[rng.integers(0, len(digits), BATCH)])
        logits = writer(ids)[:, T:]
        loss = mg.softmax_cross_entropy(logits.reshape(-1, 10), answer.reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        progress((step + 1) / STEPS)
    right = (writer.write(held_out) == TASKS[task](held_out)).all(axis=1)
    return writer, loss.item(), right.mean()


def looks(file, writer, task, digits):
    """Return the weights (N, heads, T, T) of the digits that are written (down) on the digits that were
    read (across), with the learner's functions.
    """
    with mg.no_grad():
        x = writer.vectors(with_answer(task, digits)[0])
        q, k = (file.split_heads(x @ W, HEADS) for W in (writer.W_q, writer.W_k))
        return file.weights(file.scores(q, k), True).array[:, :, T:, :T]


def pattern(file, writer, task):
    """Return where the network looks for each digit that it writes (T, T), a mean over its heads and over
    the held-out sequences.

    A column stands for a place that was read. If the task is to sort, it stands for a rank: column 0
    is the smallest digit.
    """
    digits = examples(task, np.random.default_rng(0))[1]
    found = looks(file, writer, task, digits)
    if task == "sort":
        found = np.take_along_axis(found, np.argsort(digits, axis=1)[:, None, None], axis=3)
    return found.mean(axis=(0, 1))


def shown(file):
    """Train a network for each task. Return, by task: its loss, its accuracy, what it writes after the
    example, and its pattern.
    """
    found = {}
    for task in TASKS:
        writer, loss, accuracy = train(file.multi_head, task)
        found[task] = loss, accuracy, writer.write(EXAMPLE)[0], pattern(file, writer, task)
    return found


def run(file):
    """Train the networks, print how well they write, and draw where they look."""
    try:
        found = shown(file)
    except NotImplementedError as error:
        name = traceback.extract_tb(error.__traceback__)[-1].name
        raise SystemExit(f"{name} is not written yet.") from None
    panels = {}
    for task, (loss, accuracy, wrote, look) in found.items():
        print(f"{task}: loss {loss:.3f}, {accuracy:.0%} of {HELD_OUT} new sequences are right,")
        print(f"for example {spaced(EXAMPLE[0])} = {spaced(wrote)}")
        print(text_map(look, "rank" if task == "sort" else "place"))
        panels[task] = (look,)
    _, loss, accuracy = train(file.multi_head, "sort", causal=False)
    print(f"sort, trained without a mask: loss {loss:.3f}, {accuracy:.0%} are right")
    with open("lesson_18_maps.svg", "w", encoding="utf-8") as svg:
        svg.write(shading.picture(panels))
    print("lesson_18_maps.svg shows the maps.")


def spaced(digits):
    return " ".join(map(str, digits))


def text_map(look, columns):
    """Return weights as a table of percentages."""
    rows = [f"      {columns:>6}{''.join(f'{column:5}' for column in range(T))}"]
    rows += [
        f"    output {t}{''.join(f'{100 * one:5.0f}' for one in row)}" for t, row in enumerate(look)
    ]
    return "\n".join(rows) + "\n"
