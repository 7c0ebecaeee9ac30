"""Lesson 11's questions and page. The page shows a recurrent network that computes its gradient
with the learner's `step_back`.
"""

import numpy as np

import minigrad as mg
from layers import RNN, Dense, Embedding, Sequential, gradient_flow, gradients, outputs
from minigrad.context import step_name
from minigrad.course.lesson import Question


def _numbers(*shape, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, shape)


def _one_step(batch, hidden, seed):
    """Return random dh, h and W_hh for one time step."""
    dh, a, W_hh = (
        _numbers(*shape, seed=seed + n)
        for n, shape in enumerate([(batch, hidden)] * 2 + [(hidden,) * 2])
    )
    return dh, np.tanh(2 * a), W_hh


def _kept(file):
    dh, h, W_hh = _one_step(2, 3, 20)
    file.step_back(dh, h, W_hh)
    return [dh, h, W_hh]


def _given_to_clip(file):
    gradients = [np.array([3.0, 4.0])]
    file.clip(gradients, 1.0)
    return gradients


def _flow(steps, batch, hidden):
    def ask(file):
        hs = np.tanh(_numbers(steps, batch, hidden, seed=1))
        return np.asarray(
            file.flow(_numbers(batch, hidden, seed=2), hs, 0.8 * _numbers(hidden, hidden, seed=3))
        )

    return ask


def _network(scale):
    """Return a float64 network with a layers.RNN, and ids of 12 words with labels. W_hh is an
    orthogonal matrix times `scale`.
    """
    mg.seed(0)
    model = Sequential(Embedding(20, 4), RNN(4, 6), Dense(6, 2))
    for name, tensor in model.named_parameters().items():
        tensor.array = tensor.array.astype(float) * (scale if name == "rnn.cell.W_hh" else 1)
    rng = np.random.default_rng(0)
    return model, rng.integers(0, 20, (5, 12)), rng.integers(0, 2, 5)


def _layer(scale):
    def ask(file):
        model, ids, labels = _network(scale)
        hs = outputs(model, ids, ["rnn.cell.h"])["rnn.cell.h"].swapaxes(0, 1)
        dh = gradients(model, ids, labels, ["rnn.cell.h"])["rnn.cell.h"][:, -1]
        return np.log10(file.flow(dh, hs, model.named_parameters()["rnn.cell.W_hh"].array.copy()))

    return ask


def _measured(scale):
    def expect():
        model, ids, labels = _network(scale)
        return np.log10(gradient_flow(model, (ids, labels))["rnn.cell.h"])

    return expect


STEP = (
    "multiply each number of dh by the slope of tanh there, 1 - h_t²; then multiply by W_hh "
    "transposed"
)
FLOW = (
    "start with the norm of dh at t = T - 1; for t = T - 1 down to 1, step back through h_t and "
    "append the norm"
)
DECAY = "the largest absolute value among the eigenvalues of W_hh, complex ones included"
REACH = "the smallest n with factor^n < share; np.inf if factor is 1 or more"
CLIP = "multiply all gradients by min(1, max_norm / norm), where norm is the norm of all of them together"

