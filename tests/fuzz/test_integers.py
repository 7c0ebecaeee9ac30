"""Integers of every width, booleans and float16 in every gate and layer, against float64: values, first
and second derivatives, fused and unfused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import layers as nn
import minigrad as mg
from minigrad.gates.fused.unfuse import UNFUSED

from .strategies import (
    FLOATS,
    PARAMETERS,
    SIGNED,
    UNSIGNED,
    WHOLE,
    Array,
    Results,
    arrays,
    derivatives,
    require_near,
)

pytestmark = pytest.mark.filterwarnings(
    "ignore::RuntimeWarning"
)  # numbers may be extreme


# ---- gates ----

SAMPLES = {
    name: list(gate.sample_inputs())
    for name, gate in sorted(mg.GATES.items())
    if gate.__module__.startswith("minigrad.gates.") and name[0] != "_"
}
LABELLED = mg.SoftmaxCrossEntropy, mg.NegativeLogLikelihood
LOSSES = *LABELLED, mg.BinaryCrossEntropy, mg.MeanSquaredError, mg.MeanAbsoluteError
for one in LABELLED:  # two examples of two classes, whose labels may be booleans
    SAMPLES[one.__name__] += [
        (one(reduction, weights), (-np.ones((2, 2)), np.array([0, 1])))
        for reduction in ("mean", "sum", "none")
        for weights in ([0.5, 2.0], [4.0, 1.0])
    ]


@dataclass
class GateCase:
    """A gate and its inputs, of which some have gradients."""

    gate: Any
    inputs: list[Array]
    free: list[int]
    """The positions of inputs that are numbers, not labels, ids or masks."""
    parameters: list[int]
    plain: list[Any]
    """The usual dtypes of labels, ids and masks, with which the gate is compared."""
    unfuse: bool = False


@st.composite
def gate_cases(draw: Any, names: list[str]) -> GateCase:
    """A gate with inputs of the shapes, signs and ranges of its samples."""
    name = draw(st.sampled_from(names))
    gate, samples = draw(st.sampled_from(SAMPLES[name]))
    free = [
        position
        for position, sample in enumerate(samples)
        if sample.dtype.kind == "f" and position not in gate.constant_inputs
    ]
    parameter = draw(st.sampled_from(free))
    # float32 has too few digits where large numbers cancel, and so has a saturated recurrent gate
    large = not isinstance(gate, SEQUENCES) and draw(st.booleans())
    floats, wanted = (["float64"], ["float64"]) if large else (FLOATS, PARAMETERS)
    # the difference of two narrow integers may leave their type
    narrow = (
        draw(st.none() | st.sampled_from(NARROW)) if isinstance(gate, LOSSES) else None
    )
    inputs, parameters = [], []
    for position, sample in enumerate(samples):
        if isinstance(gate, LABELLED) and position not in free:
            classes = samples[0].shape[-1]
            kinds = st.sampled_from([*SIGNED, *UNSIGNED])
            dtype = draw(kinds | st.just("bool") if classes == 2 else kinds)
            inputs.append(draw(arrays(dtype, sample.shape, 0, classes - 1, False)))
            continue
        if position not in free:
            inputs.append(draw(constants(gate, sample)))
            continue
        if narrow:
            high = 0 if isinstance(gate, mg.NegativeLogLikelihood) else 4
            dtype = "int8" if high == 0 else narrow
            inputs.append(draw(arrays(dtype, sample.shape, -4, high)))
            continue
        is_parameter = position == parameter and (
            len(samples) > 1 or draw(st.booleans())
        )
        dtype = draw(st.sampled_from(wanted if is_parameter else [*WHOLE, *floats]))
        low, high = (1 if sample.min(initial=1) > 0 else -4), 4
        if isinstance(gate, mg.NegativeLogLikelihood):
            high = 0
            dtype = "int8" if dtype == "uint8" else dtype
        if isinstance(gate, mg.Pad) and gate.constant % 1 and dtype in WHOLE:
            dtype = (
                "float16"  # np.pad rounds its constant to x's dtype, and so does mg.pad
            )
        inputs.append(draw(arrays(dtype, sample.shape, low, high, large)))
        if is_parameter or (dtype in PARAMETERS and draw(st.booleans())):
            parameters.append(position)
    plain = [sample.dtype for sample in samples]
    return GateCase(
        gate,
        inputs,
        free,
        parameters,
        plain,
        type(gate) in UNFUSED and draw(st.booleans()),
    )


def constants(gate: Any, sample: Array) -> Any:
    """Labels, ids, masks, conditions and targets in another dtype, with the sample's numbers."""
    if isinstance(gate, mg.ScaledDotProductAttention):
        return st.just(sample)  # refuses all but booleans
    if isinstance(gate, mg.BinaryCrossEntropy):
        return st.sampled_from([*WHOLE, *FLOATS]).map(
            lambda dtype: sample.astype(dtype)
        )
    kinds = [*SIGNED, *UNSIGNED]
    if sample.dtype == bool or isinstance(gate, (mg.Where, *SEQUENCES)):
        kinds = [*WHOLE, *FLOATS]
    return st.sampled_from(kinds).map(lambda dtype: sample.astype(dtype))


