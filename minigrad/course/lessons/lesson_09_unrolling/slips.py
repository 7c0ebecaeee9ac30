"""Common wrong answers to lesson 9."""

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
        "a copy of the weights for each step",
        """
def rnn(xs, h0, W_xh, W_hh, b_h):
    def cell(x, h):
        copies = [mg.Tensor(W.array, requires_grad=True) for W in (W_xh, W_hh, b_h)]
        return rnn_step(x, h, *copies)
    return unroll(cell, xs, h0)[-1]
""",
        "The states are right, but every step has its own copy of the weights, and the gradient "
        "stops at the copies. The original weights get no gradient.",
        "rnn_step(x, h, W_xh, W_hh, b_h) at every step, with the same Tensors that rnn received",
    ),
    Slip(
        "state discarded",
        LOOP.format(body="states.append(cell(x, h0))"),
        "Every step starts again from h0, so the cell remembers nothing of the earlier steps.",
        "h = cell(x, h), so that each step receives the state from the step before",
    ),
    Slip(
        "off by one: the state before each step",
        LOOP.format(body="states.append(h)\n        h = cell(x, h)"),
        "Your list begins with h0 and lacks the last state. It contains the state before each word"
        " instead of the state after it.",
        "h = cell(x, h) first, states.append(h) second",
    ),
    Slip(
        "sequence read backwards",
        LOOP.replace("in xs", "in reversed(list(xs))").format(
            body="h = cell(x, h)\n        states.append(h)"
        ),
        "You read the sequence from the last element to the first. Order matters: 407 is not 704.",
        "for x in xs, starting with xs[0]",
    ),
    Slip(
        "only the last state",
        LOOP.replace("return states", "return [h]").format(body="h = cell(x, h)"),
        "You return only the last state. A loss may need the state after each word, so unroll "
        "returns all of them.",
        "a list of all T states; rnn returns the last element",
    ),
    Slip(
        "gradient cut between the steps",
        LOOP.format(
            body="h = cell(x, mg.Tensor(h.array) if isinstance(h, mg.Tensor) else h)\n        "
            "states.append(h)"
        ),
        "All values are right, but you took the state out of the graph between two steps (.array, "
        ".detach or a new Tensor). So no gradient goes back through it.",
        "h = cell(x, h) with the Tensor h itself, never with a new Tensor made from its values",
    ),
    Slip(
        "state added outside the tanh",
        """
def rnn_step(x, h, W_xh, W_hh, b_h):
    return mg.tanh(x @ W_xh + b_h) + h @ W_hh
""",
        "You add the old state outside the tanh. So nothing limits it, and it can grow from step "
        "to step.",
        "tanh of the whole sum: tanh(x @ W_xh + h @ W_hh + b_h)",
    ),
    Slip(
        "h0 included in the new states",
        "def unroll(cell, xs, h0):\n    states = [h0]\n    for x in xs:\n        "
        "states.append(cell(x, states[-1]))\n    return states\n",
        "Your list has one state too many. It begins with h0, the state before the first step.",
        "start with an empty list; append every state that the cell returns",
    ),
    Slip(
        "x and h swapped in the call",
        LOOP.format(body="h = cell(h, x)\n        states.append(h)"),
        "You passed the state as the input and the input as the state.",
        "cell(x, h): first the input, then the state",
    ),
    Slip(
        "W_hh transposed",
        "def rnn_step(x, h, W_xh, W_hh, b_h):\n    return mg.tanh(x @ W_xh + h @ W_hh.T + b_h)\n",
        "You transposed W_hh. It is square, so there is no shape error. But nothing is transposed "
        "in the forward pass.",
        "h @ W_hh, without a transpose",
    ),
    Slip(
        "loop over the batch instead of time",
        "def rnn(xs, h0, W_xh, W_hh, b_h):\n    h = h0\n    for t in range(xs.shape[1]):\n"
        "        h = rnn_step(xs[:, t], h, W_xh, W_hh, b_h)\n    return h\n",
        "Your loop runs along the second axis of xs, which is the batch. Time is the first axis: "
        "(T, B, D).",
        "xs[0], xs[1], ..., each (B, D), as in `for x in xs`",
    ),
    Slip(
        "all states instead of the last",
        "def rnn(xs, h0, W_xh, W_hh, b_h):\n    return unroll(lambda x, h: rnn_step(x, h, W_xh, "
        "W_hh, b_h), xs, h0)\n",
        "You return the list from unroll. rnn must return a single Tensor.",
        "the last element of that list",
    ),
)
