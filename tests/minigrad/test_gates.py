"""Every registered gate through one test: shapes, finite differences, purity, dtype, second
derivatives.

The finite differences here are this file's own, so that the gates and mg.gradcheck are judged
apart.
"""

from inspect import signature
from itertools import combinations
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.gate import GATES
from minigrad.gates import activation, convolution
from minigrad.gates.fused import recurrent, transformer, unfuse
from minigrad.gradients import dense
from minigrad.support import arrays as kernels
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
        float(np.max(np.abs(x - y) / np.maximum(1, np.abs(y)), initial=0.0))
        for x, y in pairs
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

    def directional(*moved):
        return np.sum(gate.value(*moved) * dz)

    expected = numeric_gradients(directional, arrays, wants(gate, arrays))
    assert worst(recorded_gradients(gate, arrays, dz), expected) < 1e-7, "the gradient"
    for a, kept in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(a, kept, "inputs are left as they were")

    narrow = [a.astype(np.float32) if a.dtype.kind == "f" else a for a in arrays]
    z32 = gate(*tensors(gate, narrow))
    assert isinstance(gate, mg.Cast) or z32.dtype == np.float32, "float32 stays float32"
    upstream = dz.astype(np.float32)
    upstream.setflags(write=False)  # no rule writes into it
    assert not gate.foreign
    for part in gate.backward(upstream, z32.array, *z32.node.arrays):
        part = dense(part() if callable(part) else part)
        assert part is None or part.dtype == np.float32, "and so does the gradient rule"