NARROW = ["bool", "int8", "uint8", "int16", "uint16"]
SEQUENCES = mg.RNNSequence, mg.GRUSequence, mg.LSTMSequence


def run_gate(case: GateCase, inputs: list[Array]) -> Results:
    leaves = {
        f"input {position}": mg.Tensor(one, requires_grad=position in case.parameters)
        for position, one in enumerate(inputs)
    }
    twice = case.unfuse or case.gate.differentiable_twice
    return derivatives(
        lambda: case.gate(*leaves.values()), leaves, twice, unfuse=case.unfuse
    )


@settings(max_examples=600)
@given(
    st.sampled_from(
        [
            list(SAMPLES),
            *([one.__name__ for one in some] for some in (LOSSES, LABELLED)),
        ]
    ).flatmap(gate_cases)
)
def test_gates_of_integers_and_float16(case):
    if isinstance(case.gate, (mg.Negate, mg.Subtract)) and all(
        one.dtype == bool for one in case.inputs
    ):  # NumPy has no - for booleans
        with pytest.raises(mg.MinigradError, match="MG106"):
            case.gate(*case.inputs)
        return

    def exactly(change: Any) -> Results:
        inputs = [
            change(one.astype(float)) if position in case.free else one.astype(plain)
            for position, (one, plain) in enumerate(
                zip(case.inputs, case.plain, strict=True)
            )
        ]
        return run_gate(case, inputs)

    require_near(
        run_gate(case, case.inputs), exactly, [one.dtype for one in case.inputs]
    )


THREE: dict[str, Any] = {
    "attention": mg.scaled_dot_product_attention,
    "where": lambda q, k, v: mg.where(q > 0, k, v),
    "einsum": lambda q, k, v: mg.einsum("ij,jk,ik->i", q, k, v),
    "concatenate": lambda q, k, v: mg.concatenate([q, k, v]),
    "stack": lambda q, k, v: mg.stack([q, k, v]),
    "layer_norm": lambda q, k, v: mg.layer_norm(q, k[0], v[0]),
}


@st.composite
def three_inputs(draw: Any) -> tuple[str, list[Array]]:
    """A gate of three inputs, each in a dtype of its own."""
    name = draw(st.sampled_from(list(THREE)))
    dtypes = draw(st.tuples(*[st.sampled_from(WHOLE) | st.sampled_from(FLOATS)] * 3))
    if (
        name == "attention"
    ):  # integers as values, and as keys of float16, take the others' dtype
        dtypes = (*dtypes[:2], draw(st.sampled_from(FLOATS)))
    if dtypes[0] == "float16" and name == "attention":
        dtypes = (dtypes[0], draw(st.sampled_from(FLOATS)), dtypes[2])
    if name == "layer_norm":
        dtypes = tuple(draw(st.sampled_from(["float16", "float32"])) for _ in dtypes)
    return name, [draw(arrays(dtype, (3, 3), -4, 4, False)) for dtype in dtypes]


