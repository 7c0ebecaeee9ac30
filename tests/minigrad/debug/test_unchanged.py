"""`unchanged` restores buffers, attributes, modes and random numbers, even after an error."""

import copy
from collections import deque
from typing import Any

import numpy as np
import pytest

import layers
import minigrad as mg
import optim
from layers import RNN, BatchNorm, Dense, Dropout, Layer, Stateful, TruncatedBPTT
from minigrad.debug.unchanged import unchanged

X, Y = np.random.default_rng(0).normal(size=(2, 4, 3, 2)).astype("float32")


class Diary(Layer):
    """Keeps a note of each call, in every way that a layer can."""

    calls: Any
    replaced: Any

    def __init__(self):
        self.buffer("calls", np.zeros(()))
        self.buffer("replaced", np.zeros(2))
        self.list = [0]
        self.dict = {"a": 1}
        self.set = {1}
        self.deque = deque([1])
        self.rng = np.random.default_rng(0)
        self.number = 0
        self.names = ["diary"]
        self.batchnorm = BatchNorm(2)

    def forward(self, x):
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
        mean = self.batchnorm.train()(x.reshape(-1, 2))
        return x + mean.reshape(x.shape)


class Model(Layer):
    """(B, T, 2) to (B, T, 2). Only a diary and statistics differ after a call."""

    def __init__(self):
        self.diary = Diary()
        self.rnn = RNN(2, 2, return_sequences=True)
        carried = RNN(2, 2, return_sequences=True, return_state=True)
        self.carried = Stateful(carried, TruncatedBPTT(3, 3))
        self.dropout = Dropout(0.5).eval()
        self.draws = Dropout(0.5)

    def forward(self, x):
        x = x if isinstance(x, mg.Tensor) else mg.Tensor(x)
        self.carried(x.array)
        self.draws(x)
        return self.rnn(self.diary(self.dropout(x)))


def state_of(model):
    """A deep copy of everything that is neither a parameter nor a layer nor a function."""
    state = {
        "random": mg.generator().bit_generator.state,
        "carried": model.carried_state(),
        "buffers": model.named_buffers(),
    }
    kinds = (int, str, list, set, deque, np.ndarray)
    for path, layer in model.named_layers().items():
        layer.training = layer.training  # `evaluating` writes it, too
        for name, value in vars(layer).items():
            if isinstance(value, np.random.Generator):
                value = value.bit_generator.state
            if isinstance(value, kinds) or name in ("dict", "rng"):
                state[f"{path}.{name}"] = value
    return copy.deepcopy(state)


def loss_of(y, target):
    return mg.mean_squared_error(y, target)


def step_curve(model):
    report = mg.gradcheck_model(model, loss_of, (X, Y), sample=1)
    report.step_curve()


def truncation_report(model):
    mg.truncation_report(model, (X, Y), ks=(1, 2), loss=loss_of)


def gradients(model):
    layers.gradients(model, X, Y, ["rnn"], loss=loss_of)


def check_causal_of_function(model):
    mg.check_causal(lambda x: model(x), X)


def gradcheck_of_function(model):
    mg.gradcheck(lambda x: model(x), X, sample=2, order=2)


LOOKS = {
    "check_causal": lambda model: mg.check_causal(model, X),
    "check_causal of function": check_causal_of_function,
    "gradcheck": lambda model: mg.gradcheck(model, X, sample=2),
    "gradcheck of function": gradcheck_of_function,
    "step_curve": step_curve,
    "truncation_report": truncation_report,
    "outputs": lambda model: layers.outputs(model, X, ["rnn"]),
    "gradients": gradients,
    "summary": lambda model: optim.summary(model, X),
}


@pytest.fixture
def model():
    mg.seed(0)
    model = Model()
    model(X)  # so that every layer has a state
    return model


def divide_by_zero(x):
    raise ZeroDivisionError


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.filterwarnings("ignore::layers.ModeWarning")
def test_checks_leave_model_unchanged(model, look, fails):
    if fails:
        model.rnn.cell.activation = divide_by_zero
    before = state_of(model)
    diary = vars(model.diary).copy()
    if fails:
        with pytest.raises((ZeroDivisionError, mg.MinigradError)):
            look(model)
    else:
        look(model)
    np.testing.assert_equal(state_of(model), before)
    # the arrays and lists are the same objects, which others may share
    for name, value in diary.items():
        assert getattr(model.diary, name) is value


def test_checks_leave_batch_norm_in_training_mode():
    norm = BatchNorm(2)
    x = np.random.default_rng(0).normal(size=(5, 2))
    assert mg.gradcheck_model(norm, loss_of, (x, np.ones((5, 2))))
    assert mg.depends(norm, x, 0, 0).seen.all()  # in training mode, the rows mix
    assert norm.training
    np.testing.assert_array_equal(norm.mean, [0, 0])
    np.testing.assert_array_equal(norm.variance, [1, 1])


def test_failed_check_leaves_dropout_masks_unchanged():
    def mask():
        return Dropout(0.5)(np.ones(8)).array

    mg.seed(0)
    expected = mask()
    mg.seed(0)
    with pytest.raises(mg.MinigradError, match="MG702"):
        mg.depends(Dropout(0.5), np.ones(8))
    np.testing.assert_array_equal(mask(), expected)


def test_unchanged_restores_object_that_is_no_layer():
    class Counter:
        calls = 0

        def __call__(self, x):
            self.calls += 1
            return x

    counter = Counter()
    assert mg.check_causal(counter, X)
    assert counter.calls == 0


def test_unchanged_removes_new_attributes():
    model: Any = Dense(2, 2)
    model._fixed = np.arange(3)
    model._fixed.flags.writeable = False
    with pytest.raises(KeyError), unchanged():
        model(X)
        model._fixed = None
        model._more = 1
        raise KeyError
    assert model._fixed.tolist() == [0, 1, 2]
    assert not hasattr(model, "_more")
