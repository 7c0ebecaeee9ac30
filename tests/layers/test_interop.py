"""Weights through files: there and back, as other programs write them, and damaged. For values see test_parity.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import minigrad as mg
from layers import (
    GRU,
    LSTM,
    RNN,
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
from minigrad.errors import CheckpointError, MinigradError, OptionError


class Own(Layer):
    """A layer that neither framework has: its names are kept."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = mg.Tensor([1.5], requires_grad=True)

    def forward(self, x: Any) -> Any:
        return x * self.scale


def model(seed: int) -> Sequential:
    mg.seed(seed)
    m = Sequential(
        Embedding(9, 4), LSTM(4, 3, layers=2, bidirectional=True, return_sequences=True), GRU(6, 3), LayerNorm(3),
        Own(), Dense(3, 2),
    )  # fmt: skip
    rng = np.random.default_rng(seed)
    for parameter in m.named_parameters().values():
        parameter.array = rng.normal(size=parameter.shape).astype("float32")
    return m


@pytest.mark.parametrize("layout", ["pytorch", "keras"])
def test_weights_go_there_and_back(tmp_path: Path, layout: str) -> None:
    first, second = model(0), model(1)
    export_weights(first, tmp_path / "w.safetensors", layout)
    import_weights(second, tmp_path / "w.safetensors", layout)
    for path, array in second.state_dict().items():
        np.testing.assert_array_equal(array, first.state_dict()[path], err_msg=path)
    assert [path.name for path in tmp_path.iterdir()] == ["w.safetensors"]