@settings(max_examples=150)
@given(three_inputs())
def test_three_inputs_of_mixed_dtypes(case):
    name, inputs = case

    def run(inputs: list[Array]) -> Results:
        leaves = {
            f"input {number}": mg.Tensor(one, requires_grad=dtype in PARAMETERS)
            for number, (one, dtype) in enumerate(zip(inputs, dtypes, strict=True))
        }
        return derivatives(lambda: THREE[name](*leaves.values()), leaves)

    dtypes = [str(one.dtype) for one in inputs]
    found = run(inputs)
    kinds = dtypes
    if name == "attention":  # computed on floats
        kinds = ["float64" if one in WHOLE else one for one in kinds]
    expected = np.result_type(*map(np.dtype, kinds[1:] if name == "where" else kinds))
    kind = found["value"].dtype
    assert kind == expected, f"{name} of {dtypes} is {kind}, not {expected}"
    for what, result in found.items():
        if what.startswith("gradient of") and not what.endswith("recorded"):
            number = int(what[-1])
            assert result.dtype == dtypes[number], (
                f"{what} is {result.dtype}, not {dtypes[number]}"
            )
    require_near(
        found, lambda change: run([change(one.astype(float)) for one in inputs]), dtypes
    )


# ---- layers ----

SHAPES = {
    "rows": (3, 4),
    "steps": (2, 3, 4),
    "signal": (2, 4, 6),
    "images": (2, 4, 5, 4),
}
LAYERS: dict[str, tuple[Any, str]] = {
    "Dense": (lambda: nn.Dense(4, 3, mg.tanh), "rows"),
    "Dense without bias": (lambda: nn.Dense(4, 3, bias=False), "steps"),
    "Sequential": (
        lambda: nn.Sequential(nn.LayerNorm(4), nn.Dense(4, 3, mg.gelu)),
        "rows",
    ),
    "LayerNorm": (lambda: nn.LayerNorm(4), "rows"),
    "LayerNorm without bias": (lambda: nn.LayerNorm(4, bias=False), "steps"),
    "BatchNorm": (lambda: nn.BatchNorm(4), "rows"),
    "BatchNorm of images": (lambda: nn.BatchNorm(4), "images"),
    "Conv1d": (lambda: nn.Conv1d(4, 2, 3, 2, 1), "signal"),
    "Conv2d": (lambda: nn.Conv2d(4, 2, (3, 2), (2, 1), (0, 1)), "images"),
    "MaxPool2d": (lambda: nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(4, 2, 1)), "images"),
    "AveragePool2d": (
        lambda: nn.Sequential(nn.AveragePool2d(2, 1), nn.Conv2d(4, 2, 1)),
        "images",
    ),
    "Flatten": (lambda: nn.Sequential(nn.Flatten(), nn.Dense(12, 2)), "steps"),
    "Dropout": (lambda: nn.Sequential(nn.Dropout(0.5).eval(), nn.Dense(4, 2)), "rows"),
    "TiedHead": (lambda: nn.TiedHead(nn.Embedding(5, 4)), "steps"),
    "RNN": (lambda: nn.RNN(4, 2, return_sequences=True), "steps"),
    "RNN of relu": (lambda: nn.RNN(4, 2, activation=mg.relu), "steps"),
    "GRU": (lambda: nn.GRU(4, 2, bidirectional=True), "steps"),
    "GRU, reset before": (lambda: nn.GRU(4, 2, reset_after=False), "steps"),
    "LSTM": (lambda: nn.LSTM(4, 2, layers=2, truncate=2), "steps"),
    "LSTM, pooled": (lambda: nn.LSTM(4, 2, pooling="max"), "steps"),
    "GRU, pooled": (lambda: nn.GRU(4, 2, pooling="mean"), "steps"),
    "attention": (lambda: nn.MultiHeadAttention(4, 2), "steps"),
    "causal attention": (lambda: nn.MultiHeadAttention(4, 2, causal=True), "steps"),
    "TransformerBlock": (lambda: nn.TransformerBlock(4, 2), "steps"),
    "PositionalEmbedding": (lambda: nn.PositionalEmbedding(5, 4), "steps"),
    "PositionalEncoding": (
        lambda: nn.Sequential(nn.PositionalEncoding(), nn.Dense(4, 2)),
        "steps",
    ),
    "Embedding": (lambda: nn.Sequential(nn.Embedding(5, 4), nn.GRU(4, 2)), "ids"),
    "OneHot": (lambda: nn.Sequential(nn.OneHot(5), nn.RNN(5, 2)), "ids"),
}
RECURRENT = "RNN", "GRU", "LSTM", "GRU, pooled", "LSTM, pooled"
ATTENTION = "attention", "causal attention", "TransformerBlock"