# Thresholds at which a gate changes its method. Its two values put small arrays on one side, and on
# the other.
THRESHOLDS = {
    (kernels, "BLOCK"): (1, 7),
    (kernels, "SPARSE_IDS"): (0, 1 << 20),
    (kernels, "RADIX_PLACES"): (0, 1 << 16),
    (kernels, "PLACES_PER_ADDITION"): (0, 1 << 20),
    (activation, "NO_OVERFLOW_BELOW"): (-1000, 40),
    (convolution, "BLOCK"): (1, 60),
    (recurrent, "BLOCK"): (1, 7),
    (transformer, "QUERIES"): (1, 2),
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
            np.testing.assert_array_equal(
                a, kept, err_msg=f"{name}: inputs are left as they were"
            )


@pytest.mark.parametrize("gate, arrays", CASES)
def test_second_derivative(gate, arrays):
    inputs = tensors(gate, arrays)
    wanted = [t for t in inputs if t.requires_grad]
    if not gate.differentiable_twice:
        with pytest.raises(mg.MinigradError, match="MG124"):
            mg.grad(gate(*inputs).sum(), inputs[:1], create_graph=True)
        return
    dz = cotangent(gate.shape(*[a.shape for a in arrays]))
    weights = [cotangent(a.shape, seed=5) for a in arrays]

    def directional(*moved):
        """Σ weights · gradient, by the rule on arrays, which test_gate holds against finite
        differences.
        """
        parts = recorded_gradients(gate, moved, dz)
        return sum(
            np.sum(w * g) for w, g in zip(weights, parts, strict=True) if g is not None
        )

    expected = numeric_gradients(directional, arrays, wants(gate, arrays))
    firsts = mg.grad(gate(*inputs), wanted, create_graph=True, upstream=dz)
    along = [w for w, t in zip(weights, inputs, strict=True) if t.requires_grad]
    total = sum((g * w).sum() for g, w in zip(firsts, along, strict=True))
    total += sum((0.0 * t).sum() for t in wanted)  # of a linear gate it is a constant
    found = [one.array for one in mg.grad(total, wanted)]
    assert worst(found, [one for one in expected if one is not None]) < 1e-6


def changeable(setting):
    """Return a setting as lists and arrays that the caller can change."""
    if isinstance(setting, (bool, str, slice, np.dtype, type(None), type(...))):
        return setting
    if isinstance(setting, (list, tuple)):
        return [changeable(one) for one in setting]
    return np.array(setting)


def change(setting):
    if isinstance(setting, list):
        for one in setting:
            change(one)
        setting.clear()
    elif isinstance(setting, np.ndarray):
        setting[...] = setting + 1 if setting.dtype != bool else ~setting


SETTINGS = [
    pytest.param(type(gate), settings, arrays, id=f"{name}-{number}")
    for name, cls in sorted(OWN.items())
    for number, (gate, arrays) in enumerate(cls.sample_inputs())
    for settings in [
        {k: vars(gate)[k] for k in signature(cls).parameters if k in vars(gate)}
    ]
    if settings
]


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("cls, settings, arrays", SETTINGS)
def test_settings_that_the_caller_changes_later(cls, settings, arrays, deep):
    """Lists and arrays instead of numbers and tuples: each is copied, or refused at once."""
    for name, setting in settings.items():
        given = changeable(setting)
        if not deep and isinstance(setting, (list, tuple)):
            given = [*setting]
        try:
            gate = cls(**{**settings, name: given})
            inputs = tensors(gate, arrays)
            z = gate(*inputs)
        except (
            TypeError,
            ValueError,
            IndexError,
        ):  # NumPy's and minigrad's errors are both
            continue
        wanted = [one for one in inputs if one.requires_grad]
        dz = cotangent(z.shape)
        before = mg.grad(z, wanted, upstream=dz)
        change(given)
        assert gate.value(*arrays) == pytest.approx(z.array, nan_ok=True)
        for one, other in zip(mg.grad(z, wanted, upstream=dz), before, strict=True):
            np.testing.assert_array_equal(one.array, other.array, err_msg=name)


X = np.random.default_rng(8).normal(size=(1, 2, 4, 4))


@pytest.mark.parametrize(
    ("function", "argument"),
    [
        (lambda x, a: mg.leaky_relu(x, a), np.array(0.1)),
        (lambda x, a: mg.layer_norm(x, np.ones(4), epsilon=a), np.array(0.1)),
        (lambda x, a: mg.scaled_dot_product_attention(x, x, x, scale=a), np.array(0.1)),
        (lambda x, a: mg.scaled_dot_product_attention(x, x, x, a), np.tri(4) > 0),
        (lambda x, a: mg.conv(x, X[:, :, 1:, 1:], stride=a), [1, 1]),
        (lambda x, a: mg.conv(x, X[:, :, 1:, 1:], padding=a), [1, 0]),
        (lambda x, a: mg.conv(x, a), X[:, :, 1:, 1:].copy()),
        (lambda x, a: mg.windows(x, a), [1, 2]),
        (lambda x, a: mg.windows(x, (1, 2), stride=a), [1, 2]),
        (lambda x, a: mg.max_pool(x, (2, 2), stride=a), [1, 2]),
        (lambda x, a: mg.pad(x, a), [[0, 0], [0, 0], [1, 0], [0, 1]]),
        (lambda x, a: x.transpose(a), [0, 1, 3, 2]),
        (lambda x, a: x.reshape(a), [4, 8]),
        (lambda x, a: np.broadcast_to(x, a), [3, 2, 4, 4]),
        (lambda x, a: x.sum(axis=a), [1, 2]),
        (lambda x, a: x[0, 0, a], [0, 1, 1]),
        (lambda x, a: x[0, 0, a], np.array([0, 1, 1])),
        (lambda x, a: x[a], X > 0),
        (lambda x, a: mg.where(a, x, 0.0), X > 0),
        (lambda x, a: mg.take_along_axis(x, a, axis=3), np.array([[[[0, 1]]]])),
        (lambda x, a: mg.lookup(x[0, 0], a), np.array([0, 1, 1])),
        (lambda x, a: mg.concatenate([x, a]), X.copy()),
        (lambda x, a: mg.einsum("ncij,ncij->n", x, a), X.copy()),
        (lambda x, a: mg.binary_cross_entropy(x, a), (X > 0).astype(float)),
        (lambda x, a: mg.mean_squared_error(x, a), X + 1),
        (lambda x, a: mg.softmax_cross_entropy(x[0, 0], a), np.array([0, 1, 2, 3])),
        (lambda x, a: mg.cross_entropy(x[0, 0], a), np.array([0, 1, 2, -100])),
        (
            lambda x, a: mg.softmax_cross_entropy(x[0, 0], [0, 1, 2, 3], weights=a),
            [1.0, 2, 3, 4],
        ),
        (
            lambda x, a: mg.RNNSequence(truncate=a)(x[0], X[0, 0, :2], X[0, 0]),
            np.array(2),
        ),
        (
            lambda x, a: mg.RNNSequence()(x[0], X[0, 0, :2], X[0, 0], a),
            np.ones((2, 4), bool),
        ),
    ],
)
def test_arguments_that_the_caller_changes_later(function, argument):
    x = mg.Tensor(X, requires_grad=True)
    z = function(x, argument)
    dz = cotangent(z.shape)
    before = mg.grad(z, x, upstream=dz)[0].array
    change(argument)
    np.testing.assert_array_equal(mg.grad(z, x, upstream=dz)[0].array, before)


def test_the_mean_of_losses_in_float16_whose_sum_would_overflow():
    errors = np.full(400, 200, np.float16)
    for function in (mg.mean_absolute_error, mg.binary_cross_entropy):
        loss = function(errors, 0 * errors)
        assert loss.dtype == np.float16 and loss.item() == 200


NORMAL = np.random.default_rng(1).normal(size=(2, 768))
ONES = np.ones((4096, 2))  # adding 1 to 2048 in float16 yields 2048


@pytest.mark.parametrize(
    ("function", "arrays"),
    [
        (mg.layer_norm, [12 * NORMAL, np.ones(768), np.zeros(768)]),
        (lambda x: x.var(), [12 * NORMAL]),
        (lambda x: x.std(), [600 * NORMAL]),
        (lambda x: x.sum(0), [ONES]),
        (lambda x: x.cumsum(0), [ONES]),
        (lambda x: x.logsumexp(0), [ONES]),
        (lambda x: mg.softmax(x, 0), [ONES]),
        (lambda x: mg.log_softmax(x, 0), [ONES]),
        (mg.gelu, [300 * NORMAL]),
        (mg.mean_squared_error, [np.array([300.0, 0.0]), np.zeros(2)]),
        (mg.scaled_dot_product_attention, [90 * NORMAL, 90 * NORMAL, NORMAL]),
        (
            lambda *x: mg.einsum("i,i,i->i", *x),
            [np.full(2, c) for c in (300.0, 300.0, 0.125)],
        ),
    ],
)
def test_float16_whose_squares_or_sums_would_overflow(function, arrays):
    narrow = [a.astype(np.float16) for a in arrays]
    z = function(*map(mg.Tensor, narrow))
    truth = function(*(mg.Tensor(a.astype(float)) for a in narrow)).array
    assert z.dtype == np.float16
    np.testing.assert_allclose(z.array, truth, rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16"])
@pytest.mark.parametrize("subscripts", ["ij,jk,kl->il", "ij,ij,ij", "kl,jk,ij->il"])
def test_einsum_of_integers_and_floats_does_not_overflow(subscripts, dtype):
    a, b = np.array([[10]], dtype), np.array([[30]], dtype)  # in int8, 10 · 30 is 44
    c = mg.Tensor([[1.0]], requires_grad=True)
    for operands in [(a, b, c), (a, c, b), (c, a, b)]:
        z = mg.einsum(subscripts, *operands)
        assert z.dtype == np.float32 and z.item() == 300
        assert mg.grad(z.sum(), c)[0].item() == 300
        assert mg.grad(z.sum(), c, create_graph=True)[0].item() == 300


DTYPES = ["bool", "uint8", "int8", "int16", "int64", "float16", "float32", "float64"]
STEEP = (
    "Exp",
    "Power",
    "RNNSequence",
    "GRUSequence",
    "LSTMSequence",
    "ScaledDotProductAttention",
)


def constant_of(gate, position, array, dtype):
    """Return a sample input in another dtype. The numbers are so large that squares and products of
    int8 overflow, except for gates that such numbers saturate.
    """
    if position in gate.constant_inputs:
        integers = array.dtype.kind == "i" and np.dtype(dtype).kind in "iu"
        return array.astype(dtype) if integers else array
    if gate.name == "NegativeLogLikelihood":  # of log probabilities, which are negative
        return (array * (dtype not in ("bool", "uint8"))).astype(dtype)
    array = array * (3 if gate.name in STEEP else 40)
    if np.dtype(dtype).kind == "f":
        return np.asarray(array, dtype)
    whole = np.rint(abs(array) if dtype == "uint8" else array).clip(-120, 120)
    return np.asarray(whole, dtype)


MIXED = [
    pytest.param(gate, arrays, [*parameters], id=f"{name}-{number}-{parameters}")
    for name, cls in sorted(OWN.items())
    for number, (gate, arrays) in enumerate(cls.sample_inputs())
    for places in [[k for k, want in enumerate(wants(gate, arrays)) if want]]
    for size in range(1, len(arrays))
    for parameters in combinations(places, size)
]


def recorded(z):
    return z


def value_and_derivatives(z, parameters, twice):
    """Return z, its gradients by rules on arrays and on Tensors, and the second derivatives."""
    dz = cotangent(z.shape).astype(z.dtype)
    found = [z, *mg.grad(z, parameters, upstream=dz)]
    if twice:
        firsts = mg.grad(z, parameters, upstream=dz, create_graph=True)
        total = sum(
            (g * cotangent(g.shape, seed=5).astype(g.dtype)).sum() for g in firsts
        )
        total += sum(
            (0.0 * t).sum() for t in parameters
        )  # of a linear gate it is a constant
        found += [*firsts, *mg.grad(total, parameters)]
    return [one.array for one in found]


@pytest.mark.parametrize("gate, arrays, places", MIXED)
def test_parameters_beside_constants_of_any_dtype(gate, arrays, places):
    def results(form, dtype, constants):
        inputs: list[Any] = [*constants]
        for k in places:
            inputs[k] = mg.Tensor(arrays[k].astype(dtype), requires_grad=True)
        twice = gate.differentiable_twice or form is mg.unfuse
        return value_and_derivatives(
            form(gate(*inputs)), [inputs[k] for k in places], twice
        )

    for form in [recorded, *[mg.unfuse] * (type(gate) in unfuse.UNFUSED)]:
        for kind in DTYPES:
            constants = [constant_of(gate, k, a, kind) for k, a in enumerate(arrays)]
            wide = [
                c if k in gate.constant_inputs else c.astype(float)
                for k, c in enumerate(constants)
            ]
            # test_gate and test_second_derivative hold float64 against finite differences
            expected = results(form, "float64", wide)
            for dtype in ("float32", "float64"):
                exact = dtype == "float64" and kind not in ("float16", "float32")
                for one, truth in zip(
                    results(form, dtype, constants), expected, strict=True
                ):
                    assert one.dtype in (np.float32, np.float64)
                    room = (1e-12 if exact else 5e-5) * max(
                        1, np.max(np.abs(truth), initial=0)
                    )
                    np.testing.assert_allclose(
                        one, truth, 0, room, err_msg=f"{kind} and {dtype}"
                    )


@pytest.mark.parametrize("kind", ["bool", "uint8", "int8", "int16", "float16"])
@pytest.mark.parametrize("gate, arrays", CASES)
def test_a_float_that_a_gate_computes_from_another_dtype(gate, arrays, kind):
    constants = [constant_of(gate, k, a, kind) for k, a in enumerate(arrays)]
    if kind == "bool" and gate.name in ("Negate", "Subtract"):
        pytest.skip("NumPy subtracts no booleans")
    z = gate(*constants).array
    if z.dtype.kind != "f" or isinstance(gate, mg.Cast):
        return  # integers are added and multiplied as in NumPy
    wide = [
        c if k in gate.constant_inputs else c.astype(float)
        for k, c in enumerate(constants)
    ]
    truth = gate(*wide).array
    assert (z.dtype == np.float16) == (
        kind == "float16" and gate.name != "LookupProduct"
    )
    close = 2e-3 if z.dtype == np.float16 else 1e-5 if kind == "float16" else 1e-12
    room = close * max(1, np.max(np.abs(truth), initial=0))
    np.testing.assert_allclose(z, truth.astype(z.dtype), 0, room)


# At other kinks: test_gates_pytorch.py.
@pytest.mark.parametrize(
    ("call", "x", "slope"),
    [
        ("x.max()", [2, 2, 1], [0.5, 0.5, 0]),
        ("x.clip(-1, 1)", [-2, -1, 1, 2], [0, 1, 1, 0]),  # the ends included
        ("x ** 2", [0, 2], [0, 4]),
        ("x ** 0", [0, 2], [0, 0]),
        ("np.array([3, 7], 'int8') ** x", [2, 3], [9 * np.log(3), 343 * np.log(7)]),
    ],
)  # fmt: skip
def test_gradients_by_hand(call, x, slope):
    x = mg.Tensor(np.array(x, float), requires_grad=True)
    eval(call).sum().backward()
    np.testing.assert_allclose(x.grad, slope, rtol=1e-14)


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (
            "mg.binary_cross_entropy([0.0], x)",
            "MG128",
        ),  # a constant input that wants a gradient
        (
            "mg.softmax_cross_entropy(np.zeros((2, 0)), [0, 0])",
            "(?s)MG154.*a model with more",
        ),
        ("mg.softmax_cross_entropy(np.zeros((2, 3)), [[0], [1]])", "MG152"),
        (
            "mg.cross_entropy(np.zeros((1, 2, 3)), [[0, 1]])",
            r"(?s)MG152.*\(1, 2, 3\).*\(1, 3\).*last axis",
        ),
        ("mg.softmax_cross_entropy(np.zeros((0, 3)), np.zeros(0, int))", "MG116"),
        ("mg.mean_squared_error(np.zeros((3, 1)), np.zeros(3))", "MG151"),
        ("mg.negative_log_likelihood([[2.0, -1.0]], [0])", "MG158"),
        (
            "x @ np.ones((3, 4))",
            "(?s)MG101.*MultiplyGate.*right operand with 1 rows, or a left operand with 3",
        ),
        (
            "np.ones((2, 3)) @ mg.Tensor(np.ones((2, 4)))",
            "(?s)MG101.*transpose the left",
        ),
        ("x @ 3.0", "MG108"),
        (
            "mg.LookupProduct()(np.ones((5, 3)), np.array([1]), np.ones((2, 2)), np.ones(2))",
            "MG101",
        ),
        (
            "mg.RNNSequence()(np.ones((2, 0, 1)), np.ones((2, 1)), np.ones((1, 1)))",
            "MG144",
        ),
        (
            "np.ones((3, 4)) + mg.Tensor(np.ones((3, 5)))",
            "(?s)MG101.*Add.*at the top level",
        ),
    ],
)
def test_what_does_not_fit_a_gate_is_refused(call, code):
    x = mg.Tensor([1.0], requires_grad=True)
    with pytest.raises(mg.MinigradError, match=code):
        eval(call, {"mg": mg, "np": np, "x": x})


