"""The run is the same with a Recorder, and the chosen steps are recorded."""

from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import optim
from layers import RNN, Dense, Sequential
from minigrad.data import Batches, Vocabulary
from optim.recording import recorder as module
from optim.recording.page import page
from optim.recording.recorder import Recorder, moved
from tests.optim.training.runs import build, data, held, weights

from .helpers import IDS, X, Y, network, reader, recorded, train
from .test_page import data_of


def test_losses_weights_and_random_numbers_are_the_run_s_own():
    """Dropout draws numbers, and Adam postpones updates of the table."""
    ends = []
    recorder = Recorder()
    blocks: list[Any] = [nullcontext(), recorder]
    for block in blocks:
        mg.seed(5)
        model = reader()
        with block:
            losses = train(model, 40, IDS, rule=optim.Adam)
        ends.append((losses, model.state_dict(), mg.generator().random()))
    (first, one, drawn), (second, other, drawn_again) = ends
    assert first == second
    assert drawn == drawn_again
    for path, array in one.items():
        assert array.tobytes() == other[path].tobytes()
    (run,) = recorder.runs
    assert run.losses == first


def test_first_steps_then_steps_at_growing_distances():
    run = recorded(network(), 60)
    # 20 · 1.2 = 24, 24 · 1.2 = 28.8, ..., 42 · 1.2 = 50.4, and the end
    steps = [*range(1, 21), 24, 29, 35, 42, 51, 61]
    assert [step for step in run.records if step != run.worst] == [
        step for step in steps if step != run.worst
    ]


def test_step_with_the_largest_jump_is_recorded():
    batches = [X] * 60
    batches[32] = 50 * X  # the first large jump
    batches[38] = 500 * X
    run = recorded(network(), 60, batches, lr=0.0)
    assert run.worst == 39
    assert run.jump == 39
    assert 39 in run.records
    assert 33 not in run.records
    assert run.records[39]["loss", ""] == max(run.losses)


def test_snapshots_are_developed_in_between_if_they_are_large(monkeypatch):
    mg.seed(0)
    expected = recorded(reader(), 30, IDS)
    monkeypatch.setattr(module, "BYTES", 2000)
    mg.seed(0)
    found = recorded(reader(), 30, IDS)
    assert found.records.keys() == expected.records.keys()
    for step, record in expected.records.items():
        assert record.keys() == found.records[step].keys()
        for key, value in record.items():
            assert repr(found.records[step][key]) == repr(value)


def test_state_after_the_last_step_is_computed_for_the_first_batch():
    model = network()
    run = recorded(model, 3, [X, 2 * X, 3 * X])
    loss = mg.softmax_cross_entropy(model(X), Y).item()
    last = list(run.records.values())[-1]
    assert last["loss", ""] == loss
    assert ("ratio", "sequential.dense") not in last


def test_each_network_is_a_run_up_to_a_number(monkeypatch):
    monkeypatch.setattr(module, "RUNS", 2)
    with Recorder() as recorder:
        for steps in (1, 2, 3):
            train(network(), steps)
    assert [len(run.losses) for run in recorder.runs] == [1, 2]


def test_parameters_without_optimizer_or_layer():
    w = mg.Tensor(3.0, requires_grad=True, name="w")
    with Recorder() as recorder:
        for _ in range(2):
            loss = w * w
            w.grad = None
            loss.backward()
            w.array = w.array - 0.25 * w.grad
    (run,) = recorder.runs
    assert run.losses == [9.0, 2.25]  # w halves
    assert run.records[1]["ratio", "loss"] == pytest.approx(0.5)


def test_loss_without_parameters_is_no_run():
    x = mg.Tensor(1.0)
    with Recorder() as recorder, mg.no_grad():
        (x * x).item()
    assert recorder.runs == []


def test_error_of_the_run_passes_and_the_steps_before_it_are_kept():
    recorder = Recorder()
    with pytest.raises(ZeroDivisionError), recorder:
        train(network(), 2)
        raise ZeroDivisionError
    assert list(recorder.runs[0].records) == [1, 2, 3]


def test_trainer_adds_its_history_and_stays_the_same():
    ends = []
    recorder = Recorder()
    blocks: list[Any] = [nullcontext(), recorder]
    for block in blocks:
        trainer = build(seed=3)
        with block:
            history = trainer.fit(data(), 2, held())
        ends.append((weights(trainer), history["train_loss"]))
    assert ends[0] == ends[1]
    (run,) = recorder.runs
    assert [row["step"] for row in run.history] == [6, 12]


def test_several_ranks_are_not_recorded():
    trainer = SimpleNamespace(comm=object())
    with Recorder() as recorder:
        mg.context.tell("fit", trainer, None)
        train(network())
    assert recorder.runs == []


def test_moved_finds_the_rows_that_are_farthest_from_the_start():
    start = np.zeros((100, 2), np.float32)
    table = start.copy()
    table[[7, 50, 3]] = [[3, 4], [0, 1], [6, 8]]
    rows, lengths = moved(table, start)
    assert rows[:3].tolist() == [3, 7, 50]
    assert lengths[:4].tolist() == [10, 5, 1, 0]


def test_vocabulary_of_a_calling_function_is_found():
    vocabulary = Vocabulary(["good", "film"])
    assert recorded(network()).words is vocabulary


def test_fused_and_unrolled_gradients_over_time_shrink_alike():
    """Of h_t = tanh(x_t + w h_(t-1)) at 0, dL/dh_t = w dL/dh_(t+1)."""
    for fused in (True, False):
        model = Sequential(RNN(1, 1, fused=fused), Dense(1, 2))
        weight = model[0].cell.W_hh
        weight.array = np.full((1, 1), 0.5, np.float32)
        run = recorded(model, 1, np.zeros((8, 4, 1), "float32"))
        lengths = np.array(run.records[1]["time", "sequential.rnn"])
        np.testing.assert_allclose(lengths / lengths[-1], [0.125, 0.25, 0.5, 1], 1e-5)


def test_batches_of_different_sizes():
    with Recorder() as recorder:
        model = network()
        optimizer = optim.SGD(model.named_parameters(), lr=0.1)
        for x, y in Batches(X, Y, batch_size=5):
            loss = mg.softmax_cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
    assert len(recorder.runs[0].records) == 3


def test_gate_that_fails_later_does_not_end_the_program():
    class Once(mg.Gate):
        symbol = "once"
        calls = 0

        def forward(self, x):
            Once.calls += 1
            if Once.calls > 2:
                raise RuntimeError("only twice")
            return x * 1

        def backward(self, dz, z, x):
            return (dz,)

    w = mg.Tensor(3.0, requires_grad=True)
    with Recorder() as recorder:
        for _ in range(2):
            Once()(w).backward()
    assert recorder.runs[0].losses == [3.0, 3.0]
    assert recorder.runs[0].records == {}
    assert recorder.runs[0].failed == 3
    assert data_of(page(recorder, "t"))["runs"] == []


def test_memory_is_bounded(monkeypatch):
    """The batches count, because the graphs of snapshots keep them."""
    monkeypatch.setattr(module, "BYTES", 3 * X.nbytes)
    with Recorder() as recorder:
        model = network()
        for _ in range(5):
            mg.softmax_cross_entropy(model(X.copy()), Y).backward()
            waiting = len(recorder.runs[0]._waiting)
            assert waiting <= 3
