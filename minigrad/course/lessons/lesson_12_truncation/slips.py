"""Well-known wrong solutions of lesson 12."""

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
_CUT = "before step t = T - k, and only there: h = cut(h), which has the same value and stops the gradient"
_WINDOW = "start = 0, k1, 2 k1, ...; end = min(start + k1, T); begin = max(0, end - k2)"
_PIECE = "piece_t = h_(t-1) transposed times (dL/dh_t ⊙ (1 - h_t²)), with h0 before the first step"
_PREDICT = "cosine(sum of the last k pieces, sum of all pieces)"

SLIPS = (
    Slip(
        "the cut erases the memory",
        _LOOP.format(when="t == len(xs) - k", what="mg.Tensor(np.zeros(h.shape))"),
        "The state starts again from zeros at the cut. But the words before the cut have been "
        "read, and the forward pass must not forget them: a cut stops the gradient, not the value.",
        _CUT,
    ),
    Slip(
        "nothing is cut",
        _LOOP.format(when="t == len(xs) - k", what="h"),
        "The gradient goes back through all steps. Either there is no cut, or its result is not "
        "used: mg.cut(h) returns a new state and leaves h as it is.",
        _CUT,
    ),
    Slip(
        "counted from the beginning",
        _LOOP.format(when="t == k", what="mg.cut(h)"),
        "The cut stands k steps after the first word. The gradient comes from the other end, and "
        "k counts the steps that it may pass from there.",
        _CUT,
    ),
    Slip(
        "one step too few",
        _LOOP.format(when="t == len(xs) - k + 1", what="mg.cut(h)"),
        "The gradient passes only k - 1 steps. Write down T = 5, k = 2, and mark the steps that "
        "should carry gradient.",
        _CUT,
    ),
    Slip(
        "one step too many",
        _LOOP.format(when="t == len(xs) - k - 1", what="mg.cut(h)"),
        "The gradient passes k + 1 steps. Write down T = 5, k = 2, and mark the steps that should "
        "carry gradient.",
        _CUT,
    ),
    Slip(
        "cut before every one of the last k steps",
        _LOOP.format(when="t >= len(xs) - k", what="mg.cut(h)"),
        "Each of the last steps is cut off from the one before it, so that the gradient passes "
        "only one. There is a single cut, where the last k steps begin.",
        _CUT,
    ),
    Slip(
        "k1 and k2 exchanged",
        "def windows(T, k1, k2):\n    k1, k2 = k2, k1\n"
        "    return [(s, min(s + k1, T), max(0, min(s + k1, T) - k2)) for s in range(0, T, k1)]",
        "The windows advance by the number of steps that the gradient should reach back. k1 is "
        "how many new steps a window has, k2 how far back its gradient goes.",
        _WINDOW,
    ),
    Slip(
        "the last short window is dropped",
        "def windows(T, k1, k2):\n    return [(s, s + k1, max(0, s + k1 - k2)) for s in range(0, "
        "T - k1 + 1, k1)]",
        "Where T is no multiple of k1, the steps that are left over are never learned from.",
        _WINDOW,
    ),
    Slip(
        "k2 counted from the window's start",
        "def windows(T, k1, k2):\n    return [(s, min(s + k1, T), max(0, s - k2)) for s in "
        "range(0, T, k1)]",
        "The gradient starts at the end of the window, and k2 counts from there. The window's own "
        "new steps are among the k2.",
        _WINDOW,
    ),
    Slip(
        "the state after the step instead of before it",
        "def pieces(dhs, hs, h0):\n    return [h.T @ (dh * (1 - h**2)) for dh, h in zip(dhs, hs)]",
        "W_hh was multiplied by the state that came into the step. The state that went out "
        "appears only in the slope of tanh.",
        _PIECE,
    ),
    Slip(
        "slope of tanh forgotten",
        "def pieces(dhs, hs, h0):\n    return [b.T @ dh for dh, b in zip(dhs, [h0, *hs[:-1]])]",
        "dL/dh_t is the gradient of what comes out of tanh. To get to the product with W_hh it "
        "must go back through tanh first.",
        _PIECE,
    ),
    Slip(
        "first instead of last steps",
        "def predict(parts, k):\n    return cosine(sum(parts[:k]), sum(parts))",
        "These are the k earliest steps, and truncation keeps the k latest.",
        _PREDICT,
    ),
    Slip(
        "lengths added up, directions forgotten",
        "def predict(parts, k):\n    squares = [np.sum(part**2) for part in parts]\n"
        "    return np.sqrt(sum(squares[-k:]) / sum(squares))",
        "This would be right if all pieces stood at right angles to each other. They do not: "
        "neighbouring steps push in similar directions. Add up the pieces themselves first.",
        _PREDICT,
    ),
    Slip(
        "not divided by the norms",
        "def cosine(a, b):\n    return np.sum(a * b)",
        "The sum of products grows with the lengths of both arrays. A cosine depends on the "
        "directions alone, and lies between -1 and 1.",
        "Σ a ⊙ b / (‖a‖ ‖b‖)",
    ),
    Slip(
        "cut again after every k steps",
        _LOOP.format(when="t % k == 0", what="mg.cut(h)"),
        "There are several cuts, k steps apart, counted from the first word. How many steps the "
        "gradient passes then depends on where the sequence happens to end.",
        _CUT,
    ),
    Slip(
        "a cut before the first step",
        _LOOP.format(when="t == max(0, len(xs) - k)", what="mg.cut(h)"),
        "Where k is T or more, the state before the first step was cut, and what it was made from "
        "gets no gradient.",
        _CUT,
    ),
    Slip(
        "early words not read",
        _LOOP.format(when="False", what="h").replace("enumerate(xs)", "enumerate(xs[-k:])"),
        "Only the last k words were read. Truncation cuts the gradient; the forward pass reads "
        "everything.",
        _CUT,
    ),
    Slip(
        "the last window's end beyond the sequence",
        "def windows(T, k1, k2):\n    return [(s, min(s + k1, T), max(0, s + k1 - k2)) for s in "
        "range(0, T, k1)]",
        "The gradient's steps were counted back from where a full window would end. The last "
        "window is shorter.",
        _WINDOW,
    ),
    Slip(
        "begin below 0",
        "def windows(T, k1, k2):\n    return [(s, min(s + k1, T), min(s + k1, T) - k2) for s in "
        "range(0, T, k1)]",
        "The first windows reach back to steps before step 0, and there are none.",
        _WINDOW,
    ),
    Slip(
        "the number of the last step for end",
        "def windows(T, k1, k2):\n    return [(s, min(s + k1, T) - 1, max(0, min(s + k1, T) - "
        "k2)) for s in range(0, T, k1)]",
        "The second number is that of the window's last step. Asked for is the one after it, as "
        "in range(start, end).",
        _WINDOW,
    ),
    Slip(
        "slope at the state before",
        "def pieces(dhs, hs, h0):\n    return [b.T @ (dh * (1 - b**2)) for dh, b in zip(dhs, [h0, "
        "*hs[:-1]])]",
        "The slope of step t's tanh was taken at the state that went into the step. It belongs to "
        "what came out.",
        _PIECE,
    ),
    Slip(
        "pieces transposed",
        "def pieces(dhs, hs, h0):\n    return [(dh * (1 - h**2)).T @ b for dh, h, b in zip(dhs, "
        "hs, [h0, *hs[:-1]])]",
        "Both factors are right, in the wrong order. W_hh is square, so that the shapes do not "
        "complain.",
        _PIECE,
    ),
    Slip(
        "the first step has no piece",
        "def pieces(dhs, hs, h0):\n    before = [np.zeros_like(h0), *hs[:-1]]\n"
        "    return [b.T @ (dh * (1 - h**2)) for dh, h, b in zip(dhs, hs, before)]",
        "The first step used W_hh too, on the state h0, which need not be zeros.",
        _PIECE,
    ),
    Slip(
        "squares instead of lengths",
        "def cosine(a, b):\n    return np.sum(a * b) / (np.sum(a**2) * np.sum(b**2))",
        "It was divided by the squares of the norms. The root is missing.",
        "Σ a ⊙ b / (‖a‖ ‖b‖)",
    ),
    Slip(
        "the k-th last piece alone",
        "def predict(parts, k):\n    return cosine(parts[-k], sum(parts))",
        "A gradient that goes back k steps consists of k pieces, and this is one of them.",
        _PREDICT,
    ),
    Slip(
        "ratio of the lengths",
        "def predict(parts, k):\n    return np.linalg.norm(sum(parts[-k:])) / "
        "np.linalg.norm(sum(parts))",
        "That says how long the truncated gradient is beside the full one. A cosine is about "
        "their directions.",
        _PREDICT,
    ),
)
