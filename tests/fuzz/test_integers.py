"""Integers of every width, booleans and float16 in every gate and layer, against float64."""

from typing import Any

import numpy as np
from hypothesis import assume, settings

import layers as nn
import minigrad as mg
from minigrad.gates.fused.unfuse import UNFUSED

from .draw import random_cases
from .strategies import (
    FLOATS,
    PARAMETERS,
    WHOLE,
    arrays,
    derivatives,
    require_near,
)

# ---- gates ----

SAMPLES = {
    name: list(gate.sample_inputs())
    for name, gate in sorted(mg.GATES.items())
    if gate.__module__.startswith("minigrad.gates.") and name[0] != "_"
}
SEQUENCES = mg.RNNSequence, mg.GRUSequence, mg.LSTMSequence
LABELLED = mg.SoftmaxCrossEntropy, mg.NegativeLogLikelihood
MASKED = mg.Where, mg.BinaryCrossEntropy, *SEQUENCES


def constant(draw, gate, sample):
    """Labels, ids, masks and targets in another dtype."""
    dtypes = WHOLE[1:]
    if isinstance(gate, mg.ScaledDotProductAttention):
        return sample  # refuses all but booleans
    if isinstance(gate, MASKED) or sample.dtype == bool:
        dtypes = WHOLE + FLOATS
    return sample.astype(draw.pick(*dtypes))


def operand(draw, gate, sample, dtype, large):
    """Numbers of the signs and ranges that the gate takes."""
    low, high = (1 if sample.min(initial=1) > 0 else -4), 4
    if isinstance(gate, mg.NegativeLogLikelihood):
        high = 0
        dtype = "int8" if dtype.startswith("u") else dtype
    if isinstance(gate, mg.Pad) and gate.constant % 1 and dtype in WHOLE:
        dtype = "float16"  # the constant is rounded to x's dtype, as np.pad does
    return draw.choose(arrays(dtype, sample.shape, low, high, large))


@settings(max_examples=4 * settings().max_examples)
@random_cases
def test_gates_of_inputs_of_any_dtype(draw):
    gate, samples = draw.pick(*SAMPLES[draw.pick(*SAMPLES)])
    unfuse = type(gate) in UNFUSED and draw.yes()
    # float32 has too few digits where large numbers cancel, and so has a saturated recurrent gate
    large = not isinstance(gate, SEQUENCES) and draw.yes()
    free = [
        position
        for position, sample in enumerate(samples)
        if sample.dtype.kind == "f" and position not in gate.constant_inputs
    ]
    wanted = [draw.pick(*free)]
    inputs = []
    for position, sample in enumerate(samples):
        if position not in free:
            inputs.append(constant(draw, gate, sample))
            continue
        floats = ["float64"] if large else FLOATS[position in wanted :]
        dtypes = floats if position in wanted else [*WHOLE, *floats]
        if len(samples) == 1:
            dtypes = [*WHOLE, *floats]
        inputs.append(
            operand(
                draw,
                gate,
                sample,
                draw.pick(*dtypes),
                large,
            )
        )
        wanted += [position] * draw.yes()
    wanted = [k for k in wanted if inputs[k].dtype in PARAMETERS]
    booleans = all(one.dtype == bool for one in inputs)
    # NumPy has no - for booleans
    assume(not (booleans and isinstance(gate, (mg.Negate, mg.Subtract))))

    def run(inputs):
        leaves = {
            f"input {position}": mg.Tensor(one, requires_grad=position in wanted)
            for position, one in enumerate(inputs)
        }
        twice = unfuse or gate.differentiable_twice
        return derivatives(
            lambda: gate(*leaves.values()),
            leaves,
            twice,
            unfuse=unfuse,
        )

    def exactly(change):
        wide = [
            change(one.astype(float)) if position in free else one.astype(sample.dtype)
            for position, (one, sample) in enumerate(zip(inputs, samples, strict=True))
        ]
        return run(wide)

    require_near(run(inputs), exactly, [one.dtype for one in inputs])


# ---- layers ----

SHAPES = {
    "rows": (3, 4),
    "steps": (2, 3, 4),
    "signal": (2, 4, 6),
    "images": (2, 4, 5, 4),
}
LAYERS: dict[str, tuple[Any, str]] = {
    "Dense": (lambda: nn.Dense(4, 3, mg.tanh), "rows"),
    "Dense without bias": (
        lambda: nn.Dense(4, 3, bias=False),
        "steps",
    ),
    "LayerNorm": (lambda: nn.LayerNorm(4), "steps"),
    "BatchNorm": (lambda: nn.BatchNorm(4), "rows"),
    "BatchNorm of images": (
        lambda: nn.BatchNorm(4),
        "images",
    ),
    "Conv1d": (lambda: nn.Conv1d(4, 2, 3, 2, 1), "signal"),
    "Conv2d": (
        lambda: nn.Conv2d(4, 2, (3, 2), (2, 1), (0, 1)),
        "images",
    ),
    "MaxPool2d": (
        lambda: nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(4, 2, 1)),
        "images",
    ),
    "Flatten": (
        lambda: nn.Sequential(nn.Flatten(), nn.Dense(12, 2, mg.gelu)),
        "steps",
    ),
    "TiedHead": (
        lambda: nn.TiedHead(nn.Embedding(5, 4)),
        "steps",
    ),
    "RNN": (
        lambda: nn.RNN(4, 2, return_sequences=True),
        "steps",
    ),
    "RNN of relu": (
        lambda: nn.RNN(4, 2, activation=mg.relu),
        "steps",
    ),
    "GRU": (
        lambda: nn.GRU(4, 2, bidirectional=True, pooling="mean"),
        "steps",
    ),
    "GRU, reset before": (
        lambda: nn.GRU(4, 2, reset_after=False),
        "steps",
    ),
    "LSTM": (
        lambda: nn.LSTM(4, 2, layers=2, truncate=2, pooling="max"),
        "steps",
    ),
    "TransformerBlock": (
        lambda: nn.TransformerBlock(4, 2, causal=True),
        "steps",
    ),
    "PositionalEmbedding": (
        lambda: nn.PositionalEmbedding(5, 4),
        "steps",
    ),
    "Embedding": (
        lambda: nn.Sequential(nn.Embedding(5, 4), nn.GRU(4, 2)),
        "ids",
    ),
    "OneHot": (
        lambda: nn.Sequential(nn.OneHot(5), nn.RNN(5, 2)),
        "ids",
    ),
}


