"""The core is complete: with everything out that only buys time, all gradients are the same, to
rounding.

Out are the accumulator (gradients are added up one by one), the written-out gate call, row-sparse
gradients, pending updates and fused gates. The engine's own tests run that way, and programs of all
kinds are compared with and without.
"""

import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from layers import GRU, LSTM, RNN, Dense, Embedding, Sequential
from minigrad import fast
from minigrad.context import SEAMS, Seams
from minigrad.fast import gate_call
from minigrad.fast.table import make_table
from minigrad.gate import Gate
from optim import SGD, Adam

ROOT = Path(__file__).resolve().parents[2]
ENGINE = [
    f"test_{name}.py"
    for name in "graph backward context tensor derivatives numpy_api gate gates".split()
]


def test_the_engines_own_tests_pass_without_what_is_fast():
    tests = [str(ROOT / "tests" / "minigrad" / name) for name in ENGINE]
    command = [sys.executable, *"-m pytest -q -p no:cacheprovider --without-fast".split(), *tests]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout[-3000:]


@pytest.fixture
def switch():
    """`minigrad.fast`, which is enabled again after the test."""
    yield fast
    fast.enable()


@pytest.mark.fast
def test_every_seam_has_a_plain_version_and_a_fast_one(switch):
    assert set(fast.FAST) == set(SEAMS.plain_versions) == set(Seams.__annotations__)
    for change, versions in ((switch.enable, fast.FAST), (switch.disable, SEAMS.plain_versions)):
        change()
        assert {name: getattr(SEAMS, name) for name in fast.FAST} == versions
        assert (Gate.__call__ is gate_call.call) == (change is switch.enable)


@pytest.mark.fast
def test_gradients_from_before_the_switch_are_added_up_after_it(switch):
    x = mg.Tensor([[1.0], [2.0]], requires_grad=True)
    (x[:1].sum() + mg.lookup(x, [1, 1]).sum()).backward()  # its gradient is sparse
    switch.disable()
    (x[:1] + x).sum().backward()  # [:1] is broadcast to both rows
    np.testing.assert_array_equal(x.grad, [[4.0], [3.0]])


def diamond_with_broadcasting():
    rng = np.random.default_rng(2)
    shapes = [(4, 3), (), (3,)]
    x, s, row = leaves = [mg.Tensor(rng.normal(size=size), requires_grad=True) for size in shapes]
    y = x * s + row
    z = y * row - y / (s * s + 2.0)
    (z.sum(axis=0) * row + z[1:3].sum(axis=0) + z[np.array([0, 0, 2])].sum(axis=0)).sum().backward()
    return [leaf.grad for leaf in leaves]


def embedding_used_twice():
    table = make_table(np.random.default_rng(3).normal(size=(9, 4)))
    rows = mg.lookup(table, [[1, 3, 3], [0, 8, 1]])
    loss = (rows * rows).sum() + (mg.tanh(table[2:5]) * 2.0).sum()
    (loss + (table @ np.ones((4, 1))).sum()).backward()
    return [table.grad]


def trained(layer, optimizer):
    mg.seed(0)
    model = Sequential(Embedding(30, 6), layer(6, 5, fused=True), Dense(5, 2))
    rule = optimizer(model.named_parameters(), lr=0.01)
    rng = np.random.default_rng(5)
    for _ in range(12):
        rule.zero_grad()
        output = model(rng.integers(0, 30, (4, 7)))
        mg.softmax_cross_entropy(output, rng.integers(0, 2, 4)).backward()
        rule.step()
    return list(model.state_dict().values())


PROGRAMS = {
    "broadcasting": diamond_with_broadcasting,
    "embedding": embedding_used_twice,
    "rnn adam": lambda: trained(RNN, Adam),
    "gru momentum": lambda: trained(GRU, partial(SGD, momentum=0.9)),
    "lstm sgd": lambda: trained(LSTM, SGD),
}


@pytest.mark.fast
@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_results_are_the_same_to_rounding(program, switch):
    quick = program()
    switch.disable()
    for one, other in zip(program(), quick, strict=True):
        tolerance = 1e-12 if one.dtype == np.float64 else 2e-4
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance / 10)
