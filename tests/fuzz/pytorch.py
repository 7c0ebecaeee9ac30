"""Layers with the options that PyTorch has too, against PyTorch in float64."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

import layers
import minigrad as mg
from layers import Dense, Embedding, LayerNorm, from_layout, to_layout

from .fuzzer import Fuzzer, Generator

try:
    import torch as torch
except ImportError:
    torch = None

Array = np.ndarray[Any, Any]
ACTIVATIONS = {
    "": None,
    "tanh": mg.tanh,
    "relu": mg.relu,
    "sigmoid": mg.sigmoid,
    "softplus": mg.softplus,
}
RECURRENT = ("RNN", "RNN relu", "GRU", "LSTM")


@dataclass(frozen=True)
class Twin:
    """A layer. The defaults are what a case is shrunk to."""

    kind: str
    seed: int
    batch: int = 2
    steps: int = 3
    inputs: int = 2
    hidden: int = 2
    layers: int = 1
    bidirectional: bool = False
    bias: bool = True
    activation: str = ""


class PyTorch(Fuzzer):
    """Outputs, states and gradients, and weights carried over and back."""

    name = "pytorch"

    def missing(self) -> str:
        return "" if torch else "PyTorch is not installed here"

    def case(self, rng: Generator) -> Twin:
        batch, steps, inputs, hidden = rng.integers(1, 5, 4).tolist()
        return Twin(
            str(rng.choice(["dense", "embedding", "norm", *RECURRENT])),
            int(rng.integers(10**6)),
            batch,
            steps,
            inputs,
            hidden,
            int(rng.integers(1, 4)),
            bool(rng.random() < 0.5),
            bool(rng.random() < 0.7),
            str(rng.choice(list(ACTIVATIONS))),
        )

    def fault(self, case: Twin) -> str:
        rng = np.random.default_rng(case.seed)
        ours, theirs = pair(case)
        parameters = ours.named_parameters()
        for tensor in parameters.values():
            tensor.array = rng.normal(size=tensor.shape)
        weights = {
            name: torch.tensor(array)
            for name, array in to_layout(ours, "pytorch").items()
        }
        theirs.load_state_dict(weights)
        again, _ = pair(case)
        for tensor in again.named_parameters().values():
            tensor.array = np.zeros(tensor.shape)
        state = {name: tensor.numpy() for name, tensor in theirs.state_dict().items()}
        from_layout(again, state, "pytorch")
        for name, tensor in again.named_parameters().items():
            same(
                f"{name}, carried over and back,", tensor.array, parameters[name].array
            )
        if case.kind in RECURRENT:
            pairs, inputs = recurrent(case, ours, theirs, rng)
        else:
            pairs, inputs = simple(case, ours, theirs, rng)
        total: Any = 0.0
        expected: Any = 0.0
        for here, there in pairs:
            same("an output", here.array, there)
            upstream = rng.normal(size=here.shape)
            total = total + (here * upstream).sum()
            expected = expected + (there * torch.tensor(upstream)).sum()
        total.backward()
        expected.backward()
        for here, there in inputs:
            same("the gradient of an input", here.grad, there.grad)
        # now it holds gradients, to be named as PyTorch's
        for name, tensor in again.named_parameters().items():
            tensor.array = np.asarray(parameters[name].grad)
        slopes = {name: parameter.grad for name, parameter in theirs.named_parameters()}
        for name, array in to_layout(again, "pytorch").items():
            # we have one bias where PyTorch adds two
            if "bias_hh" not in name or "GRU" in case.kind:
                same(f"the gradient of {name}", array, slopes[name])
        return ""


def same(what: str, found: Any, expected: Any) -> None:
    expected = (
        expected if isinstance(expected, np.ndarray) else expected.numpy(force=True)
    )
    np.testing.assert_allclose(found, expected, 1e-9, 1e-9, err_msg=what)


def pair(case: Twin) -> tuple[Any, Any]:
    """Our layer and PyTorch's, in evaluation mode."""
    nn, D, H = torch.nn, case.inputs, case.hidden
    if case.kind == "dense":
        ours: Any = Dense(D, H, ACTIVATIONS[case.activation], bias=case.bias)
        theirs: Any = nn.Linear(D, H, bias=case.bias)
    elif case.kind == "embedding":
        ours, theirs = Embedding(6, D), nn.Embedding(6, D)
    elif case.kind == "norm":
        ours, theirs = LayerNorm(1 + D), nn.LayerNorm(1 + D)
    else:
        kind, *relu = case.kind.split()
        here: Any = {"activation": mg.relu, "fused": None} if relu else {}
        there: Any = {"nonlinearity": "relu"} if relu else {}
        here |= {"layers": case.layers, "return_sequences": True, "return_state": True}
        there |= {"num_layers": case.layers, "batch_first": True}
        ours = getattr(layers, kind)(D, H, bidirectional=case.bidirectional, **here)
        theirs = getattr(nn, kind)(D, H, bidirectional=case.bidirectional, **there)
    return ours.eval(), theirs.double().eval()


