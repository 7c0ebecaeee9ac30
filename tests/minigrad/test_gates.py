"""Every registered gate through one test: shapes, finite differences, purity, dtype, second
derivatives.

The finite differences here are this file's own, so that the gates and mg.gradcheck are judged
apart.
"""

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.fast import kernels as array_helpers
from minigrad.gate import GATES
from minigrad.gates import activation
from minigrad.gates.fused import sequence
from minigrad.graph import dense
from tests.layouts import LAYOUTS

INF = np.inf
OWN = {
    name: gate
    for name, gate in GATES.items()
    if gate.__module__.startswith("minigrad.gates.") and name[0] != "_"
}
CASES = [
    pytest.param(gate, arrays, id=f"{name}-{number}")
    for name, cls in sorted(OWN.items())
    for number, (gate, arrays) in enumerate(cls.sample_inputs())
]
REFUSED = [
    pytest.param(gate, arrays, error, id=f"{name}-{number}")
    for name, cls in sorted(OWN.items())
    for number, (gate, arrays, error) in enumerate(cls.error_inputs())
]


def wants(gate, arrays):
    return [
        a.dtype.kind == "f" and position not in gate.constant_inputs
        for position, a in enumerate(arrays)
    ]


def tensors(gate, arrays):
    return [
        mg.Tensor(a, requires_grad=want)
        for a, want in zip(arrays, wants(gate, arrays), strict=True)
    ]


def as_constant(value):
    return mg.Tensor(value) if isinstance(value, np.ndarray) else value


def cotangent(shape, seed=0):
    # Random, never ones: softmax passes a check of the plain sum with a backward of zeros.
    return np.random.default_rng(seed).normal(size=shape)


def numeric_gradients(function, arrays, which, step=1e-6):
    """Central differences of a scalar function, element by element."""
    gradients: list[Any] = []  # None where none is wanted
    for position, wanted in enumerate(which):
        if not wanted:
            gradients.append(None)
            continue
        gradient = np.zeros(arrays[position].shape)
        for index in np.ndindex(*gradient.shape):
            values = []
            for sign in (1, -1):
                moved = [a.copy() for a in arrays]
                moved[position][index] += sign * step
                values.append(function(*moved))
            gradient[index] = (values[0] - values[1]) / (2 * step)
        gradients.append(gradient)
    return gradients


def recorded_gradients(gate, arrays, dz):
    inputs = tensors(gate, arrays)
    gate(*inputs).backward(dz)
    return [t.grad for t in inputs]


def worst(a, b):
    pairs = [(x, y) for x, y in zip(a, b, strict=True) if y is not None]
    return max(
        float(np.max(np.abs(x - y) / np.maximum(1, np.abs(y)), initial=0.0)) for x, y in pairs
    )


def test_every_gate_has_samples_and_a_symbol_and_a_docstring():
    for name, cls in OWN.items():
        assert list(cls.sample_inputs()), f"{name} has no samples"
        assert cls.symbol, f"{name} has no symbol"
        assert cls.__doc__, f"{name} has no docstring"


@pytest.mark.parametrize("gate, arrays", CASES)
def test_gate(gate, arrays):
    before = [a.copy() for a in arrays]
    z = gate.value(*arrays)
    assert np.shape(z) == gate.shape(*[a.shape for a in arrays]), "the shape rule"
    dz = cotangent(np.shape(z))

    expected = numeric_gradients(
        lambda *moved: np.sum(gate.value(*moved) * dz), arrays, wants(gate, arrays)
    )
    recorded = recorded_gradients(gate, arrays, dz)
    assert worst(recorded, expected) < 1e-7, "the gradient"
    for a, kept in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(a, kept, "inputs are left as they were")

    narrow = [a.astype(np.float32) if a.dtype.kind == "f" else a for a in arrays]
    inputs = tensors(gate, narrow)
    z32 = gate(*inputs)
    z32.backward(dz.astype(np.float32))
    assert z32.dtype == (gate.dtype if isinstance(gate, mg.Cast) else np.float32), (
        "float32 stays float32"
    )
    assert all(t.grad.dtype == np.float32 for t in inputs if t.requires_grad)
    upstream = dz.astype(np.float32)
    upstream.setflags(write=False)  # no rule writes into it
    assert not gate.foreign
    for part in gate.backward(upstream, z32.array, *z32.node.arrays):
        part = part() if callable(part) else part
        part = dense(part)
        assert part is None or part.dtype == np.float32, "and so does the gradient rule"


