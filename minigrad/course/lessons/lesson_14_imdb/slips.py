"""Common wrong solutions to lesson 14."""

from minigrad.course.lesson import Slip

_TRAIN = """
def train(model, optimizer, batches, epochs):
    means = []
    for _ in range({epochs}):
        losses = []
        for ids, labels in batches:
            loss = mg.binary_cross_entropy({logits}, labels)
            {clear}
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        means.append({mean})
    return means
"""
_USUAL = {
    "epochs": "epochs",
    "logits": "model(ids)",
    "clear": "optimizer.zero_grad()",
    "mean": "np.mean(losses)",
}
_PARTS = """
def word_parts(model, ids):
    vectors = mg.Tensor(model.embedding(ids[None]).array, requires_grad=True)
    logit = model.head(model.rnn(vectors)).sum()
    (slope,) = mg.grad({of}, [vectors])
    return {parts}
"""
_LOST = """
def forgotten(full, truncated, ids):
    a, b = word_parts(full, ids), word_parts(truncated, ids)
    return {which}.argmax()
"""
_LEAK = """
def leak(ids, labels):
    scores = []
    for word in range(ids.max() + 1):
        has, good = (ids == word).any(axis=1), labels == 1
        {score}
    return np.argmax(scores)
"""
_STEP = (
    "for each batch: zero_grad, loss = BCE(model(ids), labels), backward, step; for each epoch: "
    "the mean of its losses"
)
_PART = (
    "part_t = Σ_d x_td · dlogit/dx_td: vector times slope, element by element, summed over the "
    "vector"
)
_FORGOTTEN = (
    "the t with the largest |part_t in full| - |part_t in truncated| among the t with ids[t] ≠ 0"
)
_BEST = (
    "r = share of all reviews in which (the word occurs) = (label is 1); return the word with the "
    "largest max(r, 1 - r)"
)
_MIX = (
    "in a copy, for each row: replace its n ids that are not 0, at the last n positions, with "
    "rng.permutation of these ids"
)

