"""Typical wrong answers to lesson 16. Each one replaces a part of the solution."""

from minigrad.course.checking.lesson import Slip
from minigrad.course.checking.registry import lesson

SOLUTION = lesson(16).read("solution.py")
SLIPS = tuple(Slip(name, SOLUTION.replace(old, new), kind) for name, old, new, kind in (
    ("update gate inverted", "(1 - z) * n + z * h", "z * n + (1 - z) * h",
     "Where your update gate is 1, the new state is the candidate. In this course, as in PyTorch and Keras, 1 means "
     "keep. Some papers do the opposite."),
    *((f"{state} without its history", old, new, f"All values are right, but you use the {state} as a plain array. So "
       "the gradient cannot go back along it, and that path is the purpose of the cell.")
      for state, old, new in (("old state", "z * h\n", "z * h.array\n"),
                              ("old state", "return h, h\n", "return h, h.detach()\n"),
                              ("old memory", "f * c", "f * c.array"))),
    ("a single result", "return h, h\n", "return h\n",
     "A cell returns two things: its output and its next state. In the GRU, both are h', so return it twice."),
    ("the old memory in the state", "        c = f * c + i * g\n        h = o * mg.tanh(c)",
     "        new = f * c + i * g\n        h = o * mg.tanh(new)",
     "The output is right, but the state contains the old memory. Return the new one, c'."),
    ("forget gate inverted", "f * c", "(1 - f) * c",
     "You keep the share 1 - f of the memory. Where the forget gate is 1, the memory stays."),
    ("the state without h'", "return h, (h, c)", "return h, c", "The state is the pair (h', c'), not c' alone."),
    ("the memory as output", "return h, (h, c)", "return c, (h, c)", "The output is h', not c'."),
    ("reset gate before the product", "r * s[:, 2 * H :]", "(r * h) @ self.W_hh[:, 2 * H :] + self.b_hh[2 * H :]",
     "Your reset gate multiplies the old state before the matrix product, as in the first paper on the GRU. Here it "
     "multiplies the result of the product."),
    ("second bias outside the reset gate", "r * s[:, 2 * H :]", "self.b_hh[2 * H :] + r * (h @ self.W_hh[:, 2 * H :])",
     "You add the candidate's recurrent bias after the reset gate. The reset gate must multiply this bias too. This is "
     "the only place where the two biases have different effects."),
    ("reset gate on both parts", "a[:, 2 * H :] + r * s[:, 2 * H :]", "r * (a[:, 2 * H :] + s[:, 2 * H :])",
     "Your reset gate multiplies the word's part too, so a closed gate hides the word. It belongs to the state."),
    ("reset and update blocks swapped", "        n = mg", "        z, r = r, z\n        n = mg",
     "z and r have exchanged their jobs. Either you use the first two blocks in the order r, z, as PyTorch does, or "
     "the right gates in each other's place. The columns of z come first."),
    ("input and forget blocks swapped", "        c = f", "        i, f = f, i\n        c = f",
     "i and f have exchanged their jobs. Either you use the first two blocks in the order f, i, or the right gates in "
     "each other's place. Both have the same shape, so there is no error."),
    ("candidate and output blocks swapped", "mg.tanh(a[:, 2 * H : 3 * H]), mg.sigmoid(a[:, 3 * H :])",
     "mg.tanh(a[:, 3 * H :]), mg.sigmoid(a[:, 2 * H : 3 * H])",
     "You use the last two blocks in the order o, g. Both have the same shape, so there is no error."),
    ("the output of the old memory", "        c = f * c + i * g\n        h = o * mg.tanh(c)",
     "        h = o * mg.tanh(c)\n        c = f * c + i * g",
     "The output must contain the new memory c'. You computed it from the old one."),
    ("the memory squeezed", "c = f * c + i * g", "c = mg.tanh(f * c + i * g)",
     "You apply tanh to the new memory itself. It goes through tanh only on its way to the output, so c' keeps its "
     "size."),
    ("no input gate of its own", "+ i * g", "+ (1 - f) * g",
     "You mix the memory and the candidate as in a GRU. In an LSTM, the input gate i decides how much is added."),
    ("h and c swapped in the old state", "(h, c) = self", "(c, h) = self",
     "You take the old memory for h and the old h for the memory. The pair is (h, c)."),
    ("bias added twice", "+ self.b\n", "+ 2 * self.b\n",
     "Your bias counts twice. The LSTM has a single bias for the two parts together."),
    ("bias in the input gate's block", "[hidden : 2 * hidden]", "[:hidden]",
     "The first block belongs to the input gate. With your bias, the cell writes more but forgets as much as before."),
    ("the forgotten share", "np.exp(-bias)", "np.exp(bias)",
     "At each step you multiply by 1 - f, the share that is forgotten. Do you use 1 - f, or is the sign of the "
     "exponent in the sigmoid wrong?"),
    ("an LSTM never forgets", "(1 / (1 + np.exp(-bias)))", "1.0",
     "You return 1, as if nothing were forgotten. A sigmoid is never exactly 1, so each step loses a share."),
    ("multiplied by the steps", "-bias))) ** steps", "-bias))) * steps",
     "You multiply f by the number of steps. Each step multiplies what is left by f."),
    ("the bias times the steps", "(1 / (1 + np.exp(-bias))) ** steps", "1 / (1 + np.exp(-bias * steps))",
     "You multiply inside the sigmoid. Compute f from the bias first. Each step multiplies what is left by f."),
    ("the same share subtracted at each step", "(1 / (1 + np.exp(-bias))) ** steps",
     "1 - steps / (1 + np.exp(bias))",
     "You subtract the same number at each step. Each step multiplies what is left by f."),
    ("one number instead of a block", "b[hidden : 2 * hidden]", "b[1]",
     "You set a single number. The forget gate's block has H numbers, and it begins after the input gate's block."),
    ("the lost share", "return (1 / (1 + np.exp(-bias))) ** steps", "return 1 - (1 / (1 + np.exp(-bias))) ** steps",
     "You return the share that is lost. Return the share that is left."),
    ("one step too few", "-bias))) ** steps", "-bias))) ** (steps - 1)",
     "You multiply by f once too few. After one step, the share f is left."),
    ("the blocks mixed", "b[hidden : 2 * hidden]", "b[1::4]",
     "Your pattern repeats for each unit. In a block, the numbers of all units are side by side."),
    ("the share divided by the steps", "share ** (1 / steps)", "share / steps",
     "You divide the share by the number of steps. But each step multiplies by f, so f is a root of the share."),
    ("the gate upside down", "(1 / (1 + np.exp(-bias)))", "(1 + np.exp(-bias))",
     "Your result is above 1, and it grows. The gate is 1 divided by your factor."),
))  # fmt: skip
