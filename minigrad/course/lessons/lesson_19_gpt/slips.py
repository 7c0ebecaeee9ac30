"""Typical wrong answers to lesson 19. Each one replaces a part of the solution."""

from minigrad.course.checking.lesson import Slip
from minigrad.course.checking.registry import lesson

SOLUTION = lesson(19).read("solution.py")
ANGLE, SIN, COS = (
    "2 * i / width",
    "table[t, 2 * i] = np.sin(angle)",
    "table[t, 2 * i + 1] = np.cos(angle)",
)
PLACES = "positions(end, table.shape[1])[start:]"
INPUTS, IGNORED = (
    "inputs, labels = ids[:, :-1], ids[:, 1:].copy()",
    "labels[:, 1:][inputs[:, 1:] == 0] = -100",
)
ATTENTION, MLP = "y = x + attention(norm1(x))", "return y + mlp(norm2(y))"
BLOCK = f"{ATTENTION}\n    {MLP}"
MASK = "np.tri(new, all, all - new, dtype=bool)"
CACHE = SOLUTION[SOLUTION.index("    if cache is not None") : SOLUTION.index("    new, all")]
WRITE = SOLUTION[SOLUTION.index("def write(") : SOLUTION.index("def write_cached")]
CACHED = SOLUTION[SOLUTION.index("def write_cached") : SOLUTION.index("def top_k")]
READ = "model(np.array([ids[start:]]), cache, start)"
DRAW = "rng.choice(len(p), p=p)"
ENTROPY = "mg.cross_entropy(logits[:, t], labels[:, t])"
STOPPED = (
    "stopped at id 0", "You stop when id 0 is drawn. `count` new ids are always drawn.", "    return ids",
    "        if ids[-1] == 0:\n            break\n    return ids",
)  # fmt: skip
UNPASSED = (
    "temperature not passed on", "Your text does not depend on the temperature.", "temperature)\n        ids",
    "1.0)\n        ids",
)  # fmt: skip


def within(part, *changes):
    """Return the code of one function with these changes."""
    for old, new in changes:
        if old not in part:
            raise ValueError(f"{old!r} is not in the solution")
        part = part.replace(old, new)
    return part


def slips(part, *rows):
    return tuple(
        Slip(name, within(part, *zip(changes[::2], changes[1::2], strict=True)), kind)
        for name, kind, *changes in rows
    )


