"""Exchanging weights with PyTorch and Keras: names, transposes, gate orders, biases. Neither has to be installed.

PyTorch stores a matrix as (out, in), splits a recurrent bias in two that are added, and orders a GRU's blocks r, z, n.
Keras stores it as (in, out), with our gate orders, and stacks a GRU's two biases. Both can read safetensors files.

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
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad import Tensor, relu, tanh
from minigrad.checkpoint import check_match, read_safetensors, replace_file, serialized
from minigrad.errors import CheckpointError, OptionError, reason, shown

from .cells import Cell, GRUCell, LSTMCell, RNNCell
from .dense import Dense
from .embedding import Embedding
from .layer import Array, Layer, describe
from .norm import LayerNorm
from .recurrent import Recurrent


def export_weights(model: Layer, path: str | os.PathLike[str], layout: str) -> None:
    """Write the model's weights to a safetensors file, named and shaped as in `layout`: "pytorch" or "keras".

    PyTorch reads the file with `module.load_state_dict(safetensors.torch.load_file(path))`, if its modules are named
    like our layers; in Keras give each layer its arrays, for example `layer.set_weights([a["rnn/kernel"],
    a["rnn/recurrent_kernel"], a["rnn/bias"]])` with `a = safetensors.numpy.load_file(path)`.

    Errors: OptionError for another layout (MG250) and for a layer that the other framework does not have (MG251),
    CheckpointError (MG506) where the file cannot be written.
    """
    content = serialized(to_layout(model, layout))
    replace_file(path, lambda file: file.write(content))


def import_weights(model: Layer, path: str | os.PathLike[str], layout: str) -> None:
    """Load weights from a safetensors file with the names of `export_weights`: all of them or, on an error, none.

    Errors: as `export_weights`, and CheckpointError for a file that is not there, cut short or damaged (MG252), or that
    does not fit the model (MG505: every missing, unknown and mismatched name at once).
    """
    try:
        arrays, *_ = read_safetensors(path)
    except (OSError, MemoryError, ValueError) as error:
        raise CheckpointError(
            "MG252",
            f"cannot read weights from {shown(path)}: {reason(error)}",
            cause="the file is missing, was cut short, is damaged, or is not in the safetensors format",
            remedy="save it again: safetensors.torch.save_file(module.state_dict(), path)",
        ) from None
    from_layout(model, arrays, layout)


def to_layout(model: Layer, layout: str) -> dict[str, Array]:
    """Copies of the model's weights as {name: array}, named and shaped as in the other framework.

    Errors: OptionError for another layout (MG250), for a layer that the other framework does not have (MG251), and for
    two arrays of one name (MG238).
    """
    result: dict[str, Array] = {}
    for entry in _conversions(model, layout):
        if taken := [name for name in entry.theirs if name in result]:
            raise OptionError(
                "MG238",
                f"two arrays would be called {taken[0]!r} in the layout of {layout}",
                cause="there every layer of a stack has its own number, which another layer has in its name",
                remedy="rename one of the two layers: assign it to another attribute",
            )
        arrays = entry.out(*(tensor.array for tensor in entry.ours))
        result.update((name, np.array(array, order="C")) for name, array in zip(entry.theirs, arrays, strict=True))
    return result


def from_layout(model: Layer, arrays: Mapping[str, Array], layout: str) -> None:
    """Load what `to_layout` returns. Errors: as `import_weights`; CheckpointError (MG239) for a shared parameter."""
    check_match(arrays, to_layout(model, layout), f"{type(model).__name__} in the layout of {layout}")
    new: dict[Any, tuple[Tensor, Array]] = {}
    for entry in _conversions(model, layout):
        for tensor, array in zip(entry.ours, entry.back(*(arrays[name] for name in entry.theirs)), strict=True):
            if not np.array_equal(new.setdefault(tensor.node, (tensor, array))[1], array, equal_nan=True):
                raise CheckpointError(
                    "MG239",
                    f"{entry.theirs[0]} and an earlier array are different weights for the shared {tensor.name}",
                    cause="two layers of the model share it, and the weights come from a model in which they do not",
                    remedy="share it there too, or load them into a model without sharing",
                )
    for tensor, array in new.values():
        tensor.array = array


@dataclass(frozen=True)
class _Conversion:
    """Some of our parameters, the names of the other framework's arrays, and the conversion there and back."""

    ours: Sequence[Tensor]
    theirs: Sequence[str]
    out: Callable[..., Sequence[Array]] = lambda *arrays: arrays
    back: Callable[..., Sequence[Array]] = lambda *arrays: arrays


