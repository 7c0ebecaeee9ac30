"""Other correct solutions to lesson 12."""

RIGHT = {
    "detach, and two loops": """
def truncated(cell, xs, h, k):
    first = max(0, len(xs) - k)
    states = []
    for x in xs[:first]:
        h = cell(x, h)
        states.append(h)
    if first > 0:
        h = h.detach()
    for x in xs[first:]:
        h = cell(x, h)
        states.append(h)
    return states

def windows(T, k1, k2):
    result, start = [], 0
    while start < T:
        end = start + k1 if start + k1 < T else T
        result.append([start, end, end - k2 if end > k2 else 0])
        start = end
    return result
""",
    "einsum, and cosines of flat arrays": """
def pieces(dhs, hs, h0):
    before = np.concatenate([h0[None], hs[:-1]])
    return np.einsum("tbi,tbj->tij", before, dhs * (1 - hs * hs))

def cosine(a, b):
    a, b = np.ravel(a), np.ravel(b)
    return float(a @ b) / float(a @ a) ** 0.5 / float(b @ b) ** 0.5

def predict(parts, k):
    parts = np.asarray(parts)
    return cosine(parts[len(parts) - k:].sum(axis=0), parts.sum(axis=0))
""",
}
