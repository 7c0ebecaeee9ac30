"""Lesson 19's questions about `probabilities`, `write` and `write_cached`, with known models."""

import numpy as np

import minigrad as mg
from layers import MultiHeadAttention
from minigrad.course.checking.answers import difference
from minigrad.course.checking.lesson import Question, over_time, values
from minigrad.course.lessons.lesson_19_gpt.check_answers import right_type

SOFTMAX = "p = e / Σ e, with e = exp(logits / temperature - the largest of logits / temperature)"
WRITE = (
    "count times: p = probabilities(the last logits of the text so far, temperature); append "
    "rng.choice(len(p), p=p)"
)
CACHED = (
    "first read all ids with cache None and start 0; then only the newest id, with the last cache, and start = the "
    "number of ids before it"
)


def distribution(yours, right):
    """Say first whether p contains nan, or does not add up to 1."""
    p, total = np.asarray(yours, float), np.sum(yours)
    if p.shape != right.shape or np.isclose(total, 1):
        return difference(yours, right, 1e-6)
    told = "Is a number too large for exp?" if np.isnan(total) else f"They add up to {total:.6g}."
    return f"yours         {p.round(6).tolist()}\nit should be  {right.round(6).tolist()}\n{told}"


def probabilities_question(logits, temperature, what=""):
    return Question("probabilities", "probabilities(logits, temperature)",
                    values(logits=logits, temperature=temperature), what, formula=SOFTMAX,
                    compare=distribution)  # fmt: skip


def limit(count):
    """End a loop that would never end."""
    if count > 500:
        raise RuntimeError("the model was called more than 500 times. Does the loop end?")


class Draws(np.random.Generator):
    """A generator that rejects probabilities in a Tensor. NumPy would round them differently."""

    def __init__(self, seed=0):
        super().__init__(np.random.PCG64(seed))

    def choice(self, a, *rest, **options):
        if isinstance(options.get("p"), mg.Tensor):
            raise TypeError("p is a Tensor, but rng.choice needs an array. Did you forget .array?")
        return super().choice(a, *rest, **options)


class Toy:
    """A model whose logits are 100 for one id, or random. With a cache, it returns (logits, cache)."""

    def __init__(self, size, rule, about, table=None, cached=False):
        self.size, self.rule, self.table, self.cached = size, rule, table, cached
        self.__doc__ = about
        self.calls = []

    def __call__(self, ids, *past):
        ids = np.asarray(ids)
        if ids.ndim != 2 or ids.shape[0] != 1 or not ids.size:
            raise ValueError(f"the model reads ids of shape (1, T), not {ids.shape}")
        cache, start = past if self.cached else (None, 0)
        self.calls.append([ids.shape[1], int(start)])
        limit(len(self.calls))
        total = np.cumsum(ids, axis=1) + (0 if cache is None else cache)
        places = start + np.arange(ids.shape[1])
        chosen = self.rule(ids, total, places) % self.size
        table = 100.0 * np.eye(self.size) if self.table is None else self.table
        logits = mg.Tensor(table[chosen])
        return (logits, int(total[0, -1])) if self.cached else logits


def next_id(cached=False):
    return Toy(
        4,
        lambda ids, total, places: ids + 1,
        "after each id, (id + 1) % 4 is certain",
        cached=cached,
    )


def adder(cached=False):
    about = "after each id, (the sum of all ids so far) % 5 is certain"
    return Toy(
        5,
        lambda ids, total, places: total,
        about + "; the cache is this sum" * cached,
        cached=cached,
    )


def counter(cached=True):
    return Toy(7, lambda ids, total, places: ids + places, "after each id, (id + its position) % 7 is certain",
               cached=cached)  # fmt: skip


def dice(cached=False):
    table = np.random.default_rng(4).normal(size=(6, 6)).round(1) * 2
    return Toy(6, lambda ids, total, places: total + places, "6 ids, with random logits that depend on all ids so "
               "far", table, cached)  # fmt: skip


def fair(cached=False):
    return Toy(3, lambda ids, total, places: ids, "the logits of the ids 0, 1, 2 are always 0, 0, 0",
               np.zeros((3, 3)), cached)  # fmt: skip


def letters(answer):
    return [(f"id {t}", one) for t, one in enumerate(answer)]


def write_question(make, ids, count, temperature=1.0, what="", function="write", seed=0):
    def given(file):
        return {"model": make(function == "write_cached"), "ids": [*ids], "count": count,
                "rng": Draws(seed), "temperature": temperature}  # fmt: skip

    return Question(
        function, f"{function}(model, ids, count, rng, temperature)", given, what,
        formula=WRITE if function == "write" else CACHED, names=letters,
    )  # fmt: skip


