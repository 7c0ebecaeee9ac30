"""Typical wrong answers to lesson 17. Each one replaces a part of the solution."""

from minigrad.course.checking.lesson import Slip
from minigrad.course.checking.registry import lesson

SOLUTION = lesson(17).read("solution.py")
CHOICE, SCORE = "np.where(ids == 0, -np.inf, lost)", "max(right, 1 - right)"
LOST = "abs(word_parts(full, ids)) - abs(word_parts(truncated, ids))"
SLIPS = tuple(Slip(name, SOLUTION.replace(old, new), kind) for name, old, new, kind in (
    ("the last batch's loss instead of the epoch's mean", "np.mean(losses)", "losses[-1]",
     "You return the loss of the last batch. It depends on the few reviews in that batch."),
    ("a mean over reviews", "losses.append(loss.item())", "losses += [loss.item()] * len(ids)",
     "A batch with more reviews counts more in your mean. Each batch should count the same."),
    ("gradients never cleared", "            optimizer.zero_grad()\n", "",
     "Gradients of earlier batches are still added in."),
    ("gradients cleared only once per epoch", "            optimizer.zero", "            if not losses: optimizer.zero",
     "You clear the gradients only at the start of an epoch. The second batch adds its gradients to the first one's."),
    ("the reviews read only once", "    means = []\n", "    means, batches = [], list(batches)\n",
     "You keep the batches of the first epoch. `for ... in batches` gives them in a new order in each epoch."),
    ("loss measured after the step", "loss.item()", "mg.binary_cross_entropy(model(ids), labels).item()",
     "You computed the loss again after the step. Keep the loss that you sent back."),
    ("slope of the probability instead of the logit", "mg.grad(logit", "mg.grad(mg.sigmoid(logit)",
     "You used the slope of the probability. The sigmoid is flat where the network is confident, so all parts become "
     "small there. Use the slope of the logit."),
    ("sums multiplied instead of numbers", "(vectors.array * slope.array)[0].sum(axis=1)",
     "vectors.array[0].sum(axis=1) * slope.array[0].sum(axis=1)",
     "You add up the vector and the slopes, and multiply the sums. Multiply number by number first, and then add up."),
    ("absolute values added up", "(vectors.array * slope.array)[0]", "abs(vectors.array * slope.array)[0]",
     "Your parts are never negative. A word that is evidence for a bad review has a negative part."),
    ("the words added up", "[0].sum(axis=1)", "[0].sum(axis=0)",
     "You add up all words, separately for each number of the vectors. Add up the numbers of each word."),
    ("padding without a part", "[0].sum(axis=1)", "[0].sum(axis=1) * (ids != 0)",
     "You set the part of padding to 0. Padding has a vector and a slope too, so it has a part."),
    ("padding treated as a word", CHOICE, "lost",
     "For one of these reviews you return a position that contains padding, not a word."),
    ("parts that grew left out", CHOICE, "np.where(ids == 0, 0, np.maximum(lost, 0))",
     "If every part grew, you return position 0. Return the word whose part grew least."),
    ("padding counted as a difference of 0", CHOICE, "np.where(ids == 0, 0, lost)",
     "If every part grew, all differences of words are below 0, and you return padding."),
    ("the id of the word", f"return {CHOICE}.argmax()", f"return ids[{CHOICE}.argmax()]",
     "You return the word's id. Return its position in ids."),
    ("counted without padding", f"return {CHOICE}.argmax()", "return lost[ids != 0].argmax()",
     "You count the position among the words alone. The padding in front of them counts, too."),
    ("a ratio instead of a difference", LOST, "abs(word_parts(full, ids)) / (abs(word_parts(truncated, ids)) + 1e-12)",
     "You divide one size by the other. Subtract them."),
    ("smallest drop instead of largest", CHOICE, "np.where(ids == 0, -np.inf, -lost)",
     "You return the word that lost least, or whose part grew most. Either you subtract the wrong way round, or you "
     "pick the smallest difference."),
    ("parts compared with their signs", LOST, "word_parts(full, ids) - word_parts(truncated, ids)",
     "A forgotten word with a negative part has lost as much as one with a positive part. Compare absolute values."),
    ("largest change instead of largest drop", LOST, "abs(word_parts(full, ids) - word_parts(truncated, ids))",
     "You also count parts that grew or changed their sign. Find the part whose absolute value shrank the most."),
    ("a rare word suspected", SCORE, "max(p := labels[(ids == word).any(axis=1)].mean(), 1 - p)",
     "A word that occurs in a single review is 'always' good or bad, but it tells you nothing about the other reviews. "
     "Rate a word on all reviews, including those without it."),
    ("the opposite prediction never wins", SCORE, "right",
     "A word that occurs only in bad reviews gives the label away just as well. Is the opposite forgotten, or is the "
     "count for the first prediction too large?"),
    ("good and bad reviews weighted differently", SCORE,
     "abs((ids[labels == 1] == word).any(axis=1).mean() - (ids[labels == 0] == word).any(axis=1).mean())",
     "You compute a share of the good reviews and a share of the bad ones. If one class is smaller, its reviews count "
     "more. Each review should count the same."),
    ("reviews without the word ignored", SCORE, "max((p := (ids == word).any(axis=1)) @ labels, p @ (1 - labels))",
     "You count only reviews that have the word. A prediction for a review without the word can be right too."),
    ("the index of the word", "words[np.argmax(scores)]", "np.argmax(scores)",
     "You return an index in your list of words. Return the id at this index."),
    ("only reviews that consist of the word", "any(axis=1)", "all(axis=1)",
     "You ask whether the word is at every position of a review. One position is enough."),
    ("returned after the first word", "words[np.argmax(scores)]", "words[0]",
     "You always return the smallest id. Is the `return` inside the loop?"),
    ("padding treated as a word", "ids[ids != 0]", "ids", "For one of these inputs you return 0, which is padding."),
    ("padding moved to the end", "row[len(row) - len(words) :] = rng.permutation(words)",
     "row[:] = [*rng.permutation(words), *row[row == 0]]",
     "The words are at the start of the row. Padding stays on the left, and the words after it."),
    ("padding shuffled too", "row[row != 0]", "row",
     "You moved zeros between and after the words. The network never saw that in training."),
    *(("the same order for equal reviews", "= rng.permutation(words)", new, "Either you used one order for all "
       "reviews, or you did not shuffle: rng.permutation returns a new array and does not change the old one. Each "
       "review needs its own random order.") for new in ("= np.random.default_rng(0).permutation(words)", "= words")),
    ("words moved to other reviews", "    for row in mixed:\n",
     "    mixed[mixed != 0] = rng.permutation(mixed[mixed != 0])\n    for row in []:\n",
     "You shuffle the words of all reviews together. Each word must stay in its review."),
    ("a generator of your own", "mixed = ids.copy()", "mixed, rng = ids.copy(), np.random.default_rng(0)",
     "You do not use the generator rng, so the caller cannot choose the order."),
    ("only the first review returned", "mixed = ids.copy()", "mixed = ids[:1].copy()",
     "You return a single review. Return all of them."),
    ("reviews shuffled instead of words", "ids.copy()\n    for row in mixed", "rng.permutation(ids)\n    for row in []",
     "You shuffled the reviews, so they no longer match their labels. Each review's words are in the old order."),
))  # fmt: skip
