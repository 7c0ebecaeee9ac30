"""Lesson 19's questions and page. The page shows who sees whom, what the trained GPT attends to, and
the names that it wrote.
"""

import numpy as np

import minigrad as mg
from layers import MultiHeadAttention, TransformerBlock
from minigrad.course.checking.answers import difference
from minigrad.course.checking.lesson import Question, over_time, values
from minigrad.course.lessons.lesson_19_gpt import trained
from minigrad.course.lessons.lesson_19_gpt.shading import page, results  # noqa: F401

POSITION = (
    "P[t, 2i] = sin(t / 10000 ** (2i / width)), P[t, 2i + 1] = cos(t / 10000 ** (2i / width))"
)
EMBED = "x[b, t] = table[ids[b, t]] + P[start + t]"
SHIFT = "inputs = ids[:, :-1], labels = ids[:, 1:]; the label is -100 where the input is 0, except in column 0"
BLOCK = "y = x + attention(norm1(x)), z = y + mlp(norm2(y))"
ATTEND = (
    "keys = [cached keys, k] and values = [cached values, v] along axis 2; new step t may attend to key s if "
    "s <= t + the number of cached steps"
)
SOFTMAX = "p = e / Σ e, with e = exp(logits / temperature - the largest of logits / temperature)"
WRITE = (
    "count times: p = probabilities(the last logits of the text so far, temperature); append "
    "rng.choice(len(p), p=p)"
)
CACHED = (
    "first read all ids with cache None and start 0; then only the newest id, with the last cache, and start = the "
    "number of ids before it"
)
PARTS = ("inputs", "labels")
BOUND = 2.4
"""A right model reaches about 2.29, one without residuals 2.58, counted pairs of letters 2.454."""


# ---- positions, embed, targets ----


def cells(name):
    """Name the elements of a matrix row by row: P[0, 0], P[0, 1], ..."""

    def split(answer):
        answer = np.asarray(answer)
        return [
            (f"{name}[{', '.join(map(str, at))}]", answer[at]) for at in np.ndindex(answer.shape)
        ]

    return split


def positions_question(length, width):
    return Question("positions", "positions(length, width)", lambda file: {"length": length, "width": width},
                    formula=POSITION, names=cells("P"))  # fmt: skip


def tensor(array, name=None):
    return mg.Tensor(np.array(array, float), requires_grad=True, name=name)


def embed_question(table, ids, start=None, call="embed(table, ids, start)", what="", names="x"):
    def given(file):
        found = {"table": tensor(table), "ids": np.array(ids, np.intp)}
        return found if start is None else {**found, "start": start}

    return Question("embed", call, given, what, formula=EMBED, names=cells(names))


def right_type(more=""):
    """Make a comparison of the names of two types."""

    def compare(yours, right):
        kind = {"ndarray": "array"}.get(right, right)
        return None if yours == right else f"yours         {yours}\nit should be  {kind}{more}"

    return compare


def form(answer):
    """Describe what a function returned: (array (1, 2), array (1, 2))."""
    if isinstance(answer, list):
        parts = [form(part) for part in answer]
        numbers = {"a number", "a list of numbers"}.issuperset(parts)
        return "a list of numbers" if numbers else f"({', '.join(parts)})"
    if isinstance(answer, np.ndarray):
        return f"array {answer.shape}"
    return "a number" if isinstance(answer, int | float) else str(answer)


def same_form(yours, right):
    """Compare the forms first. Then `names` finds the first number that differs."""
    if form(yours) != form(right):
        return f"yours         {form(yours)}\nit should be  {form(right)}"
    return "The numbers differ." if difference(yours, right, 1e-6) else None


def inputs_and_labels(answer):
    """Name the elements of the inputs, then those of the labels."""
    return [pair for name, part in zip(PARTS, answer, strict=True) for pair in cells(name)(part)]


def targets_question(ids):
    return Question("targets", "targets(ids)", lambda file: {"ids": np.array(ids, np.intp)}, formula=SHIFT,
                    names=inputs_and_labels, compare=same_form)  # fmt: skip


