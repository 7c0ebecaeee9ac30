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
    "other weights for each input": """
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
    "copies, and a list of inputs": """
def numeric_gradient(f, x, h=1e-5):
    slopes = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[index] += h
        down[index] -= h
        slopes[index] = (f(up) - f(down)) / (2 * h)
    return slopes
def agree(claimed, measured):
    if claimed is None or np.shape(claimed) != measured.shape:
        return False
    return np.allclose(claimed, measured, rtol=1e-5, atol=1e-8)
def check_input(gate, inputs, i):
    z = gate.forward(*inputs)
    v = np.random.default_rng(1).normal(size=z.shape)
    def loss(x):
        changed = list(inputs)
        changed[i] = x
        return np.sum(v * gate.forward(*changed))
    measured = numeric_gradient(loss, inputs[i])
    claimed = gate.backward(v, z, *inputs)[i]
    return agree(claimed, measured)
def my_gradcheck(gate, *inputs):
    verdicts = []
    for i in range(len(inputs)):
        verdicts.append(check_input(gate, inputs, i))
    return verdicts
""",
    "a limit for every element": """
def agree(claimed, measured):
    if np.shape(claimed) != np.shape(measured):
        return False
    limit = 1e-8 + 1e-5 * np.abs(measured)
    return bool((np.abs(claimed - measured) <= limit).all())
""",
}
