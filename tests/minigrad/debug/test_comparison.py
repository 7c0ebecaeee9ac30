"""Pairs of graphs with one known change each, and graphs that are the same written in other ways."""

import numpy as np
import pytest

import layers
import minigrad as mg
from minigrad.errors import DtypeError
from tests.blocks import parameter

RNG = np.random.default_rng(0)
X = RNG.normal(size=(4, 5, 6)).astype("float32")
IMAGES = RNG.normal(size=(3, 1, 8, 8)).astype("float32")
LABELS = np.array([0, 2, 1, 2])


def weights(*shape, name, seed=0, dtype="float32"):
    rng = np.random.default_rng([seed, *map(ord, name)])
    return parameter(0.4 * rng.normal(size=shape).astype(dtype), name)


# ---- models with switches ----


def mlp(
    activation=mg.tanh, twist=None, scale=0.5, rows=4, seed=0, dtype="float32",
    bias_first=False, loss=mg.softmax_cross_entropy,
    labels=LABELS, names="",
):  # fmt: skip
    x = X[:rows, 0].astype(dtype)
    W = weights(6, 5, name="W1", seed=seed, dtype=dtype)
    b = weights(5, name="b1", dtype=dtype)
    V = weights(5, 3, name="W2", dtype=dtype)
    W.name += names
    with mg.scope(names or "net"):
        z = b + x @ W if bias_first else x @ W + b
        h = activation(z)
        if twist:
            h = twist(h)
        return loss(scale * h @ V, labels[:rows])


def recurrent(step, length=5):
    W = weights(6, 12, name="W")
    U = weights(4, 12, name="U")
    h, c = np.zeros((4, 4), "float32"), np.zeros((4, 4), "float32")
    state = mg.Tensor(h), mg.Tensor(c)
    for t in range(length):
        with mg.scope(f"t{t:02d}"):
            state = step(X[:, t] @ W + state[0] @ U, *state)
    return (state[0] ** 2).mean()


def lstm(c_of=lambda f, c, g: f * c + (1 - f) * g, squash=mg.tanh, forget=1.0):
    def step(s, h, c):
        f = mg.sigmoid(s[:, :4] + forget)
        c = c_of(f, c, mg.tanh(s[:, 4:8]))
        return mg.sigmoid(s[:, 8:]) * squash(c), c

    return recurrent(step)


def gru(mix=lambda z, h, n: (1 - z) * n + z * h):
    def step(s, h, c):
        z, r = mg.sigmoid(s[:, :4]), mg.sigmoid(s[:, 4:8])
        n = mg.tanh(s[:, 8:] * r)
        return mix(z, h, n), c

    return recurrent(step)


def attention(axis=-1, causal=True, scale=0.5, residual=True):
    q, k, v = (X @ weights(6, 4, name=name) for name in "qkv")
    scores = q @ k.transpose(0, 2, 1)
    scores = scores * scale if scale else scores
    if causal:
        scores = scores + np.triu(np.full((5, 5), -1e9, "float32"), 1)
    out = mg.softmax(scores, axis=axis) @ v @ weights(4, 6, name="out")
    return ((out + X if residual else out) ** 2).mean()


def block(norm=True, epsilon=1e-5):
    mg.seed(0)
    one = layers.TransformerBlock(6, 2)
    last = layers.LayerNorm(6, epsilon=epsilon)
    z = one(X)
    return ((last(z) if norm else z) ** 3).mean()


def cnn(kernel=3):
    z = mg.conv(IMAGES, weights(2, 1, kernel, kernel, name="K"))
    z = mg.max_pool(mg.relu(z), 2)
    z = z.reshape(3, -1)
    return mg.softmax_cross_entropy(z @ weights(z.shape[1], 3, name="W"), [0, 1, 2])


def by_hand(mean=True):
    def loss(z, y):
        gap = z - np.eye(3, dtype="float32")[y]
        total = (gap**2).sum()
        return total / gap.size if mean else total

    return mlp(loss=loss)


def softmax_by_hand(z, y):
    z = z - z.max(axis=1, keepdims=True)
    p = mg.exp(z) / mg.exp(z).sum(axis=1, keepdims=True)
    return -mg.log(p)[np.arange(len(y)), y].mean()