def whole(yours, right):
    """Compare the types of the inputs and of the labels. Every type of integer is right."""
    wrong = [name for name, kind in zip(PARTS, yours, strict=True) if "int" not in kind]
    return None if not wrong else (
        f"yours         {', '.join(yours)}\nit should be  arrays of integers, like ids")  # fmt: skip


# ---- block ----


def watched(function):
    """Make a function that keeps what it received."""

    def call(x):
        call.received = np.array(x.array if isinstance(x, mg.Tensor) else x)
        return function(x)

    call.__doc__ = function.__doc__
    return call


def seen(**functions):
    """Return what each function received, by name."""
    return {f"the input of {name}": one.received for name, one in functions.items()}


SEEN = (
    "(lambda z: {**check.seen(norm1=norm1, attention=attention, norm2=norm2, mlp=mlp), 'z': z})"
    "(block(x, norm1, attention, norm2, mlp))"
)


def half(x):
    """halves x"""
    return x / 2


def double(x):
    """multiplies by 2"""
    return x * 2


def triple(x):
    """multiplies by 3"""
    return x * 3


def less(x):
    """subtracts 1"""
    return x - 1


def square(x):
    """squares x"""
    return x * x


def zero(x):
    """returns zeros"""
    return x * 0


def tenth(x):
    """multiplies by 0.1"""
    return x * 0.1


def same(x):
    """returns x"""
    return x * 1


def centre(x):
    """subtracts the mean of each row"""
    return x - x.mean(axis=-1, keepdims=True)


def scaled(x):
    """divides each row by its largest number"""
    return x / x.max(axis=-1, keepdims=True)


def average(x):
    """the mean of the steps so far"""
    count = np.arange(1, x.shape[1] + 1)[:, None]
    return x.cumsum(axis=1) / count


def block_question(
    x, *functions, call="block(x, norm1, attention, norm2, mlp)", what="", way=SEEN, **more
):
    def given(file):
        found = zip(("norm1", "attention", "norm2", "mlp"), map(watched, functions), strict=True)
        return {"x": tensor(x), **dict(found)}

    return Question("block", call, given, what, formula=BLOCK, way=way, **more)


def layers_of_block(file):
    """The layers of a random TransformerBlock, and an input."""
    mg.seed(1)
    one = TransformerBlock(4, 2)
    rng = np.random.default_rng(1)
    for tensor_ in one.named_parameters().values():
        tensor_.array = np.asarray(tensor_.array + 0.3 * rng.normal(size=tensor_.shape), float)

    def mlp(y):
        """linear2(gelu(linear1(y)))"""
        return one.linear2(one.linear1(y))

    parts = {"norm1": one.norm1, "attention": one.self_attn, "norm2": one.norm2, "mlp": mlp}
    for name, part in list(parts.items()):
        parts[name] = watched(part)
    parts["norm1"].__doc__ = parts["norm2"].__doc__ = "LayerNorm(4)"
    parts["attention"].__doc__ = "MultiHeadAttention(4, 2, causal=True)"
    return {"x": tensor(rng.normal(size=(2, 3, 4))), **parts}


# ---- attend ----


def memory(heads, steps, cached, batch=1, width=1, seed=0):
    """Return q, k, v of new steps, and a cache."""
    rng = np.random.default_rng(seed)

    def random(length):
        return tensor(rng.normal(size=(batch, heads, length, width)).round(1))

    found = {name: random(steps) for name in ("q", "k", "v")}
    return {**found, "cache": (random(cached), random(cached)) if cached else None}


def by_hand(q, k, v, cached_k=(), cached_v=()):
    """Return a `given` of one text, one head and width 1."""

    def column(numbers):
        return tensor(np.reshape(np.array(numbers, float), (1, 1, -1, 1)))

    def given(file):
        cache = (column(cached_k), column(cached_v)) if cached_k else None
        return {"q": column(q), "k": column(k), "v": column(v), "cache": cache}

    return given


def two_texts(file):
    q, k, first = (np.reshape(number, (1, 1, 1, 1)) for number in (1.0, 1.0, 4.0))
    return {"q": tensor(q), "k": tensor(k), "vs": [tensor(first), tensor(2 * first)]}


