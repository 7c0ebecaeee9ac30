"""Attention, blocks and positions: values, first and second derivatives are PyTorch's, whose arrays
make_parity.py stored; no step sees the future; and a state continues a sequence.
"""

from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from layers import (
    Embedding,
    Layer,
    MultiHeadAttention,
    PositionalEmbedding,
    PositionalEncoding,
    Sequential,
    TiedHead,
    TransformerBlock,
    from_layout,
    gradients,
    outputs,
    sample,
    to_layout,
)
from minigrad.errors import OptionError, ShapeError
from minigrad.graph import ancestors
from minigrad.tensor import from_node

DATA = Path(__file__).parent / "data" / "parity_transformer.npz"
X = np.random.default_rng(3).normal(size=(2, 6, 4))


class GPT(Layer):
    """A small model of ids, whose state is that of its two blocks."""

    def __init__(self, context=8):
        self.embedding = Embedding(5, 4)
        self.positions = PositionalEmbedding(context, 4)
        self.blocks = Sequential(
            TransformerBlock(4, 2), TransformerBlock(4, 2, bias=False)
        )
        self.head = TiedHead(self.embedding, bias=False)

    def initial_state(self, batch):
        return [block.initial_state(batch) for block in self.blocks]

    def forward(self, ids, state=None):
        start = 0 if state is None else state[0][0].shape[2]
        x = self.positions(self.embedding(ids), start)
        if state is None:
            return self.head(self.blocks(x))
        states = []
        for block, before in zip(self.blocks, state, strict=True):
            x, after = block(x, before)
            states.append(after)
        return self.head(x), states


@pytest.fixture
def gpt(in_float64):
    return in_float64(GPT())


# ---- PyTorch's results ----


def cases():
    with np.load(DATA) as file:
        return sorted({name.partition("/")[0] for name in file.files})


@pytest.mark.parametrize("case", cases())
def test_equals_pytorch(case):
    with np.load(DATA) as file:
        arrays = {
            name.partition("/")[2]: file[name]
            for name in file.files
            if name.startswith(f"{case}/")
        }
    width, heads = arrays["x"].shape[-1], int(arrays["heads"])
    kind = MultiHeadAttention if case.startswith("attention") else TransformerBlock
    layer = kind(width, heads, causal="causal" in case, bias="plain" not in case)
    weights = {
        name[7:]: array for name, array in arrays.items() if name.startswith("weight/")
    }
    for parameter in layer.named_parameters().values():
        parameter.array = parameter.array.astype(np.float64)
    from_layout(layer, weights, "pytorch")

    x = mg.Tensor(arrays["x"], requires_grad=True)
    inputs = [x, *layer.named_parameters().values()]
    output = layer(x, mask=arrays.get("mask"))
    compare(output.array, arrays["output"])
    first = mg.grad(output, inputs, create_graph=True, upstream=arrays["seed"])
    twice = mg.grad(first[0], inputs, upstream=arrays["second"])
    for title, found in (("grad", first), ("twice", twice)):
        compare(found[0].array, arrays[f"{title}/x"])
        for parameter, gradient in zip(inputs[1:], found[1:], strict=True):
            parameter.array = gradient.array
        for name, array in to_layout(layer, "pytorch").items():
            compare(array, arrays[f"{title}/{name}"], f"{title}/{name}")


def compare(found, expected, title=""):
    scale = np.abs(expected).max()
    np.testing.assert_allclose(
        found, expected, rtol=1e-10, atol=1e-12 * scale + 1e-13, err_msg=title
    )


# ---- who sees whom ----


def test_a_causal_model_sees_its_whole_past_and_nothing_else(gpt):
    report = mg.check_causal(gpt, np.arange(12).reshape(2, 6) % 5)
    assert report and report.unseen is None


def test_a_model_that_sees_the_future_is_found(gpt):
    gpt.blocks.block_2.self_attn.causal = False
    report = mg.check_causal(gpt, np.arange(12).reshape(2, 6) % 5)
    assert report.future == (0, 1) and report.mixed is None


def test_no_step_attends_to_padding(in_float64):
    block, mask = in_float64(TransformerBlock(4, 2, causal=False)), np.ones((2, 6))
    mask[1, 3:] = 0
    padded, alone = block(X, mask=mask), block(X[1:, :3])
    np.testing.assert_allclose(padded.array[1:, :3], alone.array, atol=1e-14)


# ---- names ----


def test_attention_weights_have_a_name_and_a_gradient(in_float64):
    block = in_float64(TransformerBlock(4, 2))
    paths = [f"self_attn.{name}" for name in ("q", "k", "weights")]
    q, k, weights = outputs(block, X, paths).values()
    odds = np.exp(q @ k.swapaxes(2, 3) / np.sqrt(2)) * np.tri(6)
    np.testing.assert_allclose(
        weights, odds / odds.sum(axis=-1, keepdims=True), atol=1e-14
    )
    watched = gradients(block, X, X, paths, loss=mg.mean_squared_error)
    loss = mg.mean_squared_error(block(X), X)
    nodes = {node.name: node for node in ancestors([loss.node])}
    (dq,) = mg.grad(loss, from_node(nodes["q"]))
    np.testing.assert_allclose(watched["self_attn.q"], dq.array, atol=1e-14)
    # q enters the loss through the weights only
    dA = watched["self_attn.weights"]
    dS = weights * (dA - (dA * weights).sum(axis=-1, keepdims=True))
    np.testing.assert_allclose(dq.array, dS @ k / np.sqrt(2), atol=1e-14)


# ---- a state ----