@dataclass
class LayerCase:
    name: str
    x: Any
    dtype: str
    seed: int
    options: dict[str, Any]
    evaluate: bool = False
    fused: bool = False
    unfuse: bool = False


@st.composite
def layer_cases(draw: Any) -> LayerCase:
    name = draw(st.sampled_from(list(LAYERS)))
    kind = LAYERS[name][1]
    dtype = draw(st.sampled_from(PARAMETERS))
    if kind == "ids":
        x = draw(
            arrays(draw(st.sampled_from([*SIGNED, *UNSIGNED])), (2, 3), 0, 3, False)
        )
    else:  # float32 has too few digits for the derivatives of what is saturated
        whole = draw(st.sampled_from([*WHOLE, *FLOATS]))
        x = draw(arrays(whole, SHAPES[kind], large=dtype == "float64"))
    options: dict[str, Any] = {}
    if name in RECURRENT and draw(st.booleans()):
        options["lengths"] = np.array([2, 3], draw(st.sampled_from(SIGNED + UNSIGNED)))
    if name in RECURRENT + ATTENTION and draw(st.booleans()):
        mask = np.array([[1, 1, 0], [1, 1, 1]])
        options["mask"] = mask.astype(draw(st.sampled_from([*WHOLE, *FLOATS])))
    fused = draw(st.booleans())
    return LayerCase(
        name,
        draw(st.sampled_from([x, mg.Tensor(x), x.tolist()])) if kind != "ids" else x,
        dtype,
        draw(st.integers(0, 3)),
        options,
        evaluate=draw(st.booleans()),
        fused=fused,
        unfuse=fused and draw(st.booleans()),
    )


def run_layer(case: LayerCase, x: Any, dtype: str) -> Results:
    mg.seed(case.seed)
    model = LAYERS[case.name][0]()
    rng = np.random.default_rng(case.seed)
    parameters = model.named_parameters()
    for tensor in parameters.values():
        tensor.array = (rng.integers(-6, 7, tensor.shape) / 8).astype(dtype)
    if case.evaluate:
        model.eval()

    def compute() -> mg.Tensor:
        with mg.fused(case.fused):
            z: mg.Tensor = model(x, **case.options)
        return z

    found = derivatives(
        compute, parameters, case.unfuse or not case.fused, unfuse=case.unfuse
    )
    return found | {
        f"buffer {name}": array for name, array in model.state_dict().items()
    }


@settings(max_examples=150)
@given(layer_cases())
def test_layers_of_integers_and_float16(case):
    array = np.asarray(getattr(case.x, "array", case.x))
    ids = LAYERS[case.name][1] == "ids"

    def exactly(change: Any) -> Results:
        return run_layer(case, array if ids else change(array.astype(float)), "float64")

    try:
        found = run_layer(case, case.x, case.dtype)
    except mg.MinigradError as error:
        assert error.code == "MG235", error  # dropout of integers
        assert case.name == "Dropout" and array.dtype.kind != "f"
        return
    dtypes: list[Any] = [array.dtype, case.dtype]
    # a list becomes float32, and so may integers where no parameter says otherwise
    if isinstance(case.x, list) or (
        case.name == "PositionalEncoding" and array.dtype.kind != "f"
    ):
        dtypes.append("float32")
    require_near(found, exactly, dtypes)


# ---- many numbers in float16 ----

