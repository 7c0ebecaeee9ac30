"""Snapshots: the graph computed again is the run's, and the run does not notice."""

from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import optim
from layers import Embedding, Sequential, TiedHead
from minigrad.context import ON_RECORD, watching
from optim.recording.recorder import Recorder
from optim.recording.snapshot import apart, freeze

from .helpers import IDS, Y, mean, network, reader, recorded


def tied():
    embedding = Embedding(12, 4)
    return Sequential(embedding, mean, TiedHead(embedding))


@pytest.mark.parametrize("make", [reader, tied])
def test_graphs_computed_again_have_the_losses_of_the_run(make):
    run = recorded(make(), 40, IDS, rule=optim.Adam)
    for step, record in list(run.records.items())[:-1]:
        assert record["loss", ""] == run.losses[step - 1]


def test_upstream_gradient_is_that_of_the_run():
    w = mg.Tensor([1.0, 2.0], requires_grad=True)
    with Recorder() as recorder:
        (3 * w).backward([1.0, 10.0])
    record = recorder.runs[0].records[1]
    assert record["gradients", "loss"].tolist() == [3, 30]
    assert np.isnan(record["loss", ""])


def test_random_numbers_of_a_gate_are_not_the_run_s():
    class Noise(mg.Gate):
        symbol = "noise"

        def forward(self, x):
            return x + mg.generator().random()

        def backward(self, dz, z, x):
            return (dz,)

    w = mg.Tensor(3.0, requires_grad=True)
    drawn = []
    blocks: list[Any] = [nullcontext(), Recorder()]
    for block in blocks:
        mg.seed(1)
        with block:
            Noise()(w).backward()
        drawn.append(mg.generator().random())
    assert drawn[0] == drawn[1]


def test_only_the_rows_of_a_table_that_are_read_are_copied():
    table = Embedding(1000, 4)
    ids = np.array([[3, 7, 3], [990, 7, 7]])
    loss = (table(ids) * np.ones((2, 3, 4), "float32")).sum()
    copies = {leaf.name: tensor for leaf, tensor in freeze(loss.node).items()}
    np.testing.assert_array_equal(copies["table"].array, table.table.array[[3, 7, 990]])
    assert copies[None].array.tolist() == [[0, 1, 0], [2, 1, 1]]


def test_table_with_other_uses_is_copied_completely():
    table = Embedding(10, 4)
    loss = table([1, 2]).sum() + (table.table * 1.0).sum()
    (copy,) = freeze(loss.node).values()
    np.testing.assert_array_equal(copy.array, table.table.array)


def test_copies_do_not_change_with_the_parameters():
    model = network()
    loss = mg.softmax_cross_entropy(model(np.ones((8, 3), "float32")), Y)
    frozen = freeze(loss.node)
    before = [tensor.array.copy() for tensor in frozen.values()]
    loss.backward()
    optim.SGD(model.named_parameters(), lr=1.0).step()
    for one, other in zip(before, frozen.values(), strict=True):
        np.testing.assert_array_equal(one, other.array)


def test_hooks_of_the_run_are_not_called_apart():
    nodes: list[Any] = []
    w = mg.Tensor(1.0, requires_grad=True)
    with watching(ON_RECORD, nodes.append):
        with apart(), mg.no_grad():
            pass
        with apart():
            assert (w * w).requires_grad
        w * w
    assert len(nodes) == 1
