"""Weights through files: there and back, as other programs write them, and damaged. For values see
test_cells.py.
"""

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
)  # fmt: skip
from minigrad.errors import CheckpointError


class Own(Layer):
    """A layer that neither framework has: its names are kept."""

    def __init__(self):
        self.scale = mg.Tensor([[1.5, 2.0]], requires_grad=True)


layouts = pytest.mark.parametrize("layout", ["pytorch", "keras"])


@pytest.fixture
def build(in_float64):
    def build(seed):
        lstm = LSTM(4, 3, layers=2, bidirectional=True, return_sequences=True)
        return in_float64(
            Sequential(
                Embedding(9, 4), lstm, GRU(6, 3), LayerNorm(3), Own(), Dense(3, 2)
            ),
            seed,
        )

    return build


def unchanged(model, before):
    return all(
        np.array_equal(before[path], array)
        for path, array in model.state_dict().items()
    )


@layouts
def test_weights_go_there_and_back_in_plain_safetensors(tmp_path, layout, build):
    first, second, path = build(0), build(1), tmp_path / "w.safetensors"
    export_weights(first, path, layout)
    import_weights(second, path, layout)
    assert unchanged(second, first.state_dict())
    assert list(tmp_path.iterdir()) == [path]
    arrays, stored = to_layout(first, layout), load_file(path)
    for parameter in first.named_parameters().values():
        # to_layout hands out copies, which training does not change
        parameter.update(lambda array: array.fill(7))
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, stored[name])


def test_names_are_those_of_the_frameworks_or_the_users_own(build):
    # test_cells.py has those of recurrent layers
    pytorch = ["embedding.weight", "layernorm.bias", "own.scale", "dense.weight"]
    assert set(pytorch) < to_layout(build(0), "pytorch").keys()
    keras = ["embedding/embeddings", "layernorm/gamma", "own/scale", "dense/kernel"]
    assert set(keras) < to_layout(build(0), "keras").keys()


@layouts
def test_kernels_and_running_means_go_there_and_back(tmp_path, layout):
    def build(seed):
        mg.seed(seed)
        model = Sequential(
            Conv1d(2, 3, 4), BatchNorm(3), Conv2d(3, 4, (2, 5), bias=False)
        )
        model.batchnorm(
            np.random.default_rng(seed).normal(size=(2, 3, 4)).astype(np.float32)
        )
        return model

    first, second, path = build(0), build(1), tmp_path / "w.safetensors"
    export_weights(first, path, layout)
    import_weights(second, path, layout)
    assert unchanged(second, first.state_dict())
    shapes = {name: array.shape for name, array in load_file(path).items()}
    if layout == "pytorch":
        assert shapes["conv1d.weight"] == (3, 2, 4) and shapes["conv2d.weight"] == (
            4,
            3,
            2,
            5,
        )
        assert shapes["batchnorm.running_var"] == (3,)
    else:
        assert shapes["conv1d/kernel"] == (4, 2, 3) and shapes["conv2d/kernel"] == (
            2,
            5,
            3,
            4,
        )
        assert shapes["batchnorm/moving_variance"] == (3,)


def test_pytorchs_count_of_batches_is_not_needed():
    model = Sequential(BatchNorm(3))
    counted = {
        **to_layout(model, "pytorch"),
        "batchnorm.num_batches_tracked": np.array(7),
    }
    from_layout(model, counted, "pytorch")


def test_weights_of_another_architecture_are_named_all_at_once():
    weights = to_layout(Sequential(RNN(4, 3), Dense(3, 2)), "pytorch")
    model = Sequential(GRU(4, 3), Dense(4, 2))
    before = model.state_dict()
    words = r"(?s)MG505.*gru.bias_hh_l0.*rnn.weight_ih_l0.*dense.weight is \(2, 3\)"
    with pytest.raises(CheckpointError, match=words):
        from_layout(model, weights, "pytorch")
    assert unchanged(model, before)


@pytest.mark.parametrize("keep", [0, 5, 300, -1])
def test_a_file_cut_short_is_said_to_be(tmp_path, keep, build):
    path, model = tmp_path / "w.safetensors", build(1)
    export_weights(build(0), path, "keras")
    path.write_bytes(path.read_bytes()[:keep])
    before = model.state_dict()
    with pytest.raises(CheckpointError, match="(?s)MG252.*truncated"):
        import_weights(model, path, "keras")
    assert unchanged(model, before)


def test_different_weights_for_a_shared_parameter_change_nothing():
    weights = to_layout(Sequential(Dense(2, 2), Dense(2, 2)), "pytorch")
    tied = Sequential(Dense(2, 2), Dense(2, 2))
    tied.dense_2.W = tied.dense.W
    before = tied.state_dict()
    with pytest.raises(
        CheckpointError, match="MG239.*dense.W is shared.*dense_2.weight"
    ):
        from_layout(tied, weights, "pytorch")
    assert unchanged(tied, before)


def test_a_parameter_that_the_layout_does_not_have_changes_nothing():
    class Scaled(Sequential):
        def named_parameters(self):
            return {**super().named_parameters(), "scale": scale}

    scale = mg.Tensor(np.ones(2, "float32"), requires_grad=True)
    model = Scaled(Dense(2, 2))
    before = model.state_dict()
    with pytest.raises(KeyError):
        from_layout(model, to_layout(Sequential(Dense(2, 2)), "pytorch"), "pytorch")
    assert unchanged(model, before)


def test_a_cell_with_its_own_parameters_is_not_taken_for_the_others_cell():
    class Peephole(RNNCell):
        def __init__(self, inputs, hidden):
            super().__init__(inputs, hidden)
            self.v = mg.Tensor(np.ones(hidden, "float32"), requires_grad=True)

    names = to_layout(Recurrent(lambda size: Peephole(size, 2), 2), "pytorch")
    assert {"cell.v", "cell.W_hh"} <= names.keys()
