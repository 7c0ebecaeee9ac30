"""Well-known wrong answers to lesson 8."""

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
        "= where += belongs: dW[ids] = dz",
        "def lookup_backward(dz, ids, V):\n    dW = np.zeros((V, dz.shape[-1]))\n    dW[ids] = "
        "dz\n    return dW\n",
        "A word that was read several times got the gradient of one use only, the last. `dW[ids] "
        "+= dz` does the same: NumPy writes each row once.",
        "dW[i] = Σ of dz over all places where the id is i",
    ),
    Slip(
        "averaged over the uses",
        GRADIENT.replace(
            "return dW", "return dW / np.maximum(np.bincount(ids.ravel(), minlength=V), 1)[:, None]"
        ),
        "The gradients of a word's uses were averaged. A row that is used twice moves the result "
        "twice.",
        "dW[i] = Σ of dz over all places where the id is i, without dividing",
    ),
    Slip(
        "uses counted, upstream gradient forgotten",
        GRADIENT.replace("+= dz[place]", "+= 1"),
        "Each use sent a 1. It should send what arrived at its place.",
        "dW[i] = Σ of dz over all places where the id is i",
    ),
    Slip(
        "word 0 left out",
        GRADIENT.replace("return dW", "dW[0] = 0\n    return dW"),
        "Row 0 gets no gradient. Some libraries keep id 0 for filling up short texts, but here it "
        "is a word like any other.",
        "dW[i] = Σ of dz over all places where the id is i, for every i from 0",
    ),
    Slip(
        "a row for each place, not for each word",
        "def lookup_backward(dz, ids, V):\n    return dz.reshape(-1, dz.shape[-1])\n",
        "The result has a row for each place in the text. A gradient has the shape of what it "
        "belongs to: the table has a row for each word.",
        "dW has the shape (V, D)",
    ),
    Slip(
        "columns for rows",
        "def lookup(table, ids):\n    return table.T[ids % table.shape[1]]\n",
        "A word owns a row of the table. You took columns.",
        "table[ids]",
    ),
    Slip(
        "one-hot transposed",
        "def one_hot(ids, V):\n    return np.moveaxis(np.eye(V)[ids], -1, 0)\n",
        "The axis of the V words comes first. It should come last: a row for each id.",
        "the shape (N, V), or (B, T, V)",
    ),
    Slip(
        "the words that were seen",
        "def unseen(ids, V):\n    return sorted(set(ids.ravel().tolist()))\n",
        "These are the words that occur, and so get a gradient. Asked for are the others.",
        "all i from 0 to V - 1 that are not in ids",
    ),
)
