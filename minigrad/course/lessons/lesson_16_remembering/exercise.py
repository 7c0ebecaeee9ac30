"""Lesson 16: build a GRU cell and an LSTM cell from gates that open and close.

Write `GRUCell.forward` and run the check. When the GRU is right, write
`LSTMCell.forward`, and then the two functions. The text contains the equations
and one step of each cell in numbers.

    minigrad course check 16
"""

import numpy as np

import minigrad as mg
from layers import Cell, init


class GRUCell(Cell):
    """One step of a gated recurrent unit.

    From left to right, the blocks are z, r, and n. Each is H columns wide.
    """

    def __init__(self, inputs, hidden):
        super().__init__(inputs, hidden)
        W_xh = init.glorot_uniform((inputs, 3 * hidden))
        W_hh = init.orthogonal((hidden, 3 * hidden))
        self.W_xh = mg.Tensor(W_xh, requires_grad=True)
        self.W_hh = mg.Tensor(W_hh, requires_grad=True)
        self.b_xh = mg.Tensor(init.zeros((3 * hidden,)), requires_grad=True)
        self.b_hh = mg.Tensor(init.zeros((3 * hidden,)), requires_grad=True)

    def forward(self, x, h):
        """Return (the new h, the new h): the output and the state.

        x is (B, D), the state h is (B, H), and H is self.hidden. Use mg.sigmoid
        and mg.tanh. As with arrays, a[:, 2:5] selects columns 2, 3 and 4 of a
        Tensor.
        """
        raise NotImplementedError("not written yet")


class LSTMCell(Cell):
    """One step of a long short-term memory.

    From left to right, the blocks are i, f, g, and o. Each is H columns wide.
    """

    state_names = ("h", "c")

    def __init__(self, inputs, hidden):
        super().__init__(inputs, hidden)
        W_xh = init.glorot_uniform((inputs, 4 * hidden))
        W_hh = init.orthogonal((hidden, 4 * hidden))
        self.W_xh = mg.Tensor(W_xh, requires_grad=True)
        self.W_hh = mg.Tensor(W_hh, requires_grad=True)
        self.b = mg.Tensor(init.zeros((4 * hidden,)), requires_grad=True)

    def forward(self, x, state):
        """Return (the new h, (the new h, the new c)).

        x is (B, D). The state is the pair (h, c), both (B, H).
        """
        raise NotImplementedError("not written yet")


def first_bias(hidden, forget):
    """Return the initial bias b of an LSTM, an array (4 * hidden,).

    It is `forget` in the forget gate's block, and 0 elsewhere.
    """
    raise NotImplementedError("not written yet")


def memory_left(bias, steps):
    """Return the share of c that is left after `steps` steps if nothing new is
    written (i = 0).

    bias   the number that goes into the forget gate's sigmoid at each step
    """
    raise NotImplementedError("not written yet")


if __name__ == "__main__":
    x, cell = mg.Tensor(np.ones((1, 3))), GRUCell(3, 2)
    print("GRU: ", cell(x, cell.initial_state(1))[0])
    cell = LSTMCell(3, 2)
    print("LSTM:", cell(x, cell.initial_state(1))[0])
    for bias in (0, 1, 3, 5):
        left = memory_left(bias, 39)
        print(f"forget bias {bias}: after 39 steps {left:.1e} of c is left")
    print("to start from:", first_bias(2, 1.0))
