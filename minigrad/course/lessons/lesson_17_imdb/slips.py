"""Common wrong solutions to lesson 17."""

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
    words, good, scores = np.unique(ids[ids != 0]), labels == 1, []
    for word in words:
        has = (ids == word).any(axis=1)
        right = np.mean(has == good)
        scores.append({score})
    return words[np.argmax(scores)]
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
        "summed over the words",
        _PARTS.format(of="logit", parts="(vectors.array * slope.array).sum(axis=1)"),
        "You added up over the words. The products are (1, T, D), and the words are on axis 1. Add up over the "
        "numbers of each word's vector.",
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
        "padding without a part",
        _PARTS.format(
            of="logit", parts="(vectors.array * slope.array)[0].sum(axis=1) * (ids != 0)"
        ),
        "You set the part of padding to 0. Padding has a vector and a slope too, so it has a part.",
        _PART,
    ),
    Slip(
        "sums multiplied instead of numbers",
        _PARTS.format(
            of="logit", parts="vectors.array[0].sum(axis=1) * slope.array[0].sum(axis=1)"
        ),
        "You add up the vector and the slopes first, and then multiply the sums. Multiply number by number, "
        "and then add up.",
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
        "the strongest word instead of the most forgotten",
        _LOST.format(which="np.where(ids == 0, -np.inf, abs(a))"),
        "The full network's strongest word may be just as strong in the truncated network. Compare"
        " the two networks.",
        _FORGOTTEN,
    ),
    Slip(
        "a rare word suspected",
        _LEAK.format(score="max(good[has].mean(), 1 - good[has].mean())"),
        "A word that occurs in a single review is 'always' good or bad, but it tells you nothing "
        "about the other reviews. Rate a word on all reviews, including those without it.",
        _BEST,
    ),
    Slip(
        "the opposite prediction never wins",
        _LEAK.format(score="right"),
        "A word that occurs only in bad reviews gives the label away just as well. Is the opposite "
        "forgotten, or is the count for the first prediction too large?",
        _BEST,
    ),
    Slip(
        "occurrences counted instead of reviews",
        _LEAK.format(score="abs((ids[good] == word).sum() - (ids[~good] == word).sum())"),
        "You count a review five times if a word occurs in it five times. Count each review only "
        "once.",
        _BEST,
    ),
    Slip(
        "counts of reviews subtracted",
        _LEAK.format(score="abs((has & good).sum() - (has & ~good).sum())"),
        "You compare only the numbers of good and bad reviews that have the word. That is enough if "
        "there are as many good reviews as bad ones, but here there are not.",
        _BEST,
    ),
    Slip(
        "reviews without the word ignored",
        _LEAK.format(score="max((has & good).sum(), (has & ~good).sum())"),
        "You count only reviews that have the word. A prediction for a review without the word can "
        "be right too.",
        _BEST,
    ),
    Slip(
        "bad reviews without the word forgotten",
        _LEAK.format(score="max((has & good).sum(), (has != good).sum())"),
        'For the prediction "good", you count only the good reviews that have the word. A bad review '
        "without the word is predicted correctly too.",
        _BEST,
    ),
    Slip(
        "good and bad reviews weighted differently",
        _LEAK.format(score="max(right, 1 - right)").replace(
            "np.mean(has == good)", "(has[good].mean() + (~has[~good]).mean()) / 2"
        ),
        "You compute a share of the good reviews and a share of the bad ones. If one class is smaller, "
        "its reviews count more. Each review should count the same.",
        _BEST,
    ),
    Slip(
        "only reviews that consist of the word",
        _LEAK.format(score="max(right, 1 - right)").replace("any", "all"),
        "You ask whether the word is at every position of a review. One position is enough.",
        _BEST,
    ),
    Slip(
        "the score instead of the word",
        _LEAK.format(score="max(right, 1 - right) * len(ids)").replace(
            "words[np.argmax(scores)]", "np.max(scores)"
        ),
        "You return how many reviews the best word gets right. Return the word's id.",
        _BEST,
    ),
    Slip(
        "an index instead of an id",
        _LEAK.format(score="max(right, 1 - right)").replace(
            "words[np.argmax(scores)]", "np.argmax(scores)"
        ),
        "You return the best word's index in your list of words. Return the word itself.",
        _BEST,
    ),
    Slip(
        "returned after the first word",
        "def leak(ids, labels):\n    return np.unique(ids[ids != 0])[0]",
        "You always return the smallest id. Is the `return` inside the loop?",
        _BEST,
    ),
    Slip(
        "the greatest id left out",
        _LEAK.format(score="max(right, 1 - right)").replace(
            "np.unique(ids[ids != 0])", "np.arange(1, ids.max())"
        ),
        "Your loop ends one word too early. A range does not contain its end.",
        _BEST,
    ),
    Slip(
        "padding treated as a word",
        _LEAK.format(score="max(right, 1 - right)").replace("ids[ids != 0]", "ids"),
        "For one of these inputs you return 0, which is padding.",
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
        "words moved between reviews",
        "def shuffled(ids, rng):\n    mixed = ids.copy()\n    mixed[ids != 0] = "
        "rng.permutation(ids[ids != 0])\n    return mixed",
        "You shuffled the words of all reviews together. Each review must keep its own words.",
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
        "the same order in every epoch",
        _TRAIN.format(**_USUAL).replace("means = []", "means, batches = [], list(batches)"),
        "You go through `batches` only once and keep the order of the first epoch. Start a new loop over "
        "`batches` in each epoch.",
        _STEP,
    ),
    Slip(
        "a mean over reviews",
        _TRAIN.format(**_USUAL | {"mean": "sum(losses) / count"})
        .replace("losses = []", "losses, count = [], 0")
        .replace("(loss.item())", "(loss.item() * len(ids))\n            count += len(ids)"),
        "A batch with more reviews counts more in your mean. Each batch should count the same.",
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
        "smallest drop instead of largest",
        _LOST.format(which="np.where(ids == 0, -np.inf, abs(b) - abs(a))"),
        "You return the word that lost least, or whose part grew most. Either you subtract the wrong way "
        "round, or you pick the smallest difference.",
        _FORGOTTEN,
    ),
    Slip(
        "shares compared",
        _LOST.format(which="np.where(ids == 0, -np.inf, -abs(b) / abs(a))"),
        "You compare which fraction of its size each part loses. Compare the differences of the sizes.",
        _FORGOTTEN,
    ),
    Slip(
        "parts that grew left out",
        _LOST.format(which="np.where(ids == 0, 0, np.maximum(abs(a) - abs(b), 0))"),
        "If every part grew, you return position 0. Return the word whose part grew least.",
        _FORGOTTEN,
    ),
    Slip(
        "the word's first position",
        _LOST.format(which="np.where(ids == 0, -np.inf, abs(a) - abs(b))")
        .rstrip()
        .replace("return", "best =")
        + "\n    return list(ids).index(ids[best])",
        "You return the first position of the right word. The word occurs twice, and another position "
        "lost more.",
        _FORGOTTEN,
    ),
    Slip(
        "positions without the padding",
        _LOST.format(which="(abs(a) - abs(b))[ids != 0]"),
        "You count positions only among the words. Count the padding too.",
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
        "only the first review returned",
        "old = shuffled\ndef shuffled(ids, rng):\n    return old(ids[:1], rng)",
        "You return a single review. Return all of them.",
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
