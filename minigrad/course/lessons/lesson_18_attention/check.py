"""Lesson 18's questions and page. The page shows weights as heat maps, and who sees whom."""

import contextlib
from functools import partial
from pathlib import Path

import numpy as np

import minigrad as mg
from layers import MultiHeadAttention
from minigrad.course.checking.answers import difference
from minigrad.course.checking.lesson import Question
from minigrad.course.lessons.lesson_18_attention import shading, trained


def tensor(array):
    return mg.Tensor(np.array(array, float), requires_grad=True)


def given(*helpers, **inputs):
    """Return a function for `Question.given`. Lists and arrays become Tensors in float64."""

    def fresh(file):
        made = {
            name: tensor(value) if isinstance(value, list | np.ndarray) else value
            for name, value in inputs.items()
        }
        return made | {helper.__name__: helper for helper in helpers}

    return fresh


def random(seed, **shapes):
    """Return random numbers with one digit, by name."""
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=shape).round(1) for name, shape in shapes.items()}


def slopes(z, *inputs):
    """Returns the gradients of 1·z₀ + 2·z₁ + 3·z₂ + ... (all numbers of z in order)."""
    if not isinstance(z, mg.Tensor) or not z.node.inputs:
        raise TypeError("The output has no graph. Did you use .array, NumPy or a new Tensor?")
    (z * numbered(z.shape)).sum().backward()
    return [np.zeros(x.shape) if x.grad is None else x.grad for x in inputs]


def numbered(shape):
    return np.arange(1.0, np.prod(shape) + 1).reshape(shape)


def nudged(call, make, names):
    """Return the same gradients for the solution, by nudging each number up and down."""
    from . import solution  # not in the learner's process

    inputs, found = make(solution), []

    def total():
        z = eval(call, {**vars(solution), **inputs}).array
        return (z * numbered(z.shape)).sum()

    for name in names:
        x = inputs[name]
        start, slope = x.array.copy(), np.zeros(x.shape)
        for index in np.ndindex(x.shape):
            ends = []
            for by in (1e-5, -1e-5):
                moved = start.copy()
                moved[index] += by
                x.array = moved
                ends.append(total())
            slope[index] = (ends[0] - ends[1]) / 2e-5
        x.array = start
        found.append(slope)
    return found


def gradient_question(function, call, names, **inputs):
    make = given(slopes, **inputs)
    return Question(
        function, f"slopes({call}, {', '.join(names)})", make, measured="nudging",
        formula="compute with Tensors only, from the arguments to the result",
        names=lambda found: [(f"dL/d{name}", one) for name, one in zip(names, found, strict=True)],
        expect=lambda: nudged(call, make, names),
    )  # fmt: skip


def sees(f, *inputs):
    """Returns who sees whom: 1 where output position i (row) depends on input position j (column)."""
    found = 0
    for place, x in enumerate(inputs):

        def changed(x, place=place):
            return f(*inputs[:place], x, *inputs[place + 1 :])

        found = found | mg.depends(changed, x, x.ndim - 2, x.ndim - 2).seen
    return found.astype(int)


def who_sees_whom(yours, right):
    """Say which position sees one that it must not see."""
    yours, right = np.asarray(yours), np.asarray(right)
    for i, j in np.argwhere(yours != right):
        if yours[i, j]:
            return f"position {i} sees position {j}, which comes later"
        return f"position {i} does not see position {j}, and it should"
    return None


def compared_weights(yours, right):
    """Say first whether a position sees a later one, or whether a row is not a number."""
    a, b = np.asarray(yours, float), np.asarray(right)
    if a.shape == b.shape:
        for *_, i, j in np.argwhere((b == 0) & (np.abs(a) > 1e-6)):
            allowed = ", ".join(map(str, np.flatnonzero(b.reshape(-1, *b.shape[-2:])[0, i])))
            weight = np.abs(a[..., i, j]).max()
            return f"position {i} sees position {j}, with the weight {weight:.3g}. It may see only {allowed}."
        if np.isnan(a).any():
            row = np.argwhere(np.isnan(a))[0][-2]
            return f"row {row} is nan. Is every score in this row hidden, or is a number too large for exp?"
    return difference(yours, right, 1e-6)


