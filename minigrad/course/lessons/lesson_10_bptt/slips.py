"""Common wrong answers to lesson 10."""

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
        "the loss's gradient dropped",
        STATES.format(body="dh[t - 1] = tanh_backward(dh[t], hs[t]) @ W_hh.T"),
        "A state gets gradients from two senders: the loss and the step after it. Here, the step's"
        " gradient overwrites the loss's gradient.",
        "dh_{t-1} = g_{t-1} + the gradient that step t sends",
    ),
    Slip(
        "the later step's gradient dropped",
        "def state_gradients(g, hs, W_hh):\n    return g.copy()\n",
        "A state gets gradients from two senders: the loss and the step after it. The gradient "
        "from the step is missing, so nothing goes back through time.",
        "dh_{t-1} = g_{t-1} + the gradient that step t sends",
    ),
    Slip(
        "W_hh not transposed",
        STATES.format(body="dh[t - 1] += tanh_backward(dh[t], hs[t]) @ W_hh"),
        "You multiplied by W_hh as in the forward pass. In the backward pass, transpose it.",
        "dA = dZ @ Wᵀ for Z = A @ W",
    ),
    Slip(
        "slope of tanh missing between the states",
        STATES.format(body="dh[t - 1] += dh[t] @ W_hh.T"),
        "Between two states, the gradient must go back through tanh and through W_hh. You went "
        "through W_hh only.",
        "first da_t = dh_t ⊙ (1 - h_t²), then da_t @ W_hhᵀ",
    ),
    Slip(
        "slope of tanh at the previous state",
        STATES.format(body="dh[t - 1] += tanh_backward(dh[t], hs[t - 1]) @ W_hh.T"),
        "You computed the slope of step t's tanh from the state before the step. Use the state "
        "after it.",
        "da_t = dh_t ⊙ (1 - h_t²), with the same index t for both",
    ),
    Slip(
        "only the loss's direct gradient passed on",
        STATES.replace("range(len(g) - 1, 0, -1)", "range(1, len(g))").format(
            body="dh[t - 1] += tanh_backward(dh[t], hs[t]) @ W_hh.T"
        ),
        "Each step passes on only the gradient from the loss, without the gradients from later "
        "steps. Either you used g instead of dh, or you visited the steps from the first to the "
        "last.",
        "for t from T down to 1, so that dh_t is complete before it is used",
    ),
    Slip(
        "g changed in place",
        STATES.replace("g.copy()", "g").format(
            body="dh[t - 1] += tanh_backward(dh[t], hs[t]) @ W_hh.T"
        ),
        "All numbers are right, but you changed the caller's g, so later code uses wrong numbers.",
        "dh starts as a copy of g",
    ),
    Slip(
        "wrong local derivative: 1 - h",
        "def tanh_backward(dh, h):\n    return dh * (1 - h)\n",
        "You multiplied by something other than the slope of tanh. The slope is largest where the "
        "output is 0 and falls off equally on both sides.",
        "da = dh ⊙ (1 - h²)",
    ),
    Slip(
        "upstream gradient forgotten",
        "def tanh_backward(dh, h):\n    return 1 - h * h\n",
        "This is the slope of tanh alone. Multiply it by the upstream gradient dh.",
        "da = dh ⊙ (1 - h²)",
    ),
    Slip(
        "= instead of +=",
        WEIGHTS.replace("dW_xh +=", "dW_xh =")
        .replace("dW_hh +=", "dW_hh =")
        .replace("db_h +=", "db_h ="),
        "All steps use the same weights, but your gradients include only the last step that you "
        "visited.",
        "sum over all steps: dW_hh = Σ h_{t-1}ᵀ @ da_t, and in the same way for W_xh and b_h",
    ),
    Slip(
        "one step off: h_t instead of h_{t-1}",
        WEIGHTS.replace("hs[t - 1].T", "hs[t].T"),
        "The forward pass multiplies W_hh by the state before the step. You computed its gradient "
        "with the state after the step.",
        "dW_hh = Σ h_{t-1}ᵀ @ da_t",
    ),
    Slip(
        "dh instead of da",
        WEIGHTS.replace("da = tanh_backward(dh[t], hs[t])", "da = dh[t]"),
        "Each step uses the weights before its tanh. So take the gradient back through the tanh "
        "first.",
        "da_t = dh_t ⊙ (1 - h_t²); compute the gradients of all weights from da_t",
    ),
    Slip(
        "gradient averaged over the batch",
        WEIGHTS.replace("da.sum(axis=0)", "da.mean(axis=0)"),
        "You averaged the bias's gradient over the rows of the batch. The bias is added to each "
        "row, so sum over the rows.",
        "db_h = Σ da_t over all steps and rows",
    ),
    Slip(
        "stopped one step early",
        STATES.replace("0, -1", "1, -1").format(
            body="dh[t - 1] += tanh_backward(dh[t], hs[t]) @ W_hh.T"
        ),
        "Your loop ended before step 1 sent its gradient to hs[0]. Python's range does not include"
        " its end.",
        "t = T, ..., 1: range(T, 0, -1)",
    ),
    Slip(
        "tanh applied twice",
        "def tanh_backward(dh, h):\n    return dh * (1 - np.tanh(h) ** 2)\n",
        "The slope of tanh at a is 1 - tanh(a)². But h is already tanh(a).",
        "da = dh ⊙ (1 - h²)",
    ),
    Slip(
        "the loss's gradient counted twice",
        WEIGHTS.replace("tanh_backward(dh[t],", "tanh_backward(dh[t] + g[t],"),
        "You added g to a gradient that already contains it. state_gradients returns the whole "
        "sum.",
        "da_t = dh_t ⊙ (1 - h_t²), with the unchanged dh from state_gradients",
    ),
    Slip(
        "gradient of W_hh transposed",
        WEIGHTS.replace("hs[t - 1].T @ da", "da.T @ hs[t - 1]"),
        "Both factors are right, but in the wrong order. W_hh is square, so there is no shape "
        "error.",
        "dW_hh = Σ h_{t-1}ᵀ @ da_t",
    ),
    Slip(
        "da₁ instead of dL/dh₀",
        WEIGHTS.replace('"h0": dh[0]', '"h0": da'),
        "For h0 you returned da₁, the gradient before the tanh of step 1. It still has to go back "
        "through W_hh.",
        "dL/dh_0, which is entry 0 of the result of state_gradients",
    ),
)
