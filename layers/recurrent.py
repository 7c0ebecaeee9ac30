"""Recurrent layers: RNN, GRU and LSTM, which run a cell over a sequence. Each layer can stack
several cells and run in both directions.
"""

import warnings
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from inspect import signature
from typing import Any

import numpy as np

from minigrad import Tensor, concatenate, scope, stack, tanh, where
from minigrad.context import step_name
from minigrad.errors import MinigradError, OptionError, ShapeError
from minigrad.gates.basic import floats
from minigrad.gates.steps import without_padding
from minigrad.gates.unpacking import Handle, Unpaired
from minigrad.help.other_frameworks import answering

from .arguments import Activation, check_sequence
from .cells import (
    Cell,
    GRUCell,
    LSTMCell,
    RNNCell,
    State,
    map_state,
    parts,
    shapes,
    state_misfit,
)
from .dropout import Dropout
from .fused import run_fused, shall_fuse
from .layer import Layer, as_tensor
from .mask import as_mask, warn_of_padding
from .unroll import unroll


class RecurrentOutput(Unpaired):
    """The output of a recurrent layer without return_state. Unpacking it into two names raises an
    error or causes an UnpackingWarning (MG234).
    """

    __slots__ = ()
    result = "the output of a recurrent layer"
    cause = "without return_state=True, the layer returns one Tensor and no state"
    remedy = "for (output, state), make the layer with return_state=True"


class OneStep(Handle):
    """A Tensor (B, H) from a recurrent layer, without a time axis. Indexing it with [:, -1] or [-1],
    as if it had one, causes a warning (MG248).
    """

    __slots__ = ()

    def __getitem__(self, index: Any) -> Tensor:  # type: ignore[override]
        match index if type(index) is tuple else (index,):
            case (int(last),) if last == -1:
                self._warn("[-1]", "sequence", 0)
            case (slice(start=None, stop=None, step=None), int(last)) if last == -1:
                self._warn("[:, -1]", "unit", 1)
        return super().__getitem__(index)

    def _warn(self, index: str, item: str, axis: int) -> None:
        text = MinigradError(
            "MG248",
            f"{index} takes the last {item} of a recurrent layer's result of shape {self.shape}",
            cause="the shape is (batch, hidden): the result is of the last time step already, and "
            "has no axis for steps or layers",
            remedy=f"leave out {index}; for the outputs of all steps, make the layer with "
            f"return_sequences=True; for the last {item}, write "
            f"{index.replace('-1', str(self.shape[axis] - 1))}",
        )
        warnings.warn(UserWarning(str(text)), stacklevel=3)


class LastOutput(OneStep, RecurrentOutput):
    """The output (B, H) of a recurrent layer without return_state and return_sequences."""

    __slots__ = ()


def _fixed(name: str, value: Callable[[Any], Any]) -> Any:
    """Return a property that raises OptionError (MG220) when it is assigned."""

    def refuse(layer: Layer, new: Any) -> None:
        raise OptionError(
            "MG220",
            f"{name} of {type(layer).__name__} cannot be changed to {new!r}",
            cause="the cells were made when the layer was created",
            remedy=f"create a new layer with {name}={new!r}",
        )

    return property(value, refuse)


