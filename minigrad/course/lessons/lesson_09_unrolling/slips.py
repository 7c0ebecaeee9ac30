"""Well-known wrong answers to lesson 9."""

from minigrad.course.lesson import Slip

LOOP = """
def unroll(cell, xs, h0):
    states = []
    h = h0
    for x in xs:
        {body}
    return states
"""

SLIPS = (
    Slip(
        "T copies of W",
        """
def rnn(xs, h0, W_xh, W_hh, b_h):
    def cell(x, h):
        copies = [mg.Tensor(W.array, requires_grad=True) for W in (W_xh, W_hh, b_h)]
        return rnn_step(x, h, *copies)
    return unroll(cell, xs, h0)[-1]
""",
        "The states are right, but every step has weights of its own, and the gradient ends at "
        "them. The weights that you were given get none.",
        "rnn_step(x, h, W_xh, W_hh, b_h) with the very Tensors that rnn was given, at every step",
    ),
    Slip(
        "state thrown away",
        LOOP.format(body="states.append(cell(x, h0))"),
        "Every step starts from the beginning again: nothing that was read before it is "
        "remembered.",
        "h = cell(x, h): each step is given the state that the step before it returned",
    ),
    Slip(
        "off by one: the state before each step",
        LOOP.format(body="states.append(h)\n        h = cell(x, h)"),
        "The list begins with h0 and lacks the last state: it holds what was remembered before "
        "each word, not after.",
        "h = cell(x, h) first, states.append(h) second",
    ),
    Slip(
        "read from the end",
        LOOP.replace("in xs", "in reversed(list(xs))").format(
            body="h = cell(x, h)\n        states.append(h)"
        ),
        "The sequence is read from the last element to the first. Order matters to a cell: 407 is "
        "not 704.",
        "for x in xs, from xs[0] on",
    ),
    Slip(
        "only the last state",
        LOOP.replace("return states", "return [h]").format(body="h = cell(x, h)"),
        "The last state alone is returned. A loss may need the state after each word, so unroll "
        "hands over all.",
        "a list of all T states; rnn then takes the last of it",
    ),
    Slip(
        "gradient cut between the steps",
        LOOP.format(
            body="h = cell(x, mg.Tensor(h.array) if isinstance(h, mg.Tensor) else h)\n        "
            "states.append(h)"
        ),
        "All values are right, but the state was taken out of the graph between two steps "
        "(.array, .detach or a new Tensor), so that no gradient comes back through it.",
        "h = cell(x, h) with the Tensor h itself, never with a new Tensor made from its values",
    ),
    Slip(
        "state added outside the tanh",
        """
def rnn_step(x, h, W_xh, W_hh, b_h):
    return mg.tanh(x @ W_xh + b_h) + h @ W_hh
""",
        "The old state comes in after the tanh: it is not squeezed with the rest, and can grow "
        "from step to step.",
        "tanh of the whole sum: tanh(x @ W_xh + h @ W_hh + b_h)",
    ),
    Slip(
        "h0 among the new states",
        "def unroll(cell, xs, h0):\n    states = [h0]\n    for x in xs:\n        "
        "states.append(cell(x, states[-1]))\n    return states\n",
        "The list has one state too many: it begins with h0, which was there before anything was "
        "read.",
        "start with an empty list; every state that the cell returns goes into it",
    ),
    Slip(
        "x and h exchanged in the call",
        LOOP.format(body="h = cell(h, x)\n        states.append(h)"),
        "The cell was given the state where it expects what is read, and the other way round.",
        "cell(x, h): first what is read, then the state",
    ),
    Slip(
        "W_hh transposed",
        "def rnn_step(x, h, W_xh, W_hh, b_h):\n    return mg.tanh(x @ W_xh + h @ W_hh.T + b_h)\n",
        "W_hh is square, so that the shapes do not complain. But in the forward pass nothing is "
        "transposed.",
        "h @ W_hh, as the formula says",
    ),
    Slip(
        "along the batch instead of along time",
        "def rnn(xs, h0, W_xh, W_hh, b_h):\n    h = h0\n    for t in range(xs.shape[1]):\n"
        "        h = rnn_step(xs[:, t], h, W_xh, W_hh, b_h)\n    return h\n",
        "The loop runs along the second axis of xs, which is the batch. Time comes first here: "
        "(T, B, D).",
        "xs[0], xs[1], ..., each (B, D), which is what `for x in xs` gives",
    ),
    Slip(
        "all states where the last was asked for",
        "def rnn(xs, h0, W_xh, W_hh, b_h):\n    return unroll(lambda x, h: rnn_step(x, h, W_xh, "
        "W_hh, b_h), xs, h0)\n",
        "What came back is the list that unroll returns. The network's answer is one Tensor.",
        "the last entry of that list",
    ),
)
