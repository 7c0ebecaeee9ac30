"""The questions of lesson 7: four rules, the order, the sweep and a training loop in one class."""

import re
from dataclasses import replace

import numpy as np

from minigrad.course.checking.lesson import Question, over_time
from minigrad.course.lessons.lesson_07_engine.check_page import page  # noqa: F401

MULTIPLY = "da = dz ⊙ b and db = dz ⊙ a, each summed back to its input's shape by unbroadcast"
MATMUL = "dA = dZ @ Bᵀ, dB = Aᵀ @ dZ"
TANH = "dx = dz ⊙ (1 - z²), with z the output of the tanh; the rule returns (dx,)"
SUM = "every element of dx is dz, in the shape of x; the rule returns (dx,)"
ORDER = "each Value comes after all Values that have it as an input; for example, sort by serial, newest first"
SWEEP = (
    "start with ones at self; then, in order, add each gradient that rule(dz) returns to what has arrived at "
    "that input; a leaf adds its sum to grad"
)
TRAIN = "in each step: zeros to every grad, compute the loss, backward, then p.array = p.array - rate · p.grad"
DZ = np.array([[1.0, -2.0, 3.0], [0.5, 0.0, -1.0]])
MATRIX = [[1.0, 2.0, 3.0], [-1.0, 0.5, -2.0]]
ROW = [2.0, -1.0, 0.5]


def leaves(dz=None, **arrays):
    """Return a `given` with a named Value for each array, and the array dz."""

    def given(file):
        found = {name: file.Value(array, name=name) for name, array in arrays.items()}
        return found if dz is None else {**found, "dz": np.array(dz, float)}

    return given


def large(*shapes, dz):
    """Return arrays of random numbers with one digit, and a dz."""
    rng = np.random.default_rng(7)
    arrays = {
        name: rng.normal(size=shape).round(1) for name, shape in zip("ab", shapes, strict=True)
    }
    return leaves(rng.normal(size=dz).round(1), **arrays)


def rule_of(function, formula, names="ab"):
    """Return a function that makes questions about an operation, and names its gradients."""

    def question(call, given, what="", names=names):
        split = None
        if ".rule" in call:
            split = lambda answer: [(f"d{n}", g) for n, g in zip(names, answer, strict=True)]  # noqa: E731
        return Question(
            f"Value.{function}", call, given, what, formula=formula, names=split, tolerance=1e-9
        )

    return question


multiply, matmul = rule_of("__mul__", MULTIPLY), rule_of("__matmul__", MATMUL)
tanh, total = rule_of("tanh", TANH, "a"), rule_of("sum", SUM, "a")


def inputs_of_result(question, call, given):
    """Return a question about the inputs of an operation's result."""

    def compare(names, right):
        if names == right:
            return None
        yours = ", ".join(names) or "empty"
        return f"    the inputs of your Value are {yours}; they should be {', '.join(right)}"

    result = question(
        f"[one.name for one in ({call}).inputs]", given, f"the names of the inputs of {call}"
    )
    return replace(result, compare=compare)


def build(file, text, **arrays):
    """Return the Values of a text such as "m = x * b, y = m + x" by name."""
    found = {name: file.Value(array, name=name) for name, array in arrays.items()}
    for part in text.split(", "):
        name, expression = part.split(" = ")
        found[name] = eval(expression, {}, found).named(name)
    return found


def graph(text, **arrays):
    """Return a `given` with the leaves and the last Value of a text."""
    last = text.rpartition(", ")[2].partition(" = ")[0]

    def given(file):
        found = build(file, text, **arrays)
        return {name: found[name] for name in (*arrays, last)}

    return given


def inputs_of(text):
    """Return the names of the inputs of each Value of a text."""
    parts = [part.split(" = ") for part in text.split(", ")]
    return {name: re.findall(r"(?<![.\w])[a-z]\b", expression) for name, expression in parts}