def cached_question(*arguments, **options):
    return write_question(*arguments, function="write_cached", **options)


def counts_of_draws(file):
    return {"model": fair(), "rng": Draws()}


def many(yours, right):
    """Compare the number of ids of each kind among 300 draws."""
    if isinstance(yours, list) and len(yours) == 3 and min(yours) > 60:
        return None
    return f"yours         {yours}\nit should be  about [100, 100, 100]"


def reads_question(function, ids, cached):
    call = f"{function}(model, {ids}, 4, rng, 1.0)"
    return Question(
        function, f"({call}, model.calls[:4])[1]", lambda file: {"model": adder(cached), "rng": Draws()},
        f"what the model reads in {call}: the number of ids, and the position of the first one, in each call",
        formula=CACHED if cached else WRITE, compare=reads,
    )  # fmt: skip


def reads(yours, right):
    """Compare [number of ids, start] of each call. More calls, after the last draw, are allowed."""
    if isinstance(yours, list) and yours[: len(right)] == right:
        return None
    for number, (mine, good) in enumerate(zip(yours, right, strict=False), 1):
        if mine != good:
            return (
                f"call {number}: yours reads {mine[0]} id{'s' * (mine[0] > 1)} from position {mine[1]}\n"
                f"it should be  {good[0]} id{'s' * (good[0] > 1)} from position {good[1]}"
            )
    return f"yours         {len(yours)} calls of the model\nit should be  {len(right)} calls"


class Fixed:
    """The model of `trained.GPT` with random weights and minigrad's own layers, and its cache."""

    def __init__(self):
        mg.seed(3)
        self.size, self.width = 6, 8
        rng = np.random.default_rng(3)
        self.table, self.out = rng.normal(size=(6, 8)), rng.normal(size=(8, 6))
        self.attention, self.count = MultiHeadAttention(8, 2, causal=True), 0
        self.places = rng.normal(size=(40, 8))
        self.__doc__ = "one attention layer with random weights; the cache is its keys and values"

    def __call__(self, ids, cache, start):
        self.count += 1
        limit(self.count)
        ids = np.asarray(ids)
        x = self.table[ids] + self.places[start : start + ids.shape[1]]
        state = self.attention.initial_state(1) if cache is None else cache
        with mg.no_grad():
            z, state = self.attention(mg.Tensor(x.astype("float32")), state)
        return mg.Tensor(z.array @ self.out), state


QUESTIONS = (
    probabilities_question([0, np.log(3)], 1.0),
    probabilities_question([0, np.log(3)], 0.5),
    probabilities_question([0, np.log(3)], 2.0),
    probabilities_question([2, 2, 2, 2], 0.7),
    probabilities_question([1000, 999, -1000], 1.0),
    probabilities_question([0, np.log(9), 1000], 0.5, "probabilities(logits, temperature), with quotients up to 2000"),
    Question("probabilities", "type(probabilities(logits, temperature)).__name__", values(logits=[0, 1], temperature=1),
             "the type of probabilities(logits, temperature)", formula=SOFTMAX, compare=right_type()),
    probabilities_question([1, -2, 0.5, 3], 1.5),
    write_question(next_id, [0], 3),
    write_question(next_id, [3, 1], 2),
    write_question(adder, [1, 2], 4),
    write_question(next_id, [2, 0], 0),
    Question("write", "np.bincount(write(model, [0], 300, rng, 1.0)[1:], minlength=3).tolist()", counts_of_draws,
             "how often each id occurs among 300 new ones", formula=WRITE, compare=many),
    write_question(dice, [1], 12),
    write_question(dice, [1, 0], 12, 0.5),
    write_question(dice, [5], 12, 3.0),
    reads_question("write", [1, 2], False),
    Question("write_cached", "[write_cached(model, [1], 3, rng, 1.0) for model in models]",
             lambda file: {"models": [adder(True), adder(True)], "rng": Draws()},
             "two texts, one after the other: [write_cached(model, [1], 3, rng, 1.0) for model in models]",
             formula=CACHED, names=over_time("text {}")),
    cached_question(next_id, [0], 3),
    cached_question(next_id, [3, 1], 2),
    cached_question(adder, [1, 2], 4),
    cached_question(counter, [1], 4),
    cached_question(counter, [2, 5, 1], 4),
    cached_question(next_id, [2, 0], 0),
    reads_question("write_cached", [1, 2, 0], True),
    cached_question(dice, [1, 0], 12, 0.5),
    cached_question(lambda cached: Fixed(), [3, 1], 12),
)  # fmt: skip