SLIPS = (
    Slip(
        "old gradients never cleared",
        _TRAIN.format(**_USUAL | {"clear": "pass"}),
        "Each batch's gradient is added to the gradients of all earlier batches, so the step uses "
        "the sum.",
        _STEP,
    ),
    Slip(
        "only one step in each epoch",
        _TRAIN.format(**_USUAL)
        .replace("            optimizer.step()\n", "")
        .replace("        means.append", "        optimizer.step()\n        means.append"),
        "The step is outside the loop over the batches, so only the last batch's gradient is used.",
        _STEP,
    ),
    Slip(
        "only one epoch",
        _TRAIN.format(**_USUAL | {"epochs": "1"}),
        "You go through the reviews only once, whatever `epochs` is.",
        _STEP,
    ),
    Slip(
        "the last batch's loss instead of the epoch's mean",
        _TRAIN.format(**_USUAL | {"mean": "losses[-1]"}),
        "You return the loss of the last batch. It depends on the few reviews in that batch and "
        "says little about the epoch.",
        _STEP,
    ),
    Slip(
        "slope without the vector",
        _PARTS.format(of="logit", parts="slope.array[0].sum(axis=1)"),
        "A slope shows how fast the logit changes with a number. The number's contribution also "
        "depends on how large the number is.",
        _PART,
    ),
    Slip(
        "length of the slope",
        _PARTS.format(of="logit", parts="np.linalg.norm(slope.array[0], axis=1)"),
        "The length of a slope is never negative, so no word could be evidence for a bad review.",
        _PART,
    ),
    Slip(
        "slope of the probability instead of the logit",
        _PARTS.format(of="mg.sigmoid(logit)", parts="(vectors.array * slope.array)[0].sum(axis=1)"),
        "You used the slope of the probability. The sigmoid is flat where the network is "
        "confident, so all parts become small there. Use the slope of the logit.",
        _PART,
    ),
    Slip(
        "all positions of a word added up",
        "def word_parts(model, ids):\n    table = model.embedding.table\n"
        "    (slope,) = mg.grad(model(ids[None]).sum(), [table])\n"
        "    return (table.array * slope.array)[ids].sum(axis=1)",
        "You used the gradient of the table, which adds up all positions of a word. Each position "
        "needs its own part, because the same word may matter more at the end than at the "
        "beginning.",
        _PART,
    ),
    Slip(
        "padding treated as a word",
        _LOST.format(which="(abs(a) - abs(b))"),
        "For one of these reviews you return a position that contains padding, not a word.",
        _FORGOTTEN,
    ),
    Slip(
        "parts compared with their signs",
        _LOST.format(which="np.where(ids == 0, -np.inf, a - b)"),
        "A forgotten word with a negative part has lost as much as one with a positive part. "
        "Compare absolute values.",
        _FORGOTTEN,
    ),
    Slip(
        "the two networks swapped",
        _LOST.format(which="np.where(ids == 0, -np.inf, abs(b) - abs(a))"),
        "This is the word whose part gained the most. Find the word whose part is large in the "
        "full network and small in the truncated one.",
        _FORGOTTEN,
    ),
    Slip(
        "the strongest word instead of the most forgotten",
        _LOST.format(which="np.where(ids == 0, -np.inf, abs(a))"),
        "The full network's strongest word may be just as strong in the truncated network. Compare"
        " the two networks.",
        _FORGOTTEN,
    ),
    Slip(
        "a rare word suspected",
        _LEAK.format(
            score="p = good[has].mean() if has.any() else 0.5\n        scores.append(max(p, 1 - p))"
        ),
        "A word that occurs in a single review is 'always' good or bad, but it tells you nothing "
        "about the other reviews. Rate a word on all reviews, including those without it.",
        _BEST,
    ),
    Slip(
        "only words of good reviews",
        _LEAK.format(score="scores.append(np.mean(has == good))"),
        "A word that occurs only in bad reviews gives the label away just as well.",
        _BEST,
    ),
    Slip(
        "occurrences counted instead of reviews",
        _LEAK.format(
            score="n = (ids == word).sum(axis=1)\n        "
            "scores.append(abs(n[good].sum() - n[~good].sum()))"
        ),
        "You count a review five times if a word occurs in it five times. Count each review only "
        "once.",
        _BEST,
    ),
    Slip(
        "the most common word",
        "def leak(ids, labels):\n    return np.bincount(ids.ravel()).argmax()",
        "A word that occurs everywhere occurs in good and bad reviews alike, so it does not "
        "predict the label.",
        _BEST,
    ),
    Slip(
        "padding shuffled too",
        "def shuffled(ids, rng):\n    return np.array([rng.permutation(row) for row in ids])",
        "You moved zeros between and after the words. The network never saw that in training, so "
        "the test would measure something else.",
        _MIX,
    ),
    Slip(
        "the same order for equal reviews",
        "def shuffled(ids, rng):\n    mixed = ids.copy()\n    for row in mixed:\n        n = "
        "np.count_nonzero(row)\n        row[len(row) - n:] = "
        "np.random.default_rng(0).permutation(row[len(row) - n:])\n    return mixed",
        "Either you used one order for all reviews, or you did not shuffle: rng.permutation "
        "returns a new array and does not change the old one. Each review needs its own random "
        "order.",
        _MIX,
    ),
    Slip(
        "ids changed in place",
        "def shuffled(ids, rng):\n    for row in ids:\n        n = np.count_nonzero(row)\n"
        "        row[len(row) - n:] = rng.permutation(row[len(row) - n:])\n    return ids",
        "The result is right, but you changed the original array. A comparison of the two orders "
        "would compare the shuffled one with itself.",
        _MIX,
    ),
    Slip(
        "words moved between reviews",
        "def shuffled(ids, rng):\n    return rng.permuted(ids, axis=0)",
        "You shuffled the columns, so words moved between reviews. Each review must keep its own "
        "words.",
        _MIX,
    ),
    Slip(
        "losses of earlier epochs included",
        _TRAIN.format(**_USUAL)
        .replace("        losses = []\n", "")
        .replace("means = []", "means, losses = [], []"),
        "The first epoch's mean is right. Later means include the losses of earlier epochs.",
        _STEP,
    ),
    Slip(
        "a loss for each batch",
        _TRAIN.format(**_USUAL).replace("means.append(np.mean(losses))", "means += losses"),
        "Your list has one number for each batch. Return one for each epoch.",
        _STEP,
    ),
    Slip(
        "the word's id instead of its position",
        _LOST.format(which="np.where(ids == 0, -np.inf, abs(a) - abs(b))")
        .replace("return", "return ids[")
        .rstrip()
        + "]\n",
        "You return the word's id. Return its position.",
        _FORGOTTEN,
    ),
    Slip(
        "largest change instead of largest drop",
        _LOST.format(which="np.where(ids == 0, -np.inf, abs(a - b))"),
        "You also count parts that grew or changed their sign. Find the part whose absolute value "
        "shrank the most.",
        _FORGOTTEN,
    ),
    Slip(
        "padding moved to the end",
        "def shuffled(ids, rng):\n    mixed = np.zeros_like(ids)\n    for row, new in zip(ids, "
        "mixed):\n        words = rng.permutation(row[row != 0])\n        new[:len(words)] = "
        "words\n    return mixed",
        "You put the words first and the zeros after them. The network never saw that in training.",
        _MIX,
    ),
    Slip(
        "reviews shuffled instead of words",
        "def shuffled(ids, rng):\n    return rng.permutation(ids)",
        "You shuffled the reviews, so they no longer match their labels. The words within each "
        "review are in the old order.",
        _MIX,
    ),
)