# Thresholds at which a gate changes its method. Its two values put small arrays on one side, and on
# the other.
THRESHOLDS = {
    (array_helpers, "BLOCK"): (1, 7),
    (array_helpers, "SPARSE_IDS"): (0, 1 << 20),
    (array_helpers, "RADIX_PLACES"): (0, 1 << 16),
    (array_helpers, "PLACES_PER_ADDITION"): (0, 1 << 20),
    (activation, "NO_OVERFLOW_BELOW"): (-1000, 11),
    (sequence, "BLOCK"): (1, 7),
}


@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize("gate, arrays", CASES)
def test_gate_on_arrays_in_any_layout_by_every_method(monkeypatch, gate, arrays, side):
    def run(arrays, layout):
        z = gate.forward(*arrays)
        z, saved = (z[0], z[1:]) if isinstance(z, tuple) else (np.asarray(z), ())
        dz = cotangent(np.shape(z))
        parts = gate.backward(layout(dz) if dz.ndim else dz, z, *arrays, *saved)
        parts = [part() if callable(part) else part for part in parts]
        return [z, *(dense(part) for part in parts if part is not None)]

    expected = run(arrays, np.asarray)
    for (module, constant), values in THRESHOLDS.items():
        monkeypatch.setattr(module, constant, values[side])
    for name, layout in LAYOUTS.items():
        given = [layout(a) if a.ndim else a for a in arrays]
        for one, other in zip(run(given, layout), expected, strict=True):
            assert np.shape(one) == np.shape(other), name
            np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-12, err_msg=name)
        for a, kept in zip(given, arrays, strict=True):
            np.testing.assert_array_equal(a, kept, err_msg=f"{name}: inputs are left as they were")


@pytest.mark.parametrize("gate, arrays", CASES)
def test_second_derivative(gate, arrays):
    if not gate.differentiable_twice:
        inputs = tensors(gate, arrays)
        with pytest.raises(mg.MinigradError, match="MG124"):
            mg.grad(gate(*inputs).sum(), inputs[:1], create_graph=True)
        return
    which = wants(gate, arrays)
    dz = cotangent(gate.shape(*[a.shape for a in arrays]))
    weights = [cotangent(a.shape, seed=5) for a in arrays]

    def directional(*moved):
        """Σ weights · gradient, by the rule on arrays, which test_gate holds against finite
        differences.
        """
        parts = recorded_gradients(gate, moved, dz)
        return sum(np.sum(w * g) for w, g in zip(weights, parts, strict=True) if g is not None)

    expected = numeric_gradients(directional, arrays, which)
    inputs = tensors(gate, arrays)
    wanted = [t for t in inputs if t.requires_grad]
    firsts = mg.grad(gate(*inputs), wanted, create_graph=True, upstream=dz)
    along = [w for w, want in zip(weights, which, strict=True) if want]
    total = sum((g * w).sum() for g, w in zip(firsts, along, strict=True))
    if total.requires_grad:
        found = iter(mg.grad(total, wanted))
        recorded = [next(found).array if want else None for want in which]
    else:  # a linear gate: the gradient does not depend on the inputs, and the expected values below are zeros
        recorded = [
            np.zeros(a.shape) if want else None for a, want in zip(arrays, which, strict=True)
        ]
    assert worst(recorded, expected) < 1e-6


@pytest.mark.parametrize("gate, arrays, error", REFUSED)
def test_refused_inputs(gate, arrays, error):
    with pytest.raises(error) as caught:
        gate(*arrays)
    assert gate.name in str(caught.value)
    assert caught.value.code.startswith("MG") and caught.value.cause and caught.value.remedy
    assert "the top level" in caught.value.where


def test_the_mean_of_losses_in_float16_whose_sum_would_overflow():
    errors = np.full(400, 200, np.float16)
    for function in (mg.mean_absolute_error, mg.binary_cross_entropy):
        loss = function(errors, 0 * errors)
        assert loss.dtype == np.float16 and loss.item() == 200


