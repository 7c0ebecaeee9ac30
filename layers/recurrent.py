"""The layers RNN, GRU and LSTM: a cell run over a sequence, stacked if wanted, in one direction or
in both.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from typing import Any, Literal, TypedDict, Unpack

import numpy as np

from minigrad import Tensor, concatenate, scope, stack, tanh, where
from minigrad.context import step_name
from minigrad.errors import MinigradError, OptionError, ShapeError
from minigrad.gates.steps import without_padding
from minigrad.help.other_frameworks import unfit_call
from minigrad.tensor import TensorLike, as_tensors

from .cells import Cell, GRUCell, LSTMCell, RNNCell, State
from .dropout import Dropout
from .fused import run_fused, shall_fuse
from .layer import Activation, Layer, check_size
from .mask import Mask, as_mask, warn_of_padding
from .unroll import unroll


class Options(TypedDict, total=False):
    """The options that RNN, GRU and LSTM share; `Recurrent` explains them."""

    layers: int
    bidirectional: bool
    dropout: float
    pooling: Literal["last", "mean", "max"]
    return_sequences: bool
    return_state: bool
    truncate: int | None
    fused: bool | None


class UnpackingWarning(UserWarning):
    """Warning (MG234): the two rows of a recurrent layer's output are unpacked, as if they were
    output and state.
    """


class RecurrentOutput(Tensor):
    """The output of a recurrent layer that returns no state, for a batch of 2."""

    __slots__ = ()

    def __iter__(self) -> Iterator[Tensor]:  # type: ignore[override]
        text = MinigradError(
            "MG234",
            "the output of a recurrent layer is unpacked into the rows of its batch of 2",
            cause="without return_state=True the layer returns one Tensor: the first row is not "
            "the output, nor the second the state",
            remedy="make the layer with return_state=True for (output, state); if rows are meant, "
            "index them: z[0]",
        )
        warnings.warn(UnpackingWarning(str(text)), stacklevel=2)
        return super().__iter__()


class Recurrent(Layer):
    """What RNN, GRU and LSTM share. x (B, T, D) -> the last state's h (B, H), or what these options
    ask for:

    - `layers=n` stacks n cells, each reading the outputs of the one below, with `dropout` between
      them in training.
    - `bidirectional`: a second cell reads from the last step to the first; outputs (B, 2H) hold the
      forward cell's and then the backward cell's for the same time step.
    - `pooling`: "last" (each direction's h after its last step), or "mean" or "max" over the top
      layer's outputs.
    - `return_sequences`: the top layer's output at every step, (B, T, H), instead of the pooled
      one.
    - `return_state`: (output, final state). The state is the cell's, or a list of all cells'
      (forward, backward, then the next layer), and can be passed to the next call as `state`.
    - `truncate=k`: gradients go back through the last k steps only; see `unroll`.
    - `fused`: one gate for the whole sequence (True) or a graph of its steps (False). Both agree to
      rounding, except that dropout draws different noise. The default, None, unrolls, so that the
      graph shows every step; but it fuses inside `mg.fused()`, as in a Trainer's loop, and where
      nothing is recorded.

    Padding is skipped with `mask` (B, T), True at real steps, or `lengths` (B,) of sequences padded
    at the end. Without them, a last state that is read after padding gives a PaddingWarning
    (MG227). Unpacking an output with a batch of 2, as if it were (output, state), gives an
    UnpackingWarning (MG234). The cells are called `cell`, `cell_2`,
    ..., and `backward_cell`, ...; if there are several, each runs in a scope of its name.

    Errors: OptionError for the options (MG210, MG211, MG212, MG220), or for mask and lengths at
    once (MG225); ShapeError for x (MG221), a mask (MG222), lengths (MG223) or a state (MG224).
    """

    layers: int = 1
    bidirectional: bool = False
    pooling: Literal["last", "mean", "max"] = "last"
    return_sequences: bool = False
    return_state: bool = False
    truncate: int | None = None
    fused: bool | None = None

    def __init__(
        self, make_cell: Callable[[int], Cell], input_size: int, **options: Unpack[Options]
    ) -> None:
        super().__init__()
        dropout = options.pop("dropout", 0.0)
        for name, value in options.items():
            if name not in Options.__annotations__:
                takes = ["input", "hidden", *(f"{option}=" for option in Options.__annotations__)]
                raise unfit_call(type(self).__name__, f"has no option {name}", takes, [name])
            setattr(self, name, value)
        _check_options(self, dropout)
        size = input_size
        for number in range(self.layers):
            for direction in self._directions():
                cell = make_cell(size)
                setattr(self, _cell_name(number, direction), cell)
            size = cell.hidden * len(self._directions())
        if self.layers > 1:
            self.dropout = Dropout(dropout)
        shall_fuse(self.fused, list(self.cells().values()))  # an error, if it cannot

    def cells(self) -> dict[str, Cell]:
        """{name: cell}, from the bottom up, forward before backward."""
        return {name: member for name, member in self._members.items() if isinstance(member, Cell)}

    def forward(
        self,
        x: Any,
        state: State | None = None,
        *,
        mask: Any = None,
        lengths: Sequence[int] | None = None,
    ) -> Any:
        cells = self.cells()
        x = _check_input(self, x, next(iter(cells.values())))
        batch, steps, _ = x.shape
        mask = as_mask(mask, lengths, batch, steps)
        x = without_padding(x, mask)
        if mask is None and self._pools_last():
            warn_of_padding(type(self).__name__, x)
        initial_states = _check_states(cells, state, batch)
        run: Any = run_fused if shall_fuse(self.fused, list(cells.values())) else unroll

        inputs: Tensor | list[Tensor] = x
        outputs: list[Any] = []  # of one layer: an item for each direction, as `run` returns it
        final_states: list[State] = []  # of all cells
        for layer in range(self.layers):
            if layer > 0:
                inputs = self._between(outputs)
                outputs = []
            for direction in self._directions():
                name = _cell_name(layer, direction)
                with scope(name) if len(cells) > 1 else nullcontext():
                    sequence, final_state = run(
                        cells[name],
                        inputs,
                        initial_states[name],
                        mask=mask,
                        truncate=self.truncate,
                        reverse=direction == "backward",
                    )
                outputs.append(sequence)
                final_states.append(final_state)

        output = self._output(outputs, final_states, mask)
        if self.return_state:
            return output, final_states[0] if len(final_states) == 1 else final_states
        if len(output) != 2:
            return output
        rows = RecurrentOutput.__new__(RecurrentOutput)  # could be unpacked by mistake
        rows.node = output.node
        return rows

    def _directions(self) -> list[str]:
        return ["forward", "backward"] if self.bidirectional else ["forward"]

    def _pools_last(self) -> bool:
        return self.pooling == "last" and not self.return_sequences

    def _between(self, outputs: list[Any]) -> Tensor | list[Tensor]:
        """The next layer's inputs: the outputs of both directions side by side, with dropout."""
        if isinstance(outputs[0], Tensor):
            joined: Tensor = self.dropout(_sequence(outputs))
            return joined
        steps, inputs = len(outputs[0]), []
        for t in range(steps):
            with scope(step_name(t, steps)):
                both = _side_by_side([sequence[t] for sequence in outputs], axis=1)
                inputs.append(self.dropout(both))
        return inputs

    def _output(self, outputs: list[Any], final_states: list[State], mask: Mask | None) -> Tensor:
        if self._pools_last():
            top = final_states[-len(outputs) :]
            return _side_by_side(
                [state[0] if isinstance(state, tuple) else state for state in top], axis=1
            )
        sequence = _sequence(outputs)
        return sequence if self.return_sequences else pool(sequence, self.pooling, mask)

    def settings(self) -> str:
        first = next(iter(self.cells().values()))
        names = [name for name in Options.__annotations__ if name != "dropout"]
        changed = [name for name in names if getattr(self, name) != getattr(Recurrent, name)]
        return ", ".join(
            [first.settings(), *(f"{name}={getattr(self, name)!r}" for name in changed)]
        )


class RNN(Recurrent):
    """The simple recurrent network: h_t = tanh(x_t @ W_xh + h_(t-1) @ W_hh + b_h) at each time step
    t.

    x (B, T, D) -> h_T (B, H), or what the options ask for: see `Recurrent`, and `RNNCell` for
    `activation`.

    >>> rnn = RNN(3, 2, truncate=4)
    >>> rnn(np.ones((5, 7, 3))).shape
    (5, 2)
    >>> list(rnn.named_parameters())
    ['cell.W_xh', 'cell.W_hh', 'cell.b_h']

    Source: Elman, Finding structure in time (1990).
    """

    cell: RNNCell  # the first of its cells, set by Recurrent.__init__

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        activation: Activation = tanh,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(lambda size: RNNCell(size, hidden_size, activation), input_size, **options)


class GRU(Recurrent):
    """The gated recurrent unit over a sequence: h_t = cell(x_t, h_(t-1)), for a `GRUCell`. x (B, T,
    D) -> h_T (B, H).

    >>> GRU(3, 2, bidirectional=True, return_sequences=True)(np.ones((5, 7, 3))).shape
    (5, 7, 4)

    Options: see `Recurrent`. Source: Cho et al., Learning phrase representations using RNN
    encoder-decoder (2014).
    """

    cell: GRUCell  # the first of its cells, set by Recurrent.__init__

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        reset_after: bool = True,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(
            lambda size: GRUCell(size, hidden_size, reset_after), input_size, **options
        )


class LSTM(Recurrent):
    """Long short-term memory: (h_t, c_t) = cell(x_t, (h_(t-1), c_(t-1))), for an `LSTMCell`. x (B,
    T, D) -> h_T (B, H).

    >>> output, (h, c) = LSTM(3, 2, return_state=True)(np.ones((5, 7, 3)))
    >>> output is h, c.shape
    (True, (5, 2))

    Options: see `Recurrent`. Source: Hochreiter and Schmidhuber, Long short-term memory (1997).
    """

    cell: LSTMCell  # the first of its cells, set by Recurrent.__init__

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        forget_bias: float = 1.0,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(
            lambda size: LSTMCell(size, hidden_size, forget_bias), input_size, **options
        )


def _cell_name(layer: int, direction: str) -> str:
    """`cell`, `backward_cell`, and in the layers above `cell_2`, `backward_cell_2`, ..."""
    name = "backward_cell" if direction == "backward" else "cell"
    return f"{name}_{layer + 1}" if layer else name


def _side_by_side(parts: list[Tensor], axis: int) -> Tensor:
    return parts[0] if len(parts) == 1 else concatenate(parts, axis=axis)


def _sequence(outputs: list[Any]) -> Tensor:
    """A layer's outputs as one Tensor: (B, T, H), or (B, T, 2H) with both directions side by side.

    Each item is one direction's: a list of Tensors (B, H) over time if it was unrolled, (T, B, H)
    if fused.
    """
    parts = [
        part.transpose(1, 0, 2) if isinstance(part, Tensor) else stack(part, axis=1)
        for part in outputs
    ]
    return _side_by_side(parts, axis=2)


def pool(sequence: TensorLike, how: str, mask: Mask | None = None) -> Tensor:
    """Σ_t x_t / T ("mean") or max x_t ("max") of a sequence (B, T, H), over the steps where `mask`
    (B, T) is True.

    >>> pool(Tensor([[[1.0], [5.0], [9.0]]]), "mean", np.array([[True, True, False]])).array
    array([[3.]], dtype=float32)

    Errors: OptionError for another word (MG220), ShapeError for a sequence of other axes (MG221), a
    mask of another shape or a sequence without a real step (MG222), which has no mean: Keras gives
    NaN. Source: Collobert et al., Natural language processing (almost) from scratch (2011), for the
    maximum.
    """
    _check_choice("pool", "how", how, ["mean", "max"])
    (x,) = as_tensors([sequence])
    if x.ndim != 3:
        raise ShapeError(
            "MG221",
            f"pool takes a sequence of shape (batch, time, features), not {x.shape}",
            cause="it pools over axis 1, which is time",
            remedy="make a recurrent layer with return_sequences=True; x[None] is a batch of one",
        )
    if x.dtype.kind != "f":
        x = Tensor(x.array, dtype=np.float64)
    real = as_mask(mask, None, *x.shape[:2])
    if real is None:
        return x.mean(axis=1) if how == "mean" else x.max(axis=1)
    if how == "max":
        return where(real[:, :, None], x, np.finfo(x.dtype).min).max(axis=1)
    return where(real[:, :, None], x, 0.0).sum(axis=1) / Tensor(
        real.sum(axis=1)[:, None], dtype=x.dtype
    )


def _check_choice(title: str, name: str, value: Any, choices: Sequence[Any]) -> None:
    if value not in choices:
        raise OptionError(
            "MG220",
            f"{title} cannot have {name}={value!r}",
            cause=f"it must be one of {', '.join(map(repr, choices))}",
            remedy="choose one of them",
        )


def _check_options(layer: Recurrent, dropout: float) -> None:
    title = type(layer).__name__
    check_size(title, layers=layer.layers, truncate=1 if layer.truncate is None else layer.truncate)
    for name in ("bidirectional", "return_sequences", "return_state"):
        _check_choice(title, name, getattr(layer, name), [True, False])
    _check_choice(title, "fused", layer.fused, [True, False, None])
    _check_choice(title, "pooling", layer.pooling, ["last", "mean", "max"])
    if layer.return_sequences and layer.pooling != "last":
        raise OptionError(
            "MG220",
            f"{title} cannot have return_sequences together with pooling={layer.pooling!r}",
            cause="the one asks for every step, the other for one vector",
            remedy="leave one of them out; layers.pool pools a sequence",
        )
    if dropout and layer.layers == 1:
        raise OptionError(
            "MG220",
            f"{title} cannot have dropout={dropout!r} with one layer",
            cause="this dropout acts between stacked layers, and there is only one",
            remedy="put a Dropout layer before or after it, or stack two: layers=2",
        )


def _check_input(layer: Recurrent, x: Any, cell: Cell) -> Tensor:
    tensor = x if isinstance(x, Tensor) else Tensor(x, dtype=cell.dtype)
    if tensor.ndim != 3:
        cause = f"it has {tensor.ndim} axes where there should be three: batch, time, features"
    elif tensor.shape[1] == 0:
        cause = "there are zero time steps, so that there is no last state"
    elif tensor.shape[2] != cell.inputs:
        cause = (
            f"its steps have {tensor.shape[2]} features, and the layer was made for {cell.inputs}"
        )
    else:
        return tensor
    raise ShapeError(
        "MG221",
        f"{type(layer).__name__} takes x of shape (batch, time, {cell.inputs}), not {tensor.shape}",
        cause=cause,
        remedy="ids go through an Embedding first; x[:, None, :] is one step, x[None] a batch of "
        "one"
        if tensor.ndim < 4
        else "ids for an Embedding are (batch, time); x.reshape(len(x), -1, features) joins the "
        "axes between",
    )


def _check_states(cells: dict[str, Cell], state: State | None, batch: int) -> dict[str, State]:
    """{name: initial state} of the cells. Errors: ShapeError (MG224) for a state that does not
    fit.
    """
    zeros = [cell.initial_state(batch) for cell in cells.values()]
    if state is None:
        return dict(zip(cells, zeros, strict=True))
    needed = _shapes(zeros[0] if len(zeros) == 1 else zeros)
    if _shapes(state) != needed:
        raise ShapeError(
            "MG224",
            f"this state does not fit a batch of {batch}: its shapes are {_shapes(state)} where "
            f"{needed} is needed",
            cause="it comes from a batch of another size, or from a layer of another kind",
            remedy="pass the state that a call with the same batch size returned, or None for "
            "zeros",
        )
    return dict(zip(cells, [state] if len(cells) == 1 else state, strict=True))


def _shapes(state: State) -> str:
    if isinstance(state, (tuple, list)):
        return "(" + ", ".join(map(_shapes, state)) + ")"
    return str(getattr(state, "shape", type(state).__name__))