class Recurrent(Layer):
    """Base class of RNN, GRU and LSTM. By default, x (B, T, D) -> h of the last state, (B, H).
    These options change the output or the computation:

    - `layers=n` stacks n cells. Each cell reads the outputs of the cell below. In training mode,
      `dropout` acts between the cells.
    - `bidirectional` adds a second cell, which reads from the last step to the first. Each output
      (B, 2H) is the forward cell's output followed by the backward cell's output for the same time
      step.
    - `pooling` selects the output: "last" returns each direction's h after its last step. "mean"
      and "max" pool the top layer's outputs.
    - `return_sequences` returns the top layer's outputs at every step, (B, T, H), instead of a
      pooled output.
    - `return_state` returns (output, final state). You can pass the state to the next call as
      `state`. The final state is the cell's state: h (B, H), or (h, c) for an LSTM. With several
      cells, h and c have the shape (cells, B, H), as in PyTorch: forward and backward for each
      layer, from bottom to top. A list with one state for each cell is accepted too.
    - `truncate=k` lets gradients flow back only through the last k steps; see `unroll`.
    - `fused=True` computes the whole sequence with one gate, and `fused=False` records every step
      in the graph. The results agree up to rounding, except that dropout draws different masks. The
      default, None, fuses inside `mg.fused()`, which the Trainer uses, and whenever no graph is
      recorded. Otherwise, every step is recorded.

    To skip padding, pass a `mask` (B, T) that is True at real steps, or the `lengths` (B,) of
    sequences padded at the end. If you pass neither and the last state is computed after padding, a
    PaddingWarning (MG227) is issued. The forward cells are called `cell`, `cell_2` and so on, and
    the backward cells `backward_cell`, `backward_cell_2` and so on. If there are several cells, each
    runs in a scope with its name.

    Two mistakes cause warnings: unpacking an output as if it were (output, state) (MG234; a
    ShapeError unless the batch size is 2), and indexing an output without time steps with [:, -1]
    or [-1] (MG248).

    Errors: OptionError for invalid options (MG143, MG210, MG211, MG212, MG220, MG226); ShapeError
    if x (MG221), a mask (MG222) or a state (MG224) has the wrong shape, and for lengths above T
    (MG223).

    Since: 0.2.
    """

    cell: Cell  # the first cell

    @answering
    def __init__(
        self,
        make_cell: Callable[[int], Cell],
        input_size: int,
        dropout: float = 0.0,
        *,
        layers: int = 1,
        bidirectional: bool = False,
        pooling: str = "last",
        return_sequences: bool = False,
        return_state: bool = False,
        truncate: int | None = None,
        fused: bool | None = None,
    ) -> None:
        self.pooling = pooling
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.truncate = truncate
        self.fused = fused
        title = type(self).__name__
        if return_sequences and pooling != "last":
            raise OptionError(
                "MG220",
                f"{title} cannot combine return_sequences with {pooling=}",
                cause="return_sequences returns every step, and pooling returns a single vector",
                remedy="leave out one of the two options; to pool a sequence, use layers.pool",
            )
        if not (hasattr(layers, "__index__") and layers >= 1):
            raise OptionError(
                "MG220",
                f"{title} cannot have {layers=}",
                cause="a recurrent layer needs at least one cell",
                remedy="set layers, the number of stacked cells, to an integer of 1 or more",
            )
        if dropout and layers == 1:
            raise OptionError(
                "MG220",
                f"{title} cannot use {dropout=} with one layer",
                cause="this dropout acts between stacked layers, but there is only one layer",
                remedy="put a Dropout layer before or after this layer, or stack two layers with "
                "layers=2",
            )
        self._directions = 2 if bidirectional else 1
        size = input_size
        for layer in range(layers):
            for direction in ("cell", "backward_cell")[: self._directions]:
                cell = make_cell(size)
                setattr(self, f"{direction}_{layer + 1}" if layer else direction, cell)
            size = self._directions * cell.hidden
        if layers > 1:
            self.dropout = Dropout(dropout)

    # Changing these after the cells were made would have no effect.
    layers = _fixed("layers", lambda self: len(self.cells()) // self._directions)
    bidirectional = _fixed("bidirectional", lambda self: self._directions == 2)

    def cells(self) -> dict[str, Cell]:
        """Return {name: cell}, from the bottom layer to the top, forward before backward."""
        return {name: member for name, member in self._members.items() if isinstance(member, Cell)}

    def forward(
        self,
        x: Any,
        state: State = None,
        *,
        mask: Any = None,
        lengths: Any = None,
    ) -> Any:
        cells = self.cells()
        x = check_sequence(self, x, self.cell.inputs, self.cell.dtype)
        batch, steps, _ = x.shape
        mask = as_mask(mask, lengths, batch, steps)
        inputs: Any = without_padding(x, mask)
        pools_last = self.pooling == "last" and not self.return_sequences
        if mask is None and pools_last:
            warn_of_padding(type(self).__name__, x)
        states = _initial_states(cells, state, batch)  # final states after the loop
        run: Any = run_fused if shall_fuse(self.fused, list(cells.values())) else unroll

        outputs: list[Any] = []  # one layer's output sequences, one for each direction
        for number, (name, cell) in enumerate(cells.items()):
            backward = number % self._directions == 1
            if number and not backward:
                inputs = self._between(outputs)
                outputs = []
            with scope(name) if len(cells) > 1 else nullcontext():
                sequence, states[name] = run(
                    cell,
                    inputs,
                    states[name],
                    mask=mask,
                    truncate=self.truncate,
                    reverse=backward,
                )
            outputs.append(sequence)

        finals = list(states.values())
        if pools_last:
            output = _side_by_side([parts(final)[0] for final in finals[-self._directions :]])
        else:
            output = _sequence(outputs)
            if not self.return_sequences:
                output = pool(output, self.pooling, mask)
        if not self.return_state:
            return (RecurrentOutput if self.return_sequences else LastOutput).of(output)
        if not self.return_sequences:
            output = OneStep.of(output)
        if len(finals) == 1:
            return output, map_state(OneStep.of, finals[0])
        return output, map_state(lambda *each: stack(each), *finals)

    def _between(self, outputs: list[Any]) -> Any:
        """Return the next layer's inputs: the concatenated outputs of both directions, after
        dropout.
        """
        if isinstance(outputs[0], Tensor):
            return self.dropout(_sequence(outputs))
        inputs = []
        for t, both in enumerate(zip(*outputs, strict=True)):
            with scope(step_name(t, len(outputs[0]))):
                inputs.append(self.dropout(_side_by_side(both)))
        return inputs

    def settings(self) -> str:
        texts = [self.cell.settings()]
        for name, parameter in signature(Recurrent.__init__).parameters.items():
            if parameter.kind is parameter.KEYWORD_ONLY:
                value = getattr(self, name)
                if value != parameter.default:
                    texts.append(f"{name}={value!r}")
        return ", ".join(texts)


class RNN(Recurrent):
    """The simple recurrent network: h_t = tanh(x_t @ W_xh + h_(t-1) @ W_hh + b_h) at each time step
    t.

    x (B, T, D) -> h_T (B, H) by default. See `Recurrent` for the options, and `RNNCell` for
    `activation`.

    >>> rnn = RNN(3, 2, truncate=4)
    >>> rnn(np.ones((5, 7, 3))).shape
    (5, 2)
    >>> list(rnn.named_parameters())
    ['cell.W_xh', 'cell.W_hh', 'cell.b_h']

    Source: Elman, Finding structure in time (1990).

    Since: 0.1.
    """

    cell: RNNCell

    @answering
    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        activation: Activation = tanh,
        **options: Any,
    ) -> None:
        super().__init__(lambda size: RNNCell(size, hidden_size, activation), input_size, **options)


