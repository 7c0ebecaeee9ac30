"""Lesson 14's questions and page. The page shows a recurrent network that computes its gradient
with the learner's `step_back`.
"""

import numpy as np

import minigrad as mg
from minigrad.context import step_name
from minigrad.course.checking.answers import difference
from minigrad.course.checking.lesson import Question, over_time, values


def _numbers(*shape, seed=0):
    # + 0.0 turns -0 into 0
    return np.random.default_rng(seed).uniform(-1, 1, shape).round(1) + 0.0


def one_step(B, H, seed):
    """The inputs of step_back."""
    return lambda file: {
        "dh": _numbers(B, H, seed=seed),
        "h": _numbers(B, H, seed=seed + 1),
        "W_hh": _numbers(H, H, seed=seed + 2),
    }


def states(T, B, H):
    """The inputs of flow."""
    return lambda file: {
        "dh": _numbers(B, H, seed=2),
        "hs": _numbers(T, B, H, seed=1),
        "W_hh": _numbers(H, H, seed=3),
    }


def network(scale):
    """The inputs of flow from a network that has read 12 numbers. W_hh is orthogonal, times `scale`."""

    def given(file):
        rng = np.random.default_rng(4)
        W_hh = scale * np.linalg.qr(rng.normal(size=(6, 6)))[0]
        h, hs = np.zeros((5, 6)), []
        for a in _read(5, 6):
            h = np.tanh(a + h @ W_hh)
            hs.append(h)
        return {"dh": rng.normal(size=(5, 6)), "hs": np.array(hs), "W_hh": W_hh}

    return given


def _read(B, H):
    """Return the terms that the network's inputs add before the tanh at each step."""
    return 0.5 * np.random.default_rng(5).normal(size=(12, B, H))


def measured(scale):
    """The norms of the gradients that the engine computes in `network`. Only key.py runs this."""

    def expect():
        given = network(scale)(None)
        h, hs = mg.Tensor(np.zeros((5, 6))), []
        W_hh = mg.Tensor(given["W_hh"], requires_grad=True)
        for a in _read(5, 6):
            h = mg.tanh(a + h @ W_hh)
            hs.append(h)
        gradients = mg.grad((h * given["dh"]).sum(), hs)
        return np.array([np.linalg.norm(gradient.array) for gradient in gradients])

    return expect


STEP = (
    "multiply each number of dh by the slope of tanh there, 1 - h_t²; then multiply by W_hh "
    "transposed"
)
FLOW = (
    "start with the norm of dh at t = T - 1; for t = T - 1 down to 1, step back through h_t and "
    "append the norm"
)
DECAY = "v @ W_hhᵀ, repeated; then (norm of the last v / norm of the first v)^(1 / steps)"
REACH = "the smallest n with factor^n < share; np.inf if factor is 1 or more"
CLIP = "multiply all gradients by min(1, max_norm / norm), where norm is the norm of all of them together"
LONG = "exp of the average of log(norm of v @ W_hhᵀ), where v has norm 1 before each step"
ROWS = "subtract (row · q) q for each earlier result q, and divide what is left by its norm"
SWITCH = [[0.5, 10.0], [0.0, 0.4]]


def step_question(given):
    return Question("step_back", "step_back(dh, h, W_hh)", given, formula=STEP)


def flow_question(what, given, *measured, **options):
    return Question("flow", "flow(dh, hs, W_hh)", given, what, *measured, formula=FLOW,
                    names=over_time("norm at t = {}", backwards=True), **options)  # fmt: skip


def decay_question(W_hh, v, steps, function="decay"):
    return Question(
        function, f"{function}(W_hh, v, {steps})", values(W_hh=W_hh, v=v),
        tolerance=1e-9, formula=DECAY if function == "decay" else LONG, stretch=function != "decay",
        way=f"{{f'{function}(W_hh, v, {{n}})': {function}(W_hh, v, n) for n in range(1, {min(steps, 9)})}}",
    )  # fmt: skip


def reach_question(factor, share, **options):
    """A question about `reach`. Neither products nor logarithms may round it the wrong way, so the only tie
    is 0.5² = 0.25.
    """
    return Question("reach", f"reach({factor}, {share})", formula=REACH, **options)


