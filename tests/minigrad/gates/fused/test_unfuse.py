"""unfuse replaces fused gates by small gates with the same value and gradients."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import minigrad as mg
from layers import RNN
from minigrad.gate import GATES
from minigrad.gates.fused.sequence import _Sequence
from minigrad.gates.fused.unfuse import UNFUSED

CASES = {}
SEQUENCES = {}
for kind in UNFUSED:
    for number, (gate, arrays) in enumerate(kind.sample_inputs()):
        name = f"{kind.__name__}-{number}"
        CASES[name] = gate, arrays
        if isinstance(gate, _Sequence):
            truncated = type(gate)(truncate=2, reverse=gate.reverse)
            CASES[f"{name}-truncated"] = truncated, arrays
            if arrays[-1].dtype == bool:
                SEQUENCES[name] = gate, arrays
                SEQUENCES[f"{name}-truncated"] = truncated, arrays


def gates_of(tensor):
    nodes = mg.graph.ancestors([tensor.node])
    return [node.gate.name for node in nodes if node.gate]


def test_unfuse_knows_every_gate_without_second_derivative():
    for gate in GATES.values():
        if gate.__module__.startswith("minigrad."):
            assert gate.differentiable_twice or gate in UNFUSED


@pytest.mark.parametrize("case", CASES)
def test_unfuse_keeps_value_and_gradients(case):
    gate, arrays = CASES[case]
    leaves = [
        mg.Tensor(
            one,
            requires_grad=one.dtype.kind == "f",
        )
        for one in arrays
    ]
    wanted = [leaf for leaf in leaves if leaf.requires_grad]
    z = gate(*leaves)
    unfused = mg.unfuse(z)
    assert gate.name not in gates_of(unfused)
    assert len(gates_of(unfused)) > 1
    assert_allclose(unfused.array, z.array, rtol=1e-12, atol=1e-14)
    dz = np.random.default_rng(5).normal(size=z.shape)
    found = mg.grad(unfused, wanted, upstream=dz, create_graph=True)
    expected = mg.grad(z, wanted, upstream=dz)
    for one, other in zip(found, expected, strict=True):
        assert_allclose(one.array, other.array, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("case", SEQUENCES)
def test_sequence_mask_can_be_integers(case):
    gate, (*inputs, mask) = SEQUENCES[case]
    z = gate(*inputs, mask.astype(int))
    assert_array_equal(z.array, gate(*inputs, mask).array)


@pytest.mark.parametrize("case", SEQUENCES)
def test_sequence_without_recording_has_the_same_value(case):
    gate, arrays = SEQUENCES[case]
    with mg.no_grad():
        z = gate(*arrays)
    assert_array_equal(z.array, gate(*map(mg.Tensor, arrays)).array)


@pytest.mark.parametrize("junk", [np.nan, np.inf])
@pytest.mark.parametrize("case", SEQUENCES)
def test_sequence_mask_stops_nan_at_padded_steps(case, junk):
    gate, (a, *others, mask) = SEQUENCES[case]

    def results(padding):
        values = np.where(mask[:, :, None], a, padding)
        leaves = [
            mg.Tensor(
                one,
                requires_grad=True,
            )
            for one in (values, *others)
        ]
        z = gate(*leaves, mask)
        dz = np.random.default_rng(5).normal(size=z.shape)
        for form in (z, mg.unfuse(z)):
            gradients = mg.grad(form, leaves, upstream=dz)
            assert not gradients[0].array[~mask].any()
            yield from (form, *gradients)

    for one, truth in zip(
        results(junk),
        results(0),
        strict=True,
    ):
        assert_allclose(one.array, truth.array, rtol=1e-10, atol=1e-13)


def test_unfuse_returns_a_graph_without_fused_gates():
    x = mg.Tensor([1.0], requires_grad=True)
    z = mg.tanh(mg.cut(mg.tanh(x)) + x)
    assert mg.unfuse(z).node is z.node


def test_unfuse_opens_gates_behind_a_cut():
    x = mg.Tensor(
        np.ones((1, 2, 1)),
        requires_grad=True,
    )
    h = mg.RNNSequence()(
        x,
        np.zeros((1, 1)),
        np.ones((1, 1)),
    )
    z = mg.unfuse((mg.cut(h) * x).sum())
    gates = [node.gate.name for node in mg.Graph(z) if node.gate]
    assert gates.count("Tanh") == 2
    assert "RNNSequence" not in gates
    assert_allclose(
        mg.grad(z, x)[0].array.ravel(),
        [h.array.sum()] * 2,
    )


def test_unfuse_shows_gradients_in_a_drawing():
    loss = RNN(
        2,
        2,
        fused=True,
    )(np.ones((1, 3, 2), "float32")).sum()
    loss.backward()
    caption = mg.Graph(loss).draw().caption
    assert "Fused gates: RNNSequence. Use mg.unfuse to draw their parts." in caption
    picture = mg.Graph(mg.unfuse(loss)).draw(
        mode="unrolled",
        grads=True,
    )
    assert "no gradient yet" not in picture.dot
    assert picture.dot.count("<b>Tanh<") == 3


def test_unfuse_after_an_update_in_place_is_an_error():
    # docs/errors.md assigns an array instead
    W = mg.Tensor([[1.0]], requires_grad=True, name="W_hh")
    z = mg.RNNSequence()(
        np.ones((1, 2, 1)),
        np.zeros((1, 1)),
        W,
    )
    W.update(lambda array: array.fill(2.0))
    with pytest.raises(mg.MinigradError, match=r"MG145.*W_hh \(1, 1\).*RNNSequence"):
        mg.unfuse(z)
