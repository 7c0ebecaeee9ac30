"""Masks: padding on either side, or none, gives the same outputs and gradients. Row by row,
unpadded, is the truth.
"""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from layers import GRU, LSTM, RNN, Embedding, PaddingWarning, Sequential, init
from layers.fused import can_fuse
from minigrad import graph
from minigrad.errors import OptionError, ShapeError
from minigrad.gates.steps import without_padding

D, H, T = 3, 2, 5
X = np.random.default_rng(1).normal(size=(3, T, D))


def run(layer, x, seed, mask):
    """Output, gradient for x, gradients of the parameters."""
    leaf = mg.Tensor(x, requires_grad=True)
    layer.zero_grad()
    output = layer(leaf, mask=mask)
    output.backward(seed)
    return [
        output.array,
        leaf.grad,
        *(parameter.grad for parameter in layer.named_parameters().values()),
    ]


def padded(rows, side, noise):
    """The rows in one array (B, T, D), noise where there is no step, and the mask."""
    x, mask = noise.copy(), np.zeros((len(rows), T), bool)
    for number, row in enumerate(rows):
        where = slice(T - len(row), T) if side == "left" else slice(0, len(row))
        x[number, where], mask[number, where] = row, True
    return x, mask


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (RNN, {}),
        (RNN, {"activation": mg.relu, "layers": 2, "bidirectional": True}),
        (GRU, {"pooling": "mean"}),
        (GRU, {"reset_after": False, "truncate": 2}),
        (RNN, {"pooling": "max", "bidirectional": True}),
        (LSTM, {"layers": 2}),
        (LSTM, {"bidirectional": True, "truncate": 2}),
    ],
)
@settings(max_examples=20)  # of seven kinds of network each
@given(
    lengths=st.lists(st.integers(1, T), min_size=1, max_size=4),
    number=st.integers(0, 1000),
    side=st.sampled_from(["left", "right"]),
    junk=st.sampled_from([100.0, np.nan, np.inf, -np.inf]),
    fused=st.sampled_from([False, True]),
)
def test_padding_leaves_no_trace(kind, options, lengths, number, side, junk, fused, in_float64):
    rng = np.random.default_rng(number)
    layer = in_float64(kind(D, H, **options))
    layer.fused = fused and can_fuse(layer.cell)
    rows = [rng.normal(size=(length, D)) for length in lengths]
    seed = rng.normal(size=(len(rows), H * (1 + layer.bidirectional)))
    alone = [run(layer, row[None], part[None], None) for row, part in zip(rows, seed, strict=True)]
    outputs, row_grads, *parameter_grads = zip(*alone, strict=True)
    x, mask = padded(rows, side, np.full((len(rows), T, D), junk))
    output, grad_x, *grads = run(layer, x, seed, mask)
    np.testing.assert_allclose(output, np.concatenate(outputs), atol=1e-12)
    expected, _ = padded([grad[0] for grad in row_grads], side, np.zeros_like(x))
    np.testing.assert_allclose(grad_x, expected, atol=1e-12)
    assert not grad_x[~mask].any()
    for found, parts in zip(grads, parameter_grads, strict=True):
        np.testing.assert_allclose(found, sum(parts), atol=1e-11)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_large_inputs_of_any_precision_are_left_alone(dtype):
    x = mg.Tensor(np.full((1, 2, 1), np.finfo(dtype).max))
    assert without_padding(x, np.array([[True, False]])) is x


def test_nan_in_padding_is_no_anomaly():
    with mg.detect_anomaly():
        RNN(1, H)([[[0.5], [np.nan]]], mask=[[True, False]]).sum().backward()