@pytest.mark.parametrize("parts", [[1] * 6, [2, 4], [3, 1, 2], [6]])
def test_a_sequence_may_be_read_in_parts(gpt, parts):
    ids = np.random.default_rng(0).integers(0, 5, (3, 6))
    state, read = gpt.initial_state(3), 0
    for steps in parts:
        logits, state = gpt(ids[:, read : read + steps], state)
        read += steps
        whole = gpt(ids[:, :read])
        np.testing.assert_allclose(logits.array, whole.array[:, -steps:], atol=1e-12)
    assert state[0][0].shape == (3, 2, 6, 2)


def test_a_mask_covers_the_steps_of_the_state_too(in_float64):
    layer, mask = (
        in_float64(MultiHeadAttention(4, 2, causal=True)),
        np.ones((2, 6), bool),
    )
    mask[0, :2] = False
    whole = layer(X, mask=mask)
    _, state = layer(X[:, :3], layer.initial_state(2), mask=mask[:, :3])
    rest, _ = layer(X[:, 3:], state, mask=mask)
    np.testing.assert_allclose(rest.array, whole.array[:, 3:], atol=1e-14)


def test_a_sample_with_a_state_is_that_of_whole_sequences(in_float64):
    gpt = in_float64(GPT(), seed=5)
    drawn = sample(gpt, [1, 2], 20, temperature=0, context=8)
    ids, start = [1, 2], 0
    for found in drawn:
        if len(ids) - start > 8:
            start = len(ids) - 4
        assert found == gpt(np.array([ids[start:]])).array[0, -1].argmax()
        ids.append(found)
    assert len(set(drawn)) > 1
    assert sample(gpt, [1] * 30 + [2], 3, context=8, seed=1) == sample(
        gpt, [1, 1, 1, 2], 3, seed=1
    )


# ---- positions ----


def test_learned_positions_are_added(in_float64):
    layer = in_float64(PositionalEmbedding(8, 4))
    np.testing.assert_array_equal(layer(X, start=2).array, X + layer.table.array[2:8])


def test_an_encoding_of_five_positions_and_an_odd_width():
    expected = [
        [np.sin(t), np.cos(t), np.sin(t / 10_000**0.4), np.cos(t / 10_000**0.4), np.sin(t / 10_000**0.8)]
        for t in range(3, 8)
    ]  # fmt: skip
    found = PositionalEncoding()(np.zeros((1, 5, 5)), start=3)
    np.testing.assert_allclose(found.array[0], expected, atol=1e-15)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int64", "bool", "float16"])
def test_positions_are_added_to_integers_as_floats(dtype):
    x = np.array([[[0, 1, 0, 1], [1, 1, 1, 1]]], dtype)
    found = PositionalEncoding()(mg.Tensor(x))
    s, c, s_slow, c_slow = np.sin(1), np.cos(1), np.sin(0.01), np.cos(0.01)
    expected = [[[0, 2, 0, 2], [1 + s, 1 + c, 1 + s_slow, 1 + c_slow]]]
    assert found.dtype == (np.float64 if dtype == "int64" else np.float32)
    np.testing.assert_allclose(found.array, expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (
            lambda: MultiHeadAttention(6, 4),
            OptionError,
            "MG245.*4 heads cannot share a width of 6",
        ),
        (lambda: MultiHeadAttention(6, 0), OptionError, "MG245"),
        (lambda: MultiHeadAttention(0, 1), OptionError, "MG210"),
        (
            lambda: TransformerBlock(4, 2)(X[0]),
            ShapeError,
            r"MG221.*TransformerBlock takes x of shape \(batch, time, 4\)",
        ),
        (lambda: MultiHeadAttention(4, 2)(X[0]), ShapeError, "MG221"),
        (
            lambda: MultiHeadAttention(4, 2)(X, mask=np.ones((2, 5))),
            ShapeError,
            "MG222",
        ),
        (lambda: PositionalEmbedding(5, 4)(X), ShapeError, "MG247.*positions 0 to 5"),
        (lambda: PositionalEmbedding(5, 4)(X[:, :2], 4), ShapeError, "MG247.*4 to 5"),
        (
            lambda: PositionalEncoding()(X[0]),
            ShapeError,
            r"MG221.*\(batch, time, width\)",
        ),
        (lambda: to_layout(TransformerBlock(4, 2), "keras"), OptionError, "MG251"),
    ],
)
def test_what_cannot_be_computed_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_attention_to_the_future_has_no_state():
    layer = MultiHeadAttention(4, 2)
    with pytest.raises(OptionError, match="MG246"):
        layer(X, layer.initial_state(2))


def test_a_block_shows_its_options():
    assert repr(TransformerBlock(4, 2, bias=False)).startswith(
        "TransformerBlock(4, 2, causal=True, bias=False)\n"
    )


@pytest.mark.parametrize("heads", [2.0, "2", None, 0, 3])
@pytest.mark.parametrize("kind", [MultiHeadAttention, TransformerBlock])
def test_heads_that_are_not_an_integer_divisor_of_the_width_are_refused(kind, heads):
    with pytest.raises(OptionError, match="MG245"):
        kind(4, heads)


@pytest.mark.parametrize(
    "state",
    [
        5,
        [],
        (None, None),
        np.ones((2, 2)),
        (np.ones((2, 2, 1, 2)),),
        (np.ones((3, 2, 1, 2)),) * 2,
    ],
)
def test_a_state_that_does_not_fit_attention_is_refused(state):
    block = TransformerBlock(4, heads=2)
    with pytest.raises(ShapeError, match=r"MG224.*batch of 2.*instead of \[\(2, 2, "):
        block(np.ones((2, 3, 4), "float32"), state)
    with pytest.raises(
        ShapeError, match="MG224"
    ):  # keys and values of different lengths
        block(np.ones((2, 3, 4)), tuple(np.ones((2, 2, steps, 2)) for steps in (1, 2)))
