"""Common wrong solutions to lesson 13."""

from minigrad.course.lesson import Slip

_GRU_CODE = """
def forward(self, x, h):
    H = self.hidden
    a = x @ self.W_xh + self.b_xh
    s = h @ self.W_hh + self.b_hh
    {z} = mg.sigmoid(a[:, :H] + s[:, :H])
    {r} = mg.sigmoid(a[:, H : 2 * H] + s[:, H : 2 * H])
    n = mg.tanh({n})
    h = {h}
    return h, h
GRUCell.forward = forward
"""
_LSTM_CODE = """
def forward(self, x, state):
    H, (h, c) = self.hidden, state
    a = x @ self.W_xh + h @ self.W_hh + self.b
    i, f, {g}, {o} = a[:, :H], a[:, H : 2 * H], a[:, 2 * H : 3 * H], a[:, 3 * H :]
    i, f, g, o = mg.sigmoid(i), mg.sigmoid(f), {candidate}(g), mg.sigmoid(o)
    old = c
    c = {c}
    h = {h}
    return h, (h, c)
LSTMCell.forward = forward
"""


def _gru(z="z", r="r", n="a[:, 2 * H :] + r * s[:, 2 * H :]", h="(1 - z) * n + z * h"):
    return _GRU_CODE.format(z=z, r=r, n=n, h=h)


def _lstm(g="g", o="o", candidate="mg.tanh", c="f * c + i * g", h="o * mg.tanh(c)"):
    return _LSTM_CODE.format(g=g, o=o, candidate=candidate, c=c, h=h)


_N = "n = tanh(a_n + r ⊙ s_n), where s_n = h @ W_hn + b_hn includes its bias"
_LEFT = "σ(bias) to the power of the number of steps, where σ(bias) = 1 / (1 + e^-bias)"