@pytest.mark.parametrize("bound", [-1000, 40])
@pytest.mark.parametrize(
    ("dtype", "lowest"), [("float16", -16), ("float32", -100), ("float64", -740)]
)
def test_sigmoid_is_accurate_over_the_whole_range(monkeypatch, bound, dtype, lowest):
    monkeypatch.setattr(activation, "NO_OVERFLOW_BELOW", bound)
    for highest in (5, 60):  # without large elements and with
        x = np.linspace(lowest, highest, 5001).astype(dtype)
        e = np.exp(x.astype(np.longdouble))
        expected = e / (1 + e)
        z = mg.sigmoid(mg.Tensor(x)).array
        assert z.dtype == dtype
        assert (abs(z - expected) <= 4 * np.spacing(expected.astype(z.dtype))).all()
    ends = np.array([-np.inf, np.inf, np.nan, 1e4], dtype)
    np.testing.assert_array_equal(mg.sigmoid(mg.Tensor(ends)).array, [0, 1, np.nan, 1])


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_logsumexp_of_infinities(dtype):
    # as scipy.special.logsumexp and PyTorch have it
    rows = [
        [-INF, -INF, -INF],
        [INF, 1000, 0],
        [INF, INF, -INF],
        [-INF, 5, -INF],
        [np.nan, INF, 0],
    ]
    x = np.array(rows, dtype)
    z = mg.LogSumExp(1).forward(x)
    assert z.dtype == dtype
    np.testing.assert_array_equal(z, [-INF, INF, INF, 5, np.nan])
    (slope,) = mg.LogSumExp(1).backward(np.ones_like(z), z, x)
    assert slope.dtype == dtype
    np.testing.assert_array_equal(
        slope, [[0, 0, 0], [0, 0, 0], [0, 0, 0], [0, 1, 0], [np.nan] * 3]
    )


