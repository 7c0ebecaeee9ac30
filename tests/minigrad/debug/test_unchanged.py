"""Looking at a model changes nothing in it: its buffers, counters, carried states, modes and random
numbers are as before, even after an error.
"""

from __future__ import annotations

import copy
from collections import deque
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest

import layers
import minigrad as mg
import optim
from layers import (
    RNN,
    BatchNorm,
    Dense,
    Dropout,
    Layer,
    Sequential,
    Stateful,
    TruncatedBPTT,
)
from minigrad.debug.unchanged import unchanged

X = np.random.default_rng(0).normal(size=(4, 3, 2)).astype(np.float32)
Y = np.random.default_rng(1).normal(size=(4, 3, 2)).astype(np.float32)


class Diary(Layer):
    """Keeps a note of each call, in every way that a layer can."""

    calls: Any
    replaced: Any

    def __init__(self) -> None:
        self.buffer("calls", np.zeros(()))
        self.buffer("replaced", np.zeros(2))
        self.list, self.dict, self.set, self.deque = [0], {"a": 1}, {1}, deque([1])
        self.rng = np.random.default_rng(0)
        self.number = 0
        self.names = ["diary"]
        self.batchnorm = BatchNorm(2)

    def forward(self, x: Any) -> Any:
        self.calls += 1.0
        self.replaced = self.replaced + 1
        self.number += 1
        self.new = self.number
        self.list.append(self.number)
        self.dict.update(a=2, b=self.number)
        self.set.add(self.number + 1)
        self.deque.append(self.number)
        self.rng.random()
        mg.generator().random()
        self.names = []
        self.batchnorm.eval()
        return x + self.batchnorm.train()(x.reshape(-1, 2)).reshape(x.shape)


class Model(Layer):
    """(B, T, 2) to (B, T, 2). Only a diary and statistics differ after a call."""

    def __init__(self) -> None:
        self.diary = Diary()
        self.rnn = RNN(2, 2, return_sequences=True)
        self.carried = Stateful(
            RNN(2, 2, return_sequences=True, return_state=True), TruncatedBPTT(3, 3)
        )
        self.dropout = Dropout(0.5).eval()
        self.draws = Dropout(0.5)

    def forward(self, x: Any) -> Any:
        x = x if isinstance(x, mg.Tensor) else mg.Tensor(x)
        self.carried(x.array)
        self.draws(x)
        return self.rnn(self.diary(self.dropout(x)))


def state_of(model: Layer) -> dict[str, Any]:
    """A deep copy of everything that is neither a parameter nor a layer nor a function."""
    found: dict[str, Any] = {
        "random": mg.generator().bit_generator.state,
        **model.carried_state(),
    }
    for path, layer in model.named_layers().items():
        layer.training = layer.training  # `evaluating` writes it, too
        for name, value in vars(layer).items():
            if isinstance(value, np.random.Generator):
                value = value.bit_generator.state
            if (
                isinstance(value, int | str | list | set | deque | np.ndarray)
                or name == "dict"
            ):
                found[f"{path}.{name}"] = copy.deepcopy(value)
    return found | {
        f"buffer {path}": a.copy() for path, a in model.named_buffers().items()
    }


def of_function(look: Any) -> Any:
    """Look at a function that calls the model, not at the model itself."""
    return lambda model: look(lambda x: model(x))


def steps_of(model: Any) -> None:
    report = mg.gradcheck_model(model, mg.mean_squared_error, (X, Y), sample=1)
    report.step_curve()


LOOKS: dict[str, Any] = {
    "check_causal": lambda model: mg.check_causal(model, X),
    "check_causal of a function": of_function(lambda f: mg.check_causal(f, X)),
    "depends": lambda model: mg.depends(model, X, 1, 1),
    "depends of a function": of_function(lambda f: mg.depends(f, X, 1, 1)),
    "gradcheck": lambda model: mg.gradcheck(model, X, sample=2),
    "gradcheck of a function": of_function(lambda f: mg.gradcheck(f, X, sample=2, order=2)),
    "gradcheck_model": lambda model: mg.gradcheck_model(model, mg.mean_squared_error, (X, Y), sample=1),
    "step_curve": steps_of,
    "truncation_report": lambda model: mg.truncation_report(
        model, (X, Y), ks=(1, 2), loss=mg.mean_squared_error
    ),
    "outputs": lambda model: layers.outputs(model, X, ["rnn"]),
    "gradients": lambda model: layers.gradients(model, X, Y, ["rnn"], loss=mg.mean_squared_error),
    "summary": lambda model: optim.summary(model, X),
}  # fmt: skip


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.filterwarnings("ignore::layers.ModeWarning")
def test_looking_changes_nothing(look: Any, fails: bool) -> None:
    mg.seed(0)
    model = Model()
    model(X)  # so that every layer has a state
    if fails:
        model.rnn.cell.activation = lambda x: x / (1 // 0)
    before, diary = state_of(model), vars(model.diary).copy()
    with (
        pytest.raises((ZeroDivisionError, mg.MinigradError)) if fails else nullcontext()
    ):
        look(model)
    np.testing.assert_equal(state_of(model), before)
    # the arrays and lists are the same objects, which others may share
    assert all(vars(model.diary)[name] is value for name, value in diary.items())


def test_the_running_statistics_of_a_batch_norm_in_training_mode_stay() -> None:
    model = Sequential(Dense(3, 2), BatchNorm(2))
    x = np.random.default_rng(0).normal(size=(5, 3))
    assert mg.gradcheck_model(model, mg.mean_squared_error, (x, np.ones((5, 2))))
    assert mg.depends(
        model, x, 0, 0
    ).seen.all()  # it is in training mode, so the rows mix
    assert not mg.check_causal(
        lambda x: model(x.reshape(-1, 3)).reshape(x.shape[:2] + (2,)), x[None]
    )
    assert model.batchnorm.training
    assert model.batchnorm.mean.tolist() == [
        0,
        0,
    ] and model.batchnorm.variance.tolist() == [1, 1]
    model(x)
    assert model.batchnorm.mean.any()


def test_dropout_draws_the_same_masks_after_a_check_that_fails() -> None:
    masks = []
    for look in (lambda: None, lambda: mg.depends(Dropout(0.5), np.ones(8))):
        mg.seed(0)
        try:
            look()
        except mg.MinigradError as error:
            assert error.code == "MG702"
        masks.append(Dropout(0.5)(np.ones(8)).array.tolist())
    assert masks[0] == masks[1]


def test_an_object_that_is_not_a_layer() -> None:
    class Counter:
        calls = 0

        def __call__(self, x: Any) -> Any:
            self.calls += 1
            return x

    counter = Counter()
    assert mg.check_causal(counter, X).rows.matrix.trace() == 4
    assert counter.calls == 0


def test_read_only_arrays_and_new_attributes() -> None:
    model: Any = Dense(2, 2)
    model._fixed = np.arange(3)
    model._fixed.flags.writeable = False
    with pytest.raises(KeyError), unchanged():
        model(X)
        model._fixed, model._more = None, 1
        raise KeyError
    assert model._fixed.tolist() == [0, 1, 2] and not hasattr(model, "_more")
