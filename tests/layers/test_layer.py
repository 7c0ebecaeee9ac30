"""Layer and Sequential: what is registered, under which name and scope, and what is refused."""

import sys
from collections import deque
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from layers import RNN, Dense, Dropout, Embedding, Layer, LayerError, Sequential, outputs
from minigrad.context import SCOPE, scope_label
from minigrad.errors import OptionError


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
        super().__init__()
        self.first: Any = parameter()
        self.inner = Scale()
        self.middle = parameter()
        self.other: Any = Scale()
        self.last = parameter()

    def forward(self, x):
        return self.other(self.inner(x))


class Wrapped(Layer):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        return self.inner(x)


PATHS = ["first", "inner.factor", "middle", "other.factor", "last"]


def refused(code, error, action):
    with pytest.raises(error) as caught:
        action()
    assert caught.value.code == code and caught.value.remedy
    return str(caught.value)


def test_parts_have_their_paths_as_names_in_the_order_of_definition():
    model = Pair()
    assert list(model.named_parameters()) == PATHS
    outer: Any = Wrapped(Wrapped(model))
    outer.inner.inner.late = Pair()  # added to a child when the model is already put together
    assert list(outer.named_layers())[:4] == ["", "inner", "inner.inner", "inner.inner.inner"]
    for path, tensor in outer.named_parameters().items():
        assert tensor.name == path


def test_shared_parts_come_once_under_their_first_path():
    model = Pair()
    model.other, model.last = model.inner, model.first
    assert list(model.named_parameters()) == ["first", "inner.factor", "middle"]
    assert list(model.named_layers()) == ["", "inner"]
    assert model.first.name == "first"
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


def test_scopes_follow_attribute_names_and_the_root_its_class():
    node = Pair()(mg.Tensor([1.0])).node
    assert (
        scope_label(node.scope) == "in pair/other"
        and scope_label(node.inputs[1].scope) == "in pair/inner"
    )
    with pytest.raises(TypeError):
        Pair()(object())
    assert SCOPE.get() == ()  # closed also where forward fails


def test_modes_reach_every_layer():
    model = Sequential(Dense(2, 2), Sequential(Dropout(0.5)))
    assert model.eval() is model
    assert not any(layer.training for layer in model.named_layers().values())
    model.train()
    assert all(layer.training for layer in model.named_layers().values())


def test_state_dict_is_a_copy_and_loads_back():
    model, other = Pair(), Pair()
    saved = model.state_dict()
    saved["first"][:] = 7.0
    other.load_state_dict(saved)
    saved["first"][:] = 8.0
    assert (model.first.item(), other.first.item()) == (1.0, 7.0)


def test_repr_is_a_tree_with_shapes_and_a_count():
    model = Wrapped(
        Sequential(Embedding(50, 4), RNN(4, 3, truncate=2), Dense(3, 2, mg.relu, bias=False))
    )
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
    model = Sequential(Dense(2, 3), mg.tanh, Dense(3, 2), mg.softmax, lambda x: 2 * x, mg.tanh)
    assert list(model.named_layers()) == [
        "",
        "dense",
        "tanh",
        "dense_2",
        "softmax",
        "function",
        "tanh_2",
    ]
    assert "  tanh: Function(tanh)\n" in repr(model)
    x = np.array([[0.5, -1.0]], np.float32)
    W, b, W_2, b_2 = model.state_dict().values()
    e = np.exp(np.tanh(x @ W + b) @ W_2 + b_2)
    output = model(x)
    np.testing.assert_allclose(output.array, np.tanh(2 * e / e.sum()), rtol=1e-6)
    assert output.node.scope == ("sequential", "tanh_2")
    np.testing.assert_allclose(outputs(model, x, ["tanh"])["tanh"], np.tanh(x @ W + b), rtol=1e-6)