SLIPS = (
    *slips(
        SOLUTION,
        ("sines and cosines in two halves", "You put all sines on the left and all cosines on the right. They take "
         "turns: each sine has its cosine beside it.",
         SIN, "table[t, i] = np.sin(angle)", COS, "table[t, width // 2 + i] = np.cos(angle)"),
        ("sine and cosine exchanged", "Your cosines are in the even columns, and your sines in the odd ones.",
         SIN, SIN.replace("sin", "cos"), COS, COS.replace("cos", "sin")),
        ("a frequency for each column", "A sine and the cosine beside it must have the same frequency. Yours differ.",
         COS, "table[t, 2 * i + 1] = np.cos(t / 10000 ** ((2 * i + 1) / width))"),
        ("frequencies too close to each other", "The first two columns are right, but the next waves are too fast. "
         "Check the exponent of 10000.", ANGLE, "i / width"),
        ("whole numbers only", "Your matrix holds integers, so each sine and cosine loses its decimals.",
         "np.zeros((length, width))", "np.zeros((length, width), int)"),
        ("positions counted from 1", "Your row 0 belongs to position 1.", "angle = t /", "angle = (t + 1) /"),
        ("positions multiplied", "You multiply the two vectors. They must be added.", ") + positions", ") * positions"),
        ("positions forgotten", "You return only the ids' rows, so the order of the ids makes no difference.",
         f" + {PLACES}", ""),
        ("positions restart at 0", "You ignore `start`. Ids that continue a text get the positions of its beginning.",
         PLACES, "positions(ids.shape[1], table.shape[1])"),
        ("start added to the numbers", "You add `start` itself to the vectors. It is the number of the first row that "
         "is added.", PLACES, "positions(ids.shape[1], table.shape[1]) + start"),
        ("a row for each text", "You add as many rows of `positions` as there are texts. There must be one for each "
         "column of ids: T rows, not B.", "ids.shape[1]", "ids.shape[0]"),
        ("one row for all ids", "All ids get the same row of positions. Each column of ids needs its own.",
         PLACES, "positions(end, table.shape[1])[start]"),
        ("the id used as a position", "You look the positions up by id. The row must depend on the place of the id, "
         "not on the id.", PLACES, "positions(100, table.shape[1])[ids]"),
        ("not shifted", "Your label is the input itself. The model would only have to copy, and would learn nothing.",
         "ids[:, 1:].copy()", "ids[:, :-1].copy()"),
        ("shifted the wrong way", "Your label is the id before the input. The model would learn to write backwards.",
         INPUTS, "inputs, labels = ids[:, 1:], ids[:, :-1].copy()"),
        ("the end ignored", "You ignore all zeros in the labels, also the one that ends the name. The model would "
         "never learn to stop.", IGNORED, "labels[labels == 0] = -100"),
        ("padding predicted", "After a name's end, your labels are 0. The model would be rewarded for predicting "
         "padding.", IGNORED, ""),
        ("the first letter ignored", "You ignore the label of the first input, the 0 before the letters. It asks for "
         "the first letter of the name.", IGNORED, "labels[inputs == 0] = -100"),
        ("x without a graph", "You make a new Tensor of x's array, so no gradient takes the path of slope 1.",
         ATTENTION, "y = mg.Tensor(x.array) + attention(norm1(x))"),
        ("attention without a residual", "The attention's result replaces x. It must be added to x.",
         ATTENTION, "y = attention(norm1(x))"),
        ("mlp without a residual", "The mlp's result replaces y. It must be added to y.", MLP, "return mlp(norm2(y))"),
        ("no residuals", "Both results replace what they were computed from. Each must be added to it.",
         BLOCK, "return mlp(norm2(attention(norm1(x))))"),
        ("post-norm", "You add first and normalize the sum. In a pre-norm block, the norm comes before the function, "
         "and nothing comes after the sum.", BLOCK, "y = norm1(x + attention(x))\n    return norm2(y + mlp(y))"),
        ("the norm's output added", "You add the result to the normalized vector, so the path of slope 1 is lost. Add "
         "it to the vector before the norm.",
         BLOCK, "n = norm1(x)\n    y = n + attention(n)\n    m = norm2(y)\n    return m + mlp(m)"),
        ("norm1's output added", "You add the attention's result to norm1(x). Add it to x.",
         ATTENTION, "y = norm1(x) + attention(norm1(x))"),
        ("norm2's output added", "You add the mlp's result to norm2(y). Add it to y.", MLP,
         "return norm2(y) + mlp(norm2(y))"),
        ("the second sum starts from x", "You add the mlp's result to the block's input, so the attention's result is "
         "lost.", MLP, "return x + mlp(norm2(y))"),
        ("the mlp reads x", "Your norm2, and so the mlp, reads the block's input. It must read the sum of the input "
         "and the attention's result.", MLP, "return y + mlp(norm2(x))"),
        ("the norm after the function", "You normalize the result of the attention and of the mlp. The norm belongs "
         "before them.", BLOCK, "y = x + norm1(attention(x))\n    return y + norm2(mlp(y))"),
        ("norm1 after the attention", "You normalize the attention's result. The norm belongs before the attention.",
         ATTENTION, "y = x + norm1(attention(x))"),
        ("norm2 after the mlp", "You normalize the mlp's result. The norm belongs before the mlp.", MLP,
         "return y + norm2(mlp(y))"),
        ("norms forgotten", "The attention and the mlp read vectors that are not normalized.",
         BLOCK, "y = x + attention(x)\n    return y + mlp(y)"),
        ("norms exchanged", "norm2 is where norm1 belongs, and norm1 is where norm2 belongs.",
         "norm1(x)", "norm2(x)", "norm2(y)", "norm1(y)"),
        ("the mlp first", "You call the mlp before the attention.", BLOCK,
         "y = x + mlp(norm2(x))\n    return y + attention(norm1(y))"),
        ("no mask", "Every new position sees all keys, also those in its future.", MASK, "np.ones((new, all), bool)"),
        ("a mask that forgets the cache", "The mask is right without a cache. With one, the new positions do not "
         "begin at key 0: they come after all cached keys.", MASK, "np.tri(new, all, dtype=bool)"),
        ("the diagonal moved to the left", "The mask's diagonal moves to the wrong side. Its last row must be True "
         "in all columns.", MASK, "np.tri(new, all, new - all, dtype=bool)"),
        ("no mask with a cache", "With a cache, your new positions see each other's future. Several new ones can come "
         "in one call.", MASK, f"{MASK} if cache is None else np.ones((new, all), bool)"),
        ("a position does not see itself", "The mask hides each position's own key.", MASK,
         "np.tri(new, all, all - new - 1, dtype=bool)"),
        ("the mask lets the next position through", "The mask is off by one: each new position also sees the one "
         "after it.", MASK, "np.tri(new, all, all - new + 1, dtype=bool)"),
        ("the mask upside down", "Your positions see the future and not the past. mask is True where a query may "
         "attend to a key.", MASK, "~np.tri(new, all, all - new - 1, dtype=bool)"),
        ("the mask inverted", "Your mask hides exactly what it should show.", MASK, f"~{MASK}"),
        ("cached positions at the end", "The cached keys and values come after the new ones. The earlier positions "
         "come first.", "[cache[0], k]", "[k, cache[0]]", "[cache[1], v]", "[v, cache[1]]"),
        *(("joined along the wrong axis", f"You join along the axis of the {name}. The positions have another one.",
           "axis=2", f"axis={axis}") for axis, name in ((0, "texts"), (1, "heads"))),
        ("only the new keys and values returned", "Your next cache contains only the new positions, so the earlier "
         "ones are forgotten after one call.", CACHE, f"    fresh = (k, v)\n{CACHE}", "mask), (k, v)", "mask), fresh"),
        ("the old cache returned", "You return the cache that you received. The new positions are missing in it.",
         "mask), (k, v)", "mask), (k, v) if cache is None else cache"),
        ("the cache ignored", "The new positions attend only to each other.", CACHE, ""),
        ("a cache shared by two texts", "Your function remembers the keys and values of another call. It may only "
         "remember what is in `cache`.", "cache=None):\n    if",
         "cache=None, kept=[]):\n    cache = cache or (kept and kept[-1]) or None\n    if",
         "    new, all", "    kept.append((k, v))\n    new, all"),
        *((f"{name} without a graph", f"You make a new Tensor of {name}'s array, so no gradient reaches {name}.",
           f"attention({before}{name}", f"attention({before}mg.Tensor({name}.array)")
          for name, before in (("q", ""), ("k", "q, "), ("v", "q, k, "))),
        ("temperature ignored", "Your probabilities do not depend on the temperature. A division after exp cancels "
         "when you divide by the sum.", "logits / temperature",
         "logits"),
        ("the sum of other powers", "You divide by a sum without the temperature, so your probabilities do not add up "
         "to 1. Compute the powers once, and divide by their own sum.", "powers.sum()",
         "np.exp(logits - logits.max()).sum()"),
        ("temperature after the softmax", "You divide the probabilities by the temperature. Divide the logits.",
         "logits / temperature", "logits", "powers / powers.sum()", "powers / powers.sum() / temperature"),
    ),
    *slips(
        WRITE,
        ("logits of the first position", "You read the prediction after the first id. The next id follows the last "
         "one.",
         "[0, -1]", "[0, 0]"),
        ("always the most likely id", "You choose the id with the highest probability. It must be drawn at random.",
         DRAW, "p.argmax()"),
        ("only the last id read", "The model reads only the last id, so it knows nothing of the text before it.",
         "[ids]", "[ids[-1:]]"),
        ("new ids are not read", "The model always reads the first ids only, so each new id is drawn as if it were "
         "the first one.", "ids = list(ids)\n", "ids, first = list(ids), ids\n", "[ids]", "[first]"),
        ("an earlier row of the logits", "The model reads the new ids, but you draw each of them from the logits after "
         "the last one of the first ids. The next id follows the last one so far.",
         "ids = list(ids)\n", "ids, first = list(ids), len(ids)\n", "[0, -1]", "[0, first - 1]"),
        ("only the new ids returned", "You return only the new ids. Return the whole text.",
         "return ids", "return ids[len(ids) - count :]"),
        ("too few new ids", "You stop when the whole text has `count` ids. `count` is the number of new ones.",
         "range(count)", "range(count - len(ids))"),
        STOPPED,
        UNPASSED,
    ),
    *slips(
        CACHED,
        ("positions restart at 0", "Every call says that its ids begin at position 0. With a cache, the ids that it "
         "already contains come first.", "cache, start)", "cache, 0)"),
        ("positions without the first ids", "Your start counts only the new ids. The ids that you were given have "
         "positions too.", "for _ in", "for number in", "cache, start)", "cache, number)"),
        ("start one too large", "You count the newest id before the model has read it, so its position is one too "
         "large.", "cache, start)", "cache, start + (cache is not None))"),
        ("the cache not passed on", "Every call gets an empty cache, so the model sees only the newest id.",
         "cache, start)", "None, start)"),
        ("the first cache kept", "You always pass the cache of the first call. Each call returns a new one, which also "
         "contains the newest id.", f"logits, cache = {READ}", f"logits, new = {READ}\n        cache = cache or new"),
        ("only the last of the first ids read", "In the first call, the model must read all ids that you were given.",
         "[ids[start:]]", "[ids[max(start, len(ids) - 1) :]]"),
        ("only the last of the first ids read", "In the first call, the model must read all ids that you were given, "
         "from position 0.", "list(ids), None, 0", "list(ids), None, len(ids) - 1"),
        ("the whole text read again", "The model reads the whole text again, although the cache already contains it. "
         "Its ids then count twice.", "[ids[start:]]", "[ids]"),
        ("read without the cache", "The letters are right, but the model reads the whole text again for every letter.",
         READ, "model(np.array([ids]), None, 0)"),
        ("logits of the first position", "You read the prediction after the first id that was read. The next id "
         "follows the last one.", "array[0, -1]", "array[0, 0]"),
        ("always the most likely id", "You choose the id with the highest probability. It must be drawn at random.",
         DRAW, "p.argmax()"),
        STOPPED,
        UNPASSED,
        ("a cache shared by two texts", "A new text begins with the cache of the text before it. Begin with None.",
         "temperature):", "temperature, kept=[None]):", "list(ids), None, 0", "list(ids), kept[0], 0",
         "        start =", "        kept[0] = cache\n        start ="),
    ),
    *slips(
        SOLUTION,
        ("not divided by the sum", "Your probabilities do not add up to 1.", "kept / kept.sum()", "kept"),
        ("a softmax of probabilities", "You apply a softmax to numbers that are already probabilities. This changes "
         "their ratios.", "kept / kept.sum()", "np.exp(kept) / np.exp(kept).sum()"),
        ("one probability too many", "You keep one probability too many. With k = 1, only the most likely id remains.",
         "np.sort(p)[-k]", "np.sort(p)[-k - 1]"),
        ("the smallest probabilities kept", "You keep the smallest probabilities. The largest ones should remain.",
         "np.sort(p)[-k]", "np.sort(p)[k - 1]", "p >= least", "p <= least"),
        ("equal probabilities", "Your k ids are equally likely. The ratios of their probabilities must not change.",
         "np.where(p >= least, p, 0)", "np.where(p >= least, 1.0, 0)"),
        ("only k probabilities returned", "You return only k numbers, so an id is no longer the place of its "
         "probability.", "np.where(p >= least, p, 0)", "p[p >= least]"),
        ("the losses returned", "You return the losses. The perplexity is computed from the loss.",
         f"mg.exp({ENTROPY})", ENTROPY),
        ("hidden labels counted", "You also count positions whose label is -100. No id is to be predicted there.",
         ENTROPY, "mg.cross_entropy(logits[:, t], labels[:, t].clip(0))"),
        ("one perplexity for each text", "Your numbers belong to the texts. Each position should have one, for all "
         "texts together.", "labels.shape[1]", "labels.shape[0]", "logits[:, t], labels[:, t]", "logits[t], labels[t]"),
        ("a mean of perplexities", "You compute the mean of the texts' perplexities. Compute the mean of their losses "
         "first.", f"mg.exp({ENTROPY}).item()",
         "float(np.mean([np.exp(mg.cross_entropy(logits[[b], t], labels[[b], t]).item())\n"
         "            for b in range(len(labels)) if labels[b, t] >= 0]))"),
    ),
)  # fmt: skip