def steps_of(answer):
    """Name z step by step, then the keys and the values that are returned."""
    z, (keys, values_) = answer
    found = []
    for name, part in (("z", z), ("keys", keys), ("values", values_)):
        part = np.asarray(part)
        found += [("the shape of " + name, list(part.shape))]
        found += [(f"{name} of step {t}", part[:, :, t]) for t in range(part.shape[2])]
    return found


def attend_question(given, what=""):
    return Question("attend", "attend(q, k, v, cache)", given, what, formula=ATTEND,
                    names=steps_of, compare=same_form)  # fmt: skip


def gradients(answer):
    """Name the gradients of q, k and v."""
    return [(f"d{name} of step {t}", part[:, :, t]) for name, part in zip("qkv", answer, strict=True)
            for t in range(part.shape[2])]  # fmt: skip


def first_leak(yours, right):
    """Say which step sees a step that it must not see, or does not see one that it must see."""
    mine, good = np.asarray(yours), np.asarray(right)
    if mine.shape != good.shape:
        return f"yours         {mine.shape}, the shape of the matrix\nit should be  {good.shape}"
    wrong = np.argwhere(mine != good)
    if not len(wrong):
        return None
    leaks = np.argwhere(mine > good)
    t, s = (leaks if len(leaks) else wrong)[0]
    told = f"position {t} sees position {s}, which is in its future." if len(leaks) else (
        f"position {t} does not see position {s}.")  # fmt: skip
    rows = ["".join(".#"[int(one)] for one in row) for row in mine]
    return "\n".join([told, "who (down) sees whom (across):", *rows])


def sees(attend, cached, new):
    """Return the matrix of who sees whom, from mg.depends: 1 if position t (down) depends on the value
    at position s (across). The last `new` positions are read after a cache of `cached` positions.
    """
    rng = np.random.default_rng(2)
    q, k = (mg.Tensor(rng.normal(size=(1, 1, cached + new, 2))) for _ in "qk")

    def read(v):
        earlier, later = slice(0, cached), slice(cached, None)
        if not cached:
            return attend(q, k, v, None)[0]
        z, kept = attend(q[:, :, earlier], k[:, :, earlier], v[:, :, earlier], None)
        more = attend(q[:, :, later], k[:, :, later], v[:, :, later], kept)[0]
        return mg.concatenate([z, more], axis=2)

    v = mg.Tensor(rng.normal(size=(1, 1, cached + new, 2)))
    return mg.depends(read, v, 2, 2).matrix.astype(int)


def sees_question(cached, new, what):
    return Question(
        "attend", f"sees(attend, {cached}, {new})", lambda file: {"sees": sees}, what, formula=ATTEND,
        compare=first_leak,
    )  # fmt: skip


# ---- probabilities ----


def probabilities_question(logits, temperature, what=""):
    return Question("probabilities", "probabilities(logits, temperature)",
                    values(logits=logits, temperature=temperature), what, formula=SOFTMAX,
                    names=cells("p"))  # fmt: skip


# ---- writing ----


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


# ---- the whole model ----


def causal(embed, block, attend):
    """Build a small GPT with random weights of these three functions, and return the matrix of who sees
    whom, from mg.check_causal: 1 if the logits at position t (down) depend on the id at position s
    (across).
    """
    mg.seed(0)
    model = trained.GPT(
        trained.functions(embed=embed, block=block, attend=attend), width=8, blocks=2
    )
    ids = np.random.default_rng(0).integers(27, size=(2, 6))
    return mg.check_causal(model, ids).steps.matrix.astype(int)


def writes(file):
    """Return whether the other functions give the right answers to a few questions."""
    inputs, labels = file.targets(np.array([[0, 5, 6, 0, 0]]))
    right = [*np.ravel(inputs), *np.ravel(labels)] == [0, 5, 6, 0, 5, 6, 0, -100]
    p = file.probabilities(np.array([0, np.log(9), 1000.0]), 0.5)
    right = (
        right
        and np.allclose(p, [0, 0, 1])
        and np.allclose(file.probabilities(np.log([1, 9.0]), 0.5)[0], 1 / 82)
    )
    for function, cached in ((file.write, False), (file.write_cached, True)):
        for make, ids, found in WRITTEN:
            model, rng = make(cached), Draws()
            right = right and list(function(model, [*ids], 8, rng, 2.0)) == found
            right = right and not (cached and reads(model.calls, [[len(ids), 0]]
                                                    + [[1, len(ids) + t] for t in range(7)]))  # fmt: skip
    return right


