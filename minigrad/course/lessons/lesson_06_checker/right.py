"""Other correct answers to lesson 6."""

RIGHT = {
    "in place, and relative error": """
def numeric_gradient(f, x, h=1e-5):
    slopes, flat = [], x.reshape(-1)
    for k in range(flat.size):
        before = flat[k]
        flat[k] = before + h
        up = f(x)
        flat[k] = before - h
        down = f(x)
        flat[k] = before
        slopes.append((up - down) / (2 * h))
    return np.array(slopes).reshape(x.shape)
def agree(claimed, measured):
    claimed = np.asarray(claimed)
    if claimed.shape != measured.shape:
        return False
    size = np.maximum(np.maximum(np.abs(claimed), np.abs(measured)), 1e-4)
    return np.all(np.abs(claimed - measured) / size < 1e-5)
""",
    "a separate cotangent for each input": """
def my_gradcheck(gate, *inputs):
    verdicts = []
    for i, x in enumerate(inputs):
        z = gate.forward(*inputs)
        v = np.random.default_rng(i + 5).uniform(-2.0, 2.0, z.shape)
        def loss(other, i=i, v=v):
            arrays = list(inputs)
            arrays[i] = other
            return np.sum(gate.forward(*arrays) * v)
        verdicts.append(agree(gate.backward(v, z, *inputs)[i], numeric_gradient(loss, x)))
    return verdicts
""",
}
