"""Common wrong solutions to lesson 15."""

from minigrad.course.lesson import Slip

_LOOP = """
def truncated(cell, xs, h, k):
    states, first = [], h
    for t, x in enumerate(xs):
        if {when}:
            {do}
        {step}
        states.append({kept})
    return states
"""
_CUT = (
    "h = mg.cut(h) before step t = T - k, and only there; it keeps the value and stops the gradient"
)
_PIECES = """
def pieces(dhs, hs, h0):
    parts = [{piece} for dh, h, b in zip(dhs, hs, {before})]
    return {result}
"""
_PIECE = "piece_t = h_(t-1)ᵀ @ (dL/dh_t ⊙ (1 - h_t²)), with h0 as the state before the first step"
_PREDICTED = """
def predict(parts, k):
    T = len(parts)
    kept, full = sum(parts[-k:]), sum(parts)
    return {}
"""
_PREDICT = "cosine(sum of the last k pieces, sum of all pieces)"


def _truncated(name, when, kind, do="h = mg.cut(h)", step="h = cell(x, h)", kept="h"):
    return Slip(name, _LOOP.format(when=when, do=do, step=step, kept=kept), kind, _CUT)


def _pieces(name, piece, kind, before="[h0, *hs[:-1]]", result="parts"):
    return Slip(name, _PIECES.format(piece=piece, before=before, result=result), kind, _PIECE)


_AT, _DA = "0 < t == len(xs) - k", "(dh * (1 - h**2))"
_AFTER = (
    "the cut after the step",
    "You cut the state after this step, so the step itself gets no gradient. Cut before the step.",
)
_SEVERAL = (
    "several cuts",
    "There is a cut before the last step, and perhaps before other late steps, so the gradient goes back through "
    "only one step. Make a single cut, before the first of the last k steps.",
)
_UNREAD = (
    "early words not read",
    "You read only the last k words. Truncation stops the gradient, but the forward pass still reads all words.",
)
_AGAIN = (
    "a cut again after every k steps",
    "You cut several times, every k steps from the first word on. Then the number of steps with a gradient depends "
    "on the length of the sequence.",
)

