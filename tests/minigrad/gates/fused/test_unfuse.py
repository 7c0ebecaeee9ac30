"""What a fused gate stands for, from small gates: the same value and gradients, and a graph like
the layers' own.
"""

import numpy as np
import pytest

import minigrad as mg
from layers import GRU, LSTM, RNN, Dense, Embedding, Sequential
from minigrad.errors import OptionError
from minigrad.gates.fused.sequence import _Sequence
from minigrad.gates.fused.unfuse import UNFUSED

FUSED: list[type[mg.Gate]] = [mg.LookupProduct, mg.RNNSequence, mg.GRUSequence, mg.LSTMSequence]


def gates_of(tensor):
    return [node.gate.name for node in mg.graph.ancestors([tensor.node])[::-1] if node.gate]


def cases():
    """Each fused gate with its sample inputs, whole and truncated."""
    for kind in FUSED:
        for number, (gate, arrays) in enumerate(kind.sample_inputs()):
            yield pytest.param(gate, arrays, id=f"{kind.__name__}-{number}")
            if isinstance(gate, _Sequence):
                shorter = type(gate)(truncate=2, reverse=gate.reverse)
                yield pytest.param(shorter, arrays, id=f"{kind.__name__}-{number}-truncated")


def test_every_gate_without_second_derivative_has_an_unfused_form():
    assert set(UNFUSED) == {getattr(mg, name) for name in mg.gates.__all__
                          if getattr(getattr(mg, name), "differentiable_twice", True) is False}  # fmt: skip


