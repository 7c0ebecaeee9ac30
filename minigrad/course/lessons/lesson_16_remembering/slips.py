"""Common wrong solutions to lesson 16."""

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

_OTHER = (
    ("z", ":H", "r", "H : 2 * H"),
    ("r", "H : 2 * H", "z", ":H"),
    ("n", "2 * H :", "r", "H : 2 * H"),
    ("n", "2 * H :", "z", ":H"),
)

SLIPS = (
    *(
        Slip(
            "the state's part of another gate",
            _gru().replace(f" s[:, {own}]", f" s[:, {other}]"),
            f"In your code, {gate} uses the columns of the state's part that belong to {wrong}.",
            "columns 0 to H - 1: z; H to 2H - 1: r; 2H to 3H - 1: n",
        )
        for gate, own, wrong, other in _OTHER
    ),
    Slip(
        "update gate inverted",
        _gru(h="z * n + (1 - z) * h"),
        "Where your update gate is 1, the new state is the candidate. In this course, as in "
        "PyTorch and Keras, 1 means keep. Some papers do the opposite.",
        "h' = (1 - z) ⊙ n + z ⊙ h",
    ),
    Slip(
        "z subtracted in the mix",
        _gru(h="n - z + z * h"),
        "Your mix subtracts z itself. The candidate must be multiplied by the whole difference 1 - z. Are "
        "brackets missing?",
        "h' = (1 - z) ⊙ n + z ⊙ h",
    ),
    Slip(
        "old state without its history",
        _gru(h="(1 - z) * n + z * h.array"),
        "All values are right, but your mix uses the old state as a plain array. So the gradient cannot go "
        "back along the state.",
        "h' = (1 - z) ⊙ n + z ⊙ h, where h is the Tensor, not its array",
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
        "z and r have exchanged their jobs. Either you use the first two blocks in the order r, z, as "
        "PyTorch does, or the right gates in each other's place. The columns of z come first.",
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
        "removed shares added up",
        "def memory_left(bias, steps):\n    return 1 - steps * (1 - 1 / (1 + np.exp(-bias)))",
        "Each step removes a share of the memory that is still there, not of the memory at the "
        "start. So multiply the shares.",
        _LEFT,
    ),
    Slip(
        "the forgotten share",
        "def memory_left(bias, steps):\n    return (1 / (1 + np.exp(bias))) ** steps",
        "At each step you multiply by 1 - f, the share that is forgotten. Do you use 1 - f, or is the sign of "
        "the exponent in the sigmoid wrong?",
        _LEFT,
    ),
    Slip(
        "the share that is gone",
        "def memory_left(bias, steps):\n    return 1 - (1 / (1 + np.exp(-bias))) ** steps",
        "You return the share of the memory that is gone. Return the share that is left.",
        _LEFT,
    ),
    Slip(
        "the gate upside down",
        "def memory_left(bias, steps):\n    return (1 + np.exp(-bias)) ** steps",
        "Your result is above 1, and it grows. The gate is 1 divided by your factor.",
        _LEFT,
    ),
    Slip(
        "no sigmoid",
        "def memory_left(bias, steps):\n    return bias ** steps",
        "You use the bias as if it were the gate. The gate is the sigmoid of the bias.",
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
        "input and forget blocks swapped",
        _lstm().replace("i, f, g, o = a", "f, i, g, o = a"),
        "i and f have exchanged their jobs. Either you use the first two blocks in the order f, i, or the "
        "right gates in each other's place. Both have the same shape, so there is no error.",
        "columns 0 to H - 1: i; H to 2H - 1: f; 2H to 3H - 1: g; 3H to 4H - 1: o",
    ),
    Slip(
        "h and c swapped in the old state",
        _lstm().replace("(h, c) = self.hidden", "(c, h) = self.hidden"),
        "You take the old memory for h and the old h for the memory. The pair is (h, c).",
        "h, c = state",
    ),
    Slip(
        "bias added twice",
        _lstm().replace("+ self.b\n", "+ 2 * self.b\n"),
        "Your bias counts twice. The LSTM has a single bias for the two parts together.",
        "a = x @ W_xh + h @ W_hh + b",
    ),
    Slip(
        "no input gate of its own",
        _lstm(c="f * c + (1 - f) * g"),
        "You mix the memory and the candidate as in a GRU. In an LSTM, the input gate i decides how much is "
        "added.",
        "c' = f ⊙ c + i ⊙ g",
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
        "only the state returned",
        _lstm().replace("return h, (h, c)", "return h, c"),
        "You return h' and c', which are the two parts of the state. A cell returns its output and its state, and "
        "the state is itself a pair.",
        "return h', (h', c')",
    ),
)
