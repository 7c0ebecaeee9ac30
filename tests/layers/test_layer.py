"""Layer and Sequential: what is registered, under which name and scope, and what is refused."""

import sys
from functools import partial
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from layers import (
    GRU,
    LSTM,
    RNN,
    Conv2d,
    Dense,
    Dropout,
    Embedding,
    Layer,
    LayerError,
    LayerNorm,
    MultiHeadAttention,
    Sequential,
    TransformerBlock,
    outputs,
)
from minigrad.errors import DtypeError, OptionError, ShapeError, UnknownNameError


def parameter(value=1.0):
    return mg.Tensor([value], requires_grad=True)


class Scale(Layer):
    def __init__(self, factor=2.0):
        super().__init__()
        self.factor = parameter(factor)

    def forward(self, x):
        return self.factor * x


class Pair(Layer):
    """A parameter before, between and after two children."""

    def __init__(self):
        self.first: Any = parameter()
        self.inner = Scale()
        self.middle = parameter()
        self.other: Any = Scale()
        self.last = parameter()

    def forward(self, x):
        return self.other(self.inner(x))


class Wrapped(Layer):
    def __init__(self, inner):
        self.inner = inner

    def forward(self, x):
        return self.inner(x)


PATHS = ["first", "inner.factor", "middle", "other.factor", "last"]


def test_parts_have_their_paths_as_names_in_the_order_of_definition():
    model: Any = Pair()
    assert list(model.named_parameters()) == PATHS
    outer = Wrapped(Wrapped(model))
    assert list(outer.named_layers())[:4] == [
        "",
        "inner",
        "inner.inner",
        "inner.inner.inner",
    ]
    for path, tensor in outer.named_parameters().items():
        assert tensor.name == path


def test_shared_parts_come_once_under_their_first_path():
    model = Pair()
    model.other, model.last = model.inner, model.first
    assert list(model.named_parameters()) == ["first", "inner.factor", "middle"]
    assert list(model.named_layers()) == ["", "inner"]
    assert model.first.name == "first"
    model.inner.alias = (
        model.first
    )  # its name is still the path from the outermost layer
    assert Wrapped(model).inner.first.name == "inner.first"
    model(mg.Tensor([3.0])).sum().backward()  # 3 f²
    np.testing.assert_allclose(model.inner.factor.grad, [12.0])
    model.zero_grad()
    assert model.inner.factor.grad is None


def test_attributes_are_replaced_deleted_and_frozen():
    model: Any = Pair()
    model.inner = Scale(5.0)
    assert list(model.named_parameters()) == PATHS
    del model.middle
    model.other = None
    assert list(model.named_parameters()) == ["first", "inner.factor", "last"]
    model.first.requires_grad = False  # frozen, but still a parameter
    assert "first" in model.named_parameters() and "first" in model.state_dict()
    assert "first: (1,), frozen" in repr(model)


def test_state_dict_is_a_copy_and_loads_back():
    model, other = Pair(), Pair()
    saved = model.state_dict()
    saved["first"][:] = 7.0
    other.load_state_dict(saved)
    saved["first"][:] = 8.0
    assert (model.first.item(), other.first.item()) == (1.0, 7.0)


def test_repr_is_a_tree_with_shapes_and_a_count():
    dense = Dense(3, 2, mg.relu, bias=False)
    model = Wrapped(Sequential(Embedding(50, 4), RNN(4, 3, truncate=2), dense))
    assert repr(model) == (
        "Wrapped()\n"
        "  inner: Sequential()\n"
        "    embedding: Embedding(50, 4)\n"
        "      table: (50, 4)\n"
        "    rnn: RNN(4, 3, truncate=2)\n"
        "      cell: RNNCell(4, 3)\n"
        "        W_xh: (4, 3)\n"
        "        W_hh: (3, 3)\n"
        "        b_h: (3,)\n"
        "    dense: Dense(3, 2, relu, bias=False)\n"
        "      W: (3, 2)\n"
        "230 parameters"
    )  # 200 + 12 + 9 + 3 + 6
    assert "230" in model._repr_html_() and "rnn.cell.W_xh" in model._repr_html_()


# ---- Sequential ----


def test_sequential_names_children_by_class_or_function_and_runs_them_in_order():
    model = Sequential(
        Dense(2, 3), mg.tanh, Dense(3, 2), mg.softmax, lambda x: 2 * x, mg.tanh
    )
    names = ["dense", "tanh", "dense_2", "softmax", "function", "tanh_2"]
    assert list(model.named_layers()) == ["", *names]
    assert "  tanh: Function(tanh)\n" in repr(model)
    x = np.array([[0.5, -1.0]], np.float32)
    hidden, output = mg.tanh(model.dense(x)), model(x)
    expected = mg.tanh(2 * mg.softmax(model.dense_2(hidden)))
    np.testing.assert_array_equal(output.array, expected.array)
    assert output.node.scope == ("sequential", "tanh_2")
    np.testing.assert_array_equal(outputs(model, x, ["tanh"])["tanh"], hidden.array)


