"""Lesson 6's checker against closed forms, and its verdicts on the planted gates against
mg.gradcheck's.
"""

import numpy as np
import pytest

import minigrad as mg
from minigrad.course.lessons.lesson_06_checker import check, solution

RULES = [*check.GUILTY, *check.INNOCENT]


def test_slopes_are_the_closed_form():
    x = np.random.default_rng(0).normal(size=(2, 3, 2))
    np.testing.assert_allclose(
        solution.numeric_gradient(lambda x: np.sin(x).sum(), x), np.cos(x), atol=1e-9
    )


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_verdict_is_the_packages_own(rule):
    assert all(solution.my_gradcheck(rule, *rule.inputs)) is not rule.guilty

    class _Planted(mg.Gate):
        def forward(self, *inputs):
            return rule.forward(*inputs)

        def backward(self, dz, z, *inputs):
            return rule.backward(dz, z, *inputs)

    assert bool(mg.gradcheck(_Planted(), *rule.inputs)) is not rule.guilty


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_stretch_tasks_agree_with_the_whole_check(rule):
    slow = solution.my_gradcheck(rule, *rule.inputs)
    assert [
        solution.quick_check(rule, rule.inputs, i) for i in range(len(slow))
    ] == slow
    assert solution.factor(rule.inputs[0], -2 * rule.inputs[0]) == pytest.approx(-0.5)
