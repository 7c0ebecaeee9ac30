"""Lesson 4's sweep against the engine's, on random graphs."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.course.lessons.lesson_04_sweep import solution

GATES = [
    (solution.add, lambda a, b: a + b),
    (solution.multiply, lambda a, b: a * b),
    (lambda a, b: solution.tanh(a), lambda a, b: mg.tanh(a)),
]


@pytest.mark.parametrize("seed", range(30))
def test_random_graphs_get_the_engines_gradients(seed):
    rng = np.random.default_rng(seed)
    nodes = [solution.Node(value) for value in (0.5, -1.25, 0.75)]
    tensors = [mg.Tensor(np.array(node.value), requires_grad=True) for node in nodes]
    for _ in range(rng.integers(1, 15)):
        mine, engine = GATES[rng.integers(3)]
        left, right = rng.integers(len(nodes), size=2)
        # so that products stay small
        tensors.append(engine(mg.tanh(tensors[left]), mg.tanh(tensors[right])))
        nodes.append(mine(solution.tanh(nodes[left]), solution.tanh(nodes[right])))
    solution.backward(nodes[-1])
    tensors[-1].backward()
    for node, leaf in zip(nodes[:3], tensors[:3], strict=True):
        assert node.grad == pytest.approx(
            0.0 if leaf.grad is None else leaf.grad.item(), abs=1e-12
        )
        assert solution.forward_slope(nodes[-1], node) == pytest.approx(
            node.grad, abs=1e-12
        )


def test_there_is_one_path_for_each_way_to_choose_inputs():
    x = solution.Node(2.0)
    assert solution.paths(solution.multiply(solution.add(x, x), x), x) == 3
