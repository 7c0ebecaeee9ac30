"""Well-known wrong answers to lesson 10."""

from minigrad.course.lesson import Slip

STATES = """
def state_gradients(g, hs, W_hh):
    dh = g.copy()
    for t in range(len(g) - 1, 0, -1):
        {body}
    return dh
"""

WEIGHTS = """
def rnn_backward(g, xs, hs, W_xh, W_hh):
    dh = state_gradients(g, hs, W_hh)
    dxs, dW_xh, dW_hh = np.zeros_like(xs), np.zeros_like(W_xh), np.zeros_like(W_hh)
    db_h = np.zeros(len(W_hh))
    for t in range(len(xs), 0, -1):
        da = tanh_backward(dh[t], hs[t])
        dxs[t - 1] = da @ W_xh.T
        dW_xh += xs[t - 1].T @ da
        dW_hh += hs[t - 1].T @ da
        db_h += da.sum(axis=0)
    return {"xs": dxs, "h0": dh[0], "W_xh": dW_xh, "W_hh": dW_hh, "b_h": db_h}
"""

SLIPS = (
    Slip(
        "one of two gradients dropped: the loss's",
        STATES.format(body="dh[t - 1] = tanh_backward(dh[t], hs[t]) @ W_hh.T"),
        "Two senders reach a state: the loss, and the step after it. What the step sends has "
        "overwritten what the loss had sent.",
        "dh_{t-1} = g_{t-1} + what step t sends",
    ),
    Slip(
        "one of two gradients dropped: the step's",
        "def state_gradients(g, hs, W_hh):\n    return g.copy()\n",
        "Two senders reach a state: the loss, and the step after it. What the step after it sends "
        "is missing, so nothing goes back through time.",
        "dh_{t-1} = g_{t-1} + what step t sends",
    ),
    Slip(
        "transposed: W_hh the wrong way round",
        STATES.format(body="dh[t - 1] += tanh_backward(dh[t], hs[t]) @ W_hh"),
        "The gradient went through W_hh in the direction of the forward pass. Back, it goes the "
        "other way.",
        "dA = dZ @ Wᵀ for Z = A @ W",
    ),
    Slip(
        "derivative of tanh missing between the states",
        STATES.format(body="dh[t - 1] += dh[t] @ W_hh.T"),
        "From one state to the one before, the gradient has to go through the tanh of the step as "
        "well as through W_hh. It went through W_hh only.",
        "first da_t = dh_t ⊙ (1 - h_t²), then da_t @ W_hhᵀ",
    ),
    Slip(
        "tanh differentiated at the state before",
        STATES.format(body="dh[t - 1] += tanh_backward(dh[t], hs[t - 1]) @ W_hh.T"),
        "The slope of step t's tanh was taken at what went into the step, not at what came out of "
        "it.",
        "da_t = dh_t ⊙ (1 - h_t²): dh_t and h_t have the same index",
    ),
    Slip(
        "only the loss's own share is passed on",
        STATES.replace("range(len(g) - 1, 0, -1)", "range(1, len(g))").format(
            body="dh[t - 1] += tanh_backward(dh[t], hs[t]) @ W_hh.T"
        ),
        "Each step passed on what the loss had sent to its state, and nothing of what came from "
        "the steps after it. Either g stands where dh belongs, or the steps were visited from the "
        "first to the last.",
        "for t from T down to 1, so that dh_t is complete before it is used",
    ),
    Slip(
        "g changed in place",
        STATES.replace("g.copy()", "g").format(
            body="dh[t - 1] += tanh_backward(dh[t], hs[t]) @ W_hh.T"
        ),
        "All numbers are right, but the caller's g was written to: whoever uses it again gets "
        "other numbers.",
        "dh starts as a copy of g",
    ),
    Slip(
        "wrong local derivative: 1 - h",
        "def tanh_backward(dh, h):\n    return dh * (1 - h)\n",
        "The slope of tanh is not what you multiplied by. It has its highest value where the "
        "output is 0, and falls off equally on both sides.",
        "da = dh ⊙ (1 - h²)",
    ),
    Slip(
        "upstream gradient forgotten",
        "def tanh_backward(dh, h):\n    return 1 - h * h\n",
        "This is the slope of tanh alone. The gradient that arrives from above has to be "
        "multiplied in.",
        "da = dh ⊙ (1 - h²)",
    ),
    Slip(
        "= where += belongs",
        WEIGHTS.replace("dW_xh +=", "dW_xh =")
        .replace("dW_hh +=", "dW_hh =")
        .replace("db_h +=", "db_h ="),
        "All steps use the same weights, but only the step that was visited last is in their "
        "gradients.",
        "the sum over all steps: dW_hh = Σ h_{t-1}ᵀ @ da_t, and so for W_xh and b_h",
    ),
    Slip(
        "one step off: h_t for h_{t-1}",
        WEIGHTS.replace("hs[t - 1].T", "hs[t].T"),
        "W_hh was multiplied by the state that went into the step. Its gradient was computed with "
        "the state that came out.",
        "dW_hh = Σ h_{t-1}ᵀ @ da_t",
    ),
    Slip(
        "dh where da belongs",
        WEIGHTS.replace("da = tanh_backward(dh[t], hs[t])", "da = dh[t]"),
        "The weights stand before the tanh of their step. The gradient went to them without "
        "passing through it.",
        "da_t = dh_t ⊙ (1 - h_t²), and all weights' gradients are made from da_t",
    ),
    Slip(
        "averaged over the batch",
        WEIGHTS.replace("da.sum(axis=0)", "da.mean(axis=0)"),
        "The bias is added to each row of the batch, and its gradient is averaged over the rows. "
        "Each row is a use.",
        "db_h = Σ over the steps and the rows of da_t",
    ),
    Slip(
        "stopped one step early",
        STATES.replace("0, -1", "1, -1").format(
            body="dh[t - 1] += tanh_backward(dh[t], hs[t]) @ W_hh.T"
        ),
        "The walk ended before the first step had sent its gradient to hs[0]. Python's range "
        "leaves its end out.",
        "t = T, ..., 1: range(T, 0, -1)",
    ),
    Slip(
        "tanh applied twice",
        "def tanh_backward(dh, h):\n    return dh * (1 - np.tanh(h) ** 2)\n",
        "The slope of tanh at a is 1 - tanh(a)². Here h is tanh(a) already.",
        "da = dh ⊙ (1 - h²)",
    ),
    Slip(
        "the loss's share counted twice",
        WEIGHTS.replace("tanh_backward(dh[t],", "tanh_backward(dh[t] + g[t],"),
        "g was added to a gradient that has it already: state_gradients returns the whole sum.",
        "da_t = dh_t ⊙ (1 - h_t²), with dh from state_gradients as it is",
    ),
    Slip(
        "gradient of W_hh transposed",
        WEIGHTS.replace("hs[t - 1].T @ da", "da.T @ hs[t - 1]"),
        "Both factors are right, in the wrong order. W_hh is square, so that the shapes do not "
        "complain.",
        "dW_hh = Σ h_{t-1}ᵀ @ da_t",
    ),
    Slip(
        "da₁ where dL/dh₀ was asked for",
        WEIGHTS.replace('"h0": dh[0]', '"h0": da'),
        "What was returned for h0 is the gradient before the tanh of step 1. From there it still "
        "has to go through W_hh.",
        "dL/dh_0, which is where state_gradients ends",
    ),
)