@contextlib.contextmanager
def recorded(function, found):
    """Write what `scores`, `weights` and `attention` receive and return into the dict `found`, while
    `function` calls them.
    """
    names = function.__globals__
    before = {name: names[name] for name in ("scores", "weights", "attention") if name in names}

    def wrapped(name, *arguments, **named):
        if name == "attention":
            passed = dict(zip(("q", "k", "v", "causal"), arguments, strict=False)) | named
            found.update({f"attention's {label}": one for label, one in passed.items()})
        result = before[name](*arguments, **named)
        found[f"{name}(...)"] = result
        return result

    try:
        names.update(
            {name: partial(wrapped, name) for name in before if before[name] is not function}
        )
        yield
    finally:
        names.update(before)


def inside(function, *arguments):
    """Return what the other functions receive and return while `function` runs."""
    found = {}
    with recorded(function, found):
        function(*arguments)
    return found


def inside_heads(*arguments):
    """Return the same for all heads at once. If a function loops over the heads, return nothing."""
    found = inside(*arguments)
    return found if all(np.ndim(one) in (0, 4) for one in found.values()) else {}


def one_by_one(*axes):
    """Return a function for `Question.names` that names every number of an answer."""

    def named(z):
        z = np.asarray(z)
        first = int(len(z) == 1)  # a single sequence needs no number
        numbers = [(", ".join(map("{} {}".format, axes[first:], index[first:])), value)
                   for index, value in np.ndenumerate(z)]  # fmt: skip
        return [("the shape", str(z.shape)), *numbers]

    return named


by_head = one_by_one("sequence", "head", "position", "column")
by_position = one_by_one("sequence", "position", "column")


def asked(function, call, formula, **more):
    """Return a function that makes questions with this call from their inputs."""
    return lambda **inputs: Question(function, call, given(**inputs), formula=formula, **more)


MATRICES = ("W_q", "W_k", "W_v", "W_out")


def weights_of(file, x, W_q, W_k, heads, causal):
    q, k = (file.split_heads(x @ W, heads) for W in (W_q, W_k))
    return file.weights(file.scores(q, k), causal)


def is_right(file):
    """Return whether the learner's `multi_head` agrees with the one in `layers`."""
    numbers = random(7, x=(2, 5, 6), **dict.fromkeys(MATRICES, (6, 6)))
    matrices = [tensor(numbers[name]) for name in MATRICES]

    def agrees(causal):
        layer = MultiHeadAttention(6, 3, causal, bias=False)
        layer.W_qkv.array = np.concatenate([numbers[name] for name in MATRICES[:3]], axis=1)
        layer.out_proj.W.array = numbers["W_out"]
        ends = []
        for f in (layer, lambda x: file.multi_head(x, *matrices, 3, causal)):
            x = tensor(numbers["x"])
            z = f(x)
            ends.append([*slopes(z, x), z.array])
        return all(np.allclose(a, b) for a, b in zip(*ends, strict=True))

    return agrees(causal=True) and agrees(causal=False)


def training(file):
    """Return the helper `learns`, which trains with the functions of this file."""

    def learns(task):
        """Trains a network that uses your functions, and looks at its weights for 200 new sequences."""
        if not is_right(file):
            raise ValueError("No network was trained, because multi_head is not right yet.")
        writer, loss, accuracy = trained.train(file.multi_head, task)
        look = trained.pattern(file, writer, task)
        place = "rank of the digit" if task == "sort" else "place"
        return {
            "the last loss is below 0.1": bool(loss < 0.1),
            "at least 95% of the new sequences are right": bool(accuracy >= 0.95),
            **{
                f"{place} that output {t} looks at most": int(row.argmax())
                for t, row in enumerate(look)
            },
            PAGE_SHOWS: [task, accuracy, look],
        }

    return {"learns": learns}


def training_question(task):
    return Question(
        "multi_head", f"learns({task!r})", training,
        f"learns({task!r}): whether a network that uses your functions learns to {task} digits, and where it looks",
        formula="gradients must flow from the result of multi_head to x and to all four matrices",
        names=facts, compare=same_facts, training=120.0,
    )  # fmt: skip


PAGE_SHOWS = "for the page"
"""The name of what an answer contains for the page: numbers that rounding may change a little."""


def facts(found):
    """Return what must be true of a trained network, by name."""
    return [(name, fact) for name, fact in found.items() if name != PAGE_SHOWS]


def same_facts(yours, right):
    return None if facts(yours) == facts(right) else "A trained network differs."


