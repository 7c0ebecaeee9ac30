"""Layer and Sequential: parts, names, buffers, saving, and what may be assigned."""

import sys
from functools import partial
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from layers import (
    LSTM,
    RNN,
    Conv2d,
    Dense,
    Dropout,
    Embedding,
    Layer,
    LayerNorm,
    MultiHeadAttention,
    Sequential,
    TransformerBlock,
    outputs,
)
from minigrad.errors import DtypeError, ShapeError, UnknownNameError

from .helpers import assert_close, leaf, raises


class Scale(Layer):
    def __init__(self, factor=2.0):
        super().__init__()
        self.factor = leaf([factor])

    def forward(self, x):
        return self.factor * x


class Pair(Layer):
    """A parameter before, between and after two children."""

    def __init__(self):
        self.first = leaf([1.0])
        self.inner = Scale()
        self.middle = leaf([1.0])
        self.other: Any = Scale()
        self.last = leaf([1.0])

    def forward(self, x):
        return self.other(self.inner(x))


class Wrapped(Layer):
    def __init__(self, inner):
        self.inner = inner

    def forward(self, x):
        return self.inner(x)


PATHS = ["first", "inner.factor", "middle", "other.factor", "last"]


@pytest.fixture
def pair() -> Any:
    return Pair()


# ---- parts ----


def test_named_parameters_in_the_order_of_definition(pair):
    assert list(pair.named_parameters()) == PATHS
    outer = Wrapped(Wrapped(pair))
    layers = list(outer.named_layers())
    assert layers[:4] == ["", "inner", "inner.inner", "inner.inner.inner"]
    for path, tensor in outer.named_parameters().items():
        assert tensor.name == path


def test_named_parameters_has_shared_parts_once(pair):
    pair.other, pair.last = pair.inner, pair.first
    assert list(pair.named_parameters()) == ["first", "inner.factor", "middle"]
    assert list(pair.named_layers()) == ["", "inner"]
    assert pair.first.name == "first"
    pair.inner.alias = pair.first
    assert Wrapped(pair).inner.first.name == "inner.first"
    pair(mg.Tensor([3.0])).sum().backward()  # 3 f²
    assert_close(pair.inner.factor.grad, [12.0])
    pair.zero_grad()
    assert pair.inner.factor.grad is None


def test_named_parameters_after_assigning_deleting_and_freezing(pair):
    pair.inner = Scale(5.0)
    assert list(pair.named_parameters()) == PATHS
    del pair.middle
    pair.other = None
    pair.first.requires_grad = False  # frozen, but still a parameter
    paths = ["first", "inner.factor", "last"]
    assert list(pair.named_parameters()) == list(pair.state_dict()) == paths
    assert "first: (1,), frozen" in repr(pair)


def test_named_parameters_of_deeply_nested_layers():
    model: Layer = Scale()
    for _ in range(450):
        model = Wrapped(model)
    ((path, factor),) = model.named_parameters().items()
    assert path == factor.name == "inner." * 450 + "factor"
    assert len(model.named_layers()) == 451
    assert len(repr(model).splitlines()) == 451 + 2


def test_setattr_takes_time_in_proportion_to_the_parts():
    def calls(parts):
        events = []
        model = Pair()
        tensors = [leaf([1.0]) for _ in range(parts)]
        sys.setprofile(lambda frame, event, argument: events.append(event))
        try:
            for number, tensor in enumerate(tensors):
                setattr(model, f"part_{number}", tensor)
        finally:
            sys.setprofile(None)
        return events.count("call")

    assert calls(400) <= 4.1 * calls(100)


def test_state_dict_is_a_copy_and_loads(pair):
    other = Pair()
    saved = pair.state_dict()
    saved["first"][:] = 7.0
    other.load_state_dict(saved)
    saved["first"][:] = 8.0
    assert pair.first.item() == 1.0
    assert other.first.item() == 7.0


def test_repr_is_a_tree_with_shapes_and_a_count():
    dense = Dense(3, 2, mg.relu, bias=False)
    model = Wrapped(Sequential(Embedding(50, 4), RNN(4, 3, truncate=2), dense))
    assert repr(model).splitlines() == [
        "Wrapped()",
        "  inner: Sequential()",
        "    embedding: Embedding(50, 4)",
        "      table: (50, 4)",
        "    rnn: RNN(4, 3, truncate=2)",
        "      cell: RNNCell(4, 3)",
        "        W_xh: (4, 3)",
        "        W_hh: (3, 3)",
        "        b_h: (3,)",
        "    dense: Dense(3, 2, relu, bias=False)",
        "      W: (3, 2)",
        "230 parameters",  # 200 + 12 + 9 + 3 + 6
    ]
    html = model._repr_html_()
    assert "230" in html and "rnn.cell.W_xh" in html


