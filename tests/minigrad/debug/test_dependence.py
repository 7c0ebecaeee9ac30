"""Who sees whom: closed forms, matrices by hand, and masks and caches that were wrong in public."""

from __future__ import annotations

import re

import numpy as np
import pytest

import minigrad as mg
from layers import GRU, RNN, Dense, Dropout, Embedding, LayerNorm, Sequential
from minigrad.errors import (
    DtypeError,
    GradientError,
    NonFiniteError,
    OptionError,
    ShapeError,
)

B, T, V, D = 3, 6, 10, 8
RNG = np.random.default_rng(0)
IDS = RNG.integers(0, V, (B, T))
TABLE, W_Q, W_K, W_V = (
    mg.Tensor(RNG.standard_normal(shape), requires_grad=True)
    for shape in ((V, D), *((D, D),) * 3)
)
PAST = np.tri(T, dtype=bool)


def projected(ids):
    x = mg.lookup(TABLE, ids)
    return x @ W_Q, x @ W_K, x @ W_V


def attend(qkv, mask):
    """Softmax attention; queries see the keys where `mask` is True."""
    q, k, v = qkv
    scores = q @ k.swapaxes(-1, -2) / D**0.5
    return mg.softmax(mg.where(mask, scores, -1e9)) @ v


def masked(mask):
    return lambda ids: attend(projected(ids), mask)


def heads(split, join=None):
    """Two heads of causal attention; `split` makes (B, heads, T, D/heads) of (B, T, D)."""

    def model(ids):
        z = attend(map(split, projected(ids)), PAST)
        return z.transpose(0, 2, 1, 3).reshape(B, T, D) if join is None else join(z)

    return model