SCORE = "score[t, s] = q_t · k_s / √d, where d is the length of q_t"
WEIGHT = (
    "weight[t, s] = e^score[t, s] / Σ e^score[t, s'], a sum over the keys s' that position t may see: all, or "
    "s' ≤ t if causal"
)
ATTEND = "z_t = Σ_s weight[t, s] · v_s"
SPLIT = "head h, position t, column c of the result is x[:, t, h · d + c]"
MERGE = "column h · d + c of position t is z[:, h, t, c]"
MULTI = "merge_heads(attention(q, k, v, causal)) @ W_out, where q, k, v are the heads of x @ W_q, x @ W_k and x @ W_v"
score = asked("scores", "scores(q, k)", SCORE)
weight = asked("weights", "weights(s, causal)", WEIGHT, compare=compared_weights)
attend = asked(
    "attention",
    "attention(q, k, v, causal)",
    ATTEND,
    way="check.inside(attention, q, k, v, causal)",
)
split = asked("split_heads", "split_heads(x, heads)", SPLIT, names=by_head)
merge = asked("merge_heads", "merge_heads(z)", MERGE, names=by_position)
CALL = "multi_head(x, W_q, W_k, W_v, W_out, heads, causal)"
multi = asked(
    "multi_head", CALL, MULTI, way=CALL.replace("multi_head(", "check.inside_heads(multi_head, ")
)
windowed = asked("in_window", "in_window(s, size)", "the softmax over the keys s with t - size < s ≤ t",
                 compare=compared_weights, stretch=True)  # fmt: skip
near = asked("nearer", "nearer(s, slope)", "weights(s - slope · (t - s), True) with the distance t - s",
             compare=compared_weights, stretch=True)  # fmt: skip
LOG2, LOG3 = np.log(2), np.log(3)


def seen_in_attention(file):
    def f(k, v):
        """attention(q, k, v, True)"""
        return file.attention(q, k, v, True)

    q, k, v = (tensor(array) for array in random(3, q=(6, 3), k=(6, 3), v=(6, 2)).values())
    return {"sees": sees, "f": f, "k": k, "v": v, "q": q}


def seen_in_multi_head(file):
    def f(x):
        """multi_head(x, W_q, W_k, W_v, W_out, 2, True) with random matrices"""
        return file.multi_head(x, *matrices, 2, True)

    numbers = random(4, x=(1, 6, 4), **dict.fromkeys(MATRICES, (4, 4)))
    x, *matrices = map(tensor, numbers.values())
    return {"sees": sees, "f": f, "x": x}


def identity(**changed):
    """Return 2 x 2 matrices, the identity unless they are passed."""
    return {name: changed.get(name, np.eye(2)) for name in MATRICES}


