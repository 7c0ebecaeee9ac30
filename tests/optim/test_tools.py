"""Freezing and groups by path, the model's table, and the range test."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from layers import GRU, RNN, Dense, Dropout, Embedding, Layer, Sequential, Stateful, TruncatedBPTT
from minigrad.data import Batches
from minigrad.errors import DataError, MinigradError, OptionError
from optim import SGD, Adam, AdamW, Trainer, find_learning_rate, freeze, split, summary, unfreeze


def model(hidden: int = 6) -> Sequential:
    mg.seed(1)
    return Sequential(Embedding(30, 8), RNN(8, hidden), Dropout(0.3), Dense(hidden, 2))


# ---- by path ----


@pytest.mark.parametrize(
    ("patterns", "found"),
    [
        (["rnn"], ["rnn.cell.W_xh", "rnn.cell.W_hh", "rnn.cell.b_h"]),
        (["rnn.cell.b_h"], ["rnn.cell.b_h"]),
        (["*.b*"], ["rnn.cell.b_h", "dense.b"]),
        (["dense", "embedding.table"], ["embedding.table", "dense.W", "dense.b"]),
        (["rnn.cell.W_?h"], ["rnn.cell.W_xh", "rnn.cell.W_hh"]),
        ([], []),
    ],
)
def test_split(patterns: list[str], found: list[str]) -> None:
    parameters = model().named_parameters()
    matching, rest = split(parameters, *patterns)
    assert list(matching) == found
    assert [*matching, *rest] and {**matching, **rest} == parameters and not set(matching) & set(rest)


@pytest.mark.parametrize("pattern", ["rn", "RNN", "rnn.", "cell", ""])
def test_a_pattern_that_matches_nothing(pattern: str) -> None:
    with pytest.raises(OptionError) as error:
        freeze(model(), pattern)
    assert error.value.code == "MG319" and repr(pattern) in error.value.what
    assert "rnn.cell.W_hh" in error.value.cause and "pattern" in error.value.remedy


def test_frozen_parameters_do_not_move_and_thawed_ones_do() -> None:
    net = model()
    trainer = Trainer(net, mg.softmax_cross_entropy, SGD(net.named_parameters(), lr=0.5, momentum=0.9), callbacks=[])
    batches = [(np.arange(12).reshape(3, 4), np.array([0, 1, 1]))]

    def moved() -> set[str]:
        before = {path: tensor.array.copy() for path, tensor in net.named_parameters().items()}
        trainer.fit(batches, 2)
        return {path for path, tensor in net.named_parameters().items() if (tensor.array != before[path]).any()}

    everything = set(net.named_parameters())
    assert moved() == everything
    frozen = freeze(net, "embedding", "rnn.cell.W_hh")
    assert frozen == ["embedding.table", "rnn.cell.W_hh"]
    assert moved() == everything - set(frozen)
    unfreeze(net, "embedding")
    assert moved() == everything - {"rnn.cell.W_hh"}


def test_decay_by_path_and_rates_of_their_own() -> None:
    net = model()
    biases, rest = split(net.named_parameters(), "*.b*")
    optimizer = AdamW(
        [{"parameters": biases, "weight_decay": 0.0}, {"parameters": rest, "lr": 0.1}], lr=0.01, weight_decay=0.5
    )
    before = {path: tensor.array.copy() for path, tensor in net.named_parameters().items()}
    for tensor in net.named_parameters().values():
        tensor.grad = np.zeros(tensor.shape)
    optimizer.step()  # with no gradient there is the decay alone
    for path, tensor in net.named_parameters().items():
        share = 1.0 if path in biases else 1 - 0.1 * 0.5
        np.testing.assert_allclose(tensor.array, before[path] * share, rtol=1e-6)


# ---- the table ----


def test_summary_counts_by_hand() -> None:
    net = Sequential(Embedding(100, 8), GRU(8, 4), Dense(4, 3))
    table = summary(net, np.zeros((2, 5), int))
    lines = {line.layer: line for line in table.lines}
    assert lines["Embedding"].output == (2, 5, 8) and lines["Dense"].output == (2, 3)
    assert lines["Embedding"].parameters == 800 and lines["Dense"].parameters == 4 * 3 + 3
    assert (
        table.parameters
        == sum(line.parameters for line in table.lines)
        == sum(tensor.size for tensor in net.named_parameters().values())
    )
    assert table.parameter_bytes == 4 * table.parameters and table.frozen == 0
    assert lines["Dense"].flops == 2 * 2 * 4 * 3 + 2 * 3  # a multiplication and an addition each, and the bias
    assert lines["Dense"].bytes == 2 * (2 * 3 * 4)  # the product's output and the sum's
    text = str(table)
    assert "sequential/dense" in text and f"{table.parameters:,} parameters" in text
    assert len({len(line) for line in text.splitlines()[:-1] if not line.startswith("-")}) == 1


def test_shared_parameters_count_once_and_frozen_ones_count() -> None:
    class Twice(Layer):
        def __init__(self) -> None:
            super().__init__()
            self.first = Dense(3, 3)
            self.second = Dense(3, 3)
            self.second.W = self.first.W

        def forward(self, x):
            return self.second(self.first(x))

    net = Twice().train()
    freeze(net, "first.W")
    table = summary(net, np.ones((2, 3), "float32"))
    assert [line.parameters for line in table.lines] == [12, 3]
    assert (table.parameters, table.frozen) == (15, 9)
    assert "9 of them frozen" in str(table)
    assert not net.first.W.requires_grad and net.training  # all as it was


# ---- the range test ----


def test_the_range_test_finds_where_a_parabola_diverges_and_leaves_everything_as_it_was() -> None:
    # Gradient descent on c w² / 2 diverges from lr = 2/c on (with momentum μ, from 2 (1 + μ) / c).
    w = mg.Tensor(np.array([1.0]), requires_grad=True)

    class Parabola:
        def named_parameters(self): return {"w": w}  # fmt: skip

        def train(self): pass  # fmt: skip

        def eval(self): pass  # fmt: skip

        def __call__(self, c): return c * w * w / 2  # fmt: skip

    optimizer = SGD({"w": w}, lr=0.5, momentum=0.5)
    trainer = Trainer(Parabola(), lambda output, labels: output.sum(), optimizer, metrics={}, callbacks=[])
    found = find_learning_rate(trainer, [(np.array([4.0]), np.zeros(1))], low=1e-4, high=100.0, steps=120)
    assert found.rates[0] == 1e-4 and np.allclose(np.diff(np.log(found.rates)), np.log(1e6) / 119)
    near = [rate for rate, loss in zip(found.rates, found.losses, strict=True) if loss <= 1.02 * min(found.losses)]
    assert found.suggestion == near[-1] / 10
    assert 0.02 < found.suggestion < 2 / 4 and 0.5 < found.rates[-1] < 100
    assert min(found.losses) < 0.5 * found.losses[0]
    assert w.item() == 1.0 and optimizer.scale == 1.0 and w.grad is None
    assert optimizer.state_dict()["velocity/w"].tolist() == [0] and optimizer.steps == {"w": 0}


def test_the_range_test_puts_dropout_and_shuffling_back(tmp_path: Path) -> None:
    ids, labels = np.random.default_rng(0).integers(0, 30, (40, 5)), np.arange(40) % 2
    ends = []
    for look in (False, True):
        net = model()
        trainer = Trainer(net, mg.softmax_cross_entropy, Adam(net.named_parameters(), lr=0.01), callbacks=[])
        batches = Batches(ids, labels, batch_size=8)
        if look:
            found = find_learning_rate(trainer, batches, steps=12)
            found.plot(tmp_path / "range.png")
            assert (tmp_path / "range.png").read_bytes().startswith(b"\x89PNG")
        trainer.fit(batches, 2)
        ends.append({path: tensor.array.tobytes() for path, tensor in net.named_parameters().items()})
    assert ends[0] == ends[1]


@pytest.mark.parametrize("look", ["evaluate", "summary", "range"])
@pytest.mark.parametrize("training", [True, False])
def test_looking_at_a_model_leaves_the_mode_of_each_part_and_what_it_carries(look: str, training: bool) -> None:
    mg.seed(2)
    rnn = RNN(3, 4, return_sequences=True, return_state=True)
    net = Sequential(Dropout(0.0), Stateful(rnn, TruncatedBPTT(2, 4)), Dropout(0.5)).train(training)
    net.dropout.eval()
    net.dropout_2.train()
    x = np.random.default_rng(1).normal(size=(2, 8, 3)).astype("float32")
    whole = rnn(x)[0].array
    carried = net.carried
    carried(x[:, :2])
    trainer = Trainer(net, mg.mean_squared_error, SGD(net.named_parameters(), lr=0.1), metrics={}, callbacks=[])
    other = [(x[::-1, 4:6], np.ones((2, 2, 4), "float32"))]
    if look == "evaluate":
        trainer.evaluate(other)
    elif look == "summary":
        summary(net, x)
    else:
        find_learning_rate(trainer, other, steps=10)
    assert [net.training, net.dropout.training, net.dropout_2.training] == [training, False, True]
    assert carried.training == training
    np.testing.assert_allclose(carried(x[:, 2:4]).array, whole[:, 2:4], rtol=1e-5)


@pytest.mark.parametrize(
    ("options", "kind", "code", "told"),
    [
        ({"low": 0.0}, OptionError, "MG305", "low=0.0"),
        ({"low": 1.0, "high": 0.1}, OptionError, "MG305", "high=0.1"),
        ({"high": math.inf}, OptionError, "MG305", "high=inf"),
        ({"steps": 5}, OptionError, "MG305", "steps is 5"),
        ({}, DataError, "MG312", "had no batches"),
    ],
)
def test_a_range_that_is_none(options: dict[str, Any], kind: type[MinigradError], code: str, told: str) -> None:
    net = model()
    trainer = Trainer(net, mg.softmax_cross_entropy, SGD(net.named_parameters()), callbacks=[])
    with pytest.raises(kind) as error:
        find_learning_rate(trainer, [], **options)
    assert error.value.code == code and told in error.value.what and error.value.remedy
