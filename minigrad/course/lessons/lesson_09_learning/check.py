"""Questions of lesson 9: the parts of a training loop, with numbers that are exact in floating
point, the loop on XOR, and the fall of the loss.
"""

import numpy as np

import minigrad as mg
from minigrad.course.checking.lesson import Question, over_time
from minigrad.course.lessons.curves import curves
from minigrad.support.files import write_whole

X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
Y = np.array([[0.0], [1.0], [1.0], [0.0]])
ZERO = {"W1": [[0, 0], [0, 0]], "b1": [0, 0], "W2": [[0], [0]], "b2": [0]}
# the outputs are -0.7 in the rows 00 and 01, and 1.7 in the rows 10 and 11
BEYOND = {"W1": [[100, 0], [0, 0]], "b1": [-50, 0], "W2": [[1.2], [0]], "b2": [0.5]}
SMALL = {"W1": [[1, -1], [2, 1]], "b1": [0.5, 0], "W2": [[3], [-1]], "b2": [0.5]}


def start(seed):
    """Return the initial W1, b1, W2 and b2, as in the learner's file."""
    rng = np.random.default_rng(seed)
    arrays = {
        "W1": rng.normal(size=(2, 2)),
        "b1": np.zeros(2),
        "W2": rng.normal(size=(2, 1)),
        "b2": np.zeros(1),
    }
    return [mg.Tensor(array, requires_grad=True, name=name) for name, array in arrays.items()]


def parameter(name, value, gradient=None):
    p = mg.Tensor(np.array(value, float), requires_grad=True, name=name)
    if gradient is not None:
        p.grad = np.array(gradient, float)
    return p


def moving(lr=None, **parameters):
    """Return a `given` for parameters, each a pair of its value and its gradient."""
    rate = {} if lr is None else {"lr": lr}
    return lambda file: {name: parameter(name, *pair) for name, pair in parameters.items()} | rate


def weighed(weights, x, y=None, old=None):
    """Return a `given` for rows and a network's weights, or for random ones with a seed. `old` is the
    value of all old gradients.
    """

    def given(file):
        rows = {"x": x} if y is None else {"x": x, "y": y}
        chosen = weights
        if isinstance(weights, int):
            chosen = {p.name: p.array.round(1) for p in start(weights)}
        return {name: np.array(array, float) for name, array in rows.items()} | {
            name: parameter(name, value, None if old is None else np.full(np.shape(value), old))
            for name, value in chosen.items()
        }

    return given


def named(*names):
    """Return a `names` for a list of values."""
    return lambda answer: list(zip(names, answer, strict=True))


def kept(yours, right):
    """Say that step must leave the gradient as it is."""
    return (
        "It is None: step cleared the gradient. Only zero_grad clears gradients." if yours else None
    )


def is_float(yours, right):
    """Accept a float and NumPy's floats."""
    if str(yours).startswith("float"):
        return None
    return f"It is of the type {yours}. It must be a plain number (float)."


FORGET = "p.grad = None for each parameter"
MOVE = "p.array = p.array - lr · p.grad, a new array: p.array -= ... raises an error"
TRAIN = (
    "for each epoch and each i = 0, size, 2 size, ...: clear the gradients, append the loss, which is the mean of "
    "(network(x[i : i + size]) - y[i : i + size])², call backward on the loss, and call step"
)
FALL = "(loss before the step - loss after it) / (lr · Σ g²), with all numbers g of all gradients"
PARAMETERS = ("W1", "b1", "W2", "b2")
ONE_STEP = "(step([p], lr), p.item())[1]"
STEPS = """{{f"{{name}} step {{k}}": value for k in range(1, {steps} + 1)
 for losses in [train(x, y, [W1, b1, W2, b2], {lr}, 1, len(x))] for name, value in [
 ("the length of the list in", len(losses)), ("the loss in", losses[0]),
 *((f"{{p.name}} after", p.array * 1) for p in (b2, W2, b1, W1))]}}"""


def step_question(what, call, given, *names):
    return Question("step", call, given, what, formula=MOVE, changes=("p", "q"),
                    names=named(*names) if names else None)  # fmt: skip


def train_question(lr, epochs, *given):
    """Ask for the losses, with all rows in one batch. The intermediate results (`way`) are the loss
    of each of the first 5 epochs, and the parameters after its step.
    """
    return Question(
        "train", f"train(x, y, [W1, b1, W2, b2], {lr}, {epochs}, {len(given[1])})", weighed(*given), formula=TRAIN,
        changes=PARAMETERS, way=STEPS.format(lr=lr, steps=min(epochs, 5)),
    )  # fmt: skip


def batches_question(numbers, *given):
    return Question(
        "train", f"train(x, y, [W1, b1, W2, b2], {numbers})", weighed(*given), formula=TRAIN,
        names=each_loss, changes=PARAMETERS,
    )  # fmt: skip


def each_loss(answer):
    if not isinstance(answer, list | np.ndarray):
        raise TypeError("the types are compared first")
    return over_time("the loss of step {}", 1)(answer)


