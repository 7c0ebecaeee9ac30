"""Common wrong answers to lesson 8."""

from minigrad.course.lesson import Slip

GRADIENT = """
def lookup_backward(dz, ids, V):
    dW = np.zeros((V, dz.shape[-1]))
    for place in np.ndindex(ids.shape):
        dW[ids[place]] += dz[place]
    return dW
"""

SLIPS = (
    Slip(
        "= instead of +=: dW[ids] = dz",
        "def lookup_backward(dz, ids, V):\n    dW = np.zeros((V, dz.shape[-1]))\n    dW[ids] = "
        "dz\n    return dW\n",
        "A word that was read several times gets only the gradient of its last use. `dW[ids] += "
        "dz` has the same effect, because NumPy writes each row only once.",
        "dW[i] = Σ dz over all positions where the id is i",
    ),
    Slip(
        "gradients averaged over the uses",
        GRADIENT.replace(
            "return dW", "return dW / np.maximum(np.bincount(ids.ravel(), minlength=V), 1)[:, None]"
        ),
        "You averaged the gradients over a word's uses. But if a row is used twice, each use has "
        "its full effect on the result.",
        "dW[i] = Σ dz over all positions where the id is i, without dividing",
    ),
    Slip(
        "uses counted, upstream gradient forgotten",
        GRADIENT.replace("+= dz[place]", "+= 1"),
        "Each use sends a 1. It should send the row of dz at its position.",
        "dW[i] = Σ dz over all positions where the id is i",
    ),
    Slip(
        "word 0 left out",
        GRADIENT.replace("return dW", "dW[0] = 0\n    return dW"),
        "Row 0 gets no gradient. Some libraries use id 0 to pad short texts, but here it is a word"
        " like any other.",
        "dW[i] = Σ dz over all positions where the id is i, for every i from 0",
    ),
    Slip(
        "a row for each position, not for each word",
        "def lookup_backward(dz, ids, V):\n    return dz.reshape(-1, dz.shape[-1])\n",
        "Your result has a row for each position in the text. The gradient must have the shape of "
        "the table, with a row for each word.",
        "dW has the shape (V, D)",
    ),
    Slip(
        "columns instead of rows",
        "def lookup(table, ids):\n    return table.T[ids % table.shape[1]]\n",
        "Each word has a row in the table. You used columns.",
        "table[ids]",
    ),
    Slip(
        "one-hot transposed",
        "def one_hot(ids, V):\n    return np.moveaxis(np.eye(V)[ids], -1, 0)\n",
        "The axis of length V comes first. It should come last, so that each id has its own row.",
        "the shape (N, V), or (B, T, V)",
    ),
    Slip(
        "the words that occur, not the others",
        "def unseen(ids, V):\n    return sorted(set(ids.ravel().tolist()))\n",
        "These are the words that occur, so they do get a gradient. Return the others.",
        "all i from 0 to V - 1 that are not in ids",
    ),
)
