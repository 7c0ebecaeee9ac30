"""Typical wrong answers to lesson 15. Each one replaces a part of the solution."""

from minigrad.course.checking.lesson import Slip
from minigrad.course.checking.registry import lesson

SOLUTION = lesson(15).read("solution.py")
CUT, COSINE = "0 < t == len(xs) - k", "cosine(sum(parts[-k:]), sum(parts))"
LOOP = "    states = []\n    for t, x in enumerate(xs):\n        if "
SLIPS = tuple(Slip(name, SOLUTION.replace(old, new), kind) for name, old, new, kind in (
    ("state reset at the cut", "mg.cut(h)", "mg.Tensor(h.array * 0)",
     "You reset the state to zeros at the cut, so the forward pass forgets the words before it. A cut stops the "
     "gradient, not the value."),
    ("the initial state at the cut", f"{LOOP}{CUT}:\n            h = mg.cut(h)",
     f"    start = h\n{LOOP}{CUT}:\n            h = start",
     "At the cut, you go back to the initial state, so the forward pass forgets the words before it. A cut stops the "
     "gradient, not the value."),
    ("nothing is cut", CUT, "False",
     "The gradient goes back through all steps. Either there is no cut, or you do not use its result: mg.cut(h) "
     "returns a new state and does not change h."),
    ("counted from the beginning", CUT, "t == k",
     "Your cut is k steps after the first word. The gradient starts at the other end: count back from the last word."),
    *((name, CUT, f"{guard}t == len(xs) - k {by} 1", f"The gradient goes back through {count} steps. Write down T = 5, "
       "k = 2, and mark the steps that should carry a gradient.")
      for name, by, count in (("one step too few", "+", "only k - 1"), ("one step too many", "-", "k + 1"))
      for guard in ("", "0 < ")),
    *(("several cuts", CUT, when, "There is a cut before the last step, and perhaps before other late steps, so the "
       "gradient goes back through only one step. Make a single cut, before the first of the last k steps.")
      for when in ("t >= len(xs) - k", "k < len(xs) and t >= len(xs) - k")),
    *(("a cut again after every k steps", CUT, when, "You cut several times, every k steps from the first word on. "
       "Then the number of steps with a gradient depends on the length of the sequence.")
      for when in ("t % k == 0", "t and t % k == 0")),
    *(("a cut before the first step", CUT, when,
       "If k is T or more, nothing must be cut. You cut before the first step, so its history gets no gradient.")
      for when in ("t == len(xs) - k", "t == max(0, len(xs) - k)")),
    *(("the input cut, not the state", f"{CUT}:\n            h = mg.cut(h)", f"{when}:\n            x = mg.cut(x)",
       "You cut the input x. The gradient goes back through the state, so that is what you must cut.")
      for when in (CUT, "t == len(xs) - k")),
    *(("the cut after the step", "            h = mg.cut(h)\n        h = cell(x, h)",
       f"            pass\n        h = cell(x, h)\n        if {when}:\n            h = mg.cut(h)",
       "You cut the state after this step, so the step itself gets no gradient. Cut before the step.")
      for when in (CUT, "t == len(xs) - k")),
    *(("early words not read", f"enumerate(xs):\n        if {CUT}", f"enumerate(xs[-k:]):\n        if {when}",
       "You read only the last k words. Truncation stops the gradient, but the forward pass still reads all words.")
      for when in ("False", "t == 0 and k < len(xs)")),
    ("the state after the step instead of the state before it", "h_before.T", "h.T",
     "The forward pass multiplies W_hh by the state before the step. Only the slope of tanh uses the one after it."),
    ("slope of tanh at the previous state", "1 - h**2", "1 - h_before**2",
     "You computed the slope of step t's tanh from the state before the step. Use the state after it."),
    ("the last state before the first step", "[h0, *hs[:-1]]", "[hs[-1], *hs[:-1]]",
     "You use the last state where h0 belongs. At the first step, hs[t - 1] is hs[-1], the last state."),
    ("h0 at each step", "[h0, *hs[:-1]]", "[h0] * len(hs)",
     "You use h0 as the state before every step. It belongs only to the first one."),
    ("no piece for the first step", "[h0, *hs[:-1]]", "[0 * h0, *hs[:-1]]",
     "The first step uses W_hh too, with the state h0, which may contain numbers other than 0."),
    ("divided by the batch size", "(1 - h**2))", "(1 - h**2)) / len(h)",
     "You average over the batch. A piece is the sum over the batch."),
    ("the first piece left out", "strict=True)]", "strict=True)][1:]",
     "There must be a piece for each step. The first step uses W_hh too."),
    *((name, COSINE, new, kind) for name, new, kind in (
        ("first steps instead of last steps", "cosine(sum(parts[:k]), sum(parts))",
         "You used the k earliest steps. Truncation keeps the k latest."),
        ("lengths without directions",
         "np.sqrt(sum(np.sum(p**2) for p in parts[-k:]) / sum(np.sum(p**2) for p in parts))",
         "This would be right if all pieces were at right angles to each other. But the pieces of neighboring steps "
         "point in similar directions. Add up the pieces first."),
        ("all numbers added up", "cosine(np.sum(parts[-k:]), np.sum(parts))",
         "np.sum without an axis adds up the numbers inside the arrays too. Then no direction is left."),
        ("absolute values", "cosine(sum(abs(p) for p in parts[-k:]), sum(abs(p) for p in parts))",
         "You add up absolute values, but a piece can cancel a part of another one. Keep the signs."),
        ("a negative index", "cosine(sum(parts[len(parts) - k :]), sum(parts))",
         "If k is larger than T, T - k is negative, and Python counts a negative index from the end."),
        ("only the last piece", "cosine(parts[-1], sum(parts))",
         "Your truncated gradient contains the last piece only, whatever k is. Add up the last k pieces."),
        ("an average of cosines", "np.mean([cosine(part, sum(parts)) for part in parts[-k:]])",
         "You average the cosines of single pieces. Add up the pieces first, and then compute one cosine."),
        ("what is lost", f"1 - {COSINE}", "You subtract the cosine from 1. The cosine itself is asked for."),
        ("compared with itself", "cosine(sum(parts), sum(parts))",
         "Your result is always 1, because you compare a gradient with itself."),
        ("ratio of the lengths", "np.linalg.norm(sum(parts[-k:])) / np.linalg.norm(sum(parts))",
         "That compares the lengths of the two gradients. A cosine compares their directions."),
        *(("only one piece instead of the last k", f"cosine(parts[{at}], sum(parts))",
           "A gradient that goes back k steps is the sum of k pieces. You used only one piece.")
          for at in ("-k", "-min(k, len(parts))")),
    )),
))  # fmt: skip