PAIRS = {
    "activation": (mlp(), mlp(mg.relu), "gate", "Tanh", "ReLU"),
    "put in": (mlp(), mlp(twist=mg.tanh), "only in b", None, "Tanh"),
    "left out": (mlp(twist=mg.sigmoid), mlp(), "only in a", "Sigmoid", None),
    "constant": (mlp(), mlp(scale=0.25), "constant", None, None),
    "rows": (mlp(), mlp(rows=3), "shape", None, None),
    "dtype": (mlp(), mlp(dtype="float64"), "dtype", None, None),
    "weights": (mlp(), mlp(seed=1), "parameter", "W1", "W1"),
    "labels": (mlp(), mlp(labels=LABELS[::-1]), "input", None, None),
    "detached": (mlp(), mlp(twist=lambda h: h.detach()), "cut", "Hadamard", None),
    "cut": (mlp(), mlp(twist=mg.cut), "cut", "Hadamard", None),
    "reduction": (
        mlp(),
        mlp(loss=lambda z, y: mg.softmax_cross_entropy(z, y, reduction="sum")),
        "setting", "SoftmaxCrossEntropy", "SoftmaxCrossEntropy",
    ),  # fmt: skip
    "total": (by_hand(), by_hand(mean=False), "only in a", "Divide", None),
    "order": (
        mlp(twist=lambda h: h - h * h),
        mlp(twist=lambda h: h * h - h),
        "order", "Subtract", "Subtract",
    ),  # fmt: skip
    "lstm": (lstm(), lstm(squash=mg.sigmoid), "gate", "Tanh", "Sigmoid"),
    "forget": (lstm(), lstm(forget=0.0), "constant", None, None),
    "gru": (
        gru(),
        gru(lambda z, h, n: (1 - z) * h + z * n),
        "wiring", "Subtract", "Sigmoid",
    ),  # fmt: skip
    "axis": (attention(), attention(axis=1), "setting", "Softmax", "Softmax"),
    "no mask": (attention(), attention(causal=False), "only in a", "AddGate", None),
    "no scale": (attention(), attention(scale=None), "only in a", "Hadamard", None),
    "no residual": (attention(), attention(residual=False), "only in a", "AddGate", None),
    "norm": (block(), block(norm=False), "only in a", "LayerNormalise", None),
    "epsilon": (block(), block(epsilon=1e-4), "setting", *["LayerNormalise"] * 2),
    "kernel": (cnn(), cnn(kernel=5), "shape", "K", "K"),
}  # fmt: skip


def gate_of(node):
    if node is None:
        return None
    return node.gate.name if node.gate else "cut" if node.predecessors else node.name


@pytest.mark.parametrize("pair", PAIRS)
def test_first_difference(pair):
    a, b, kind, x, y = PAIRS[pair]
    result = mg.compare(a, b)
    assert not result
    assert (result.kind, gate_of(result.a), gate_of(result.b)) == (kind, x, y), str(result)


# ---- the same, written in other ways ----


def layer(fused=False, kind=layers.LSTM, scope="net", **options):
    mg.seed(0)
    one = kind(6, 4, return_sequences=True, **options)
    with mg.fused(fused), mg.scope(scope):
        return (one(X) ** 2).mean()


def dense(by_hand=False):
    mg.seed(0)
    one = layers.Dense(6, 3)
    x = X[:, 0]
    return mg.softmax_cross_entropy(one.b + x @ one.W if by_hand else one(x), LABELS)


def two_branches(first):
    W, V = weights(6, 3, name="W"), weights(6, 3, name="V")
    if first:
        left = mg.tanh(X[:, 0] @ W)
        right = mg.relu(X[:, 1] @ V)
    else:
        right = mg.relu(X[:, 1] @ V)
        left = mg.tanh(X[:, 0] @ W)
    return ((left + right) * left).sum()


SAME = {
    "twice": (mlp(), mlp()),
    "terms": (mlp(), mlp(bias_first=True)),
    "names": (mlp(), mlp(names="other")),
    "method": (mlp(), mlp(activation=lambda h: h.tanh())),
    "statements": (two_branches(True), two_branches(False)),
    "axis": (attention(axis=-1), attention(axis=2)),
    "layer": (dense(), dense(by_hand=True)),
    "scope": (layer(), layer(scope="other")),
    "gru": (gru(), gru(lambda z, h, n: h * z + n * (1 - z))),
}


@pytest.mark.parametrize("pair", SAME)
def test_equal_graphs(pair):
    result = mg.compare(*SAME[pair])
    assert result.kind == "equal", str(result)
    assert str(result).startswith("The graphs are equal")


REWRITTEN = {
    "softmax": (mlp(), mlp(loss=softmax_by_hand)),
    "tanh": (mlp(), mlp(lambda h: 2 * mg.sigmoid(2 * h) - 1)),
    "relu": (mlp(mg.relu), mlp(lambda h: mg.maximum(h, 0.0))),
    "gelu": (mlp(mg.gelu), mg.unfuse(mlp(mg.gelu))),
    "gru": (gru(), gru(lambda z, h, n: n + z * (h - n))),
    "lstm": (lstm(), lstm(lambda f, c, g: g + f * (c - g))),
    "keepdims": (
        mlp(twist=lambda h: h / h.std(axis=1, keepdims=True)),
        mlp(twist=lambda h: h / h.std(axis=1).reshape(-1, 1)),
    ),
    "conv": (cnn(), mg.unfuse(cnn())),
    **{
        f"fused {kind.__name__}": (layer(kind=kind), layer(True, kind=kind))
        for kind in (layers.RNN, layers.GRU, layers.LSTM)
    },
}  # fmt: skip


@pytest.mark.parametrize("pair", REWRITTEN)
def test_other_gates_with_equal_results(pair):
    a, b = REWRITTEN[pair]
    assert mg.compare(a, b).kind in ("equal", "written differently"), mg.compare(a, b)
    assert mg.compare(b, a)


