"""Lesson 10's questions about tanh, every dL/dh_t, and the gradients of all inputs."""

import numpy as np

import minigrad as mg
from minigrad.course.lesson import Question

WORDS = ["the", "film", "was", "not", "bad"]
ENGINE = "the engine"


def network(T, B, D, H, last_only=False, seed=0):
    """Return g, xs, hs, W_xh and W_hh of a random network after T steps."""
    rng = np.random.default_rng(seed)
    xs, W_xh, W_hh = (
        rng.normal(size=(T, B, D)),
        rng.normal(size=(D, H)) * 0.5,
        rng.normal(size=(H, H)) * 0.7,
    )
    hs = [rng.normal(size=(B, H)) * 0.5]
    for x in xs:
        hs.append(np.tanh(x @ W_xh + hs[-1] @ W_hh + 0.1))
    g = rng.normal(size=(T + 1, B, H))
    if last_only:
        g[:-1] = 0
    return g, xs, np.array(hs), W_xh, W_hh


def by_hand():
    """Return g, xs, hs, W_xh and W_hh of the text's example."""
    column = (-1, 1, 1)
    g = np.array([0.0, 0.0, 2.0, 1.0]).reshape(column)
    hs = np.array([0.0, 0.6, 0.8, 0.6]).reshape(column)
    xs = np.arctanh(hs[1:]) - 0.5 * hs[:-1]
    return g, xs, hs, np.array([[1.0]]), np.array([[0.5]])


def through_tanh(dh, h):
    return lambda file: file.tanh_backward(np.array(dh, float), np.array(h, float))


def states(make, *sizes, **options):
    def ask(file):
        g, _, hs, _, W_hh = make(*sizes, **options)
        return file.state_gradients(g, hs, W_hh)

    return ask


def unchanged(file):
    g, _, hs, _, W_hh = network(3, 2, 2, 3)
    file.state_gradients(g, hs, W_hh)
    return [g, hs, W_hh]


def inputs(which, *sizes, **options):
    def ask(file):
        make = network if sizes else by_hand
        found = file.rnn_backward(*make(*sizes, **options))
        if found is not None and not (isinstance(found, dict) and which in found):
            keys = (
                f"a dict with the keys {', '.join(map(str, found))}"
                if isinstance(found, dict)
                else "not a dict"
            )
            raise TypeError(
                f"rnn_backward should return a dict with the keys {', '.join(sorted(FORMULAS))}; "
                f"the result is {keys}"
            )
        return found if found is None else found[which]

    return ask


def random_tanh(file):
    rng = np.random.default_rng(3)
    return file.tanh_backward(rng.normal(size=(2, 3)), np.tanh(rng.normal(size=(2, 3))))


LOCAL = "da = dh ⊙ (1 - h²), where h is the output of the tanh"
STATES = (
    "dh_T = g_T; then, for t from T down to 1, dh_{t-1} = g_{t-1} + (dh_t ⊙ (1 - h_t²)) @ W_hhᵀ"
)
FORMULAS = {
    "b_h": "db_h = Σ da_t over all steps and all rows of the batch",
    "W_hh": "dW_hh = Σ h_{t-1}ᵀ @ da_t over all steps",
    "W_xh": "dW_xh = Σ x_tᵀ @ da_t over all steps",
    "xs": "dx_t = da_t @ W_xhᵀ",
    "h0": "dL/dh_0, which is entry 0 of the result of state_gradients",
}
SIZES = "T = 5, B = 2, D = 3, H = 4"
QUESTIONS = (
    Question("dh = 1 at h = 0.6", "tanh_backward", through_tanh([[1]], [[0.6]]), formula=LOCAL),
    Question("dh = 2, -1 at h = 0.8, -0.5", "tanh_backward", through_tanh([[2, -1]], [[0.8, -0.5]]), formula=LOCAL),
    Question("random dh and h of shape (2, 3)", "tanh_backward", random_tanh, ENGINE, formula=LOCAL),
    Question("dL/dh_0 .. dL/dh_3 of the text's example", "state_gradients", states(by_hand), formula=STATES),
    Question(
        "every dL/dh_t, one step, B = 2, H = 3", "state_gradients",
        states(network, 1, 2, 2, 3), ENGINE, 1e-9, STATES,
    ),
    Question(
        "every dL/dh_t, 4 steps, B = 2, H = 3, loss at the end only", "state_gradients",
        states(network, 4, 2, 2, 3, last_only=True), ENGINE, 1e-9, STATES,
    ),
    Question(
        "every dL/dh_t, 4 steps, B = 2, H = 3, loss at every state", "state_gradients",
        states(network, 4, 2, 2, 3), ENGINE, 1e-9, STATES,
    ),
    Question(
        "every dL/dh_t, 30 steps, B = 3, H = 5, loss at every state", "state_gradients",
        states(network, 30, 3, 2, 5), ENGINE, 1e-9, STATES,
    ),
    Question("g, hs and W_hh after the call: they must not change", "state_gradients", unchanged,
             formula="dh is a copy of g"),
    *(Question(f"dL/d{which} of the text's example", "rnn_backward", inputs(which), formula=formula)
      for which, formula in FORMULAS.items()),
    *(Question(f"dL/d{which}, {SIZES}", "rnn_backward", inputs(which, 5, 2, 3, 4), ENGINE, 1e-9, formula)
      for which, formula in FORMULAS.items()),
    Question(
        "dL/dW_hh, 12 steps, B = 3, loss at the end only", "rnn_backward",
        inputs("W_hh", 12, 3, 2, 4, last_only=True), ENGINE, 1e-9, FORMULAS["W_hh"],
    ),
)  # fmt: skip