def tested(power, wrong=1.0, old=None, **parameters):
    """Return a `given` for `fall`: parameters, and their loss, which is the sum of all elements to
    the power `power`. Its gradient is `wrong` times too large.
    """

    class Sum(mg.Gate):
        def forward(self, *arrays):
            return np.array(sum((array**power).sum() for array in arrays))

        def backward(self, dz, z, *arrays):
            return tuple(dz * wrong * power * array ** (power - 1) for array in arrays)

    def given(file):
        made = {
            name: parameter(name, value, old and np.full(np.shape(value), old))
            for name, value in parameters.items()
        }

        def loss():
            return Sum()(*made.values())

        names = " + ".join(f"({name} ** {power}).sum()" for name in made)
        loss.__doc__ = f"a function that returns {names}" + (
            f", whose gradient is wrong: {wrong:g} times too large" if wrong != 1 else ""
        )
        return {**made, "loss": loss}

    return given


def xor(seed, slope=None):
    """Return a `given` for `fall`: a network on XOR, perhaps with a wrong slope of tanh."""

    class Tanh(mg.Gate):
        def forward(self, x):
            return np.tanh(x)

        def backward(self, dz, h, x):
            return (dz * slope(h),)

    def given(file):
        W1, b1, W2, b2 = parameters = start(seed)

        def loss():
            tanh = Tanh() if slope else mg.tanh
            return ((tanh(X @ W1 + b1) @ W2 + b2 - Y) ** 2).mean()

        loss.__doc__ = "a function that returns the loss of a network on XOR" + (
            ", with the wrong slope of tanh, 1 - h" if slope else ""
        )
        return {**{p.name: p for p in parameters}, "loss": loss}

    return given


def fall_question(given, parameters, lr, what="", **more):
    call = f"fall(loss, [{parameters}], {lr})"
    return Question("fall", call, given, what and f"{call}: {what}", formula=FALL, **more)


def suspect_question(given, parameters, lr):
    return Question("suspect", f"suspect(loss, [{parameters}], {lr})", given, stretch=True)


def accuracy_question(*given):
    return Question("accuracy", "accuracy(x, y, [W1, b1, W2, b2])", weighed(*given), stretch=True)


