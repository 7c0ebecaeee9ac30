"""Common wrong solutions to lesson 12."""

from minigrad.course.lesson import Slip

_LOOP = """
def truncated(cell, xs, h, k):
    states = []
    for t, x in enumerate(xs):
        if {when}:
            h = {what}
        h = cell(x, h)
        states.append(h)
    return states
"""
_CUT = (
    "h = mg.cut(h) before step t = T - k, and only there; it keeps the value and stops the gradient"
)
_WINDOW = "start = 0, k1, 2 k1, ...; end = min(start + k1, T); begin = max(0, end - k2)"
_PIECE = "piece_t = h_(t-1)ᵀ @ (dL/dh_t ⊙ (1 - h_t²)), with h0 as the state before the first step"
_PREDICT = "cosine(sum of the last k pieces, sum of all pieces)"

SLIPS = (
    Slip(
        "state reset at the cut",
        _LOOP.format(when="t == len(xs) - k", what="mg.Tensor(np.zeros(h.shape))"),
        "You reset the state to zeros at the cut, so the forward pass forgets the words before it."
        " A cut stops the gradient, not the value.",
        _CUT,
    ),
    Slip(
        "nothing is cut",
        _LOOP.format(when="t == len(xs) - k", what="h"),
        "The gradient goes back through all steps. Either there is no cut, or you do not use its "
        "result: mg.cut(h) returns a new state and does not change h.",
        _CUT,
    ),
    Slip(
        "counted from the beginning",
        _LOOP.format(when="t == k", what="mg.cut(h)"),
        "Your cut is k steps after the first word. The gradient starts at the other end, so count "
        "k steps back from the last word.",
        _CUT,
    ),
    Slip(
        "one step too few",
        _LOOP.format(when="t == len(xs) - k + 1", what="mg.cut(h)"),
        "The gradient goes back through only k - 1 steps. Write down T = 5, k = 2, and mark the "
        "steps that should carry a gradient.",
        _CUT,
    ),
    Slip(
        "one step too many",
        _LOOP.format(when="t == len(xs) - k - 1", what="mg.cut(h)"),
        "The gradient goes back through k + 1 steps. Write down T = 5, k = 2, and mark the steps "
        "that should carry a gradient.",
        _CUT,
    ),
    Slip(
        "cut before each of the last k steps",
        _LOOP.format(when="t >= len(xs) - k", what="mg.cut(h)"),
        "You cut before each of the last steps, so the gradient goes back through only one. Make a"
        " single cut, before the first of the last k steps.",
        _CUT,
    ),
    Slip(
        "k1 and k2 swapped",
        "def windows(T, k1, k2):\n    k1, k2 = k2, k1\n"
        "    return [(s, min(s + k1, T), max(0, min(s + k1, T) - k2)) for s in range(0, T, k1)]",
        "Your windows advance by k2. k1 is the number of new steps in a window, and k2 is the "
        "number of steps that its gradient goes back.",
        _WINDOW,
    ),
    Slip(
        "the last, shorter window left out",
        "def windows(T, k1, k2):\n    return [(s, s + k1, max(0, s + k1 - k2)) for s in range(0, "
        "T - k1 + 1, k1)]",
        "If T is not a multiple of k1, your windows leave out the last steps.",
        _WINDOW,
    ),
    Slip(
        "k2 counted from the window's start",
        "def windows(T, k1, k2):\n    return [(s, min(s + k1, T), max(0, s - k2)) for s in "
        "range(0, T, k1)]",
        "Count k2 back from the end of the window. These k2 steps include the window's new steps.",
        _WINDOW,
    ),
    Slip(
        "the state after the step instead of the state before it",
        "def pieces(dhs, hs, h0):\n    return [h.T @ (dh * (1 - h**2)) for dh, h in zip(dhs, hs)]",
        "The forward pass multiplies W_hh by the state before the step. The state after the step "
        "appears only in the slope of tanh.",
        _PIECE,
    ),
    Slip(
        "slope of tanh forgotten",
        "def pieces(dhs, hs, h0):\n    return [b.T @ dh for dh, b in zip(dhs, [h0, *hs[:-1]])]",
        "dL/dh_t is the gradient of tanh's output. It must go back through tanh before it reaches "
        "the product with W_hh.",
        _PIECE,
    ),
    Slip(
        "first steps instead of last steps",
        "def predict(parts, k):\n    return cosine(sum(parts[:k]), sum(parts))",
        "You used the k earliest steps. Truncation keeps the k latest.",
        _PREDICT,
    ),
    Slip(
        "lengths without directions",
        "def predict(parts, k):\n    squares = [np.sum(part**2) for part in parts]\n"
        "    return np.sqrt(sum(squares[-k:]) / sum(squares))",
        "This would be right if all pieces were at right angles to each other. But the pieces of "
        "neighboring steps point in similar directions. Add up the pieces first.",
        _PREDICT,
    ),
    Slip(
        "not divided by the norms",
        "def cosine(a, b):\n    return np.sum(a * b)",
        "The sum of products grows with the lengths of both arrays. A cosine depends only on the "
        "directions and is between -1 and 1.",
        "Σ a ⊙ b / (‖a‖ ‖b‖)",
    ),
    Slip(
        "cut again after every k steps",
        _LOOP.format(when="t % k == 0", what="mg.cut(h)"),
        "You cut several times, every k steps from the first word on. Then the number of steps "
        "with a gradient depends on the length of the sequence.",
        _CUT,
    ),
    Slip(
        "a cut before the first step",
        _LOOP.format(when="t == max(0, len(xs) - k)", what="mg.cut(h)"),
        "If k is T or more, you cut the state before the first step, so its history gets no "
        "gradient. Do not cut in this case.",
        _CUT,
    ),
    Slip(
        "early words not read",
        _LOOP.format(when="False", what="h").replace("enumerate(xs)", "enumerate(xs[-k:])"),
        "You read only the last k words. Truncation stops the gradient, but the forward pass still"
        " reads all words.",
        _CUT,
    ),
    Slip(
        "begin computed for a full last window",
        "def windows(T, k1, k2):\n    return [(s, min(s + k1, T), max(0, s + k1 - k2)) for s in "
        "range(0, T, k1)]",
        "You counted back from the end of a full window. The last window is shorter.",
        _WINDOW,
    ),
    Slip(
        "begin below 0",
        "def windows(T, k1, k2):\n    return [(s, min(s + k1, T), min(s + k1, T) - k2) for s in "
        "range(0, T, k1)]",
        "Your first windows reach back to steps before step 0, which do not exist.",
        _WINDOW,
    ),
    Slip(
        "the last step instead of end",
        "def windows(T, k1, k2):\n    return [(s, min(s + k1, T) - 1, max(0, min(s + k1, T) - "
        "k2)) for s in range(0, T, k1)]",
        "Your second number is the window's last step. Return the next number, as in range(start, "
        "end).",
        _WINDOW,
    ),
    Slip(
        "slope of tanh at the previous state",
        "def pieces(dhs, hs, h0):\n    return [b.T @ (dh * (1 - b**2)) for dh, b in zip(dhs, [h0, "
        "*hs[:-1]])]",
        "You computed the slope of step t's tanh from the state before the step. Use the state "
        "after it.",
        _PIECE,
    ),
    Slip(
        "pieces transposed",
        "def pieces(dhs, hs, h0):\n    return [(dh * (1 - h**2)).T @ b for dh, h, b in zip(dhs, "
        "hs, [h0, *hs[:-1]])]",
        "Both factors are right, but in the wrong order. W_hh is square, so there is no shape "
        "error.",
        _PIECE,
    ),
    Slip(
        "no piece for the first step",
        "def pieces(dhs, hs, h0):\n    before = [np.zeros_like(h0), *hs[:-1]]\n"
        "    return [b.T @ (dh * (1 - h**2)) for dh, h, b in zip(dhs, hs, before)]",
        "The first step uses W_hh too, with the state h0, which may contain numbers other than 0.",
        _PIECE,
    ),
    Slip(
        "squared norms instead of norms",
        "def cosine(a, b):\n    return np.sum(a * b) / (np.sum(a**2) * np.sum(b**2))",
        "You divided by the squared norms. Take their square roots first.",
        "Σ a ⊙ b / (‖a‖ ‖b‖)",
    ),
    Slip(
        "only one piece instead of the last k",
        "def predict(parts, k):\n    return cosine(parts[-k], sum(parts))",
        "A gradient that goes back k steps is the sum of k pieces. You used only one piece.",
        _PREDICT,
    ),
    Slip(
        "ratio of the lengths",
        "def predict(parts, k):\n    return np.linalg.norm(sum(parts[-k:])) / "
        "np.linalg.norm(sum(parts))",
        "That compares the lengths of the two gradients. A cosine compares their directions.",
        _PREDICT,
    ),
)
