"""`depends` and `check_causal`: closed forms, and masks and caches that were wrong in public."""

import re

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import minigrad as mg
from layers import GRU, RNN, Dense, Dropout, Embedding, LayerNorm, Sequential

B, T, V, D = 3, 6, 10, 8
RNG = np.random.default_rng(0)
IDS = RNG.integers(0, V, (B, T))
PAST = np.tri(T, dtype=bool)
ITSELF = np.eye(T, dtype=bool)
FIRST = np.eye(1, T)  # the first column
SHIFTED = np.tri(T, k=1, dtype=bool)  # one step too far


def parameter(*shape):
    return mg.Tensor(RNG.standard_normal(shape), requires_grad=True)


TABLE = parameter(V, D)
W_Q = parameter(D, D)
W_K = parameter(D, D)
W_V = parameter(D, D)
X = mg.Tensor([1.0, 2.0], requires_grad=True)


# ---- models of ids (B, T) ----


def embed(ids):
    return mg.lookup(TABLE, ids)


def attend(q, k, v, mask):
    """Softmax attention; queries see the keys where `mask` is True."""
    scores = q @ k.swapaxes(-1, -2)
    scores = mg.where(mask, scores, -1e9)
    return mg.softmax(scores) @ v


def masked(mask):
    def model(ids):
        x = embed(ids)
        return attend(x @ W_Q, x @ W_K, x @ W_V, mask)

    return model


def padding_masked(ids):
    """Id 0 is padding, which no step but itself sees."""
    words = (ids != 0)[:, None]
    return masked(PAST & (words | ITSELF))(ids)


def attends_over_batch(ids):
    x = embed(ids).swapaxes(0, 1)
    past = np.tri(B, dtype=bool)
    return attend(x, x, x, past).swapaxes(0, 1)