@pytest.mark.parametrize(
    ("dtype", "size"), [("float32", 3e6), ("float64", 3e15), ("float32", 3e37)]
)
def test_the_gradient_of_logsumexp_sums_to_1_at_any_size(dtype, size):
    x = mg.Tensor(np.array([[size, size], [size, -size]], dtype), requires_grad=True)
    (slope,) = mg.grad(mg.logsumexp(x, 1).sum(), x)
    np.testing.assert_allclose(slope.array, [[0.5, 0.5], [1.0, 0.0]], rtol=1e-6)


@pytest.mark.parametrize("junk", [np.nan, INF])
def test_where_passes_on_no_gradient_to_what_was_not_chosen_not_even_nan(junk):
    a, b = (mg.Tensor([1.0, 2.0], requires_grad=True) for _ in "ab")
    for upstream in ([junk, 3.0], [3.0, junk]):
        da, db = mg.grad(mg.where([True, False], a, b), [a, b], upstream=upstream)
        np.testing.assert_array_equal(da.array, [upstream[0], 0])
        np.testing.assert_array_equal(db.array, [0, upstream[1]])


@pytest.mark.parametrize("block", [1, 1 << 16])
@pytest.mark.parametrize(
    ("call", "value", "slope"),
    [
        ("mg.softmax(x)", [[0, 0.5, 0.5]], [[0, -0.25, 0.25]]),
        ("mg.log_softmax(x)", [[-INF, -np.log(2), -np.log(2)]], [[3, 1 - 3, 2 - 3]]),
        ("mg.softmax_cross_entropy(x, [1])", np.log(2), [[0, -0.5, 0.5]]),
        ("mg.softmax_cross_entropy(x, [0])", INF, [[-1, 0.5, 0.5]]),
    ],
)
def test_a_masked_logit(monkeypatch, block, call, value, slope):
    monkeypatch.setattr(kernels, "BLOCK", block)
    x = mg.Tensor(np.array([[-INF, 0.0, 0.0]]), requires_grad=True)
    z = eval(call, {"mg": mg, "x": x})
    np.testing.assert_allclose(z.array, value)
    (dx,) = mg.grad(z, x, upstream=np.array([[3.0, 1.0, 2.0]]) if z.shape else 1.0)
    np.testing.assert_allclose(dx.array, slope)


