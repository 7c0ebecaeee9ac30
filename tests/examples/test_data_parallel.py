"""The exchange of two ranks as gates: adjoints against finite differences over all ranks, and the
example itself.
"""

import os
import re

import numpy as np
import pytest

import data_parallel
import minigrad as mg
from tests.optim import ranks
from tests.optim.training.test_parallel import needs_mpi, on_ranks


def error(gate):
    """How far the gate's gradients on two ranks are from an adjoint's: Σ c · z = Σ dx · x, over all
    ranks.
    """

    def act(comm):
        x, c = np.random.default_rng(comm.rank).normal(
            size=(2, 2, 3)
        )  # each rank's own
        tensor = mg.Tensor(x, requires_grad=True)
        z = gate(comm)(tensor)
        z.backward(c)
        return sum(comm.allgather(float((c * z.array - tensor.grad * x).sum())))

    return abs(on_ranks(2, act)[0])


@pytest.mark.parametrize("gate", [data_parallel.AllReduce, data_parallel.Broadcast])
def test_the_backward_rules_are_adjoints(gate):
    assert error(gate) < 1e-12


@needs_mpi
@pytest.mark.parametrize("size", [2, 3])
def test_the_example_adds_up(tmp_path, size):
    script = str(ranks.ROOT / "examples" / "data_parallel.py")
    process = ranks.start(size, [script, "--out", str(tmp_path / "both.dot")])
    printed, _ = process.communicate(timeout=120)
    assert process.returncode == 0, printed
    rows = re.findall(r"\[(.*)\]", printed)
    *shares, total, alone = [np.array(row.split(), float) for row in rows]
    assert len(shares) == size and np.allclose(sum(shares), total, atol=2e-6)
    assert np.array_equal(total, alone)
    text = (tmp_path / "both.dot").read_text()
    assert all(f"rank {rank}" in text for rank in range(size))
    assert text.count("dir=both") == size * (size - 1) // 2


@needs_mpi
def test_the_main_job_on_two_ranks(tmp_path):
    script = str(ranks.ROOT / "examples" / "imdb_sentiment.py")
    short = ["--limit", "300", "--epochs", "1", "--out"]
    process = ranks.start(2, [script, "--parallel", *short, str(tmp_path / "two")])
    printed, _ = process.communicate(timeout=200)
    assert process.returncode == 0, printed
    assert printed.count("Test accuracy") == printed.count("Reading the reviews") == 1
    assert (tmp_path / "two" / "weights.safetensors").is_file()
    process = ranks.start(2, [script, *short, str(tmp_path / "each")])
    printed, _ = process.communicate(timeout=200)
    assert process.returncode == 2 and "add --parallel" in printed


def test_without_mpi_the_extra_is_named(run, tmp_path):
    (tmp_path / "mpi4py.py").write_text("raise ImportError('No module named mpi4py')")
    path = os.pathsep.join([str(tmp_path), str(ranks.ROOT)])
    done = run(
        "imdb_sentiment.py", "--parallel", "--limit", "100", code=2, PYTHONPATH=path
    )
    for part in ("pip install --editable", "[mpi]", "mpiexec -n 2"):
        assert part in done.stderr
