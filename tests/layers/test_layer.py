"""Layer: what is registered, under which name and scope, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from layers import RNN, Dense, Dropout, Embedding, Layer, LayerError, Sequential, outputs
from minigrad.context import SCOPE, place
from minigrad.errors import CheckpointError, OptionError


class Scale(Layer):
    def __init__(self, factor: float = 2.0) -> None:
        super().__init__()
        self.factor = mg.Tensor([factor], requires_grad=True)

    def forward(self, x: Any) -> Any:
        return self.factor * x


class Pair(Layer):
    """A parameter before, between and after two children."""

    def __init__(self) -> None:
        super().__init__()
        self.first = mg.Tensor([1.0], requires_grad=True)
        self.inner = Scale()
        self.middle = mg.Tensor([1.0], requires_grad=True)
        self.other = Scale()
        self.last = mg.Tensor([1.0], requires_grad=True)

    def forward(self, x: Any) -> Any:
        return self.other(self.inner(x))


def test_parameters_come_in_the_order_of_definition_under_their_paths() -> None:
    parameters = Pair().named_parameters()
    assert list(parameters) == ["first", "inner.factor", "middle", "other.factor", "last"]
    assert [parameter.name for parameter in parameters.values()] == list(parameters)


def test_names_grow_to_full_paths_as_the_model_is_put_together() -> None:
    class Outer(Layer):
        def __init__(self) -> None:
            super().__init__()
            self.pair = Pair()

    model = Outer()
    assert model.pair.inner.factor.name == "pair.inner.factor"
    assert list(model.named_layers()) == ["", "pair", "pair.inner", "pair.other"]


def test_shared_parameters_and_layers_come_once_under_their_first_path() -> None:
    model = Pair()
    model.other = model.inner
    model.last = model.first
    assert list(model.named_parameters()) == ["first", "inner.factor", "middle"]
    assert list(model.named_layers()) == ["", "inner"]
    assert model.first.name == "first"
    loss = model(mg.Tensor([3.0])).sum()  # 3 f²
    loss.backward()
    assert model.inner.factor.grad is not None
    np.testing.assert_allclose(model.inner.factor.grad, [12.0])


def test_replacing_and_deleting_attributes() -> None:
    model = Pair()
    model.inner = Scale(5.0)
    assert list(model.named_parameters()) == ["first", "inner.factor", "middle", "other.factor", "last"]
    del model.middle
    model.other = None  # type: ignore[assignment]
    assert list(model.named_parameters()) == ["first", "inner.factor", "last"]


def test_a_frozen_parameter_stays_a_parameter() -> None:
    model = Pair()
    model.first.requires_grad = False
    assert "first" in model.named_parameters() and "first" in model.state_dict()
    assert "first: (1,), frozen" in repr(model)


def test_scopes_follow_attribute_names_and_the_root_its_class() -> None:
    node = Pair()(mg.Tensor([1.0])).node
    assert place(node.scope) == "in pair/other"
    assert place(node.inputs[1].scope) == "in pair/inner"
    assert place(Scale()(mg.Tensor([1.0])).node.scope) == "in scale"


def test_a_scope_closes_when_forward_fails() -> None:
    class Broken(Layer):
        def forward(self, x: Any) -> Any:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Broken()(1)
    assert SCOPE.get() == ()


def test_modes_reach_every_layer() -> None:
    model = Sequential(Dense(2, 2), Sequential(Dropout(0.5)))
    assert model.eval() is model
    assert not any(layer.training for layer in model.named_layers().values())
    model.train()
    assert all(layer.training for layer in model.named_layers().values())


def test_state_dict_is_a_copy_and_loads_back() -> None:
    model, other = Pair(), Pair()
    saved = model.state_dict()
    saved["first"][:] = 7.0
    assert model.first.array == [1.0]
    other.load_state_dict(saved)
    saved["first"][:] = 8.0
    assert other.first.array == [7.0]


def test_loading_names_every_difference_and_changes_nothing() -> None:
    model = Sequential(Dense(3, 2), Dense(2, 2))
    before = model.state_dict()
    wrong = {
        "dense.W": np.zeros((3, 5), "float32"),
        "dense.b": np.zeros(2, "float64"),
        "dense_2.W": np.zeros((2, 2), "float32"),
        "dense_9.W": np.zeros((1, 1), "float32"),
    }
    with pytest.raises(CheckpointError) as caught:
        model.load_state_dict(wrong)
    text = str(caught.value)
    assert caught.value.code == "MG505"
    for part in ("dense.W", "(3, 5)", "(3, 2)", "dense.b", "float64", "dense_2.b", "dense_9.W"):
        assert part in text
    assert all(np.array_equal(array, before[path]) for path, array in model.state_dict().items())


def test_repr_is_a_tree_with_shapes_and_a_count() -> None:
    class Classifier(Layer):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = Embedding(50, 4)
            self.rnn = RNN(4, 3, truncate=2)
            self.head = Dense(3, 2, mg.relu, bias=False)

    assert repr(Classifier()) == (
        "Classifier()\n"
        "  embedding: Embedding(50, 4)\n"
        "    table: (50, 4)\n"
        "  rnn: RNN(4, 3, truncate=2)\n"
        "    cell: RNNCell(4, 3)\n"
        "      W_xh: (4, 3)\n"
        "      W_hh: (3, 3)\n"
        "      b_h: (3,)\n"
        "  head: Dense(3, 2, relu, bias=False)\n"
        "    W: (3, 2)\n"
        "230 parameters"
    )  # 200 + 12 + 9 + 3 + 6


def test_sequential_names_children_by_class_and_runs_them_in_order() -> None:
    model = Sequential(Scale(2.0), Dense(1, 1), Scale(5.0))
    assert list(model.named_parameters()) == ["scale.factor", "dense.W", "dense.b", "scale_2.factor"]
    model.dense.W.array = [[3.0]]
    model.dense.b.array = [1.0]
    np.testing.assert_allclose(model(mg.Tensor([[1.0]])).array, [[35.0]])  # (1·2·3 + 1)·5


def test_functions_in_a_sequential_are_layers_by_the_name_of_the_function() -> None:
    model = Sequential(Dense(2, 3), mg.tanh, Dense(3, 2), mg.softmax, lambda x: 2 * x, mg.tanh)
    assert list(model.named_parameters()) == ["dense.W", "dense.b", "dense_2.W", "dense_2.b"]
    assert list(model.named_layers()) == ["", "dense", "tanh", "dense_2", "softmax", "function", "tanh_2"]
    assert "  tanh: Function(tanh)\n" in repr(model)
    x = np.array([[0.5, -1.0]], np.float32)
    W, b, W_2, b_2 = model.state_dict().values()
    e = np.exp(np.tanh(x @ W + b) @ W_2 + b_2)
    output = model(x)
    np.testing.assert_allclose(output.array, np.tanh(2 * e / e.sum()), rtol=1e-6)
    assert output.node.scope == ("sequential", "tanh_2")
    np.testing.assert_allclose(outputs(model, x, ["tanh"])["tanh"], np.tanh(x @ W + b), rtol=1e-6)


def refused(code: str, error: type[Exception], action: Any) -> str:
    with pytest.raises(error) as caught:
        action()
    assert caught.value.code == code  # type: ignore[attr-defined]
    assert caught.value.remedy  # type: ignore[attr-defined]
    return str(caught.value)


def test_a_forgotten_super_init_is_named() -> None:
    class Forgetful(Layer):
        def __init__(self) -> None:
            self.dense = Dense(2, 2)

    assert "super().__init__()" in refused("MG201", LayerError, Forgetful)


def test_a_missing_forward_is_named() -> None:
    class Lost(Layer):
        def call(self, x: Any) -> Any:
            return x

    assert "Lost has no forward" in refused("MG202", LayerError, lambda: Lost()(1))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (np.zeros((2, 3)), "an array of shape (2, 3)"),
        (mg.Tensor([1.0]), "without requires_grad"),
        (mg.Tensor([1.0], requires_grad=True) * 2, "Hadamard"),
    ],
)
def test_what_no_optimizer_would_find_is_refused(value: Any, words: str) -> None:
    model = Pair()
    assert words in refused("MG203", LayerError, lambda: setattr(model, "extra", value))
    model._extra = value  # with an underscore it is the author's own affair
    assert "extra" not in model.named_parameters()


@pytest.mark.parametrize("value", [[Scale()], (Scale(),), {"a": mg.Tensor([1.0], requires_grad=True)}])
def test_layers_in_a_collection_are_refused(value: Any) -> None:
    assert type(value).__name__ in refused("MG204", LayerError, lambda: setattr(Pair(), "blocks", value))


def test_a_collection_of_other_things_is_allowed() -> None:
    class Sized(Layer):
        def __init__(self) -> None:
            super().__init__()
            self.sizes = [1, 2, 3]

    assert Sized().sizes == [1, 2, 3]


@pytest.mark.parametrize("layers", [(), (3,), (Dense,), (mg.Tanh,), ([Dense(2, 2)],)])
def test_sequential_refuses_what_is_no_layer(layers: Any) -> None:
    refused("MG206", OptionError, lambda: Sequential(*layers))


def test_a_failed_assignment_leaves_no_trace() -> None:
    model = Pair()
    with pytest.raises(LayerError):
        model.first = np.zeros(3)  # type: ignore[assignment]
    assert isinstance(model.first, mg.Tensor)
    assert "first" in model.named_parameters()