def test_names_are_those_of_the_frameworks() -> None:
    assert set(to_layout(model(0), "pytorch")) == {
        "embedding.weight", "layernorm.weight", "layernorm.bias", "own.scale", "dense.weight", "dense.bias",
        *(f"gru.{kind}_l0" for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")),
        *(f"lstm.{kind}_l{depth}{way}" for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
          for depth in (0, 1) for way in ("", "_reverse")),
    }  # fmt: skip
    assert set(to_layout(model(0), "keras")) == {
        "embedding/embeddings", "layernorm/gamma", "layernorm/beta", "own/scale", "dense/kernel", "dense/bias",
        *(f"gru/{kind}" for kind in ("kernel", "recurrent_kernel", "bias")),
        *(f"{layer}/{way}/{kind}" for kind in ("kernel", "recurrent_kernel", "bias") for layer in ("lstm", "lstm_2")
          for way in ("forward", "backward")),
    }  # fmt: skip


def test_gate_blocks_and_transposes_are_where_pytorch_has_them() -> None:
    gru = GRU(1, 1)
    gru.cell.W_xh.array = [[1.0, 2.0, 3.0]]  # z, r, n
    gru.cell.b_xh.array = [4.0, 5.0, 6.0]
    found = to_layout(gru, "pytorch")
    np.testing.assert_array_equal(found["weight_ih_l0"], [[2.0], [1.0], [3.0]])  # r, z, n
    np.testing.assert_array_equal(found["bias_ih_l0"], [5.0, 4.0, 6.0])
    np.testing.assert_array_equal(to_layout(gru, "keras")["bias"], [[4.0, 5.0, 6.0], [0.0, 0.0, 0.0]])
    np.testing.assert_array_equal(to_layout(gru, "keras")["kernel"], [[1.0, 2.0, 3.0]])


def test_pytorchs_two_biases_are_added(tmp_path: Path) -> None:
    arrays = to_layout(RNN(1, 1), "pytorch")
    arrays["bias_ih_l0"], arrays["bias_hh_l0"] = np.array([2.0], np.float32), np.array([3.0], np.float32)
    save_file(arrays, tmp_path / "torch.safetensors")  # as PyTorch's users save it
    rnn = RNN(1, 1)
    import_weights(rnn, tmp_path / "torch.safetensors", "pytorch")
    assert rnn.cell.b_h.array == [5.0]
    assert to_layout(rnn, "pytorch")["bias_hh_l0"] == [0.0]


def test_weights_of_another_architecture_are_named_all_at_once(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    export_weights(Sequential(Embedding(9, 4), RNN(4, 3), Dense(3, 2)), path, "pytorch")
    m = Sequential(Embedding(9, 5), GRU(5, 3), Dense(3, 2))
    before = m.state_dict()
    with pytest.raises(CheckpointError) as caught:
        import_weights(m, path, "pytorch")
    text = str(caught.value)
    assert caught.value.code == "MG505"
    for part in ("rnn.weight_ih_l0", "gru.weight_ih_l0", "gru.bias_hh_l0", "embedding.weight", "(9, 4)", "(9, 5)"):
        assert part in text
    assert all(np.array_equal(before[name], array) for name, array in m.state_dict().items())


@pytest.mark.parametrize("keep", [0, 5, 8, 50, 300, -1])
def test_a_file_cut_short_is_said_to_be(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "w.safetensors"
    export_weights(model(0), path, "keras")
    path.write_bytes(path.read_bytes()[:keep])
    m = model(1)
    before = m.state_dict()
    with pytest.raises(CheckpointError) as caught:
        import_weights(m, path, "keras")
    assert caught.value.code == "MG252"
    assert "cut short" in caught.value.cause
    assert all(np.array_equal(before[name], array) for name, array in m.state_dict().items())


@pytest.mark.parametrize(
    ("action", "code", "error", "words"),
    [
        (lambda: to_layout(RNN(2, 2), "jax"), "MG250", OptionError, "'jax'"),
        (lambda: to_layout(GRU(2, 2, reset_after=False), "pytorch"), "MG251", OptionError, "reset_after=False"),
        (lambda: to_layout(RNN(2, 2, activation=mg.sigmoid), "pytorch"), "MG251", OptionError, "sigmoid"),
        (lambda: import_weights(RNN(2, 2), "nowhere.safetensors", "keras"), "MG252", CheckpointError, "nowhere"),
        (lambda: import_weights(RNN(2, 2), ".", "keras"), "MG252", CheckpointError, "."),
        (lambda: export_weights(RNN(2, 2), "no/such/folder/w", "keras"), "MG506", CheckpointError, "no/such/folder"),
    ],
)
def test_bad_input(action: Any, code: str, error: type[MinigradError], words: str) -> None:
    with pytest.raises(error) as caught:
        action()
    assert caught.value.code == code
    assert words in str(caught.value)
    assert caught.value.remedy


def test_a_stack_and_a_layer_of_the_same_name_are_not_mixed_up() -> None:
    two = Sequential(RNN(3, 3, layers=2, return_sequences=True), RNN(3, 3))
    assert len(to_layout(two, "pytorch")) == 12
    with pytest.raises(OptionError, match="MG238.*rnn_2/kernel"):
        to_layout(two, "keras")


def test_different_weights_for_a_shared_parameter_change_nothing() -> None:
    weights = to_layout(Sequential(Dense(2, 2), Dense(2, 2)), "pytorch")
    tied = Sequential(Dense(2, 2), Dense(2, 2))
    tied.dense_2.W = tied.dense.W
    before = tied.state_dict()
    with pytest.raises(CheckpointError, match="MG239.*dense_2.weight.*shared dense_2.W"):
        from_layout(tied, weights, "pytorch")
    assert all(np.array_equal(before[name], array) for name, array in tied.state_dict().items())
    from_layout(tied, weights | {"dense_2.weight": weights["dense.weight"]}, "pytorch")
    np.testing.assert_array_equal(tied.dense.W.array, weights["dense.weight"].T)


def test_a_cell_with_parameters_of_its_own_is_not_taken_for_the_others_cell() -> None:
    class Peephole(RNNCell):
        def __init__(self, inputs: int, hidden: int) -> None:
            super().__init__(inputs, hidden)
            self.v = mg.Tensor(np.ones(hidden, "float32"), requires_grad=True)

    names = to_layout(Recurrent(lambda size: Peephole(size, 2), 2), "pytorch")
    assert {"cell.v", "cell.W_hh"} <= names.keys()


def test_an_exported_file_is_plain_safetensors(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    m = model(0)
    export_weights(m, path, "keras")
    for name, array in load_file(path).items():
        np.testing.assert_array_equal(array, to_layout(m, "keras")[name])


@pytest.mark.parametrize("layout", ["pytorch", "keras"])
def test_to_layout_hands_out_copies_that_training_does_not_change(layout: str) -> None:
    trained = model(0)
    arrays = to_layout(trained, layout)
    before = {name: array.copy() for name, array in arrays.items()}
    for parameter in trained.named_parameters().values():
        parameter.update(lambda array: array.fill(7))
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, before[name], err_msg=name)
