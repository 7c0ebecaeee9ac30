"""Masks: padding on either side, or none, gives the same outputs and gradients. Row by row,
unpadded, is the truth.
"""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from layers import GRU, LSTM, RNN, Embedding, PaddingWarning, Sequential
from layers.fused import can_fuse
from minigrad import graph
from minigrad.errors import ShapeError
from minigrad.gates.steps import without_padding

D, H, T = 3, 2, 5
X = np.random.default_rng(1).normal(size=(3, T, D))


def run(layer, x, seed, mask):
    """Output, gradient for x, gradients of the parameters."""
    leaf = mg.Tensor(x, requires_grad=True)
    output = layer(leaf, mask=mask)
    gradients = mg.grad(
        output, [leaf, *layer.named_parameters().values()], upstream=seed
    )
    return [tensor.array for tensor in (output, *gradients)]


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
    left=st.booleans(),
    junk=st.sampled_from([100.0, np.nan, np.inf, -np.inf]),
    fused=st.booleans(),
)
def test_padding_leaves_no_trace(
    kind, options, lengths, number, left, junk, fused, in_float64
):
    rng = np.random.default_rng(number)
    layer = in_float64(kind(D, H, **options))
    layer.fused = fused and can_fuse(layer.cell)
    rows = [rng.normal(size=(1, length, D)) for length in lengths]
    seeds = [rng.normal(size=(1, H * (1 + layer.bidirectional))) for _ in rows]
    alone = [run(layer, row, seed, None) for row, seed in zip(rows, seeds, strict=True)]
    outputs, row_grads, *parameter_grads = zip(*alone, strict=True)
    mask = np.arange(T) < np.array(lengths)[:, None]
    mask = mask[:, ::-1] if left else mask
    x = np.full((*mask.shape, D), junk)
    x[mask] = np.concatenate(rows, axis=1)[0]
    output, grad_x, *grads = run(layer, x, np.concatenate(seeds), mask)
    np.testing.assert_allclose(output, np.concatenate(outputs), atol=1e-12)
    np.testing.assert_allclose(
        grad_x[mask], np.concatenate(row_grads, axis=1)[0], atol=1e-12
    )
    assert not grad_x[~mask].any()
    for found, parts in zip(grads, parameter_grads, strict=True):
        np.testing.assert_allclose(found, sum(parts), atol=1e-11)


def test_large_inputs_are_left_alone_and_nan_in_padding_is_no_anomaly():
    x = mg.Tensor(np.full((1, 2, 1), np.finfo("float32").max))
    assert without_padding(x, np.array([[True, False]])) is x
    with mg.detect_anomaly():
        RNN(1, H)([[[0.5], [np.nan]]], mask=[[True, False]]).sum().backward()


def test_a_vector_of_nan_that_only_padding_looks_up_leaves_no_trace():
    ids = np.array([[1, 2, 0], [3, 0, 0]])
    embedding, layer, found = Embedding(4, D), RNN(D, H), []
    model = Sequential(embedding, layer)
    for vector in (0.0, np.nan):
        embedding.table.array = [[vector] * D, [0.1] * D, [0.2] * D, [0.3] * D]
        model.zero_grad()
        with mg.fused():
            layer(embedding(ids), mask=ids > 0).sum().backward()
        found.append([one.grad for one in model.named_parameters().values()])
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_lengths_and_numbers_say_the_same_as_a_mask(in_float64):
    layer = in_float64(GRU(D, H))
    mask = np.arange(T) < np.array([[2], [5], [1]])
    whole = np.ones((3, T), bool)
    for options in (
        {"lengths": [2, 5, 1]},
        {"mask": mask * 9},
        {"lengths": [2, 5, 1], "mask": whole},
    ):
        np.testing.assert_array_equal(
            layer(X, **options).array, layer(X, mask=mask).array
        )
    sizes = [len(graph.ancestors([layer(X, mask=mask).node])) for mask in (None, whole)]
    assert sizes[0] == sizes[1]  # a full mask records nothing more


def test_padded_steps_repeat_the_state_that_passes_through(in_float64):
    layer = in_float64(RNN(D, H, return_sequences=True))
    found = layer(X[:1], mask=[[False, True, False, True, False]]).array[0]
    assert not found[0].any()  # before the first step: the initial state
    np.testing.assert_array_equal(found[[2, 4]], found[[1, 3]])
    # the gap is passed over
    np.testing.assert_allclose(found[3], layer(X[:1, [1, 3]]).array[0, 1], atol=1e-14)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"mask": [[1] * T, [0] * T]}, "MG222.*sequence 1"),
        ({"lengths": [1, 0]}, "MG222.*sequence 1"),
        ({"lengths": [1, 2, 3]}, "MG222.*shape .3,."),
        ({"lengths": [1, 2.5]}, "MG222.*float64"),
    ],
)
def test_a_mask_or_lengths_that_do_not_fit_are_refused(options, words):
    with pytest.raises(ShapeError, match=words):
        RNN(D, H)(np.ones((2, T, D)), **options)


# ---- the warning for padding without a mask ----


def last_state(ids, **options):
    return Sequential(Embedding(9, D), RNN(D, H, **options))(np.array(ids))


def test_a_last_state_after_padding_brings_a_warning():
    words = (
        r"(?s)MG227.*up to 2 steps.*1 of 2 sequences.*cause:.*remedy:.*mask=ids != 0"
    )
    with pytest.warns(PaddingWarning, match=words) as caught:
        last_state([[3, 4, 5], [3, 0, 0]])
    # Sequential's line; in a model of one's own, that model's
    assert Path(caught[0].filename).name == "layer.py"


@pytest.mark.parametrize(
    ("ids", "options"),
    [
        ([[0, 0, 5]], {}),  # padded on the left
        ([[3, 0, 5, 0, 0]], {}),  # here 0 is a word
        ([[3, 4, 0]], {}),  # one 0 says little
        ([[0, 0]], {}),
        ([[3, 0, 0]], {"pooling": "mean"}),
        ([[3, 0, 0]], {"return_sequences": True}),
    ],
)
def test_no_warning_without_a_reason(ids, options):
    last_state(ids, **options)  # warnings are errors here


def test_a_mask_settles_it():
    ids, embedding, rnn = np.array([[3, 4, 5, 0, 0]]), Embedding(9, D), RNN(D, H)
    expected = rnn(embedding(ids[:, :3])).array
    np.testing.assert_allclose(rnn(embedding(ids), mask=ids).array, expected, atol=1e-6)
