"""The Trainer's warning MG335: for what is certain, and never for a healthy run."""

import warnings
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import optim
from layers import BatchNorm, Dense, Sequential, init
from minigrad.data import Batches
from optim import Snapshots, Trainer, TrainingWarning, lazy
from optim.diagnosis import watch
from optim.diagnosis.evidence import Evidence
from tests.optim.diagnosis.helpers import (
    IDS,
    RNG,
    TARGETS,
    X,
    Y,
    crossed,
    network,
    squared,
)
from tests.optim.diagnosis.test_evaluation import Masked


def fit(
    make: Any = network,
    x: Any = X,
    y: Any = Y,
    loss: Any = crossed,
    size=16,
    shuffle=True,
    epochs=2,
    lr=0.1,
    **options,
):
    mg.seed(0)
    model = make()
    optimizer = optim.SGD(model.named_parameters(), lr=lr)
    options = {"metrics": {}, "callbacks": []} | options
    trainer = Trainer(model, loss, optimizer, **options)
    trainer.fit(
        Batches(
            x,
            y,
            batch_size=size,
            shuffle=shuffle,
        ),
        epochs,
    )
    return trainer


def dense(outputs, activation=None, **options):
    return lambda: Sequential(
        Dense(4, 8, mg.relu),
        Dense(8, outputs, activation, **options),
    )


def normalized():
    return Sequential(Dense(4, 8), BatchNorm(8), Dense(8, 2))


def dead():
    model = network()
    model[0].b.array = model[0].b.array - 100
    return model


ORDER = np.argsort(Y)
PADDED = np.where(np.arange(8) < 4, IDS, 0)
FAULTS: dict[str, Any] = {
    "all 128 labels are 0": {"y": 0 * Y, "size": 16},
    "the inputs of all 128 rows are the same": {"x": 0 * X},
    "True at the padding": {"make": lambda: Masked(True), "x": PADDED},
    "only 2 numbers": {"make": normalized, "size": 2},
    "ReLU before the SoftmaxCrossEntropy": {"make": dense(2, mg.relu)},
    "lie outside": {
        "make": dense(1, mg.sigmoid),
        "y": TARGETS,
        "loss": squared,
    },
    "start at 0": {"make": lambda: network(init=init.zeros)},
    "before the first step": {"make": dead},
}


@pytest.mark.parametrize("what", FAULTS)
def test_certain_fault_gives_one_warning(what):
    options = FAULTS[what]
    if "size" not in options:
        options = {"epochs": 3, "size": 8} | options
    with pytest.warns(TrainingWarning) as caught:
        fit(**options)
    (warning,) = caught
    text = str(warning.message)
    assert text.startswith("[MG335]")
    assert what.replace("128", "64") in text
    assert "minigrad diagnose" in text
    assert warning.filename == __file__


def test_rows_in_the_order_of_the_classes():
    x, y = X[ORDER], Y[ORDER]
    with pytest.warns(TrainingWarning, match="sorted by class"):
        fit(x=x, y=y, shuffle=False, size=8)
    fit(x=x, y=y, size=8)


def test_sorted_rows_that_begin_with_one_class():
    """The first eight batches have equal labels, but the labels are not all equal."""
    x, y = X[ORDER], Y[ORDER]
    with pytest.warns(TrainingWarning, match="sorted by class"):
        fit(x=x, y=y, shuffle=False, size=2)


def test_outputs_that_are_all_equal():
    """What the first layer computes is lost on the way."""

    def make():
        return Sequential(
            Dense(4, 8, mg.tanh),
            lambda h: 0 * h,
            Dense(8, 2),
        )

    with pytest.warns(TrainingWarning, match="same for every input"):
        fit(
            make,
            size=8,
            epochs=3,
            x=np.tile(X, (4, 1)),
            y=np.tile(Y, 4),
        )


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"make": dense(1), "y": TARGETS, "loss": squared},
        {"make": normalized},
        {"make": lambda: Dense(4, 2, init=init.zeros)},
        {"make": lambda: Masked(False), "x": PADDED},
        {"y": (X[:, 0] > 1.5).astype(int), "size": 4},  # a rare class
        {
            "x": X[:4],
            "y": Y[:4],
            "size": 1,
        },
        {"epochs": 1, "size": 64},
    ],
)
def test_healthy_run_gives_no_warning(options):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit(**options)


def test_noise_is_no_certain_fault():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit(y=RNG.permutation(Y), lr=1e-6)


def test_warning_comes_once():
    mg.seed(0)
    model = network()
    optimizer = optim.SGD(model.named_parameters(), lr=0.1)
    trainer = Trainer(
        model,
        crossed,
        optimizer,
        metrics={},
        callbacks=[],
    )
    with pytest.warns(TrainingWarning) as caught:
        trainer.fit(Batches(X, 0 * Y), 4)
    assert len(caught) == 1


def test_watched_run_is_not_watched_again():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with optim.diagnose(quiet=True) as diagnosis:
            fit(y=0 * Y)
    assert diagnosis.result.findings[0].code == "labels-constant"


def test_run_is_the_same_with_and_without_the_watch(monkeypatch):
    watched = fit().model.state_dict()
    monkeypatch.setattr("optim.diagnosis.first_steps.STEPS", 0)
    alone = fit().model.state_dict()
    for name, array in alone.items():
        assert array.tobytes() == watched[name].tobytes()


def test_no_parameter_is_copied_more_than_once(monkeypatch):
    """With a large table, copies of the optimizer or of later values would take longer than the steps."""
    copies = []

    def copied(leaf):
        copies.append(leaf)
        return lazy.values(leaf)

    monkeypatch.setattr(watch, "values", copied)
    monkeypatch.setattr(watch, "duplicate", lambda optimizer: pytest.fail("copied"))
    monkeypatch.setattr(Evidence, "last", property(lambda self: pytest.fail("repeated")))
    trainer = fit()
    leaves = [tensor.node for tensor in trainer.model.parameters()]
    assert sorted(map(id, copies)) == sorted(map(id, leaves))


def test_run_that_is_resumed_after_the_last_batch_of_an_epoch(tmp_path):
    callbacks = [Snapshots(tmp_path, every_steps=1, keep=9)]
    whole = fit(callbacks=callbacks)
    mg.seed(0)
    model = network()
    optimizer = optim.SGD(model.named_parameters(), lr=0.1)
    trainer = Trainer(
        model,
        crossed,
        optimizer,
        metrics={},
        callbacks=[],
    )
    snapshot = tmp_path / "step-000000004.safetensors"
    trainer.fit(Batches(X, Y, batch_size=16), 2, resume=snapshot)
    assert trainer.history["train_loss"] == whole.history["train_loss"]


@pytest.mark.parametrize("at", [0, 40])
def test_warning_of_numbers_that_are_not_finite_comes_with_the_error(at):
    x = X.copy()
    x[at, 2] = np.nan
    with (
        pytest.raises(mg.errors.NonFiniteError),
        pytest.warns(TrainingWarning) as caught,
    ):
        fit(x=x, shuffle=False)
    (warning,) = caught
    assert "1 of 64 inputs of the last batch are NaN" in str(warning.message)
    assert warning.filename == __file__


def test_no_warning_of_a_loss_that_explodes():
    with pytest.raises(mg.errors.NonFiniteError), warnings.catch_warnings():
        warnings.simplefilter("error", TrainingWarning)
        with np.errstate(all="ignore"):
            fit(y=TARGETS, make=dense(1), loss=squared, lr=1e20, epochs=30)