# the weights of two keys would be wrong by the same amount, and rounding would choose the one that is shown
PASSED = "Your functions also trained networks that copy, reverse and sort digits."
TWO_HEADS = {
    "x": [[[1, 0], [0, 1], [0, 0]]],
    **identity(W_q=[[0, 0], [LOG3, 0]], W_v=[[15, 0], [0, 15]]),
}
QUESTIONS = (
    score(q=[[1, 2, 0, 1]], k=[[2, 1, 3, 0], [0, -1, 5, 4]]),
    score(q=[[1, 0, 0, 0], [0, 1, 0, 0]], k=[[4, 6, 0, 0], [2, -2, 0, 0], [0, 8, 1, 1]]),
    score(q=[[1], [2], [3]], k=[[1], [-1], [2]]),
    score(**random(1, q=(2, 2, 3), k=(2, 2, 3))),
    score(**random(2, q=(2, 3, 4, 5), k=(2, 3, 2, 5))),
    gradient_question("scores", "scores(q, k)", ("q", "k"), **random(3, q=(2, 3), k=(2, 3))),
    weight(s=[[0, LOG3, 0], [0, 0, 0], [LOG2, 0, 0]], causal=False),
    weight(s=[[0, 0, LOG2]], causal=False),
    weight(s=[[0, 0, 0], [0, 0, 0], [0, 0, 0]], causal=True),
    weight(s=[[1, 2, 3], [0, LOG3, 5], [LOG2, 0, 0]], causal=True),
    weight(s=[[-300, 60], [80, -70]], causal=True),
    weight(**random(5, s=(2, 2, 3, 4)), causal=False),
    weight(**random(4, s=(2, 2, 3, 3)), causal=True),
    gradient_question("weights", "weights(s, causal)", ("s",), **random(6, s=(3, 3)), causal=True),
    attend(q=[[0], [0]], k=[[1], [2]], v=[[10, 0], [0, 20]], causal=False),
    attend(q=[[0], [LOG3], [0]], k=[[1], [0], [0]], v=[[15, 0], [0, 15], [0, 0]], causal=False),
    attend(q=[[0], [LOG3], [0]], k=[[1], [0], [0]], v=[[15, 0], [0, 15], [0, 0]], causal=True),
    attend(**random(7, q=(1, 2), k=(3, 2), v=(3, 4)), causal=False),
    attend(**random(8, q=(2, 2, 3, 4), k=(2, 2, 3, 4), v=(2, 2, 3, 4)), causal=True),
    Question("attention", "sees(f, k, v)", seen_in_attention,
             "sees(f, k, v), where f(k, v) is attention(q, k, v, True)", formula=ATTEND, compare=who_sees_whom),
    gradient_question("attention", "attention(q, k, v, causal)", ("q", "k", "v"),
                      **random(9, q=(2, 2), k=(2, 2), v=(2, 2)), causal=False),
    split(x=[[[11, 12, 13, 14], [21, 22, 23, 24], [31, 32, 33, 34]]], heads=2),
    split(x=[[[11, 12], [21, 22], [31, 32]]], heads=2),
    split(x=numbered((2, 2, 6)), heads=3),
    split(x=numbered((1, 3, 2)), heads=1),
    split(x=numbered((2, 5, 8)), heads=4),
    gradient_question("split_heads", "split_heads(x, heads)", ("x",), x=numbered((1, 2, 4)), heads=2),
    merge(z=[[[[11, 12], [21, 22], [31, 32]], [[13, 14], [23, 24], [33, 34]]]]),
    merge(z=[[[[11], [21], [31]], [[12], [22], [32]]]]),
    merge(z=numbered((2, 3, 2, 2))),
    merge(z=numbered((2, 2, 5, 3))),
    gradient_question("merge_heads", "merge_heads(z)", ("z",), z=numbered((1, 2, 2, 2))),
    multi(x=[[[1, 2]]], **identity(W_v=[[1, 3], [0, 1]], W_out=[[2, 0], [1, 1]]), heads=1, causal=False),
    multi(**TWO_HEADS, heads=2, causal=False),
    multi(**TWO_HEADS, heads=2, causal=True),
    multi(**random(10, x=(1, 3, 4), **dict.fromkeys(MATRICES, (4, 4))), heads=2, causal=False),
    multi(**random(11, x=(2, 5, 6), **dict.fromkeys(MATRICES, (6, 6))), heads=3, causal=True),
    Question("multi_head", "sees(f, x)", seen_in_multi_head,
             "sees(f, x), where f(x) is multi_head(x, ..., causal=True) with two heads", formula=MULTI,
             compare=who_sees_whom),
    gradient_question("multi_head", CALL, ("x", *MATRICES),
                      **random(12, x=(1, 2, 2), **dict.fromkeys(MATRICES, (2, 2))), heads=2, causal=True),
    *map(training_question, trained.TASKS),
    windowed(s=[[0, 0, 0], [0, 0, 0], [0, 0, 0]], size=2),
    windowed(**random(13, s=(4, 4)), size=1),
    windowed(**random(14, s=(2, 5, 5)), size=3),
    near(s=[[0, 0], [0, 0]], slope=LOG3),
    near(**random(15, s=(3, 3)), slope=0.5),
    near(**random(16, s=(2, 4, 4)), slope=2.0),
)  # fmt: skip


def page(file, path, failed, answers=None):
    """Write the page: heat maps of what the learner's functions return.

    After a pass, it shows where the trained networks look, which is in the check's answers. Without
    these answers, networks are trained now. After a failure, it shows the function
    that failed next to the right result. Both show who sees whom, as far as the learner has come.
    """
    parts = beside(file, failed) if failed else looking(file, answers)
    if failed in (None, "attention", "multi_head"):
        with contextlib.suppress(Exception):  # a wrong function may fail with other inputs
            parts += seeing(file, failed)
    text = PAGE.format(style=shading.STYLE, body="".join(parts))
    Path(path).write_text(text, encoding="utf-8")


def looking(file, answers):
    """Return figures of where the trained networks look."""
    parts = ["<h1>Where your networks look</h1><p>Each network reads five digits and writes five digits. A row shows "
             "its weights while it writes one of them, a mean over both heads and 200 new sequences. A column is a "
             "place that was read. For sort, it is a rank: column 0 is the smallest digit.</p>"]  # fmt: skip
    if answers:
        shown = [answer[PAGE_SHOWS] for answer in answers]
    else:
        shown = [(task, one[1], one[3]) for task, one in trained.shown(file).items()]
    for task, accuracy, look in shown:
        parts.append(shading.figure(f"{task}: {accuracy:.0%} are right", look))
    return parts


