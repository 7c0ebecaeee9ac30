"""Masks: padding on either side, or none, gives the same outputs and gradients. Row by row, unpadded, is the truth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from layers import GRU, LSTM, RNN, Embedding, PaddingWarning, Sequential, init, unroll
from layers.fused import can_fuse
from minigrad.errors import MinigradError, OptionError, ShapeError
from minigrad.gates.steps import without_padding

D, H, T = 3, 2, 5


def make(kind: Any, **options: Any) -> Any:
    layer = kind(D, H, **options)
    rng = np.random.default_rng(0)
    for parameter in layer.named_parameters().values():
        parameter.array = rng.normal(size=parameter.shape) * 0.7
    return layer


def run(layer: Any, x: Any, seed: Any, mask: Any) -> tuple[Any, Any, list[Any]]:
    """Output, gradient for x, gradients of the parameters."""
    leaf = mg.Tensor(x, requires_grad=True)
    for parameter in layer.named_parameters().values():
        parameter.grad = None
    output = layer(leaf, mask=mask)
    output.backward(seed)
    return output.array, leaf.grad, [parameter.grad for parameter in layer.named_parameters().values()]


def padded(rows: list[Any], side: str, noise: Any) -> tuple[Any, Any]:
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
        (GRU, {"reset_after": False}),
        (LSTM, {"layers": 2}),
        (LSTM, {"bidirectional": True}),
        (GRU, {"pooling": "mean"}),
        (RNN, {"pooling": "max", "bidirectional": True}),
        (LSTM, {"truncate": 2}),
    ],
)
@settings(max_examples=15)  # of seven kinds of network each
@given(lengths=st.lists(st.integers(1, T), min_size=1, max_size=4), number=st.integers(0, 1000))
def test_padding_on_either_side_leaves_no_trace(kind: Any, options: Any, lengths: list[int], number: int) -> None:
    rng = np.random.default_rng(number)
    layer = make(kind, **options)
    rows = [rng.normal(size=(length, D)) for length in lengths]
    seed = rng.normal(size=(len(rows), H * (1 + layer.bidirectional)))
    outputs, row_grads = [], []
    totals: list[Any] = []  # of the gradients of all rows
    for row, part in zip(rows, seed, strict=True):
        output, row_grad, grads = run(layer, row[None], part[None], None)
        outputs.append(output[0])
        row_grads.append(row_grad[0])
        totals = [a + b for a, b in zip(totals, grads, strict=True)] if totals else grads
    for side in ("left", "right"):
        x, mask = padded(rows, side, rng.normal(size=(len(rows), T, D)) * 100)
        output, grad_x, grads = run(layer, x, seed, mask)
        np.testing.assert_allclose(output, np.stack(outputs), atol=1e-12)
        np.testing.assert_allclose(grad_x, padded(row_grads, side, np.zeros_like(x))[0], atol=1e-12)
        assert not grad_x[~mask].any()
        for found, truth in zip(grads, totals, strict=True):
            np.testing.assert_allclose(found, truth, atol=1e-11)


KINDS = [(RNN, {}), (RNN, {"activation": mg.relu}), (GRU, {}), (GRU, {"reset_after": False}), (LSTM, {})]
SHAPES: list[dict[str, Any]] = [{}, {"layers": 2, "bidirectional": True}, {"truncate": 2}, {"pooling": "mean"},
                                {"pooling": "max"}]  # fmt: skip


@pytest.mark.parametrize("junk", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(("kind", "options"), KINDS)
def test_nan_and_infinity_in_padding_leave_no_trace(
    kind: Any, options: Any, shape: Any, side: str, junk: float
) -> None:
    rng = np.random.default_rng(3)
    rows = [rng.normal(size=(length, D)) for length in (2, T, 3)]
    clean, mask = padded(rows, side, np.zeros((3, T, D)))
    dirty, _ = padded(rows, side, np.full((3, T, D), junk))
    layer = make(kind, **options, **shape)
    seed = rng.normal(size=(3, H * (1 + layer.bidirectional)))
    truth, grad_x, grads = run(layer, clean, seed, mask)
    for fused in (False, True) if all(can_fuse(cell) for cell in layer.cells().values()) else (False,):
        layer.fused = fused
        output, found_x, found = run(layer, dirty, seed, mask)
        np.testing.assert_allclose(output, truth, atol=1e-12)
        np.testing.assert_allclose(found_x, grad_x, atol=1e-12)
        assert not found_x[~mask].any()
        for one, other in zip(found, grads, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-12)


def test_large_inputs_of_any_precision_are_left_alone() -> None:
    mask = np.array([[True, False]])
    for dtype in ("float16", "float32", "float64"):
        x = mg.Tensor(np.full((1, 2, 1), np.finfo(dtype).max))
        assert without_padding(x, mask) is x


def test_nan_in_padding_is_no_anomaly() -> None:
    x, mask = np.array([[[0.5], [np.nan]]]), np.array([[True, False]])
    with mg.detect_anomaly():
        RNN(1, H)(x, mask=mask).sum().backward()


def test_a_vector_of_nan_that_only_padding_looks_up_leaves_no_trace() -> None:
    layer, head = RNN(D, H), np.ones((2, H), "float32")
    ids = np.array([[1, 2, 0], [3, 0, 0]])
    found = []
    for vector in (0.0, np.nan):
        embedding = Embedding(4, D, init=init.zeros)
        embedding.table.array = [[vector] * D, [0.1] * D, [0.2] * D, [0.3] * D]
        with mg.fused():
            layer(embedding(ids), mask=ids > 0).backward(head)
        found.append([embedding.table.grad, *(one.grad for one in layer.named_parameters().values())])
        layer.zero_grad()
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_unroll_passes_over_nan_in_a_list_of_steps() -> None:
    cell, mask = RNN(D, H).cell, np.array([[True, False, True]])
    steps = [mg.Tensor(np.full((1, D), value, "float32")) for value in (0.5, np.nan, 0.5)]
    with_nan, _ = unroll(cell, steps, cell.initial_state(1), mask=mask)
    with_nan[-1].sum().backward()
    found = cell.W_xh.grad
    cell.zero_grad()
    without, _ = unroll(cell, [steps[0], steps[2]], cell.initial_state(1))
    without[-1].sum().backward()
    assert found is not None and cell.W_xh.grad is not None
    np.testing.assert_allclose(found, cell.W_xh.grad, atol=1e-6)


def test_lengths_say_the_same_as_a_mask() -> None:
    layer, x = make(GRU), np.random.default_rng(1).normal(size=(3, T, D))
    mask = np.arange(T) < np.array([[2], [5], [1]])
    np.testing.assert_array_equal(layer(x, lengths=[2, 5, 1]).array, layer(x, mask=mask).array)
    np.testing.assert_array_equal(layer(x, mask=mask.astype(int) * 9).array, layer(x, mask=mask).array)


def test_a_full_mask_records_nothing_more() -> None:
    layer, x = make(LSTM), np.random.default_rng(1).normal(size=(3, T, D))
    from minigrad import graph

    sizes = [len(graph.ancestors([layer(x, mask=mask).node])) for mask in (None, np.ones((3, T), bool))]
    assert sizes[0] == sizes[1]


def test_padded_steps_of_a_sequence_repeat_the_state_that_passes_through() -> None:
    layer, x = make(RNN, return_sequences=True), np.random.default_rng(1).normal(size=(1, T, D))
    found = layer(x, mask=[[False, True, True, False, False]]).array[0]
    assert not found[0].any()  # before the first step: the initial state
    np.testing.assert_array_equal(found[3], found[2])
    np.testing.assert_array_equal(found[4], found[2])


def test_a_gap_inside_is_passed_over_as_well() -> None:
    layer, x = make(RNN), np.random.default_rng(1).normal(size=(1, 3, D))
    np.testing.assert_allclose(layer(x, mask=[[1, 0, 1]]).array, layer(x[:, [0, 2]]).array, atol=1e-14)


@pytest.mark.parametrize(
    ("options", "code", "error", "words"),
    [
        ({"mask": np.ones((2, 4))}, "MG222", ShapeError, "(2, 4)"),
        ({"mask": np.ones(2)}, "MG222", ShapeError, "(2,)"),
        ({"mask": [[1] * T, [0] * T]}, "MG222", ShapeError, "sequence 1"),
        ({"lengths": [6, 1]}, "MG223", ShapeError, "sequence 0 is said to have 6 steps"),
        ({"lengths": [1, 0]}, "MG223", ShapeError, "sequence 1"),
        ({"lengths": [1]}, "MG223", ShapeError, "(1,)"),
        ({"lengths": [1.5, 2.0]}, "MG223", ShapeError, "float64"),
        ({"lengths": [1, 1], "mask": np.ones((2, T))}, "MG225", OptionError, "both"),
    ],
)
def test_bad_input(options: Any, code: str, error: type[MinigradError], words: str) -> None:
    with pytest.raises(error) as caught:
        RNN(D, H)(np.ones((2, T, D)), **options)
    assert caught.value.code == code
    assert words in str(caught.value)
    assert caught.value.remedy


def last_state(ids: Any, **options: Any) -> Any:
    model = Sequential(Embedding(9, D), RNN(D, H, **options))
    return model(np.array(ids))


def test_a_last_state_after_padding_brings_a_warning() -> None:
    with pytest.warns(PaddingWarning) as caught:
        last_state([[3, 4, 5, 6, 7], [3, 4, 5, 0, 0], [3, 0, 0, 0, 0]])
    text = str(caught[0].message)
    for part in ("MG227", "up to 4 steps", "2 of 3 sequences", "cause:", "remedy:", "mask=ids != 0"):
        assert part in text
    assert Path(caught[0].filename).name == "layer.py"  # Sequential's line; in a model of one's own, that model's


@pytest.mark.parametrize(
    ("ids", "options"),
    [
        ([[3, 4, 5, 6, 7]], {}),
        ([[0, 0, 5, 6, 7], [0, 0, 0, 6, 7]], {}),  # padded on the left
        ([[3, 0, 5, 6, 0], [3, 4, 5, 0, 0]], {}),  # here 0 is a word
        ([[3, 4, 5, 6, 0]], {}),  # one 0 says little
        ([[0, 0, 0, 0, 0]], {}),
        ([[3, 4, 5, 0, 0]], {"pooling": "mean"}),
        ([[3, 4, 5, 0, 0]], {"return_sequences": True}),
    ],
)
def test_no_warning_without_a_reason(ids: Any, options: Any) -> None:
    last_state(ids, **options)  # warnings are errors here


def test_a_mask_settles_it() -> None:
    ids = np.array([[3, 4, 5, 0, 0]])
    embedding, rnn = Embedding(9, D), RNN(D, H)
    np.testing.assert_allclose(rnn(embedding(ids), mask=ids).array, rnn(embedding(ids[:, :3])).array, atol=1e-6)
    rnn(embedding(ids), mask=np.ones(ids.shape))
