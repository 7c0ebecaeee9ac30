"""Common wrong answers to lesson 11."""

from minigrad.course.lesson import Slip

SUM = "dW[i] = Σ dz over all positions where the id is i"
GRADIENT = """
def lookup_backward(dz, ids, V):
    dW = np.zeros((V, dz.shape[-1]))
    {body}
    return dW
"""

SLIPS = (
    Slip(
        "only a word's last use counts",
        GRADIENT.format(body="dW[ids] = dz"),
        "A word that was read several times gets only the gradient of its last use. This happens "
        "with `=` in a loop, and with `dW[ids] = dz` and `dW[ids] += dz`: NumPy writes each row "
        "only once.",
        SUM,
    ),
    Slip(
        "only a word's first use counts",
        GRADIENT.format(body="dW[ids.ravel()[::-1]] = dz.reshape(-1, dz.shape[-1])[::-1]"),
        "A word that was read several times gets only the gradient of its first use. All uses send "
        "a gradient.",
        SUM,
    ),
    Slip(
        "gradients averaged over the uses",
        GRADIENT.format(
            body="np.add.at(dW, ids, dz / np.bincount(ids.ravel(), minlength=V)[ids][..., None])"
        ),
        "You averaged the gradients over a word's uses. But if a row is used twice, each use has "
        "its full effect on the result.",
        SUM + ", without dividing",
    ),
    Slip(
        "uses counted, upstream gradient forgotten",
        GRADIENT.format(body="np.add.at(dW, ids, 1)"),
        "Each use sends a 1. It should send the row of dz at its position.",
        SUM,
    ),
    Slip(
        "a row for each position, not for each word",
        "def lookup_backward(dz, ids, V):\n    return dz.reshape(-1, dz.shape[-1])\n",
        "Your result has a row for each position in the text. The gradient must have the shape of "
        "the table, with a row for each word.",
        "dW has the shape (V, D)",
    ),
    *(
        Slip(
            "columns instead of rows",
            f"def lookup(table, ids):\n    return {columns}\n",
            "Each word has a row in the table. You used columns.",
            "table[ids]",
        )
        for columns in ("table.T[ids]", "table[:, ids]")
    ),
    Slip(
        "0 and 1 exchanged",
        "def one_hot(ids, V):\n    return 1 - np.eye(V)[ids]\n",
        "Each row has a single 1. All its other numbers are 0.",
    ),
    Slip(
        "one-hot transposed",
        "def one_hot(ids, V):\n    return np.eye(V)[:, ids]\n",
        "The axis of length V comes first. It should come last, so that each id has its own row.",
        "the shape (N, V), or (B, T, V)",
    ),
    Slip(
        "the words that occur, not the others",
        "def unseen(ids, V):\n    return sorted(set(ids.ravel().tolist()))\n",
        "These are the words that occur, so they do get a gradient. Return the others.",
        "all i from 0 to V - 1 that are not in ids",
    ),
    *(
        Slip(
            "the ids end too early",
            f"def unseen(ids, V):\n    return [i for i in range({end}) if i not in ids]\n",
            "You went up to the largest id in this text. The vocabulary may have more words: all ids "
            "below V.",
        )
        for end in ("ids.max()", "ids.max() + 1")
    ),
    Slip(
        "only the first text read",
        "def unseen(ids, V):\n    return [i for i in range(V) if i not in np.atleast_2d(ids)[0]]\n",
        "In a batch (B, T), the words of all texts count.",
    ),
    Slip(
        "always empty",
        "def unseen(ids, V):\n    return []\n",
        "Your list is always empty.",
    ),
    Slip(
        "ids of a batch not found",
        "def unseen(ids, V):\n    return [i for i in range(V) if i not in ids.tolist()]\n",
        "For a single text the answer is right. A batch (B, T) has two axes. As a list, it contains "
        "lists, so Python compares each id with a whole inner list.",
    ),
)