@random_cases
def test_layers_of_inputs_of_any_dtype(draw):
    name = draw.pick(*LAYERS)
    make, kind = LAYERS[name]
    dtype = draw.pick(*PARAMETERS)
    whole = draw.pick(*WHOLE, *FLOATS)
    if kind == "ids":
        x = draw.choose(arrays(draw.pick(*WHOLE[1:]), (2, 3), 0, 3, False))
    else:  # float32 has too few digits for the derivatives of what is saturated
        x = draw.choose(
            arrays(
                whole,
                SHAPES[kind],
                large=dtype == "float64",
            )
        )
    options = {}
    if name in ("RNN", "GRU", "LSTM", "TransformerBlock") and draw.yes():
        mask = np.array([[1, 1, 0], [1, 1, 1]])
        options["mask"] = mask.astype(draw.pick(*WHOLE, *FLOATS))
    if name in ("RNN", "GRU", "LSTM") and draw.yes():
        options = {"lengths": np.array([2, 3], draw.pick(*WHOLE[1:]))}
    fused = draw.yes()
    unfuse = fused and draw.yes()
    training = draw.yes()
    seed = draw.between(0, 3)

    def run(x, dtype):
        mg.seed(seed)
        model = make().train(training)
        rng = np.random.default_rng(seed)
        parameters = model.named_parameters()
        for tensor in parameters.values():
            tensor.array = (rng.integers(-6, 7, tensor.shape) / 8).astype(dtype)

        def compute():
            with mg.fused(fused):
                return model(x, **options)

        twice = unfuse or not fused
        found = derivatives(compute, parameters, twice, unfuse=unfuse)
        state = model.state_dict()
        return found | {f"buffer {path}": array for path, array in state.items()}

    def exactly(change):
        return run(
            x if kind == "ids" else change(x.astype(float)),
            "float64",
        )

    as_list = kind != "ids" and draw.yes(30)  # becomes float32
    dtypes = [x.dtype, dtype, *["float32"] * as_list]
    require_near(
        run(x.tolist() if as_list else x, dtype),
        exactly,
        dtypes,
    )


# ---- many numbers in float16 ----

WIDE: dict[str, Any] = {
    "var": lambda x, y, w: x.var(-1),
    "layer_norm": lambda x, y, w: mg.layer_norm(x, w),
    "mean_squared_error": lambda x, y, w: mg.mean_squared_error(x, y),
    "mean_absolute_error": lambda x, y, w: mg.mean_absolute_error(x, y),
    "binary_cross_entropy": lambda x, y, w: mg.binary_cross_entropy(x, y.array > 0),
    "cross_entropy": lambda x, y, w: mg.cross_entropy(x, np.zeros(len(x), "uint8")),
    "product": lambda x, y, w: x @ y.T,
    "product with float32": lambda x, y, w: x @ w,
    "einsum": lambda x, y, w: mg.einsum("ij,ij,j->i", x, y, w),
    "attention": lambda x, y, w: mg.scaled_dot_product_attention(x, y, x * w),
    "conv": lambda x, y, w: mg.conv(x[:, None], y[:1, None, :2]),
    "BatchNorm": lambda x, y, w: nn.BatchNorm(x.shape[1])(x) * w,
    "BatchNorm of steps": lambda x, y, w: nn.BatchNorm(len(x))(x[None]) * w,
}


@settings(max_examples=4 * settings().max_examples)
@random_cases
def test_many_numbers_in_float16(draw):
    compute = WIDE[draw.pick(*WIDE)]
    width = draw.pick(2, 3, 100, 768, 3000)
    mean = draw.pick(0.0, 1.0, 50.0, 1000.0)
    deviation = draw.pick(0.125, 1.0, 12.0, 60.0, 300.0)
    x, y = (mean + deviation * draw.normal(2, 3, width)).astype("float16")
    weights = draw.normal(width).astype("float32")

    def run(x, y, dtype):
        w = mg.Tensor(weights.astype(dtype), requires_grad=True)
        both = mg.Tensor(x), mg.Tensor(y)
        return derivatives(lambda: compute(*both, w), {"w": w}, False)

    def exactly(change):
        return run(
            change(x.astype(float)),
            change(y.astype(float)),
            "float64",
        )

    require_near(run(x, y, "float32"), exactly, ["float16"])
