"""A fresh course, and `minigrad course ...` as it is typed there."""

import sys
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad.__main__ import main
from minigrad.course.checking.registry import lesson
from minigrad.course.workbook import Workbook


def normal(*shapes):
    """Seeded random arrays of these shapes."""
    rng = np.random.default_rng(0)
    return [rng.normal(size=shape) for shape in shapes]


def engine(function, *arrays):
    """(dz, z, gradients) of a function of Tensors, by minigrad, for a random upstream gradient dz."""
    tensors = [mg.Tensor(array, requires_grad=True) for array in arrays]
    z = function(*tensors)
    dz = np.random.default_rng(1).normal(size=z.shape)
    return dz, z, mg.grad(z, tensors, upstream=dz)


def alike(found, expected, tolerance=1e-12):
    """Compare numbers, arrays and Tensors, alone or in lists."""
    if isinstance(expected, list | tuple):
        for one, other in zip(found, expected, strict=True):
            alike(one, other, tolerance)
    else:
        found, expected = (getattr(value, "array", value) for value in (found, expected))
        np.testing.assert_allclose(
            found,
            expected,
            rtol=0,
            atol=tolerance,
        )


def record(number, **entries):
    """Write entries of a lesson into the progress.json of the current folder."""
    with Workbook(Path(".")).changed(lesson(number)) as entry:
        entry.update(entries)


def write(number, text=""):
    """Write a lesson's file in the current folder: its solution, with `text` after it."""
    one = lesson(number)
    Path(one.file).write_text(f"{one.solution}\n{text}\n")


@pytest.fixture
def typed(tmp_path, monkeypatch, capsys):
    """Runs `minigrad course ...` in an empty folder; returns (exit code, what was printed)."""
    monkeypatch.chdir(tmp_path)

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["minigrad", "course", *words])
        code = main()
        shown = capsys.readouterr()
        return code, shown.out + shown.err

    return run


@pytest.fixture
def course(typed, tmp_path, monkeypatch):
    """As `typed`, in a folder where a course was begun."""
    assert typed("start", "c")[0] == 0
    monkeypatch.chdir(tmp_path / "c")
    return typed
