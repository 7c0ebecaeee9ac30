"""Gates that are called again compute what they computed before."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import minigrad as mg
from minigrad.errors import ShapeError
from minigrad.replay import again, without_outputs


def parameter(*shape):
    array = np.random.default_rng(0).standard_normal(shape)
    return mg.Tensor(array, requires_grad=True, name="w")


def test_again_uses_new_values_for_some_leaves_only():
    w, x = parameter(3, 2), mg.Tensor(np.ones((4, 3)))
    loss = (mg.tanh(x @ w) * 2).sum()
    made = again(loss.node, {w.node: mg.Tensor(w.array / 2)})
    assert made[loss.node].item() == (np.tanh(x.array @ (w.array / 2)) * 2).sum()
    assert_array_equal(made[x.node].array, x.array)
    assert loss.item() != made[loss.node].item()


def test_again_gives_the_gradients_of_the_new_leaf():
    w = parameter(3)
    loss = (w * w * w).sum()
    new = mg.Tensor([1.0, 2.0, 3.0], requires_grad=True)
    again(loss.node, {w.node: new})[loss.node].backward()
    assert_array_equal(new.grad, [3.0, 12.0, 27.0])
    assert w.grad is None


def test_again_visits_a_shared_node_once():
    w = parameter(2)
    shared = mg.exp(w)
    loss = (shared * shared + shared).sum()
    asked = []
    again(loss.node, {}, lambda node, inputs: asked.append(node))
    assert asked.count(shared.node) == 1
    assert [node.gate.name for node in asked][-1] == "Sum"


def test_change_replaces_the_outputs_of_some_gates():
    x = mg.Tensor([-1.0, 2.0], requires_grad=True)
    loss = (mg.relu(x) * 3).sum()

    def leave_out(node, inputs):
        return inputs[0] if node.gate.name == "ReLU" else None

    assert loss.item() == 6
    assert again(loss.node, {}, leave_out)[loss.node].item() == 3


def test_inner_nodes_can_have_values_too():
    w = parameter(3)
    h = mg.exp(w)
    loss = h.sum()
    made = again(loss.node, {h.node: mg.Tensor([1.0, 2.0, 3.0])})
    assert made[loss.node].item() == 6


def test_values_of_other_shapes_are_refused_by_the_gates():
    w = parameter(3, 2)
    loss = (mg.Tensor(np.ones((4, 3))) @ w).sum()
    with pytest.raises(ShapeError):
        again(loss.node, {w.node: mg.Tensor(np.ones((5, 2)))})


def test_copy_without_outputs_keeps_what_reports_need():
    w = parameter(3, 2)
    with mg.scope("model"), mg.trace_lines():
        loss = mg.tanh(mg.Tensor(np.ones((4, 3))) @ w).sum()
    copies = without_outputs(loss.node)
    for node, copy in copies.items():
        if node.gate is None:
            assert copy is node
            continue
        for name in ("gate", "scope", "serial", "name", "source", "shape", "dtype"):
            assert getattr(copy, name) == getattr(node, name)
        assert [copies[parent] for parent in node.inputs] == [*copy.inputs]
        assert not hasattr(copy.output, "nbytes")


def test_copy_without_outputs_computes_the_same_after_the_graph_is_gone():
    w = parameter(3, 2)
    noise = mg.Tensor(np.random.default_rng(1).random((4, 3)))
    loss = mg.exp(mg.sigmoid(noise @ w)).mean()
    before = loss.item()
    loss.backward()
    graph = without_outputs(loss.node)[loss.node]
    del loss
    assert again(graph, {})[graph].item() == before