QUESTIONS = (
    Question("zero_grad", "(zero_grad([p]), (p * p).backward(), p.grad)[2]", moving(p=(3, 100)),
             "p.grad, which is 100 at first, after zero_grad([p]) and (p * p).backward()", formula=FORGET),
    Question("zero_grad", "(zero_grad([p, q]), (p * q).sum().backward(), p.grad, q.grad)[2:]",
             moving(p=(3, 100), q=([1, 2], [100, 100])),
             "p.grad and q.grad, which are 100 at first, after zero_grad([p, q]) and (p * q).sum().backward()",
             formula=FORGET, names=named("p.grad", "q.grad")),
    Question("zero_grad", "(zero_grad([p]), p.grad)[1]", moving(p=(3, 100)),
             "p.grad, which is 100 at first, after zero_grad([p])", formula=FORGET),
    step_question("p after step([p], lr), if p.grad is 0", ONE_STEP, moving(0.25, p=(3, 0))),
    step_question("p after step([p], lr), if p.grad is 6", ONE_STEP, moving(0.25, p=(3, 6))),
    step_question("p after step([p], lr), if p.grad is -2", ONE_STEP, moving(0.5, p=(-1, -2))),
    step_question("p.array and q.array after step([p, q], lr), if p.grad is [4, -8] and q.grad is 2",
                  "(step([p, q], lr), p.array, q.array)[1:]",
                  moving(0.5, p=([1, -2], [4, -8]), q=(5, 2)), "p.array", "q.array"),
    Question("step", "(step([p], lr), p.grad is None)[1]", moving(0.25, p=(3, 6)),
             "is p.grad None after step([p], lr)?",
             formula=MOVE, changes=("p",), compare=kept),
    step_question("p after each of three calls step([p], lr), if p.grad is 1",
                  "[(step([p], lr), p.item())[1] for _ in range(3)]", moving(0.125, p=(1, 1)),
                  "after step 1", "after step 2", "after step 3"),
    train_question(0.25, 4, ZERO, [[0, 0]], [[1]]),
    train_question(0.25, 2, ZERO, [[0, 0], [0, 0]], [[1], [3]]),
    train_question(0.1, 2, SMALL, [[1, 0]], [[2]]),
    Question("train", "(train(x, y, [W1, b1, W2, b2], 0.25, 1, 1), b2.array)[1]", weighed(ZERO, [[0, 0]], [[1]]),
             "b2.array after train(x, y, [W1, b1, W2, b2], 0.25, 1, 1)", formula=TRAIN, changes=PARAMETERS),
    Question("train", "(train(x, y, [W1, b1, W2, b2], 0.25, 1, 1), b2.array)[1]", weighed(ZERO, [[0, 0]], [[1]], 100),
             "b2.array after train(x, y, [W1, b1, W2, b2], 0.25, 1, 1), if all gradients are 100 at first",
             formula=TRAIN, changes=PARAMETERS),
    Question("train", "type(train(x, y, [W1, b1, W2, b2], 0.25, 1, 1)[0]).__name__", weighed(ZERO, [[0, 0]], [[1]]),
             "the type of the first loss in train(x, y, [W1, b1, W2, b2], 0.25, 1, 1)",
             formula="losses.append(loss.item())", changes=PARAMETERS, compare=is_float),
    train_question(0.2, 3, 0, X, Y),
    Question("train", "(train(x, y, [W1, b1, W2, b2], 0.1, 30, 4), W1, b1, W2, b2)[1:]", weighed(1, X, Y),
             "the four parameters after train(x, y, [W1, b1, W2, b2], 0.1, 30, 4)", formula=TRAIN,
             changes=PARAMETERS, way=STEPS.format(lr=0.1, steps=5)),
    train_question(0.2, 100, 0, X, Y),
    batches_question("0.25, 1, 1", ZERO, [[0, 0], [0, 0]], [[1], [3]]),
    batches_question("0.25, 2, 2", ZERO, [[0, 0]] * 3, [[1], [3], [2]]),
    batches_question("0.1, 3, 2", SMALL, [[1, 0], [0, 1], [1, 1], [0, 0], [1, -1]], [[2], [1], [0], [1], [-1]]),
    batches_question("0.2, 3, 3", 0, X, Y),
    fall_question(tested(2, p=3.0), "p", 0.25),
    fall_question(tested(2, p=3.0), "p", 0.5),
    fall_question(tested(3, p=2.0), "p", 0.01),
    fall_question(tested(2, old=100.0, p=3.0), "p", 0.25, "all gradients are 100 at first"),
    fall_question(tested(2, p=3.0, q=[1.0, -2.0]), "p, q", 0.125),
    fall_question(tested(2, p=[0.1, 0.3, 0.7, 0.9]), "p", 0.05),
    fall_question(tested(2, wrong=2.0, p=3.0), "p", 0.125),
    fall_question(tested(2, wrong=-1.0, p=[1.0, 2.0]), "p", 0.25),
    Question("fall", "type(fall(loss, [p], 0.25)).__name__", tested(2, p=3.0), "the type of fall(loss, [p], 0.25)",
             formula=FALL, compare=is_float),
    fall_question(xor(38), "W1, b1, W2, b2", 0.001),
    fall_question(xor(38, lambda h: 1 - h), "W1, b1", 0.001),
    accuracy_question(ZERO | {"b2": [0.7]}, X, [[1], [0], [1], [1]]),
    accuracy_question(ZERO | {"b2": [0.3]}, X, [[1], [0], [1], [1]]),
    accuracy_question(3, X, Y),
    accuracy_question(BEYOND, X, [[0], [1], [1], [1]]),
    suspect_question(xor(38, lambda h: 1 - h), "W1, b1, W2, b2", 0.001),
    suspect_question(xor(38, lambda h: 1 - h), "W1, W2, b2", 0.001),
    suspect_question(xor(38, lambda h: 1 - h), "b2, W2, W1, b1", 0.001),
)  # fmt: skip

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Lesson 9</title>
<body style="max-width: 720px; margin: 1em auto; padding: 0 1em; font-family: sans-serif; background: white">
<h1>Your loss curve and the right one</h1>
<p>Both runs start from the same weights and use the learning rate 0.2 on the four rows of XOR.</p>
{figure}
</body>
</html>
"""


def page(file, path, failed):
    """Draw the learner's network on the four rows. If the training is wrong, plot its loss curve next
    to the right one instead.
    """
    parameters = start(0)
    if failed in ("zero_grad", "step", "train"):
        yours = numbers(file.train(X, Y, parameters, 0.2, 100, 4))
        figure = curves({"yours": yours, "right": by_hand(start(0), 0.2, 100)})
        write_whole(path, lambda to: to.write(PAGE.format(figure=figure).encode()))
        return
    loss = (
        (file.network(mg.Tensor(X, name="x"), *parameters) - mg.Tensor(Y, name="y")) ** 2
    ).mean()
    loss.backward()
    mg.explore(loss, path)


def numbers(losses):
    """Return the losses as one array, whether they are floats, arrays or Tensors."""
    return np.array([np.asarray(getattr(one, "array", one)).item() for one in losses])


def by_hand(parameters, lr, steps, slope=lambda h: 1 - h * h, keep=0.0):
    """Return the losses of a training run in plain NumPy.

    `slope` is the derivative of tanh. `keep` is the fraction of the old gradient that is kept.
    """
    W1, b1, W2, b2 = arrays = [p.array.copy() for p in parameters]
    gradients, losses = [0.0] * 4, []
    for _ in range(steps):
        h = np.tanh(X @ W1 + b1)
        error = h @ W2 + b2 - Y
        losses.append((error**2).mean())
        dz = 2 * error / len(X)
        da = dz @ W2.T * slope(h)
        new = X.T @ da, da.sum(axis=0), h.T @ dz, dz.sum(axis=0)
        gradients = [keep * old + one for old, one in zip(gradients, new, strict=True)]
        for array, gradient in zip(arrays, gradients, strict=True):
            array -= lr * gradient
    return np.array(losses)