def seeing(file, failed):
    """Return a figure of who sees whom in the function that failed, or in `multi_head`."""
    name = failed or "multi_head"
    make = {"attention": seen_in_attention, "multi_head": seen_in_multi_head}[name](file)
    seen = sees(*(make[one] for one in ("f", "x", "k", "v") if one in make)) > 0
    later = seen & ~np.tri(len(seen), dtype=bool)
    leaks = [f"position {i} sees position {j}" for i, j in np.argwhere(later)]
    told = f"A leak: {leaks[0]}." if leaks else "No position sees a later one."
    return [f"<h1>Who sees whom in {name}</h1><p>With causal=True. A cell is full if the output of its row changes "
            f"when the input of its column does. {told}</p>",
            shading.figure("outputs (down), inputs (across)", seen, wrong=later)]  # fmt: skip


def beside(file, failed):
    """Return figures of the result of the function that failed, and of the right one."""
    for causal in (True, False):  # the first that is wrong
        yours, right = compared(file, failed, causal)
        if difference(yours, right, 1e-6):
            break
    flag = f" causal={causal}." if failed in ("weights", "attention", "multi_head") else ""
    parts = [f"<h1>Your {failed}</h1><p>{SHOWN[failed]}{flag}</p>"]
    most = shading.largest(yours, right)
    for who, array in (("yours", yours), ("expected", right)):
        array = array.reshape(-1, *array.shape[-2:])
        for h, cells in enumerate(array):
            title = f"{who}, head {h}" if len(array) > 1 else who
            parts.append(shading.figure(f"{title} {cells.shape}", cells, most=most))
    return parts


def compared(file, failed, causal):
    """Return the result of the function that failed, and the right one."""
    numbers = random(5, q=(4, 4), k=(4, 4), v=(4, 2))
    q, k, v = map(tensor, numbers.values())
    s = np.einsum("td,sd->ts", numbers["q"], numbers["k"]) / 2
    p = mg.softmax(mg.where(np.tri(4, dtype=bool) | (not causal), s, -1e9)).array
    x = np.array([[[10 * t + c + 11 for c in range(4)] for t in range(3)]], float)
    heads = np.stack([x[..., :2], x[..., 2:]], axis=1)
    if failed == "multi_head":
        numbers = random(4, x=(1, 6, 4), **dict.fromkeys(MATRICES, (4, 4)))
        layer = MultiHeadAttention(4, 2, causal, bias=False)
        layer.W_qkv.array = np.concatenate([numbers[name] for name in MATRICES[:3]], axis=1)
        layer.out_proj.W.array = numbers["W_out"]
        yours, right = (
            file.multi_head(*map(tensor, numbers.values()), 2, causal),
            layer(numbers["x"]),
        )
    else:
        yours, right = {
            "scores": lambda: (file.scores(q, k), s), "weights": lambda: (file.weights(tensor(s), causal), p),
            "attention": lambda: (file.attention(q, k, v, causal), p @ v.array),
            "split_heads": lambda: (file.split_heads(tensor(x), 2), heads),
            "merge_heads": lambda: (file.merge_heads(tensor(heads)), x),
        }[failed]()  # fmt: skip
    return [np.asarray(getattr(one, "array", one), float) for one in (yours, right)]


SHOWN = {
    "scores": "The scores of four queries (down) with four keys (across), for random vectors of length 4.",
    "weights": "The weights of four positions (down) on four positions (across), with",
    "attention": "The results of four positions (down), with",
    "split_heads": "x has three positions and four columns, for two heads. 23 is in the second row, third column.",
    "merge_heads": "z has two heads, with three positions and two columns each. In x, 23 was in the second row, third "
                   "column.",
    "multi_head": "The results of six positions (down), for random matrices and two heads, with",
}  # fmt: skip
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><link rel="icon" href="data:,"><title>Lesson 18: Attention</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>
:root {{ color-scheme: light dark; --ink: #22242a; --paper: #faf9f6; --line: #999 }}
@media (prefers-color-scheme: dark) {{ :root {{ --ink: #e8e6e1; --paper: #16181d; --line: #777 }} }}
body {{ font: 16px/1.5 sans-serif; margin: 1em auto; padding: 0 1em; max-width: 64em; color: var(--ink);
  background: var(--paper) }}
h1 {{ font-size: 1.3em }} figure {{ display: inline-block; margin: 0 1.5em 1.5em 0; vertical-align: top }}
figcaption {{ font-weight: bold; max-width: 17em }} svg {{ max-width: 100%; height: auto }}
{style}</style></head><body><main>{body}</main></body></html>
"""
