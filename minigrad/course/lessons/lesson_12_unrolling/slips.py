"""Common wrong answers to lesson 12."""

from minigrad.course.lesson import Slip

LOOP = """
def unroll(cell, xs, h0):
    states = []
    h = h0
    for x in xs:
        {body}
    return {result}
"""

CUT = (
    "All values are right, but you took the state out of the graph between two steps (.array, "
    ".detach or a new Tensor). So no gradient goes back through it.",
    "h = cell(x, h) with the Tensor h itself, never with a new Tensor made from its values",
)
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
        "The states are right, but they were computed with copies of the weights. The gradient "
        "stops at the copies, and the original weights get none.",
        "rnn_step(x, h, W_xh, W_hh, b_h) at every step, with the same Tensors that rnn received",
    ),
    Slip(
        "state discarded",
        LOOP.format(body="states.append(cell(x, h0))", result="states"),
        "Every step starts again from h0, so the cell remembers nothing of the earlier steps.",
        "h = cell(x, h), so that each step receives the state from the step before",
    ),
    Slip(
        "off by one: the state before each step",
        LOOP.format(body="states.append(h)\n        h = cell(x, h)", result="states"),
        "Your list begins with h0 and lacks the last state. It contains the state before each word"
        " instead of the state after it.",
        "h = cell(x, h) first, states.append(h) second",
    ),
    *(
        Slip(
            "only the last state",
            LOOP.format(body="h = cell(x, h)", result=result),
            "You return only the last state. A loss may need the state after each word, so unroll "
            "returns all of them.",
            "a list of all T states; rnn returns the last element",
        )
        for result in ("h", "[h]")
    ),
    Slip(
        "the last step missing",
        "def rnn(xs, h0, W_xh, W_hh, b_h):\n"
        "    return unroll(lambda x, h: rnn_step(x, h, W_xh, W_hh, b_h), xs, h0)[-2]\n",
        "Your result is the state before the last step.",
        "the last element of the list that unroll returns",
    ),
    Slip(
        "gradient cut between the steps",
        LOOP.format(
            body="h = cell(x, h.detach() if isinstance(h, mg.Tensor) else h)\n        "
            "states.append(h)",
            result="states",
        ),
        *CUT,
    ),
    Slip(
        "gradient cut between the steps",
        "def rnn(xs, h0, W_xh, W_hh, b_h):\n    h = h0\n    for x in xs:\n"
        "        h = rnn_step(x, h.detach(), W_xh, W_hh, b_h)\n    return h\n",
        *CUT,
    ),
    *(
        Slip(
            f"{name} added outside the tanh",
            f"def rnn_step(x, h, W_xh, W_hh, b_h):\n    return {code}\n",
            f"You add {word} after the tanh, so nothing limits it. Add it before the tanh.",
            "tanh of the whole sum: tanh(x @ W_xh + h @ W_hh + b_h)",
        )
        for name, word, code in (
            ("state", "h @ W_hh", "mg.tanh(x @ W_xh + b_h) + h @ W_hh"),
            ("input", "x @ W_xh", "mg.tanh(h @ W_hh + b_h) + x @ W_xh"),
            ("bias", "b_h", "mg.tanh(x @ W_xh + h @ W_hh) + b_h"),
        )
    ),
    Slip(
        "gradient cut between the steps",
        "def rnn_step(x, h, W_xh, W_hh, b_h):\n"
        "    return mg.tanh(x @ W_xh + h.detach() @ W_hh + b_h)\n",
        *CUT,
    ),
    *(
        Slip(
            "W_hh transposed",
            f"def {code}\n",
            "You transposed W_hh. It is square, so there is no shape error. The forward pass uses it "
            "as it is.",
            "h @ W_hh",
        )
        for code in (
            "rnn_step(x, h, W_xh, W_hh, b_h):\n    return mg.tanh(x @ W_xh + h @ W_hh.T + b_h)",
            "rnn(xs, h0, W_xh, W_hh, b_h, right=rnn):\n    return right(xs, h0, W_xh, W_hh.T, b_h)",
        )
    ),
    Slip(
        "the last state for every step",
        LOOP.format(body="h = cell(x, h)", result="[h for x in xs]"),
        "Your list contains the last state T times. Store each state when it is computed.",
        "start with an empty list; append every state that the cell returns",
    ),
    Slip(
        "states in the wrong order",
        LOOP.format(body="h = cell(x, h)\n        states.append(h)", result="states[::-1]"),
        "Each state is right, but the list begins with the last one.",
        "append each new state at the end of the list",
    ),
    Slip(
        "the batch counted, not the steps",
        "def rnn(xs, h0, W_xh, W_hh, b_h):\n    h = h0\n    for x in xs[: len(h0)]:\n"
        "        h = rnn_step(x, h, W_xh, W_hh, b_h)\n    return h\n",
        "You took the number of sequences, B, for the number of steps, T. Time is the first axis of "
        "xs, (T, B, D).",
        "all T steps, and the state after the last one",
    ),
    Slip(
        "h0 included in the new states",
        LOOP.format(body="h = cell(x, h)\n        states.append(h)", result="[h0, *states]"),
        "Your list has one state too many. It begins with h0, the state before the first step.",
        "start with an empty list; append every state that the cell returns",
    ),
    Slip(
        "loop over the batch instead of time",
        "def rnn(xs, h0, W_xh, W_hh, b_h):\n    h = h0\n    for t in range(xs.shape[1]):\n"
        "        h = rnn_step(xs[:, t], h, W_xh, W_hh, b_h)\n    return h\n",
        "Your loop runs along the second axis of xs, which is the batch. Time is the first axis: "
        "(T, B, D).",
        "xs[0], xs[1], ..., each (B, D), as in `for x in xs`",
    ),
)
