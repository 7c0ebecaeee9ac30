"""Lesson 19's questions about `attend`, with and without a cache."""

import numpy as np

import minigrad as mg
from minigrad.course.checking.lesson import Question, over_time
from minigrad.course.lessons.lesson_19_gpt.check_answers import same_form, tensor

ATTEND = (
    "keys = [cached keys, k] and values = [cached values, v] along axis 2; new position t may attend to key s if "
    "s <= t + the number of cached positions"
)


def memory(heads, new, cached, batch=1, width=1, seed=0):
    """Return q, k, v of new positions, and a cache."""
    rng = np.random.default_rng(seed)

    def random(length):
        return tensor(rng.normal(size=(batch, heads, length, width)).round(1))

    found = {name: random(new) for name in ("q", "k", "v")}
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


def parts_of(answer):
    """Name z query by query, then the keys and the values that are returned."""
    z, (keys, values_) = answer
    found = []
    for name, one, part in (
        ("z", "z of query", z),
        ("keys", "key", keys),
        ("values", "value", values_),
    ):
        part = np.asarray(part)
        found += [("the shape of " + name, list(part.shape))]
        found += [(f"{one} {t}", part[:, :, t]) for t in range(part.shape[2])]
    return found


def attend_question(given, what=""):
    return Question("attend", "attend(q, k, v, cache)", given, what, formula=ATTEND,
                    names=parts_of, compare=same_form)  # fmt: skip


def gradients(answer):
    """Name the gradients of q, k and v."""
    return [(f"d{name} of new position {t}", part[:, :, t]) for name, part in zip("qkv", answer, strict=True)
            for t in range(part.shape[2])]  # fmt: skip


def first_leak(yours, right):
    """Say which position sees one that it must not see, or does not see one that it must see."""
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
    at position s (across). First, `cached` positions are read, and then `new` further ones with the cache of the first.
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


QUESTIONS = (
    # first, because a function that remembers another call gives wrong answers from its second call on
    Question("attend", "[attend(q, k, v)[0] for v in vs]", two_texts,
             "z of two texts, each with one position and no cache: [attend(q, k, v)[0] for v in vs]",
             formula=ATTEND, names=over_time("z of text {}")),
    attend_question(by_hand([1], [1], [4])),
    sees_question(0, 5, "who sees whom: five positions in one call, without a cache"),
    attend_question(by_hand([0, 0], [1, 2], [4, 8])),
    attend_question(by_hand([0], [1], [8], [2], [4])),
    sees_question(2, 3, "who sees whom: two positions in a first call, three in a second call with the cache"),
    attend_question(by_hand([0, 0], [1, 2], [9, 3], [5], [6])),
    attend_question(by_hand([1, 2], [1, -1], [2, 4], [0.5, 0], [1, -2])),
    Question("attend", "mg.grad(attend(q, k, v, cache)[0].sum(), [q, k, v])",
             by_hand([1, 2], [1, -1], [2, 4], [0.5, 0], [1, -2]), "the gradients of q, k and v if dz = 1 everywhere",
             formula="z is computed from q, k and v with operations of Tensors", names=gradients),
    attend_question(lambda file: memory(2, 1, 3, 2, 2)),
    attend_question(lambda file: memory(3, 4, 5, 2, 6)),
)  # fmt: skip