def test_a_sequential_runs_the_children_that_it_has():
    model = Sequential(Dense(2, 3), mg.tanh, Dense(3, 4))
    assert len(model) == 3 and list(model) == [model.dense, model.tanh, model[-1]]
    x = np.ones((1, 2), "float32")
    model.dense_2 = Dense(3, 7)
    model.tanh = mg.relu  # a function becomes a layer here too
    np.testing.assert_array_equal(
        model(x).array, model.dense_2(mg.relu(model.dense(x))).array
    )
    assert model.named_parameters()["dense_2.W"].shape == (3, 7)
    del model.dense_2
    model.head = Dense(3, 5)
    with pytest.raises(OptionError, match="MG206.*head of Sequential is None"):
        model.head = None
    assert model(x).shape == (1, 5)


@pytest.mark.parametrize("layer", [3, Dense, [Dense(2, 2)]])
def test_sequential_takes_layers_and_functions_only(layer):
    with pytest.raises(OptionError, match="MG206.*item 0"):
        Sequential(layer)


# ---- what is refused ----


@pytest.mark.parametrize(
    "value",
    [np.zeros((2, 3)), mg.Tensor(np.zeros((2, 3))), parameter() * np.zeros((2, 3))],
)
def test_what_no_optimizer_would_find_is_refused(value):
    model: Any = Pair()
    with pytest.raises(LayerError, match=r"MG203.*Pair.first .* of shape \(2, 3\)"):
        model.first = value
    model._extra = value  # with an underscore it is the author's own affair
    assert model.first.shape == (1,) and list(model.named_parameters()) == PATHS


@pytest.mark.parametrize(
    "value", [[Scale()], {"a": parameter()}, {Scale()}, {"a": [1, (Scale(),)]}]
)
def test_layers_in_a_collection_are_refused(value):
    model: Any = Pair()
    with pytest.raises(LayerError, match=f"MG204.*{type(value).__name__}"):
        model.blocks = value


@pytest.mark.parametrize("part", [Scale(), parameter()])
def test_layers_in_a_list_that_is_filled_later_are_found_when_the_parameters_are_asked_for(
    part,
):
    model: Any = Pair()
    model.blocks = [1, 2]
    model.blocks.append(model([1.0]))  # an activation, which is not trained
    assert list(model.named_parameters()) == PATHS
    model.blocks.append([part])
    with pytest.raises(LayerError, match="MG204.*Pair.blocks is a list"):
        Sequential(model).named_parameters()
    model.block_0 = part  # now it is trained, in the list or not
    assert any(path.startswith("block_0") for path in model.named_parameters())


def test_a_part_does_not_hide_a_method():
    model: Any = Pair()
    with pytest.raises(LayerError, match="MG243.*'train'"):
        model.train = Scale()


# ---- any depth and size ----


def test_layers_may_be_nested_to_any_depth():
    model: Layer = Scale()
    for _ in range(450):
        model = Wrapped(model)
    (path,) = model.named_parameters()
    assert (
        path == "inner." * 450 + "factor"
        and model.named_parameters()[path].name == path
    )
    assert len(model.named_layers()) == 451
    assert len(repr(model).splitlines()) == 451 + 2


def test_putting_a_model_together_takes_time_in_proportion_to_its_parts():
    def calls(parts):
        events = []
        model, tensors = Pair(), [parameter() for _ in range(parts)]
        sys.setprofile(lambda frame, event, argument: events.append(event))
        try:
            for number, tensor in enumerate(tensors):
                setattr(model, f"part_{number}", tensor)
        finally:
            sys.setprofile(None)
        return events.count("call")

    assert calls(400) <= 4.1 * calls(100)


class Counter(Layer):
    calls: Any

    def __init__(self):
        self.buffer("calls", np.zeros(2, np.float32))
        self.W = mg.Tensor([1.0], requires_grad=True)

    def forward(self, x):
        self.calls = self.calls + 1
        return x


