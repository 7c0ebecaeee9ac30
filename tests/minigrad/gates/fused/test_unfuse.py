"""What a fused gate stands for, from small gates: the same value and gradients, and a graph like
the layers' own.
"""

import numpy as np
import pytest

import minigrad as mg
from layers import GRU, LSTM, RNN, Dense, Embedding, Sequential
from minigrad.gates.fused.sequence import _Sequence
from minigrad.gates.fused.unfuse import UNFUSED

FUSED: list[type[mg.Gate]] = [
    mg.Convolve,
    mg.GELU,
    mg.LayerNormalise,
    mg.LookupProduct,
    mg.ScaledDotProductAttention,
    mg.RNNSequence,
    mg.GRUSequence,
    mg.LSTMSequence,
]


def gates_of(tensor):
    return [
        node.gate.name for node in mg.graph.ancestors([tensor.node])[::-1] if node.gate
    ]


def cases():
    """Each fused gate with its sample inputs, whole and truncated."""
    for kind in FUSED:
        for number, (gate, arrays) in enumerate(kind.sample_inputs()):
            yield pytest.param(gate, arrays, id=f"{kind.__name__}-{number}")
            if isinstance(gate, _Sequence):
                shorter = type(gate)(truncate=2, reverse=gate.reverse)
                yield pytest.param(
                    shorter, arrays, id=f"{kind.__name__}-{number}-truncated"
                )


def test_every_gate_without_second_derivative_has_an_unfused_form():
    own = [
        gate for gate in mg.GATES.values() if gate.__module__.startswith("minigrad.")
    ]
    assert set(UNFUSED) >= {gate for gate in own if not gate.differentiable_twice}
    assert set(UNFUSED) == set(FUSED)


@pytest.mark.parametrize(("gate", "arrays"), list(cases()))
def test_value_and_gradients_are_those_of_the_gate(gate, arrays):
    leaves = [
        mg.Tensor(array, requires_grad=array.dtype.kind == "f") for array in arrays
    ]
    wanted = [leaf for leaf in leaves if leaf.requires_grad]
    z = gate(*leaves)
    unfused = mg.unfuse(z)
    assert gate.name not in gates_of(unfused) and len(gates_of(unfused)) > 1
    np.testing.assert_allclose(unfused.array, z.array, rtol=1e-12, atol=1e-14)
    dz = np.random.default_rng(5).normal(size=z.shape)
    # recorded, so that they can be differentiated again
    found = mg.grad(unfused, wanted, upstream=dz, create_graph=True)
    expected = mg.grad(z, wanted, upstream=dz)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours.array, theirs.array, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("kind", [mg.RNNSequence, mg.GRUSequence, mg.LSTMSequence])
def test_masks_and_inputs_of_integers(kind):
    *_, (gate, arrays) = kind.sample_inputs()
    *others, mask = [
        array.round() if array.dtype.kind == "f" else array for array in arrays
    ]
    integers = [array.astype(int) for array in (*others, mask)]
    np.testing.assert_allclose(
        gate(*integers).array, gate(*others, mask).array, rtol=1e-12
    )


@pytest.mark.parametrize("junk", [np.nan, np.inf])
@pytest.mark.parametrize(
    ("gate", "arrays"),
    [
        case
        for case in cases()
        if isinstance(case.values[0], _Sequence) and case.values[1][-1].dtype == bool
    ],
)
def test_nan_at_padded_steps_reaches_no_value_and_no_gradient(gate, arrays, junk):
    a, *others, mask = arrays
    ends = []
    for padding in (0, junk):
        a = np.where(mask[:, :, None], a, padding)
        leaves = [mg.Tensor(one, requires_grad=True) for one in (a, *others)]
        z = gate(*leaves, mask)
        dz = np.random.default_rng(5).normal(size=z.shape)
        for form in (z, mg.unfuse(z)):
            ends.append([form, *mg.grad(form, leaves, upstream=dz)])
    for truth, *found in zip(*ends, strict=True):
        for one in found:
            np.testing.assert_allclose(one.array, truth.array, rtol=1e-10, atol=1e-13)
    assert not ends[-1][1].array[~mask].any()


@pytest.mark.parametrize("kind", [RNN, GRU, LSTM])
@pytest.mark.parametrize(
    "options",
    [{}, {"truncate": 3, "bidirectional": True, "layers": 2}],
    ids=["plain", "deep"],
)
def test_a_whole_model_opened_is_the_model_unrolled(kind, options):
    mg.seed(1)
    model = Sequential(
        Embedding(20, 3), kind(3, 2, **options), Dense(4 if options else 2, 2)
    )
    parameters = model.parameters()
    ids, labels = (
        np.random.default_rng(2).integers(1, 20, (4, 7)),
        np.array([0, 1, 1, 0]),
    )
    with mg.fused():
        unfused = mg.unfuse(mg.softmax_cross_entropy(model(ids), labels))
    unrolled = mg.softmax_cross_entropy(model(ids), labels)
    assert not {"LookupProduct", f"{kind.__name__}Sequence"} & set(gates_of(unfused))
    found, expected = ([one, *mg.grad(one, parameters)] for one in (unfused, unrolled))
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours.array, theirs.array, rtol=1e-4, atol=1e-7)


def test_a_graph_without_fused_gates_is_returned_as_it_is():
    x = mg.Tensor([1.0], requires_grad=True)
    z = mg.tanh(mg.cut(mg.tanh(x)) + x)
    assert mg.unfuse(z).node is z.node


def test_what_lies_behind_a_cut_is_opened_too():
    x = mg.Tensor(np.ones((1, 2, 1)), requires_grad=True)
    h = mg.RNNSequence()(x, np.zeros((1, 1)), np.ones((1, 1)))
    z = mg.unfuse((mg.cut(h) * x).sum())
    gates = [node.gate.name for node in mg.Graph(z) if node.gate]
    assert gates.count("Tanh") == 2 and "RNNSequence" not in gates
    np.testing.assert_allclose(mg.grad(z, [x])[0].array.ravel(), [h.array.sum()] * 2)


def test_the_gradients_that_backward_sent_can_be_drawn():
    loss = RNN(2, 2, fused=True)(np.ones((1, 3, 2), np.float32)).sum()
    loss.backward()
    assert (
        "Fused gates: RNNSequence. Use mg.unfuse to draw their parts."
        in mg.Graph(loss).draw().caption
    )
    picture = mg.Graph(mg.unfuse(loss)).draw(mode="unrolled", grads=True)
    assert "no gradient yet" not in picture.dot and picture.dot.count("<b>Tanh<") == 3


@pytest.mark.parametrize(
    "change",
    [
        lambda W: W.update(lambda array: array.fill(2.0)),
        lambda W: setattr(W, "array", 2 * W.array),
    ],
)
def test_a_parameter_changed_since_is_a_clear_error(change):
    W = mg.Tensor(np.ones((1, 1)), requires_grad=True, name="W_hh")
    z = mg.RNNSequence()(np.ones((1, 2, 1)), np.zeros((1, 1)), W)
    change(W)
    with pytest.raises(mg.MinigradError, match=r"MG145.*W_hh \(1, 1\).*RNNSequence"):
        mg.unfuse(z)
