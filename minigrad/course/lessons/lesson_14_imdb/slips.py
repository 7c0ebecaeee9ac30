"""Well-known wrong solutions of lesson 14."""

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
_STEP = "for each batch: gradients set to none, loss = BCE(model(ids), labels), backward, step; mean of the losses"
_PART = "part_t = Σ_d x_td · dlogit/dx_td: vector times slope, element by element, added up over the vector"
_FORGOTTEN = (
    "the t with the largest |part_t in full| - |part_t in truncated|, of those with ids[t] ≠ 0"
)
_BEST = "r = share of all reviews in which (word occurs) = (label is 1); score = max(r, 1 - r); the largest score"
_MIX = "for each row, alone: n = its ids that are not 0; its last n places = rng.permutation of these n ids; on a copy"

SLIPS = (
    Slip(
        "old gradients never cleared",
        _TRAIN.format(**_USUAL | {"clear": "pass"}),
        "Each batch's gradient is added to those of all batches before it, and the step follows "
        "the sum.",
        _STEP,
    ),
    Slip(
        "one step for each epoch",
        _TRAIN.format(**_USUAL)
        .replace("            optimizer.step()\n", "")
        .replace("        means.append", "        optimizer.step()\n        means.append"),
        "The step stands outside the loop over the batches: all gradients but the last batch's "
        "are thrown away.",
        _STEP,
    ),
    Slip(
        "one epoch only",
        _TRAIN.format(**_USUAL | {"epochs": "1"}),
        "The reviews are gone through once, however many epochs were asked for.",
        _STEP,
    ),
    Slip(
        "the last batch's loss for the whole epoch's",
        _TRAIN.format(**_USUAL | {"mean": "losses[-1]"}),
        "A single batch says little about an epoch: its loss depends on which few reviews "
        "happened to be in it.",
        _STEP,
    ),
    Slip(
        "slope without the vector",
        _PARTS.format(of="logit", parts="slope.array[0].sum(axis=1)"),
        "A slope says what would happen if a number grew. How much the number says now is another "
        "thing: it depends on how large it is.",
        _PART,
    ),
    Slip(
        "length instead of sign",
        _PARTS.format(of="logit", parts="np.linalg.norm(slope.array[0], axis=1)"),
        "The length of a slope is never negative, so that no word could speak for a bad review.",
        _PART,
    ),
    Slip(
        "of the probability instead of the logit",
        _PARTS.format(of="mg.sigmoid(logit)", parts="(vectors.array * slope.array)[0].sum(axis=1)"),
        "The sigmoid is flat where the network is sure, and makes every part small there.",
        _PART,
    ),
    Slip(
        "a word's places thrown together",
        "def word_parts(model, ids):\n    table = model.embedding.table\n"
        "    (slope,) = mg.grad(model(ids[None]).sum(), [table])\n"
        "    return (table.array * slope.array)[ids].sum(axis=1)",
        "The gradient of the table adds up all places at which a word stands. Here each place is "
        "asked alone: the same word may say more at the end than at the beginning.",
        _PART,
    ),
    Slip(
        "padding called a word",
        _LOST.format(which="(abs(a) - abs(b))"),
        "The place that was named holds padding in one of these reviews, and nobody wrote a word "
        "there.",
        _FORGOTTEN,
    ),
    Slip(
        "sign instead of size",
        _LOST.format(which="np.where(ids == 0, -np.inf, a - b)"),
        "A word that spoke against the film, and is forgotten, has lost as much as one that "
        "praised it. Size counts, whatever its sign.",
        _FORGOTTEN,
    ),
    Slip(
        "the two networks exchanged",
        _LOST.format(which="np.where(ids == 0, -np.inf, abs(b) - abs(a))"),
        "This is the word that gained most. Forgotten is what the full network heeds and the "
        "truncated one does not.",
        _FORGOTTEN,
    ),
    Slip(
        "the strongest word instead of the most forgotten",
        _LOST.format(which="np.where(ids == 0, -np.inf, abs(a))"),
        "The full network's strongest word may be just as strong in the truncated one. Compare "
        "the two.",
        _FORGOTTEN,
    ),
    Slip(
        "a rare word convicted",
        _LEAK.format(
            score="p = good[has].mean() if has.any() else 0.5\n        scores.append(max(p, 1 - p))"
        ),
        "A word that occurs in a single review is 'always' good or bad, and tells nothing about "
        "all other reviews. Judge a word by all reviews, those without it included.",
        _BEST,
    ),
    Slip(
        "only leaks of good reviews",
        _LEAK.format(score="scores.append(np.mean(has == good))"),
        "A word that stands in bad reviews only gives the label away just as well.",
        _BEST,
    ),
    Slip(
        "occurrences counted instead of reviews",
        _LEAK.format(
            score="n = (ids == word).sum(axis=1)\n        "
            "scores.append(abs(n[good].sum() - n[~good].sum()))"
        ),
        "A review that says a word five times counts five times here. The label is given away "
        "once for each review.",
        _BEST,
    ),
    Slip(
        "the commonest word",
        "def leak(ids, labels):\n    return np.bincount(ids.ravel()).argmax()",
        "A word that stands everywhere stands in good and bad reviews alike, and tells nothing.",
        _BEST,
    ),
    Slip(
        "padding shuffled too",
        "def shuffled(ids, rng):\n    return np.array([rng.permutation(row) for row in ids])",
        "Zeros come to stand between the words and after them. The network never saw that in "
        "training, so the test would measure something else.",
        _MIX,
    ),
    Slip(
        "equal reviews come out equal",
        "def shuffled(ids, rng):\n    mixed = ids.copy()\n    for row in mixed:\n        n = "
        "np.count_nonzero(row)\n        row[len(row) - n:] = "
        "np.random.default_rng(0).permutation(row[len(row) - n:])\n    return mixed",
        "Either one order serves all reviews, or nothing was mixed: rng.permutation returns a new "
        "array and leaves the old one as it is. Each review needs a throw of its own.",
        _MIX,
    ),
    Slip(
        "the given array changed",
        "def shuffled(ids, rng):\n    for row in ids:\n        n = np.count_nonzero(row)\n"
        "        row[len(row) - n:] = rng.permutation(row[len(row) - n:])\n    return ids",
        "The answer is right, and the original order is gone: whoever tests both orders "
        "afterwards tests one twice.",
        _MIX,
    ),
    Slip(
        "words handed from review to review",
        "def shuffled(ids, rng):\n    return rng.permuted(ids, axis=0)",
        "The words have been shuffled down the columns, between reviews. Each review must keep "
        "its own words.",
        _MIX,
    ),
    Slip(
        "the losses of earlier epochs counted in",
        _TRAIN.format(**_USUAL)
        .replace("        losses = []\n", "")
        .replace("means = []", "means, losses = [], []"),
        "The first epoch's mean is right. In later ones the losses of all epochs before are "
        "averaged in.",
        _STEP,
    ),
    Slip(
        "a loss for each batch",
        _TRAIN.format(**_USUAL).replace("means.append(np.mean(losses))", "means += losses"),
        "The list has a number for each batch. Asked for is one for each epoch.",
        _STEP,
    ),
    Slip(
        "the word's id instead of its position",
        _LOST.format(which="np.where(ids == 0, -np.inf, abs(a) - abs(b))")
        .replace("return", "return ids[")
        .rstrip()
        + "]\n",
        "That is which word it is. Asked for is where it stands.",
        _FORGOTTEN,
    ),
    Slip(
        "changed instead of lost",
        _LOST.format(which="np.where(ids == 0, -np.inf, abs(a - b))"),
        "A part that grew, or turned its sign, has changed too. Forgotten is what became smaller.",
        _FORGOTTEN,
    ),
    Slip(
        "padding moved to the end",
        "def shuffled(ids, rng):\n    mixed = np.zeros_like(ids)\n    for row, new in zip(ids, "
        "mixed):\n        words = rng.permutation(row[row != 0])\n        new[:len(words)] = "
        "words\n    return mixed",
        "The words come first now, and the zeros after them. The network never saw that in "
        "training.",
        _MIX,
    ),
    Slip(
        "reviews shuffled instead of words",
        "def shuffled(ids, rng):\n    return rng.permutation(ids)",
        "The reviews have changed places, and no longer stand beside their labels. The words "
        "within them stand as before.",
        _MIX,
    ),
)