def test_a_sequential_runs_the_children_that_it_has():
    model = Sequential(Dense(2, 3), mg.tanh, Dense(3, 4))
    assert (
        len(model) == 3
        and model[0] is model.dense
        and model[-1] is model.dense_2
        and list(model)[2] is model[2]
    )
    x = np.ones((1, 2), "float32")
    model.dense_2 = Dense(3, 7)
    model.tanh = mg.relu  # a function becomes a layer here too
    np.testing.assert_array_equal(model(x).array, model.dense_2(mg.relu(model.dense(x))).array)
    assert model.named_parameters()["dense_2.W"].shape == (3, 7)
    del model.dense_2
    np.testing.assert_array_equal(model(x).array, mg.relu(model.dense(x)).array)
    model.head = Dense(3, 5)
    assert "head of Sequential is None" in refused(
        "MG206", OptionError, lambda: setattr(model, "head", None)
    )
    assert model(x).shape == (1, 5)


@pytest.mark.parametrize("layers", [(), (3,), (Dense,), ([Dense(2, 2)],)])
def test_sequential_takes_layers_and_functions_only(layers):
    refused("MG206", OptionError, lambda: Sequential(*layers))


# ---- what is refused ----


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (np.zeros((2, 3)), "an array of shape (2, 3)"),
        (mg.Tensor([1.0]), "without requires_grad"),
        (parameter() * 2, "Hadamard"),
    ],
)
def test_what_no_optimizer_would_find_is_refused(value, words):
    model: Any = Pair()
    assert words in refused("MG203", LayerError, lambda: setattr(model, "first", value))
    # as before
    assert isinstance(model.first, mg.Tensor) and list(model.named_parameters()) == PATHS
    model._extra = value  # with an underscore it is the author's own affair
    assert list(model.named_parameters()) == PATHS


ITSELF: list[Any] = []
ITSELF.append([ITSELF, Scale()])


@pytest.mark.parametrize(
    "value",
    [[Scale()], (Scale(),), {"a": parameter()}, {Scale()}, frozenset([Scale()]), deque([Scale()]),
     {"a": [1, (Scale(),)]}, {Scale(): 1}, ITSELF],
)  # fmt: skip
def test_layers_in_a_collection_are_refused(value):
    assert type(value).__name__ in refused(
        "MG204", LayerError, lambda: setattr(Pair(), "blocks", value)
    )


@pytest.mark.parametrize("part", [Scale(), parameter()])
def test_layers_in_a_list_that_is_filled_later_are_found_when_the_parameters_are_asked_for(part):
    model: Any = Pair()
    model.blocks = []
    model.blocks.append([part])
    for outer in (model, Sequential(model)):
        assert "Pair.blocks is a list" in refused("MG204", LayerError, outer.named_parameters)
    assert "blocks" not in repr(model)  # which prints what there is, and does not fail
    model.block_0 = part  # now it is trained, in the list or not
    assert any(path.startswith("block_0") for path in model.named_parameters())


def test_other_things_and_activations_may_be_kept_in_a_list():
    model: Any = Pair()
    model.sizes, model.seen = [1, 2, 3], []
    model.seen.append(model([1.0]))
    assert model.seen[0].requires_grad
    assert list(model.named_parameters()) == PATHS


def test_a_name_with_a_dot_is_refused():
    model = Pair()
    assert "'inner.factor'" in refused(
        "MG205", LayerError, lambda: setattr(model, "inner.factor", Scale())
    )
    assert list(model.named_parameters()) == PATHS


@pytest.mark.parametrize("name", ["train", "forward", "training"])
def test_a_part_does_not_hide_a_method(name):
    assert repr(name) in refused("MG243", LayerError, lambda: setattr(Pair(), name, Scale()))

    def function(x):
        return x

    function.__name__ = name
    assert repr(name) in refused("MG243", LayerError, lambda: Sequential(function))


# ---- any depth and size ----


def wrapped(times):
    model: Layer = Scale()
    for _ in range(times):
        model = Wrapped(model)
    return model


def test_layers_may_be_nested_to_any_depth():
    model = wrapped(450)
    (path,) = model.named_parameters()
    assert path == "inner." * 450 + "factor" and model.named_parameters()[path].name == path
    assert len(model.named_layers()) == 451
    assert len(repr(model).splitlines()) == 451 + 2
    assert model.eval().state_dict().keys() == {path}


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
