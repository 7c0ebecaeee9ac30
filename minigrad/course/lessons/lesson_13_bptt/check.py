"""The questions of lesson 13: back through tanh, every dL/dh_t, and the gradients of all that went in."""

import numpy as np

import minigrad as mg
from minigrad.course.checking.answers import described, difference
from minigrad.course.checking.lesson import Question, over_time, values

WORDS = ["the", "film", "was", "not", "bad"]


def network(T, B, D, H, last_only=False, seed=0):
    """g, xs, hs, W_xh, W_hh of a network that has read T steps."""
    rng = np.random.default_rng(seed)
    xs, W_xh, W_hh = (
        rng.normal(size=(T, B, D)).round(1),
        (rng.normal(size=(D, H)) * 0.5).round(1),
        (rng.normal(size=(H, H)) * 0.7).round(1),
    )
    hs = [(rng.normal(size=(B, H)) * 0.5).round(1)]
    for x in xs:
        hs.append(np.tanh(x @ W_xh + hs[-1] @ W_hh + 0.1))
    g = rng.normal(size=(T + 1, B, H)).round(1)
    if last_only:
        g[:-1] = 0
    return g, xs, np.array(hs), W_xh, W_hh


def by_hand():
    """The example of the text."""
    column = (-1, 1, 1)
    g = np.array([0.0, 0.0, 2.0, 1.0]).reshape(column)
    hs = np.array([0.0, 0.6, 0.8, 0.6]).reshape(column)
    xs = np.arctanh(hs[1:]) - 0.5 * hs[:-1]
    return g, xs, hs, np.array([[1.0]]), np.array([[0.5]])


def passes(*sizes, **options):
    """The inputs of state_gradients, made by `network`, or the text's example."""

    def given(file):
        g, _, hs, _, W_hh = network(*sizes, **options) if sizes else by_hand()
        return {"g": g, "hs": hs, "W_hh": W_hh}

    return given


def whole(*sizes, **options):
    """The inputs of rnn_backward."""

    def given(file):
        arrays = network(*sizes, **options) if sizes else by_hand()
        return dict(zip(("g", "xs", "hs", "W_xh", "W_hh"), arrays, strict=True))

    return given


def random_tanh(file):
    rng = np.random.default_rng(3)
    return {"dh": rng.normal(size=(2, 3)).round(2), "h": np.tanh(rng.normal(size=(2, 3))).round(2)}


SLOPE = "{'slope': tanh_backward(0 * dh + 1, h), 'da': tanh_backward(dh, h)}"
LOCAL = "da = dh ⊙ (1 - h²), with h the output of the tanh"
STATES = "dh_T = g_T, and then for t from T to 1: dh_{t-1} = g_{t-1} + (dh_t ⊙ (1 - h_t²)) @ W_hhᵀ"
GRADIENTS = (
    "with da_t = dh_t ⊙ (1 - h_t²): dx_t = da_t @ W_xhᵀ, dh0 = dh_0, and sums over the steps: dW_xh = Σ x_tᵀ @ da_t, "
    "dW_hh = Σ h_{t-1}ᵀ @ da_t, db_h = Σ of da_t and its rows"
)


def back(answer):
    """Name the gradients ..., dh_1, dh_0, beginning with the last."""
    if not isinstance(answer, list | np.ndarray):
        raise TypeError("the types are compared first")
    return over_time("dh_{}", backwards=True)(answer)


def shapes(T, B, D, H):
    return {"xs": (T, B, D), "h0": (B, H), "W_xh": (D, H), "W_hh": (H, H), "b_h": (H,)}


def by_name(expected):
    """Name the gradients in the order in which they are easiest to check by hand."""

    def split(found):
        if any(np.shape(found[name]) != shape for name, shape in expected.items()):
            raise ValueError("the shapes are compared first")
        dxs = over_time("dx_{}", 1, backwards=True)(found["xs"])
        first = [(f"d{name}", found[name]) for name in ("h0", "b_h")]
        return [*first, *dxs, ("dW_xh", found["W_xh"]), ("dW_hh", found["W_hh"])]

    return split


def compare_gradients(yours, right):
    """Compare the type, the keys and the shapes before the numbers."""
    keys = ", ".join(right)
    if not isinstance(yours, dict):
        return f"It must be a dict with the keys {keys}.\nYours is {described(yours)}."
    if set(yours) != set(right):
        return f"It must be a dict with the keys {keys}.\nYours has the keys {', '.join(yours)}."
    for name in right:
        if np.shape(yours[name]) != np.shape(right[name]):
            return (
                f"The gradient with the key {name} has the shape {np.shape(yours[name])}. It must have "
                f"the shape {np.shape(right[name])}, like {name}."
            )
    return (
        found := difference(yours, right, 1e-9)
    ) and f"{found.place}: yours {found.yours}, the engine {found.right}"


