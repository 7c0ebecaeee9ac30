"""Recurrent layers with the options that PyTorch has too, against PyTorch in float64."""

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import layers
import minigrad as mg

from .draw import Draw, random_cases

torch: Any = pytest.importorskip("torch", reason="no PyTorch (make bench, then make fuzz)")


class Case:
    """A layer and its twin, in evaluation mode, with the same random weights."""

    def __init__(self, draw: Draw):
        self.draw = draw
        self.kind = draw.pick("RNN", "RNN relu", "GRU", "LSTM")
        self.batch, self.steps, self.inputs, self.hidden = draw.sizes(4, high=4)
        self.bidirectional = draw.yes()
        self.depth = draw.between(1, 3)
        self.ours = self.make()
        self.theirs = self.make_theirs().double().eval()
        draw.parameters(self.ours)
        weights = layers.to_layout(self.ours, "pytorch")
        tensors = {name: torch.tensor(array) for name, array in weights.items()}
        self.theirs.load_state_dict(tensors)

    def make(self):
        name, *relu = self.kind.split()
        options: dict[str, Any] = {"activation": mg.relu} if relu else {}
        return getattr(layers, name)(
            self.inputs,
            self.hidden,
            layers=self.depth,
            bidirectional=self.bidirectional,
            return_sequences=True,
            return_state=True,
            **options,
        ).eval()

    def make_theirs(self):
        name, *relu = self.kind.split()
        options = {"nonlinearity": "relu"} if relu else {}
        return getattr(torch.nn, name)(
            self.inputs,
            self.hidden,
            num_layers=self.depth,
            bidirectional=self.bidirectional,
            batch_first=True,
            **options,
        )

    def pair(self, *shape):
        array = self.draw.normal(*shape)
        ours = mg.Tensor(array, requires_grad=True)
        return ours, torch.tensor(array, requires_grad=True)

    def compare(self, outputs, inputs):
        """Compare outputs, the gradients of inputs, and those of the parameters."""
        total: Any = 0.0
        expected: Any = 0.0
        for ours, theirs in outputs:
            same(ours.array, theirs)
            upstream = self.draw.normal(*ours.shape)
            total = total + (ours * upstream).sum()
            expected = expected + (theirs * torch.tensor(upstream)).sum()
        total.backward()
        expected.backward()
        for ours, theirs in inputs:
            same(ours.grad, theirs.grad)
        gradients = self.make()  # whose weights are the gradients, by PyTorch's names
        named = self.ours.named_parameters()
        for (
            path,
            parameter,
        ) in gradients.named_parameters().items():
            parameter.array = np.asarray(named[path].grad)
        found = layers.to_layout(gradients, "pytorch")
        for (
            name,
            parameter,
        ) in self.theirs.named_parameters():
            # minigrad has one bias where PyTorch adds two
            if "bias_hh" not in name or self.kind == "GRU":
                same(found[name], parameter.grad)


def same(found, expected):
    assert_allclose(found, expected.numpy(force=True), 1e-9, 1e-9)


@random_cases
def test_recurrent_layers_against_pytorch(draw):
    """With an initial state, and rows of different lengths."""
    draw.dtype = "float64"
    case = Case(draw)
    x, y = case.pair(case.batch, case.steps, case.inputs)
    cells = case.ours.cells().values()
    states: list[Any] = [
        [case.pair(case.batch, case.hidden) for _ in cell.state_names] for cell in cells
    ]
    ours = [tuple(one for one, _ in state) for state in states]
    theirs = [torch.stack([other for _, other in part]) for part in zip(*states, strict=True)]
    if case.kind != "LSTM":
        ours = [h for (h,) in ours]
    lengths = draw.rng.integers(1, case.steps + 1, case.batch)
    output, final = case.ours(
        x,
        ours if len(ours) > 1 else ours[0],
        lengths=lengths,
    )
    rnn = torch.nn.utils.rnn
    sizes = torch.tensor(lengths)
    packed = rnn.pack_padded_sequence(y, sizes, batch_first=True, enforce_sorted=False)
    lstm = case.kind == "LSTM"
    packed, last = case.theirs(packed, tuple(theirs) if lstm else theirs[0])
    unpack = rnn.pad_packed_sequence
    expected, _ = unpack(packed, batch_first=True, total_length=case.steps)
    # where PyTorch has zeros, minigrad repeats the state
    real = (np.arange(case.steps) < lengths[:, None])[..., None]
    outputs = [(mg.where(real, output, 0.0), expected)]
    finals = zip(
        final if lstm else [final],
        last if lstm else [last],
        strict=True,
    )
    for one, other in finals:
        outputs.append((one, other if len(ours) > 1 else other[0]))
    inputs = [
        (x, y),
        *(pair for state in states for pair in state),
    ]
    case.compare(outputs, inputs)