SLIPS = (
    _truncated("state reset at the cut", _AT, "You reset the state to zeros at the cut, so the forward pass forgets "
               "the words before it. A cut stops the gradient, not the value.", "h = mg.Tensor(h.array * 0)"),
    _truncated("nothing is cut", "False", "The gradient goes back through all steps. Either there is no cut, or you do "
               "not use its result: mg.cut(h) returns a new state and does not change h."),
    _truncated("counted from the beginning", "t == k", "Your cut is k steps after the first word. The gradient starts "
               "at the other end, so count k steps back from the last word."),
    _truncated("one step too few", "t == len(xs) - k + 1", "The gradient goes back through only k - 1 steps. Write "
               "down T = 5, k = 2, and mark the steps that should carry a gradient."),
    _truncated("one step too many", "t == len(xs) - k - 1", "The gradient goes back through k + 1 steps. Write down "
               "T = 5, k = 2, and mark the steps that should carry a gradient."),
    *(_truncated(_SEVERAL[0], when, _SEVERAL[1])
      for when in ("t >= len(xs) - k", "0 < t >= len(xs) - k", "k < len(xs) and t >= len(xs) - k", "True")),
    *(_truncated(_AGAIN[0], when, _AGAIN[1]) for when in ("t % k == 0", "t and t % k == 0")),
    _truncated("no cut after a single step", _AT + " and t > 1", "If k is T - 1, you cut nothing. But one step comes "
               "before the last k steps, and it should get no gradient."),
    _truncated("a cut with nothing before it", "t == len(xs) - k", "If k is T, your cut is before the first step, so "
               "the initial state gets no gradient. All steps are among the last T steps, so nothing must be cut."),
    _truncated("a cut before the first step", "t == max(0, len(xs) - k)", "If k is T or more, you cut the state before "
               "the first step, so its history gets no gradient. Do not cut in this case."),
    *(_truncated("the input cut, not the state", when, "You cut the input x. The gradient goes back through the state, "
                 "so that is what you must cut.", "x = mg.cut(x)") for when in (_AT, "t == len(xs) - k")),
    *(_truncated(_AFTER[0], when, _AFTER[1], "h = mg.cut(cell(x, h))", "if not (" + when + "): h = cell(x, h)")
      for when in (_AT, "t == len(xs) - k")),
    _truncated("an input left out", _AT, "At the cut, you do not call the cell. Cut the state, and then read the input "
               "as at every other step.", step="if not (" + _AT + "): h = cell(x, h)"),
    _truncated("the state before the step", _AT, "Your list begins with the state before the first step. Store each "
               "state after the cell has computed it.", step="b, h = h, cell(x, h)", kept="b"),
    _truncated("the first state at each step", "False", "Each of your steps starts from the first state. A step must "
               "start from the state that the step before returned.", step="h = cell(x, first)"),
    *(Slip(_UNREAD[0], code.replace("enumerate(xs)", "enumerate(xs[-k:])"), _UNREAD[1], _CUT)
      for code in (_LOOP.format(when="False", do="pass", step="h = cell(x, h)", kept="h"),
                   _LOOP.format(when="t == 0 and k < len(xs)", do="h = mg.cut(h)", step="h = cell(x, h)", kept="h"))),
    _pieces("the state after the step instead of the state before it", "h.T @ " + _DA, "The forward pass multiplies "
            "W_hh by the state before the step. The state after the step appears only in the slope of tanh."),
    _pieces("slope of tanh forgotten", "b.T @ dh", "dL/dh_t is the gradient of tanh's output. It must go back through "
            "tanh before it reaches the product with W_hh."),
    _pieces("the last state before the first step", "b.T @ " + _DA, "You use the last state where h0 belongs. If you "
            "wrote hs[t - 1]: for the first step, Python's index -1 is the last state.", "[hs[-1], *hs[:-1]]"),
    _pieces("the first piece left out", "b.T @ " + _DA, "There must be a piece for each step. The first step uses W_hh "
            "too.", result="parts[1:]"),
    _pieces("no piece for the first step", "b.T @ " + _DA, "The first step uses W_hh too, with the state h0, which may "
            "contain numbers other than 0.", "[0 * h0, *hs[:-1]]"),
    _pieces("tanh applied twice", "b.T @ (dh * (1 - np.tanh(h) ** 2))", "The slope of tanh at a is 1 - tanh(a)². But h "
            "is already tanh(a)."),
    _pieces("slope of tanh at the previous state", "b.T @ (dh * (1 - b**2))", "You computed the slope of step t's tanh "
            "from the state before the step. Use the state after it."),
    _pieces("the slope twice", "b.T @ (dh * (1 - h**2) ** 2)", "You multiply by the slope of tanh twice. dL/dh_t is "
            "the gradient of tanh's output and contains no slope of this tanh yet, so multiply once."),
    _pieces("slope of the sigmoid", "b.T @ (dh * h * (1 - h))", "h * (1 - h) is the slope of the sigmoid. The state "
            "went through tanh."),
    _pieces("slope added", "b.T @ (dh + 1 - h**2)", "You add the slope of tanh to the gradient. The gradient is "
            "multiplied by it."),
    _pieces("a slope of the state before", "(b * (1 - b**2)).T @ " + _DA, "You multiply the state before the step by a "
            "slope too. Only the gradient goes back through tanh."),
    _pieces("the slope in both factors", "(b * (1 - h**2)).T @ " + _DA, "You multiply the state before the step by the "
            "slope too. Only the gradient goes back through tanh."),
    _pieces("h0 at each step", "b.T @ " + _DA, "You use h0 as the state before every step. It belongs only to the "
            "first one.", "[h0] * len(hs)"),
    _pieces("two steps back", "b.T @ " + _DA, "You use the state two steps earlier. Use the state of the step before.",
            "[h0, h0, *hs[:-2]]"),
    _pieces("running sums", "b.T @ " + _DA, "Each of your arrays contains the earlier pieces too. Return the pieces "
            "one by one.", result="list(np.cumsum(parts, axis=0))"),
    _pieces("pieces in reverse order", "b.T @ " + _DA, "Your list begins with the piece of the last step. The piece of "
            "step 0 belongs first.", result="parts[::-1]"),
    _pieces("divided by the batch size", "b.T @ " + _DA + " / len(b)", "You average over the batch. A piece is the sum "
            "over the batch."),
    _pieces("1 - h as the slope", "b.T @ (dh * (1 - h))", "You use 1 - h as the slope of tanh. Something must be "
            "squared."),
    _pieces("the first example only", "b[:1].T @ (dh * (1 - h**2))[:1]", "Your pieces contain the first example only. "
            "A piece is the sum over the batch."),
    *(
        Slip(name, _PREDICTED.format(code), kind, _PREDICT)
        for name, code, kind in (
            ("first steps instead of last steps", "cosine(sum(parts[:k]), full)",
             "You used the k earliest steps. Truncation keeps the k latest."),
            ("lengths without directions",
             "np.sqrt(sum(np.sum(p**2) for p in parts[-k:]) / sum(np.sum(p**2) for p in parts))",
             "This would be right if all pieces were at right angles to each other. But the pieces of neighboring "
             "steps point in similar directions. Add up the pieces first."),
            ("all numbers added up", "cosine(np.sum(parts[-k:]), np.sum(parts))",
             "np.sum without an axis adds up the numbers inside the arrays too. Then no direction is left."),
            ("absolute values", "cosine(sum(abs(p) for p in parts[-k:]), sum(abs(p) for p in parts))",
             "You add up absolute values, but a piece can cancel a part of another one. Keep the signs."),
            ("a negative index", "cosine(sum(parts[T - k :]), full)",
             "If k is larger than T, T - k is negative, and Python counts a negative index from the end."),
            ("only one piece instead of the last k", "cosine(parts[-k], full)",
             "A gradient that goes back k steps is the sum of k pieces. You used only one piece."),
            ("only one piece instead of the last k", "cosine(parts[-min(k, T)], full)",
             "A gradient that goes back k steps is the sum of k pieces. You used only one piece."),
            ("only the last piece", "cosine(parts[-1], full)",
             "Your truncated gradient contains the last piece only, whatever k is. Add up the last k pieces."),
            ("one piece too many", "cosine(sum(parts[-k - 1 :]), full)",
             "You add up k + 1 pieces. Truncation keeps the last k."),
            ("compared with the last piece", "cosine(kept, parts[-1])",
             "You compare with the last piece. Compare with the full gradient, the sum of all pieces."),
            ("an average of cosines", "np.mean([cosine(part, full) for part in parts[-k:]])",
             "You average the cosines of single pieces. Add up the pieces first, and then compute one cosine."),
            ("what is lost", "1 - cosine(kept, full)",
             "You subtract the cosine from 1. The cosine itself is asked for."),
            ("compared with itself", "cosine(full, full)",
             "Your result is always 1, because you compare a gradient with itself."),
            ("ratio of the lengths", "np.linalg.norm(kept) / np.linalg.norm(full)",
             "That compares the lengths of the two gradients. A cosine compares their directions."),
        )
    ),
)  # fmt: skip
