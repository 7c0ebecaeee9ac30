"""Lesson 12's questions and page. The page shows the end of a review in the trained network, with
the learner's cut.
"""

import numpy as np

import minigrad as mg
from layers import RNN, RNNCell
from minigrad.context import step_name
from minigrad.course.lesson import Question
from minigrad.course.lessons.lesson_12_truncation import trained

WORDS = ["this", "film", "is", "pretty", "bad"]


def _numbers(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def _gradients(output, leaves):
    """Return each leaf's gradient of a weighted sum of `output`, or zeros if it gets none."""
    if output.requires_grad:
        output.backward(_numbers(*output.shape, seed=9))
    return {
        name: np.zeros(leaf.shape) if leaf.grad is None else leaf.grad
        for name, leaf in leaves.items()
    }


def _values(T, k):
    def ask(file):
        h = mg.Tensor(np.array(1.0), requires_grad=True)
        return [
            state.item()
            for state in file.truncated(
                lambda x, h: 0.5 * h + x, [1.0, 2.0, 3.0, 4.0, 5.0][:T], h, k
            )
        ]

    return ask


def _returned(file):
    states = file.truncated(lambda x, h: 0.5 * h + x, [1.0, 2.0, 3.0], mg.Tensor(1.0), 2)
    if isinstance(states, list | tuple):
        return f"a list of {len(states)}"
    return None if states is None else f"one {type(states).__name__}"


def _scalar(T, k):
    """Ask for dh_T/dw and dh_T/dh_0, where h_t = w h_before + 1, w = 0.5 and h_0 = 2."""

    def ask(file):
        leaves = {
            name: mg.Tensor(np.array(value), requires_grad=True)
            for name, value in (("w", 0.5), ("h", 2.0))
        }
        last = file.truncated(lambda x, h: leaves["w"] * h + x, [1.0] * T, leaves["h"], k)[-1]
        return {
            name: gradient / _numbers(seed=9) for name, gradient in _gradients(last, leaves).items()
        }

    return ask


def _cell(inputs, hidden):
    """Return a float64 layers.RNNCell, and its parameters by name."""
    cell = RNNCell(inputs, hidden)
    leaves = {"W_xh": cell.W_xh, "W_hh": cell.W_hh, "b_h": cell.b_h}
    for seed, leaf in enumerate(leaves.values()):
        leaf.array = _numbers(*leaf.shape, seed=seed) * 0.7
    return cell, leaves


def _network(k, T=6, B=2, D=3, H=4):
    def ask(file):
        cell, leaves = _cell(D, H)
        xs = [mg.Tensor(_numbers(B, D, seed=10 + t), requires_grad=True) for t in range(T)]
        leaves.update((f"x{t}", x) for t, x in enumerate(xs))
        last = file.truncated(lambda x, h: cell(x, h)[1], xs, mg.Tensor(_numbers(B, H, seed=8)), k)[
            -1
        ]
        return _gradients(last, leaves)

    return ask


def _layer(k, T=6, B=2, D=3, H=4):
    """Compute the answer to `_network` with layers.RNN(truncate=k)."""

    def expect():
        cell, leaves = _cell(D, H)
        layer = RNN(D, H, truncate=k, fused=False)
        layer.cell = cell
        x = mg.Tensor(
            np.stack([_numbers(B, D, seed=10 + t) for t in range(T)], axis=1), requires_grad=True
        )
        found = _gradients(layer(x, mg.Tensor(_numbers(B, H, seed=8))), {**leaves, "x": x})
        steps = found.pop("x")
        return {**found, **{f"x{t}": steps[:, t] for t in range(T)}}

    return expect


def _windows(T, k1, k2):
    return Question(
        f"the windows for T = {T}, k1 = {k1}, k2 = {k2}", "windows",
        lambda file: [list(window) for window in file.windows(T, k1, k2)],
        formula="new windows start at 0, k1, 2 k1, ...; end = min(start + k1, T); begin = "
                "max(0, end - k2)",
    )  # fmt: skip


def _passes(T, B, H, seed=0):
    """Return random dhs, hs and h0. They do not come from a network, but the rule holds for any arrays."""
    return (
        _numbers(T, B, H, seed=seed),
        np.tanh(_numbers(T, B, H, seed=seed + 1)),
        _numbers(B, H, seed=seed + 2),
    )


def _pieces(T, B, H):
    return lambda file: [np.asarray(part) for part in file.pieces(*_passes(T, B, H))]


def _predictions(file):
    return [
        file.predict([_numbers(3, 2, seed=t) * 0.8 ** (7 - t) for t in range(7)], k)
        for k in (1, 2, 3, 5, 7)
    ]


def _trained_prediction(file):
    model, (ids, labels) = trained.load(), trained.reviews(32)
    parts = file.pieces(*trained.full_backward(model, ids, labels))
    return [file.predict(parts, k) for k in (2, 4, 10, 20, 40)]


def _trained_measurement(file):
    model, (ids, labels) = trained.load(), trained.reviews(32)
    return [trained.truncated_gradient(file.truncated, k, model, ids, labels) for k in (1, 4, 40)]


def _trained_layer():
    model, (ids, labels) = trained.load(), trained.reviews(32)
    found = []
    for model.named_layers()["rnn"].truncate in (1, 4, 40):
        loss = mg.softmax_cross_entropy(model(ids), labels)
        found.append(mg.grad(loss, [model.named_parameters()["rnn.cell.W_hh"]])[0].array)
    return found


CUT = "cut the state just before step T - k, if there is such a step, and change nothing else"
PIECE = "h_beforeᵀ @ (dL/dh_t ⊙ (1 - h_t²)), where h_before is h_(t-1), or h0 for the first step"
COSINE = "the sum of the products of matching elements, divided by both norms"
PREDICT = "the cosine between the sum of the last k pieces and the sum of all pieces"
QUESTIONS = (
    Question("the result for three inputs", "truncated", _returned,
             formula="a list with the state after each step"),
    Question("the states of h' = h/2 + x from h = 1 over x = 1, 2, 3, with k = 1", "truncated", _values(3, 1),
             formula=CUT),
    Question("the states of h' = h/2 + x from h = 1 over x = 1, 2, 3, 4, 5, with k = 2", "truncated", _values(5, 2),
             formula=CUT),
    Question("the gradients of h' = wh + 1 over 5 steps from h = 2, w = 0.5, with k = 1", "truncated", _scalar(5, 1),
             formula=CUT),
    Question("the gradients of h' = wh + 1 over 5 steps from h = 2, w = 0.5, with k = 2", "truncated", _scalar(5, 2),
             formula=CUT),
    Question("the gradients of h' = wh + 1 over 5 steps from h = 2, w = 0.5, with k = 5", "truncated", _scalar(5, 5),
             formula=CUT),
    Question("the gradients of h' = wh + 1 over 3 steps from h = 2, w = 0.5, with k = 10", "truncated", _scalar(3, 10),
             formula=CUT),
    *(
        Question(f"all gradients of a recurrent network over 6 steps, k = {k}", "truncated", _network(k),
                 f"RNN(truncate={k})", formula=CUT, expect=_layer(k))
        for k in (1, 4, 6)
    ),
    Question("dL/dW_hh in the trained network, for k = 1, 4, 40", "truncated", _trained_measurement,
             "RNN(truncate=k)", formula=CUT, expect=_trained_layer),
    _windows(6, 2, 2), _windows(7, 3, 3), _windows(10, 2, 5), _windows(9, 4, 1), _windows(3, 5, 2),
    Question("the piece of a single step, H = 1: dh = 3, h = 0.5, h0 = 2", "pieces",
             lambda file: [np.asarray(part) for part in file.pieces(
                 np.array([[[3.0]]]), np.array([[[0.5]]]), np.array([[2.0]]))], formula=PIECE),
    Question("the pieces for T = 3, B = 1, H = 2", "pieces", _pieces(3, 1, 2), formula=PIECE),
    Question("the pieces for T = 4, B = 5, H = 3", "pieces", _pieces(4, 5, 3), formula=PIECE),
    Question("the cosines of [1, 0] with [3, 4], and of [1, 1] with [-2, -2]", "cosine",
             lambda file: [file.cosine(np.array([1.0, 0.0]), np.array([3.0, 4.0])),
                           file.cosine(np.array([1.0, 1.0]), np.array([-2.0, -2.0]))], formula=COSINE),
    Question("the cosine of two random arrays (4, 3)", "cosine",
             lambda file: file.cosine(_numbers(4, 3, seed=1), 7 * _numbers(4, 3, seed=2)), formula=COSINE),
    Question("predictions from 7 random pieces, for k = 1, 2, 3, 5, 7", "predict", _predictions, formula=PREDICT),
    Question("predictions in the trained network, for k = 2, 4, 10, 20, 40", "predict", _trained_prediction,
             formula=PREDICT),
)  # fmt: skip


def page(file, path, failed):
    """Write the page: the end of a review in the trained network, with the learner's cut. If
    `pieces` failed, it shows a network that computes its gradient with the learner's `pieces`.
    """
    (_page_of_pieces if failed == "pieces" else _page_of_the_cut)(file, path)


def _page_of_the_cut(file, path):
    """Draw the last words of a review in the trained network, which the learner's `truncated` reads
    with k = 3.
    """
    model, (ids, labels) = trained.load(), trained.reviews(21)
    ids, labels, parts = ids[20:, -len(WORDS) :], labels[20:], model.named_layers()
    xs = [parts["embedding"](ids[:, t]).detach() for t in range(len(WORDS))]
    for x, word in zip(xs, WORDS, strict=True):
        x.name = word
    cell, steps = parts["rnn.cell"], iter(range(len(WORDS)))

    def step(x, h):
        with mg.scope(step_name(next(steps), len(WORDS))):
            return cell(x, h)[1]

    h0 = mg.Tensor(np.zeros((1, cell.hidden)), name="h0")
    loss = mg.softmax_cross_entropy(parts["dense"](file.truncated(step, xs, h0, 3)[-1]), labels)
    mg.explore(loss, path, words=WORDS)


def _page_of_pieces(file, path):
    """Draw five time steps. Each step is a gate, and the learner's `pieces` computes its gradient
    of W_hh.
    """

    class Step(mg.Gate):
        symbol = "step"
        differentiable_twice = False

        def forward(self, a, h, W_hh):
            return np.tanh(a + h @ W_hh)

        def backward(self, dz, z, a, h, W_hh):
            da = dz * (1 - z * z)
            return (
                da,
                da @ W_hh.T,
                np.asarray(file.pieces(dz[None].copy(), z[None].copy(), h.copy())[0]),
            )

    inputs, step = _numbers(len(WORDS), 1, 3, seed=1), Step()

    def loss(h, W_hh):
        for t, word in enumerate(WORDS):
            with mg.scope(step_name(t, len(WORDS))):
                h = step(mg.Tensor(inputs[t], name=word), h, W_hh)
        return (h * h).sum()

    leaves = [mg.Tensor(_numbers(*shape, seed=2), requires_grad=True, name=name)
              for name, shape in (("h0", (1, 3)), ("W_hh", (3, 3)))]  # fmt: skip
    report = mg.gradcheck(loss, *leaves)
    mg.explore(loss(*leaves), path, report=None if report else report, words=WORDS)