@pytest.mark.parametrize("shape", [(2, 0), (0, 2), (0, 0), (0,), (2, 0, 3)])
def test_softmax_of_nothing_is_nothing(shape):
    x = mg.Tensor(np.zeros(shape), requires_grad=True)
    for z in (mg.softmax(x), mg.log_softmax(x)):
        (slope,) = mg.grad(z, x, upstream=np.zeros(shape))
        assert z.shape == slope.shape == shape and z.dtype == np.float64
    if shape == (0, 0):
        assert (
            mg.softmax_cross_entropy(x, np.zeros(0, int), reduction="sum").item() == 0
        )


@pytest.mark.parametrize(
    ("gate", "shapes", "flops"),
    [
        # a multiplication and an addition each
        (mg.gates.Einsum("ij,jk"), [(2, 3), (3, 4)], 2 * (2 * 3 * 4)),
        # and 8 by element
        (
            mg.gates.RNNSequence(),
            [(5, 6, 4), (5, 4), (4, 4)],
            6 * (2 * (5 * 4 * 4) + 8 * (5 * 4)),
        ),
    ],
)
def test_operations_are_counted_as_by_hand(gate, shapes, flops):
    assert gate.flops(gate.shape(*shapes), *shapes) == flops


@pytest.mark.parametrize(
    "move",
    [
        "p", "p.astype('float32').T[0]", "mg.where(np.arange(4) > 1, p[:, 0], 0.0)",
        "mg.concatenate([np.zeros(4), p[:, 0]])",
    ],
)  # fmt: skip
def test_probabilities_that_were_only_moved_are_not_taken_for_logits(move):
    def moved(p):
        return eval(move, {"mg": mg, "np": np, "p": p})

    x = mg.Tensor(np.linspace(-1, 1, 4)[:, None], requires_grad=True)
    targets = np.ones(moved(x).shape)
    with pytest.raises(mg.MinigradError, match="MG157.*Sigmoid"):
        mg.binary_cross_entropy(moved(mg.sigmoid(x)), targets)
    with pytest.raises(mg.MinigradError, match="MG157.*Softmax"):
        mg.softmax_cross_entropy(
            moved(mg.softmax(x, axis=0)), targets[..., 0].astype(int)
        )
    mg.binary_cross_entropy(moved(2 * mg.sigmoid(x)), targets)


