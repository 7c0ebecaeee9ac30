"""Questions of lesson 10: properties of a split, updates with numbers that can be checked by hand,
training with Adam, and early stopping.
"""

import numpy as np

import minigrad as mg
from minigrad.course.checking.lesson import Question, over_time, values
from minigrad.course.lessons.curves import curves
from minigrad.support.files import write_whole
from optim import SGD, Adam


def parameter(name, value, gradient=None):
    p = mg.Tensor(np.array(value, float), requires_grad=True, name=name)
    if gradient is not None:
        p.grad = np.array(gradient, float)
    return p


def parabola(start, logged=False, old=None):
    """Return a `given` for one parameter and the loss (p + 3)², which also logs its calls."""

    def given(file):
        p, calls = parameter("p", start, old), []

        def loss():
            """a function that returns (p + 3) * (p + 3)"""
            calls.append("called")
            return (p + 3) * (p + 3)

        return {"p": p, "loss": loss} | ({"calls": calls} if logged else {})

    return given


def two(p, q):
    """Return a `given` for two parameters and a loss of both."""

    def given(file):
        tensors = {"p": parameter("p", p), "q": parameter("q", q)}

        def loss():
            """a function that returns ((p + 3) * (p + 3) + 3 * q * q).sum()"""
            p, q = tensors.values()
            return ((p + 3) * (p + 3) + 3 * q * q).sum()

        return {**tensors, "loss": loss}

    return given


def eight_points(file):
    """The weights of a network with 4 hidden numbers, and its loss on eight random points."""
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(8, 2)), rng.integers(0, 2, (8, 1))
    shapes = {"W1": (2, 4), "b1": (4,), "W2": (4, 1), "b2": (1,)}
    weights = {
        name: parameter(name, rng.normal(size=size).round(1)) for name, size in shapes.items()
    }

    def loss():
        """a function that returns the loss of the network on eight points"""
        W1, b1, W2, b2 = weights.values()
        return ((mg.tanh(x @ W1 + b1) @ W2 + b2 - y) ** 2).mean()

    return {**weights, "loss": loss}


def named(*names):
    """Return a `names` for results in the order in which they are computed: pairs of a name and an
    index.
    """
    return lambda answer: [(name, answer[i]) for name, i in names]


def each_step(*names):
    """Return a `names` for a list with the results of each step."""
    return lambda answer: [
        (f"{name}_{t}", step[i]) for t, step in enumerate(answer, 1) for name, i in names
    ]


SPLIT = "shuffle the row numbers with np.random.default_rng(seed), and cut the result in two"
MOMENTUM = "v = β · v + g, and then p = p - lr · v"
ADAM = (
    "m = β₁ · m + (1 - β₁) · g, s = β₂ · s + (1 - β₂) · g², m̂ = m / (1 - β₁ᵗ), ŝ = s / (1 - β₂ᵗ), "
    "p = p - lr · m̂ / (√ŝ + eps)"
)
FIT = (
    "for t = 1, 2, ..., steps: clear the gradients, append the loss, call backward on it, and replace p.array, and the "
    "m and s of this parameter, by the results of adam_step(p.array, p.grad, m, s, t, lr)"
)
BEST = "best is the epoch of the lowest loss so far; stop at the first epoch with epoch - best = patience"
STEPS = """{{f"{{name}} step {{k}}": value for first in [[p.array * 1 for p in {parameters}]]
 for k in range(1, {steps} + 1)
 for _ in [[(setattr(p, "array", a), setattr(p, "grad", None)) for p, a in zip({parameters}, first)]]
 for losses in [fit({parameters}, loss, k, {lr})]
 for name, value in [("the loss in", losses[-1]), *((f"{{p.name}} after", p.array * 1) for p in {parameters})]}}"""
SEEN = """{f"{name} for epochs 0 to {k - 1}": value for k in range(1, len(losses) + 1)
 for name, value in zip(("best", "last"), best_epoch(losses[:k], patience))}"""


def split_question(call, what="", names=None):
    return Question("split", call, what=what, formula=SPLIT, names=names)


def length_question(n, held_out):
    call = f"split({n}, {held_out}, 0)"
    return split_question(
        f"[len(part) for part in {call}]", f"the lengths of both parts of {call}",
        named(("the length of training", 0), ("the length of validation", 1)),
    )  # fmt: skip


def momentum_question(**inputs):
    return Question(
        "momentum_step", "momentum_step(p, g, v, lr, beta)", values(**inputs), formula=MOMENTUM,
        names=named(("the new v", 1), ("the new p", 0)),
    )  # fmt: skip


def adam_question(**inputs):
    return Question(
        "adam_step", "adam_step(p, g, m, s, t, lr, beta1, beta2, eps)", values(**inputs), formula=ADAM,
        names=named(("the new m", 1), ("the new s", 2), ("the new p", 0)),
    )  # fmt: skip


