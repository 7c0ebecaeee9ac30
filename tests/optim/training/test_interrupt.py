"""Ctrl-C: the step under way is finished, and the run ends where it can be resumed."""

import os
import signal

import pytest

import minigrad as mg
from minigrad.data import Batches
from optim import BestWeights, Evaluate, Snapshots
from optim.training.interrupt import CtrlC
from tests.optim.training.runs import (
    IDS,
    LABELS,
    At,
    build,
    data,
    held,
    in_bytes,
    state,
    weights,
)


def press(trainer=None):
    signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("moment", ["on_step", "on_gradients"])
def test_ctrl_c_and_resume(tmp_path, moment, capsys):
    path, folder = tmp_path / "best.safetensors", tmp_path / "snapshots"

    def trainer(*callbacks):
        return build([BestWeights(path), *callbacks], seed=2)

    broken = trainer(At(moment, 9, press), Snapshots(folder, every_steps=1000))
    with pytest.raises(KeyboardInterrupt):
        broken.fit(data(), 2, held())
    # the step under way is finished
    assert broken.step == {"on_step": 9, "on_gradients": 10}[moment]
    newest = Snapshots.latest(folder)
    told = f"after step {broken.step}. To resume: fit(..., resume={str(newest)!r})"
    assert f"Stopped by Ctrl-C {told}" in capsys.readouterr().out
    assert in_bytes(mg.load(path)) == weights(broken)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert broken.evaluate(held())  # the trainer is no longer interrupted
    resumed, whole = trainer(), trainer()
    resumed.fit(data(), 2, held(), resume=newest)
    end = state(resumed)
    whole.fit(data(), 2, held())
    assert end == state(whole)


def test_ctrl_c_in_validation_resumes_there(tmp_path):
    class Press(Batches):
        def __iter__(self):
            for number, batch in enumerate(super().__iter__()):
                if number == 1:
                    press()
                yield batch

    broken, resumed, whole = (build(seed=2) for _ in range(3))
    broken.callbacks = [Snapshots(tmp_path)]
    validation = Press(IDS[48:], LABELS[48:], batch_size=5, shuffle=False)
    with pytest.raises(KeyboardInterrupt):
        broken.fit(data(), 2, validation)
    assert broken.history.rows == []
    resumed.fit(data(), 2, held(), resume=Snapshots.latest(tmp_path))
    end = state(resumed)
    whole.fit(data(), 2, held())
    assert end == state(whole)


def test_ctrl_c_within_a_callback_stores_no_snapshot(tmp_path):
    # finds the signal while it measures, before Snapshots has its turn
    evaluate = Evaluate(held(), every_steps=4)
    snapshots = Snapshots(tmp_path, every_steps=3)
    with pytest.raises(KeyboardInterrupt):
        build([At("on_step", 4, press), evaluate, snapshots]).fit(data(), 3)
    assert os.listdir(tmp_path) == ["step-000000003.safetensors"]


def test_a_second_ctrl_c_acts_at_once():
    def twice(trainer):
        press()
        with pytest.raises(KeyboardInterrupt):
            press()

    with pytest.raises(KeyboardInterrupt):
        build([At("on_forward", 2, twice)]).fit(data(), 1)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_at_the_very_end_is_not_lost():
    with pytest.raises(KeyboardInterrupt), CtrlC():
        press()


def test_ctrl_c_that_is_ignored_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with CtrlC():
            press()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