WIDE: dict[str, Any] = {
    "sum": lambda x, y, w: x.sum(-1),
    "mean": lambda x, y, w: x.mean(-1),
    "var": lambda x, y, w: x.var(-1),
    "std": lambda x, y, w: x.std(-1),
    "max": lambda x, y, w: x.max(-1),
    "cumsum": lambda x, y, w: mg.cumsum(x, -1),
    "cumsum along the rows": lambda x, y, w: mg.cumsum(x.T, 0),
    "logsumexp": lambda x, y, w: mg.logsumexp(x, -1),
    "softmax": lambda x, y, w: mg.softmax(x),
    "log_softmax": lambda x, y, w: mg.log_softmax(x),
    "layer_norm": lambda x, y, w: mg.layer_norm(x, w),
    "layer_norm of float16": lambda x, y, w: mg.layer_norm(x, y[0]),
    "gelu": lambda x, y, w: mg.gelu(x),
    "sigmoid": lambda x, y, w: mg.sigmoid(x),
    "tanh": lambda x, y, w: mg.tanh(x),
    "softplus": lambda x, y, w: mg.softplus(x),
    "leaky_relu": lambda x, y, w: mg.leaky_relu(x, 0.1),
    "mean_squared_error": lambda x, y, w: mg.mean_squared_error(x, y),
    "mean_absolute_error": lambda x, y, w: mg.mean_absolute_error(x, y),
    "binary_cross_entropy": lambda x, y, w: mg.binary_cross_entropy(x, (y.array > 0)),
    "cross_entropy": lambda x, y, w: mg.cross_entropy(x, np.zeros(len(x), "uint8")),
    "product": lambda x, y, w: x @ y.T,
    "product with float32": lambda x, y, w: x @ w,
    "einsum": lambda x, y, w: mg.einsum("ij,ij,j->i", x, y, w),
    "attention": lambda x, y, w: mg.scaled_dot_product_attention(x, y, x),
    "attention to float32": lambda x, y, w: mg.scaled_dot_product_attention(
        x, y, x * w
    ),
    "conv": lambda x, y, w: mg.conv(x[:, None], y[:1, None, :2]),
    "BatchNorm": lambda x, y, w: nn.BatchNorm(x.shape[1])(x) * w,
    "BatchNorm of steps": lambda x, y, w: nn.BatchNorm(len(x))(x[None]) * w,
    "LayerNorm": lambda x, y, w: nn.LayerNorm(x.shape[1])(x) * w,
}


@dataclass
class WideCase:
    name: str
    width: int
    deviation: float
    mean: float
    seed: int


wide_cases = st.builds(
    WideCase,
    st.sampled_from(list(WIDE)),
    st.sampled_from([2, 3, 100, 768, 3000]),
    st.sampled_from([0.125, 1.0, 12.0, 60.0, 300.0]),
    st.sampled_from([0.0, 1.0, 50.0, 1000.0]),
    st.integers(0, 99),
)


@settings(max_examples=500)
@given(wide_cases)
def test_many_numbers_in_float16(case):
    rng = np.random.default_rng(case.seed)
    x, y = (case.mean + case.deviation * rng.normal(size=(2, 3, case.width))).astype(
        "float16"
    )
    weights = rng.normal(size=case.width)

    def run(x: Array, y: Array, dtype: str) -> Results:
        w = mg.Tensor(weights.astype("float32").astype(dtype), requires_grad=True)
        return derivatives(
            lambda: WIDE[case.name](mg.Tensor(x), mg.Tensor(y), w), {"w": w}, False
        )

    def exactly(change: Any) -> Results:
        return run(change(x.astype(float)), change(y.astype(float)), "float64")

    require_near(run(x, y, "float32"), exactly, ["float16"])


@given(
    st.sampled_from([2, 100, 768]),
    st.sampled_from([1.0, 60.0, 300.0]),
    st.integers(0, 99),
)
def test_running_statistics_of_float16(rows, deviation, seed):
    x = (deviation * np.random.default_rng(seed).normal(size=(rows, 2))).astype(
        "float16"
    )
    norm, exact = nn.BatchNorm(2), nn.BatchNorm(2)
    norm(x), exact(x.astype(float))
    for name in ("mean", "variance"):
        found, expected = getattr(norm, name), getattr(exact, name)
        near = np.abs(found - expected) <= 1e-2 * max(deviation, np.abs(expected).max())
        assert near.all(), f"{name}: {found} instead of {expected}"
