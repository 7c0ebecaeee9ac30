"""Common wrong answers to lesson 13."""

from minigrad.course.lesson import Slip

STATES = """
def state_gradients(g, hs, W_hh):
    dh = g.copy()
    for t in range(len(g) - 1, 0, -1):
        dh[t - 1] {adds}
    return dh
"""

WEIGHTS = """
def rnn_backward(g, xs, hs, W_xh, W_hh, right=rnn_backward):
    found, dh = right(g, xs, hs, W_xh, W_hh), state_gradients(g, hs, W_hh)
    da = tanh_backward(dh[1:], hs[1:])
    {changes}
    return found
"""

AROUND = "def state_gradients(g, hs, W_hh, right=state_gradients):\n    {}\n    return dh\n"
LAST = {
    "W_xh": "xs[{t}].T @ da[{t}]",
    "W_hh": "hs[:-1][{t}].T @ da[{t}]",
    "b_h": "da[{t}].sum(axis=0)",
}
SLOPE = "da = dh ⊙ (1 - h²)"
SENDERS = (
    "A state gets gradients from two senders: the loss and the step after it.",
    "dh_{t-1} = g_{t-1} + the gradient that step t sends",
)

SLIPS = (
    Slip(
        "the loss's gradient dropped",
        STATES.format(adds="= tanh_backward(dh[t], hs[t]) @ W_hh.T"),
        SENDERS[0] + " Here, the step's gradient overwrites the loss's gradient.",
        SENDERS[1],
    ),
    Slip(
        "the later step's gradient dropped",
        STATES.format(adds="+= 0"),
        SENDERS[0] + " The gradient from the step is missing, so nothing goes back through time.",
        SENDERS[1],
    ),
    Slip(
        "W_hh not transposed",
        STATES.format(adds="+= tanh_backward(dh[t], hs[t]) @ W_hh"),
        "You multiplied by W_hh as in the forward pass. In the backward pass, transpose it.",
        "dA = dZ @ Wᵀ for Z = A @ W",
    ),
    Slip(
        "only the loss's direct gradient passed on",
        STATES.format(adds="+= tanh_backward(g[t], hs[t]) @ W_hh.T"),
        "Each step passes on only the gradient from the loss, without the gradients from later "
        "steps. Either you used g instead of dh, or you visited the steps from the first to the "
        "last.",
        "for t from T down to 1, so that dh_t is complete before it is used",
    ),
    Slip(
        "a step's gradient sent more than once",
        """
def state_gradients(g, hs, W_hh):
    dh, later = g.copy(), 0
    for t in range(len(g) - 1, 0, -1):
        later = later + tanh_backward(dh[t], hs[t]) @ W_hh.T
        dh[t - 1] += later
    return dh
""",
        "You keep adding to the gradient from the later step. A state gets it from one step only: "
        "the step directly after it.",
        SENDERS[1],
    ),
    Slip(
        "g_T left out",
        AROUND.format("dh = right(np.concatenate([g[:-1], 0 * g[-1:]]), hs, W_hh)"),
        "The last state has no later step, but the loss sends it a gradient.",
        "dh_T = g_T",
    ),
    Slip(
        "step 1's gradient missing in dh_0",
        AROUND.format("dh = right(g, hs, W_hh)\n    dh[0] = g[0]"),
        "Step 1 uses h₀, so it sends a gradient to h₀, as every step does to the state before it.",
        SENDERS[1],
    ),
    Slip(
        "dh_0 left out",
        AROUND.format("dh = right(g, hs, W_hh)[1:]"),
        "The result has one entry too few. The state before the first step needs a gradient, too.",
        "dh has T + 1 entries: dh_0, dh_1, ..., dh_T",
    ),
    Slip(
        "upstream gradient forgotten",
        "def tanh_backward(dh, h):\n    return 1 - h * h\n",
        "This is the slope of tanh alone. Multiply it by the upstream gradient dh.",
        SLOPE,
    ),
    Slip(
        "the slope of the sigmoid",
        "def tanh_backward(dh, h):\n    return dh * h * (1 - h)\n",
        "This is the slope of another function, the sigmoid. The slope of tanh falls off equally "
        "on both sides of 0.",
        SLOPE,
    ),
    Slip(
        "the wrong square",
        "def tanh_backward(dh, h):\n    return dh * (1 - h) ** 2\n",
        "You squared the difference. Square h alone, and then subtract.",
        SLOPE,
    ),
    Slip(
        "dh squared in place of h",
        "def tanh_backward(dh, h):\n    return dh * (1 - dh * dh)\n",
        "The slope of the tanh does not depend on the upstream gradient. It depends on h.",
        SLOPE,
    ),
    Slip(
        "tanh applied twice",
        "def tanh_backward(dh, h):\n    return dh * (1 - np.tanh(h) ** 2)\n",
        "The slope of tanh at a is 1 - tanh(a)². But h is already tanh(a).",
        SLOPE,
    ),
    *(
        Slip(
            "= instead of +=",
            WEIGHTS.format(
                changes="; ".join(f"found['{name}'] = {LAST[name].format(t=t)}" for name in names)
            ),
            f"All steps use the same weights, but your gradient of {' and '.join(names)} includes "
            "only the last step that you visited.",
            "sum over all steps: dW_hh = Σ h_{t-1}ᵀ @ da_t, and in the same way for W_xh and b_h",
        )
        for names in (LAST, ("W_xh", "W_hh"), *((name,) for name in LAST))
        for t in (0, -1)
    ),
    *(
        Slip(
            "the wrong gradient under the key h0",
            WEIGHTS.format(changes=f"found['h0'] = {other}"),
            "h0 is the state before the first step. Its whole gradient is one of the results of "
            "state_gradients.",
            "dL/dh0 = dh_0",
        )
        for other in ("dh[1]", "dh[-1]", "g[0]")
    ),
    Slip(
        "one step off: the input of another step",
        WEIGHTS.format(
            changes="found['W_xh'] = sum(x.T @ one for x, one in zip(np.roll(xs, 1, 0), da))"
        ),
        "Each step's input must be paired with the same step's da. Remember that step t reads "
        "xs[t - 1].",
        "dW_xh = Σ x_tᵀ @ da_t",
    ),
    Slip(
        "one step off: h_t instead of h_{t-1}",
        WEIGHTS.format(changes="found['W_hh'] = sum(h.T @ one for h, one in zip(hs[1:], da))"),
        "The forward pass multiplies W_hh by the state before the step. You computed its gradient "
        "with the state after the step.",
        "dW_hh = Σ h_{t-1}ᵀ @ da_t",
    ),
    Slip(
        "the loss's gradient counted twice",
        WEIGHTS.replace("dh[1:]", "dh[1:] + g[1:]").format(
            changes="found.update(xs=da @ W_xh.T, b_h=da.sum(axis=(0, 1)), "
            "W_xh=np.einsum('tbd,tbh->dh', xs, da), W_hh=np.einsum('tbd,tbh->dh', hs[:-1], da))"
        ),
        "You added g to a gradient that already contains it. state_gradients returns the whole "
        "sum.",
        "da_t = dh_t ⊙ (1 - h_t²), with the unchanged dh from state_gradients",
    ),
    Slip(
        "gradient of W_hh transposed",
        WEIGHTS.format(changes="found['W_hh'] = found['W_hh'].T"),
        "Both factors are right, but in the wrong order. W_hh is square, so there is no shape "
        "error.",
        "dW_hh = Σ h_{t-1}ᵀ @ da_t",
    ),
)
