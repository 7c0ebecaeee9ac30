"""Ctrl-C: the step under way is finished, and the run ends where it can be resumed."""

import signal

import pytest

import minigrad as mg
from minigrad.data import Batches
from optim import (
    BestWeights,
    Evaluate,
    Snapshots,
)
from optim.training.interrupt import CtrlC
from tests.optim.training.runs import (
    IDS,
    LABELS,
    At,
    build,
    data,
    held,
    rows_of,
    state,
    weights,
)


def press(trainer=None):
    signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("moment", ["on_step", "on_gradients"])
def test_ctrl_c_stores_a_place_from_which_the_run_ends_the_same(
    tmp_path, moment, capsys
):
    def run(*more, resume=None):
        trainer = build([BestWeights(tmp_path / "best.safetensors"), *more], seed=2)
        try:
            trainer.fit(data(), 4, held(), resume=resume)
        except KeyboardInterrupt:
            assert (
                moment == "on_step" or trainer.step == 10
            )  # the step under way is finished
        return trainer

    whole = state(run())
    broken = run(
        At(moment, 9, press), Snapshots(tmp_path / "snapshots", every_steps=1000)
    )
    newest = Snapshots.latest(tmp_path / "snapshots")
    told = f"Stopped by Ctrl-C after step {broken.step}. To resume: fit(..., resume={str(newest)!r})"
    assert told in capsys.readouterr().out
    best = mg.load(tmp_path / "best.safetensors")
    assert {name: array.tobytes() for name, array in best.items()} == weights(broken)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert broken.evaluate(held())  # the trainer is no longer interrupted
    assert state(run(resume=newest)) == whole


def test_ctrl_c_during_validation_goes_on_with_that_validation(tmp_path):
    whole = build(seed=2)
    whole.fit(data(), 3, held())

    class Press(Batches):
        def __iter__(self):
            for number, batch in enumerate(super().__iter__()):
                if number == 1:
                    press()
                yield batch

    broken = build([Snapshots(tmp_path)], seed=2)
    with pytest.raises(KeyboardInterrupt):
        broken.fit(data(), 3, Press(IDS[48:], LABELS[48:], batch_size=5, shuffle=False))
    assert broken.history.rows == []
    again = build(seed=2)
    again.fit(data(), 3, held(), resume=Snapshots.latest(tmp_path))
    assert weights(again) == weights(whole) and rows_of(again) == rows_of(whole)


def test_ctrl_c_between_two_callbacks_stores_nothing_half_done(tmp_path):
    # finds the signal while it measures, before Snapshots has its turn
    evaluate = Evaluate(held(), every_steps=4)
    broken = build(
        [At("on_step", 4, press), evaluate, Snapshots(tmp_path, every_steps=3)], seed=2
    )
    with pytest.raises(KeyboardInterrupt):
        broken.fit(data(), 3)
    assert [path.name for path in tmp_path.iterdir()] == ["step-000000003.safetensors"]


def test_a_second_ctrl_c_acts_at_once():
    def twice(trainer):
        press()
        with pytest.raises(KeyboardInterrupt):
            press()

    with pytest.raises(KeyboardInterrupt):
        build([At("on_forward", 2, twice)]).fit(data(), 1)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_in_the_very_last_moment_is_not_lost():
    with pytest.raises(KeyboardInterrupt), CtrlC():
        press()


def test_where_ctrl_c_is_ignored_it_stays_so():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with CtrlC():
            press()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