# ---- what may be assigned ----


@pytest.mark.parametrize(
    "value",
    [
        np.zeros((2, 3)),
        mg.Tensor(np.zeros((2, 3))),
        leaf([1.0]) * np.zeros((2, 3)),
    ],
)
def test_setattr_rejects_arrays_that_are_not_trained(pair, value):
    with raises("MG203", r"Pair.first .* of shape \(2, 3\)"):
        pair.first = value
    pair._extra = value
    assert pair.first.shape == (1,)
    assert list(pair.named_parameters()) == PATHS


@pytest.mark.parametrize(
    "value", [[Scale()], {"a": leaf([1.0])}, {Scale()}, {"a": [1, (Scale(),)]}]
)
def test_setattr_rejects_layers_in_a_collection(pair, value):
    with raises("MG204", f"{type(value).__name__}"):
        pair.blocks = value


@pytest.mark.parametrize("part", [Scale(), leaf([1.0])])
def test_named_parameters_rejects_layers_in_a_list_filled_later(pair, part):
    pair.blocks = [1, 2]
    pair.blocks.append(pair([1.0]))  # an activation, which is not trained
    assert list(pair.named_parameters()) == PATHS
    pair.blocks.append([part])
    with raises("MG204", "Pair.blocks is a list"):
        Sequential(pair).named_parameters()
    pair.block_0 = part  # now it is trained, in the list or not
    assert len(pair.named_parameters()) == len(PATHS) + 1


def test_setattr_rejects_names_of_methods(pair):
    with raises("MG243", "'train'"):
        pair.train = Scale()


def assign(layer: Any, name: str) -> None:
    """Assign as a function of the user does, whose first argument is the layer."""
    setattr(layer, name, False)


@pytest.mark.parametrize("name", ["trainable", "requires_grad"])
@pytest.mark.parametrize(
    "make",
    [partial(Dense, 3, 2), Scale, partial(Sequential, Dense(3, 2))],
)
def test_setattr_explains_how_to_freeze(make, name):
    words = rf"MG119\][^\n]* {name}\n(?s:.*)freeze\(model"
    with pytest.raises(UnknownNameError, match=words):
        assign(make(), name)


@pytest.mark.parametrize(
    ("layer", "name", "remedy"),
    [
        (Dropout(0.5), "p", "use rate"),
        (LayerNorm(3), "eps", "use epsilon"),
        (RNN(3, 2), "return_sequence", "did you mean return_sequences"),
        (RNN(3, 2), "hidden_size", ""),
        (RNN(3, 2), "dropout", ""),
        (LSTM(3, 2), "forget_bias", ""),
        (Dense(3, 2), "bias", "model.dense.b"),
        (Conv2d(1, 2, 3), "filters", ""),
        (MultiHeadAttention(4, 2), "num_heads", "use heads"),
        (TransformerBlock(4, 2), "causal", ""),
    ],
    ids=str,
)
def test_setattr_rejects_unknown_settings(layer, name, remedy):
    with raises("MG119", f" {name}\n.*{remedy}"):
        assign(layer, name)


def test_setattr_takes_settings_of_ones_own():
    class Noisy(Dropout):
        def __init__(self) -> None:
            super().__init__(0.5)
            self.trainable = True
            self.begin()

        def begin(self) -> None:
            self.strength = 1.0

    noisy = Noisy()
    noisy.trainable, noisy.strength, noisy.author = False, 2.0, "Ada"
    model = Sequential(noisy)
    model.words = ["a", "b"]
    assert (noisy.trainable, noisy.strength, model.words) == (False, 2.0, ["a", "b"])


# ---- Sequential ----


