"""Exchanging weights with PyTorch and Keras: names, transposes, gate orders, biases. Neither has to
be installed.

PyTorch stores a matrix as (out, in), splits a recurrent bias in two that are added, and orders a
GRU's blocks r, z, n. Keras stores it as (in, out), with our gate orders, and stacks a GRU's two
biases. Both can read safetensors files.

>>> import tempfile
>>> from layers import RNN
>>> model, path = RNN(3, 2), tempfile.mkdtemp() + "/rnn.safetensors"
>>> {name: array.shape for name, array in to_layout(model, "pytorch").items()}
{'weight_ih_l0': (2, 3), 'weight_hh_l0': (2, 2), 'bias_ih_l0': (2,), 'bias_hh_l0': (2,)}
>>> list(to_layout(model, "keras"))
['kernel', 'recurrent_kernel', 'bias']
>>> export_weights(model, path, "pytorch")
>>> import_weights(RNN(3, 2), path, "pytorch")
>>> from_layout(RNN(3, 2), to_layout(model, "keras"), "keras")
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from minigrad import Tensor, relu, tanh
from minigrad.checkpoint import check_match, read_safetensors, replace_file, serialized
from minigrad.errors import CheckpointError, OptionError, reason, shown

from .cells import Cell, GRUCell, LSTMCell, RNNCell
from .dense import Dense
from .embedding import Embedding
from .layer import Array, Layer, describe, join
from .norm import LayerNorm
from .recurrent import Recurrent


def export_weights(model: Layer, path: str | os.PathLike[str], layout: str) -> None:
    """Write the model's weights to a safetensors file, named and shaped as in `layout`: "pytorch"
    or "keras".

    PyTorch reads the file with `module.load_state_dict(safetensors.torch.load_file(path))`, if its
    modules are named like our layers; in Keras give each layer its arrays, for example
    `layer.set_weights([a["rnn/kernel"], a["rnn/recurrent_kernel"], a["rnn/bias"]])` with `a =
    safetensors.numpy.load_file(path)`.

    Errors: OptionError for another layout (MG250) and for a layer that the other framework does not
    have (MG251), CheckpointError (MG506) where the file cannot be written.
    """
    content = serialized(to_layout(model, layout))
    replace_file(path, lambda file: file.write(content))


def import_weights(model: Layer, path: str | os.PathLike[str], layout: str) -> None:
    """Load weights from a safetensors file with the names of `export_weights`: all of them or, on
    an error, none.

    Errors: as `export_weights`, and CheckpointError for a file that is not there, cut short or
    damaged (MG252), or that does not fit the model (MG505: every missing, unknown and mismatched
    name at once).
    """
    try:
        arrays, *_ = read_safetensors(path)
    except (OSError, MemoryError, ValueError) as error:
        raise CheckpointError(
            "MG252",
            f"cannot read weights from {shown(path)}: {reason(error)}",
            cause="the file is missing, was cut short, is damaged, or is not in the safetensors "
            "format",
            remedy="save it again: safetensors.torch.save_file(module.state_dict(), path)",
        ) from None
    from_layout(model, arrays, layout)


def to_layout(model: Layer, layout: str) -> dict[str, Array]:
    """Copies of the model's weights as {name: array}, named and shaped as in the other framework.

    Errors: OptionError for another layout (MG250), for a layer that the other framework does not
    have (MG251), and for two arrays of one name (MG238).
    """
    result: dict[str, Array] = {}
    for entry in _conversions(model, layout):
        arrays = entry.to_theirs(*(tensor.array for tensor in entry.ours))
        for name, array in zip(entry.theirs, arrays, strict=True):
            if name in result:
                raise OptionError(
                    "MG238",
                    f"two arrays would be called {name!r} in the layout of {layout}",
                    cause="there every layer of a stack has its own number, which another layer "
                    "has in its name",
                    remedy="rename one of the two layers: assign it to another attribute",
                )
            result[name] = np.array(array, order="C")
    return result


def from_layout(model: Layer, arrays: Mapping[str, Array], layout: str) -> None:
    """Load what `to_layout` returns. Errors: as `import_weights`; CheckpointError (MG239) for a
    shared parameter.
    """
    check_match(
        arrays, to_layout(model, layout), f"{type(model).__name__} in the layout of {layout}"
    )
    new: dict[Any, tuple[Tensor, Array]] = {}
    for entry in _conversions(model, layout):
        converted = entry.to_ours(*(arrays[name] for name in entry.theirs))
        for tensor, array in zip(entry.ours, converted, strict=True):
            _, earlier = new.setdefault(tensor.node, (tensor, array))
            if not np.array_equal(earlier, array, equal_nan=True):
                names = " or ".join(entry.theirs)
                raise CheckpointError(
                    "MG239",
                    f"{names} and an earlier array are different weights for the shared "
                    f"{tensor.name}",
                    cause="two layers of the model share it, and the weights come from a model in "
                    "which they do not",
                    remedy="share it there too, or load them into a model without sharing",
                )
    for tensor, array in new.values():
        tensor.array = array


Convert = Callable[..., Sequence[Array]]


def _unchanged(*arrays: Array) -> Sequence[Array]:
    return arrays


class _Conversion(NamedTuple):
    """Some of our parameters, the names of the other framework's arrays, and the conversion there
    and back.
    """

    ours: Sequence[Tensor]
    theirs: Sequence[str]
    to_theirs: Convert = _unchanged
    to_ours: Convert = _unchanged


def _conversions(model: Layer, layout: str) -> Iterator[_Conversion]:
    if layout not in ("pytorch", "keras"):
        raise OptionError(
            "MG250",
            f"the layout {layout!r} is not known",
            cause="each framework orders gates and axes in its own way, and only these two are "
            "supported",
            remedy="choose 'pytorch' or 'keras'",
        )
    convert = _torch_cell if layout == "pytorch" else _keras_cell
    done: set[Layer] = set()
    for path, layer in model.named_layers().items():
        if isinstance(layer, Recurrent):
            for number, cell in enumerate(layer.cells().values()):
                # a subclass may have other parameters
                if type(cell) in (RNNCell, GRUCell, LSTMCell):
                    depth, backward = divmod(number, 1 + layer.bidirectional)
                    yield convert(cell, depth, bool(backward), path, layer)
                    done.add(cell)
        if layer not in done:
            yield from _plain(layer, path, layout)


_NAMES: dict[type[Layer], dict[str, tuple[str, str]]] = {
    Embedding: {"table": ("weight", "embeddings")},
    Dense: {"W": ("weight", "kernel"), "b": ("bias", "bias")},
    LayerNorm: {"gain": ("weight", "gamma"), "bias": ("bias", "beta")},
}


def _plain(layer: Layer, path: str, layout: str) -> Iterator[_Conversion]:
    """A layer whose arrays match the other framework's one to one. Layers of the user's own keep
    their names.
    """
    names = _NAMES.get(type(layer), {})
    for name, member in layer._members.items():
        if isinstance(member, Tensor):
            torch_name, keras_name = names.get(name, (name, name))
            if layout == "keras":
                yield _Conversion([member], [_keras_path(path, keras_name)])
            elif isinstance(layer, Dense) and name == "W":
                yield _Conversion(
                    [member], [join(path, torch_name)], lambda W: [W.T], lambda W: [W.T]
                )
            else:
                yield _Conversion([member], [join(path, torch_name)])


def _torch_cell(cell: Cell, depth: int, backward: bool, path: str, layer: Recurrent) -> _Conversion:
    """Names as in torch.nn.RNN, GRU and LSTM: weight_ih_l0, with _l1 in the second layer, and
    _reverse if backward.
    """
    unknown_gru = isinstance(cell, GRUCell) and not cell.reset_after
    unknown_rnn = isinstance(cell, RNNCell) and cell.activation not in (tanh, relu)
    if unknown_gru or unknown_rnn:
        raise OptionError(
            "MG251",
            f"PyTorch has no {describe(cell)}",
            cause="its GRU resets after the product, and its RNN has only tanh and relu",
            remedy="use the layout 'keras', or train a cell that PyTorch has",
        )
    ending = f"_l{depth}" + ("_reverse" if backward else "")
    names = [join(path, name + ending) for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
    is_gru = isinstance(cell, GRUCell)

    def swap(array: Array) -> Array:
        """A GRU's blocks z, r, n as r, z, n, or back."""
        if not is_gru:
            return array
        first, second, n = np.split(array, 3, axis=-1)
        return np.concatenate([second, first, n], axis=-1)

    def to_theirs(W_xh: Array, W_hh: Array, b: Array, b_hh: Array | None = None) -> Sequence[Array]:
        return swap(W_xh).T, swap(W_hh).T, swap(b), np.zeros_like(b) if b_hh is None else swap(b_hh)

    def to_ours(W_xh: Array, W_hh: Array, b_xh: Array, b_hh: Array) -> Sequence[Array]:
        biases = [swap(b_xh), swap(b_hh)] if is_gru else [b_xh + b_hh]
        return [swap(W_xh.T), swap(W_hh.T), *biases]

    return _Conversion(list(cell.named_parameters().values()), names, to_theirs, to_ours)


def _keras_cell(cell: Cell, depth: int, backward: bool, path: str, layer: Recurrent) -> _Conversion:
    """One Keras layer for each stacked layer: rnn, rnn_2; in a Bidirectional one rnn/forward and
    rnn/backward.
    """
    if depth:
        path = f"{path or type(layer).__name__.lower()}_{depth + 1}"
    if layer.bidirectional:
        path = join(path, "backward" if backward else "forward")
    names = [_keras_path(path, name) for name in ("kernel", "recurrent_kernel", "bias")]
    parameters = list(cell.named_parameters().values())
    if len(parameters) == 3:
        return _Conversion(parameters, names)
    return _Conversion(
        parameters,
        names,
        lambda W_xh, W_hh, b_xh, b_hh: [W_xh, W_hh, np.stack([b_xh, b_hh])],
        lambda W_xh, W_hh, b: [W_xh, W_hh, *b],
    )


def _keras_path(path: str, name: str) -> str:
    return join(path, name).replace(".", "/")
