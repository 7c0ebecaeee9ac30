"""What the suspects see: losses, labels, inputs, baselines and gradients."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import minigrad as mg
import optim
from layers import Dense, Dropout, Embedding, Flatten, Sequential
from optim.diagnosis.evidence import Evidence, final
from optim.diagnosis.reading import name
from optim.diagnosis.trial import Trial
from optim.diagnosis.watch import Watch
from tests.optim.diagnosis.helpers import (
    IDS,
    TARGETS,
    X,
    Y,
    crossed,
    network,
    regression,
    seen,
    squared,
)


def test_progress_is_a_share_of_the_loss_of_guessing():
    e = regression()
    guess = e.baseline
    assert e.progress([guess]) == pytest.approx(0)
    assert e.progress([3 * guess, guess / 4]) == pytest.approx(0.75)
    assert e.progress([9 * guess] * 18 + [0, guess]) == pytest.approx(0.5)
    assert e.progress([1.0, float("nan")]) == float("-inf")
    assert e.progress([]) == 0
    assert final([5.0] * 18 + [1.0, 2.0]) == 1.5


def test_progress_without_a_baseline_starts_at_the_first_loss():
    e = regression(lambda z, y: (z**2).mean())
    assert e.progress([4.0, 1.0]) == pytest.approx(0.75)


def test_scale_of_a_sum():
    loss = mg.MeanSquaredError(reduction="sum")
    e = regression(loss)
    assert e.scale == 64
    assert e.progress([64 * e.baseline / 2]) == pytest.approx(0.5)
    assert regression().scale == 1


# ---- arrays ----


def test_inputs_are_not_labels_masks_or_constants():
    def model():
        return Sequential(
            Dense(4, 8),
            Dropout(0.5),
            lambda h: h * 3,
            Dense(8, 2),
        )

    e = seen(model, crossed)
    assert [node.output.shape for node in e.kept[0].inputs] == [X.shape]
    assert_array_equal(e.inputs, np.concatenate([X] * 3))
    assert_array_equal(e.labels, np.concatenate([Y] * 3))


def test_ids_are_inputs_too():
    def model():
        return Sequential(Embedding(12, 4), Flatten(), Dense(32, 2))

    e = seen(model, crossed, IDS)
    assert_array_equal(e.inputs[:64], IDS)
    (node,) = e.kept[0].ids
    assert_array_equal(node.output, IDS)


def test_gradients_are_those_of_the_run():
    e = regression()
    w = e.parameters[0]
    gradient = (w.output - e.watch.first[w]) / -0.1  # of three steps together
    assert gradient.any()
    mg.seed(0)
    model = network(4, 1)
    squared(model(X), TARGETS).backward()
    mine = {leaf.name: leaf for leaf in e.parameters}
    for path, tensor in model.named_parameters().items():
        (leaf,) = (leaf for key, leaf in mine.items() if key and key.endswith(path))
        assert_allclose(
            e.first.gradients[leaf],
            tensor.grad,
            rtol=1e-5,
            atol=1e-7,
        )


def test_look_has_the_gradients_of_the_inputs():
    w = np.array([[1.0], [2.0], [0.0], [0.0]], "float32")

    def model():
        dense = Dense(4, 1)
        dense.W.array = w
        return dense

    e = seen(model, lambda z, y: z.sum(), y=None)
    (x,) = e.kept[0].inputs
    assert_array_equal(e.first.gradients[x], np.tile(w.T, (64, 1)))


def test_last_uses_the_parameters_at_the_end():
    e = regression()
    assert e.first.outputs[e.kept[0].graph].item() == e.losses[0]
    assert e.last.outputs[e.kept[-1].graph].item() < e.losses[-1]


def test_output_with_other_inputs():
    e = regression()
    (x,) = e.kept[0].inputs
    term = e.terms[0]
    look = e.look(e.kept[0], e.watch.first | {x: 0 * X})
    output = look.outputs[term.output]
    assert_array_equal(output, output[0] + 0 * output)


def test_loss_of_guessing_is_unknown_for_two_phases():
    model = network()
    optimizer = optim.SGD(model.named_parameters(), lr=0.1)
    with Watch() as watch:
        for phase in (1.0, 0.5):
            for _ in range(3):
                optimizer.zero_grad()
                loss = crossed(model(X), Y)
                loss = loss if phase == 1 else phase * loss + (model(X) ** 2).mean()
                loss.backward()
                optimizer.step()
    assert np.isnan(Evidence(watch).baseline)


def test_loss_of_guessing_is_unknown_for_weighted_rows():
    weights = np.where(Y, 30, 1).astype("float32")

    def weighted(logits, labels):
        each = mg.softmax_cross_entropy(logits, labels, reduction="none")
        return (each * weights).mean()

    def averaged(logits, labels):
        return mg.softmax_cross_entropy(logits, labels, reduction="none").mean()

    shares = np.bincount(Y) / len(Y)
    assert np.isnan(seen(network, weighted).baseline)
    assert np.isclose(seen(network, averaged).baseline, -(shares * np.log(shares)).sum())


def test_layer_of_a_node_with_its_line():
    e = seen(network, crossed)
    (product, _), _ = list(e.weights())
    path, layer, line = e.layer(product)
    assert (path, type(layer)) == ("sequential.dense", Dense)
    assert line is not None and line.text.startswith("Dense(inputs, 8")


# ---- trials ----


def test_control_of_a_run():
    e = regression()
    assert e.repeatable
    assert e.control == e.losses


def test_data_that_the_run_computes_from_parameters_keeps_its_values():
    w = mg.Tensor([2.0], requires_grad=True)
    optimizer = optim.SGD([w], lr=0.1)
    with Watch() as watch:
        for _ in range(3):
            optimizer.zero_grad()
            loss = (w * mg.Tensor(w.array * 2)).sum()
            loss.backward()
            optimizer.step()
    assert Evidence(watch).repeatable


@pytest.mark.parametrize("lr", [0.3, 0.001])
def test_steps_by_hand_become_those_of_sgd(lr):
    w = mg.Tensor(np.zeros((4, 1)), requires_grad=True)
    with Watch() as watch:
        for _ in range(5):
            w.grad = None
            squared(X @ w, TARGETS).backward()
            w.array = w.array - lr * w.grad
    e = Evidence(watch)
    assert watch.start.lr == pytest.approx(lr)
    assert e.repeatable
    assert_allclose(e.control, e.losses, rtol=1e-3)


def test_changed_gate_that_does_not_fit_is_no_proof():
    e = regression()

    def narrow(node, inputs):
        return inputs[0] if name(node) == "MultiplyGate" else None

    assert e.attempt(Trial(change=narrow)) == []


def test_trials_end_after_some_time():
    e = regression()
    e.until = 0.0
    assert e.attempt(Trial()) == []
    assert not e.repeatable


def test_run_without_passes():
    e = Evidence(Watch())
    assert (e.nodes, e.terms, e.parameters) == ([], [], [])
    assert e.attempt(Trial()) == []
    assert e.learned == 0