# At other kinks: test_gates_pytorch.py.
@pytest.mark.parametrize(
    ("call", "x", "slope"),
    [
        ("x.max()", [2, 2, 1], [0.5, 0.5, 0]),
        ("x.clip(-1, 1)", [-2, -1, 0, 1, 2], [0, 1, 1, 1, 0]),  # the ends included
        ("mg.leaky_relu(x, 0.5)", [-1, 0, 1], [0.5, 0.5, 1]),
        ("x ** 2", [0, 2], [0, 4]),
        ("x ** 1", [0, 2], [1, 1]),
        ("x ** 0", [0, 2], [0, 0]),
        ("np.array([3, 7], 'int8') ** x", [2, 3], [9 * np.log(3), 343 * np.log(7)]),
        # Each example's loss is ln 2, and its slope one half, weighted 1 and 3 of 4.
        (
            "mg.softmax_cross_entropy(x, [0, 1], weights=[1.0, 3.0])",
            [[0, 0]] * 2,
            [[-1 / 8, 1 / 8], [3 / 8, -3 / 8]],
        ),
        ("mg.binary_cross_entropy(x, [0, 1], weights=[1.0, 3.0])", [0, 0], [1 / 8, -3 / 8]),
        ("mg.logsumexp(x)", [-INF, 0, 0], [0, 0.5, 0.5]),
    ],
)
def test_gradients_by_hand(call, x, slope):
    x = mg.Tensor(np.array(x, float), requires_grad=True)
    eval(call).sum().backward()
    np.testing.assert_allclose(x.grad, slope, rtol=1e-14)


@pytest.mark.parametrize(
    ("call", "code"),
    [
        ("mg.binary_cross_entropy([0.0], x)", "MG128"),  # a constant input that wants a gradient
        (
            "mg.softmax_cross_entropy(np.zeros((2, 0)), [0, 0])",
            "(?s)MG154.*remedy: use a model with more",
        ),
        ("mg.negative_log_likelihood([[2.0, -1.0]], [0])", "MG158"),
    ],
)
def test_what_a_loss_refuses(call, code):
    x = mg.Tensor([1.0], requires_grad=True)
    with pytest.raises(mg.MinigradError, match=code):
        eval(call, {"mg": mg, "np": np, "x": x})
    assert mg.negative_log_likelihood(mg.log(np.array([[1.0 + 1e-7, 1e-9]])), [0]).item() < 1e-6


@pytest.mark.parametrize("bound", [-1000, 11])
@pytest.mark.parametrize(
    ("dtype", "lowest"), [("float16", -16), ("float32", -100), ("float64", -740)]
)
def test_sigmoid_is_accurate_over_the_whole_range(monkeypatch, bound, dtype, lowest):
    monkeypatch.setattr(activation, "NO_OVERFLOW_BELOW", bound)
    x = np.linspace(lowest, 60, 5001).astype(dtype)
    e = np.exp(x.astype(np.longdouble))
    expected = e / (1 + e)
    for given in (x, x[:2500]):  # with large elements and without
        z = mg.sigmoid(mg.Tensor(given)).array
        assert z.dtype == dtype
        assert (
            abs(z - expected[: len(z)]) <= 4 * np.spacing(expected.astype(dtype))[: len(z)]
        ).all()
    ends = np.array([-np.inf, np.inf, np.nan, 1e4], dtype)
    np.testing.assert_array_equal(mg.sigmoid(mg.Tensor(ends)).array, [0, 1, np.nan, 1])


def test_the_tail_of_the_sigmoid_in_rules():
    x = mg.Tensor([-20.0, -100.0], requires_grad=True)  # float32
    for loss in (
        mg.sigmoid(x),
        mg.softplus(x),
        mg.binary_cross_entropy(x, [0, 0], reduction="none"),
    ):
        (slope,) = mg.grad(loss.sum(), x)
        np.testing.assert_allclose(slope.array, [2.0611536e-09, 3.7835e-44], rtol=2e-6, atol=3e-45)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_logsumexp_of_infinities(dtype):
    # as scipy.special.logsumexp and PyTorch have it
    rows = [[-INF, -INF, -INF], [INF, 1000, 0], [INF, INF, -INF], [-INF, 5, -INF], [np.nan, INF, 0]]
    x = np.array(rows, dtype)
    z = mg.LogSumExp(1).forward(x)
    assert z.dtype == dtype
    np.testing.assert_array_equal(z, [-INF, INF, INF, 5, np.nan])
    (slope,) = mg.LogSumExp(1).backward(np.ones_like(z), z, x)
    assert slope.dtype == dtype
    np.testing.assert_array_equal(slope, [[0, 0, 0], [0, 0, 0], [0, 0, 0], [0, 1, 0], [np.nan] * 3])


@pytest.mark.parametrize(
    ("dtype", "size"), [("float32", 3e6), ("float64", 3e15), ("float32", 3e37)]
)
@pytest.mark.parametrize("create_graph", [False, True])
def test_the_gradient_of_logsumexp_sums_to_1_at_any_size(dtype, size, create_graph):
    x = mg.Tensor(
        np.array([[size, size], [-size, -size], [size, -size]], dtype), requires_grad=True
    )
    (slope,) = mg.grad(mg.logsumexp(x, 1), x, create_graph=create_graph, upstream=np.ones(3))
    np.testing.assert_allclose(slope.array, [[0.5, 0.5], [0.5, 0.5], [1.0, 0.0]], rtol=1e-6)


