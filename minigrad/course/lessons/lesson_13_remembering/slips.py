"""Well-known wrong solutions of lesson 13."""

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


_N = "n = tanh(a_n + r ⊙ s_n), where s_n = h @ W_hn + b_hn, its bias included"
_LEFT = "σ(bias) to the power of the number of steps, where σ(bias) = 1 / (1 + e^-bias)"

SLIPS = (
    Slip(
        "an LSTM that never forgets",
        _lstm(c="c + i * g"),
        "The memory is only added to. That was the LSTM of 1997; it had no forget gate, and its "
        "memory grew without end. Here the old memory passes a gate first.",
        "c' = f ⊙ c + i ⊙ g",
    ),
    Slip(
        "update gate the wrong way round",
        _gru(h="z * n + (1 - z) * h"),
        "Where the update gate is 1, the new state is all candidate. In this text, as in PyTorch "
        "and Keras, 1 means keep; some papers have it the other way.",
        "h' = (1 - z) ⊙ n + z ⊙ h",
    ),
    Slip(
        "no reset gate",
        _gru(n="a[:, 2 * H :] + s[:, 2 * H :]"),
        "The candidate sees the whole old state, as in a plain recurrent network. There is a gate "
        "between them.",
        _N,
    ),
    Slip(
        "reset before the product",
        _gru(n="a[:, 2 * H :] + (r * h) @ self.W_hh[:, 2 * H :] + self.b_hh[2 * H :]"),
        "The reset gate acts on the old state, before its matrix product. That is the GRU of the "
        "first paper; here it acts on what comes out of the product.",
        _N,
    ),
    Slip(
        "second bias outside of the reset",
        _gru(n="a[:, 2 * H :] + self.b_hh[2 * H :] + r * (h @ self.W_hh[:, 2 * H :])"),
        "The recurrent bias of the candidate is added beside the reset gate instead of being "
        "reset with the rest. This is the one place where the two biases differ.",
        _N,
    ),
    Slip(
        "reset and update blocks exchanged",
        _gru(z="r", r="z"),
        "The first two blocks are taken in the order r, z, which is PyTorch's. Here the columns "
        "of z come first.",
        "columns 0 to H - 1: z; H to 2H - 1: r; 2H to 3H - 1: n",
    ),
    Slip(
        "candidate and output blocks exchanged",
        _lstm(g="o", o="g"),
        "The last two blocks are taken in the order o, g. Both have the same shape, so that "
        "nothing complains.",
        "columns 0 to H - 1: i; H to 2H - 1: f; 2H to 3H - 1: g; 3H to 4H - 1: o",
    ),
    Slip(
        "sigmoid for the candidate",
        _lstm(candidate="mg.sigmoid"),
        "The candidate is what is written, not how much of it. With a sigmoid it could never be "
        "negative, and the memory could never be lowered.",
        "g = tanh(a_g); only i, f and o are sigmoids",
    ),
    Slip(
        "tanh of the memory forgotten",
        _lstm(h="o * c"),
        "The output is the memory times the output gate. But the memory may lie outside of -1 to "
        "1, and is squeezed before it is shown.",
        "h' = o ⊙ tanh(c')",
    ),
    Slip(
        "output of the old memory",
        _lstm(h="o * mg.tanh(old)"),
        "The output shows the memory as it was before this step: what the word wrote arrives one "
        "step late.",
        "h' = o ⊙ tanh(c'), with the new c'",
    ),
    Slip(
        "memory without its history",
        _lstm(c="f * c.array + i * g"),
        "All values are right, but the old memory enters as plain numbers. The gradient cannot go "
        "back along it, and that way back is what the cell is built for.",
        "c' = f ⊙ c + i ⊙ g, with c the Tensor and not its array",
    ),
    Slip(
        "bias in the input gate's block",
        "def first_bias(hidden, forget):\n    b = np.zeros(4 * hidden)\n    b[:hidden] = forget\n "
        "   return b",
        "That block comes first and belongs to the input gate. More would be written, and as much "
        "forgotten as before.",
        "places H to 2H - 1 of b belong to f",
    ),
    Slip(
        "bias taken for the gate",
        "def memory_left(bias, steps):\n    return float(bias) ** steps",
        "The bias is what goes into the sigmoid. The memory is multiplied by what comes out of it.",
        _LEFT,
    ),
    Slip(
        "losses added up",
        "def memory_left(bias, steps):\n    return 1 - steps * (1 - 1 / (1 + np.exp(-bias)))",
        "Each step takes a share of what is still there, and not of what was there at first. "
        "Shares of shares are multiplied.",
        _LEFT,
    ),
    Slip(
        "reset of both parts",
        _gru(n="r * (a[:, 2 * H :] + s[:, 2 * H :])"),
        "The reset gate multiplies the word's part too, so that a shut gate hides the word. It is "
        "meant for the state's part alone.",
        _N,
    ),
    Slip(
        "recurrent bias forgotten",
        _gru().replace(" + self.b_hh", ""),
        "The state's part has a bias of its own, b_hh, and it is not used.",
        "s = h @ W_hh + b_hh",
    ),
    Slip(
        "one of two",
        _gru().replace("return h, h", "return h"),
        "A cell returns two things, its output and its next state, also where the two are the "
        "same.",
        "return h, h",
    ),
    Slip(
        "input and forget blocks exchanged",
        _lstm().replace("i, f, g, o = a", "f, i, g, o = a"),
        "The first two blocks are taken in the order f, i. Both have the same shape, so that "
        "nothing complains.",
        "columns 0 to H - 1: i; H to 2H - 1: f; 2H to 3H - 1: g; 3H to 4H - 1: o",
    ),
    Slip(
        "h and c exchanged in the state",
        _lstm().replace("return h, (h, c)", "return h, (c, h)"),
        "The next step will take the memory for the output, and the output for the memory.",
        "return h', (h', c')",
    ),
    Slip(
        "the bias of all gates",
        "def first_bias(hidden, forget):\n    return np.full(4 * hidden, float(forget))",
        "Every gate starts more open, and the candidate starts away from 0. Only the forget gate "
        "should.",
        "places H to 2H - 1 of b belong to f",
    ),
    Slip(
        "sign of the exponent",
        "def memory_left(bias, steps):\n    return (1 / (1 + np.exp(bias))) ** steps",
        "That is the share that a step takes away, since σ(-a) = 1 - σ(a). The minus in the "
        "exponent is missing.",
        _LEFT,
    ),
)