def tanh_question(what, given):
    return Question(
        "tanh_backward", "tanh_backward(dh, h)", given, what, "the engine", formula=LOCAL, way=SLOPE
    )


def states_question(what, given):
    return Question(
        "state_gradients", "state_gradients(g, hs, W_hh)", given, what, "the engine", 1e-9, STATES,
        names=back,
    )  # fmt: skip


def weights_question(what, *sizes, **options):
    return Question(
        "rnn_backward", "rnn_backward(g, xs, hs, W_xh, W_hh)", whole(*sizes, **options), what,
        "the engine", 1e-9, GRADIENTS, names=by_name(shapes(*sizes or (3, 1, 1, 1))),
        compare=compare_gradients,
    )  # fmt: skip


def nudged_question(what, *sizes):
    """Ask for the gradient of W_hh by nudging."""

    def given(file):
        g, xs, hs, W_xh, W_hh = network(*sizes) if sizes else by_hand()
        b_h = np.full(len(W_hh), 0.1 if sizes else 0.0)
        return {"g": g, "xs": xs, "h0": hs[0], "W_xh": W_xh, "W_hh": W_hh, "b_h": b_h}

    return Question(
        "nudged_gradient", "nudged_gradient(g, xs, h0, W_xh, W_hh, b_h)", given, what, "the engine", 1e-3,
        "for each element w of W_hh: (L with w + s, minus L with w - s) / 2s, with a small s", stretch=True,
    )  # fmt: skip


def blame_question(what, *sizes):
    return Question(
        "blame", "blame(g, xs, hs, W_xh, W_hh)", whole(*sizes), what, "the engine", 1e-9,
        "Σ over D of x_t ⊙ dL/dx_t", names=over_time("step {}", 1), stretch=True,
    )  # fmt: skip


QUESTIONS = (
    tanh_question("", values(dh=[[1.0]], h=[[0.6]])),
    tanh_question("", values(dh=[[2.0, -1.0]], h=[[0.8, -0.5]])),
    tanh_question("", random_tanh),
    states_question("every dL/dh_t of the text's example", passes()),
    states_question("every dL/dh_t, one step, B = 1, H = 2", passes(1, 1, 2, 2)),
    states_question("every dL/dh_t, 3 steps, B = 1, H = 2, loss at the end only", passes(3, 1, 2, 2, last_only=True)),
    states_question("every dL/dh_t, 3 steps, B = 2, H = 3, loss at every state", passes(3, 2, 1, 3)),
    states_question("every dL/dh_t, 30 steps, B = 3, H = 5, loss at every state", passes(30, 3, 2, 5)),
    weights_question("all gradients of the text's example"),
    weights_question("all gradients, 2 steps, B = 1, D = 3, H = 2", 2, 1, 3, 2),
    weights_question("all gradients, 2 steps, B = 3, D = 1, H = 2", 2, 3, 1, 2),
    weights_question("all gradients, 5 steps, B = 2, D = 3, H = 4", 5, 2, 3, 4),
    weights_question("all gradients, 12 steps, B = 3, loss at the end only", 12, 3, 2, 4, last_only=True),
    nudged_question("the gradient of W_hh in the text's example"),
    nudged_question("the gradient of W_hh, 3 steps, B = 2, D = 1, H = 4", 3, 2, 1, 4),
    blame_question("the blame in the text's example"),
    blame_question("the blame, 2 steps, B = 1, D = 3, H = 4", 2, 1, 3, 4),
    blame_question("the blame, 5 steps, B = 3, D = 2, H = 4", 5, 3, 2, 4),
)  # fmt: skip


def page(file, path, failed):
    """Five words with a loss at h_3 and h_5. If a function after `tanh_backward` failed, show it as
    one gate.
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
    """Return a loss and the weights that it takes. Its graph has a column for each word, with the
    learner's tanh in each column.
    """

    class YourTanh(mg.Gate):
        """z = tanh(x), with your tanh_backward as its rule."""

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
    """Return a loss of h_2 and h_3, and the Tensors that it takes. The three steps are one gate,
    whose rule is the learner's function.
    """
    g, xs, hs, W_xh, W_hh = network(3, 2, 2, 2, seed=6)

    class YourStates(mg.Gate):
        """z = h_1 .. h_T, h_t = tanh(a_t + h_{t-1} @ W_hh). dh is your state_gradients, da_t = dh_t
        ⊙ (1 - h_t²).
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
        """z = h_1 .. h_T, where h_t = tanh(x_t @ W_xh + h_{t-1} @ W_hh + b_h). Its rule is your
        rnn_backward.
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