@pytest.mark.parametrize("junk", [np.nan, INF])
@pytest.mark.parametrize("create_graph", [False, True])
def test_where_passes_on_no_gradient_to_what_was_not_chosen_not_even_nan(junk, create_graph):
    a, b = (mg.Tensor([1.0, 2.0], requires_grad=True) for _ in "ab")
    z = mg.where([True, False], a, b)
    for upstream in ([junk, 3.0], [3.0, junk]):
        da, db = mg.grad(z, [a, b], upstream=upstream, create_graph=create_graph)
        np.testing.assert_array_equal(da.array, [upstream[0], 0])
        np.testing.assert_array_equal(db.array, [0, upstream[1]])


@pytest.mark.parametrize("block", [1, 1 << 16])
def test_a_masked_logit(monkeypatch, block):
    monkeypatch.setattr(array_helpers, "BLOCK", block)
    x = mg.Tensor(np.array([[-INF, 0.0, 0.0]]), requires_grad=True)
    np.testing.assert_array_equal(mg.softmax(x).array, [[0, 0.5, 0.5]])
    np.testing.assert_allclose(mg.log_softmax(x).array, [[-INF, -np.log(2), -np.log(2)]])
    dz = np.array([[3.0, 1.0, 2.0]])
    z: Any
    slope: Any
    for function, slope in [
        (mg.softmax, [[0, -0.25, 0.25]]),
        (mg.log_softmax, [[3, 1 - 3, 2 - 3]]),
    ]:
        np.testing.assert_allclose(mg.grad(function(x), x, upstream=dz)[0].array, slope)
    for label, z, slope in [(1, np.log(2), [[0, -0.5, 0.5]]), (0, INF, [[-1, 0.5, 0.5]])]:
        loss = mg.softmax_cross_entropy(x, [label], reduction="none")
        np.testing.assert_allclose(loss.array, [z])
        np.testing.assert_allclose(mg.grad(loss, x, upstream=np.ones(1))[0].array, slope)


@pytest.mark.parametrize("shape", [(2, 0), (0, 2), (0, 0), (0,), (2, 0, 3)])
def test_softmax_of_nothing_is_nothing(shape):
    x = mg.Tensor(np.zeros(shape), requires_grad=True)
    for z in (mg.softmax(x), mg.log_softmax(x)):
        (slope,) = mg.grad(z, x, upstream=np.zeros(shape))
        assert z.shape == slope.shape == shape and z.dtype == np.float64
    if shape == (0, 0):
        assert mg.softmax_cross_entropy(x, np.zeros(0, int), reduction="sum").item() == 0


def test_changing_the_lists_that_a_gate_was_given_changes_nothing():
    x = mg.Tensor(np.ones(3), requires_grad=True)
    widths, indices, weights = [1, 2], np.array([0, 2]), [1.0, 2.0]
    loss = (mg.pad(x, widths) * np.arange(6.0)).sum() + mg.take_along_axis(x, indices).sum()
    loss = loss + mg.negative_log_likelihood(-x[:2].reshape(1, 2), [0], weights=weights)
    widths[0], indices[0], weights[0] = 3, 1, 9.0
    loss.backward()
    np.testing.assert_array_equal(x.grad, [1 + 1 + 1, 2, 3 + 1])


@pytest.mark.parametrize(
    ("gate", "shapes", "flops"),
    [
        # a multiplication and an addition each
        (mg.gates.Einsum("ij,jk"), [(2, 3), (3, 4)], 2 * (2 * 3 * 4)),
        (mg.gates.LookupProduct(), [(9, 5), (2, 3), (5, 4), (4,)], 2 * (2 * 3 * 5 * 4)),
        (mg.gates.CumSum(0), [(2, 3)], 2 * 3),
        (mg.gates.Softmax(), [(2, 3)], 5 * (2 * 3)),
        # and 8 by element
        (mg.gates.RNNSequence(), [(5, 6, 4), (5, 4), (4, 4)], 6 * (2 * (5 * 4 * 4) + 8 * (5 * 4))),
    ],
)
def test_operations_are_counted_as_by_hand(gate, shapes, flops):
    assert gate.flops(gate.shape(*shapes), *shapes) == flops