Pairs = list[tuple[Any, Any]]
"""Our Tensor and PyTorch's, of several things."""


def inputs(rng: Generator, *shape: int) -> tuple[Any, Any]:
    array = rng.normal(size=shape)
    return mg.Tensor(array, requires_grad=True), torch.tensor(array, requires_grad=True)


def simple(case: Twin, ours: Any, theirs: Any, rng: Generator) -> tuple[Pairs, Pairs]:
    """The outputs, and the inputs whose gradients can be compared."""
    if case.kind == "embedding":
        ids = rng.integers(0, 6, (case.batch, case.steps))
        return [(ours(ids), theirs(torch.tensor(ids)))], []
    axes = (case.batch, case.steps)[: case.layers - 1]
    x, y = inputs(rng, *axes, case.inputs + (case.kind == "norm"))
    output = theirs(y)
    if case.kind == "dense" and case.activation:
        output = getattr(torch.nn.functional, case.activation)(output)
    return [(ours(x), output)], [(x, y)]


def recurrent(
    case: Twin, ours: Any, theirs: Any, rng: Generator
) -> tuple[Pairs, Pairs]:
    """The same, with an initial state and rows of different lengths."""
    cells = case.layers * (1 + case.bidirectional)
    parts = 2 if case.kind == "LSTM" else 1
    x, y = inputs(rng, case.batch, case.steps, case.inputs)
    starts = [
        [inputs(rng, case.batch, case.hidden) for _ in range(parts)]
        for _ in range(cells)
    ]
    states: list[Any] = [tuple(here for here, _ in start) for start in starts]
    stacked: Any = [
        torch.stack([there for _, there in part]) for part in zip(*starts, strict=True)
    ]
    if parts == 1:
        states = [state for (state,) in states]
        (stacked,) = stacked
    lengths = rng.integers(1, case.steps + 1, case.batch)
    output, final = ours(x, states if cells > 1 else states[0], lengths=lengths)
    rnn, sizes = torch.nn.utils.rnn, torch.tensor(lengths)
    packed = rnn.pack_padded_sequence(y, sizes, batch_first=True, enforce_sorted=False)
    packed, last = theirs(packed, stacked)
    expected, _ = rnn.pad_packed_sequence(
        packed, batch_first=True, total_length=case.steps
    )
    # where PyTorch has zeros, ours repeat the state
    real = (np.arange(case.steps) < lengths[:, None])[..., None]
    outputs = [(mg.where(real, output, 0.0), expected)]
    here, there = (final, last) if parts == 2 else ((final,), (last,))
    for one, other in zip(here, there, strict=True):
        outputs.append((one, other if cells > 1 else other[0]))
    return outputs, [(x, y), *(pair for start in starts for pair in start)]
