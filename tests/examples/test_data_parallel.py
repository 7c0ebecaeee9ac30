"""The exchange of two ranks as gates: adjoints against finite differences over all ranks, and the
example itself.
"""

import os
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from tests.optim import ranks
from tests.optim.training.test_parallel import needs_mpi, on_ranks

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples"))

import data_parallel


class LocalAllReduce(data_parallel.AllReduce):
    """The mistake: each rank sends back its own upstream gradient, as if others' losses did not
    depend on its x.
    """

    def backward(self, dz, z, x):
        return (dz,)


class EverybodysBroadcast(data_parallel.Broadcast):
    """The mistake: each rank keeps the gradient to itself."""

    def backward(self, dz, z, x):
        return (dz,)


def worst(gate: Any) -> float:
    """The largest error of the gate's gradient on two ranks, against differences of J = Σ over
    ranks of c · z.
    """

    def act(comm: Any) -> float:
        rng = np.random.default_rng(comm.rank)
        x, c = rng.normal(size=(2, 3)), rng.normal(size=(2, 3))  # each rank's own
        tensor = mg.Tensor(x, requires_grad=True)
        gate(comm)(tensor).backward(c)
        errors = []
        for rank in range(comm.size):
            for place in np.ndindex(x.shape):
                ends = []
                for step in (1e-6, -1e-6):
                    moved = x.copy()
                    moved[place] += step * (comm.rank == rank)
                    ends.append(sum(comm.allgather(float((c * gate(comm)(moved).array).sum()))))
                if comm.rank == rank:
                    assert tensor.grad is not None
                    errors.append(abs((ends[0] - ends[1]) / 2e-6 - tensor.grad[place]))
        return float(max(errors))

    return float(max(on_ranks(2, act)))


@pytest.mark.parametrize(
    ("gate", "right"),
    [
        (data_parallel.AllReduce, True),
        (data_parallel.Broadcast, True),
        (LocalAllReduce, False),
        (EverybodysBroadcast, False),
    ],
)
def test_adjoints_are_right_and_wrong_ones_are_seen(gate: Any, right: bool) -> None:
    assert worst(gate) < 1e-8 if right else worst(gate) > 0.1


@needs_mpi
@pytest.mark.parametrize("size", [2, 3])
def test_the_example_adds_up(tmp_path: Path, size: int) -> None:
    script = str(ranks.ROOT / "examples" / "data_parallel.py")
    process = ranks.start(size, [script, "--out", str(tmp_path / "both.dot")])
    printed, _ = process.communicate(timeout=120)
    assert process.returncode == 0, printed
    rows = [[float(number) for number in line.split()] for line in re.findall(r"\[(.*)\]", printed)]
    *shares, total, alone = rows
    assert (
        len(shares) == size
        and np.allclose(np.sum(shares, axis=0), total, atol=2e-6)
        and total == alone
    )
    text = (tmp_path / "both.dot").read_text()
    assert (
        all(f"rank {rank}" in text for rank in range(size))
        and text.count("dir=both") == size * (size - 1) // 2
    )


@needs_mpi
def test_the_main_job_on_two_ranks(tmp_path: Path) -> None:
    script = str(ranks.ROOT / "examples" / "imdb_sentiment.py")
    short = ["--limit", "300", "--epochs", "1", "--out"]
    process = ranks.start(2, [script, "--parallel", *short, str(tmp_path / "two")])
    printed, _ = process.communicate(timeout=200)
    assert process.returncode == 0, printed
    assert printed.count("Test accuracy") == printed.count("Reading the reviews") == 1
    names = {path.name for path in (tmp_path / "two").iterdir()}
    assert names >= {
        "graph.png",
        "history.csv",
        "snapshots",
        "vocabulary.txt",
        "weights.safetensors",
    }
    process = ranks.start(2, [script, *short, str(tmp_path / "each")])
    printed, _ = process.communicate(timeout=200)
    assert process.returncode == 2 and "add --parallel" in printed


def test_without_mpi_the_extra_is_named(run: Any, tmp_path: Path) -> None:
    (tmp_path / "mpi4py.py").write_text("raise ImportError('No module named mpi4py')")
    path = os.pathsep.join([str(tmp_path), str(ranks.ROOT)])
    done = run("imdb_sentiment.py", "--parallel", "--limit", "100", code=2, PYTHONPATH=path)
    assert (
        "pip install --editable" in done.stderr
        and "[mpi]" in done.stderr
        and "mpiexec -n 2" in done.stderr
    )


def test_a_picture_of_another_kind_is_refused(run: Any) -> None:
    assert (
        "must end in .png, .svg or .dot"
        in run("data_parallel.py", "--out", "graphs.xyz", code=2).stderr
    )
