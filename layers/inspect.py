"""Looking inside a model: the outputs of any layer, a cell's gates over time, and the gradients
that reach them.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad import Tensor, grad, no_grad, softmax_cross_entropy
from minigrad.context import SCOPE, setting, step_number
from minigrad.errors import GradientError, OptionError

from .cells import Cell
from .layer import ON_VALUE, Array, Layer, check_size, join

Loss = Callable[[Tensor, Any], Tensor]
Steps = dict[int | None, Tensor]
Parts = dict[str, list[Array]]  # by path, one for each batch


def outputs(
    model: Layer, x: Any, layers: Sequence[str], *, batch_size: int = 256
) -> dict[str, Array]:
    """The outputs of the named layers for all of x, {path: array}, in evaluation mode and with
    nothing recorded.

    Each batch starts without a carried state, and a `Stateful` in the model keeps its own.

    A path names a layer, as in `named_layers()` ("" is the model), or a value that a layer has
    named with `note`: every cell names h ("rnn.cell.h"), an LSTM's also c, i, f, g, o, a GRU's z,
    r, n. The values of all time steps are stacked along axis 1: (N, T, H). x is an array of N
    examples, or a tuple of such arrays for a model with several inputs.

    >>> from layers import LSTM, Embedding, Sequential
    >>> model = Sequential(Embedding(50, 8), LSTM(8, 4))
    >>> found = outputs(model, np.zeros((100, 6), int), ["embedding", "lstm", "lstm.cell.f"])
    >>> {path: array.shape for path, array in found.items()}
    {'embedding': (100, 6, 8), 'lstm': (100, 4), 'lstm.cell.f': (100, 6, 4)}

    Errors: OptionError for a path that the model does not compute (MG240) or computes several times
    (MG241), and
    for a batch size below 1 (MG210).
    """
    parts: Parts = {path: [] for path in layers}
    for batch in _batches(x, batch_size):
        # for each batch: a Stateful would continue these examples with the next
        with no_grad(), model.evaluating():
            _, values = _forward(model, _rows(x, batch), layers)
        for path, steps in values.items():
            parts[path].append(_stacked(steps, list(steps.values())))
    return {path: np.concatenate(arrays) for path, arrays in parts.items()}


def gradients(
    model: Layer,
    x: Any,
    y: Any,
    layers: Sequence[str],
    *,
    loss: Loss = softmax_cross_entropy,
    batch_size: int = 256,
) -> dict[str, Array]:
    """The gradient dL/dz for each z of `outputs(model, x, layers)`, {path: array}, in evaluation
    mode.

    L is `loss(model(x), y)`, averaged over all N examples whatever the batch size. Before a cut the
    gradient is 0.

    >>> from layers import RNN, Dense, Embedding, Sequential
    >>> model = Sequential(Embedding(50, 8), RNN(8, 4, truncate=2), Dense(4, 2))
    >>> found = gradients(model, np.ones((3, 6), int), np.array([0, 1, 1]), ["embedding"])
    >>> np.abs(found["embedding"]).sum(axis=(0, 2)) > 0      # which of the six words are reached
    array([False, False, False, False,  True,  True])

    Errors: as `outputs`, and GradientError (MG242) for a value that does not depend on any
    trainable parameter.
    """
    parts: Parts = {path: [] for path in layers}
    for batch in _batches(x, batch_size):
        with model.evaluating():
            output, values = _forward(model, _rows(x, batch), layers)
            mean = loss(output, y[batch]) * (len(y[batch]) / len(y))
        for path, steps in values.items():
            if not all(tensor.requires_grad for tensor in steps.values()):
                raise GradientError(
                    "MG242",
                    f"no gradient reaches {path!r}: nothing was recorded for it",
                    cause="everything that it is computed from is frozen, or it was computed "
                    "under no_grad",
                    remedy="unfreeze a parameter before it (requires_grad = True), and call this "
                    "outside no_grad",
                )
            parts[path].append(_stacked(steps, grad(mean, list(steps.values()))))
    return {path: np.concatenate(arrays) for path, arrays in parts.items()}


def gradient_flow(
    model: Layer, batch: Sequence[Any], *, loss: Loss = softmax_cross_entropy
) -> dict[str, Array]:
    """How much gradient reaches the state after each time step: {"rnn.cell.h": norms of dL/dh_t,
    (T,)} for every cell.

    `batch` is (inputs..., labels), and the norm is that of the whole batch's dL/dh_t, (B, H). An
    LSTM has an entry for "c" as well. Where the norm falls to almost 0, the network learns nothing
    from earlier words.

    >>> from layers import GRU, Dense, Embedding, Sequential
    >>> model = Sequential(Embedding(50, 8), GRU(8, 4), Dense(4, 2))
    >>> gradient_flow(model, (np.ones((3, 6), int), np.array([0, 1, 1])))["gru.cell.h"].shape
    (6,)

    Errors: as `gradients`; OptionError (MG240) for a model without a recurrent layer. Source:
    Bengio, Simard and Frasconi, Learning long-term dependencies with gradient descent is difficult
    (1994).
    """
    *inputs, y = batch
    cells = {path: layer for path, layer in model.named_layers().items() if isinstance(layer, Cell)}
    paths = [join(path, name) for path, cell in cells.items() for name in cell.state_names]
    if not paths:
        raise OptionError(
            "MG240",
            f"{type(model).__name__} has no recurrent layer",
            cause="the flow of gradients is measured at the states of its cells",
            remedy="pass a model with an RNN, GRU or LSTM in it",
        )
    found = gradients(model, tuple(inputs), y, paths, loss=loss, batch_size=max(1, len(y)))
    return {path: np.sqrt((gradient**2).sum(axis=(0, 2))) for path, gradient in found.items()}


def _rows(x: Any, batch: slice) -> list[Any]:
    return [array[batch] for array in (x if isinstance(x, tuple) else (x,))]


def _batches(x: Any, batch_size: int) -> list[slice]:
    """The slices of the examples: one, if there are none, so that even then outputs have their
    width.
    """
    check_size("outputs", batch_size=batch_size)
    count = len(x[0] if isinstance(x, tuple) else x)
    return [slice(start, start + batch_size) for start in range(0, max(count, 1), batch_size)]


def _stacked(steps: Steps, tensors: Sequence[Tensor]) -> Array:
    """The tensors of these steps along axis 1, or the only one if it is outside of any time
    step.
    """
    arrays = [tensor.array for tensor in tensors]
    return arrays[0] if None in steps else np.stack(arrays, axis=1)


def _forward(
    model: Layer, inputs: Sequence[Any], layers: Sequence[str]
) -> tuple[Any, dict[str, Steps]]:
    """The model's output, and the values at these paths by time step: None for a value outside of
    any time step.
    """
    path_of = {layer: path for path, layer in model.named_layers().items()}
    values: dict[str, Steps] = {}

    def record(layer: Layer, name: str, value: Any) -> None:
        if layer not in path_of:
            return
        path = join(path_of[layer], name)
        at = next(
            (step for part in reversed(SCOPE.get()) if (step := step_number(part)) is not None),
            None,
        )
        steps = values.setdefault(path, {})
        if at in steps and path in layers:
            raise OptionError(
                "MG241",
                f"{path!r} was computed more than once in one forward pass",
                cause="the layer is called several times, and its path does not say which call is "
                "meant",
                remedy="use a separate layer for each call, or call the layer outside of the model",
            )
        # (output, final state) of a recurrent layer
        steps[at] = value[0] if isinstance(value, tuple) else value

    with setting(ON_VALUE, record):
        output = model(*inputs)
    if unknown := [path for path in layers if path not in values]:
        raise OptionError(
            "MG240",
            f"this forward pass did not compute {', '.join(map(repr, unknown))}",
            cause="the paths that it computed are " + ", ".join(map(repr, sorted(values))),
            remedy="choose from those",
        )
    return output, {
        path: dict(sorted(values[path].items(), key=lambda item: item[0] or 0)) for path in layers
    }