def page(file, path, failed):
    """Write the page: five words, with a loss at h_3 and h_5. If state_gradients or rnn_backward
    failed, it shows that function as a single gate instead.
    """
    if failed in ("state_gradients", "rnn_backward"):
        f, tensors = whole_sequence(file, failed)
        words = ()
    else:
        f, tensors = five_words(file)
        words = WORDS
    report = mg.gradcheck(f, *tensors)
    mg.explore(f(*tensors), path, words=words, report=None if report else report)


def five_words(file):
    """Return a loss as a function of the weights, and the weights. Its graph has a column for each
    word, and each column uses the learner's tanh_backward.
    """

    class YourTanh(mg.Gate):
        """z = tanh(x). Your tanh_backward computes its gradient."""

        symbol = "your tanh"

        def forward(self, x):
            return np.tanh(x)

        def backward(self, dz, z, x):
            return (file.tanh_backward(dz, z),)

    rng = np.random.default_rng(4)
    words = [mg.Tensor(rng.normal(size=(1, 2)), name=word) for word in WORDS]
    h0 = mg.Tensor(np.zeros((1, 3)), name="h0")

    def loss(W_xh, W_hh, b_h):
        h, looked_at = h0, []
        for t, x in enumerate(words):
            with mg.scope(f"t{t:02d}"):
                h = YourTanh()(x @ W_xh + h @ W_hh + b_h)
            if t in (2, 4):
                looked_at.append(h)
        with mg.scope("loss"):
            return looked_at[0].sum() + looked_at[1].sum()

    shapes = {"W_xh": (2, 3), "W_hh": (3, 3), "b_h": (3,)}
    return loss, [
        mg.Tensor(rng.normal(size=s) * 0.7, requires_grad=True, name=n) for n, s in shapes.items()
    ]


def whole_sequence(file, failed):
    """Return a loss that uses h_2 and h_3, and its inputs. A single gate computes three steps, and
    the learner's function computes the gate's gradients.
    """
    g, xs, hs, W_xh, W_hh = network(3, 2, 2, 2, seed=6)

    class YourStates(mg.Gate):
        """z = h_1 .. h_T, where h_t = tanh(a_t + h_{t-1} @ W_hh). Your state_gradients computes dh,
        and da_t = dh_t ⊙ (1 - h_t²).
        """

        symbol = "your states"

        def forward(self, a, h0):
            states = [h0]
            for one in a:
                states.append(np.tanh(one + states[-1] @ W_hh))
            return np.array(states[1:])

        def backward(self, dz, z, a, h0):
            states = np.concatenate([h0[None], z])
            dh = np.asarray(file.state_gradients(np.concatenate([0 * h0[None], dz]), states, W_hh))
            return dh[1:] * (1 - z * z), dh[0]

    class YourRNN(mg.Gate):
        """z = h_1 .. h_T, where h_t = tanh(x_t @ W_xh + h_{t-1} @ W_hh + b_h). Your
        rnn_backward computes the gradients.
        """

        symbol = "your RNN"

        def forward(self, xs, h0, W_xh, W_hh, b_h):
            states = [h0]
            for x in xs:
                states.append(np.tanh(x @ W_xh + states[-1] @ W_hh + b_h))
            return np.array(states[1:])

        def backward(self, dz, z, xs, h0, W_xh, W_hh, b_h):
            states = np.concatenate([h0[None], z])
            found = file.rnn_backward(np.concatenate([0 * h0[None], dz]), xs, states, W_xh, W_hh)
            return tuple(np.asarray(found[name]) for name in ("xs", "h0", "W_xh", "W_hh", "b_h"))

    arrays = {"xs": xs, "h0": hs[0], "W_xh": W_xh, "W_hh": W_hh, "b_h": np.full(2, 0.1)}
    gate = YourRNN()
    if failed == "state_gradients":
        arrays = {"a": xs @ W_xh + 0.1, "h0": hs[0]}
        gate = YourStates()
    g = np.ones((3, 2, 2)) * np.array([0.0, 2.0, 1.0]).reshape(3, 1, 1)
    tensors = [mg.Tensor(array, requires_grad=True, name=name) for name, array in arrays.items()]
    return lambda *inputs: (gate(*inputs) * mg.Tensor(g, name="g")).sum(), tensors
