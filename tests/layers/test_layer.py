"""Layer: what is registered, under which name and scope, and what is refused."""

from __future__ import annotations

import sys
from collections import deque
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


def test_a_sequential_runs_the_children_that_it_has() -> None:
    model = Sequential(Dense(2, 3), mg.tanh, Dense(3, 4))
    x = np.ones((1, 2), "float32")
    model.dense_2 = Dense(3, 7)
    np.testing.assert_array_equal(model(x).array, model.dense_2(mg.tanh(model.dense(x))).array)
    assert model(x).shape == (1, 7) and model.named_parameters()["dense_2.W"].shape == (3, 7)
    model.tanh = mg.relu  # a function becomes a layer here too
    np.testing.assert_array_equal(model(x).array, model.dense_2(mg.relu(model.dense(x))).array)
    del model.dense_2
    np.testing.assert_array_equal(model(x).array, mg.relu(model.dense(x)).array)
    model.head = Dense(3, 5)
    assert model(x).shape == (1, 5)
    assert "head of Sequential is None" in refused("MG206", OptionError, lambda: setattr(model, "head", None))
    assert model(x).shape == (1, 5)


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


ITSELF: list[Any] = []
ITSELF.append([ITSELF, Scale()])


@pytest.mark.parametrize(
    "value",
    [
        [Scale()],
        (Scale(),),
        {"a": mg.Tensor([1.0], requires_grad=True)},
        [[1, Scale()]],
        {Scale()},
        frozenset([Scale()]),
        deque([Scale()]),
        {"a": [1, (Scale(),)]},
        {Scale(): 1},
        ITSELF,
    ],
)
def test_layers_in_a_collection_are_refused(value: Any) -> None:
    assert type(value).__name__ in refused("MG204", LayerError, lambda: setattr(Pair(), "blocks", value))


@pytest.mark.parametrize("part", [Scale(), mg.Tensor([1.0], requires_grad=True)])
def test_layers_in_a_list_that_is_filled_later_are_found_when_the_parameters_are_asked_for(part: Any) -> None:
    class Filled(Layer):
        def __init__(self) -> None:
            super().__init__()
            self.pair = Pair()
            self.blocks: list[Any] = []
            self.blocks.append([part])

    model = Filled()
    assert "Filled.blocks is a list" in refused("MG204", LayerError, model.named_parameters)
    assert "Filled.blocks is a list" in refused("MG204", LayerError, Sequential(model).named_parameters)
    assert "blocks" not in repr(model)  # which prints what there is, and does not fail
    model.block_0 = part  # now it is trained, in the list or not
    assert any(path.startswith("block_0") for path in model.named_parameters())


def test_activations_may_be_kept_in_a_list() -> None:
    seen: list[mg.Tensor] = []
    model = Pair()
    setattr(model, "seen", seen)  # noqa: B010
    for x in ([1.0], [2.0]):
        seen.append(model(x))
    assert seen[0].requires_grad
    assert list(model.named_parameters()) == ["first", "inner.factor", "middle", "other.factor", "last"]


def test_a_name_with_a_dot_is_refused() -> None:
    model = Pair()
    assert "'inner.factor'" in refused(
        "MG205", LayerError, lambda: setattr(model, "inner.factor", mg.Tensor([1.0], requires_grad=True))
    )
    assert "'a.b'" in refused("MG205", LayerError, lambda: setattr(model, "a.b", Scale()))
    assert list(model.named_parameters()) == ["first", "inner.factor", "middle", "other.factor", "last"]


@pytest.mark.parametrize("name", ["train", "eval", "forward", "training", "note", "carried_state", "evaluating"])
def test_a_part_does_not_hide_a_method(name: str) -> None:
    model = Pair()
    assert repr(name) in refused("MG243", LayerError, lambda: setattr(model, name, Scale()))

    def function(x: Any) -> Any:
        return x

    function.__name__ = name
    assert repr(name) in refused("MG243", LayerError, lambda: Sequential(function))


class Wrapped(Layer):
    def __init__(self, inner: Layer) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Any) -> Any:
        return self.inner(x)


def wrapped(times: int) -> Layer:
    model: Layer = Scale()
    for _ in range(times):
        model = Wrapped(model)
    return model


def test_layers_may_be_nested_to_any_depth() -> None:
    model = wrapped(450)
    (path,) = model.named_parameters()
    assert path == "inner." * 450 + "factor" and model.named_parameters()[path].name == path
    assert len(model.named_layers()) == 451
    assert len(repr(model).splitlines()) == 451 + 2
    assert model.eval().state_dict().keys() == {path}


def test_a_call_that_is_too_deep_for_python_says_so() -> None:
    class Endless(Layer):
        def forward(self, x: Any) -> Any:
            return self(x)

    assert "Wrapped is nested too deeply" in refused("MG207", LayerError, lambda: wrapped(1000)([1.0]))
    assert "Endless is nested too deeply" in refused("MG207", LayerError, lambda: Endless()([1.0]))
    assert SCOPE.get() == ()


def test_putting_a_model_together_takes_time_in_proportion_to_its_parts() -> None:
    def visited(parts: int) -> int:
        calls = 0

        def count(frame: Any, event: str, argument: object) -> None:
            nonlocal calls
            calls += event == "call"

        model = Pair()
        tensors = [mg.Tensor([1.0], requires_grad=True) for _ in range(parts)]
        sys.setprofile(count)
        try:
            for number, tensor in enumerate(tensors):
                setattr(model, f"part_{number}", tensor)
        finally:
            sys.setprofile(None)
        return calls

    assert visited(400) <= 4.1 * visited(100)


def test_parts_added_to_a_child_later_have_their_whole_path_as_name() -> None:
    child = Scale()
    model = Wrapped(Wrapped(child))
    setattr(child, "late", Pair())  # noqa: B010
    for path, parameter in model.named_parameters().items():
        assert parameter.name == path


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


def test_a_sequential_is_indexed_and_iterated() -> None:
    model = Sequential(Dense(2, 3), mg.tanh, Dense(3, 1))
    assert len(model) == 3 and model[0] is model.dense and model[-1] is model.dense_2 and list(model)[2] is model[2]
    model.tanh = Dense(3, 3)
    del model.dense_2
    assert len(model) == 2 and model[1] is model.tanh
