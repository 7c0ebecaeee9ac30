"""Layer normalization and attention against their definitions, at special sizes and values.

Finite differences and PyTorch's outputs are in test_gates.py and test_gates_pytorch.py.
"""

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import minigrad as mg

attention: Any = mg.scaled_dot_product_attention
layer_norm: Any = mg.layer_norm


def by_definition(q, k, v, allowed):
    """Return the weighted mean of the allowed keys' values, one query at a time."""
    batch = np.broadcast_shapes(
        q.shape[:-2],
        k.shape[:-2],
        v.shape[:-2],
    )
    q, k, v = (
        np.broadcast_to(
            one,
            (*batch, *one.shape[-2:]),
        )
        for one in (q, k, v)
    )
    allowed = np.broadcast_to(
        allowed,
        (*batch, q.shape[-2], k.shape[-2]),
    )
    z = np.zeros(
        (
            *batch,
            q.shape[-2],
            v.shape[-1],
        )
    )
    for place in np.ndindex(*batch, q.shape[-2]):
        keys = allowed[place]
        if keys.any():
            scores = k[place[:-1]][keys] @ q[place] / np.sqrt(q.shape[-1])
            shares = np.exp(scores - scores.max())
            z[place] = shares / shares.sum() @ v[place[:-1]][keys]
    return z


