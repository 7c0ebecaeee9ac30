"""Layer and Sequential: parts, names, buffers, saving, and what may be assigned."""

import sys
from functools import partial
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from layers import (
    RNN,
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


def paths(layer):
    return list(layer.named_parameters())


# ---- parts ----


def test_named_parameters_in_the_order_of_definition(pair):
    assert paths(pair) == PATHS
    outer = Wrapped(Wrapped(pair))
    layers = list(outer.named_layers())
    assert layers[:4] == ["", "inner", "inner.inner", "inner.inner.inner"]
    for path, tensor in outer.named_parameters().items():
        assert tensor.name == path


def test_named_parameters_has_shared_parts_once(pair):
    pair.other = pair.inner
    pair.last = pair.first
    assert paths(pair) == ["first", "inner.factor", "middle"]
    assert list(pair.named_layers()) == ["", "inner"]
    assert pair.first.name == "first"
    pair.inner.alias = pair.first
    Wrapped(pair)
    assert pair.first.name == "inner.first"
    pair(mg.Tensor([3.0])).backward()  # 3 f²
    assert_close(pair.inner.factor.grad, [12.0])
    pair.zero_grad()
    assert pair.inner.factor.grad is None


def test_named_parameters_after_assigning_deleting_and_freezing(pair):
    pair.inner = Scale(5.0)
    assert paths(pair) == PATHS
    del pair.middle
    pair.other = None
    pair.first.requires_grad = False  # frozen, but still a parameter
    rest = ["first", "inner.factor", "last"]
    assert paths(pair) == list(pair.state_dict()) == rest
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
        for number, tensor in enumerate(tensors):
            setattr(model, f"part_{number}", tensor)
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
    assert paths(pair) == PATHS


@pytest.mark.parametrize(
    "value", [[Scale()], {"a": leaf([1.0])}, {Scale()}, {"a": [1, (Scale(),)]}]
)
def test_setattr_rejects_layers_in_a_collection(pair, value):
    with raises("MG204", f"{type(value).__name__}"):
        pair.blocks = value


@pytest.mark.parametrize("part", [Scale(), leaf([1.0])])
def test_named_parameters_rejects_layers_in_a_list_filled_later(pair, part):
    activation = pair([1.0])  # is not trained
    pair.blocks = [1, activation]
    assert paths(pair) == PATHS
    pair.blocks.append([part])
    with raises("MG204", "Pair.blocks is a list"):
        Sequential(pair).named_parameters()
    pair.block_0 = part  # now it is trained, in the list or not
    assert len(paths(pair)) == len(PATHS) + 1


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
    layer = make()
    with raises("MG119", rf" {name}\n.*freeze\(model"):
        assign(layer, name)


@pytest.mark.parametrize(
    ("layer", "name", "remedy"),
    [
        (Dropout(0.5), "p", "use rate"),
        (LayerNorm(3), "eps", "use epsilon"),
        (RNN(3, 2), "return_sequence", "did you mean return_sequences"),
        (RNN(3, 2), "dropout", ""),
        (Dense(3, 2), "bias", "model.dense.b"),
        (MultiHeadAttention(4, 2), "num_heads", "use heads"),
        (TransformerBlock(4, 2), "causal", ""),
    ],
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

    noisy: Any = Noisy()
    noisy.trainable = False
    noisy.author = "Ada"
    model = Sequential(noisy)
    model.words = ["a", "b"]
    assert not noisy.trainable
    assert model.words == ["a", "b"]


# ---- Sequential ----


def test_sequential_names_its_children_and_runs_them():
    model = Sequential(Dense(2, 3), mg.tanh, Dense(3, 2), mg.softmax, lambda x: 2 * x, mg.tanh)
    names = ["dense", "tanh", "dense_2", "softmax", "function", "tanh_2"]
    assert list(model.named_layers()) == ["", *names]
    assert "  tanh: Function(tanh)\n" in repr(model)
    x = np.array([[0.5, -1.0]], np.float32)
    output = model(x)
    hidden = mg.tanh(model.dense(x))
    scores = mg.softmax(model.dense_2(hidden))
    assert_close(output, mg.tanh(2 * scores))
    assert output.node.scope == ("sequential", "tanh_2")
    found = outputs(model, x, ["tanh"])
    assert_close(found["tanh"], hidden)


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
    hidden = mg.relu(three.dense([1.0, 2.0]))
    assert_close(three([1.0, 2.0]), three.dense_2(hidden))
    assert three.named_parameters()["dense_2.W"].shape == (3, 7)
    del three.dense_2
    three.head = Dense(3, 5)
    with raises("MG206", "head of Sequential is None"):
        three.head = None
    assert three([1.0, 2.0]).shape == (5,)


def test_sequential_children_are_replaced_by_number(three):
    three[2] = Dense(3, 5)
    three[1] = mg.relu
    assert three([1.0, 2.0]).shape == (5,)
    assert paths(three) == ["dense.W", "dense.b", "dense_2.W", "dense_2.b"]
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
    saved = model.state_dict()
    assert paths(model) == parameters
    assert list(saved) == [*parameters, "counter.calls", "counter_2.calls"]
    other = Sequential(Counter(), Counter())
    other.load_state_dict(saved)
    other(0.0)
    saved["counter.calls"][...] = 7  # a copy
    assert_close(model.counter.calls, [1, 1])
    for array in other.named_buffers().values():
        assert_close(array, [2, 2])
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
    with raises("MG505", "calls"):
        Counter().load_state_dict(arrays)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (np.zeros(3), "MG104"),
        (0.0, "MG104"),
        (None, "MG110"),
        ("ab", "MG110"),
    ],
)
def test_buffer_rejects_other_shapes_and_text(value, code):
    model = Counter()
    with raises(code):
        model.calls = value
    assert_close(model.calls, [0, 0])
    model.buffer("calls", np.ones(3))  # another shape on purpose
    assert_close(model.calls, [1, 1, 1])