SLIPS = (
    Slip(
        "no forget gate",
        _lstm(c="c + i * g"),
        "Your cell only adds to the memory. The LSTM of 1997 did that: it had no forget gate, and "
        "its memory grew without limit. Here, multiply the old memory by the forget gate first.",
        "c' = f ⊙ c + i ⊙ g",
    ),
    Slip(
        "update gate inverted",
        _gru(h="z * n + (1 - z) * h"),
        "Where your update gate is 1, the new state is the candidate. In this course, as in "
        "PyTorch and Keras, 1 means keep. Some papers do the opposite.",
        "h' = (1 - z) ⊙ n + z ⊙ h",
    ),
    Slip(
        "no reset gate",
        _gru(n="a[:, 2 * H :] + s[:, 2 * H :]"),
        "Your candidate uses the whole old state, as in a plain recurrent network. Multiply the "
        "state's part by the reset gate.",
        _N,
    ),
    Slip(
        "reset gate before the product",
        _gru(n="a[:, 2 * H :] + (r * h) @ self.W_hh[:, 2 * H :] + self.b_hh[2 * H :]"),
        "Your reset gate multiplies the old state before the matrix product, as in the first paper"
        " on the GRU. Here it multiplies the result of the product.",
        _N,
    ),
    Slip(
        "second bias outside the reset gate",
        _gru(n="a[:, 2 * H :] + self.b_hh[2 * H :] + r * (h @ self.W_hh[:, 2 * H :])"),
        "You add the candidate's recurrent bias after the reset gate. The reset gate must multiply"
        " this bias too. This is the only place where the two biases have different effects.",
        _N,
    ),
    Slip(
        "reset and update blocks swapped",
        _gru(z="r", r="z"),
        "You use the first two blocks in the order r, z, as PyTorch does. Here the columns of z "
        "come first.",
        "columns 0 to H - 1: z; H to 2H - 1: r; 2H to 3H - 1: n",
    ),
    Slip(
        "candidate and output blocks swapped",
        _lstm(g="o", o="g"),
        "You use the last two blocks in the order o, g. Both have the same shape, so there is no "
        "error.",
        "columns 0 to H - 1: i; H to 2H - 1: f; 2H to 3H - 1: g; 3H to 4H - 1: o",
    ),
    Slip(
        "sigmoid for the candidate",
        _lstm(candidate="mg.sigmoid"),
        "The candidate is the value to write, not a gate. With a sigmoid it is never negative, so "
        "the cell could not lower the memory.",
        "g = tanh(a_g); only i, f and o are sigmoids",
    ),
    Slip(
        "tanh of the memory missing",
        _lstm(h="o * c"),
        "Your output is the memory times the output gate. But the memory can be outside the range "
        "from -1 to 1, so apply tanh to it first.",
        "h' = o ⊙ tanh(c')",
    ),
    Slip(
        "output from the old memory",
        _lstm(h="o * mg.tanh(old)"),
        "Your output uses the memory from before this step, so each word's effect arrives one step"
        " late.",
        "h' = o ⊙ tanh(c'), with the new c'",
    ),
    Slip(
        "memory without its history",
        _lstm(c="f * c.array + i * g"),
        "All values are right, but you use the old memory as a plain array. So the gradient cannot"
        " go back along the memory, and that path is the purpose of the cell.",
        "c' = f ⊙ c + i ⊙ g, where c is the Tensor, not its array",
    ),
    Slip(
        "bias in the input gate's block",
        "def first_bias(hidden, forget):\n    b = np.zeros(4 * hidden)\n    b[:hidden] = forget\n "
        "   return b",
        "The first block belongs to the input gate. With your bias, the cell writes more but "
        "forgets as much as before.",
        "elements H to 2H - 1 of b belong to f",
    ),
    Slip(
        "bias used as the gate",
        "def memory_left(bias, steps):\n    return float(bias) ** steps",
        "The bias is the input of the sigmoid. The memory is multiplied by its output.",
        _LEFT,
    ),
    Slip(
        "removed shares added up",
        "def memory_left(bias, steps):\n    return 1 - steps * (1 - 1 / (1 + np.exp(-bias)))",
        "Each step removes a share of the memory that is still there, not of the memory at the "
        "start. So multiply the shares.",
        _LEFT,
    ),
    Slip(
        "reset gate on both parts",
        _gru(n="r * (a[:, 2 * H :] + s[:, 2 * H :])"),
        "Your reset gate multiplies the word's part too, so a closed gate hides the word. Apply it"
        " to the state's part only.",
        _N,
    ),
    Slip(
        "recurrent bias forgotten",
        _gru().replace(" + self.b_hh", ""),
        "The state's part has its own bias, b_hh, and you do not use it.",
        "s = h @ W_hh + b_hh",
    ),
    Slip(
        "only one return value",
        _gru().replace("return h, h", "return h"),
        "A cell returns two values, its output and its next state, even if the two are the same.",
        "return h, h",
    ),
    Slip(
        "input and forget blocks swapped",
        _lstm().replace("i, f, g, o = a", "f, i, g, o = a"),
        "You use the first two blocks in the order f, i. Both have the same shape, so there is no "
        "error.",
        "columns 0 to H - 1: i; H to 2H - 1: f; 2H to 3H - 1: g; 3H to 4H - 1: o",
    ),
    Slip(
        "h and c swapped in the state",
        _lstm().replace("return h, (h, c)", "return h, (c, h)"),
        "Your pair is in the wrong order. The next step would use the memory as the output and the"
        " output as the memory.",
        "return h', (h', c')",
    ),
    Slip(
        "the bias set for all gates",
        "def first_bias(hidden, forget):\n    return np.full(4 * hidden, float(forget))",
        "With your bias, every gate starts more open, and the candidate is not near 0. Only the "
        "forget gate should start more open.",
        "elements H to 2H - 1 of b belong to f",
    ),
    Slip(
        "wrong sign in the exponent",
        "def memory_left(bias, steps):\n    return (1 / (1 + np.exp(bias))) ** steps",
        "That is the share that a step removes, because σ(-a) = 1 - σ(a). The minus sign in the "
        "exponent is missing.",
        _LEFT,
    ),
)