@pytest.mark.parametrize("seed", range(30))
def test_attention_of_random_shapes_and_masks(seed):
    rng = np.random.default_rng(seed)
    T, D, W = (int(size) for size in rng.integers([1, 1, 1], [150, 6, 5]))
    causal = bool(seed % 2)
    S = T if causal else int(rng.integers(1, 150))
    batch = [(), (2,), (2, 3), (1, 2, 1), (4,)][seed // 2 % 5]
    few = tuple(1 if rng.random() < 0.3 else size for size in batch)
    batches = (
        [
            few,
            few[1:],
            batch,
        ]
        if seed % 5 == 4
        else [batch, few, few[1:]]
    )
    scale = rng.choice([0.3, 1.0, 20.0])
    sizes = [
        (
            T,
            D,
        ),
        (S, D),
        (S, W),
    ]
    q, k, v = (
        scale * rng.normal(size=(*lead, *size)) for lead, size in zip(batches, sizes, strict=True)
    )
    masks = [
        np.array(True),
        rng.random(S) < 0.7,
        rng.random((T, 1)) < 0.7,
    ]
    mask = [
        *masks,
        rng.random((*few, T, S)) < 0.3,
    ][seed // 3 % 4]
    allowed = mask & (np.tri(T, S) > 0) if causal else mask
    gate = mg.ScaledDotProductAttention(causal)
    inputs = [mg.Tensor(one, requires_grad=True) for one in (q, k, v)]
    z = gate(*inputs, mask)
    assert_allclose(z.array, by_definition(q, k, v, allowed), rtol=1e-10, atol=1e-12)
    weights = gate.weights(q, k, mask).array
    assert not weights[np.broadcast_to(~allowed, weights.shape)].any()
    unfused = mg.unfuse(z)
    assert_allclose(unfused.array, z.array, rtol=1e-10, atol=1e-12)
    dz = rng.normal(size=z.shape)
    found = mg.grad(z, inputs, upstream=dz)
    expected = mg.grad(unfused, inputs, upstream=dz)
    for one, other in zip(found, expected, strict=True):
        room = 1e-11 * abs(other.array).max(initial=1)
        assert_allclose(one.array, other.array, rtol=1e-9, atol=room)


@pytest.fixture(params=[False, True], ids=["whole", "causal"])
def masked(request):
    """Attention of 4 queries with a mask: z, its inputs, and the allowed keys."""
    q, k, v = np.random.default_rng(1).normal(size=(3, 4, 2)).astype("float32")
    inputs = [mg.Tensor(one, requires_grad=True) for one in (q, k, v)]
    mask = np.array(
        [
            [0] * 4,
            [1, 0, 0, 1],
            [1] * 4,
            [0, 0, 0, 1],
        ],
        bool,
    )
    allowed = mask & (np.tri(4) > 0) if request.param else mask
    with mg.detect_anomaly():
        z = attention(*inputs, mask, request.param)
        yield z, inputs, allowed


@pytest.mark.parametrize("unfuse", [False, True])
def test_attention_mask_stops_gradients(masked, unfuse):
    z, inputs, allowed = masked
    z = mg.unfuse(z) if unfuse else z
    assert z.dtype == np.float32
    assert not z.array[0].any()  # a row without keys
    for t in range(4):
        dz = np.zeros((4, 2), "float32")
        dz[t] = 1
        dq, dk, dv = (one.array for one in mg.grad(z, inputs, upstream=dz))
        assert_array_equal(dv.any(axis=1), allowed[t])
        assert not dk[~allowed[t]].any()
        assert not dq[np.arange(4) != t].any()


@pytest.mark.parametrize("unfuse", [False, True])
def test_attention_mask_leaves_every_number_in_the_graph_finite(masked, unfuse):
    z, inputs, _ = masked
    z = mg.unfuse(z) if unfuse else z
    slopes = mg.grad(z.sum(), inputs, create_graph=True)
    for node in mg.graph.ancestors(
        [
            z.node,
            *(slope.node for slope in slopes),
        ]
    ):
        assert np.isfinite(node.output).all(), node


@pytest.mark.parametrize("size", [1e3, 1e12, 1e18])
def test_attention_to_huge_scores_is_finite(size):
    q = mg.Tensor([[size], [-size]], requires_grad=True)
    z = attention(q, [[1.0], [2.0]], [[1.0], [2.0]])
    z.sum().backward()
    assert_array_equal(z.array, [[2], [1]])
    assert_array_equal(q.grad, [[0], [0]])


def test_attention_heads_are_joined_without_a_copy():
    x = mg.Tensor(np.ones((2, 5, 3, 4)), requires_grad=True)
    q = (2 * x).transpose(0, 2, 1, 3)  # (batch, head, time, width)
    z = attention(q, q, q, causal=True)
    joined = z.transpose(0, 2, 1, 3).reshape(2, 5, 12)
    assert np.shares_memory(joined.array, z.array)


def test_attention_in_an_empty_batch_is_empty():
    x = mg.Tensor(np.ones((0, 3, 2)), requires_grad=True)
    z = attention(x, x, x, causal=True)
    z.sum().backward()
    assert_array_equal(z.array, x.array)
    assert_array_equal(x.grad, x.array)


def test_layer_norm_without_bias():
    x, gain = np.random.default_rng(5).normal(size=(2, 3))
    expected = layer_norm(x, gain, np.zeros(3)).array
    assert_array_equal(layer_norm(x, gain).array, expected)


def test_layer_norm_loses_no_digits_far_from_0():
    x, gain = np.array([0.0, 1.0, 2.0, 5.0], "float32"), np.ones(4, "float32")
    z = layer_norm(x + 1e6, gain).array
    assert_allclose(z, layer_norm(x, gain).array, rtol=1e-5)


# docs/errors.md has the first case of each code.
@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        (
            [(2, 3), (3,), (1,)],
            r"bias \(1,\)",
        ),
        (
            [(2, 3), (2, 3)],
            "gain",
        ),
        (
            [(), (1,)],
            "x",
        ),
    ],
)
def test_layer_norm_refuses_shapes(shapes, message):
    with pytest.raises(mg.MinigradError, match=f"(?s)MG159.*{message}"):
        layer_norm(*map(np.ones, shapes))


@pytest.mark.parametrize(
    ("q", "k", "v", "causal"),
    [
        (
            (3, 2),
            (4, 2),
            (3, 2),
            False,
        ),
        (
            (3, 2),
            (4, 2),
            (4, 2),
            True,
        ),
        (
            (2,),
            (3, 2),
            (3, 2),
            False,
        ),
        (
            (2, 3, 2),
            (4, 3, 2),
            (3, 2),
            False,
        ),
    ],
)
def test_attention_refuses_shapes(q, k, v, causal):
    message = "MG160.*T = S" if causal else "MG160"
    with pytest.raises(mg.MinigradError, match=f"(?s){message}"):
        attention(*map(np.ones, (q, k, v)), causal=causal)


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (
            np.ones(2, bool),
            "MG160.*mask",
        ),
        (
            np.ones((5, 1, 3), bool),
            "MG160",
        ),
        (
            np.ones(3, int),
            "MG161.*int64",
        ),
    ],
)
def test_attention_refuses_masks(mask, message):
    x = np.ones((3, 2))
    with pytest.raises(mg.MinigradError, match=f"(?s){message}"):
        attention(x, x, x, mask)
