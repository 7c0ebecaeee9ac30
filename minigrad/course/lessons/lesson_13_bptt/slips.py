"""Typical wrong answers to lesson 13. Each one replaces a part of the solution."""

from minigrad.course.checking.lesson import Slip
from minigrad.course.checking.registry import lesson

SOLUTION = lesson(13).read("solution.py")
NEXT = "\n        "
ADDS = "dW_xh += xs[t - 1].T @ da", "dW_hh += hs[t - 1].T @ da", "db_h += da.sum(axis=0)"
SLIPS = tuple(Slip(name, SOLUTION.replace(old, new), kind) for name, old, new, kind in (
    ("the slope of the sigmoid", "1 - h * h", "h * (1 - h)",
     "This is the slope of another function, the sigmoid. The slope of tanh falls off equally on both sides of 0."),
    ("the wrong square", "1 - h * h", "(1 - h) ** 2",
     "You squared the difference. Square h alone, and then subtract."),
    ("tanh applied twice", "1 - h * h", "1 - np.tanh(h) ** 2",
     "The slope of tanh at a is 1 - tanh(a)². But h is already tanh(a)."),
    ("the loss's gradient dropped", "dh[t - 1] +=", "dh[t - 1] =",
     "A state gets gradients from two senders: the loss and the step after it. Here, the step's gradient overwrites "
     "the loss's gradient."),
    ("the later step's gradient dropped", "dh[t - 1] += da", "dh[t - 1] += 0 * da",
     "A state gets gradients from two senders: the loss and the step after it. The gradient from the step is missing, "
     "so nothing goes back through time."),
    ("only the loss's direct gradient passed on", "dh[t], hs[t])\n        dh", "g[t], hs[t])\n        dh",
     "Each step passes on only the gradient from the loss, without the gradients from later steps. Either you used g "
     "instead of dh, or you visited the steps from the first to the last."),
    ("g_T left out", "g.copy()", "np.concatenate([g[:-1], 0 * g[-1:]])",
     "The last state has no later step, but the loss sends it a gradient."),
    ("g_0 left out", "g.copy()", "np.concatenate([0 * g[:1], g[1:]])",
     "The state before the first step can get a gradient from the loss too. Like the others, it gets two."),
    ("step 1's gradient missing in dh_0", "range(len(g) - 1, 0", "range(len(g) - 1, 1",
     "Step 1 uses h₀, so it sends a gradient to h₀, as every step does to the state before it."),
    *(("= instead of +=", lines, f"if t == {last}: {lines.replace(NEXT, '; ')}",
       "All steps use the same weights, but one of your gradients includes only the last step that you visited.")
      for lines in (NEXT.join(ADDS), *ADDS) for last in ("1", "len(xs)")),
    ("gradient of W_hh transposed", ADDS[1], "dW_hh += da.T @ hs[t - 1]",
     "Both factors are right, but in the wrong order. W_hh is square, so there is no shape error."),
    *(("the wrong gradient under the key h0", '"h0": dh[0]', f'"h0": {other}',
       "h0 is the state before the first step. Its whole gradient, from the loss and from step 1, is one of the "
       "results of state_gradients.") for other in ("dh[1]", "dh[-1]", "g[0]", "dh[0] - g[0]")),
    ("one step off: the input of another step", "xs[t - 1].T", "xs[t - 2].T",
     "Each step's input must be paired with the same step's da. Remember that step t reads xs[t - 1]."),
    ("one step off: h_t instead of h_{t-1}", "hs[t - 1].T", "hs[t].T",
     "The forward pass multiplies W_hh by the state before the step. Your gradient uses the state after it."),
))  # fmt: skip