def order_of(text, call="[value.name for value in y.order()]", what="", sources=None, **arrays):
    sources = inputs_of(text) if sources is None else sources

    def compare(names, right):
        if not isinstance(names, list):
            return f"    return a list of Values; you returned {names!r}"
        for name in right:
            if names.count(name) != 1:
                times = "is missing" if name not in names else f"appears {names.count(name)} times"
                return f"    your list is {', '.join(names)}; {name} {times}"
        if extra := [name for name in names if name not in right]:
            return f"    your list is {', '.join(names)}; {extra[0]} does not belong there"
        for user, found in sources.items():
            for source in found:
                if names.index(source) < names.index(user):
                    return f"    your list is {', '.join(names)}; {source} comes before {user}, which was made from it"
        return None

    return Question(
        "Value.order", call, graph(text, **arrays), what or f"the order for {text}",
        formula=ORDER, compare=compare,
    )  # fmt: skip


def gradients_of(text, **arrays):
    names = [*arrays, *inputs_of(text)][::-1]
    return Question(
        "Value.backward", "gradients(y)", graph(text, **arrays), f"all gradients for {text}", formula=SWEEP,
        names=lambda answer: [(f"d{name}", answer[name]) for name in names],
    )  # fmt: skip


def backward(call, given, what="", names=None):
    return Question("Value.backward", call, given, what, formula=SWEEP, names=names)


def is_dictionary(name, right):
    """Accept a dict, and its subclasses such as defaultdict."""
    if name not in ("NoneType", "ndarray", "Value", "list", "tuple", "set", "float", "int"):
        return None
    returned = {"NoneType": "nothing", "ndarray": "an array", "int": "an int"}.get(
        name, f"a {name}"
    )
    return f"    your backward returns {returned}; return a dictionary that maps each Value to its gradient"


def grads(answer):
    return list(zip(("x.grad", "b.grad"), answer, strict=True))


def long_chain(file):
    x = y = file.Value(1.0, name="x")
    for _ in range(3000):
        y = y * x
    return {"x": x, "y": y}


def doubled(file):
    y = file.Value(1.0, name="x")
    for _ in range(60):
        y = y + y
    return {"y": y}


def ladder(file):
    x = y = file.Value(1.0, name="x")
    for _ in range(18):
        y = y + y
    return {"x": x, "y": y}


def dense(file):
    def f(x, W, b):
        """(x @ W + b).tanh(), a function of x, W and b"""
        return (x @ W + b).tanh()

    W = np.array([[0.5, -1.0], [0.2, 0.3], [-0.4, 0.1]])
    return {"f": f, "x": np.array(MATRIX), "W": W, "b": np.array([0.1, -0.2])}


def mixed(file):
    def f(a, b):
        """(b + b * a - a * a * 0.5).mean(), a function of a and b"""
        return (b + b * a - a * a * 0.5).mean()

    return {"f": f, "a": np.array(MATRIX), "b": np.array([[2.0], [-1.0]])}


def square(left=0.0):
    """Return a `given`: p = 3, the loss p², and a gradient left over from before."""

    def given(file):
        def loss(parameters):
            """p * p, a function of the parameters [p]"""
            return parameters[0] * parameters[0]

        p = file.Value(3.0, name="p")
        p.grad = p.grad + left
        return {"loss": loss, "p": p}

    return given


def two(file):
    def loss(parameters):
        """(p * q).sum(), a function of the parameters [p, q]"""
        p, q = parameters
        return (p * q).sum()

    return {"loss": loss, "p": file.Value([1.0, -2.0], name="p"), "q": file.Value(2.0, name="q")}


def training(call, given=None, what="", names=None, tolerance=1e-6):
    more = {"given": given} if given else {}
    return Question("train", call, what=what, tolerance=tolerance, formula=TRAIN, names=names, **more)  # fmt: skip


def stretch(function, call, given, formula):
    return Question(function, call, given, formula=formula, stretch=True)