def train(*functions):
    """Train a small GPT of these functions, and let it write names. Return the mean loss on 3,203 names that
    it did not see, whether `write` and `write_cached` agree, and the results that the page shows.
    """
    file = trained.functions(*functions)
    if not (writes(file) and trained.agrees(file)):
        return "not trained, because one of the functions is not right yet"
    model, loss = trained.train(file)
    texts = []
    for function, call in ((file.write, model), (file.write_cached, model.step)):
        rng = np.random.default_rng(1)
        with mg.no_grad():
            texts.append([function(call, [0], 8, rng, 1.0) for _ in range(5)])
    return {
        "loss": loss,
        "names with and without the cache are equal": texts[0] == texts[1],
        **results(file, model),
    }


def good_enough(yours, right):
    """A right model has a loss below BOUND, and its names do not depend on the cache."""
    if isinstance(yours, str):
        return yours
    loss, equal, *_ = yours.values()
    if not loss < BOUND:
        return (
            f"yours         a validation loss of {loss:.3f}\nit should be  below {BOUND}; counted pairs of letters "
            f"reach {trained.BIGRAM}"
        )
    return (
        None if equal else "write and write_cached, with equal generators, write different names."
    )


WRITTEN = (
    (dice, [1, 0], [1, 0, 3, 2, 0, 0, 5, 5, 4, 4]), (counter, [2, 5, 1], [2, 5, 1, 3, 6, 3, 1, 0, 0, 1, 3]),
    (adder, [1, 2], [1, 2, 3, 1, 2, 4, 3, 1, 2, 4]),
)  # fmt: skip
"""Toy models, ids, and the right text after eight draws at temperature 2, for `writes`."""
TRAINED = "train(positions, embed, targets, block, attend, probabilities, write, write_cached)"
TWO = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]
QUESTIONS = (
    positions_question(2, 2),
    positions_question(1, 4),
    positions_question(3, 4),
    positions_question(5, 2),
    positions_question(2, 8),
    positions_question(16, 32),
    Question("positions", "type(positions(length, width)).__name__", values(length=2, width=2),
             "the type of positions(length, width)", formula=POSITION, compare=right_type()),
    embed_question(TWO, [[1]], call="embed(table, ids)"),
    embed_question(TWO, [[2, 0]], call="embed(table, ids)"),
    Question("embed", "type(embed(table, ids)).__name__", lambda file: {"table": tensor(TWO), "ids": np.array([[1]])},
             "the type of embed(table, ids)", formula=EMBED, compare=right_type(". Do not use table.array")),
    embed_question(TWO, [[1, 1, 1]], 0),
    embed_question(TWO, [[2]], 3),
    embed_question(TWO, [[0, 1], [2, 2]], 2),
    embed_question(np.zeros((3, 4)), [[0, 1, 2], [2, 1, 0]], 1),
    embed_question(TWO, [[1, 1]], 1, "mg.grad(embed(table, ids, start).sum(), [table])[0]",
                   "the gradient of table if dx = 1 everywhere", "dtable"),
    targets_question([[0, 1, 22, 1, 0]]),
    targets_question([[0, 5, 0, 0, 0]]),
    targets_question([[0, 3, 4, 0], [0, 7, 0, 0]]),
    targets_question([[0, 3, 4, 5, 6, 0]]),
    Question("targets", '[str(getattr(part, "dtype", type(part).__name__)).rstrip("3264") for part in targets(ids)]',
             lambda file: {"ids": np.array([[0, 5, 0]])}, "the types of the inputs and of the labels", formula=SHIFT,
             compare=whole),
    targets_question([[0, 9, 8, 7, 0, 0, 0, 0], [0, 2, 0, 0, 0, 0, 0, 0], [0, 1, 2, 3, 4, 5, 6, 0]]),
    block_question([4.0], less, double, half, square),
    block_question([2.0], less, triple, half, zero),
    block_question([2.0], half, zero, less, square),
    block_question([1.0, -2.0], same, square, half, less),
    block_question([4.0], half, zero, half, zero),
    block_question([1.0], same, tenth, same, tenth, way="", what="the slope of the block's output for x",
                   call="mg.grad(block(x, norm1, attention, norm2, mlp).sum(), [x])[0]"),
    block_question([[[2.0, 4.0], [5.0, 1.0]]], scaled, average, centre, square),
    Question("block", "block(x, norm1, attention, norm2, mlp)", layers_of_block, formula=BLOCK, way=SEEN),
    # first, because a function that remembers another call gives wrong answers from its second call on
    Question("attend", "[attend(q, k, v)[0] for v in vs]", two_texts,
             "z of two texts, each with one step and no cache: [attend(q, k, v)[0] for v in vs]",
             formula=ATTEND, names=over_time("z of text {}")),
    attend_question(by_hand([1], [1], [4])),
    attend_question(by_hand([0, 0], [1, 2], [4, 8])),
    attend_question(by_hand([0], [1], [8], [2], [4])),
    attend_question(by_hand([0, 0], [1, 2], [9, 3], [5], [6])),
    attend_question(by_hand([1, 2], [1, -1], [2, 4], [0.5, 0], [1, -2])),
    Question("attend", "mg.grad(attend(q, k, v, cache)[0].sum(), [q, k, v])",
             by_hand([1, 2], [1, -1], [2, 4], [0.5, 0], [1, -2]), "the gradients of q, k and v if dz = 1 everywhere",
             formula="z is computed from q, k and v with operations of Tensors", names=gradients),
    sees_question(0, 5, "who sees whom: five positions in one call, without a cache"),
    sees_question(2, 3, "who sees whom: two positions in a first call, three in a second call with the cache"),
    attend_question(lambda file: memory(2, 1, 3, 2, 2)),
    attend_question(lambda file: memory(3, 4, 5, 2, 2)),
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
    Question("write_cached", "(write_cached(model, [1, 2, 0], 4, rng, 1.0), model.calls[:4])[1]",
             lambda file: {"model": adder(True), "rng": Draws()},
             "what the model reads in write_cached(model, [1, 2, 0], 4, rng, 1.0): the number of ids, and the position "
             "of the first one, in each call", formula=CACHED, compare=reads),
    cached_question(dice, [1, 0], 12, 0.5),
    cached_question(lambda cached: Fixed(), [3, 1], 12),
    Question("write_cached", "causal(embed, block, attend)", lambda file: {"causal": causal},
             "who sees whom in a GPT of your embed, block and attend", formula="see embed, block and attend",
             compare=first_leak),
    Question("write_cached", TRAINED, lambda file: {"train": train},
             "the validation loss of a GPT of all your functions after a short training", formula="see all functions",
             compare=good_enough, training=120.0),
    Question("top_k", "top_k(p, k)", values(p=[0.1, 0.4, 0.2, 0.3], k=2), stretch=True, names=cells("p")),
    Question("top_k", "top_k(p, k)", values(p=[0.25, 0.75], k=1), stretch=True, names=cells("p")),
    Question("top_k", "top_k(p, k)", values(p=[0.5, 0.125, 0.25, 0.1, 0.025], k=3), stretch=True, names=cells("p")),
    Question("perplexities", "perplexities(logits, labels)",
             lambda file: {"logits": tensor(np.log([[[1, 1, 2], [1, 2, 1]]])), "labels": np.array([[2, 0]])},
             stretch=True, names=over_time("position {}")),
    Question("perplexities", "perplexities(logits, labels)",
             lambda file: {"logits": tensor(np.log([[[1, 1], [1, 3]], [[1, 3], [1, 1]]])),
                           "labels": np.array([[0, 1], [0, -100]])},
             stretch=True, names=over_time("position {}")),
    Question("perplexities", "perplexities(logits, labels)",
             lambda file: {"logits": tensor(np.random.default_rng(0).normal(size=(5, 4, 3)).round(1)),
                           "labels": np.array([[0, 1, 2, -100], [2, 2, -100, -100], [0, 0, 0, 0], [1, 2, 1, -100],
                                               [2, 1, 0, 1]])},
             stretch=True, names=over_time("position {}")),
)  # fmt: skip
