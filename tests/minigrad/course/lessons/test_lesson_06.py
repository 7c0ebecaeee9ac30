"""Lesson 6: its checker against closed forms and `mg.gradcheck`."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.course.lessons.lesson_06_checker import check, solution

from ..conftest import alike, normal

each_rule = pytest.mark.parametrize(
    "rule",
    [*check.GUILTY, *check.INNOCENT],
    ids=lambda rule: rule.name,
)


def test_numeric_gradient_is_the_closed_form():
    (x,) = normal((2, 3, 2))
    found = solution.numeric_gradient(
        lambda x: np.sin(x).sum(),
        x,
    )
    alike(found, np.cos(x), 1e-9)


@each_rule
def test_my_gradcheck_has_the_verdict_of_gradcheck(rule):
    class _Planted(mg.Gate):
        def forward(self, *inputs):
            return rule.forward(*inputs)

        def backward(self, dz, z, *inputs):
            return rule.backward(dz, z, *inputs)

    mine = solution.my_gradcheck(rule, *rule.inputs)
    theirs = mg.gradcheck(_Planted(), *rule.inputs)
    assert all(mine) is bool(theirs) is not rule.guilty


@each_rule
def test_quick_check_agrees_with_my_gradcheck(rule):
    for i, verdict in enumerate(solution.my_gradcheck(rule, *rule.inputs)):
        assert solution.quick_check(rule, rule.inputs, i) == verdict


def test_factor_of_a_gradient():
    (x,) = normal((2, 3))
    alike(solution.factor(x, -2 * x), -0.5)