class GRU(Recurrent):
    """The gated recurrent unit over a sequence: h_t = cell(x_t, h_(t-1)), where `cell` is a
    GRUCell. x (B, T, D) -> h_T (B, H).

    >>> GRU(3, 2, bidirectional=True, return_sequences=True)(np.ones((5, 7, 3))).shape
    (5, 7, 4)

    Options: see `Recurrent`. Source: Cho et al., Learning phrase representations using RNN
    encoder-decoder (2014).

    Since: 0.1.
    """

    cell: GRUCell

    @answering
    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        reset_after: bool = True,
        **options: Any,
    ) -> None:
        super().__init__(
            lambda size: GRUCell(size, hidden_size, reset_after), input_size, **options
        )


class LSTM(Recurrent):
    """Long short-term memory: (h_t, c_t) = cell(x_t, (h_(t-1), c_(t-1))), where `cell` is an
    LSTMCell. x (B, T, D) -> h_T (B, H).

    >>> output, (h, c) = LSTM(3, 2, layers=2, return_state=True)(np.ones((5, 7, 3)))
    >>> output.shape, h.shape, c.shape
    ((5, 2), (2, 5, 2), (2, 5, 2))

    Options: see `Recurrent`. Source: Hochreiter and Schmidhuber, Long short-term memory (1997).

    Since: 0.1.
    """

    cell: LSTMCell

    @answering
    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        forget_bias: float = 1.0,
        **options: Any,
    ) -> None:
        super().__init__(
            lambda size: LSTMCell(size, hidden_size, forget_bias), input_size, **options
        )