MATRICES = {"a": [[1.0, 2.0], [3.0, 4.0]], "b": [[5.0, 6.0], [7.0, 8.0]]}
FORK = "m = x * b, y = m + x"
DIAMOND = "s = x + b, t = x.tanh(), y = s * t"
DETOUR = "u = x.tanh(), v = u.tanh(), w = v + x, y = u * w"
FACTORS = "b, the gradient of the left factor", "a, the gradient of the right factor"
LOSSES = over_time("loss {}")
QUESTIONS = (
    multiply("(a * b).array", leaves(a=[1.0, 2.0, 3.0], b=[4.0, 5.0, -6.0])),
    inputs_of_result(multiply, "a * b", leaves(a=2.0, b=3.0)),
    multiply("(a * b).rule(dz)", leaves(1, a=2.0, b=3.0)),
    multiply("(a * b).rule(dz)", leaves([1, 10], a=[1.0, 2.0], b=[3.0, -1.0])),
    multiply("(a * a).rule(dz)", leaves(2, a=3.0), names=[factor.replace("b", "a") for factor in FACTORS]),
    multiply("(a * b).rule(dz)", leaves(DZ, a=MATRIX, b=ROW)),
    multiply("(b * a).rule(dz)", leaves(DZ, a=MATRIX, b=ROW), names=FACTORS),
    multiply("(a * 10).rule(dz)[0]", leaves([1, 2], a=[3.0, -1.0])),
    matmul("(a @ b).array", leaves(a=[[1.0, 2.0]], b=[[3.0], [4.0]])),
    inputs_of_result(matmul, "a @ b", leaves(**MATRICES)),
    matmul("(a @ b).rule(dz)", leaves([[1]], a=[[1.0, 2.0]], b=[[3.0], [4.0]])),
    matmul("(a @ b).rule(dz)", leaves([[1, 0], [2, -1]], **MATRICES)),
    matmul("(a @ b).rule(dz)", large((4, 3), (3, 2), dz=(4, 2))),
    tanh("a.tanh().array", leaves(a=[0.0, 0.69314718])),
    inputs_of_result(tanh, "a.tanh()", leaves(a=0.5)),
    tanh("a.tanh().rule(dz)", leaves(1, a=0.69314718), "a.tanh().rule(dz), where tanh(a) = 0.6"),
    tanh("a.tanh().rule(dz)", leaves([[2, 1], [-1, 3]], a=[[0.69314718, 0.0], [1.0, -0.5]])),
    total("a.sum().array", leaves(a=MATRICES["a"])),
    total("a.sum().array.shape", leaves(a=MATRICES["a"])),
    inputs_of_result(total, "a.sum()", leaves(a=ROW)),
    total("a.sum().rule(dz)", leaves(2, a=[1.0, 5.0])),
    total("a.sum().rule(dz)", leaves(-0.5, a=MATRIX)),
    order_of("y = x + b", x=2.0, b=3.0),
    order_of("y = x + x", x=1.5),
    order_of(FORK, x=2.0, b=3.0),
    order_of(DIAMOND, x=0.5, b=2.0),
    order_of(DETOUR, x=0.5),
    order_of("m = b * x, s = x + m, t = x.tanh(), y = t * s", x=0.5, b=-2.0),
    order_of("y = (x + 2) * 5", "[value.name or str(value) for value in y.order()]",
             "the order for y = (x + 2) * 5; the Values in between have no name", {}, x=1.0),
    Question("Value.order", "len(y.order())", doubled, "len(y.order()) for y = y + y, 60 times: 61 Values, 2⁶⁰ paths",
             formula="visit each Value once"),
    Question("Value.order", "len(y.order())", long_chain, "len(y.order()) for y = y * x, 3,000 times",
             formula=ORDER),
    replace(backward("type(x.backward()).__name__", leaves(x=3.0), "the type of x.backward()"),
            compare=is_dictionary),
    backward("x.backward()[x]", leaves(x=3.0), "the gradient of x after x.backward()"),
    gradients_of("y = x * b", x=2.0, b=3.0),
    gradients_of("y = x + x", x=1.5),
    gradients_of(FORK, x=2.0, b=3.0),
    gradients_of(DIAMOND, x=0.69314718, b=1.0),
    gradients_of(DETOUR, x=0.69314718),
    gradients_of("s = x + b, y = s + x", x=[1.0, 2.0], b=[3.0, 4.0]),
    gradients_of("z = x @ w, s = z + b, h = s.tanh(), y = h.sum()",
                 x=[[1.0, 2.0], [0.0, -1.0]], w=[[0.5, -1.0], [0.2, 0.3]], b=[0.1, -0.2]),
    backward("(y.backward(), x.grad, b.grad)[1:]", graph("y = x * b", x=[1.0, 2.0], b=3.0),
             "x.grad and b.grad after y.backward(), for y = x * b", grads),
    backward("(y.backward(), x.grad)[1]", graph("y = x + x", x=1.5), "x.grad after y.backward(), for y = x + x"),
    backward("(y.backward(), y.backward(), x.grad, b.grad)[2:]", graph(FORK, x=2.0, b=3.0),
             f"x.grad and b.grad after two calls of y.backward(), for {FORK}", grads),
    backward("((x * b).backward(), (x + b).backward(), x.grad, b.grad)[2:]", leaves(x=2.0, b=5.0),
             "x.grad and b.grad after backward from x * b and from x + b", grads),
    backward("y.backward()[x]", ladder, "dx for y = y + y, 18 times, starting with y = x: 19 Values, but 2¹⁸ paths"),
    backward("y.backward()[x]", long_chain, "dx for y = y * x, 3,000 times, starting with y = x = 1"),
    backward("my_gradcheck(Gate(f), x, W, b)", dense),
    backward("my_gradcheck(Gate(f), a, b)", mixed),
    training("train(loss, [p], 0.25, 1)", square(), names=LOSSES),
    training("(train(loss, [p], 0.25, 1), p.array)[1]", square(), "p.array after train(loss, [p], 0.25, 1)"),
    training("train(loss, [p], 0.25, 4)", square(), names=LOSSES),
    training("train(loss, [p], 0.25, 2)", square(100.0), "train(loss, [p], 0.25, 2), if p.grad is 100 before",
             names=LOSSES),
    training("(train(loss, [p, q], 0.5, 1), p.array, q.array)[1:]", two,
             "p.array and q.array after train(loss, [p, q], 0.5, 1)",
             lambda answer: list(zip(("p.array", "q.array"), answer, strict=True))),
    training("train(xor_loss, xor_start(), 0.2, 10)", names=LOSSES),
    training("train(rnn_loss, rnn_start(), 0.1, 5)", names=LOSSES),
    training("train(xor_loss, xor_start(), 0.2, 400)[-1] < 0.01",
             what="whether XOR is learned: train(xor_loss, xor_start(), 0.2, 400)[-1] < 0.01"),
    stretch("sigmoid", "sigmoid(x).array", leaves(x=[0.0, 1.09861229]), "z = 1 / (1 + exp(-x))"),
    stretch("sigmoid", "sigmoid(x).rule(dz)", leaves([1, 2], x=[0.0, 1.09861229]), "dx = dz ⊙ z ⊙ (1 - z)"),
    stretch("sigmoid", "(sigmoid(x) * 3).backward()[x]", leaves(x=0.0), "dx = dz ⊙ z ⊙ (1 - z)"),
    stretch("row", "row(W, 1).array", leaves(W=MATRICES["a"]), "z = W[i]"),
    stretch("row", "row(W, 1).rule(dz)", leaves([5, -1], W=MATRICES["a"]), "zeros in W's shape, with dz in row i"),
    stretch("row", "(row(W, 0) + row(W, 0) * row(W, 1)).backward()[W]", leaves(W=MATRICES["a"]),
            "zeros in W's shape, with dz in row i"),
)  # fmt: skip
