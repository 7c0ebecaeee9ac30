"""Inspect a model: the outputs of any layer, a cell's gates over time, and their gradients."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from minigrad import Tensor, fused, grad, no_grad, softmax_cross_entropy
from minigrad.context import SCOPE, setting, step_of
from minigrad.debug.unchanged import unchanged
from minigrad.errors import GradientError, OptionError
from minigrad.graph import Array
from minigrad.support.arrays import norm

from .cells import Cell
from .layer import ON_VALUE, Layer
from .parts import join

Loss = Callable[..., Tensor]
Steps = dict[int | None, Tensor]  # the key None is for a value outside all time steps
Values = dict[str, Steps]  # by path


def outputs(
    model: Layer,
    x: Any,
    layers: Sequence[str],
    *,
    batch_size: int = 256,
) -> dict[str, Array]:
    """Return the outputs of the named layers for all of x, as {path: array}. The model runs in
    evaluation mode, and no graph is recorded.

    The state of any `Stateful` in the model does not change, and each batch starts without a state.

    Each item of `layers` is the path of a layer, as in `named_layers()` ("" is the model itself),
    or the path of a value that a layer has named with `note`. Every cell names h, as in
    "rnn.cell.h". An LSTM cell also names c, i, f, g and o. A GRU cell also names z, r and n. The
    values of all time steps are stacked along axis 1, so their shape is (N, T, H). x is an array of
    N examples, or a tuple of such arrays if the model has several inputs.

    >>> from layers import LSTM, Embedding, Sequential
    >>> model = Sequential(Embedding(50, 8), LSTM(8, 4))
    >>> found = outputs(model, np.zeros((100, 6), int), ["embedding", "lstm", "lstm.cell.f"])
    >>> {path: array.shape for path, array in found.items()}
    {'embedding': (100, 6, 8), 'lstm': (100, 4), 'lstm.cell.f': (100, 6, 4)}

    Errors: OptionError for a path that the model does not compute (MG240) or computes more than
    once (MG241).

    Since: 0.1.
    """
    with no_grad():
        return _joined([values for _, _, values in _passes(model, x, layers, batch_size)])


def gradients(
    model: Layer,
    x: Any,
    y: Any,
    layers: Sequence[str],
    *,
    loss: Loss = softmax_cross_entropy,
    batch_size: int = 256,
) -> dict[str, Array]:
    """Return {path: dL/dz} for each value z in `outputs(model, x, layers)`. The model runs in
    evaluation mode.

    L is `loss(model(x), y)`, averaged over all N examples. The batch size does not change L. At
    time steps before a truncation, the gradient is 0.

    >>> from layers import RNN, Dense, Embedding, Sequential
    >>> model = Sequential(Embedding(50, 8), RNN(8, 4, truncate=2), Dense(4, 2))
    >>> found = gradients(model, np.ones((3, 6), int), np.array([0, 1, 1]), ["embedding"])
    >>> np.abs(found["embedding"]).sum(axis=(0, 2)) > 0      # which of the six words get a gradient
    array([False, False, False, False,  True,  True])

    Errors: the same as `outputs`, and GradientError (MG242) for a value that does not depend on
    any trainable parameter.

    Since: 0.1.
    """
    passes = []
    for batch, output, values in _passes(model, x, layers, batch_size):
        mean = loss(output, y[batch]) * (len(y[batch]) / len(y))
        for path, steps in values.items():
            if not all(tensor.requires_grad for tensor in steps.values()):
                raise GradientError(
                    "MG242",
                    f"{path!r} has no gradient: no computation was recorded for it",
                    cause="all values that it is computed from are frozen, or it was computed "
                    "inside no_grad",
                    remedy="unfreeze a parameter that it depends on (requires_grad = True), and "
                    "call this function outside no_grad",
                )
            slopes = grad(mean, list(steps.values()))
            values[path] = dict(zip(steps, slopes, strict=True))
        passes.append(values)
    return _joined(passes)


def gradient_flow(
    model: Layer,
    batch: Sequence[Any],
    *,
    loss: Loss = softmax_cross_entropy,
) -> dict[str, Array]:
    """Return the gradient norm of every cell's state at each time step, as {"rnn.cell.h": norms of
    dL/dh_t, shape (T,)}.

    `batch` is (inputs..., labels). Each norm covers the whole batch: it is the norm of dL/dh_t (B,
    H). An LSTM also has an entry for "c". If the norm falls to almost 0 at some step, the network
    learns nothing from the words before that step.

    >>> from layers import GRU, Dense, Embedding, Sequential
    >>> model = Sequential(Embedding(50, 8), GRU(8, 4), Dense(4, 2))
    >>> gradient_flow(model, (np.ones((3, 6), int), np.array([0, 1, 1])))["gru.cell.h"].shape
    (6,)

    Errors: see `gradients`. Source: Bengio, Simard and Frasconi, Learning long-term dependencies
    with gradient descent is difficult (1994).

    Since: 0.1.
    """
    *inputs, y = batch
    paths = [
        join(path, name)
        for path, cell in model.named_layers().items()
        if isinstance(cell, Cell)
        for name in cell.state_names
    ]
    found = gradients(model, tuple(inputs), y, paths, loss=loss, batch_size=max(1, len(y)))
    return {path: norm(gradient, axis=(0, 2)) for path, gradient in found.items()}


def _passes(
    model: Layer,
    x: Any,
    layers: Sequence[str],
    batch_size: int,
) -> Iterator[tuple[slice, Any, Values]]:
    """Yield (batch slice, output, values of the paths in `layers`) for each batch."""
    inputs = x if isinstance(x, tuple) else (x,)
    paths = {layer: path for path, layer in model.named_layers().items()}
    values: Values = {}

    def record(layer: Layer, name: str, value: Any) -> None:
        path = join(paths.get(layer, "?"), name)
        if path not in values:
            return
        place = step_of(SCOPE.get())
        step = place[1] if place else None
        if step in values[path]:
            raise OptionError(
                "MG241",
                f"{path!r} was computed more than once in one forward pass",
                cause="the layer is called several times, so its path does not identify a single "
                "call",
                remedy="use a separate layer for each call, or call the layer outside the model",
            )
        # a recurrent layer may return (output, final state)
        values[path][step] = value[0] if isinstance(value, tuple) else value

    # run at least one batch, because the outputs need a shape even if there are no examples
    for start in range(0, max(len(inputs[0]), 1), batch_size):
        batch = slice(start, start + batch_size)
        values = {path: {} for path in layers}
        # enter a new block for each batch, because otherwise a Stateful would continue from the
        # previous batch
        with model.evaluating(), unchanged(), fused(False), setting(ON_VALUE, record):
            output = model(*(array[batch] for array in inputs))
        if unknown := [path for path, steps in values.items() if not steps]:
            known = [repr(path) if path else "'' (the model)" for path in paths.values()]
            raise OptionError(
                "MG240",
                f"this forward pass did not compute {', '.join(map(repr, unknown))}",
                cause=f"the model's layers are {', '.join(known)}",
                remedy="choose one of these layers; for a value inside a cell, append the value's "
                "name to the cell's path, as in 'rnn.cell.h'",
            )
        yield batch, output, values


def _joined(passes: Sequence[Values]) -> dict[str, Array]:
    """Concatenate the arrays of all batches, as {path: array}."""
    return {
        path: np.concatenate([_stacked(values[path]) for values in passes]) for path in passes[0]
    }


def _stacked(steps: Steps) -> Array:
    """Stack the arrays of all time steps along axis 1."""
    arrays = [steps[step].array for step in sorted(steps, key=lambda step: step or 0)]
    return arrays[0] if None in steps else np.stack(arrays, axis=1)