def test_a_buffer_is_saved_but_not_trained():
    model = Sequential(Counter(), Counter())
    model(0.0)
    assert list(model.named_parameters()) == ["counter.W", "counter_2.W"]
    assert list(model.state_dict()) == [
        "counter.W",
        "counter_2.W",
        "counter.calls",
        "counter_2.calls",
    ]
    model.state_dict()["counter.calls"][...] = 7  # a copy
    np.testing.assert_array_equal(model.counter.calls, [1, 1])
    other = Sequential(Counter(), Counter())
    other.load_state_dict(model.state_dict())
    np.testing.assert_array_equal(other.counter_2.calls, [1, 1])
    other(0.0)
    np.testing.assert_array_equal(other.named_buffers()["counter.calls"], [2, 2])
    np.testing.assert_array_equal(model.counter.calls, [1, 1])
    assert "calls: (2,), buffer" in repr(model) and repr(model).endswith("2 parameters")


def test_a_buffer_holds_a_copy_and_keeps_its_name():
    given, model = np.zeros(2, np.float32), Counter()
    model.calls = given
    given += 1
    np.testing.assert_array_equal(model.named_buffers()["calls"], [0, 0])
    del model.calls
    assert not model.named_buffers()
    with pytest.raises(LayerError, match="MG243.*'train'"):
        model.buffer("train", given)
    with pytest.raises(LayerError, match=r"(?s)MG203.*self.buffer\('other', array\)"):
        model.other = given


def test_a_model_without_a_buffer_does_not_load_one():
    arrays = Counter().state_dict()
    del arrays["calls"]
    with pytest.raises(mg.MinigradError, match="(?s)MG505.*calls"):
        Counter().load_state_dict(arrays)


def tune(layer: Any, name: str) -> None:
    """Assign as a function of the user does, whose first argument is the layer."""
    setattr(layer, name, False)


@pytest.mark.parametrize("name", ["trainable", "requires_grad"])
@pytest.mark.parametrize(
    "make", [partial(Dense, 3, 2), Counter, partial(Sequential, Dense(3, 2))]
)
def test_freezing_as_in_keras_and_pytorch_is_refused_with_a_remedy(make, name):
    with pytest.raises(
        UnknownNameError, match=rf"MG119\][^\n]* {name}\n(?s:.*)freeze\(model"
    ):
        tune(make(), name)


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
)
def test_a_setting_that_a_layer_lacks_is_refused(layer, name, remedy):
    with pytest.raises(UnknownNameError, match=f"(?s)MG119.* {name}\n.*{remedy}"):
        tune(layer, name)


def test_settings_are_assigned_in_methods_and_to_layers_of_ones_own():
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


@pytest.mark.parametrize(("name", "value"), [("layers", 2), ("bidirectional", True)])
def test_a_recurrent_layer_gets_no_more_cells_later(name, value):
    rnn = RNN(3, 2)
    with pytest.raises(
        OptionError, match=f"MG220.*{name} of RNN cannot be changed to {value}"
    ):
        setattr(rnn, name, value)
    both = GRU(3, 2, layers=3, bidirectional=True)
    assert (rnn.layers, rnn.bidirectional, both.layers, both.bidirectional) == (
        1,
        False,
        3,
        True,
    )


def test_a_part_of_a_sequential_is_replaced_and_deleted_by_its_number():
    model = Sequential(Dense(3, 4), mg.tanh, Dense(4, 2))
    model[2] = Dense(4, 5)
    model[1] = mg.relu
    assert model([[-1.0, 2.0, 3.0]]).shape == (1, 5)
    assert list(model.named_parameters()) == [
        "dense.W",
        "dense.b",
        "dense_2.W",
        "dense_2.b",
    ]
    del model[-1], model[1]
    assert list(model) == [model.dense] and model.dense.W.shape == (3, 4)


def test_a_number_is_not_the_name_of_a_part_of_a_sequential():
    model = Sequential(Dense(3, 4), mg.tanh, Dense(4, 2))
    with pytest.raises(LayerError, match=r"(?s)MG249.*'2'.*model\[2\] = layer"):
        setattr(model, "2", Dense(4, 5))
    assert len(model) == 3


@pytest.mark.parametrize(
    ("value", "error", "code"),
    [
        (np.zeros(3), ShapeError, "MG104"),
        (0.0, ShapeError, "MG104"),
        (None, DtypeError, "MG110"),
        ("ab", DtypeError, "MG110"),
    ],
)
def test_a_buffer_keeps_its_shape_and_contains_numbers(value, error, code):
    model = Counter()
    with pytest.raises(error, match=code):
        model.calls = value
    np.testing.assert_array_equal(model.calls, [0, 0])
    model.buffer("calls", np.ones(3))  # another shape on purpose
    np.testing.assert_array_equal(model.named_buffers()["calls"], [1, 1, 1])
