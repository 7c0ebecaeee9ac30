"""Other correct answers to lesson 9."""

RIGHT = {
    "accumulate": """
from itertools import accumulate
def unroll(cell, xs, h0):
    return list(accumulate(xs, lambda h, x: cell(x, h), initial=h0))[1:]
""",
    "by index, NumPy's tanh, and no helper": """
import numpy as np
def rnn_step(x, h, W_xh, W_hh, b_h):
    return np.tanh(b_h + np.matmul(h, W_hh) + np.matmul(x, W_xh))
def unroll(cell, xs, h0):
    out = [h0]
    for t in range(len(xs)):
        out.append(cell(xs[t], out[t]))
    return tuple(out[1:])
def rnn(xs, h0, W_xh, W_hh, b_h):
    h = h0
    for x in xs:
        h = rnn_step(x, h, W_xh, W_hh, b_h)
    return h
""",
}
