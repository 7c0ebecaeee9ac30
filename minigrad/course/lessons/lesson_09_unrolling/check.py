"""Lesson 9's questions about one step, the loop with any cell, the whole RNN, and gradients."""

import numpy as np

import minigrad as mg
from minigrad.course.lesson import Question

WORDS = ["the", "film", "was", "not", "bad"]


def weights(D, H, seed=0):
    """Return random float64 Tensors W_xh (D, H), W_hh (H, H) and b_h (H,) in a dict."""
    rng = np.random.default_rng(seed)
    shapes = {"W_xh": (D, H), "W_hh": (H, H), "b_h": (H,)}
    arrays = {name: rng.normal(size=shape) * 0.6 for name, shape in shapes.items()}
    return {name: mg.Tensor(array, requires_grad=True, name=name) for name, array in arrays.items()}


def sequence(T, B, D, H, seed=1):
    """Return random xs (T, B, D) and h0 (B, H)."""
    rng = np.random.default_rng(seed)
    xs = rng.normal(size=(T, B, D))
    return xs, mg.Tensor(rng.normal(size=(B, H)) * 0.5, requires_grad=True, name="h0")


def values(state):
    """Convert a state (a Tensor, an array or a number) to an array, and a list of states to a list
    of arrays.
    """
    if isinstance(state, list | tuple):
        return each(state)
    return state if state is None else np.array(getattr(state, "array", state), float)


def each(states):
    """Convert the states of a sequence to arrays."""
    return states if states is None else [values(h) for h in states]


def gradients(output, leaves):
    """Return each leaf's gradient of a weighted sum of `output`, or None if it gets none."""
    upstream = np.random.default_rng(2).normal(size=output.shape)
    output.backward(upstream)
    return {name: leaf.grad for name, leaf in leaves.items()}


def digit(x, h):
    return 10 * h + x


def step_value(B, D, H):
    def ask(file):
        xs, h0 = sequence(1, B, D, H)
        return values(file.rnn_step(xs[0], h0, **weights(D, H)))

    return ask


def step_gradients(file):
    xs, h0 = sequence(1, 2, 3, 4)
    W = weights(3, 4)
    return gradients(file.rnn_step(xs[0], h0, **W), {**W, "h": h0})


def digits(xs, h0):
    return lambda file: each(file.unroll(digit, list(xs), h0))


def array_states(file):
    xs, h0 = sequence(4, 2, 3, 3)
    return each(file.unroll(lambda x, h: np.tanh(x - 2 * h), xs, h0.array.copy()))


def scalar_gradients(file):
    w, h0 = (mg.Tensor(np.array(value), requires_grad=True) for value in (2.0, 1.0))
    last = list(file.unroll(lambda x, h: w * h + x, [0.0, 0.0, 0.0], h0))[-1]
    last.backward()
    return {"last": values(last), "w": w.grad, "h0": h0.grad}


def rnn_value(T, B, D, H):
    def ask(file):
        xs, h0 = sequence(T, B, D, H)
        return values(file.rnn(xs, h0, **weights(D, H)))

    return ask


def parameters(file):
    xs, _ = sequence(5, 2, 3, 4)
    last = file.rnn(xs, mg.Tensor(np.zeros((2, 4))), **weights(3, 4))
    return sum(node.gate is None and node.requires_grad for node in mg.Graph(last))


def rnn_gradients(file):
    xs, h0 = sequence(5, 2, 3, 4)
    W = weights(3, 4)
    return gradients(file.rnn(xs, h0, **W), {**W, "h0": h0})


LAYER = "the RNN layer"
STEP = "h' = tanh(x @ W_xh + h @ W_hh + b_h)"
LOOP = "for each x in turn: h = cell(x, h), and append h to the list"
WHOLE = (
    "the last state that unroll returns, with a cell that calls rnn_step with the same three "
    "weights at every step"
)
QUESTIONS = (
    Question("one step with B = D = H = 1", "rnn_step", step_value(1, 1, 1), formula=STEP),
    Question(
        "one step with B = 2, D = 3, H = 4", "rnn_step", step_value(2, 3, 4), LAYER, 1e-12, STEP
    ),
    Question("the gradients of one step", "rnn_step", step_gradients, LAYER, 1e-12, STEP),
    Question(
        "the states of h' = 10h + x from h0 = 0, for the input 4",
        "unroll",
        digits([4], 0),
        formula=LOOP,
    ),
    Question(
        "the states of h' = 10h + x from h0 = 0, for the inputs 4, 0, 7",
        "unroll",
        digits([4, 0, 7], 0),
        formula=LOOP,
    ),
    Question(
        "the states of h' = 10h + x from h0 = 9, for the inputs 1, 2, 3, 5",
        "unroll",
        digits([1, 2, 3, 5], 9),
        formula=LOOP,
    ),
    Question(
        "the states of h' = tanh(x - 2h), for an array of inputs (4, 2, 3)",
        "unroll",
        array_states,
        formula=LOOP,
    ),
    Question(
        "the gradients of h' = wh after three steps from h0 = 1, with w = 2",
        "unroll",
        scalar_gradients,
        formula=LOOP,
    ),
    Question("the last state after 1 step", "rnn", rnn_value(1, 2, 3, 4), LAYER, 1e-12, WHOLE),
    Question("the last state after 5 steps", "rnn", rnn_value(5, 2, 3, 4), LAYER, 1e-12, WHOLE),
    Question(
        "the last state after 12 steps of 3 sequences",
        "rnn",
        rnn_value(12, 3, 2, 5),
        LAYER,
        1e-12,
        WHOLE,
    ),
    Question("the number of parameters in the graph of 5 steps", "rnn", parameters, formula=WHOLE),
    Question("the gradients after 5 steps", "rnn", rnn_gradients, LAYER, 1e-12, WHOLE),
)


def page(file, path, failed):
    """Write the page: the graph of five words, one in each column. After a failure, it also shows
    the errors that a gradient check finds.
    """
    xs, h0 = sequence(5, 1, 2, 3)
    h0.name, h0.requires_grad = "h0", False
    words = [mg.Tensor(x, name=word) for x, word in zip(xs, WORDS, strict=True)]
    step = file.rnn_step
    calls = iter(range(10_000))

    def scoped(*arguments, **named):
        with mg.scope(f"t{next(calls) % 5:02d}"):
            return step(*arguments, **named)

    def loss(W_xh, W_hh, b_h):
        if failed == "rnn":
            last = file.rnn(words, h0, W_xh, W_hh, b_h)
        elif failed == "rnn_step":
            last = scoped(words[0], h0, W_xh, W_hh, b_h)
        else:
            last = list(file.unroll(lambda x, h: scoped(x, h, W_xh, W_hh, b_h), words, h0))[-1]
        return last.sum()

    W = weights(2, 3)
    file.rnn_step = scoped  # so that each step of the learner's rnn gets a column
    try:
        if failed is None:
            mg.explore(loss(*W.values()), path, words=WORDS)
        else:
            report = mg.gradcheck(loss, *W.values())
            calls = iter(range(10_000))  # gradcheck may stop in the middle of a sequence
            mg.explore(loss(*W.values()), path, report=None if report else report)
    finally:
        file.rnn_step = step
