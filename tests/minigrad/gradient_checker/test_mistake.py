"""A Mistake says which rule is wrong: its node, its line, the input, and the two numbers that
disagree.
"""

import inspect
from typing import Any

import numpy as np
import pytest

import minigrad as mg


class Squash(mg.Gate):
    def forward(self, x):
        return np.tanh(x)

    def backward(self, dz, z, x):
        return (dz,)


def test_it_names_the_lines_of_the_call_and_of_the_rule():
    def program(x):
        return mg.exp(Squash()(x * 0.9))

    slip: Any = mg.gradcheck(program, mg.Tensor([0.5, 1.0], name="x")).slip
    assert slip.node.source.endswith(f"test_mistake.py:{inspect.getsourcelines(program)[1] + 1}")
    assert slip.rule_line.endswith(f"test_mistake.py:{inspect.getsourcelines(Squash.backward)[1]}")
    assert slip.numeric != pytest.approx(slip.recorded, rel=1e-4)
    assert (
        f"gradient of input 0 (2,) at {list(slip.index)}: the rule gives {slip.recorded:.6g}"
        in str(slip)
    )
    assert "likely mistake: the local derivative is missing" in str(slip)
