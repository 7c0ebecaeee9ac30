"""Typical wrong answers to lesson 10. Each one replaces a part of the solution."""

from minigrad.course.checking.lesson import Slip
from minigrad.course.checking.registry import lesson

SOLUTION = lesson(10).read("solution.py")
M, S = "beta1 * m + (1 - beta1) * g\n", "    s = beta2 * s + (1 - beta2) * g**2\n"
MEANS, M_WHOLE, S_WHOLE = M + S, M.replace("(1 - beta1) * ", ""), S.replace("(1 - beta2) * ", "")
M_TURNED, S_TURNED = "(1 - beta1) * m + beta1 * g\n", "    s = (1 - beta2) * s + beta2 * g**2\n"
FIRST = "def best_epoch(valid_losses, patience):\n"
SLIPS = tuple(Slip(name, SOLUTION.replace(old, new), kind) for name, old, new, kind in (
    ("all rows in training", "order[held_out:]", "order",
     "The rows of the validation part are still in the training part."),
    ("two shuffles", "order[:held_out]", "np.random.default_rng(seed + 1).permutation(n)[:held_out]",
     "Each part comes from its own shuffle, so a row can be in both. Shuffle once, and cut the result in two."),
    ("the rows are held out by their number", "np.random.default_rng(seed).permutation(n)", "np.arange(n)",
     "You always hold out the first or the last rows. If the data are sorted, the two parts are of different kinds."),
    *(("the seed is not used", "default_rng(seed).perm", f"default_rng({other}).perm",
       "Equal seeds must give equal splits, and other seeds other ones.") for other in ("0", "")),
    ("cut at -held_out", "order[held_out:], order[:held_out]", "order[:-held_out], order[-held_out:]",
     "If held_out is 0, -held_out is 0 too, so a slice that should be empty contains all rows."),
    ("a mean instead of a velocity", "beta * v + g", "beta * v + (1 - beta) * g",
     "The velocity adds the whole gradient. The factor in front of it belongs to Adam."),
    ("the learning rate inside the velocity", "    v = beta * v + g\n    return p - lr * v, v",
     "    v = beta * v + lr * g\n    return p - v, v",
     "You multiply the gradient by lr before you add it to the velocity. Here, the velocity does not contain lr."),
    ("moved by the old velocity", "    v = beta * v + g\n    return p - lr * v, v",
     "    return p - lr * v, beta * v + g", "First update the velocity, and then move p by the new one."),
    *(("1 - beta forgotten", MEANS, new, "The new gradient counts in full. A running mean keeps the share beta of the "
       "old mean and adds the rest, 1 - beta, of the new value.")
      for new in (M_WHOLE + S, M + S_WHOLE, M_WHOLE + S_WHOLE)),
    *(("beta and 1 - beta exchanged", MEANS, new,
       "Most of the old mean is kept, and a little of the new gradient is added. You keep little of the old mean.")
      for new in (M_TURNED + S, M + S_TURNED, M_TURNED + S_TURNED)),
    ("no bias correction", "m / (1 - beta1**t)\n    s_hat = s / (1 - beta2**t)", "m\n    s_hat = s",
     "You divide m by √s as they are. Both start at 0 and must be corrected first."),
    ("corrected means returned", "eps), m, s", "eps), m_hat, s_hat",
     "You return the corrected means, so the next step corrects them again. Keep the uncorrected ones."),
    ("eps under the root", "np.sqrt(s_hat) + eps", "np.sqrt(s_hat + eps)",
     "You added eps before you took the root. Add it afterwards."),
    ("gradients never cleared", "            p.grad = None", "            pass",
     "backward adds to .grad. The gradients of the earlier steps are still in it."),
    ("gradients cleared too late", "            p.grad = None", "            if losses: p.grad = None",
     "You clear the gradients after each step. Gradients from before the first step are still there in the first one."),
    ("no parameter moves", "p.array, ms[i]", "q, ms[i]",
     "Either no Tensor gets the new array of adam_step (a name like p for the result does not change the Tensor), or "
     "the gradients are 0 when you call adam_step."),
    ("forgot between the steps", "p.array, ms[i], ss[i] =", "p.array, *_ =",
     "m and s are zero again at each step. They must be kept from one step to the next."),
    ("t is always 1", "ss[i], t, lr", "ss[i], 1, lr",
     "The number of the step does not grow, so the bias correction of the first step is used at all of them."),
    ("one m and s for all parameters", "s[i]", "s[0]",
     "All parameters share one pair of running means. Each one needs its own."),
    ("t counts parameters", "ss[i], t, lr", "ss[i], (t - 1) * len(parameters) + i + 1, lr",
     "You count t up once for each parameter. t is the number of the step, the same for all parameters."),
    ("compared with the epoch before", "valid_losses[best]", "valid_losses[max(epoch, 1) - 1]",
     "A loss that is lower than the one before is not yet a new lowest loss. Compare with the lowest loss so far."),
    ("the best of all epochs", FIRST, f"{FIRST}    lowest = int(np.nanargmin(valid_losses))\n"
     "    return lowest, min(lowest + patience, len(valid_losses) - 1)\n",
     "You look for the lowest loss in the whole list. Training may have stopped before this epoch."),
    ("an equal loss counts as lower", "loss < ", "loss <= ",
     "A loss that only equals the lowest one so far is no new lowest loss. The count goes on."),
    ("the patience is not used", "== patience", "== 1",
     "You stop at the first epoch without a new lowest loss, whatever the patience."),
    ("one epoch too many", "== patience", "> patience",
     "You stop one epoch too late. Training stops when `patience` epochs in a row have set no new lowest loss."),
    ("epochs without a new lowest loss, not in a row", "        if epoch - best == patience:",
     "        elif epoch:\n            patience -= 1\n        if not patience:",
     "You count all epochs without a new lowest loss. After a new lowest loss, the counting starts again at 0."),
))  # fmt: skip
