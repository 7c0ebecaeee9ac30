"""Other correct solutions to lesson 14."""

RIGHT = {
    "one example and one unit at a time": """
def step_back(dh, h, W_hh):
    B, H = dh.shape
    result = np.zeros((B, H))
    for b in range(B):
        for i in range(H):
            for j in range(H):
                result[b, i] += W_hh[i, j] * (1 - h[b, j]) * (1 + h[b, j]) * dh[b, j]
    return result

def clip(gradients, max_norm):
    flat = np.concatenate([g.ravel() for g in gradients])
    norm = float(np.sqrt(flat @ flat))
    return gradients if norm <= max_norm else [g / norm * max_norm for g in gradients]

def reach(factor, share):
    n = 1
    while factor < 1 and factor**n >= share:
        n += 1
    return n if factor < 1 else np.inf
""",
    "einsum, logarithms and a table filled from the end": """
def step_back(dh, h, W_hh):
    return np.einsum("bj,bj,ij->bi", dh, 1 - h * h, W_hh)

def flow(dh, hs, W_hh):
    norms = [0.0] * len(hs)
    for t in range(len(hs) - 1, -1, -1):
        norms[t] = float((dh**2).sum() ** 0.5)
        dh = step_back(dh, hs[t], W_hh)
    return norms

def decay(W_hh, v, steps):
    after = np.linalg.matrix_power(W_hh, steps) @ v
    return math.exp(math.log(np.sqrt(np.sum(after**2)) / np.sqrt(np.sum(v**2))) / steps)

def reach(factor, share):
    return math.inf if factor >= 1 else math.floor(math.log(share) / math.log(factor)) + 1

def clip(gradients, max_norm):
    norm = np.sqrt(sum((g * g).sum() for g in gradients))
    if norm > max_norm:
        return [g * max_norm / norm for g in gradients]
    return [g.copy() for g in gradients]
""",
    "several statements, and factors from step to step": """
def step_back(dh, h, W_hh):
    slope = 1 - h * h
    da = dh * slope
    return da @ W_hh.T

def flow(dh, hs, W_hh):
    T = len(hs)
    norms = np.zeros(T)
    norms[T - 1] = np.sqrt(np.sum(dh**2))
    for t in range(T - 1, 0, -1):
        dh = step_back(dh, hs[t], W_hh)
        norms[t - 1] = np.sqrt(np.sum(dh**2))
    return norms

def decay(W_hh, v, steps):
    product = 1.0
    for _ in range(steps):
        new = W_hh @ v
        product *= np.linalg.norm(new) / np.linalg.norm(v)
        v = new
    return product ** (1 / steps)

def clip(gradients, max_norm):
    total = 0.0
    for g in gradients:
        total += np.sum(g**2)
    norm = np.sqrt(total)
    if norm <= max_norm:
        return gradients
    result = []
    for g in gradients:
        result.append(g * max_norm / norm)
    return result
""",
    "short statements, and all norms at the end": """
def step_back(dh, h, W_hh):
    slope = 1 - h**2
    return np.dot(slope * dh, W_hh.transpose())

def flow(dh, hs, W_hh):
    gradients = [dh]
    for h in hs[:0:-1]:
        gradients.insert(0, step_back(gradients[0], h, W_hh))
    return np.linalg.norm(np.array(gradients), axis=(1, 2))

def decay(W_hh, v, steps):
    u = v
    for _ in range(steps):
        u = W_hh.dot(u)
    ratio = math.sqrt(u @ u) / math.sqrt(v @ v)
    return ratio ** (1 / steps)

def reach(factor, share):
    if factor >= 1:
        return np.inf
    left, n = factor, 1
    while left >= share:
        left = left * factor
        n = n + 1
    return n

def clip(gradients, max_norm):
    norm = np.linalg.norm([np.linalg.norm(g) for g in gradients])
    scale = max_norm / norm if norm > max_norm else 1.0
    clipped = []
    for g in gradients:
        clipped.append(scale * g)
    return clipped
""",
}