def fit_question(given, parameters, steps, lr, after=""):
    """Ask for the losses, or for a parameter after training. The intermediate results (`way`) are
    the loss and the parameters after each of the first steps.
    """
    call = f"fit({parameters}, loss, {steps}, {lr})"
    return Question(
        "fit", f"({call}, {after}.array)[1]" if after else call, given,
        f"{after}.array after {call}" if after else "", formula=FIT,
        changes=("p", "q", "W1", "b1", "W2", "b2"),
        way=STEPS.format(parameters=parameters, steps=min(steps, 4), lr=lr),
    )  # fmt: skip


def best_question(losses, patience):
    return Question(
        "best_epoch", "best_epoch(losses, patience)", lambda file: {"losses": [*losses], "patience": patience},
        formula=BEST, way=SEEN,
    )  # fmt: skip


def diagnose_question(*losses):
    return Question(
        "diagnose", "diagnose(losses)", lambda file: {"losses": [*losses]}, stretch=True
    )


def smooth_question(losses, beta):
    return Question(
        "smooth", "smooth(losses, beta)", lambda file: {"losses": [*losses], "beta": beta},
        names=over_time("the running mean at step {}", 1), stretch=True,
    )  # fmt: skip


rng = np.random.default_rng(0)
RANDOM = {name: rng.normal(size=(2, 3)).round(1) for name in ("p", "g", "v")}
ZERO = {"beta1": 0.9, "beta2": 0.99, "eps": 0.0}

