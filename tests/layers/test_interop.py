"""Weights in the layouts of PyTorch and Keras, in files. test_cells.py compares their values."""

import copy

import numpy as np
import pytest
from safetensors.numpy import load_file

import minigrad as mg
from layers import (
    GRU,
    LSTM,
    RNN,
    BatchNorm,
    Conv1d,
    Conv2d,
    Dense,
    Embedding,
    Layer,
    LayerNorm,
    Recurrent,
    RNNCell,
    Sequential,
    export_weights,
    from_layout,
    import_weights,
    to_layout,
)

from .helpers import in_float64, leaf, normal, raises

layouts = pytest.mark.parametrize("layout", ["pytorch", "keras"])


class Own(Layer):
    """A layer that neither framework has: its names are kept."""

    def __init__(self):
        self.scale = leaf([[1.5, 2.0]])


def build(seed):
    model = Sequential(
        Embedding(9, 4),
        LSTM(4, 3, layers=2, bidirectional=True, return_sequences=True),
        GRU(6, 3),
        LayerNorm(3),
        Own(),
        Dense(3, 2),
        Conv1d(2, 3, 4),
        BatchNorm(3),
        Conv2d(3, 4, (2, 5), bias=False),
    )
    model.batchnorm(normal(2, 3, 4, seed=seed))
    return in_float64(model, seed)


@layouts
def test_import_weights_reads_what_export_weights_wrote(tmp_path, layout):
    first, second = build(0), build(1)
    path = tmp_path / "w.safetensors"
    export_weights(first, path, layout)
    import_weights(second, path, layout)
    np.testing.assert_equal(second.state_dict(), first.state_dict())
    assert list(tmp_path.iterdir()) == [path]
    arrays = to_layout(first, layout)
    for parameter in first.parameters():  # to_layout returns copies
        parameter.update(lambda array: array.fill(7))
    np.testing.assert_equal(arrays, load_file(path))


@pytest.mark.parametrize(
    ("layout", "shapes"),
    [
        (
            "pytorch",
            {
                "conv1d.weight": (3, 2, 4),
                "conv2d.weight": (4, 3, 2, 5),
                "batchnorm.running_var": (3,),
                "embedding.weight": (9, 4),
                "layernorm.bias": (3,),
                "own.scale": (1, 2),
                "dense.weight": (2, 3),
            },
        ),
        (
            "keras",
            {
                "conv1d/kernel": (4, 2, 3),
                "conv2d/kernel": (2, 5, 3, 4),
                "batchnorm/moving_variance": (3,),
                "embedding/embeddings": (9, 4),
                "layernorm/gamma": (3,),
                "own/scale": (1, 2),
                "dense/kernel": (3, 2),
            },
        ),
    ],
)
def test_to_layout_has_the_frameworks_names_and_shapes(layout, shapes):
    arrays = to_layout(build(0), layout)
    found = {name: array.shape for name, array in arrays.items()}
    assert found.items() > shapes.items()


@pytest.mark.parametrize("activation", [mg.tanh, mg.relu])
def test_to_layout_of_a_copied_rnn(activation):
    rnn = RNN(3, 2, activation=activation)
    expected = to_layout(rnn, "pytorch")
    np.testing.assert_equal(to_layout(copy.deepcopy(rnn), "pytorch"), expected)


def test_to_layout_keeps_the_names_of_a_cell_with_more_parameters():
    class Peephole(RNNCell):
        def __init__(self, inputs, hidden):
            super().__init__(inputs, hidden)
            self.v = leaf([1.0])

    rnn = Recurrent(lambda size: Peephole(size, 2), 2)
    assert {"cell.v", "cell.W_hh"} <= to_layout(rnn, "pytorch").keys()


def test_from_layout_ignores_pytorchs_count_of_batches():
    model = Sequential(BatchNorm(3))
    arrays = to_layout(model, "pytorch")
    arrays["batchnorm.num_batches_tracked"] = np.array(7)
    from_layout(model, arrays, "pytorch")


@pytest.mark.parametrize("keep", [0, 5, 300, -1])
def test_import_weights_of_a_truncated_file_changes_nothing(tmp_path, keep):
    path = tmp_path / "w.safetensors"
    export_weights(build(0), path, "keras")
    path.write_bytes(path.read_bytes()[:keep])
    model = build(1)
    before = model.state_dict()
    with raises("MG252", "truncated"):
        import_weights(model, path, "keras")
    np.testing.assert_equal(model.state_dict(), before)


def tied():
    model = Sequential(Dense(2, 2), Dense(2, 2))
    model.dense_2.W = model.dense.W
    return model


@pytest.mark.parametrize(
    ("source", "target", "code", "words"),
    [
        (
            Sequential(RNN(4, 3), Dense(3, 2)),
            Sequential(GRU(4, 3), Dense(4, 2)),
            "MG505",
            "gru.bias_hh_l0.*rnn.weight_ih_l0.*dense.weight is .2, 3.",
        ),
        (
            Sequential(Dense(2, 2), Dense(2, 2)),
            tied(),
            "MG239",
            "dense.W is shared.*dense_2.weight",
        ),
    ],
    ids=["architecture", "shared"],
)
def test_from_layout_of_another_model_changes_nothing(source, target, code, words):
    before = target.state_dict()
    with raises(code, words):
        from_layout(target, to_layout(source, "pytorch"), "pytorch")
    np.testing.assert_equal(target.state_dict(), before)


def test_from_layout_without_a_place_for_a_parameter_changes_nothing():
    class Scaled(Sequential):
        def named_parameters(self):
            return {**super().named_parameters(), "scale": leaf([1.0])}

    model = Scaled(Dense(2, 2))
    before = model.dense.W.array.copy()
    with pytest.raises(KeyError):
        from_layout(model, to_layout(Sequential(Dense(2, 2)), "pytorch"), "pytorch")
    np.testing.assert_array_equal(model.dense.W.array, before)