@pytest.mark.parametrize(("gate", "arrays"), list(cases()))
def test_value_and_gradients_are_those_of_the_gate(gate, arrays):
    leaves = [mg.Tensor(array, requires_grad=array.dtype.kind == "f") for array in arrays]
    wanted = [leaf for leaf in leaves if leaf.requires_grad]
    z = gate(*leaves)
    unfused = mg.unfuse(z)
    assert gate.name not in gates_of(unfused) and len(gates_of(unfused)) > 1
    np.testing.assert_allclose(unfused.array, z.array, rtol=1e-12, atol=1e-14)
    dz = np.random.default_rng(5).normal(size=z.shape)
    for ours, theirs in zip(
        mg.grad(unfused, wanted, upstream=dz), mg.grad(z, wanted, upstream=dz), strict=True
    ):
        np.testing.assert_allclose(ours.array, theirs.array, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("kind", [mg.RNNSequence, mg.GRUSequence, mg.LSTMSequence])
def test_sizes_of_zero_and_masks_of_numbers(kind):
    gate, (a, *others) = next(iter(kind.sample_inputs()))
    empty = gate(a[:, :, :0], *(array[..., :0] if name != "W_hh" else array[:0, :0] for name, array in
                                zip(kind.parameters[1:], others, strict=True)))  # fmt: skip
    assert empty.size == 0
    *_, (masked, arrays) = kind.sample_inputs()
    truth = masked(*arrays).array
    for mask in (arrays[-1].astype(int), arrays[-1] * 2.0, mg.Tensor(arrays[-1])):
        np.testing.assert_array_equal(masked(*arrays[:-1], mask).array, truth)
    integers = [array.round().astype(int) for array in (a, *others)]
    np.testing.assert_allclose(
        gate(*integers).array, gate(*(array.round() for array in (a, *others))).array
    )
    for truncate in ("2", True, 2.0):
        with pytest.raises(OptionError, match="MG143"):
            kind(truncate)


@pytest.mark.parametrize("junk", [np.nan, np.inf])
@pytest.mark.parametrize(
    ("gate", "arrays"), [case for case in cases() if case.values[1][-1].dtype == bool]
)
def test_nan_at_padded_steps_reaches_no_value_and_no_gradient(gate, arrays, junk):
    a, *others, mask = arrays
    clean, dirty = (np.where(mask[:, :, None], a, value) for value in (0, junk))
    ends = []
    for array in (clean, dirty):
        leaves = [mg.Tensor(one, requires_grad=True) for one in (array, *others)]
        z = gate(*leaves, mask)
        dz = np.random.default_rng(5).normal(size=z.shape)
        for form in (z, mg.unfuse(z)):
            ends.append([form.array, *(one.array for one in mg.grad(form, leaves, upstream=dz))])
    for truth, *found in zip(*ends, strict=True):
        for one in found:
            np.testing.assert_allclose(one, truth, rtol=1e-10, atol=1e-13)
    assert not ends[2][1][~mask].any() and not ends[3][1][~mask].any()


@pytest.mark.parametrize("kind", [RNN, GRU, LSTM])
@pytest.mark.parametrize(
    "options", [{}, {"truncate": 3, "bidirectional": True, "layers": 2}], ids=["plain", "deep"]
)
def test_a_whole_model_opened_is_the_model_unrolled(kind, options):
    mg.seed(1)
    model = Sequential(Embedding(20, 3), kind(3, 2, **options), Dense(4 if options else 2, 2))
    parameters = list(model.named_parameters().values())
    ids, labels = np.random.default_rng(2).integers(1, 20, (4, 7)), np.array([0, 1, 1, 0])
    with mg.fused():
        loss = mg.softmax_cross_entropy(model(ids), labels)
    unrolled = mg.softmax_cross_entropy(model(ids), labels)
    unfused = mg.unfuse(loss)
    assert not {"LookupProduct", f"{kind.__name__}Sequence"} & set(gates_of(unfused))
    assert unfused.item() == pytest.approx(unrolled.item(), rel=1e-6)
    for ours, theirs in zip(
        mg.grad(unfused, parameters), mg.grad(unrolled, parameters), strict=True
    ):
        np.testing.assert_allclose(ours.array, theirs.array, rtol=1e-4, atol=1e-7)

    def steps(tensor):
        return {node.scope for node in mg.Graph(tensor) if node.gate and "t03" in node.scope}

    # a layer joins its two directions step by step
    assert set() < steps(unfused) <= steps(unrolled)


def test_second_derivatives_come_through_the_unfused_form():
    rng = np.random.default_rng(4)
    a, W = rng.normal(size=(2, 3, 2)), mg.Tensor(rng.normal(size=(2, 2)), requires_grad=True)

    def slope(step, unfused=lambda z: z, **options):
        fresh = mg.Tensor(W.array + step, requires_grad=True)
        z = unfused(mg.RNNSequence()(a, np.zeros((2, 2)), fresh)).sum()
        return fresh, mg.grad(z, [fresh], **options)[0].sum()

    fresh, first = slope(0, mg.unfuse, create_graph=True)
    (second,) = mg.grad(first, [fresh])
    difference = (slope(1e-5)[1].item() - slope(-1e-5)[1].item()) / 2e-5  # along all ones
    assert second.array.sum() == pytest.approx(difference, rel=1e-6)


def test_a_graph_without_fused_gates_is_returned_as_it_is():
    x = mg.Tensor([1.0], requires_grad=True)
    z = mg.tanh(mg.cut(mg.tanh(x)) + x)
    assert mg.unfuse(z).node is z.node


def test_what_lies_behind_a_cut_is_opened_too():
    x = mg.Tensor(np.ones((1, 2, 1)), requires_grad=True)
    h = mg.RNNSequence()(x, np.zeros((1, 1)), np.ones((1, 1)))
    z = mg.unfuse((mg.cut(h) * x).sum())
    gates = [node.gate.name for node in mg.Graph(z) if node.gate]
    assert (
        gates.count("Tanh") == 2
        and gates[-2:] == ["Hadamard", "Sum"]
        and "RNNSequence" not in gates
    )
    h0 = np.tanh(1.0)
    np.testing.assert_allclose(mg.grad(z, [x])[0].array, np.full((1, 2, 1), h0 + np.tanh(1 + h0)))


def test_the_gradients_that_backward_sent_can_be_drawn():
    layer = RNN(2, 2, fused=True)
    loss = layer(mg.Tensor(np.ones((1, 3, 2), np.float32))).sum()
    loss.backward()
    fused = mg.Graph(loss).draw()
    assert "RNNSequence: one gate for many; mg.unfuse shows them." in fused.caption
    picture = mg.Graph(mg.unfuse(loss)).draw(mode="unrolled", grads=True)
    assert "RNNSequence" not in picture.dot and "no gradient yet" not in picture.dot
    assert "mg.unfuse" not in picture.caption and picture.dot.count("<b>Tanh<") == 3


def test_a_parameter_changed_since_is_a_clear_error():
    for change in (
        lambda W: W.update(lambda array: array.fill(2.0)),
        lambda W: setattr(W, "array", 2 * W.array),
    ):
        W = mg.Tensor(np.ones((1, 1)), requires_grad=True, name="W_hh")
        z = mg.RNNSequence()(np.ones((1, 2, 1)), np.zeros((1, 1)), W)
        change(W)
        with pytest.raises(mg.MinigradError, match=r"MG145.*W_hh \(1, 1\).*RNNSequence") as caught:
            mg.unfuse(z)
        assert caught.value.remedy
