"""Lesson 4's sweep against the engine's, on random graphs, and its judge of orders."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.course.lessons.lesson_04_sweep import check, solution

GATES = {
    "add": (solution.add, lambda a, b: a + b),
    "multiply": (solution.multiply, lambda a, b: a * b),
    "tanh": (lambda a, b: solution.tanh(a), lambda a, b: mg.tanh(a)),
}


@given(st.lists(st.tuples(st.sampled_from(sorted(GATES)), st.integers(0, 30), st.integers(0, 30)), min_size=1))
def test_random_graphs_get_the_engines_gradients(steps):
    values = (0.5, -1.25, 0.75)
    nodes = [solution.Node(value) for value in values]
    tensors = leaves = [mg.Tensor(np.array(value), requires_grad=True) for value in values]
    tensors = list(leaves)
    for gate, left, right in steps[:15]:
        mine, engine = GATES[gate]
        left, right = left % len(nodes), right % len(nodes)
        a, b = mg.tanh(tensors[left]), mg.tanh(tensors[right])  # so that products stay small
        tensors.append(engine(a, b))
        nodes.append(mine(solution.tanh(nodes[left]), solution.tanh(nodes[right])))
    solution.backward(nodes[-1])
    tensors[-1].backward()
    for node, leaf in zip(nodes[:3], leaves, strict=True):
        assert node.grad == pytest.approx(0.0 if leaf.grad is None else leaf.grad.item(), abs=1e-12)


def test_any_order_with_consumers_first_is_right_and_others_are_told_why():
    question = next(q for q in check.QUESTIONS if q.what.startswith("order(y) for left"))
    assert question.compare is not None
    right = question.ask(solution)
    for names in (["y", "left", "right", "b", "x"], ["y", "right", "left", "x", "b"]):
        assert question.compare(names, right) is None
    assert "left has not reported" in (question.compare(["y", "right", "x", "left", "b"], right) or "")
    assert "b is not there" in (question.compare(["y", "right", "left", "x"], right) or "")
    assert "x is there 2 times" in (question.compare(["y", "right", "x", "left", "b", "x"], right) or "")
