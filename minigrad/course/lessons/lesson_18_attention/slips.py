"""Typical wrong answers to lesson 18. Each one replaces a part of the solution."""

from minigrad.course.checking.lesson import Slip
from minigrad.course.checking.registry import lesson

SOLUTION = lesson(18).read("solution.py")
DOT, ROOT, MASK = (
    "q @ k.swapaxes(-1, -2)",
    " / np.sqrt(q.shape[-1])",
    "np.tri(s.shape[-1], dtype=bool)",
)
FILL, SOFTMAX, SUM = (
    f"mg.where({MASK}, s, -1e9)",
    "mg.softmax(s, axis=-1)",
    "weights(scores(q, k), causal) @ v",
)
SPLIT, MERGE = (
    "x.reshape(B, T, heads, D // heads).swapaxes(1, 2)",
    "z.swapaxes(1, 2).reshape(B, T, heads * d)",
)
HEADS, CALL = (
    "    q = split_heads(x @ W_q, heads)\n",
    "merge_heads(attention(q, k, v, causal)) @ W_out",
)
IF = f"    if causal:\n        s = {FILL}"
FAR = "np.tri(T, k=-size, dtype=bool)"
ROWS = f"""    p = {SOFTMAX}
    return p * np.tri(s.shape[-1]) if causal else p
"""
WHOLE = """    s = split_heads(x @ W_q, heads) @ split_heads(x @ W_k, heads).swapaxes(-1, -2) / np.sqrt(x.shape[-1])
    return merge_heads(weights(s, causal) @ split_heads(x @ W_v, heads)) @ W_out
    q = split_heads(x @ W_q, heads)
"""
SLIPS = tuple(Slip(name, SOLUTION.replace(old, new), kind) for name, old, new, kind in (
    ("not scaled", ROOT, "",
     "Your scores are plain dot products. They grow with the length of the vectors, and the softmax saturates."),
    ("divided by d", ROOT, " / q.shape[-1]",
     "You divide by d. A sum of d random products has the variance d, so its typical size is the square root of d."),
    ("scaled by the number of queries", ROOT, " / np.sqrt(q.shape[-2])",
     "You divide by the root of the number of queries. Use the length of a query: the last axis."),
    ("scaled by the number of keys", ROOT, " / np.sqrt(k.shape[-2])",
     "You divide by the root of the number of keys. Use the length of a key: the last axis."),
    ("divided by d squared", ROOT, " / q.shape[-1] ** 2", "You square d. Take its square root."),
    ("scaled by axis 0", ROOT, " / np.sqrt(q.shape[0])",
     "You divide by the root of the size of axis 0. This axis is the queries or the batch. The length of a query is "
     "the last axis."),
    ("scaled by an axis from the left", ROOT, " / np.sqrt(q.shape[1])",
     "You count the axes of q from the left. With axes in front, axis 1 is not d. The length of a query is the last "
     "axis."),
    *((f"divided by {what}", ROOT, f" / ({code})",
       f"You divide by {what}. Python raises to a power before it divides: d ** 1 / 2 is d / 2, and s / d ** 1 / 2 is "
       "s / d / 2. Write ** 0.5.")
      for what, code in (("d and by 2", "2 * q.shape[-1]"), ("d / 2", "q.shape[-1] / 2"))),
    ("cosines in place of dot products", DOT + ROOT,
     f"{DOT} / mg.sqrt((q * q).sum(axis=-1)[..., None] * (k * k).sum(axis=-1)[..., None, :])",
     "You divide each score by the lengths of both vectors. Then a long query cannot choose more clearly than a "
     "short one. Divide by the same number for all queries and keys."),
    ("the softmax in `scores`", DOT + ROOT, f"mg.softmax({DOT}{ROOT})",
     "You return weights. The softmax belongs in `weights`, after the mask."),
    ("queries and keys exchanged", DOT, "k @ q.swapaxes(-1, -2)",
     "Your rows belong to the keys, and your columns to the queries. A row should contain the scores of one query."),
    ("reshape in place of a transpose", DOT, "q @ k.reshape(*k.shape[:-2], k.shape[-1], k.shape[-2])",
     "You change the shape of k with reshape. The shape is right, but reshape keeps the order of the numbers in "
     "memory, so the keys are mixed. Exchange the two axes."),
    ("softmax over the wrong axis", SOFTMAX, "mg.softmax(s, axis=-2)",
     "Your columns add up to 1: the queries compete for each key. For each query, the keys compete, so every row adds "
     "up to 1."),
    ("softmax over everything", SOFTMAX, "mg.softmax(s.reshape(-1)).reshape(*s.shape)",
     "All your weights together add up to 1. Each row should add up to 1."),
    ("the mask lets the next position through", FILL, FILL.replace("[-1],", "[-1], k=1,"),
     "The mask is off by one: position t also sees position t + 1. During training, it contains the answer."),
    ("the mask hides the position itself", FILL, FILL.replace("[-1],", "[-1], k=-1,"),
     "The mask is off by one: it hides each position from itself. Position 0 has nothing left to see: all its scores "
     "are equally low, so it looks everywhere. Keep the diagonal."),
    ("the mask transposed", FILL, FILL.replace(f"{MASK}", f"{MASK}.T"),
     "Your mask hides the past and shows the future. The row is the position that looks, and the column is the "
     "position that it looks at."),
    ("the mask the wrong way round", FILL, f"mg.where({MASK}, -1e9, s)",
     "You hide what should be visible, and show what should be hidden. mg.where takes its second argument where the "
     "mask is True."),
    ("hidden scores set to 0", FILL, f"s * {MASK.replace(', dtype=bool', '')}",
     "You set hidden scores to 0. But e⁰ is 1, so a hidden position still gets a weight. Its score must be far below "
     "all others."),
    *(("hidden scores not low enough", "-1e9", fill,
       "Your hidden scores are low, but other scores can be lower. Use a number that no score reaches.")
      for fill in ("-10.0", "-100.0")),
    ("hidden scores very high", "-1e9", "1e9",
     "Your hidden scores are above all others, so hidden positions get all the weight. They must be far below."),
    ("mask after the softmax", f"{IF}\n    return {SOFTMAX}\n", ROWS,
     "You hide positions after the softmax. Then the rows no longer add up to 1, and each weight still depends on the "
     "hidden scores. Hide them before the softmax."),
    ("the mask forgotten", "    if causal:", "    if False:", "You never hide later positions."),
    *(("the mask always on", old, new, "You also hide later positions if causal is False.")
      for old, new in (("    if causal:", "    if s.shape[-2] == s.shape[-1]:"), ("    if causal:", "    if True:"),
                       (IF, IF.replace("if causal", "if True").replace("s.shape[-1]", "*s.shape[-2:]")))),
    ("the flag the wrong way round", "    if causal:", "    if not causal:",
     "You hide later positions if causal is False, and show them if it is True."),
    ("the rows not normalized", SOFTMAX, "mg.exp(s)",
     "You compute the exponentials, but you do not divide them by their sum."),
    ("values on the wrong side", SUM, "(v.swapaxes(-1, -2) @ weights(scores(q, k), causal)).swapaxes(-1, -2)",
     "Your product sums over the queries. Row t of the weights belongs to query t, so the sum over the keys is a "
     "product with the weights on the left."),
    ("keys in place of values", SUM, "weights(scores(q, k), causal) @ k",
     "You sum the keys. Keys only decide where to look. The values are what is read."),
    ("`causal` not passed on", SUM, "weights(scores(q, k), False) @ v",
     "You do not pass `causal` on, so every position sees the future."),
    *(("always causal", SUM, f"weights(scores(q, k), {always}) @ v",
       "You hide later positions, even if causal is False. Pass `causal` on.")
      for always in ("True", "q.shape[-2] == k.shape[-2]")),
    ("mask after the softmax", SUM,
     "(weights(scores(q, k), False) * (np.tri(q.shape[-2], k.shape[-2]) if causal else 1)) @ v",
     "You set weights to 0 after the softmax, so the rows no longer add up to 1. `weights` can hide positions itself."),
    ("keys and values exchanged", SUM, "weights(scores(q, v), causal) @ k",
     "You compare the queries with the values, and sum the keys. Compare them with the keys, and sum the values."),
    ("scaled twice", SUM, "weights(scores(q, k) / np.sqrt(q.shape[-1]), causal) @ v",
     "You divide by the root of d, but `scores` has already done this."),
    *(("the gradient cut", SUM, SUM.replace(old, new),
       f"All values are right, but you take {what} out of the graph (.array or a new Tensor), so no gradient reaches "
       f"{end}.")
      for what, end, old, new in (
        ("the weights or the scores", "q and k", " @ v", ".detach() @ v"),
        ("the queries", "q", "(q, k)", "(q.detach(), k)"), ("the keys", "k", "(q, k)", "(q, k.detach())"),
        ("the values", "v", "@ v", "@ v.detach()"))),
    ("softmax applied twice", SUM, "mg.softmax(weights(scores(q, k), causal)) @ v",
     "You compute a softmax of the weights. They are already weights."),
    ("heads split without a transpose", SPLIT, "x.reshape(B, heads, T, D // heads)",
     "You reshape directly to (B, heads, T, d). reshape keeps the order of the numbers, so a head gets whole positions "
     "instead of a share of the columns. Split the last axis first, and then exchange two axes."),
    ("heads and positions not exchanged", SPLIT, "x.reshape(B, T, heads, D // heads)",
     "Your result is (B, T, heads, d). The axis of the heads belongs before the axis of the positions."),
    ("the wrong axes exchanged", SPLIT, "x.reshape(B, T, heads, D // heads).swapaxes(1, 3)",
     "You exchange positions and columns. Exchange positions and heads."),
    ("the number of heads and their width exchanged", SPLIT, "x.reshape(B, T, D // heads, heads).swapaxes(1, 2)",
     "You split the columns into d heads of width `heads`. The number of heads comes first, and then their width."),
    ("every head takes one column in turn", SPLIT, "x.reshape(B, T, D // heads, heads).transpose(0, 3, 1, 2)",
     "Your heads take the columns in turn. Head 0 should get the first d columns, head 1 the next d."),
    ("the transpose before the split", SPLIT, "x.swapaxes(1, 2).reshape(B, heads, T, D // heads)",
     "You exchange axes and then reshape. Each head gets the right numbers in the wrong order. Split the last axis, "
     "and then exchange two axes."),
    ("always two heads", SPLIT, "x.reshape(B, T, 2, D // 2).swapaxes(1, 2)",
     "You always split into 2 heads. Use the argument `heads`."),
    ("columns before positions", SPLIT, "x.reshape(B, T, heads, D // heads).transpose(0, 2, 3, 1)",
     "Your result is (B, heads, d, T). The positions come before the columns."),
    ("heads merged without a transpose", MERGE, "z.reshape(B, T, heads * d)",
     "You reshape directly to (B, T, D). reshape keeps the order of the numbers, so a row contains several positions "
     "of one head. Exchange the axes of heads and positions first."),
    ("the wrong axes exchanged", MERGE, "z.transpose(0, 2, 3, 1).reshape(B, T, heads * d)",
     "Your columns take the heads in turn. All columns of head 0 come first, then those of head 1."),
    ("the wrong axes exchanged", MERGE, "z.swapaxes(2, 3).reshape(B, T, heads * d)",
     "You exchange positions and columns. Exchange heads and positions, as `split_heads` did."),
    ("the axes of z in the wrong order", "B, heads, T, d = z.shape", "B, T, heads, d = z.shape",
     "z is (B, heads, T, d). You take the number of heads for the number of positions, and the other way round."),
    ("the wrong axes exchanged", MERGE, "z.swapaxes(1, 3).reshape(B, T, heads * d)",
     "You exchange heads and columns. Exchange heads and positions, as `split_heads` did."),
    ("heads averaged", MERGE, "z.mean(axis=1)", "You average the heads. Put them side by side."),
    ("heads added", MERGE, "z.sum(axis=1)", "You add up the heads. Put them side by side."),
    ("queries and keys exchanged", "(attention(q, k, v", "(attention(k, q, v",
     "The keys look for the queries: the two are exchanged, either their matrices or their places in `attention`."),
    ("one matrix for queries and keys", "x @ W_q", "x @ W_k", "You use W_k for the queries too. They have W_q."),
    ("one matrix for queries and keys", "x @ W_k", "x @ W_q", "You use W_q for the keys too. They have W_k."),
    ("keys and values exchanged", "(attention(q, k, v", "(attention(q, v, k",
     "The keys and the values are exchanged, either their matrices or their places in `attention`."),
    ("W_v and W_out exchanged", HEADS, f"    W_v, W_out = W_out, W_v\n{HEADS}",
     "You exchange W_v and W_out. The values are x times W_v, and W_out comes last."),
    ("W_out before the weights", HEADS, f"    W_v, W_out = W_v @ W_out, np.eye(len(W_out.array))\n{HEADS}",
     "You multiply the values by W_out before the heads read them. Multiply the merged result by it."),
    ("always two heads", HEADS, f"    heads = 2\n{HEADS}", "You always use 2 heads. Use the argument `heads`."),
    ("keys in place of values", "x @ W_v", "x @ W_k", "You read the keys. The values have their own matrix, W_v."),
    ("W_out forgotten", CALL, CALL.removesuffix(" @ W_out"),
     "You return the heads side by side. W_out mixes them, and it is missing."),
    ("x added", CALL, f"x + {CALL}", "You add x. The network does this, outside `multi_head`."),
    ("the matrices transposed", HEADS, f"    W_q, W_k, W_v, W_out = W_q.T, W_k.T, W_v.T, W_out.T\n{HEADS}",
     "You transpose the matrices. Here, as in the formulas, x is multiplied by W itself."),
    ("a single head", HEADS, f"    heads = 1\n{HEADS}",
     "You compute one big head. Split queries, keys and values before `attention`, and merge the results after it."),
    ("scaled by the whole width", HEADS, WHOLE,
     "You divide the scores by the root of the whole width. Each head has vectors of its own width d."),
    ("`causal` not passed on", CALL, CALL.replace("causal", "False"),
     "You do not pass `causal` on to `attention`, so every position sees the future."),
    ("always causal", CALL, CALL.replace("causal", "True"), "You pass True to `attention`, even if causal is False."),
    ("W_out before the merge", CALL,
     "merge_heads(attention(q, k, v, causal) @ W_out[: W_out.shape[0] // heads, : W_out.shape[0] // heads])",
     "Each head uses only a part of W_out. Merge the heads first, so that W_out can mix them."),
    ("heads that read only a part of x", HEADS, "    B, T, D = x.shape\n    blocks = np.kron(np.eye(heads), "
     "np.ones((D // heads, D // heads)))\n    W_q, W_k, W_v = W_q * blocks, W_k * blocks, W_v * blocks\n" + HEADS,
     "Each of your heads reads only its own columns of x. A head has its own columns of the queries, keys and values, "
     "but these are computed from all of x. Multiply by the matrices first, and then split."),
    *((f"{what} without {W}", f"split_heads(x @ {W}, heads)", "split_heads(x, heads)",
       f"You use x itself as the {what}. The {what} are x times {W}.")
      for what, W in (("queries", "W_q"), ("keys", "W_k"), ("values", "W_v"))),
    ("the wrong distance", "t[:, None] - t", "t",
     "Far positions get more weight, and near ones less. Subtract slope times the distance t - s."),
    ("the slope forgotten", "slope * (t", "(t", "You subtract the distance itself, without the slope."),
    ("later positions seen in `nearer`", "(t[:, None] - t), True", "(t[:, None] - t), False",
     "Your positions also see later ones, which are even preferred."),
    ("no window", f" & ~{FAR}", "", "Your positions see everything before them, however far away it is."),
    ("later positions seen in the window", f"np.tri(T, dtype=bool) & ~{FAR}", f"~{FAR}",
     "You hide only positions that are too far back. Later positions must be hidden as well."),
    ("a window that is too large", FAR, FAR.replace("-size", "-size - 1"),
     "Your windows contain one position too many. In a window of size 1, a position sees only itself."),
    ("a window that is too small", FAR, FAR.replace("-size", "1 - size"),
     "Your windows contain one position too few. In a window of size 1, a position sees itself."),
    ("weights outside the window set to 0", "mg.softmax(mg.where(seen, s, -1e9), axis=-1)",
     "mg.where(seen, mg.softmax(s, axis=-1), 0.0)",
     "You hide positions after the softmax, so the weights of a row no longer add up to 1."),
))  # fmt: skip