def _conversions(model: Layer, layout: str) -> Iterator[_Conversion]:
    if layout not in ("pytorch", "keras"):
        raise OptionError(
            "MG250",
            f"the layout {layout!r} is not known",
            cause="each framework orders gates and axes in its own way, and only these two are supported",
            remedy="choose 'pytorch' or 'keras'",
        )
    done: set[Layer] = set()
    for path, layer in model.named_layers().items():
        if isinstance(layer, Recurrent):
            for number, cell in enumerate(layer.cells().values()):
                if type(cell) in (RNNCell, GRUCell, LSTMCell):  # a subclass may have other parameters
                    convert = _torch_cell if layout == "pytorch" else _keras_cell
                    yield from convert(cell, *divmod(number, 1 + layer.bidirectional), path, layer)
                    done.add(cell)
        if layer not in done:
            yield from _plain(layer, path, layout)


_NAMES: dict[type[Layer], dict[str, tuple[str, str]]] = {
    Embedding: {"table": ("weight", "embeddings")},
    Dense: {"W": ("weight", "kernel"), "b": ("bias", "bias")},
    LayerNorm: {"gain": ("weight", "gamma"), "bias": ("bias", "beta")},
}


def _plain(layer: Layer, path: str, layout: str) -> Iterator[_Conversion]:
    """A layer whose arrays match the other framework's one to one. Layers of the user's own keep their names."""
    for name, member in layer._members.items():
        if isinstance(member, Tensor):
            known = _NAMES.get(type(layer), {}).get(name, (name, name))
            title = _join(path, known[layout == "keras"], layout)
            if isinstance(layer, Dense) and name == "W" and layout == "pytorch":
                yield _Conversion([member], [title], lambda W: [W.T], lambda W: [W.T])
            else:
                yield _Conversion([member], [title])


def _torch_cell(cell: Cell, depth: int, backward: int, path: str, layer: Recurrent) -> Iterator[_Conversion]:
    """Names as in torch.nn.RNN, GRU and LSTM: weight_ih_l0, with _l1 in the second layer, and _reverse if backward."""
    if (isinstance(cell, GRUCell) and not cell.reset_after) or (
        isinstance(cell, RNNCell) and cell.activation not in (tanh, relu)
    ):
        raise OptionError(
            "MG251",
            f"PyTorch has no {describe(cell)}",
            cause="its GRU resets after the product, and its RNN has only tanh and relu",
            remedy="use the layout 'keras', or train a cell that PyTorch has",
        )
    ending = f"_l{depth}" + ("_reverse" if backward else "")
    theirs = [_join(path, short + ending, "pytorch") for short in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]

    def blocks(array: Array) -> Array:  # z, r, n <-> r, z, n: its own inverse
        if not isinstance(cell, GRUCell):
            return array
        z, r, n = np.split(array, 3, axis=-1)
        return np.concatenate([r, z, n], axis=-1)

    W_xh, W_hh, *biases = cell.named_parameters().values()
    for W, title in zip((W_xh, W_hh), theirs[:2], strict=True):
        yield _Conversion([W], [title], lambda W: [blocks(W).T], lambda W: [blocks(W.T)])
    if len(biases) == 2:
        yield _Conversion(biases, theirs[2:], *[lambda x, h: [blocks(x), blocks(h)]] * 2)
    else:
        yield _Conversion(biases, theirs[2:], lambda b: [b, np.zeros_like(b)], lambda x, h: [x + h])


def _keras_cell(cell: Cell, depth: int, backward: int, path: str, layer: Recurrent) -> Iterator[_Conversion]:
    """One Keras layer for each stacked layer: rnn, rnn_2; in a Bidirectional one rnn/forward and rnn/backward."""
    place = f"{path or type(layer).__name__.lower()}_{depth + 1}" if depth else path
    if layer.bidirectional:
        place = _join(place, "backward" if backward else "forward", "keras")
    theirs = [_join(place, short, "keras") for short in ("kernel", "recurrent_kernel", "bias")]
    W_xh, W_hh, *biases = cell.named_parameters().values()
    if len(biases) == 2:
        yield _Conversion([W_xh, W_hh], theirs[:2])
        yield _Conversion(biases, theirs[2:], lambda x, h: [np.stack([x, h])], lambda both: [both[0], both[1]])
    else:
        yield _Conversion([W_xh, W_hh, *biases], theirs)


def _join(path: str, name: str, layout: str) -> str:
    dotted = f"{path}.{name}" if path else name
    return dotted if layout == "pytorch" else dotted.replace(".", "/")