def test_formula_next_to_a_fused_gate():
    q, k, v = (X @ weights(6, 4, name=name) for name in "qkv")
    library = mg.scaled_dot_product_attention(q, k, v).sum()
    right = (mg.softmax(q @ k.transpose(0, 2, 1) * 0.5) @ v).sum()
    wrong = (mg.softmax(q @ k.transpose(0, 2, 1)) @ v).sum()
    assert mg.compare(right, library)
    result = mg.compare(wrong, library)
    assert (result.kind, gate_of(result.b)) == ("only in b", "Hadamard")


def test_parameters_in_another_order():
    P, Q = weights(6, 6, name="P"), weights(6, 6, name="Q")
    result = mg.compare((X @ P @ Q).sum(), (X @ Q @ P).sum())
    assert (result.kind, gate_of(result.graphs[0].first_user(result.a))) == (
        "wiring",
        "MultiplyGate",
    )
    assert "an input of a gate: P in a, and Q in b" in str(result)
    assert mg.compare((X @ P @ Q).sum(), (X @ (P @ Q)).sum())


def test_later_difference_is_found_behind_another_way_of_writing():
    result = mg.compare(
        mlp(loss=lambda z, y: 2 * softmax_by_hand(z, y)),
        mlp(loss=lambda z, y: 3 * mg.softmax_cross_entropy(z, y)),
    )
    assert result.kind == "constant"
    assert [one and one.output for one in (result.a, result.b)] == [2.0, 3.0]


def test_gate_that_changes_nothing():
    w = parameter(np.array([1.0, 2.0]), "w")
    a, b = (w * 3.0).sum(), (mg.relu(w) * 3.0).sum()
    result = mg.compare(a, b)
    assert (result.equal, gate_of(result.b)) == (True, "ReLU")
    result = mg.compare((mg.tanh(w) * 3.0).sum(), b)
    assert (result.kind, gate_of(result.b)) == ("gate", "ReLU")


class Square(mg.Gate):
    """x², with a wrong rule."""

    def forward(self, x):
        return x * x

    def backward(self, dz, z, x):
        return (dz * x,)


def test_first_gradient_that_differs():
    a, b = (mlp(twist=twist) for twist in (lambda h: h**2, Square()))
    result = mg.compare(a, b)
    assert (result.kind, gate_of(result.a)) == ("gradient", "Tanh")
    assert result.a and result.b
    one = result.graphs[0].arrays[result.a]
    other = result.graphs[1].arrays[result.b]
    np.testing.assert_allclose(one, 2 * other, rtol=1e-5)
    assert gate_of(result.graphs[1].first_user(result.b)) == "Square"


def test_same_gate_that_computes_something_else():
    class Tanh(mg.Gate):
        def forward(self, x):
            return np.tanh(x) * 1.01

        def backward(self, dz, z, x):
            return (dz,)

    result = mg.compare(mlp(), mlp(Tanh()))
    assert (result.kind, gate_of(result.a)) == ("value", "Tanh")


def test_tensors_without_gates():
    assert mg.compare(mg.Tensor([1.0]), mg.Tensor([1.0]))
    assert mg.compare(mg.Tensor([1.0]), mg.Tensor([2.0])).kind == "input"


def test_bias_that_is_still_zero():
    one, other = (layers.Dense(6, 3, bias=bias) for bias in (True, False))
    other.W.array = one.W.array
    result = mg.compare(one(X[:, 0]).sum(), other(X[:, 0]).sum())
    assert (result.kind, gate_of(result.a)) == ("only in a", "AddGate")


def test_truncated_recurrent_layer():
    result = mg.compare(layer(), layer(truncate=2))
    assert (result.kind, result.b and result.b.scope[-1]) == ("cut", "t02")


@pytest.mark.parametrize("kind", [layers.RNN, layers.GRU, layers.LSTM])
def test_fused_layer_next_to_an_unrolled_one(kind):
    def graph(fused, last=lambda h: h, **options):
        mg.seed(0)
        with mg.fused(fused):
            h = kind(6, 4, return_sequences=True, **options)(X)
        return (last(h)[:, -1] ** 2).sum()

    result = mg.compare(graph(False), graph(True, mg.relu))
    assert (result.kind, gate_of(result.b)) == ("only in b", "ReLU")
    result = mg.compare(graph(False), graph(True, truncate=2))
    assert (result.kind, result.b and result.b.scope[-1]) == ("cut", "t02")


def test_transposed_parameter():
    W = weights(6, 3, name="W")
    T = parameter(W.array.T.copy(), "T")
    one, other = (X @ W).sum(), (X @ T.transpose(1, 0)).sum()
    assert mg.compare(one, other).kind == "written differently"


def test_values_that_only_change_places():
    x = parameter(np.array([1.0, 2.0]), "x")
    y = -x
    assert mg.compare(-y, -x).kind == "only in a"


def test_compare_needs_tensors():
    with pytest.raises(DtypeError, match="MG760"):
        mg.compare(mlp(), np.ones(3))  # type: ignore[arg-type]