@pytest.mark.parametrize(
    "move",
    [
        lambda p: p, lambda p: p.astype("float32").T[0], lambda p: mg.where(np.arange(4) > 1, p[:, 0], 0.0),
        lambda p: mg.concatenate([np.zeros(4), p[:, 0]]),
    ],
)  # fmt: skip
def test_probabilities_that_were_only_moved_are_not_taken_for_logits(move):
    x = mg.Tensor(np.linspace(-1, 1, 4)[:, None], requires_grad=True)
    with pytest.raises(mg.MinigradError, match="MG157.*Sigmoid"):
        mg.binary_cross_entropy(move(mg.sigmoid(x)), np.ones(move(x).shape))
    with pytest.raises(mg.MinigradError, match="MG157.*Softmax"):
        mg.softmax_cross_entropy(move(mg.softmax(x, axis=0)), np.zeros(move(x).shape[:-1], int))
    mg.binary_cross_entropy(move(2 * mg.sigmoid(x)), np.ones(move(x).shape))


@pytest.mark.parametrize("pick", [lambda p, z: mg.concatenate([p, z], 1)[:, 1:], lambda p, z: mg.stack([p, z])[1],
                                  lambda p, z: mg.where([[True, False]], p, z)[:, 1]])  # fmt: skip
def test_logits_beside_probabilities_in_one_output_are_taken(pick):
    x = mg.Tensor([[1.0], [2.0]], requires_grad=True)
    logits = pick(mg.sigmoid(x), 2 * x)
    loss = mg.binary_cross_entropy(logits, np.ones(logits.shape))
    np.testing.assert_allclose(loss.item(), np.log1p(np.exp([-2.0, -4.0])).mean(), rtol=1e-6)


@pytest.mark.parametrize("size", [1e3, 1e30])
def test_nothing_overflows_for_huge_inputs(size):
    x = mg.Tensor(np.array([-size, size]), requires_grad=True)
    for z, value, slope in [
        (mg.softplus(x), [0, size], [0, 1]),
        (mg.logsumexp(x), size, [0, 1]),
        (mg.binary_cross_entropy(x, [1, 1], reduction="none"), [size, 0], [-1, 0]),
        (mg.softmax_cross_entropy(x, 0), 2 * size, [-1, 1]),
    ]:
        np.testing.assert_array_equal(z.array, value)
        np.testing.assert_array_equal(mg.grad(z.sum(), x)[0].array, slope)


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "int64"])
@pytest.mark.parametrize(
    "call",
    [
        "mg.sigmoid(x)", "mg.softplus(x)", "mg.softmax(x)", "mg.log_softmax(x)", "mg.logsumexp(x)",
        "mg.mean_squared_error(x, other)", "mg.mean_absolute_error(x, other)",
        "mg.binary_cross_entropy(x, [[1, 0, 1]])", "mg.softmax_cross_entropy(x, [2])",
    ],
)  # fmt: skip
def test_integers_are_taken_as_float64_where_their_own_dtype_would_overflow(call, dtype):
    x, other = (np.array([numbers]).astype(dtype) for numbers in ([0, 100, 1], [1, 120, 0]))
    z, wide = (
        eval(call, {"mg": mg, "other": other, "x": mg.Tensor(one)}) for one in (x, x.astype(float))
    )
    assert z.dtype == np.float64
    np.testing.assert_allclose(z.array, wide.array, rtol=1e-15)


def test_the_gradient_of_many_logits_that_come_time_first_as_from_a_recurrent_layer():
    x = mg.Tensor(np.zeros((4, 300, 64)), requires_grad=True)
    by_example = (2 * x).transpose(1, 0, 2)
    labels = np.zeros((300, 4), int)
    mg.softmax_cross_entropy(by_example, labels, reduction="sum").backward()
    assert x.grad is not None
    slope = 2 * (1 / 64 - (np.arange(64) == 0))
    np.testing.assert_allclose(x.grad, np.broadcast_to(slope, x.shape), rtol=1e-12)


def test_the_sigmoid_s_tail_in_rules_and_logarithms():
    x = mg.Tensor([-20.0, -100.0], requires_grad=True)  # float32
    logarithm = mg.log(mg.sigmoid(x)).array
    np.testing.assert_allclose(logarithm, [-20, -100], rtol=1e-3)  # at -100 z has 5 bits
    tail = [2.0611536e-09, 3.7835e-44]  # σ(-20) and σ(-100)
    cross_entropy = mg.binary_cross_entropy(x, [0, 0], reduction="none")
    for loss in (mg.sigmoid(x), mg.softplus(x), cross_entropy):
        x.grad = None
        loss.sum().backward()
        np.testing.assert_allclose(x.grad, tail, rtol=2e-6, atol=3e-45)
