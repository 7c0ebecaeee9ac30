"""Masks: each sequence of a padded batch is computed as if it were alone."""

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

from .helpers import assert_close, in_float64, leaf, normal

D, H, T = 3, 2, 5
X = normal(3, T, D)
LENGTHS = [2, 5, 1]
MASK = np.arange(T) < np.array(LENGTHS)[:, None]


def run(layer, x, seed, mask=None):
    """Output, gradient for x, gradients of the parameters."""
    inputs = [leaf(x), *layer.parameters()]
    output = layer(inputs[0], mask=mask)
    gradients = mg.grad(output, inputs, upstream=seed)
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
def test_mask_hides_padding(kind, options, lengths, number, left, junk, fused):
    layer = in_float64(kind(D, H, **options))
    layer.fused = fused and can_fuse(layer.cell)
    width = 2 * H if layer.bidirectional else H
    seeds = normal(len(lengths), 1, width, seed=number)
    mask = np.arange(T) < np.array(lengths)[:, None]
    if left:
        mask = mask[:, ::-1]
    words = normal(*mask.shape, D, seed=number + 1)
    x = np.where(mask[:, :, None], words, junk)
    output, dx, *gradients = run(layer, x, seeds[:, 0], mask)
    assert not dx[~mask].any()
    total = np.zeros(1)
    for n, real in enumerate(mask):
        one, dx_one, *parts = run(layer, x[n : n + 1, real], seeds[n])
        assert_close(output[n], one[0], atol=1e-12)
        assert_close(dx[n, real], dx_one[0], atol=1e-12)
        total = total + np.concatenate([part.flatten() for part in parts])
    found = np.concatenate([gradient.flatten() for gradient in gradients])
    assert_close(found, total, atol=1e-11)


def test_mask_hides_nan_from_detect_anomaly():
    with mg.detect_anomaly():
        z = RNN(1, H)([[[0.5], [np.nan]]], mask=[[True, False]])
        z.sum().backward()


def test_mask_leaves_large_inputs_alone():
    x = mg.Tensor(np.full((1, 2, 1), np.finfo(np.float32).max))
    assert without_padding(x, np.array([[True, False]])) is x


def test_mask_hides_nan_that_only_padding_looks_up():
    ids = np.array([[1, 2, 0], [3, 0, 0]])
    embedding = Embedding(4, D)
    layer = RNN(D, H, fused=True)
    gradients = []
    for vector in (0.0, np.nan):
        embedding.table.array = [[vector] * D, [0.1] * D, [0.2] * D, [0.3] * D]
        z = layer(embedding(ids), mask=ids > 0)
        inputs = [embedding.table, *layer.parameters()]
        gradients.append(mg.grad(z.sum(), inputs))
    for one, other in zip(*gradients, strict=True):
        assert_close(one, other, atol=1e-6)


@pytest.mark.parametrize(
    "options",
    [
        {"lengths": LENGTHS},
        {"mask": MASK * 9},
        {"lengths": LENGTHS, "mask": np.ones((3, T))},
    ],
)
def test_mask_as_lengths_or_numbers(options):
    layer = in_float64(GRU(D, H))
    assert_close(layer(X, **options), layer(X, mask=MASK))


def test_mask_without_padding_records_no_gates():
    layer = GRU(D, H)
    sizes = [
        len(graph.ancestors([layer(X, mask=mask).node]))
        for mask in (None, np.ones((3, T)))
    ]
    assert sizes[0] == sizes[1]


def test_mask_repeats_the_state_at_padding():
    layer = in_float64(RNN(D, H, return_sequences=True))
    z = layer(X[:1], mask=[[False, True, False, True, False]]).array[0]
    assert not z[0].any()  # before the first step: the initial state
    assert_close(z[[2, 4]], z[[1, 3]])
    alone = layer(X[:1, [1, 3]])
    assert_close(z[3], alone[0, 1])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"mask": [[1] * T, [0] * T]}, "sequence 1"),
        ({"lengths": [1, 0]}, "sequence 1"),
        ({"lengths": [1, 2, 3]}, "shape .3,."),
        ({"lengths": [1, 2.5]}, "float64"),
    ],
)
def test_mask_or_lengths_that_do_not_fit(options, words):
    with pytest.raises(ShapeError, match=f"MG222.*{words}"):
        RNN(D, H)(X[:2], **options)


# ---- the warning for padding without a mask ----


def read(ids, **options):
    model = Sequential(Embedding(9, D), RNN(D, H, **options))
    return model(np.array(ids))


def test_mask_missing_warns():
    words = (
        r"(?s)MG227.*up to 2 steps.*1 of 2 sequences.*cause:.*remedy:.*mask=ids != 0"
    )
    with pytest.warns(PaddingWarning, match=words) as caught:
        read([[3, 4, 5], [3, 0, 0]])
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
def test_mask_missing_does_not_warn(ids, options):
    read(ids, **options)  # warnings are errors here


def test_mask_of_ids_silences_the_warning():
    ids = np.array([[3, 4, 5, 0, 0]])
    x = Embedding(9, D)(ids)
    rnn = RNN(D, H)
    assert_close(rnn(x, mask=ids), rnn(x[:, :3]), atol=1e-6)
