"""Lesson 4: its sweep against the engine's, on random graphs."""

import operator

import numpy as np
import pytest

import minigrad as mg
from minigrad.course.lessons.lesson_04_sweep import solution

from ..conftest import alike

GATES = [
    (solution.add, operator.add),
    (solution.multiply, operator.mul),
    (
        lambda a, b: solution.tanh(a),
        lambda a, b: mg.tanh(a),
    ),
]


@pytest.mark.parametrize("seed", range(30))
def test_backward_of_random_graphs_is_the_engines(seed):
    rng = np.random.default_rng(seed)
    nodes = [solution.Node(value) for value in (0.5, -1.25, 0.75)]
    tensors = [mg.Tensor(np.array(node.value), requires_grad=True) for node in nodes]
    for _ in range(rng.integers(1, 15)):
        mine, theirs = GATES[rng.integers(3)]
        chosen = rng.integers(len(nodes), size=2)
        # tanh, so that products stay small
        nodes.append(mine(*(solution.tanh(nodes[i]) for i in chosen)))
        tensors.append(theirs(*(mg.tanh(tensors[i]) for i in chosen)))
    solution.backward(nodes[-1])
    tensors[-1].backward()
    for node, leaf in zip(nodes[:3], tensors, strict=False):
        alike(
            node.grad,
            0.0 if leaf.grad is None else leaf.grad,
        )
        alike(
            solution.forward_slope(nodes[-1], node),
            node.grad,
        )


def test_paths_to_a_node_that_is_used_three_times():
    x = solution.Node(2.0)
    z = solution.multiply(
        solution.add(x, x),
        x,
    )
    assert solution.paths(z, x) == 3