def _side_by_side(parts: Sequence[Tensor]) -> Tensor:
    return parts[0] if len(parts) == 1 else concatenate(parts, axis=-1)


def _sequence(outputs: list[Any]) -> Tensor:
    """Join a layer's outputs into one Tensor: (B, T, H), or (B, T, 2H) for both directions.

    `outputs` has one item for each direction: a list of T Tensors (B, H) if the layer was unrolled,
    or a Tensor (T, B, H) if it was fused.
    """
    if isinstance(outputs[0], Tensor):
        return _side_by_side([part.transpose(1, 0, 2) for part in outputs])
    return _side_by_side([stack(part, axis=1) for part in outputs])


def pool(sequence: Any, how: str, mask: Any = None) -> Tensor:
    """Σ_t x_t / T ("mean") or max x_t ("max") of a sequence (B, T, H), over the steps where `mask`
    (B, T) is True.

    >>> pool(Tensor([[[1.0], [5.0], [9.0]]]), "mean", np.array([[True, True, False]])).array
    array([[3.]], dtype=float32)

    Errors: OptionError for any other value of `how` (MG220); ShapeError for a sequence that does
    not have three axes (MG221), and for a mask of the wrong shape or a sequence without real steps
    (MG222). For a sequence without real steps, Keras returns NaN instead of raising an error.
    Source: Collobert et al., Natural language processing (almost) from scratch (2011), for the
    maximum.

    Since: 0.1.
    """
    if how not in ("mean", "max"):
        raise OptionError(
            "MG220",
            f"pool has no method {how!r}",
            cause="pool computes the mean or the maximum over the time steps",
            remedy="choose 'mean' or 'max'; a layer also accepts pooling='last'",
        )
    x = as_tensor(sequence)
    if x.ndim != 3:
        raise ShapeError(
            "MG221",
            f"pool takes a sequence of shape (batch, time, features), not {x.shape}",
            cause="pool reduces axis 1, the time axis",
            remedy="make the recurrent layer with return_sequences=True; for a batch of one, "
            "pass x[None]",
        )
    real = as_mask(mask, None, *x.shape[:2])
    if real is None:
        return x.mean(axis=1) if how == "mean" else x.max(axis=1)
    column = real[:, :, None]
    wide = floats(x)
    if how == "max":
        z = where(column, wide, np.finfo(wide.dtype).min).max(axis=1)
    else:
        z = where(column, wide, 0.0).sum(axis=1) / Tensor(column.sum(axis=1), dtype=wide.dtype)
    return z.astype(x.dtype) if x.dtype == np.float16 else z


def _initial_states(cells: dict[str, Cell], state: State, batch: int) -> dict[str, State]:
    """Return {name: initial state} for the cells. Errors: ShapeError (MG224) for a state of the
    wrong shape.
    """
    zeros = {name: cell.initial_state(batch) for name, cell in cells.items()}
    if state is None:
        return zeros
    states = [state] if len(cells) == 1 else _of_each_cell(state, zeros["cell"])
    needed = shapes(*zeros.values())
    if shapes(*states) != needed:
        if len(cells) > 1:
            needed = [(len(cells), *shape) for shape in shapes(zeros["cell"])]
        remedy = "pass a state returned by a call with the same batch size, or None for zeros"
        raise state_misfit(batch, state, needed, remedy)
    return dict(zip(cells, states, strict=True))


def _of_each_cell(state: State, of_one: State) -> list[State]:
    """Split a state of several cells: a tensor (cells, B, H), a tuple of such tensors, or a list
    with the state of each cell, as in snapshots of older versions. `of_one` is the state of one
    cell.
    """
    try:
        items = list(state)
    except TypeError:  # a number
        return []
    axes = [getattr(item, "ndim", None) for item in items]
    joined = type(of_one) is tuple and axes == [1 + part.ndim for part in of_one]
    return list(zip(*items, strict=False)) if joined else items
