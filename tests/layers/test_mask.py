"""Masks: each sequence of a padded batch is computed as if it were alone."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from layers import (
    GRU,
    LSTM,
    RNN,
    Embedding,
    PaddingWarning,
    Sequential,
)
from layers.fused import can_fuse
from minigrad import graph

from .helpers import (
    assert_close,
    in_float64,
    leaf,
    normal,
    raises,
)

D, H, T = 3, 2, 5
X = normal(3, T, D)
FULL = np.ones((3, T))
LENGTHS = [2, 5, 1]


def as_mask(lengths):
    return np.arange(T) < np.reshape(lengths, (-1, 1))


MASK = as_mask(LENGTHS)


def run(layer, x, mask=None):
    """Output, gradient for x, gradients of the parameters."""
    x = leaf(x)
    z = layer(x, mask=mask)
    layer.zero_grad()
    (z * z).sum().backward()
    gradients = [parameter.grad for parameter in layer.parameters()]
    return z.array, x.grad, gradients


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
    mask = as_mask(lengths)
    if left:
        mask = mask[:, ::-1]
    x = normal(*mask.shape, D, seed=number)
    x[~mask] = junk
    z, dx, gradients = run(layer, x, mask)
    assert not dx[~mask].any()
    for n, real in enumerate(mask):
        alone = x[n : n + 1, real]
        z_alone, dx_alone, parts = run(layer, alone)
        assert_close(z[n], z_alone[0], 1e-12)
        assert_close(dx[n, real], dx_alone[0], 1e-12)
        for gradient, part in zip(gradients, parts, strict=True):
            gradient -= part
    for rest in gradients:
        assert_close(rest, 0, 1e-11)


def test_mask_hides_nan_from_detect_anomaly():
    with mg.detect_anomaly():
        z = RNN(1, H)([[[0.5], [np.nan]]], mask=[[1, 0]])
        z.sum().backward()


def test_mask_hides_nan_in_a_lookup_of_padding():
    ids = MASK.astype(int)
    embedding = Embedding(2, D)
    layer = RNN(D, H, fused=True)
    inputs = [embedding.table, *layer.parameters()]
    found = []
    for padding in (0.0, np.nan):
        embedding.table.array = [[padding] * D, [0.1] * D]
        z = layer(embedding(ids), mask=ids)
        found.append(mg.grad(z.sum(), inputs))
    assert_close(found[0], found[1], 1e-6)


@pytest.mark.parametrize(
    "options",
    [
        {"lengths": LENGTHS},
        {"mask": MASK * 9},
        {"lengths": LENGTHS, "mask": FULL},
    ],
)
def test_mask_as_lengths_or_numbers(options):
    layer = in_float64(GRU(D, H))
    expected = layer(X, mask=MASK)
    assert_close(layer(X, **options), expected)


def test_mask_without_padding_records_no_gates():
    layer = GRU(D, H)
    sizes = set()
    for mask in (None, FULL):
        z = layer(X, mask=mask)
        sizes.add(len(graph.ancestors([z.node])))
    assert len(sizes) == 1


def test_mask_repeats_the_state_at_padding():
    layer = in_float64(RNN(D, H, return_sequences=True))
    (z,) = layer(X[:1], mask=[[0, 1, 0, 1, 0]])
    (alone,) = layer(X[:1, [1, 3]])
    first, second = alone.array
    start = np.zeros(H)
    assert_close(z, [start, first, first, second, second])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"mask": FULL[:2] * [[1], [0]]}, "sequence 1"),
        ({"lengths": [1, 0]}, "sequence 1"),
        ({"lengths": [1, 2, 3]}, "shape .3,."),
        ({"lengths": [1, 2.5]}, "float64"),
    ],
)
def test_mask_or_lengths_that_do_not_fit(options, words):
    with raises("MG222", words):
        RNN(D, H)(X[:2], **options)


# ---- the warning for padding without a mask ----


def read(ids, **options):
    model = Sequential(Embedding(9, D), RNN(D, H, **options))
    return model(np.array(ids))


def test_mask_missing_warns():
    words = "up to 2 steps.*1 of 2 sequences.*cause:.*remedy:.*mask=ids != 0"
    with pytest.warns(PaddingWarning, match=f"(?s)MG227.*{words}") as caught:
        read([[3, 4, 5], [3, 0, 0]])
    # Sequential's line; in a model of one's own, that model's
    assert Path(caught[0].filename).name == "layer.py"


@pytest.mark.parametrize(
    "ids",
    [
        [0, 0, 5],  # padded on the left
        [3, 0, 5, 0, 0],  # here 0 is a word
        [3, 4, 0],  # one 0 says little
        [0, 0],
    ],
)
def test_mask_missing_does_not_warn_without_padding(ids):
    read([ids])  # warnings are errors here


def test_mask_missing_does_not_warn_without_a_last_state():
    ids = [[3, 0, 0]]
    read(ids, pooling="mean")
    read(ids, return_sequences=True)


def test_mask_of_ids_silences_the_warning():
    ids = np.array([[3, 4, 0, 0]])
    x = Embedding(9, D)(ids)
    rnn = RNN(D, H)
    expected = rnn(x[:, :2])
    assert_close(rnn(x, mask=ids), expected, 1e-6)
