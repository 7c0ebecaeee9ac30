"""Explanations: the result that an operation computes instead, and the mistake in a rule."""

import numpy as np
import pytest

from minigrad.gradient_checker.engine.explain import explain, explain_backward
from minigrad.gradient_checker.engine.operations import OPERATIONS
from minigrad.gradient_checker.engine.programs import NEW, Disagreement, Program
from minigrad.gradient_checker.engine.target import Engine

from .engines import engine

ADD, MULTIPLY = OPERATIONS[:2]
LEAVES = [np.array(1.5), np.array(-2.0)]


@pytest.mark.parametrize(
    ("right", "wrong", "in_backward", "sentence"),
    [
        (
            "self.data * other.data",
            "self.data / other.data",
            False,
            "it computes a / b",
        ),
        (
            "dz * other.data, dz",
            "dz * self.data, dz",
            True,
            "multiplies dz by a; it should be b",
        ),
        ("dz * other.data, dz", "2 * dz * other.data, dz", True, "a factor of 2"),
    ],
)
def test_mistake_is_named(right, wrong, in_backward, sentence):
    found = Disagreement(Program.of(MULTIPLY, LEAVES), "", in_backward=in_backward)
    explain(Engine(engine(right=right, wrong=wrong)), found, np.random.default_rng(0))
    assert sentence in found.sentence


def test_unknown_mistake_keeps_the_sentence():
    found = Disagreement(Program.of(MULTIPLY, LEAVES), "", sentence="before")
    wrong = engine(right="self.data * other.data", wrong="self.data * other.data + 0.1")
    explain(Engine(wrong), found, np.random.default_rng(0))
    assert found.sentence == "before"


def test_backward_that_replaces_gradients_is_named():
    found = Disagreement(Program.of(ADD, LEAVES, NEW), "", 1.0, 2.0)
    explain_backward(found, [found])
    assert "replaces the gradients of an earlier call" in found.sentence


def test_backward_that_starts_with_another_number_is_named():
    found = Disagreement(Program.of(ADD, LEAVES), "", 3.0, 1.0)
    explain_backward(found, [found])
    assert "multiplied by 3" in found.sentence
