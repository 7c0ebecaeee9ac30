"""Looking inside a model: the outputs of any layer, a cell's gates over time, and the gradients that reach them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from minigrad import Tensor, grad, no_grad, softmax_cross_entropy
from minigrad.context import SCOPE, setting
from minigrad.errors import GradientError, OptionError
from minigrad.timesteps import step_number

from .cells import Cell
from .layer import ON_VALUE, Array, Layer

Loss = Callable[[Tensor, Any], Tensor]


def outputs(model: Layer, x: Any, layers: Sequence[str], *, batch_size: int = 256) -> dict[str, Array]:
    """The outputs of the named layers for all of x, {path: array}, in evaluation mode and with nothing recorded.

    A path names a layer, as in `named_layers()` ("" is the model), or a value that a layer has named with `note`: every
    cell names h ("rnn.cell.h"), an LSTM's also c, i, f, g, o, a GRU's z, r, n. The values of all time steps are stacked
    along axis 1: (N, T, H). x is an array of N examples, or a tuple of such arrays for a model with several inputs.

    >>> from layers import LSTM, Embedding, Sequential
    >>> model = Sequential(Embedding(50, 8), LSTM(8, 4))
    >>> found = outputs(model, np.zeros((100, 6), int), ["embedding", "lstm", "lstm.cell.f"])
    >>> {path: array.shape for path, array in found.items()}
    {'embedding': (100, 6, 8), 'lstm': (100, 4), 'lstm.cell.f': (100, 6, 4)}

    Errors: OptionError for a path that the model does not compute (MG240) or computes several times (MG241).
    """
    inputs = x if isinstance(x, tuple) else (x,)
    parts: dict[str, list[Array]] = {path: [] for path in layers}
    with _evaluating(model), no_grad():
        for batch in _batches(len(inputs[0]), batch_size):
            with _recording(model, layers) as record:
                model(*(array[batch] for array in inputs))
            for path, steps in record.found().items():
                parts[path].append(_over_time([tensor.array for tensor in steps.values()], steps))
    return {path: np.concatenate(arrays) for path, arrays in parts.items()}


def gradients(
    model: Layer, x: Any, y: Any, layers: Sequence[str], *, loss: Loss = softmax_cross_entropy, batch_size: int = 256
) -> dict[str, Array]:
    """The gradient dL/dz for each z of `outputs(model, x, layers)`, {path: array}, in evaluation mode.

    L is `loss(model(x), y)`, averaged over all N examples whatever the batch size. Before a cut the gradient is 0.

    >>> from layers import RNN, Dense, Embedding, Sequential
    >>> model = Sequential(Embedding(50, 8), RNN(8, 4, truncate=2), Dense(4, 2))
    >>> found = gradients(model, np.ones((3, 6), int), np.array([0, 1, 1]), ["embedding"])
    >>> np.abs(found["embedding"]).sum(axis=(0, 2)) > 0      # which of the six words are reached
    array([False, False, False, False,  True,  True])

    Errors: as `outputs`, and GradientError (MG242) for a value that does not depend on any trainable parameter.
    """
    inputs = x if isinstance(x, tuple) else (x,)
    total = len(inputs[0])
    parts: dict[str, list[Array]] = {path: [] for path in layers}
    with _evaluating(model):
        for batch in _batches(total, batch_size):
            with _recording(model, layers) as record:
                output = model(*(array[batch] for array in inputs))
            mean = loss(output, y[batch]) * (len(inputs[0][batch]) / total)
            for path, steps in record.found().items():
                tensors = list(steps.values())
                if not all(tensor.requires_grad for tensor in tensors):
                    raise GradientError(
                        "MG242",
                        f"no gradient reaches {path!r}: nothing was recorded for it",
                        cause="everything that it is computed from is frozen, or it was computed under no_grad",
                        remedy="unfreeze a parameter before it (requires_grad = True), and call this outside no_grad",
                    )
                parts[path].append(_over_time([gradient.array for gradient in grad(mean, tensors)], steps))
    return {path: np.concatenate(arrays) for path, arrays in parts.items()}


def gradient_flow(model: Layer, batch: Sequence[Any], *, loss: Loss = softmax_cross_entropy) -> dict[str, Array]:
    """How much gradient reaches the state after each time step: {"rnn.cell.h": norms of dL/dh_t, (T,)} for every cell.

    `batch` is (inputs..., labels), and the norm is that of the whole batch's dL/dh_t, (B, H). An LSTM has an entry for
    "c" as well. Where the norm falls to almost 0, the network learns nothing from earlier words.

    >>> from layers import GRU, Dense, Embedding, Sequential
    >>> model = Sequential(Embedding(50, 8), GRU(8, 4), Dense(4, 2))
    >>> gradient_flow(model, (np.ones((3, 6), int), np.array([0, 1, 1])))["gru.cell.h"].shape
    (6,)

    Errors: as `gradients`; OptionError (MG240) for a model without a recurrent layer. Source: Bengio, Simard and
    Frasconi, Learning long-term dependencies with gradient descent is difficult (1994).
    """
    *inputs, y = batch
    cells = {path: layer for path, layer in model.named_layers().items() if isinstance(layer, Cell)}
    paths = [".".join(filter(None, (path, name))) for path, cell in cells.items() for name in cell.state_names]
    if not paths:
        raise OptionError(
            "MG240",
            f"{type(model).__name__} has no recurrent layer",
            cause="the flow of gradients is measured at the states of its cells",
            remedy="pass a model with an RNN, GRU or LSTM in it",
        )
    found = gradients(model, tuple(inputs), y, paths, loss=loss, batch_size=max(1, len(y)))
    return {path: np.sqrt((gradient**2).sum(axis=(0, 2))) for path, gradient in found.items()}


class _Record:
    """The values of one forward pass, by path and time step (None for a value outside of any time step)."""

    def __init__(self, model: Layer, layers: Sequence[str]) -> None:
        self.path_of = {layer: path for path, layer in model.named_layers().items()}
        self.wanted = layers
        self.values: dict[str, dict[int | None, Tensor]] = {}

    def __call__(self, layer: Layer, name: str, value: Any) -> None:
        if layer not in self.path_of:
            return
        path = ".".join(filter(None, (self.path_of[layer], name)))
        at = next((step for part in reversed(SCOPE.get()) if (step := step_number(part)) is not None), None)
        steps = self.values.setdefault(path, {})
        if at in steps and path in self.wanted:
            raise OptionError(
                "MG241",
                f"{path!r} was computed more than once in one forward pass",
                cause="the layer is called several times, and its path does not say which call is meant",
                remedy="use a separate layer for each call, or call the layer outside of the model",
            )
        steps[at] = value[0] if isinstance(value, tuple) else value  # (output, final state) of a recurrent layer

    def found(self) -> dict[str, dict[int | None, Tensor]]:
        unknown = [path for path in self.wanted if path not in self.values]
        if unknown:
            raise OptionError(
                "MG240",
                f"this forward pass did not compute {', '.join(map(repr, unknown))}",
                cause="the paths that it computed are " + ", ".join(map(repr, sorted(self.values))),
                remedy="choose from those",
            )
        return {path: self.values[path] for path in self.wanted}


@contextmanager
def _recording(model: Layer, layers: Sequence[str]) -> Iterator[_Record]:
    record = _Record(model, layers)
    with setting(ON_VALUE, record):
        yield record


@contextmanager
def _evaluating(model: Layer) -> Iterator[None]:
    modes = {layer: layer.training for layer in model.named_layers().values()}
    model.eval()
    try:
        yield
    finally:
        for layer, training in modes.items():
            layer.training = training


def _batches(total: int, batch_size: int) -> Iterator[slice]:
    return (slice(start, start + batch_size) for start in range(0, total, batch_size))


def _over_time(arrays: list[Array], steps: dict[int | None, Tensor]) -> Array:
    if None in steps:
        return arrays[0]
    in_order = [array for _, array in sorted(zip(steps, arrays, strict=True), key=lambda pair: pair[0] or 0)]
    return np.stack(in_order, axis=1)
