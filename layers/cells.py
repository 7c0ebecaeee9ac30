"""The recurrent cells RNNCell, GRUCell and LSTMCell. A cell computes one time step: it takes an
input x and a state and returns an output and the next state.

Shapes: x (B, D), state (B, H), where B is the batch size, D the input size, and H the hidden size.
Initially, input weights are Glorot-uniform, recurrent weights are orthogonal, and biases are 0. A
matrix shared by several gates has a block of H columns for each gate. Each class documents the
order of its blocks.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from minigrad import Tensor, sigmoid, tanh, where
from minigrad.errors import ShapeError
from minigrad.gates.basic import Tanh
from minigrad.gates.steps import gru_step, lstm_step
from minigrad.graph import Array
from minigrad.help.other_frameworks import answering

from .arguments import Activation, check_function, function_name, parameter
from .init import glorot_uniform, orthogonal, zeros
from .layer import Layer

State = Any  # one Tensor (B, H), or a tuple of such Tensors


class Cell(Layer):
    """Base class of all cells: `forward(x, state) -> (output, state)`. The output is the state's
    first tensor, h.

    To write your own cell for `unroll`, subclass Cell and list the names of the state's tensors in
    `state_names`.

    >>> class Halving(Cell):                     # h' = h / 2 + x
    ...     def forward(self, x, state):
    ...         state = state / 2 + x
    ...         return state, state
    >>> Halving(1, 1)(Tensor([[1.0]]), Tensor([[4.0]]))[0].array
    array([[3.]], dtype=float32)

    Errors: see Layer.

    Since: 0.1.
    """

    state_names: tuple[str, ...] = ("h",)

    def __init__(self, inputs: int, hidden: int) -> None:
        self.inputs = inputs
        self.hidden = hidden

    def _make_weights(self, blocks: int) -> None:
        """Create W_xh (D, blocks · H) and W_hh (H, blocks · H)."""
        columns = blocks * self.hidden
        self.W_xh = parameter(glorot_uniform, (self.inputs, columns))
        self.W_hh = parameter(orthogonal, (self.hidden, columns))

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the cell's computations, which is the dtype of its first parameter, or
        float32 if there are no parameters.
        """
        first = next(iter(self._members.values()), None)
        return np.dtype(getattr(first, "dtype", np.float32))

    def masked_step(
        self,
        x: Tensor,
        state: State,
        real: Array | None = None,
    ) -> State:
        """Run one step and return the new state. Rows where `real` (B, 1) is False keep their
        previous state.
        """
        _, following = self.forward(x, state)
        return following if real is None else map_state(partial(where, real), following, state)

    def initial_state(self, batch: int) -> State:
        """Return the state before the first step: zeros of shape (batch, H)."""
        shape = batch, self.hidden
        state = [Tensor(np.zeros(shape, self.dtype), name=f"{name}0") for name in self.state_names]
        return state[0] if len(state) == 1 else tuple(state)

    def settings(self) -> str:
        return f"{self.inputs}, {self.hidden}"


