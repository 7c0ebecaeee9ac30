"""Lesson 15's questions and page. The page shows the end of a review in the trained network, with
the learner's cut.
"""

import numpy as np

import minigrad as mg
from layers import RNN
from minigrad.context import step_name
from minigrad.course.checking.lesson import Question, over_time, values

WORDS, IDS = ["this", "film", "is", "pretty", "bad"], [13, 22, 8, 186, 78]


def _numbers(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def halving(T, k, h=2.0):
    """The inputs of truncated with a cell that needs no matrix. x at step t is t + 1."""

    def given(file):
        def cell(x, h):
            """a function of x and h: 0.5 * h + x"""
            return 0.5 * h + x

        xs = [mg.Tensor(float(t + 1), requires_grad=True) for t in range(T)]
        return {"xs": xs, "h": mg.Tensor(h, requires_grad=True), "k": k, "cell": cell}

    return given


def network(T, B, H):
    """Return the arrays of a network h_t = tanh(x_t + h_before @ W_hh) with L = the sum of the last
    state: W_hh, xs, h0, hs, and dhs.
    """
    W_hh, xs, h0 = _numbers(H, H, seed=1), _numbers(T, B, H, seed=2), _numbers(B, H, seed=3)
    h, hs = h0, []
    for x in xs:
        h = np.tanh(x + h @ W_hh)
        hs.append(h)
    dhs = [np.ones((B, H))]
    for h in hs[:0:-1]:
        dhs.insert(0, (dhs[0] * (1 - h * h)) @ W_hh.T)
    return W_hh, xs, h0, np.array(hs), np.array(dhs)


SIZE = 6, 3, 2


def recurrent(k):
    """The inputs of truncated in `network`."""

    def given(file):
        W_hh, xs, h0, _, _ = network(*SIZE)
        W_hh = mg.Tensor(W_hh, requires_grad=True)

        def cell(x, h):
            """a function of x and h: mg.tanh(x + h @ W_hh)"""
            return mg.tanh(x + h @ W_hh)

        xs = [mg.Tensor(x, requires_grad=True) for x in xs]
        return {
            "xs": xs,
            "h": mg.Tensor(h0, requires_grad=True),
            "k": k,
            "W_hh": W_hh,
            "cell": cell,
        }

    return given


def layers_gradients(k):
    """The gradients of the inputs of `recurrent` by layers.RNN. Only key.py runs this."""
    W_hh, xs, h0, _, _ = network(*SIZE)
    layer = RNN(SIZE[2], SIZE[2], truncate=k, fused=False)
    layer.cell.W_xh.array, layer.cell.W_hh.array = np.eye(SIZE[2]), W_hh
    layer.cell.b_h.array = np.zeros(SIZE[2])
    x, h = (mg.Tensor(array, requires_grad=True) for array in (xs.swapaxes(0, 1), h0))
    dx, dh, dW = mg.grad(layer(x, h).sum(), [x, h, layer.cell.W_hh])
    return [*dx.array.swapaxes(0, 1), dh.array, dW.array]


def layers_cosines():
    """The cosines of layers.RNN for k = 1, ..., T. Only key.py runs this."""
    *cut, full = (layers_gradients(k)[-1] for k in range(1, SIZE[0] + 1))
    return [np.sum(a * full) / np.linalg.norm(a) / np.linalg.norm(full) for a in (*cut, full)]


def passes(T, B, H):
    """The inputs of pieces. They do not come from a network, but the rule holds for any arrays."""
    return lambda file: {
        "dhs": _numbers(T, B, H, seed=4).round(1),
        "hs": np.tanh(_numbers(T, B, H, seed=5)).round(1),
        "h0": _numbers(B, H, seed=6).round(1),
    }


def network_passes(file):
    _, _, h0, hs, dhs = network(*SIZE)
    return {"dhs": dhs, "hs": hs, "h0": h0}


def network_parts(file):
    _, _, h0, hs, dhs = network(*SIZE)
    before = np.concatenate([h0[None], hs[:-1]])
    return {"parts": list(np.einsum("tbi,tbj->tij", before, dhs * (1 - hs * hs)))}


CUT = "cut the state just before step T - k, if there is such a step, and change nothing else"
PIECE = "h_beforeᵀ @ (dL/dh_t ⊙ (1 - h_t²)), where h_before is h_(t-1), or h0 for the first step"
PREDICT = "the cosine between the sum of the last k pieces and the sum of all pieces"
ENOUGH = "the first k = 1, 2, 3, ... with predict(parts, k) >= wanted"
WINDOW = "start = 0, k1, 2 k1, ...; end = min(start + k1, T); begin = max(0, end - k2)"


def back(gradients):
    """Name the gradients of xs, of h and perhaps of W_hh, in the order of the backward pass."""
    T = len(gradients) - 1 if np.ndim(gradients[-1]) == np.ndim(gradients[0]) == 0 else SIZE[0]
    pairs = [(f"gradient at step {t}", gradients[t]) for t in range(T)][::-1]
    return pairs + list(zip(("gradient at h", "gradient of W_hh"), gradients[T:], strict=False))


def cut_question(T, k):
    return Question(
        "truncated", "mg.grad(truncated(cell, xs, h, k)[-1], [*xs, h])", halving(T, k),
        f"the gradients of the last state at each step and at h, for T = {T}, k = {k}: "
        "mg.grad(truncated(cell, xs, h, k)[-1], [*xs, h])", formula=CUT, names=back,
    )  # fmt: skip


def network_question(k):
    return Question(
        "truncated", "mg.grad(truncated(cell, xs, h, k)[-1].sum(), [*xs, h, W_hh])", recurrent(k),
        f"all gradients of a recurrent network, for T = 6, k = {k}: "
        "mg.grad(truncated(cell, xs, h, k)[-1].sum(), [*xs, h, W_hh])", f"RNN(truncate={k})",
        formula=CUT, names=back, expect=lambda: layers_gradients(k),
    )  # fmt: skip


def states_question(T, k):
    return Question(
        "truncated", "truncated(cell, xs, h, k)", halving(T, k),
        "the states, which do not depend on k: truncated(cell, xs, h, k)", formula=CUT,
        names=over_time("state after step {}"),
    )  # fmt: skip


def piece_question(given):
    return Question(
        "pieces", "pieces(dhs, hs, h0)", given, formula=PIECE, names=over_time("piece of step {}")
    )


def predict_question(k, *parts):
    def given(file):
        return {"parts": [np.array(part, float) for part in parts], "k": k}

    return Question("predict", "predict(parts, k)", given, formula=PREDICT)


ACROSS, DOWN, SLANTED = [[4, 0], [0, 0]], [[0, 0], [3, 0]], [[4, 0], [-3, 0]]

QUESTIONS = (
    states_question(4, 2),
    states_question(3, 5),
    cut_question(5, 2),
    cut_question(3, 2),
    cut_question(3, 3),
    cut_question(3, 4),
    cut_question(2, 10),
    network_question(1),
    network_question(4),
    network_question(6),
    piece_question(values(dhs=[[[3.0]]], hs=[[[0.5]]], h0=[[2.0]])),
    piece_question(values(dhs=[[[1.0]], [[2.0]]], hs=[[[0.6]], [[0.8]]], h0=[[0.0]])),
    piece_question(values(dhs=[[[1.0, 2.0]], [[0.0, 3.0]]], hs=[[[0.5, 0.0]], [[0.8, 0.6]]], h0=[[2.0, -1.0]])),
    piece_question(passes(2, 3, 2)),
    piece_question(passes(4, 5, 3)),
    Question("pieces", "sum(pieces(dhs, hs, h0))", network_passes, "the sum of all pieces of a network: dL/dW_hh",
             "the engine", formula=PIECE, expect=lambda: layers_gradients(SIZE[0])[-1]),
    predict_question(1, ACROSS, DOWN),
    predict_question(2, ACROSS, DOWN),
    predict_question(1, SLANTED, DOWN),
    predict_question(2, [[-5]], [[1]], [[1]]),
    predict_question(2, SLANTED, ACROSS, DOWN),
    predict_question(3, SLANTED, DOWN),
    Question("predict", "[predict(parts, k) for k in range(1, 7)]", network_parts,
             "the cosines for k = 1, ..., 6 from the 6 pieces of a network", "RNN(truncate=k)", formula=PREDICT,
             names=over_time("cosine for k = {}", first=1), expect=layers_cosines),
    *(Question("enough", f"enough(parts, {wanted})", given, formula=ENOUGH, stretch=True)
      for wanted, given in ((0.5, lambda file: {"parts": [np.array(ACROSS), np.array(DOWN)]}),
                            (0.7, lambda file: {"parts": [np.array(ACROSS), np.array(DOWN)]}),
                            (0.99, network_parts))),
    *(Question("windows", f"windows({T}, {k1}, {k2})", formula=WINDOW, stretch=True,
               names=lambda found: [(f"window {n}", window) for n, window in enumerate(found)])
      for T, k1, k2 in ((6, 2, 2), (7, 2, 3), (9, 4, 1), (3, 5, 2))),
)  # fmt: skip


def page(file, path, failed):
    """Write the page: the end of a review in the trained network, with the learner's cut. If
    `pieces` failed, it shows a network that computes its gradient with the learner's `pieces`.
    """
    (_page_of_pieces if failed == "pieces" else _page_of_the_cut)(file, path)


def _page_of_the_cut(file, path):
    """Draw the last words of a bad review in the trained network, which the learner's `truncated`
    reads with k = 3.
    """
    from minigrad.course.lessons.lesson_15_truncation import trained

    parts = trained.load().named_layers()
    xs = [parts["embedding"](np.array([i])).detach() for i in IDS]
    for x, word in zip(xs, WORDS, strict=True):
        x.name = word
    cell, steps = parts["rnn.cell"], iter(range(len(WORDS)))

    def step(x, h):
        with mg.scope(step_name(next(steps), len(WORDS))):
            return cell(x, h)[1]

    h0 = mg.Tensor(np.zeros((1, cell.hidden)), name="h0")
    logits = parts["dense"](file.truncated(step, xs, h0, 3)[-1])
    mg.explore(mg.softmax_cross_entropy(logits, np.array([0])), path, words=WORDS)


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
