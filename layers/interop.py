"""Exchange weights with PyTorch and Keras. This module converts names, transposes, gate orders and
biases. Neither framework has to be installed.

PyTorch stores a matrix as (out, in), splits a recurrent bias into two biases that are added, and
orders a GRU's blocks r, z, n. Keras stores a matrix as (in, out), uses the same gate order as
minigrad, and stacks a GRU's two biases. Both frameworks can read safetensors files.

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

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from minigrad.checkpoint import check_match, read_safetensors, replace_file, serialized
from minigrad.errors import CheckpointError, OptionError, reason, shown
from minigrad.gates.activation import ReLU
from minigrad.gates.basic import Tanh
from minigrad.graph import Array
from minigrad.numpy_api import to_array
from minigrad.support.files import AnyPath

from .cells import GRUCell, LSTMCell, RNNCell
from .convolution import Conv1d, Conv2d
from .dense import Dense
from .embedding import Embedding
from .layer import Layer
from .norm import BatchNorm, LayerNorm
from .parts import describe, join
from .recurrent import Recurrent
from .transformer import MultiHeadAttention, PositionalEmbedding


def export_weights(model: Layer, path: AnyPath, layout: str) -> None:
    """Write the model's weights to a safetensors file, with the names and shapes of `layout`, which
    is "pytorch" or "keras".

    PyTorch reads the file with `module.load_state_dict(safetensors.torch.load_file(path))` if its
    modules have the same names as your layers. In Keras, read the file with `a =
    safetensors.numpy.load_file(path)` and set the weights of each layer, as in
    `layer.set_weights([a["rnn/kernel"], a["rnn/recurrent_kernel"], a["rnn/bias"]])`.

    Errors: OptionError for an unknown layout (MG250) and for a layer that the other framework does
    not have (MG251); CheckpointError (MG506) if the file cannot be written.

    Since: 0.1.
    """
    content = serialized(to_layout(model, layout))
    replace_file(path, lambda file: file.write(content))


def import_weights(model: Layer, path: AnyPath, layout: str) -> None:
    """Load weights from a safetensors file that uses the same names as `export_weights`. If an
    error occurs, nothing is loaded.

    Errors: OptionError, as in `export_weights`; CheckpointError for a missing, truncated or damaged
    file (MG252) and for a file that does not match the model (MG505, which lists all missing,
    unknown and mismatched names).

    Since: 0.1.
    """
    try:
        arrays, *_ = read_safetensors(path)
    except (OSError, MemoryError, ValueError) as error:
        raise CheckpointError(
            "MG252",
            f"cannot read weights from {shown(path)}: {reason(error)}",
            cause="the file is missing, truncated or damaged, or it is not in the safetensors "
            "format",
            remedy="save the weights again with safetensors.torch.save_file(module.state_dict(), "
            "path)",
        ) from None
    from_layout(model, arrays, layout)


def to_layout(model: Layer, layout: str) -> dict[str, Array]:
    """Return copies of the model's weights as {name: array}, with the names and shapes of the other
    framework.

    Errors: OptionError for an unknown layout (MG250), for a layer that the other framework does not
    have (MG251), and for two arrays with the same name (MG238).

    Since: 0.1.
    """
    result: dict[str, Array] = {}
    for layer, parts, names in _entries(model, layout):
        arrays = _to_theirs(layer, layout, list(map(to_array, parts)))
        for name, array in zip(names, arrays, strict=False):  # there may be no bias
            if name in result:
                raise OptionError(
                    "MG238",
                    f"two arrays would be called {name!r} in the {layout} layout",
                    cause="this layout adds numbers to the names of stacked layers, and another "
                    "layer already has one of the resulting names",
                    remedy="rename one of the two layers by assigning it to another attribute",
                )
            result[name] = np.array(array, order="C")
    return result


def from_layout(model: Layer, arrays: Mapping[str, Array], layout: str) -> None:
    """Load weights in the format of `to_layout`.

    Errors: see `import_weights`; CheckpointError (MG239) if the arrays for a shared parameter
    differ.

    Since: 0.1.
    """
    # PyTorch counts batches, but uses this number only if a BatchNorm has no momentum
    arrays = {name: a for name, a in arrays.items() if not name.endswith("num_batches_tracked")}
    check_match(arrays, to_layout(model, layout), f"{type(model).__name__} in the {layout} layout")
    new: dict[int, Array] = {}
    for layer, parts, names in _entries(model, layout):
        converted = _to_ours(layer, layout, [arrays[name] for name in names if name in arrays])
        for part, array in zip(parts, converted, strict=True):
            if not np.array_equal(new.setdefault(id(part), array), array, equal_nan=True):
                raise CheckpointError(
                    "MG239",
                    f"{part.name} is shared, but the weights contain two different arrays for it; "
                    f"the second is in {' or '.join(names)}",
                    cause="two layers of this model share the parameter, but the weights come from "
                    "a model in which the layers do not share it",
                    remedy="share the parameter in that model too, or load the weights into a "
                    "model that does not share it",
                )
    own: dict[str, Any] = {**model.named_parameters(), **model.named_buffers()}
    model.load_state_dict({path: new[id(part)] for path, part in own.items()})


Arrays = list[Array]

# the names of each layer's arrays
_NAMES = {
    "pytorch": {
        Embedding: "weight",
        Dense: "weight bias",
        Conv1d: "weight bias",
        Conv2d: "weight bias",
        LayerNorm: "weight bias",
        BatchNorm: "weight bias running_mean running_var",
        PositionalEmbedding: "weight",
        MultiHeadAttention: "in_proj_weight in_proj_bias",
        RNNCell: "weight_ih weight_hh bias_ih bias_hh",
        GRUCell: "weight_ih weight_hh bias_ih bias_hh",
        LSTMCell: "weight_ih weight_hh bias_ih bias_hh",
    },
    "keras": {
        Embedding: "embeddings",
        Dense: "kernel bias",
        Conv1d: "kernel bias",
        Conv2d: "kernel bias",
        LayerNorm: "gamma beta",
        BatchNorm: "gamma beta moving_mean moving_variance",
        PositionalEmbedding: "embeddings",
        RNNCell: "kernel recurrent_kernel bias",
        GRUCell: "kernel recurrent_kernel bias",
        LSTMCell: "kernel recurrent_kernel bias",
    },
}
_TRANSPOSED = (Dense, MultiHeadAttention, RNNCell, GRUCell, LSTMCell)  # in PyTorch


def _to_theirs(layer: Layer, layout: str, arrays: Arrays) -> Arrays:
    """Convert a layer's arrays to the other framework's layout."""
    kind = type(layer)
    if layout == "keras":
        if isinstance(layer, Conv1d):  # (height, width, channels, filters)
            return [np.moveaxis(arrays[0], (0, 1), (-1, -2)), *arrays[1:]]
        stacks = kind is GRUCell and len(arrays) == 4
        return [*arrays[:2], np.stack(arrays[2:])] if stacks else arrays
    unknown_gru = isinstance(layer, GRUCell) and not layer.reset_after
    # of the same kind, because a copied or unpickled layer has its own instance
    unknown_rnn = isinstance(layer, RNNCell) and type(layer.activation) not in (Tanh, ReLU)
    if unknown_gru or unknown_rnn:
        raise OptionError(
            "MG251",
            f"PyTorch has no equivalent of {describe(layer)}",
            cause="PyTorch's GRU applies the reset gate after the product, and its RNN supports "
            "only tanh and relu",
            remedy="use the layout 'keras', or train a cell that PyTorch supports",
        )
    if kind in _TRANSPOSED:
        arrays = [_blocks(kind, array).T for array in arrays]
    if kind in (RNNCell, LSTMCell):
        arrays.append(np.zeros_like(arrays[2]))
    return arrays


def _to_ours(layer: Layer, layout: str, arrays: Arrays) -> Arrays:
    """Convert arrays back from the other framework's layout, the inverse of `_to_theirs`."""
    kind = type(layer)
    if layout == "keras":
        if isinstance(layer, Conv1d):
            return [np.moveaxis(arrays[0], (-1, -2), (0, 1)), *arrays[1:]]
        return [*arrays[:2], *np.atleast_2d(arrays[2])] if kind is GRUCell else arrays
    if kind in (RNNCell, LSTMCell):
        arrays = [*arrays[:2], arrays[2] + arrays[3]]
    if kind in _TRANSPOSED:
        arrays = [_blocks(kind, array.T) for array in arrays]
    return arrays


