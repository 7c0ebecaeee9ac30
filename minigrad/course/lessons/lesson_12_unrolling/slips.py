"""Typical wrong answers to lesson 12. Each one replaces a part of the solution."""

from itertools import combinations

from minigrad.course.checking.lesson import Slip
from minigrad.course.checking.registry import lesson

SOLUTION = lesson(12).read("solution.py")
CELL, COPY = "return rnn_step(x, h, W_xh, W_hh, b_h)", "mg.Tensor(W.array, requires_grad=True)"
COPIED = [", ".join(some) for n in (1, 2, 3) for some in combinations(("W_xh", "W_hh", "b_h"), n)]
SLIPS = tuple(Slip(name, SOLUTION.replace(old, new), kind) for name, old, new, kind in (
    *(("a copy of the weights for each step", old, new,
       "The states are right, but they were computed with a copy of one or more weights. The gradient stops at the "
       "copy, and the original gets none.") for old, new in (
        (line, f"{names}, = [{COPY} for W in ({names},)]\n    {line}")
        for line in ("def cell", "total =") for names in COPIED)),
    *(("the input and the state exchanged", old, new,
       "A cell takes the input first, and then the state. You call a function with the two in the other order, or you "
       "define it so.")
      for old, new in ((CELL, CELL.replace("x, h", "h, x")), ("= cell(x, h)", "= cell(h, x)"))),
    ("state discarded", "cell(x, h)\n        states", "cell(x, h0)\n        states",
     "Every step starts again from h0, so the cell remembers nothing of the earlier steps."),
    *(("h0 not used", old, new, "You start from zeros, whatever h0 is. The state before the first input is h0.")
      for old, new in (("    h = h0\n", "    h = 0 * h0\n"), ("    h = h0\n", "    h = 0\n"),
                       ("    return unroll(cell, xs, h0)[-1]",
                        "    return unroll(cell, xs, mg.Tensor(0 * h0.array))[-1]"))),
    ("bias added outside the tanh", " + b_h\n    return mg.tanh(total)", "\n    return mg.tanh(total) + b_h",
     "You add b_h after the tanh, so nothing limits it. Add it before the tanh."),
    ("off by one: the state before each step", "h = cell(x, h)\n        states.append(h)",
     "states.append(h)\n        h = cell(x, h)",
     "Your list begins with h0 and lacks the last state. It contains the state before each word, not after it."),
    *(("gradient cut between the steps", old, new,
       "All values are right, but you took the state out of the graph (.array, .detach or a new Tensor), so no "
       "gradient goes back through it.")
      for old, new in (("= cell(x, h)", "= cell(x, getattr(h, 'detach', lambda: h)())"),
                       ("h @ W_", "h.detach() @ W_"), ("return rnn_step(x, h", "return rnn_step(x, h.detach()"))),
    ("gradient cut at the input", "x @ W_xh", "getattr(x, 'array', x) @ W_xh",
     "The values are right, but you take the array of the input x. If x is a Tensor, such as the state of a layer "
     "below, no gradient goes back to it."),
    ("the backward states not reversed", "h0)[::-1]", "h0)",
     "The first backward state has read only the last input, so it belongs to the last pair, not to the first."),
    ("nothing reversed", "xs[::-1], h0)[::-1]", "xs, h0)",
     "Both states of a pair come from reading forwards. Read the list backwards for the second one."),
))  # fmt: skip