def unlimited(yours, right):
    """Compare with infinity."""
    message = f"yours         {yours}\nit should be  inf, because the gradient never gets smaller"
    return None if yours == right else message


def a_list(yours, right):
    """Say that an array is not a list of arrays. Other answers are compared as usual."""
    if isinstance(yours, np.ndarray) and len(yours) != len(right):
        return f"It must be a list of arrays. Yours is a single array of shape {yours.shape}."
    return difference(yours, right, 1e-9)


def clip_question(max_norm, *gradients):
    def given(file):
        return {"gradients": [np.array(g) for g in gradients], "max_norm": max_norm}

    return Question(
        "clip", "clip(gradients, max_norm)", given, tolerance=1e-9, formula=CLIP, compare=a_list
    )


QUESTIONS = (
    step_question(values(dh=[[2.0]], h=[[0.6]], W_hh=[[1.0]])),
    step_question(values(dh=[[1.0, 2.0]], h=[[0.0, 0.0]], W_hh=[[1.0, 2.0], [3.0, 4.0]])),
    step_question(values(dh=[[1.0, 2.0]], h=[[0.0, 0.5]], W_hh=[[1.0, 2.0], [3.0, 4.0]])),
    step_question(one_step(2, 3, 20)),
    step_question(one_step(5, 4, 0)),
    flow_question("", values(dh=[[1.0]], hs=[[[0.9]], [[0.6]], [[0.8]]], W_hh=[[0.5]])),
    flow_question("", values(dh=[[3.0, 4.0]], hs=[[[0.0, 0.0]], [[0.0, 0.0]]], W_hh=[[2.0, 0.0], [0.0, 0.5]])),
    flow_question("", states(1, 1, 2)),
    flow_question("", states(4, 2, 3)),
    flow_question("the norms in an RNN that has read 12 steps; W_hh is orthogonal", network(1.0),
                  "the engine", expect=measured(1.0)),
    flow_question("the norms in an RNN that has read 12 steps; W_hh is half an orthogonal matrix", network(0.5),
                  "the engine", expect=measured(0.5)),
    decay_question([[-0.5]], [2.0], 1),
    decay_question([[0.5, 0.0], [0.0, 0.9]], [3.0, 4.0], 1),
    decay_question([[0.5, 0.0], [0.0, 0.9]], [1.0, 1.0], 2),
    decay_question(SWITCH, [1.0, 1.0], 2),
    decay_question(SWITCH, [1.0, 1.0], 30),
    decay_question([[0.0, -1.5], [1.5, 0.0]], [3.0, 4.0], 4),
    decay_question(_numbers(7, 7, seed=5), _numbers(7, seed=6), 20),
    reach_question(0.5, 0.3),
    reach_question(0.5, 0.25),
    reach_question(0.2, 0.5),
    reach_question(0.9, 0.65),
    reach_question(0.999, 0.0125),
    reach_question(1.0, 0.01, compare=unlimited),
    reach_question(1.5, 0.01, compare=unlimited),
    clip_question(2.5, [3.0, 4.0]),
    clip_question(1.0, [0.3, -0.4]),
    clip_question(1.0, [4.0], [3.0]),
    clip_question(5.0, [3.0], [4.0]),
    clip_question(6.0, [3.0], [4.0]),
    clip_question(0.5, _numbers(3, seed=6), _numbers(2, 2, seed=7)),
    decay_question([[0.5, 0.0], [0.0, 0.9]], [3.0, 4.0], 2, "long_decay"),
    decay_question([[-0.5]], [2.0], 2000, "long_decay"),
    decay_question([[0.0, -1.5], [1.5, 0.0]], [3.0, 4.0], 2000, "long_decay"),
    Question("orthogonal", "orthogonal(A)", values(A=[[3.0, 4.0], [1.0, 0.0]]), formula=ROWS, stretch=True),
    Question("orthogonal", "orthogonal(A)", values(A=_numbers(4, 4, seed=8)), formula=ROWS, stretch=True),
    Question("orthogonal", "orthogonal(A) @ orthogonal(A).T", values(A=_numbers(3, 3, seed=9)), formula=ROWS,
             stretch=True),
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
