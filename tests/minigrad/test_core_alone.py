"""The core is complete: with everything out that only buys time, all gradients are the same, to
rounding.

Out are the accumulator (gradients are added up one by one), the written-out gate call, row-sparse
gradients, pending updates and fused gates. The engine's own tests run that way, and programs of all
kinds are compared with and without.
"""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from layers import GRU, LSTM, RNN, Dense, Embedding, Sequential
from minigrad import fast
from minigrad.context import SEAMS, Seams
from minigrad.gate import Gate
from optim import SGD, Adam

ROOT = Path(__file__).resolve().parents[2]
ENGINE = [
    f"test_{name}.py"
    for name in "graph backward context tensor derivatives numpy_api gate gates".split()
]


def test_the_engines_own_tests_pass_without_what_is_fast():
    tests = [str(ROOT / "tests" / "minigrad" / name) for name in ENGINE]
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--without-fast",
        *tests,
    ]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout[-3000:]
    assert int(re.findall(r"(\d+) passed", run.stdout)[0]) > 250


@pytest.fixture
def disabled():
    fast.disable()
    yield
    fast.enable()


@pytest.mark.fast
def test_every_seam_has_a_plain_version_and_a_fast_one():
    assert set(fast.FAST) == set(SEAMS.plain_versions) == set(Seams.__annotations__)
    assert {name: getattr(SEAMS, name) for name in fast.FAST} == fast.FAST
    fast_call = Gate.__call__
    fast.disable()
    try:
        assert {name: getattr(SEAMS, name) for name in fast.FAST} == SEAMS.plain_versions
        assert Gate.__call__ is not fast_call
    finally:
        fast.enable()


@pytest.mark.fast
def test_gradients_from_before_the_switch_are_added_up_after_it(disabled):
    fast.enable()
    x = mg.Tensor([[1.0], [2.0]], requires_grad=True)
    (x[:1].sum() + mg.lookup(x, [1, 1]).sum()).backward()  # its gradient is sparse
    fast.disable()
    (x[:1] + x).sum().backward()  # [:1] is broadcast to both rows
    np.testing.assert_array_equal(x.grad, [[4.0], [3.0]])


def diamond_with_broadcasting():
    rng = np.random.default_rng(2)
    x, s, row = (
        mg.Tensor(rng.normal(size=shape), requires_grad=True) for shape in ((4, 3), (), (3,))
    )
    y = x * s + row
    z = (y * row - y / (s * s + 2.0)) * mg.sigmoid(y)
    (z.sum(axis=0) * row + z[1:3].sum(axis=0) + z[np.array([0, 0, 2])].sum(axis=0)).sum().backward()
    return [x.grad, s.grad, row.grad]


def embedding_used_twice():
    table = Embedding(9, 4).table
    table.array = np.random.default_rng(3).normal(size=(9, 4))
    ids = np.array([[1, 3, 3], [0, 8, 1]])
    rows = mg.lookup(table, ids)
    (
        (rows * rows).sum() + (mg.tanh(table[2:5]) * 2.0).sum() + (table @ np.ones((4, 1))).sum()
    ).backward()
    return [table.grad]


def trained(layer, optimizer):
    mg.seed(0)
    model = Sequential(Embedding(30, 6), layer(6, 5), Dense(5, 2))
    rule = optimizer(model.named_parameters())
    rng = np.random.default_rng(5)
    for _ in range(12):
        ids, labels = rng.integers(0, 30, (4, 7)), rng.integers(0, 2, 4)
        with mg.fused():
            loss = mg.softmax_cross_entropy(model(ids), labels)
        rule.zero_grad()
        loss.backward()
        rule.step()
    return list(model.state_dict().values())


PROGRAMS = {
    "broadcasting": diamond_with_broadcasting,
    "embedding": embedding_used_twice,
    "rnn adam": lambda: trained(RNN, lambda p: Adam(p, lr=0.01)),
    "gru momentum": lambda: trained(GRU, lambda p: SGD(p, lr=0.1, momentum=0.9)),
    "lstm sgd": lambda: trained(LSTM, lambda p: SGD(p, lr=0.1)),
}


@pytest.mark.fast
@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_results_are_the_same_to_rounding(program):
    quick = program()
    fast.disable()
    try:
        plain = program()
    finally:
        fast.enable()
    for one, other in zip(plain, quick, strict=True):
        wide = one.dtype == np.float64
        np.testing.assert_allclose(
            one, other, rtol=1e-12 if wide else 2e-4, atol=1e-13 if wide else 2e-6
        )
