"""Common wrong answers to lesson 10 that no rewriting of the solution gives."""

from minigrad.course.lesson import Slip

SPLIT = """
def split(n, held_out, seed):
    {}
    return order[held_out:], order[:held_out]
"""

ADAM = """
def adam_step(p, g, m, s, t, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    m = beta1 * m + (1 - beta1) * g
    s = beta2 * s + (1 - beta2) * g**2
    {body}
"""

FIT = """
def fit(parameters, loss, steps, lr):
    losses = []
    state = {p.name: (np.zeros(p.shape), np.zeros(p.shape)) for p in parameters}
    for t in range(1, steps + 1):
        for p in parameters:
            p.grad = None
        now = loss()
        losses.append(now.item())
        now.backward()
        for p in parameters:
            p.array, *state[p.name] = adam_step(p.array, p.grad, *state[p.name], t, lr)
    return losses
"""

BEST = """
def best_epoch(valid_losses, patience):
    best, waited = 0, 0
    for epoch, loss in enumerate(valid_losses):
        waited += 1
        if loss < valid_losses[best]:
            best, waited = epoch, {}
        if {}:
            return {}, epoch
    return best, len(valid_losses) - 1
"""

SHUFFLE = "order = np.random.default_rng(seed).permutation(n)"
EQUAL_SEEDS = "Equal seeds must give equal splits, and other seeds other ones."