class RNNCell(Cell):
    """h' = tanh(x @ W_xh + h @ W_hh + b_h): the simple recurrent network. The output is h'.

    The parameters are W_xh (D, H), W_hh (H, H) and b_h (H,). To replace tanh, pass another function
    as `activation`, such as mg.relu.

    >>> cell = RNNCell(3, 2)
    >>> output, state = cell(Tensor([[1.0, 2.0, 3.0]]), cell.initial_state(1))
    >>> output.shape, output is state
    ((1, 2), True)

    Errors: OptionError for sizes below 1 (MG210) and for an activation that is not a function
    (MG211). Source: Elman, Finding structure in time (1990).

    Since: 0.1.
    """

    @answering
    def __init__(
        self,
        inputs: int,
        hidden: int,
        activation: Activation = tanh,
    ) -> None:
        super().__init__(inputs, hidden)
        check_function(activation)
        self.activation = activation
        self._make_weights(blocks=1)
        self.b_h = parameter(zeros, (hidden,))

    def forward(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        h = self.activation(x @ self.W_xh + state @ self.W_hh + self.b_h)
        return h, h

    def settings(self) -> str:
        settings = super().settings()
        if type(self.activation) is Tanh:
            return settings
        return f"{settings}, {function_name(self.activation)}"


class GRUCell(Cell):
    """The gated recurrent unit (GRU). The update gate z controls how much of the old state is kept.
    The reset gate r controls how much of the old state enters the candidate n.

        z  = σ(x @ W_xz + b_xz + h @ W_hz + b_hz)
        r  = σ(x @ W_xr + b_xr + h @ W_hr + b_hr)
        n  = tanh(x @ W_xn + b_xn + r ⊙ (h @ W_hn + b_hn))        reset_after=True
        n  = tanh(x @ W_xn + b_xn + (r ⊙ h) @ W_hn)               reset_after=False
        h' = (1 - z) ⊙ n + z ⊙ h = n + z ⊙ (h - n)

    The parameters are W_xh (D, 3H), W_hh (H, 3H), b_xh (3H,) and, if reset_after is True, b_hh
    (3H,). Their blocks are in the order z, r, n. By default, the reset gate is applied after the
    matrix product, as in PyTorch and Keras. The output is h'.

    >>> cell = GRUCell(3, 2)
    >>> output, state = cell(Tensor([[1.0, 2.0, 3.0]]), cell.initial_state(1))
    >>> output.shape, output is state
    ((1, 2), True)

    Errors: OptionError for sizes below 1 (MG210). Sources: Cho et al., Learning phrase
    representations using RNN encoder-decoder (2014), for reset_after=False; Keras's and PyTorch's
    documentation for reset_after=True.

    Since: 0.1.
    """

    @answering
    def __init__(
        self,
        inputs: int,
        hidden: int,
        reset_after: bool = True,
    ) -> None:
        super().__init__(inputs, hidden)
        self.reset_after = reset_after
        self._make_weights(blocks=3)
        self.b_xh = parameter(zeros, (3 * hidden,))
        if reset_after:
            self.b_hh = parameter(zeros, (3 * hidden,))

    def forward(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        H = self.hidden
        h = state
        a = x @ self.W_xh + self.b_xh
        if self.reset_after:
            h, gates = gru_step(a, h, self.W_hh, self.b_hh)
        else:
            zr = sigmoid(a[:, : 2 * H] + h @ self.W_hh[:, : 2 * H])
            z = zr[:, :H]
            r = zr[:, H:]
            n = tanh(a[:, 2 * H :] + (r * h) @ self.W_hh[:, 2 * H :])
            h = n + z * (h - n)
            gates = {"z": z, "r": r, "n": n}
        self.note(**gates)
        return h, h

    def settings(self) -> str:
        return super().settings() + ", reset_after=False" * (not self.reset_after)


class LSTMCell(Cell):
    """Long short-term memory (LSTM). The state is (h, c), where h is the output and c is the
    memory. Only gating and addition change c.

        i  = σ(x @ W_xi + h @ W_hi + b_i)         the input gate
        f  = σ(x @ W_xf + h @ W_hf + b_f)         the forget gate
        g  = tanh(x @ W_xg + h @ W_hg + b_g)      the candidate
        o  = σ(x @ W_xo + h @ W_ho + b_o)         the output gate
        c' = f ⊙ c + i ⊙ g
        h' = o ⊙ tanh(c')

    The parameters are W_xh (D, 4H), W_hh (H, 4H) and b (4H,). Their blocks are in the order i, f,
    g, o. The forget gate's bias starts at `forget_bias`. With the default of 1, the cell keeps most
    of its memory until it learns to forget. The output is h'.

    >>> cell = LSTMCell(3, 2)
    >>> output, (h, c) = cell(Tensor([[1.0, 2.0, 3.0]]), cell.initial_state(1))
    >>> output is h, c.shape
    (True, (1, 2))

    Errors: OptionError for sizes below 1 (MG210). Sources: Hochreiter and Schmidhuber, Long
    short-term memory (1997); Gers et al., Learning to forget (2000), for the forget gate;
    Jozefowicz et al. (2015) for its bias.

    Since: 0.1.
    """

    state_names = ("h", "c")

    @answering
    def __init__(
        self,
        inputs: int,
        hidden: int,
        forget_bias: float = 1.0,
    ) -> None:
        super().__init__(inputs, hidden)
        self._make_weights(blocks=4)
        b = zeros((4 * hidden,))
        b[hidden : 2 * hidden] = forget_bias
        self.b = Tensor(b, requires_grad=True)

    def forward(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        state = self._step(x, state)
        return state[0], state

    def masked_step(
        self,
        x: Tensor,
        state: State,
        real: Array | None = None,
    ) -> State:
        if type(self).forward is not LSTMCell.forward:  # overridden, so _step does not apply
            return super().masked_step(x, state, real)
        return self._step(x, state, real)

    def _step(
        self,
        x: Tensor,
        state: State,
        real: Array | None = None,
    ) -> State:
        h, c = state
        h, c, gates = lstm_step(x @ self.W_xh + self.b, h, c, self.W_hh, real)
        self.note(**gates)
        return h, c


def map_state(function: Callable[..., Tensor], *states: State) -> State:
    """Apply the function to each tensor of a state, or to the corresponding tensors of several
    states. A state of None remains None.
    """
    if states[0] is None:
        return None
    if isinstance(states[0], (tuple, list)):
        return tuple(map_state(function, *parts) for parts in zip(*states, strict=True))
    return function(*states)


def parts(state: State) -> Sequence[Tensor]:
    """Return the tensors of a cell's state. The first tensor is the output h."""
    return state if isinstance(state, (tuple, list)) else (state,)


def shapes(*states: State) -> list[Any]:
    """Return the shapes of the tensors in states, and None for anything else."""
    return [getattr(part, "shape", None) for state in states for part in parts(state)]


def state_misfit(
    batch: int,
    state: State,
    needed: list[Any],
    remedy: str,
) -> ShapeError:
    """Return the error for a state that does not have the `needed` shapes."""
    return ShapeError(
        "MG224",
        f"the state does not match a batch of {batch}: it has shapes {shapes(state)} instead of "
        f"{needed}",
        cause="the state comes from a batch of a different size or from a different kind of layer",
        remedy=remedy,
    )