QUESTIONS = (
    length_question(5, 1),
    length_question(5, 0),
    split_question("(parts := split(30, 20, 3), bool({*parts[0]} & {*parts[1]}))[1]",
                   "does a row occur in both parts of split(30, 20, 3)?"),
    split_question("any(len(part) > len({*map(int, part)}) for part in split(30, 20, 3))",
                   "does a row occur twice in one part of split(30, 20, 3)?"),
    split_question("all(0 <= row < 30 for part in split(30, 20, 3) for row in part)",
                   "is each row in both parts of split(30, 20, 3) at least 0 and less than 30?"),
    length_question(30, 20),
    split_question("min(rows := split(24, 12, 1)[1]) < 12 <= max(rows)",
                   "are there rows of the first half, and rows of the second half, in the validation part of "
                   "split(24, 12, 1)?"),
    split_question("sorted(split(50, 20, 7)[1]) == sorted(split(50, 20, 7)[1])",
                   "are the validation parts of two calls split(50, 20, 7) equal?"),
    split_question("sorted(split(50, 20, 7)[1]) == sorted(split(50, 20, 8)[1])",
                   "are the validation parts of split(50, 20, 7) and split(50, 20, 8) equal?"),
    momentum_question(p=1.0, g=2.0, v=0.0, lr=0.1, beta=0.5),
    momentum_question(p=0.8, g=2.0, v=2.0, lr=0.1, beta=0.5),
    momentum_question(p=[1, 2], g=[-1, 0], v=[0, 4], lr=0.5, beta=0.25),
    momentum_question(**RANDOM, lr=0.3, beta=0.9),
    Question("momentum_step", "[(pv := momentum_step(pv[0], g, pv[1], 0.1, 0.5)) for g in gs]",
             lambda file: {"pv": [1.0, 0.0], "gs": [2.0, 2.0, -4.0, 1.0]},
             "four steps with the gradients gs, lr = 0.1 and beta = 0.5, from p = 1 and v = 0",
             formula=MOMENTUM, names=each_step(("v", 1), ("p", 0))),
    adam_question(p=1.0, g=2.0, m=0.0, s=0.0, t=1, lr=0.1, **ZERO),
    adam_question(p=0.9, g=1.0, m=0.2, s=0.04, t=2, lr=0.1, **ZERO),
    adam_question(p=1.0, g=-3.0, m=0.0, s=0.0, t=1, lr=0.5, beta1=0.5, beta2=0.75, eps=1.0),
    adam_question(p=[1, 1], g=[0.5, 1000], m=[0, 0], s=[0, 0], t=1, lr=0.1, **ZERO),
    adam_question(p=[1, -2], g=[4, 0], m=[-1, 1], s=[2, 3], t=3, lr=0.1, beta1=0.5, beta2=0.75, eps=0.5),
    Question("adam_step", "[(pms := adam_step(pms[0], g, pms[1], pms[2], t, 0.1)) for t, g in enumerate(gs, 1)]",
             lambda file: {"pms": [1.0, 0.0, 0.0], "gs": [2.0, 1.0, -4.0, 0.5]},
             "four steps with the gradients gs, lr = 0.1 and the default betas and eps, from p = 1, m = 0 and s = 0",
             formula=ADAM, names=each_step(("m", 1), ("s", 2), ("p", 0))),
    adam_question(p=RANDOM["p"], g=RANDOM["g"], m=RANDOM["v"], s=RANDOM["v"] ** 2, t=7, lr=0.3,
                  beta1=0.8, beta2=0.95, eps=0.1),
    fit_question(parabola(-1), "[p]", 1, 0.5),
    fit_question(parabola(-1), "[p]", 1, 0.5, "p"),
    fit_question(parabola(-1), "[p]", 3, 0.5),
    Question("fit", "(fit([p], loss, 2, 0.5), len(calls))[1]", parabola(-1, logged=True),
             "the number of calls of loss() in fit([p], loss, 2, 0.5)", formula=FIT, changes=("p", "calls")),
    Question("fit", '["float" if isinstance(one, float) else type(one).__name__ for one in fit([p], loss, 1, 0.5)]',
             parabola(-1), "the type of the loss in the list fit([p], loss, 1, 0.5)",
             formula="losses.append(now.item())", changes=("p",)),
    Question("fit", "(fit([p], loss, 1, 0.5), p.array)[1]", parabola(-1, old=-100),
             "p.array after fit([p], loss, 1, 0.5), if p.grad is -100 at first", formula=FIT, changes=("p",)),
    fit_question(two(1, 2), "[p, q]", 3, 0.5),
    fit_question(two([1, -1], 0.5), "[p, q]", 4, 0.25),
    fit_question(parabola(-1.5), "[p]", 6, 0.25, "p"),
    fit_question(eight_points, "[W1, b1, W2, b2]", 30, 0.05),
    best_question([0.9, 0.5, 0.6, 0.4, 0.5, 0.7], 2),
    best_question([0.9, 0.5, 0.6, 0.7, 0.3], 2),
    best_question([0.5, 0.4, 0.3], 1),
    best_question([0.5, 0.4, 0.4, 0.4, 0.4], 3),
    best_question([0.3], 2),
    best_question([3.0, 2.0, 1.5], 2),
    best_question([0.5, float("nan"), float("nan"), 0.4], 2),
    best_question([0.5, 0.6, 0.5, 0.6, 0.4], 2),
    best_question([0.5, 0.9, 0.8, 0.7, 0.6, 0.4], 3),
    best_question([0.8, 0.6, float("nan"), 0.5, float("nan"), 0.7], 2),
    best_question(np.abs(np.linspace(-1, 0.6, 24)).round(2).tolist(), 6),
    diagnose_question(1.0, 0.6, 0.4, 0.3),
    diagnose_question(1.0, 0.9, 0.8, 0.7, 0.6),
    diagnose_question(1.0, 0.5, 0.9, 0.3, 0.6, 0.2),
    diagnose_question(1.0, 0.5, float("nan"), float("nan")),
    smooth_question([4.0, 2.0], 0.5),
    smooth_question([1.0, 1.0, 1.0], 0.9),
    smooth_question([3.0, -1.0, 2.0, 0.5, 4.0], 0.75),
)  # fmt: skip

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Lesson 10</title>
<body style="max-width: 720px; margin: 1em auto; padding: 0 1em; font-family: sans-serif; background: white">
<h1>Your loss curve and the right one</h1>
<p>Both runs start from p = 1 and q = 1. {rule} The loss is (p² + 25 q²) / 26.</p>
{figure}
</body>
</html>
"""
RULES = {
    "momentum_step": "They use momentum with lr = 0.3 and beta = 0.8.",
    "adam_step": "They use Adam with lr = 0.1.",
    "fit": "They use Adam with lr = 0.1.",
}
SIZES = np.array([1.0, 25.0]) / 26


def page(file, path, failed):
    """Draw the graph of the network on four points. If an update is wrong, plot its loss curve next to
    the right one instead.
    """
    if failed in RULES:
        series = {"yours": yours(file, failed), "right": right(failed)}
        text = PAGE.format(rule=RULES[failed], figure=curves(series))
        write_whole(path, lambda to: to.write(text.encode()))
        return
    x, y = file.moons(4, 0.1, 0)
    weights = file.start(3, 0)
    h = mg.tanh(mg.Tensor(x, name="x") @ weights[0] + weights[1])
    loss = ((h @ weights[2] + weights[3] - mg.Tensor(y, name="y")) ** 2).mean()
    loss.backward()
    mg.explore(loss, path)


def yours(file, failed, steps=60):
    """Return the losses of a run with the learner's function."""
    if failed == "fit":
        p = parameter("p", [1, 1])
        losses = file.fit([p], lambda: (p * p * SIZES).sum(), steps, 0.1)
        return np.array([float(mg.Tensor(one).item()) for one in losses])
    p, v, m, s, losses = np.ones(2), np.zeros(2), np.zeros(2), np.zeros(2), []
    for t in range(1, steps + 1):
        losses.append((SIZES * p * p).sum())
        g = 2 * SIZES * p
        if failed == "adam_step":
            p, m, s = file.adam_step(p, g, m, s, t, 0.1)
        else:
            p, v = file.momentum_step(p, g, v, 0.3, 0.8)
    return np.array(losses)


def right(failed, steps=60):
    """Return the losses of the same run with minigrad's optimizer."""
    parameters, losses = {"p": parameter("p", [1, 1])}, []
    momentum = failed == "momentum_step"
    optimizer = SGD(parameters, 0.3, momentum=0.8) if momentum else Adam(parameters, 0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (parameters["p"] * parameters["p"] * SIZES).sum()
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    return np.array(losses)