SLIPS = (
    Slip(
        "all rows in training",
        f"def split(n, held_out, seed):\n    {SHUFFLE}\n    return order, order[:held_out]\n",
        "The rows of the validation part are still in the training part.",
        "shuffle once, and cut the result in two",
    ),
    Slip(
        "the rows are held out by their number",
        SPLIT.format("order = np.arange(n)"),
        "The first or the last rows are always held out, whatever the seed. If the data are sorted, "
        "the two parts are of different kinds.",
        "np.random.default_rng(seed).permutation(n), cut in two",
    ),
    Slip(
        "cut at -held_out",
        f"def split(n, held_out, seed):\n    {SHUFFLE}\n    return order[:-held_out], order[-held_out:]\n",
        "If held_out is 0, -held_out is 0 too, so a slice that should be empty contains all rows.",
        "order[: n - held_out] and order[n - held_out :]",
    ),
    Slip(
        "rows drawn with replacement",
        SPLIT.format("order = np.random.default_rng(seed).integers(n, size=n)"),
        "You draw each row from all rows, so some rows occur twice and others never.",
        "np.random.default_rng(seed).permutation(n), cut in two",
    ),
    Slip(
        "rows counted from 1",
        SPLIT.format(SHUFFLE + " + 1"),
        "Your rows are 1 to n. Row 0 is missing, and there is no row n.",
        "the row numbers 0 to n - 1",
    ),
    Slip(
        "the same shuffle for every seed",
        SPLIT.format("order = np.random.default_rng(0).permutation(n)"),
        f"The seed is not used. {EQUAL_SEEDS}",
        "np.random.default_rng(seed).permutation(n), cut in two",
    ),
    Slip(
        "another shuffle in every call",
        SPLIT.format("order = np.random.default_rng().permutation(n)"),
        f"The seed is not used. {EQUAL_SEEDS}",
        "np.random.default_rng(seed).permutation(n), cut in two",
    ),
    Slip(
        "the learning rate in the velocity",
        "def momentum_step(p, g, v, lr, beta):\n    v = beta * v + lr * g\n    return p - v, v\n",
        "The velocity adds up gradients. Multiply by the learning rate only when you move p.",
        "v = β · v + g, and then p - lr · v",
    ),
    Slip(
        "a mean instead of a velocity",
        "def momentum_step(p, g, v, lr, beta):\n    v = beta * v + (1 - beta) * g\n    return p - lr * v, v\n",
        "The velocity adds the whole gradient. The factor in front of it belongs to Adam.",
        "v = β · v + g, and then p - lr · v",
    ),
    Slip(
        "moved by the old velocity",
        "def momentum_step(p, g, v, lr, beta):\n    return p - lr * v, beta * v + g\n",
        "First update the velocity, and then move p by the new one.",
        "v = β · v + g, and then p - lr · v",
    ),
    Slip(
        "no bias correction",
        ADAM.format(body="return p - lr * m / (np.sqrt(s) + eps), m, s"),
        "You divide m by √s as they are. Both start at 0 and must be corrected first.",
        "m̂ = m / (1 - β₁ᵗ) and ŝ = s / (1 - β₂ᵗ)",
    ),
    Slip(
        "corrected means returned",
        ADAM.format(
            body="m, s = m / (1 - beta1**t), s / (1 - beta2**t)\n"
            "    return p - lr * m / (np.sqrt(s) + eps), m, s"
        ),
        "You return the corrected means, so the next step corrects them again. Keep the "
        "uncorrected ones.",
        "return p, m and s, where m and s are not divided",
    ),
    Slip(
        "eps under the root",
        ADAM.format(
            body="return p - lr * m / (1 - beta1**t) / np.sqrt(s / (1 - beta2**t) + eps), m, s"
        ),
        "You added eps before you took the root. Add it afterwards.",
        "p - lr · m̂ / (√ŝ + eps)",
    ),
    Slip(
        "beta and 1 - beta exchanged",
        ADAM.replace("beta1 * m + (1 - beta1) * g", "(1 - beta1) * m + beta1 * g").format(
            body="return p - lr * m / (1 - beta1**t) / (np.sqrt(s / (1 - beta2**t)) + eps), m, s"
        ),
        "Most of the old mean is kept, and a little of the new gradient is added. You keep little of "
        "the old mean.",
        "m = β₁ · m + (1 - β₁) · g",
    ),
    Slip(
        "gradients not cleared",
        FIT.replace("            p.grad = None", "            pass"),
        "backward adds to .grad. From the second step on, the gradients of the earlier steps are "
        "still in it.",
        "in each step, p.grad = None for each parameter, before backward",
    ),
    Slip(
        "gradients cleared too late",
        """
def fit(parameters, loss, steps, lr):
    losses = []
    state = {p.name: (np.zeros(p.shape), np.zeros(p.shape)) for p in parameters}
    for t in range(1, steps + 1):
        now = loss()
        losses.append(now.item())
        now.backward()
        for p in parameters:
            p.array, *state[p.name] = adam_step(p.array, p.grad, *state[p.name], t, lr)
            p.grad = None
    return losses
""",
        "You clear the gradients after each step. Gradients from before the first step are still "
        "there in the first one.",
        "in each step, p.grad = None for each parameter, before backward",
    ),
    Slip(
        "loss called twice",
        FIT.replace("now.item()", "loss().item()"),
        "You call loss() twice in each step. It may take long, and it may count or record its calls.",
        "now = loss(), and then only now",
    ),
    Slip(
        "the Tensors in the list",
        FIT.replace("now.item()", "now"),
        "Your list contains Tensors, but it should contain plain numbers.",
        "losses.append(now.item())",
    ),
    Slip(
        "only one step",
        FIT.replace("    return losses", "        return losses"),
        "Your function returns after the first step.",
        "return losses, after the loop over the steps",
    ),
    Slip(
        "no parameter moves",
        FIT.replace("p.array, *state", "q, *state"),
        "Either no Tensor gets the new array of adam_step (a name like p for the result does not change "
        "the Tensor), or the gradients are 0 when you call adam_step.",
        "after backward, assign the new p to p.array",
    ),
    Slip(
        "forgot between the steps",
        FIT.replace("*state[p.name] = ", "*_ = "),
        "m and s are zero again at each step. They must be kept from one step to the next.",
        "each parameter has its own m and s, and step t continues with those of step t - 1",
    ),
    Slip(
        "t is always 1",
        FIT.replace("t, lr", "1, lr"),
        "The number of the step does not grow, so the bias correction of the first step is used "
        "at all of them.",
        "for t in range(1, steps + 1), and adam_step(..., t, lr)",
    ),
    Slip(
        "one m and s for all parameters",
        FIT.replace("state[p.name]", "state[parameters[0].name]"),
        "All parameters share one pair of running means. Each one needs its own.",
        "each parameter has its own m and s, and step t continues with those of step t - 1",
    ),
    Slip(
        "one place for m and s",
        FIT.replace("p.grad, *state[p.name]", "p.grad, *[state[p.name][1]] * 2"),
        "m and s are kept in the same place, so s replaces m.",
        "each parameter has its own m and s, in two lists",
    ),
    Slip(
        "compared with the epoch before",
        """
def best_epoch(valid_losses, patience):
    waited = 0
    for epoch in range(1, len(valid_losses)):
        waited = 0 if valid_losses[epoch] < valid_losses[epoch - 1] else waited + 1
        if waited == patience:
            break
    seen = valid_losses[: epoch + 1] if len(valid_losses) > 1 else valid_losses
    return int(np.nanargmin(seen)), len(seen) - 1
""",
        "You count the epochs in which the loss did not fall. An epoch that is better than the one "
        "before is still no new lowest loss.",
        "compare each loss with the lowest one so far",
    ),
    Slip(
        "the patience is not used",
        BEST.format(0, "epoch - best == 1", "best"),
        "You stop at the first epoch without a new lowest loss, whatever the patience.",
        "stop when epoch - best == patience",
    ),
    Slip(
        "the epoch of the stop twice",
        BEST.format(0, "epoch - best == patience", "epoch"),
        "When training stops early, both numbers are the epoch of the stop. The first one must be the "
        "epoch with the lowest loss.",
        "return best, epoch",
    ),
    Slip(
        "epochs without a new lowest loss, not in a row",
        BEST.format("waited - 1", "epoch > best and waited > patience", "best"),
        "You count all epochs without a new lowest loss. After a new lowest loss, the counting "
        "starts again at 0.",
        "stop when epoch - best == patience",
    ),
)