def test_a_vector_of_nan_that_only_padding_looks_up_leaves_no_trace():
    layer, head = RNN(D, H), np.ones((2, H), "float32")
    ids = np.array([[1, 2, 0], [3, 0, 0]])
    found = []
    for vector in (0.0, np.nan):
        embedding = Embedding(4, D, init=init.zeros)
        embedding.table.array = [[vector] * D, [0.1] * D, [0.2] * D, [0.3] * D]
        layer.zero_grad()
        with mg.fused():
            layer(embedding(ids), mask=ids > 0).backward(head)
        found.append(
            [embedding.table.grad, *(one.grad for one in layer.named_parameters().values())]
        )
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_lengths_and_numbers_say_the_same_as_a_mask(in_float64):
    layer = in_float64(GRU(D, H))
    mask = np.arange(T) < np.array([[2], [5], [1]])
    for options in ({"lengths": [2, 5, 1]}, {"mask": mask * 9}):
        np.testing.assert_array_equal(layer(X, **options).array, layer(X, mask=mask).array)


def test_a_full_mask_records_nothing_more():
    layer = LSTM(D, H)
    sizes = [
        len(graph.ancestors([layer(X, mask=mask).node])) for mask in (None, np.ones((3, T), bool))
    ]
    assert sizes[0] == sizes[1]


def test_padded_steps_repeat_the_state_that_passes_through(in_float64):
    layer = in_float64(RNN(D, H, return_sequences=True))
    found = layer(X[:1], mask=[[False, True, False, True, False]]).array[0]
    assert not found[0].any()  # before the first step: the initial state
    np.testing.assert_array_equal(found[[2, 4]], found[[1, 3]])
    # the gap is passed over
    np.testing.assert_allclose(found[3], layer(X[:1, [1, 3]]).array[0, 1], atol=1e-14)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"mask": [[1] * T, [0] * T]}, ShapeError, "MG222.*sequence 1"),
        (
            {"lengths": [6, 1]},
            ShapeError,
            r"(?s)MG223.*sequence 0 is said to have 6 steps.*belong to other",
        ),
        ({"lengths": [1, 0]}, ShapeError, r"(?s)MG223.*sequence 1.*no last state"),
        ({"lengths": [1.5, 2.0]}, ShapeError, "MG223.*float64"),
        ({"lengths": [1, 1], "mask": np.ones((2, T))}, OptionError, "MG225.*both"),
    ],
)
def test_a_mask_or_lengths_that_do_not_fit_are_refused(options, error, words):
    with pytest.raises(error, match=words):
        RNN(D, H)(np.ones((2, T, D)), **options)


# ---- the warning for padding without a mask ----


def last_state(ids, **options):
    return Sequential(Embedding(9, D), RNN(D, H, **options))(np.array(ids))


def test_a_last_state_after_padding_brings_a_warning():
    words = r"(?s)MG227.*up to 4 steps.*2 of 3 sequences.*cause:.*remedy:.*mask=ids != 0"
    with pytest.warns(PaddingWarning, match=words) as caught:
        last_state([[3, 4, 5, 6, 7], [3, 4, 5, 0, 0], [3, 0, 0, 0, 0]])
    # Sequential's line; in a model of one's own, that model's
    assert Path(caught[0].filename).name == "layer.py"


@pytest.mark.parametrize(
    ("ids", "options"),
    [
        ([[0, 0, 5, 6, 7], [0, 0, 0, 6, 7]], {}),  # padded on the left
        ([[3, 0, 5, 6, 0], [3, 4, 5, 0, 0]], {}),  # here 0 is a word
        ([[3, 4, 5, 6, 0]], {}),  # one 0 says little
        ([[0, 0, 0, 0, 0]], {}),
        ([[3, 4, 5, 0, 0]], {"pooling": "mean"}),
        ([[3, 4, 5, 0, 0]], {"return_sequences": True}),
    ],
)
def test_no_warning_without_a_reason(ids, options):
    last_state(ids, **options)  # warnings are errors here


def test_a_mask_settles_it():
    ids, embedding, rnn = np.array([[3, 4, 5, 0, 0]]), Embedding(9, D), RNN(D, H)
    np.testing.assert_allclose(
        rnn(embedding(ids), mask=ids).array, rnn(embedding(ids[:, :3])).array, atol=1e-6
    )
    rnn(embedding(ids), mask=np.ones(ids.shape))