def split(x):
    x = x.reshape(B, T, 2, D // 2)
    return x.transpose(0, 2, 1, 3)


def heads(split):
    """Two heads of causal attention; `split` makes (B, heads, T, D/heads) of (B, T, D)."""

    def model(ids):
        x = split(embed(ids))
        z = attend(x, x, x, PAST)
        return z.transpose(0, 2, 1, 3).reshape(B, T, D)

    return model


def wrong_split(x):
    return x.reshape(B, 2, T, D // 2)


def centred_over(axis):
    def model(ids):
        x = embed(ids)
        return x - x.mean(axis=axis, keepdims=True)

    return model


def chosen_by_expert(ids):
    """An expert takes the three steps with the highest scores. No gradient passes the choice."""
    x = embed(ids)
    scores = x.array[..., 0]
    ranks = scores.argsort(axis=1).argsort(axis=1)
    return x * (ranks >= 3)[..., None]


# ---- check_causal ----

LEAKS = {
    "no mask: keras-team/keras#23038": (
        masked(True),
        (0, 1),
    ),
    # kv_idx > kv_len + q_idx - qo_len instead of >=
    "mask is shifted: flashinfer-ai/flashinfer#348": (
        masked(SHIFTED),
        (0, 1),
    ),
    "layer norm over steps: google-deepmind/dm-haiku#700": (
        centred_over((1, 2)),
        (0, 1),
    ),
    "routing by expert choice: piotrpiekos/MoSA#3": (
        chosen_by_expert,
        (0, 2),
    ),
}


@pytest.mark.parametrize("model, first", LEAKS.values(), ids=LEAKS)
def test_check_causal_finds_reported_leak(model, first):
    report = mg.check_causal(model, IDS)
    assert not report
    assert report.future == first
    message = "NOT CAUSAL: output step {} (down) depends on input step {} (across)"
    assert message.format(*first) in str(report)


def test_check_causal_of_wrongly_split_heads():
    # view(batch, heads, length, d) without a transpose: hyunwoongko/transformer#15
    report = mg.check_causal(heads(wrong_split), IDS)
    assert report.future == (0, 3)
    # by hand: half step 6 h + p of a row's 12 half steps becomes position p of head h
    expected = np.zeros((T, T))
    for p in range(T):
        expected[p, : p // 2 + 1] = 1
        expected[p, 3 : p // 2 + 4] = 1
    assert_array_equal(report.steps.matrix, expected)


HIDDEN = {
    "own key is not cached yet: harvard-edge/cs249r_book#1953": (
        np.tri(T, k=-1) + FIRST,
        (1, 1),
    ),
    # the mask of a chunk begins at the first key
    "chunk does not see the cache: tinygrad/tinygrad#15949": (
        np.kron(np.eye(2), np.tri(3)),
        (3, 0),
    ),
    "only the first key is seen: OpenNMT/OpenNMT-py#294": (
        FIRST,
        (1, 1),
    ),
    "the window is short on purpose": (
        np.tri(T) - np.tri(T, k=-3),
        (3, 0),
    ),
}


@pytest.mark.parametrize("mask, first", HIDDEN.values(), ids=HIDDEN)
def test_check_causal_notes_hidden_past(mask, first):
    report = mg.check_causal(masked(mask > 0), IDS)
    assert report
    assert report.unseen == first
    message = "note: output step {} does not depend on input step {}"
    assert message.format(*first) in str(report)


def test_check_causal_finds_mixed_batch():
    # DaoyuanLi2816/Molecule-Generator#22
    report = mg.check_causal(attends_over_batch, IDS)
    assert not report
    assert report.future is None
    assert report.mixed == (1, 0)
    # by hand: row a sees the rows up to a, and a step sees only itself
    assert_array_equal(report.rows.matrix, np.tri(B))
    assert_array_equal(report.steps.matrix, ITSELF)
    assert str(report).endswith(
        "MIXED BATCH: output row 1 (down) depends on input row 0 (across):\n"
        "     012\n   0 #..\n   1 !#.\n   2 !!#"
    )
    batch_norm = mg.check_causal(centred_over(0), IDS)
    assert batch_norm.mixed == (0, 1)


mg.seed(0)
CAUSAL = {
    "mask": masked(PAST),
    "heads": heads(split),
    "padding": padding_masked,
    "RNN": Sequential(
        Embedding(V, D),
        RNN(D, D, return_sequences=True),
        LayerNorm(D),
        Dense(D, V),
    ),
    "fused GRU with state": Sequential(
        Embedding(V, D),
        GRU(
            D,
            D,
            fused=True,
            return_sequences=True,
            return_state=True,
        ),
    ),
    "one-hot": lambda ids: np.eye(V)[ids].cumsum(axis=1),
}


@pytest.mark.parametrize("model", CAUSAL.values(), ids=CAUSAL)
def test_check_causal_clears_causal_model(model):
    report = mg.check_causal(model, IDS)
    assert report
    assert report.future is None
    assert report.mixed is None
    assert report.unseen is None
    assert_array_equal(report.steps.seen, PAST)
    assert_array_equal(report.rows.seen, np.eye(B))
    assert str(report).startswith("causal: no output step")


def test_check_causal_accepts_list():
    assert mg.check_causal(embed, IDS.tolist())


def test_check_causal_compares_first_output_of_tuple():
    def backwards(ids):
        return embed(ids)[:, ::-1], X

    report = mg.check_causal(backwards, IDS)
    assert report.future == (0, T - 1)


def test_check_causal_finds_leak_of_detached_floats():
    def model(x):
        x = x + mg.Tensor(np.zeros(D))
        mean = x.mean(axis=1, keepdims=True)
        return x + mean.detach()

    x = parameter(B, T, D)
    for floats in (x, x.array):
        report = mg.check_causal(model, floats)
        assert report.future == (0, 1)
    recorded = mg.depends(model(x), x, 1, 1)
    assert_array_equal(recorded.seen, ITSELF)


def test_check_causal_finds_weak_leak():
    def model(ids):
        x = embed(ids)
        return x.cumsum(axis=1) + 1e-9 * x[:, ::-1]

    report = mg.check_causal(model, IDS)
    assert report.future == (0, T - 1)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("hidden", [-1e4, -1e30])
def test_check_causal_finds_leak_beside_hidden_logit(hidden, dtype):
    table = mg.Tensor(TABLE.array.astype(dtype))
    mask = np.zeros(D, dtype)
    mask[2] = hidden  # this id is never generated

    def model(ids):
        x = mg.lookup(table, ids)
        mean = x.mean(axis=1, keepdims=True)
        return x + 1e-3 * mean + mask

    report = mg.check_causal(model, IDS)
    assert report.future == (0, 1)
    rows = mg.depends(model, IDS, (0, 2), 0).seen
    assert_array_equal(rows[:, 5], np.eye(B))


# ---- depends ----

CLOSED_FORMS = [
    (lambda x: x * 2.0, np.eye(6)),
    (lambda x: x * 0.0 + 1.0, np.zeros((6, 6))),
    (lambda x: x.sum(), np.ones((1, 6))),
    (lambda x: x.sum(axis=0), np.tile(np.eye(3), 2)),
    (mg.softmax, np.kron(np.eye(2), np.ones((3, 3)))),
    (lambda x: x.cumsum(axis=1), np.kron(np.eye(2), np.tri(3))),
]


@pytest.mark.parametrize("f, matrix", CLOSED_FORMS)
def test_depends_is_closed_form(f, matrix):
    x = parameter(2, 3)
    z = f(x)
    for output in (f, z):
        found = mg.depends(output, x)
        assert_array_equal(found.matrix, matrix)
        assert_array_equal(found.seen, matrix.reshape(z.shape + x.shape))


def test_depends_accepts_axes_in_any_order():
    x = parameter(2, 3)
    found = mg.depends(x * 2.0, x, (1, 0), (-1, 0))
    assert_array_equal(found.matrix, np.eye(6))


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("k", [1, 3, T])
def test_depends_ends_at_truncation(k, fused):
    x = parameter(B, T, D)
    rnn = RNN(D, D, truncate=k, fused=fused)
    found = mg.depends(rnn(x), x, 0, (0, 1))
    last = np.arange(T) >= T - k  # by hand: each row's last k steps
    assert_array_equal(found.matrix, np.kron(np.eye(B), last))


def test_depends_shows_cut_without_effect():
    h = X[0]
    mg.cut(h)  # the result is not used
    found = mg.depends(h + X[1], X)
    assert found.seen.all()


def test_depends_accepts_rows_of_lookup():
    rows = embed(IDS)
    z = attend(rows, rows, rows, PAST)
    found = mg.depends(z, rows, 1, 1)
    assert_array_equal(found.seen, PAST)


def test_depends_accepts_list_of_numbers():
    found = mg.depends(np.flip, [1.0, 2.0])
    assert_array_equal(found.seen, [[0, 1], [1, 0]])


def test_depends_tries_several_points():
    for first, seen in ((-5.0, 0), (-0.1, 1)):
        x = np.array([first, 1.0])
        found = mg.depends(mg.relu, x)
        assert_array_equal(found.seen, [[seen, 0], [0, 1]])


def test_depends_sees_gradients_that_cancel():
    z = mg.stack([X[:1], -X[:1]])
    found = mg.depends(z, X, (), 0)
    assert_array_equal(found.seen, [1, 0])


@pytest.mark.parametrize("weight", [0, 1e-12, 1e-4])
def test_depends_ignores_rounding_only(weight):
    def model(x):
        return 1.0 + weight * x

    x = RNG.standard_normal((B, 200, D)).astype("float32")
    found = mg.depends(model, mg.Tensor(x), (), ())
    assert found.seen == (weight == 1e-4)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("large", [1e6, 1e30])
def test_depends_uses_each_output_s_rounding_error(large, dtype):
    x = RNG.standard_normal(3).astype(dtype)
    scales = np.array([large, 1, 1 / large], dtype)
    for floats in (x, mg.Tensor(x)):
        found = mg.depends(lambda x: x * scales, floats)
        assert_array_equal(found.seen, np.eye(3))


# ---- errors ----


class CountingCache:
    """A count of earlier calls stays in the cache."""  # EleutherAI/gpt-neox#532

    calls = 0

    def __call__(self, ids):
        self.calls += 1
        return embed(ids) + float(self.calls)


class GrowingCache:
    past = IDS[:, :0]

    def __call__(self, ids):
        self.past = np.hstack([self.past, ids])
        return embed(self.past)


def noise_beside_large(x):
    return x * [1e20, 1.0] + [0.0, RNG.random()]


@pytest.mark.parametrize(
    "model, x",
    [
        (CountingCache(), IDS),
        (GrowingCache(), IDS),
        (Dropout(0.5), TABLE.array),
        (noise_beside_large, np.ones(2)),
    ],
)
def test_depends_refuses_calls_that_disagree(model, x):
    message = "MG702.*two calls with equal inputs disagree"
    with pytest.raises(mg.MinigradError, match=message):
        mg.depends(model, x, 0)


def masked_completely(ids):
    x = embed(ids)
    scores = x @ x.swapaxes(1, 2)
    scores = mg.where(ITSELF, -np.inf, scores)  # pbloem/former#10
    scores = scores + np.where(PAST, 0.0, -np.inf)
    with np.errstate(invalid="ignore"):
        scores = scores - scores.max(axis=-1, keepdims=True)
    return mg.softmax(scores) @ x


@pytest.mark.parametrize(
    "model, ids, message",
    [
        (masked_completely, IDS, r"MG708(?s:.*)a mask hides all steps"),
        (embed, IDS[0], r"MG751.*\(6,\) and \(6, 8\)"),
        (
            lambda ids: embed(ids).sum(axis=1),
            IDS,
            r"MG751.*\(3, 6\) and \(3, 8\)",
        ),
        (
            embed,
            np.zeros((0, 3), int),
            r"MG752.*the input is of type ndarray, with shape \(0, 3\)",
        ),
        (X, IDS, "MG752.*the model is of type Tensor"),
        (lambda ids: (), IDS, "MG752.*the function's result is of type tuple"),
    ],
)
def test_check_causal_refuses(model, ids, message):
    with pytest.raises(mg.MinigradError, match=message):
        mg.check_causal(model, ids)


@pytest.mark.parametrize(
    "output, x, message",
    [
        (X * X, mg.Tensor([1.0]), "MG127"),
        (mg.Tensor([1.0]), mg.Tensor([1.0]), "MG127"),
        (embed, IDS[:1, :1], r"MG750.*no two different integers: \[8\]"),
        (mg.tanh, [X, X], "MG752.*the input is of type list"),
        (mg.tanh, [], "MG752.*the input is of type list"),
        (
            mg.tanh,
            [[1.0], [1.0, 2.0]],
            "MG752.*the input is of type list",
        ),
        (mg.tanh, "text", "MG752.*the input is of type str"),
        (
            X[:0],
            X[:0],
            r"MG752.*the input is of type Tensor, with shape \(0,\)",
        ),
        ([X, X], X, "MG752.*the output is of type list"),
        (lambda x: None, X, "MG752.*function's result is of type NoneType"),
        (lambda x: (x, x), X, "MG752.*function's result is of type tuple"),
        (
            lambda x: x[:0],
            X,
            r"MG752.*function's result is of type Tensor, with shape \(0,\)",
        ),
    ],
)
def test_depends_refuses(output, x, message):
    with pytest.raises(mg.MinigradError, match=message):
        mg.depends(output, x)


def test_depends_refuses_axis_out_of_range():
    with pytest.raises(mg.MinigradError, match="MG107.*depends cannot use axis 2"):
        mg.depends(X * X, X, input_axes=2)


# ---- pictures ----

BLUE, RED = "#0072B2", "#D00000"


def cells(html, color):
    """The cells (row, column) of a picture in this colour."""
    (path,) = re.findall(rf'd="([^"]*)" fill="{color}"', html)
    corners = re.findall(r"M(\d+)\S* (\d+)", path)
    return [f"{row},{column}" for column, row in corners]


def test_depends_is_drawn_in_notebooks():
    html = mg.depends(X.cumsum(), X)._repr_html_()
    assert cells(html, BLUE) == ["0,0", "1,0", "1,1"]
    assert cells(html, RED) == []
    across_and_down = ["0", "1", "0", "1"]
    assert re.findall(r">(\d+)</text>", html) == across_and_down


def test_check_causal_is_drawn_in_notebooks():
    report = mg.check_causal(masked(SHIFTED[:2, :2]), IDS[:, :2])
    html = report._repr_html_()
    assert html.count("<svg") == 1
    assert cells(html, RED) == ["0,1"]
    mixed = mg.check_causal(attends_over_batch, IDS)
    assert mixed._repr_html_().count("<svg") == 2


@pytest.mark.parametrize(
    "columns, last_line",
    [
        (72, "   0 " + "#" * 72),
        (73, "a 1 x 73 matrix, which a notebook draws"),
    ],
)
def test_depends_prints_up_to_72_columns(columns, last_line):
    x = mg.Tensor(np.ones(columns), requires_grad=True)
    assert str(mg.depends(x.sum(), x)).endswith(last_line)
