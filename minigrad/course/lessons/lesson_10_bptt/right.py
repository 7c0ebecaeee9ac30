"""Other correct answers to lesson 10."""

RIGHT = {
    "all steps at once": """
def rnn_backward(g, xs, hs, W_xh, W_hh):
    dh = state_gradients(g, hs, W_hh)
    da = tanh_backward(dh[1:], hs[1:])
    return {
        "xs": da @ W_xh.T,
        "h0": dh[0],
        "W_xh": np.einsum("tbd,tbh->dh", xs, da),
        "W_hh": np.tensordot(hs[:-1], da, axes=([0, 1], [0, 1])),
        "b_h": da.sum(axis=(0, 1)),
    }
""",
    "a running gradient and a list": """
def tanh_backward(dh, h):
    return (1 + h) * (1 - h) * dh
def state_gradients(g, hs, W_hh):
    running, found = 0, []
    for direct, h in zip(g[::-1], hs[::-1]):
        whole = direct + running
        found.insert(0, whole)
        running = (W_hh @ tanh_backward(whole, h).T).T
    return np.stack(found)
""",
}