def wrong_split(x):
    return x.reshape(B, 2, T, D // 2)


def right_split(x):
    return x.reshape(B, T, 2, D // 2).transpose(0, 2, 1, 3)


def with_cache(limit, chunk=1):
    """Attention over cached keys, `chunk` steps at a time.

    Query i of a chunk that begins at `start` sees the first limit(start, i) keys.
    """

    def model(ids):
        q, k, v = projected(ids)
        outputs = []
        for start in range(0, T, chunk):
            end = start + chunk
            seen = np.array([np.arange(end) < limit(start, i) for i in range(chunk)])
            outputs.append(attend((q[:, start:end], k[:, :end], v[:, :end]), seen))
        return mg.concatenate(outputs, axis=1)

    return model


def normalised_over(axis):
    def model(ids):
        x = mg.lookup(TABLE, ids)
        return (x - x.mean(axis=axis, keepdims=True)) / (
            x.std(axis=axis, keepdims=True) + 1e-5
        )

    return model


def masked_after_softmax(ids):
    q, k, v = projected(ids)
    return (mg.softmax(q @ k.swapaxes(1, 2)) * PAST) @ v


def over_the_batch(ids):
    q, k, v = (x.swapaxes(0, 1) for x in projected(ids))
    return attend((q, k, v), np.tri(B, dtype=bool)).swapaxes(0, 1)


def convolution(before, after):
    """A kernel that reaches `before` steps back and `after` steps ahead."""

    def model(ids):
        x = mg.pad(mg.lookup(TABLE, ids), ((0, 0), (before, after), (0, 0)))
        return sum(
            (x[:, i : i + T] * (i + 1.0) for i in range(before + after + 1)),
            mg.Tensor(0.0),
        )

    return model


def chosen_by_expert(ids):
    """An expert takes the three steps with the highest scores. No gradient passes the choice."""
    x = mg.lookup(TABLE, ids)
    scores = x.array @ W_Q.array[0]
    return x * (scores >= np.sort(scores, axis=1)[:, -3:-2])[..., None]


SHIFT = np.tri(T, k=1, dtype=bool)

SEES_THE_FUTURE = {
    # True in this mask means "attend", but the mask is True for the future
    "rasbt/LLMs-from-scratch#1061": (masked(np.triu(np.ones((T, T), bool), 1)), (0, 1)),
    # no mask at all, although causal=True
    "keras-team/keras#23038": (masked(True), (0, 1)),
    # kv_idx > kv_len + q_idx - qo_len instead of >=
    "flashinfer-ai/flashinfer#348": (masked(SHIFT), (0, 1)),
    # view(batch, heads, length, d) without a transpose puts steps into heads
    "hyunwoongko/transformer#15": (heads(wrong_split), (0, 3)),
    # heads are joined without being transposed back
    "meta-pytorch/opacus#825": (
        heads(right_split, lambda z: z.reshape(B, T, D)),
        (0, 1),
    ),
    # with a cache, the prompt is read without a mask
    "Mikyx-1/TinyLLM#18": (with_cache(lambda start, i: T, chunk=3), (0, 1)),
    # the softmax was normalized over the future before the mask
    "huggingface/pytorch-image-models#2236": (masked_after_softmax, (0, 1)),
    # layer norm over the steps too
    "google-deepmind/dm-haiku#700": (normalised_over((1, 2)), (0, 1)),
    # padding="same"
    "maxim5/time-series-machine-learning#12": (convolution(1, 1), (0, 1)),
    # routing by expert choice
    "piotrpiekos/MoSA#3": (chosen_by_expert, (0, 5)),
}
HIDES_THE_PAST = {
    # the new token's own key is not in the cache yet
    "harvard-edge/cs249r_book#1953": (
        with_cache(lambda start, i: max(start + i, 1)),
        (1, 1),
    ),
    # a single query, masked from the upper left corner, sees only the first key
    "lucidrains/x-transformers#187": (with_cache(lambda start, i: 1), (1, 1)),
    # the mask of a chunk begins at the first key, so the chunk does not see the cache
    "tinygrad/tinygrad#15949": (with_cache(lambda start, i: i + 1, chunk=3), (3, 1)),
    # the mask blocks all columns but the first
    "OpenNMT/OpenNMT-py#294": (masked(np.arange(T) == 0), (1, 1)),
}


@pytest.mark.parametrize("report", SEES_THE_FUTURE)
def test_a_leak_that_was_reported_in_public_is_found(report):
    model, first = SEES_THE_FUTURE[report]
    found = mg.check_causal(model, IDS)
    assert not found and found.future == first
    t, s = first
    assert (
        f"NOT CAUSAL: output step {t} (down) depends on input step {s} (across)"
        in str(found)
    )


def test_the_matrix_of_wrongly_split_heads():
    # by hand: half step 6 h + p of a row's 12 half steps becomes position p of head h
    expected = [
        [s <= p // 2 or 3 <= s <= 3 + p // 2 for s in range(T)] for p in range(T)
    ]
    assert (mg.depends(heads(wrong_split), IDS, 1, 1).seen == expected).all()


@pytest.mark.parametrize("report", HIDES_THE_PAST)
def test_a_mask_or_cache_that_hides_the_past_is_noted(report):
    model, first = HIDES_THE_PAST[report]
    found = mg.check_causal(model, IDS)
    assert found and found.unseen == first
    t, s = first
    assert f"note: output step {t} does not depend on input step {s}" in str(found)


def test_a_batch_that_mixes_is_found():
    found = mg.check_causal(over_the_batch, IDS)  # DaoyuanLi2816/Molecule-Generator#22
    assert not found and found.future is None and found.mixed == (1, 0)
    # by hand: row a sees the rows up to a, and a step sees only itself
    assert (found.rows.matrix == np.tri(B)).all() and (
        found.steps.matrix == np.eye(T)
    ).all()
    assert str(found).endswith(
        "MIXED BATCH: output row 1 (down) depends on input row 0 (across):\n"
        "     012\n   0 #..\n   1 !#.\n   2 !!#"
    )
    assert mg.check_causal(normalised_over(0), IDS).mixed == (0, 1)  # batch norm


def two_blocks(ids):
    x = mg.lookup(TABLE, ids)
    for _ in range(2):
        x = x + attend((x @ W_Q, x @ W_K, x @ W_V), PAST)
        x = mg.relu(x @ W_K) @ W_V + x
    return x


def padded(ids):
    """Id 0 is padding, which no step but itself sees."""
    return attend(projected(ids), PAST & ((ids != 0)[:, None] | np.eye(T, dtype=bool)))


mg.seed(0)
RIGHT = {
    "mask": masked(PAST),
    "heads": heads(right_split),
    "blocks": two_blocks,
    "padding": padded,
    "cache": with_cache(lambda start, i: start + i + 1),
    "cache in chunks": with_cache(lambda start, i: start + i + 1, chunk=3),
    "causal convolution": convolution(T, 0),
    "running mean": lambda ids: mg.lookup(TABLE, ids).cumsum(axis=1),
    "RNN": Sequential(
        Embedding(V, D), RNN(D, D, return_sequences=True), LayerNorm(D), Dense(D, V)
    ),
    "fused GRU": Sequential(
        Embedding(V, D), GRU(D, D, fused=True, return_sequences=True), Dense(D, V)
    ),
    "one-hot": lambda ids: np.eye(V)[ids].cumsum(axis=1),
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_causal_model_is_cleared(name):
    found = mg.check_causal(RIGHT[name], IDS)
    assert found and (found.future, found.mixed, found.unseen) == (None, None, None)
    assert (found.steps.seen == PAST).all() and (found.rows.seen == np.eye(B)).all()
    assert str(found).startswith("causal: no output step")


def positioned(start_of):
    """Attention with a cache; `start_of(t)` is the position that step t gets."""

    def model(ids):
        places = mg.Tensor([np.cos(start_of(t) + np.arange(D)) for t in range(T)])
        x = mg.lookup(TABLE, ids) + places
        return attend((x @ W_Q, x @ W_K, x @ W_V), PAST)

    return model


def test_a_cache_that_misplaces_its_steps_is_causal():
    # lucidrains/x-transformers#219: with a cache, the logits differ. The report names no cause. If
    # a step gets a wrong position, it still depends on the same steps, and only a comparison with
    # the outputs without a cache finds the error.
    right, wrong = positioned(lambda t: t), positioned(lambda t: 0)
    assert mg.check_causal(right, IDS) and mg.check_causal(wrong, IDS)
    assert mg.check_causal(wrong, IDS).unseen is None
    assert np.abs(right(IDS).array - wrong(IDS).array)[:, 1:].max() > 0.1


def test_a_window_is_causal_and_its_edge_is_noted():
    found = mg.check_causal(masked(PAST & ~np.tri(T, k=-3, dtype=bool)), IDS)
    assert found and found.unseen == (3, 0)
    assert (found.steps.matrix == (PAST & ~np.tri(T, k=-3, dtype=bool))).all()


def test_floats_as_input_and_a_leak_through_a_detached_value():
    x = RNG.standard_normal((B, T, D)).astype("float32")

    def leaking(x):
        x = x + mg.Tensor(np.zeros(D, "float32"))
        return x + x.mean(axis=1, keepdims=True).detach()

    assert mg.check_causal(leaking, x).future == (0, 1)
    assert mg.check_causal(leaking, mg.Tensor(x)).future == (0, 1)
    recorded = mg.Tensor(x, requires_grad=True)
    assert (mg.depends(leaking(recorded), recorded, 1, 1).seen == np.eye(T)).all()


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("k", [1, 3, None])
def test_a_cut_cuts(k, fused):
    x = mg.Tensor(RNG.standard_normal((B, T, D)), requires_grad=True)
    seen = mg.depends(RNN(D, D, truncate=k, fused=fused)(x), x, 0, (0, 1)).seen
    expected = np.zeros((B, B, T), bool)  # by hand: each row's last k steps
    expected[np.arange(B), np.arange(B), T - (k or T) :] = True
    assert (seen == expected).all()


def test_a_cut_that_does_not_cut():
    x = mg.Tensor([1.0, 2.0, 3.0, 4.0], requires_grad=True)
    h, cut_after_two = x[0], [x[0]]
    for t in range(1, 4):
        if t == 2:
            mg.cut(h)  # the result is not used
        h = mg.tanh(h + x[t])
        cut_after_two.append(h)
    assert mg.depends(h, x).seen.tolist() == [True, True, True, True]


def test_the_rows_that_were_looked_up_stand_for_the_ids():
    rows = mg.lookup(TABLE, IDS)
    for z in (
        two_rows := rows @ W_Q,
        attend((rows @ W_Q, rows @ W_K, rows @ W_V), PAST),
    ):
        expected = np.eye(T) if z is two_rows else PAST
        assert (mg.depends(z, rows, 1, 1).seen == expected).all()


def test_closed_forms():
    x = mg.Tensor(RNG.standard_normal((2, 3)), requires_grad=True)
    eye2, eye3 = np.eye(2, dtype=bool), np.eye(3, dtype=bool)
    for f, expected in (
        (lambda x: x * 2.0, eye2[:, None, :, None] & eye3[:, None, :]),
        (lambda x: x.sum(axis=0), np.broadcast_to(eye3[:, None], (3, 2, 3))),
        (lambda x: x.T, eye3[:, None, None, :] & eye2[:, :, None]),
        (lambda x: x @ np.triu(np.ones((3, 3))), eye2[:, None, :, None] & np.tri(3, dtype=bool)[:, None]),
        (lambda x: mg.softmax(x), np.broadcast_to(eye2[:, None, :, None], (2, 3, 2, 3))),
        (lambda x: x * 0.0 + 1.0, np.zeros((2, 3, 2, 3), bool)),
        (lambda x: x.sum(), np.ones((2, 3), bool)),
    ):  # fmt: skip
        for z in (f, f(x)):
            found = mg.depends(z, x)
            assert (found.seen == expected).all() and found.seen.shape == expected.shape
            assert found.matrix.shape == (f(x).size, 6)
        axes = tuple(range(f(x).ndim))[::-1]  # any order selects the same axes
        assert (mg.depends(f, x, axes, (-1, 0)).seen == expected).all()


def test_a_derivative_that_is_0_by_accident_acquits_at_one_point_only():
    x = mg.Tensor([-5.0, 1.0], requires_grad=True)
    assert mg.depends(mg.relu(x), x).seen.tolist() == [[False, False], [False, True]]
    near = mg.Tensor([-0.1, 1.0], requires_grad=True)
    assert mg.depends(mg.relu, near).seen.tolist() == [[True, False], [False, True]]
    # x - x: the sum of a group's gradients is 0, but not each of them
    assert mg.depends(mg.stack([x[:1], -x[:1]]), x, (), 0).seen.tolist() == [
        True,
        False,
    ]


def test_rounding_is_no_dependence_and_a_weak_leak_is():
    x = RNG.standard_normal((B, 200, D)).astype("float32")
    mean = mg.Tensor(np.ones((B, 200, D), "float32"))
    assert not mg.depends(lambda x: mean + 1e-12 * x, x, (), ()).seen
    assert mg.depends(lambda x: mean + 1e-4 * x, x, (), ()).seen
    weak = masked(PAST)
    leak = mg.check_causal(
        lambda ids: weak(ids) + 1e-9 * mg.lookup(TABLE, ids)[:, ::-1], IDS
    )
    assert leak.future == (0, T - 1)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("hidden", [-1e4, -1e9, -1e30])
def test_a_hidden_logit_hides_no_leak(hidden, dtype):
    table = mg.Tensor(TABLE.array.astype(dtype))
    mask = np.where(np.arange(D) == 2, hidden, 0.0).astype(
        dtype
    )  # one id is never generated

    def model(ids):
        x = mg.lookup(table, ids)
        return x + 1e-3 * x.mean(axis=1, keepdims=True) + mask

    assert mg.check_causal(model, IDS).future == (0, 1)
    assert (mg.depends(model, IDS, (0, 2), 0).seen[:, 5] == np.eye(B)).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("large", [1e6, 1e12, 1e30])
def test_each_output_has_its_own_rounding_error(large, dtype):
    x = RNG.standard_normal(3).astype(dtype)
    scales = np.array([large, 1, 1 / large], dtype)
    assert (mg.depends(lambda x: x * scales, x).seen == np.eye(3)).all()
    assert (mg.depends(lambda x: x * scales, mg.Tensor(x)).seen == np.eye(3)).all()


def test_small_outputs_of_two_calls_may_not_disagree_beside_a_large_one():
    rng = np.random.default_rng(0)
    with pytest.raises(
        GradientError, match=r"MG702.*two calls with equal inputs disagree"
    ):
        mg.depends(lambda x: x * [1e20, 1.0] + [0.0, rng.random()], np.ones(2))


def test_an_output_that_is_0_at_some_points():
    x = np.array([-1.0, 2.0, -3.0, 0.0])
    assert (mg.depends(mg.relu, x).seen <= np.eye(4)).all()
    assert not mg.depends(lambda x: x - x, x).seen.any()


def test_of_a_model_that_returns_logits_and_a_state_the_logits_are_checked():
    def backwards(ids):
        return mg.lookup(TABLE, ids)[:, ::-1], mg.Tensor([1.0])

    rnn = Sequential(
        Embedding(V, D), RNN(D, D, return_sequences=True, return_state=True)
    )
    assert mg.check_causal(rnn, IDS).unseen is None
    assert mg.check_causal(backwards, IDS).future == (0, T - 1)
    with pytest.raises(
        DtypeError, match="MG752.*the function's result is of type tuple"
    ):
        mg.depends(rnn, IDS)


class Cached:
    """The first id of an earlier call stays in the cache."""  # EleutherAI/gpt-neox#532

    def __init__(self):
        self.first = 0

    def __call__(self, ids):
        z = mg.lookup(TABLE, ids) + float(self.first)
        self.first = self.first + 1
        return z


class Growing:
    def __init__(self):
        self.past = np.zeros((B, 0), int)

    def __call__(self, ids):
        self.past = np.concatenate([self.past, ids], axis=1)
        return mg.lookup(TABLE, self.past)


@pytest.mark.parametrize("make", [Cached, Growing, lambda: Dropout(0.5)])
def test_two_calls_that_disagree_are_refused(make):
    model = make()
    ids = TABLE.array if isinstance(model, Dropout) else IDS
    with pytest.raises(
        GradientError, match="MG702.*two calls with equal inputs disagree"
    ):
        mg.depends(model, ids, 0, 1)


def test_a_row_without_anything_to_see_is_refused():
    strict = np.where(np.tri(T, k=-1, dtype=bool), 0.0, -np.inf)  # pbloem/former#10

    def model(ids):
        q, k, v = projected(ids)
        scores = q @ k.swapaxes(1, 2) + strict
        with np.errstate(invalid="ignore"):
            return mg.exp(scores - scores.max(axis=-1, keepdims=True)) @ v

    with pytest.raises(NonFiniteError, match=r"MG708(?s:.*)a mask hides all steps"):
        mg.check_causal(model, IDS)


def test_bad_input():
    x = mg.Tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(OptionError, match=r"MG750.*no two different integers: \[3\]"):
        mg.depends(masked(PAST), np.full((B, T), 3))
    with pytest.raises(ShapeError, match=r"MG107.*depends cannot use axis 2"):
        mg.depends(x * x, x, input_axes=2)
    for output in (x * x, mg.Tensor([1.0])):
        with pytest.raises(GradientError, match="MG127"):
            mg.depends(output, mg.Tensor([1.0, 2.0]))
    with pytest.raises(ShapeError, match=r"MG751.*\(3, 6\) and \(3, 8\)"):
        mg.check_causal(lambda ids: mg.lookup(TABLE, ids).sum(axis=1), IDS)
    with pytest.raises(ShapeError, match=r"MG751.*\(6,\) and \(6, 8\)"):
        mg.check_causal(lambda ids: mg.lookup(TABLE, ids), IDS[0])


X = mg.Tensor([1.0, 2.0], requires_grad=True)
UNUSABLE = {
    "the input is of type list": [
        lambda: mg.depends(X * X, [X, X]),
        lambda: mg.depends(lambda x: x[0], [X, X]),
        lambda: mg.depends(lambda x: x, []),
        lambda: mg.depends(lambda x: x, [[1.0], [1.0, 2.0]]),
    ],
    r"the input is of type ndarray, with shape \(0, 3\)": [
        lambda: mg.depends(lambda x: x, np.zeros((0, 3))),
        lambda: mg.check_causal(lambda x: x, np.zeros((0, 3), int)),
    ],
    r"the input is of type Tensor, with shape \(0,\)": [
        lambda: mg.depends(X[:0], X[:0]),
        lambda: mg.depends(lambda x: x, X[:0]),
    ],
    "the input is of type str": [lambda: mg.depends(lambda x: x, "text")],
    "the output is of type list": [lambda: mg.depends([X, X], X)],
    "the output is of type float": [lambda: mg.depends(3.0, X)],
    "the model is of type Tensor": [lambda: mg.check_causal(X, IDS)],
    "the function's result is of type list": [lambda: mg.depends(lambda x: [x, x], X)],
    "the function's result is of type NoneType": [
        lambda: mg.depends(lambda x: None, X),
        lambda: mg.check_causal(lambda ids: None, IDS),
    ],
    "the function's result is of type tuple": [
        lambda: mg.check_causal(lambda ids: (), IDS)
    ],
    r"the function's result is of type Tensor, with shape \(0,\)": [
        lambda: mg.depends(lambda x: x[:0], X)
    ],
}


@pytest.mark.parametrize(("told", "calls"), UNUSABLE.items(), ids=UNUSABLE)
def test_anything_but_one_tensor_or_array_with_elements_is_refused(told, calls):
    for call in calls:
        with pytest.raises(DtypeError, match=f"MG752.*{told}"):
            call()


def test_a_list_of_numbers_is_an_array():
    assert mg.depends(lambda x: x[::-1], [1.0, 2.0]).seen.tolist() == [
        [False, True],
        [True, False],
    ]
    assert mg.check_causal(masked(PAST), IDS.tolist())


def cells(html, color):
    """The cells (row, column) of a picture in this colour."""
    (path,) = re.findall(rf'd="([^"]*)" fill="{color}"', html)
    return [
        (int(float(y)), int(float(x))) for x, y in re.findall(r"M(\S+) (\S+?)m", path)
    ]


def test_pictures():
    x = mg.Tensor([1.0, 2.0], requires_grad=True)
    html = mg.depends(x.cumsum(), x)._repr_html_()
    assert (
        cells(html, "#0072B2") == [(0, 0), (1, 0), (1, 1)]
        and cells(html, "#D00000") == []
    )
    assert re.findall(r">(\d+)</text>", html) == [
        "0",
        "1",
        "0",
        "1",
    ]  # across, then down
    leak = mg.check_causal(masked(SHIFT[:2, :2]), IDS[:, :2])._repr_html_()
    assert leak.count("<svg") == 1 and cells(leak, "#D00000") == [(0, 1)]
    assert mg.check_causal(over_the_batch, IDS)._repr_html_().count("<svg") == 2
    wide = mg.Tensor(np.ones(100), requires_grad=True)
    assert str(mg.depends(wide.sum(), wide)).endswith(
        "a 1 x 100 matrix, which a notebook draws"
    )
    assert len(str(mg.depends(wide[:72], wide[:72])).splitlines()[1]) == 5 + 72
