"""examples/data_parallel.py: its gates against an adjoint's equation, and its sums of gradients."""

import re

import numpy as np
import pytest

import data_parallel
import minigrad as mg
from tests.examples.conftest import command
from tests.optim import ranks
from tests.optim.training.test_parallel import needs_mpi, on_ranks


@pytest.mark.parametrize(
    "gate",
    [data_parallel.AllReduce, data_parallel.Broadcast],
)
def test_backward_is_the_adjoint(gate):
    def error(comm):
        """Σ c · z - Σ dx · x over both ranks, each with its own x and c."""
        x, c = np.random.default_rng(comm.rank).normal(size=(2, 2, 3))
        tensor = mg.Tensor(x, requires_grad=True)
        z = gate(comm)(tensor)
        z.backward(c)
        return sum(comm.allgather(np.sum(c * z.array - tensor.grad * x)))

    assert on_ranks(2, error)[0] == pytest.approx(0, abs=1e-12)


@needs_mpi
def test_data_parallel_adds_the_gradients(tmp_path):
    arguments = command("data_parallel.py", "--out", tmp_path / "all.dot")[1:]
    process = ranks.start(3, arguments)
    printed, _ = process.communicate(timeout=120)
    assert process.returncode == 0, printed
    rows = re.findall(r"\[(.*)\]", printed)
    *shares, total, alone = np.array(
        [row.split() for row in rows],
        float,
    )
    assert len(shares) == 3
    np.testing.assert_allclose(
        sum(shares),
        total,
        atol=2e-6,
    )
    np.testing.assert_array_equal(total, alone)
    text = (tmp_path / "all.dot").read_text()
    assert set(re.findall(r"rank \d", text)) == {"rank 0", "rank 1", "rank 2"}
    assert text.count("dir=both") == 3
