"""Common wrong answers to milestone 12."""

from minigrad.course.checking.lesson import Slip


def rule(name, kind, *lines):
    """Return a slip with another rule."""
    inside = "".join(f"        {line}\n" for line in lines)
    code = f"""
def rows(W, ids):
    def rule(dz):
        dW = np.zeros(W.array.shape)
{inside}        return (dW,)
    return Value(W.array[ids], (W,), rule)
"""
    return Slip(name, code, kind)


SLIPS = (
    rule(
        "an id that appears twice is counted once",
        "If an id appears twice, only its last dz counts. `dW[ids] += dz` does this, too: it "
        "does not add one after the other.",
        "dW[ids] += dz",
    ),
    rule(
        "one dz for the whole row",
        "Every number of a row has its own gradient. You add the same sum to all of them.",
        "for i, d in zip(ids.ravel(), dz.reshape(-1, dz.shape[-1])):",
        "    dW[i] += d.sum()",
    ),
    rule(
        "divided by how often an id appears",
        "The gradients of a row that is used twice add up. You take their mean.",
        "np.add.at(dW, ids, dz)",
        "dW = dW / np.maximum(np.bincount(ids.ravel(), minlength=len(dW)), 1)[:, None]",
    ),
)