QUESTIONS = (
    Question(
        "one step back with dh = [1, 2], h = [0, 0.5], W_hh = [[1, 2], [3, 4]]", "step_back",
        lambda file: file.step_back(np.array([[1.0, 2.0]]), np.array([[0.0, 0.5]]), np.array([[1.0, 2.0], [3.0, 4.0]])),
        formula=STEP,
    ),
    Question("one step back, B = 3, H = 4", "step_back", lambda file: file.step_back(*_one_step(3, 4, 0)),
             measured="the engine", formula=STEP),
    Question("one step back, B = 1, H = 5", "step_back", lambda file: file.step_back(*_one_step(1, 5, 10)),
             measured="the engine", formula=STEP),
    Question("dh, h and W_hh after the call: they must not change", "step_back", _kept,
             formula="dh * ... creates a new array; dh *= ... changes the caller's array"),
    Question("the norms over T = 3 states, B = 1, H = 2", "flow", _flow(3, 1, 2), formula=FLOW),
    Question("the norms over T = 5 states, B = 4, H = 3", "flow", _flow(5, 4, 3), formula=FLOW),
    Question("log10 of the norms in a layers.RNN over 12 words, with an orthogonal W_hh", "flow", _layer(1.0),
             measured="gradient_flow", formula=FLOW, expect=_measured(1.0)),
    Question("log10 of the norms in a layers.RNN over 12 words, with half an orthogonal W_hh", "flow", _layer(0.5),
             measured="gradient_flow", formula=FLOW, expect=_measured(0.5)),
    Question("the factor of [[0.5, 0], [0, -0.9]]", "decay",
             lambda file: file.decay(np.array([[0.5, 0.0], [0.0, -0.9]])), formula=DECAY),
    Question("the factor of 0.8 times a rotation by 60 degrees", "decay",
             lambda file: file.decay(np.array([[0.4, -0.8 * np.sqrt(0.75)], [0.8 * np.sqrt(0.75), 0.4]])),
             formula=DECAY),
    Question("the factor of [[0.5, 10], [0, 0.4]]", "decay",
             lambda file: file.decay(np.array([[0.5, 10.0], [0.0, 0.4]])), formula=DECAY),
    Question("the factor of a random W_hh, H = 7", "decay", lambda file: file.decay(_numbers(7, 7, seed=5)),
             formula=DECAY),
    Question("steps until less than 0.01 is left, at factor 0.63", "reach", lambda file: file.reach(0.63, 0.01),
             formula=REACH),
    Question("steps until less than 0.1 is left, at factors 0.9, 0.2 and 0.05", "reach",
             lambda file: [file.reach(factor, 0.1) for factor in (0.9, 0.2, 0.05)], formula=REACH),
    Question("steps until less than 0.01 is left, at factors 1 and 1.5", "reach",
             lambda file: [str(file.reach(factor, 0.01)) for factor in (1.0, 1.5)], formula=REACH),
    Question("[3, 4] clipped to norm 1", "clip", lambda file: file.clip([np.array([3.0, 4.0])], 1.0), formula=CLIP),
    Question("two gradients of shapes (3,) and (2, 2), clipped to norm 0.5", "clip",
             lambda file: file.clip([_numbers(3, seed=6), _numbers(2, 2, seed=7)], 0.5), formula=CLIP),
    Question("a million times [3e-7, 4e-7], clipped to norm 1", "clip",
             lambda file: [1e6 * np.asarray(g) for g in file.clip([np.array([3e-7, 4e-7])], 1.0)], formula=CLIP),
    Question("the array [3, 4] after it was clipped to norm 1: it must not change", "clip", _given_to_clip,
             formula="g * scale creates a new array; g *= scale changes the caller's array"),
)  # fmt: skip


def page(file, path, failed):
    """Write the page: the graph of four time steps. Each step is a gate, and the learner's
    `step_back` computes its gradient of h.
    """

    class Step(mg.Gate):
        symbol = "step"
        differentiable_twice = False

        def forward(self, a, h, W_hh):
            return np.tanh(a + h @ W_hh)

        def backward(self, dz, z, a, h, W_hh):
            da = dz * (1 - z * z)
            return da, np.asarray(file.step_back(dz.copy(), z.copy(), W_hh.copy())), h.T @ da

    x, h0, W_hh = _numbers(1, 4, 3, seed=1), _numbers(1, 3, seed=2), _numbers(3, 3, seed=3)
    step = Step()

    def loss(h, W):
        for t in range(4):
            with mg.scope(step_name(t, 4)):
                h = step(mg.Tensor(x[:, t], name=f"a{t}"), h, W)
        return (h * h).sum()

    h, W = (
        mg.Tensor(array, requires_grad=True, name=name)
        for array, name in ((h0, "h"), (W_hh, "W_hh"))
    )
    report = mg.gradcheck(loss, h, W)
    mg.explore(
        loss(h, W), path, report=None if report else report, words=["a", "four", "word", "review"]
    )