@pytest.mark.parametrize(
    "pick",
    [
        "mg.concatenate([p, z], 1)[:, 1:]",
        "mg.stack([p, z])[1]",
        "mg.where([[True, False]], p, z)[:, 1]",
    ],
)
def test_logits_beside_probabilities_in_one_output_are_taken(pick):
    x = mg.Tensor([[1.0], [2.0]], requires_grad=True)
    logits = eval(pick, {"mg": mg, "p": mg.sigmoid(x), "z": 2 * x})
    loss = mg.binary_cross_entropy(logits, np.ones(logits.shape))
    np.testing.assert_allclose(
        loss.item(), np.log1p(np.exp([-2.0, -4.0])).mean(), rtol=1e-6
    )


@pytest.mark.parametrize("size", [1e3, 1e30])
def test_nothing_overflows_for_huge_inputs(size):
    x = mg.Tensor(np.array([-size, size]), requires_grad=True)
    for z, value, slope in [
        (mg.softplus(x).sum(), size, [0, 1]),
        (mg.logsumexp(x), size, [0, 1]),
        (mg.binary_cross_entropy(x, [1, 1], reduction="sum"), size, [-1, 0]),
        (mg.softmax_cross_entropy(x, 0), 2 * size, [-1, 1]),
    ]:
        assert z.item() == value and mg.grad(z, x)[0].array.tolist() == slope


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "int64"])
@pytest.mark.parametrize(
    "call",
    [
        "mg.sigmoid(x)", "mg.softplus(x)", "mg.softmax(x)", "mg.log_softmax(x)", "mg.logsumexp(x)",
        "mg.mean_squared_error(x, other)", "mg.mean_absolute_error(x, other)",
        "mg.binary_cross_entropy(x, [[1, 0, 1]])", "mg.softmax_cross_entropy(x, [2])",
    ],
)  # fmt: skip
def test_integers_are_taken_as_float64_where_their_own_dtype_would_overflow(
    call, dtype
):
    x, other = (
        np.array([numbers]).astype(dtype) for numbers in ([0, 100, 1], [1, 120, 0])
    )
    z, wide = (
        eval(call, {"mg": mg, "other": other, "x": mg.Tensor(one)})
        for one in (x, x.astype(float))
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
    np.testing.assert_allclose(
        logarithm, [-20, -100], rtol=1e-3
    )  # at -100 z has 5 bits
    tail = [2.0611536e-09, 3.7835e-44]  # σ(-20) and σ(-100)
    cross_entropy = mg.binary_cross_entropy(x, [0, 0], reduction="none")
    for loss in (mg.sigmoid(x), mg.softplus(x), cross_entropy):
        x.grad = None
        loss.sum().backward()
        np.testing.assert_allclose(x.grad, tail, rtol=2e-6, atol=3e-45)


def test_sizes_axes_and_options_may_be_arrays():
    x = np.arange(12.0).reshape(1, 1, 12)
    sizes: list[Any] = [2, np.array(2), np.int8(2), [2], np.array([2])]
    two, one, axes = sizes[1], sizes[1] - 1, np.array([0, 2], "int8")
    for size in sizes:
        assert mg.max_pool(x, size).array.tolist() == [
            [[1.0, 3.0, 5.0, 7.0, 9.0, 11.0]]
        ]
    conv = mg.conv(x, np.ones((1, 1, 2)), two, one)
    assert conv.array.tolist() == [[[0.0, 3.0, 7.0, 11.0, 15.0, 19.0, 11.0]]]
    assert mg.expand_dims(x, axes.tolist()).shape == mg.expand_dims(x, axes).shape  # type: ignore[arg-type]


@pytest.mark.parametrize("option", ["causal", "keepdims"])
def test_an_option_that_the_caller_changes_later_keeps_its_value(option):
    x, on = (
        mg.Tensor(np.arange(6.0).reshape(3, 2) / 6, requires_grad=True),
        np.array(True),
    )
    functions = {
        "causal": lambda on: mg.scaled_dot_product_attention(x, x, x, causal=on),
        "keepdims": lambda on: x.sum(1, keepdims=on) * x,
    }
    z = functions[option](on)
    on[...] = False
    (changed,) = mg.grad((z * z).sum(), x)
    z = functions[option](True)
    (expected,) = mg.grad((z * z).sum(), x)
    np.testing.assert_array_equal(changed.array, expected.array)


def test_a_bound_of_a_slice_that_the_caller_changes_later_keeps_its_value():
    x, start = mg.Tensor(np.arange(4.0), requires_grad=True), np.array(1)
    for part in (x[start:], x[None, start:], x[start:None:None]):
        start[...] = 0
        (gradient,) = mg.grad(part.sum(), x)
        assert gradient.array.tolist() == [0.0, 1.0, 1.0, 1.0]
        start[...] = 1


def test_the_slope_of_a_power_by_its_exponent_has_the_exponent_s_digits():
    base = np.array(1.125, np.float16)
    exponent = mg.Tensor(np.array(0.3), requires_grad=True)
    (slope,) = mg.grad(mg.Tensor(base) ** exponent, [exponent])
    assert slope.item() == pytest.approx(1.125**0.3 * np.log(1.125), rel=1e-14)