def _blocks(kind: type[Layer], array: Array) -> Array:
    """Swap the first two blocks of a GRU's array to convert z, r, n to r, z, n or back."""
    if kind is not GRUCell:
        return array
    first, second, n = np.split(array, 3, axis=-1)
    return np.concatenate([second, first, n], axis=-1)


def _entries(model: Layer, layout: str) -> Iterator[tuple[Layer, list[Any], list[str]]]:
    """Yield (layer, its parameters and buffers, their names in the other framework) for each
    layer.
    """
    if layout not in _NAMES:
        raise OptionError(
            "MG250",
            f"unknown layout {layout!r}",
            cause="each framework orders gates and axes differently, and only two layouts are "
            "supported",
            remedy="choose 'pytorch' or 'keras'",
        )
    known: dict[Any, str] = _NAMES[layout]
    places: dict[Layer, str] = {}  # {cell of a recurrent layer: pattern of its arrays' names}
    for path, layer in model.named_layers().items():
        kind = type(layer)
        if isinstance(layer, Recurrent):
            for number, cell in enumerate(layer.cells().values()):
                if type(cell) in known:
                    places[cell] = _place(layout, path, layer, number)
        if kind in _NAMES["pytorch"] and kind not in known:
            raise OptionError(
                "MG251",
                f"the layout {layout!r} has no arrays for {describe(layer)}",
                cause="Keras stores queries, keys and values in separate arrays, with an axis "
                "for the heads",
                remedy="use the layout 'pytorch', and rearrange its arrays",
            )
        ours = {name: part for name, part in layer._members.items() if not isinstance(part, Layer)}
        names = (
            known[kind].split() if kind in known else list(ours)
        )  # a user's layer keeps its names
        place = places.get(layer, join(path, "*"))
        if layout == "keras":
            place = place.replace(".", "/")
        yield layer, [*ours.values()], [place.replace("*", name) for name in names]


def _place(layout: str, path: str, layer: Recurrent, number: int) -> str:
    """Return the name pattern for the arrays of a recurrent layer's cell. The * stands for the name
    of an array, such as `kernel`.

    In PyTorch, the names end in _l0 for the first stacked layer and in _l1 for the second, followed
    by _reverse for the backward direction. In Keras, each stacked layer is a separate layer, such
    as rnn and rnn_2. A Bidirectional layer contains rnn/forward and rnn/backward.
    """
    depth, backward = divmod(number, 1 + layer.bidirectional)
    if layout == "pytorch":
        return join(path, f"*_l{depth}" + "_reverse" * backward)
    if depth:
        path = f"{path or type(layer).__name__.lower()}_{depth + 1}"
    if layer.bidirectional:
        path = join(path, ("forward", "backward")[backward])
    return join(path, "*")
