"""Lesson 13: a GRU's and an LSTM's cell, from gates that open and close.

Write `forward` of both cells, then the two functions; the text has the equations. Then:

    minigrad course check 13
"""

import numpy as np

import minigrad as mg
from layers import Cell, init


class GRUCell(Cell):
    """One step of a gated recurrent unit. Blocks, from left to right: z, r, n, each H columns
    wide.
    """

    def __init__(self, inputs, hidden):
        super().__init__(inputs, hidden)
        self.W_xh = mg.Tensor(init.glorot_uniform((inputs, 3 * hidden)), requires_grad=True)
        self.W_hh = mg.Tensor(init.orthogonal((hidden, 3 * hidden)), requires_grad=True)
        self.b_xh = mg.Tensor(init.zeros((3 * hidden,)), requires_grad=True)
        self.b_hh = mg.Tensor(init.zeros((3 * hidden,)), requires_grad=True)

    def forward(self, x, h):
        """x (B, D) and the state h (B, H). Returns (the new h, the new h): the output, and the
        state. H is self.hidden.

        Use mg.sigmoid and mg.tanh. a[:, 2:5] are columns 2, 3 and 4 of a Tensor, as of an array.
        """
        raise NotImplementedError("not written yet")


class LSTMCell(Cell):
    """One step of a long short-term memory. Blocks, from left to right: i, f, g, o, each H columns
    wide.
    """

    state_names = ("h", "c")

    def __init__(self, inputs, hidden):
        super().__init__(inputs, hidden)
        self.W_xh = mg.Tensor(init.glorot_uniform((inputs, 4 * hidden)), requires_grad=True)
        self.W_hh = mg.Tensor(init.orthogonal((hidden, 4 * hidden)), requires_grad=True)
        self.b = mg.Tensor(init.zeros((4 * hidden,)), requires_grad=True)

    def forward(self, x, state):
        """x (B, D); state is the pair (h, c), both (B, H). Returns (the new h, (the new h, the new
        c)).
        """
        raise NotImplementedError("not written yet")


def first_bias(hidden, forget):
    """The bias b that an LSTM starts from, an array (4 * hidden,): 0, but `forget` in the forget
    gate's block.
    """
    raise NotImplementedError("not written yet")


def memory_left(bias, steps):
    """The share of c that is left after so many steps in which nothing new is written (i = 0).

    bias   what stands in the forget gate's sigmoid at each of the steps
    """
    raise NotImplementedError("not written yet")


if __name__ == "__main__":
    x, cell = mg.Tensor(np.ones((1, 3))), GRUCell(3, 2)
    print("GRU: ", cell(x, cell.initial_state(1))[0])
    cell = LSTMCell(3, 2)
    print("LSTM:", cell(x, cell.initial_state(1))[0])
    for bias in (0, 1, 3, 5):
        print(
            f"forget bias {bias}: after 39 steps {memory_left(bias, 39):.1e} of the memory is left"
        )
    print("to start from:", first_bias(2, 1.0))