def test_sequential_names_its_children_and_runs_them():
    model = Sequential(
        Dense(2, 3), mg.tanh, Dense(3, 2), mg.softmax, lambda x: 2 * x, mg.tanh
    )
    names = ["dense", "tanh", "dense_2", "softmax", "function", "tanh_2"]
    assert list(model.named_layers()) == ["", *names]
    assert "  tanh: Function(tanh)\n" in repr(model)
    x = np.array([[0.5, -1.0]], np.float32)
    output = model(x)
    hidden = mg.tanh(model.dense(x))
    assert_close(output, mg.tanh(2 * mg.softmax(model.dense_2(hidden))))
    assert output.node.scope == ("sequential", "tanh_2")
    assert_close(outputs(model, x, ["tanh"])["tanh"], hidden)


@pytest.mark.parametrize("item", [3, Dense, [Dense(2, 2)]])
def test_sequential_takes_layers_and_functions(item):
    with raises("MG206", "item 0"):
        Sequential(item)


@pytest.fixture
def three():
    return Sequential(Dense(2, 3), mg.tanh, Dense(3, 4))


def test_sequential_children_are_replaced_by_name(three):
    assert len(three) == 3
    assert list(three) == [three.dense, three.tanh, three[-1]]
    three.dense_2 = Dense(3, 7)
    three.tanh = mg.relu
    x = np.ones((1, 2), np.float32)
    assert_close(three(x), three.dense_2(mg.relu(three.dense(x))))
    assert three.named_parameters()["dense_2.W"].shape == (3, 7)
    del three.dense_2
    three.head = Dense(3, 5)
    with raises("MG206", "head of Sequential is None"):
        three.head = None
    assert three(x).shape == (1, 5)


def test_sequential_children_are_replaced_by_number(three):
    three[2] = Dense(3, 5)
    three[1] = mg.relu
    assert three([[-1.0, 2.0]]).shape == (1, 5)
    paths = ["dense.W", "dense.b", "dense_2.W", "dense_2.b"]
    assert list(three.named_parameters()) == paths
    del three[-1], three[1]
    assert list(three) == [three.dense]


def test_sequential_rejects_a_number_as_a_name(three):
    with raises("MG249", r"'2'.*model\[2\] = layer"):
        setattr(three, "2", Dense(4, 5))
    assert len(three) == 3


# ---- buffers ----


class Counter(Layer):
    calls: Any

    def __init__(self):
        self.buffer("calls", np.zeros(2, np.float32))
        self.W = leaf([1.0])

    def forward(self, x):
        self.calls = self.calls + 1
        return x


def test_buffer_is_saved_but_not_trained():
    model = Sequential(Counter(), Counter())
    model(0.0)
    parameters = ["counter.W", "counter_2.W"]
    buffers = ["counter.calls", "counter_2.calls"]
    assert list(model.named_parameters()) == parameters
    assert list(model.state_dict()) == parameters + buffers
    model.state_dict()["counter.calls"][...] = 7  # a copy
    other = Sequential(Counter(), Counter())
    other.load_state_dict(model.state_dict())
    other(0.0)
    for name in buffers:
        assert_close(other.named_buffers()[name], [2, 2])
        assert_close(model.named_buffers()[name], [1, 1])
    assert "calls: (2,), buffer" in repr(model)
    assert repr(model).endswith("2 parameters")


def test_buffer_holds_a_copy_and_keeps_its_name():
    array = np.zeros(2, np.float32)
    model = Counter()
    model.calls = array
    array += 1
    assert_close(model.named_buffers()["calls"], [0, 0])
    del model.calls
    assert not model.named_buffers()
    with raises("MG243", "'train'"):
        model.buffer("train", array)
    with raises("MG203", r"self.buffer\('other', array\)"):
        model.other = array


def test_buffer_missing_in_load_state_dict():
    arrays = Counter().state_dict()
    del arrays["calls"]
    with pytest.raises(mg.MinigradError, match="(?s)MG505.*calls"):
        Counter().load_state_dict(arrays)


@pytest.mark.parametrize(
    ("value", "error", "code"),
    [
        (np.zeros(3), ShapeError, "MG104"),
        (0.0, ShapeError, "MG104"),
        (None, DtypeError, "MG110"),
        ("ab", DtypeError, "MG110"),
    ],
)
def test_buffer_rejects_other_shapes_and_text(value, error, code):
    model = Counter()
    with pytest.raises(error, match=code):
        model.calls = value
    assert_close(model.calls, [0, 0])
    model.buffer("calls", np.ones(3))  # another shape on purpose
    assert_close(model.calls, [1, 1, 1])
