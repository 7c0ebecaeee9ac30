"""Attention, transformer blocks and positions."""

from functools import partial

import numpy as np
import pytest

import minigrad as mg
from layers import (
    Embedding,
    MultiHeadAttention,
    PositionalEmbedding,
    PositionalEncoding,
    Sequential,
    TransformerBlock,
    gradients,
    outputs,
    to_layout,
)

from .helpers import assert_close, in_float64, normal, raises
from .parity import compare, load_weights, stored

PYTORCH = stored("transformer")
X = normal(2, 6, 4)
IDS = np.arange(12).reshape(2, 6) % 5


# ---- attention ----


@pytest.mark.parametrize("case", PYTORCH)
def test_attention_equals_pytorch(case):
    arrays = PYTORCH[case]
    kind = MultiHeadAttention if "attention" in case else TransformerBlock
    layer = kind(
        arrays["x"].shape[-1],
        int(arrays["heads"]),
        causal="causal" in case,
        bias="plain" not in case,
    )
    load_weights(layer, arrays, "pytorch")
    mask = arrays.get("mask")
    compare(layer, arrays, forward=partial(layer, mask=mask))


def test_attention_sees_the_whole_past_and_no_future():
    blocks = [TransformerBlock(4, 2) for _ in range(2)]
    model = in_float64(Sequential(Embedding(5, 4), *blocks))
    report = mg.check_causal(model, IDS)
    assert report
    assert report.unseen is None
    model.block_2.self_attn.causal = False
    report = mg.check_causal(model, IDS)
    assert report.future == (0, 1)
    assert report.mixed is None


def test_attention_mask_hides_padding():
    block = in_float64(TransformerBlock(4, 2, causal=False))
    mask = np.ones((2, 6))
    mask[1, 3:] = 0
    _, padded = block(X, mask=mask)
    (alone,) = block(X[1:, :3])
    assert_close(padded[:3], alone)


def test_attention_mask_covers_the_steps_of_the_state():
    layer = in_float64(MultiHeadAttention(4, 2, causal=True))
    mask = np.ones((2, 6))
    mask[0, :2] = 0
    whole = layer(X, mask=mask)
    state = layer.initial_state(2)
    _, state = layer(X[:, :3], state, mask=mask[:, :3])
    rest, _ = layer(X[:, 3:], state, mask=mask)
    assert_close(rest, whole[:, 3:])


def test_attention_weights_are_outputs_with_gradients():
    layer = in_float64(MultiHeadAttention(4, 2, causal=True))
    paths = ["q", "k", "weights"]
    q, k, A = outputs(layer, X, paths).values()
    odds = np.exp(q @ k.swapaxes(2, 3) / np.sqrt(2))
    odds *= np.tri(6)
    assert_close(A, odds / odds.sum(axis=-1, keepdims=True))
    # q enters the loss through the weights only
    found = gradients(layer, X, X, paths, loss=mg.mean_squared_error)
    dq, _, dA = found.values()
    dS = A * (dA - (dA * A).sum(axis=-1, keepdims=True))
    assert_close(dq, dS @ k / np.sqrt(2))


# ---- a state ----


@pytest.mark.parametrize(
    "ends",
    [
        [1, 2, 3, 4, 5, 6],
        [2, 6],
        [3, 4, 6],
        [6],
    ],
)
def test_attention_state_continues_a_sequence(ends):
    block = in_float64(TransformerBlock(4, 2))
    whole = block(X)
    state = block.initial_state(2)
    start = 0
    for end in ends:
        z, state = block(X[:, start:end], state)
        assert_close(z, whole[:, start:end])
        start = end
    assert state[0].shape == (2, 2, 6, 2)


def test_attention_state_requires_causal():
    layer = MultiHeadAttention(4, 2)
    state = layer.initial_state(2)
    with raises("MG246"):
        layer(X, state)


KEYS = np.ones((2, 2, 1, 2))


@pytest.mark.parametrize(
    "state",
    [
        5,
        [],
        (None, None),
        KEYS[0, 0],
        (KEYS,),
        (KEYS[:1], KEYS[:1]),
        (KEYS, np.ones((2, 2, 2, 2))),  # keys and values of different lengths
    ],
)
def test_attention_rejects_states_of_other_shapes(state):
    block = TransformerBlock(4, heads=2)
    with raises("MG224", r"batch of 2.*instead of \[\(2, 2, "):
        block(X, state)


# ---- positions ----


def test_positional_embedding_adds_its_table():
    layer = in_float64(PositionalEmbedding(8, 4))
    table = layer.table.array
    assert_close(layer(X, start=2), X + table[2:8])


def test_positional_encoding_of_an_odd_width():
    (z,) = PositionalEncoding()(np.zeros((1, 2, 5)), start=3)
    for t, row in enumerate(z, 3):
        slow = t / 10_000**0.4
        slowest = t / 10_000**0.8
        assert_close(row[::2], np.sin([t, slow, slowest]))
        assert_close(row[1::2], np.cos([t, slow]))


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int64", "bool", "float16"])
def test_positional_encoding_of_integers_is_float(dtype):
    layer = PositionalEncoding()
    x = np.ones((1, 2, 4))
    z = layer(mg.Tensor(x.astype(dtype)))
    assert z.dtype == (np.float64 if dtype == "int64" else np.float32)
    assert_close(z, layer(x), 1e-6)


# ---- arguments ----


@pytest.mark.parametrize("heads", [2.0, "2", None, 0, 3])
@pytest.mark.parametrize("kind", [MultiHeadAttention, TransformerBlock])
def test_attention_heads_divide_the_width(kind, heads):
    with raises("MG245", "heads cannot share a width of 4"):
        kind(4, heads)


@pytest.mark.parametrize(
    ("layer", "x", "code", "words"),
    [
        (TransformerBlock(4, 2), X[0], "MG221", r"TransformerBlock.*, time, 4\)"),
        (MultiHeadAttention(4, 2), X[0], "MG221", "MultiHeadAttention"),
        (PositionalEncoding(), X[0], "MG221", r"\(batch, time, width\)"),
        (PositionalEmbedding(5, 4), X, "MG247", "positions 0 to 5"),
    ],
)
def test_attention_and_positions_reject_shapes(layer, x, code, words):
    with raises(code, words):
        layer(x)


def test_positional_embedding_rejects_a_start_outside_its_table():
    layer = PositionalEmbedding(5, 4)
    with raises("MG247", "4 to 5"):
        layer(X[:, :2], start=4)


def test_attention_rejects_masks_of_other_lengths():
    layer = MultiHeadAttention(4, 2)
    with raises("MG222"):
        layer(X, mask=X[:, :5, 0])


def test_attention_rejects_a_width_of_0():
    with raises("MG210"):
        MultiHeadAttention(0, 1)


def test_attention_has_no_keras_layout():
    block = TransformerBlock(4, 2)
    with raises("MG251"):
        to_layout(block, "keras")


def test_repr_of_a_block_shows_its_options():
    block = TransformerBlock(4, 2, bias=False)
    title = "TransformerBlock(4, 2, causal=True, bias=False)"
    assert repr(block).startswith(f"{title}\n")
