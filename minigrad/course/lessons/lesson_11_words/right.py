"""Other correct answers to lesson 11."""

RIGHT = {
    "one-hot product": """
def one_hot(ids, V):
    return (np.arange(V) == np.asarray(ids)[..., None]).astype(float)
def lookup_backward(dz, ids, V):
    return one_hot(ids.ravel(), V).T @ dz.reshape(-1, dz.shape[-1])
""",
    "np.add.at, and Counter": """
from collections import Counter
def vocabulary(texts, V):
    counts = Counter(" ".join(texts).split())
    by_name = sorted(counts)
    by_name.sort(key=counts.get, reverse=True)
    return dict(zip(by_name, range(2, V)))
def encode(texts, numbers, T):
    rows = []
    for text in texts:
        words = text.split()[-T:]
        rows.append([0] * (T - len(words)) + [numbers[w] if w in numbers else 1 for w in words])
    return np.array(rows)
def lookup_backward(dz, ids, V):
    dW = np.zeros((V,) + dz.shape[-1:])
    np.add.at(dW, ids, dz)
    return dW
""",
    "loops over positions": """
def vocabulary(texts, V):
    words = [word for text in texts for word in text.split()]
    order = sorted(set(words), key=lambda word: (-words.count(word), word))
    numbers = {}
    for word in order:
        if len(numbers) < V - 2:
            numbers[word] = len(numbers) + 2
    return numbers
def encode(texts, numbers, T):
    result = np.zeros((len(texts), T), dtype=int)
    for b in range(len(texts)):
        words = text = texts[b].split()
        for back in range(1, min(T, len(words)) + 1):
            result[b, T - back] = numbers.get(words[-back], 1)
    return result
def one_hot(ids, V):
    rows = np.zeros((*ids.shape, V))
    for place in np.ndindex(ids.shape):
        rows[place][ids[place]] = 1
    return rows
def lookup_backward(dz, ids, V):
    D = dz.shape[-1]
    dW = np.zeros((V, D))
    for i, row in zip(ids.ravel(), dz.reshape(-1, D)):
        dW[i] += row
    return dW
""",
    "a loop over texts, and flags": """
def lookup_backward(dz, ids, V):
    dW = np.zeros((V, dz.shape[-1]))
    if ids.ndim == 1:
        ids, dz = ids[None], dz[None]
    B, T = ids.shape
    for b in range(B):
        for t in range(T):
            dW[ids[b, t]] += dz[b, t]
    return dW
""",
    "words, not positions": """
def one_hot(ids, V):
    flat = ids.ravel()
    rows = np.zeros((len(flat), V))
    rows[np.arange(len(flat)), flat] = 1
    return rows.reshape(*ids.shape, V)
def lookup_backward(dz, ids, V):
    return np.array([dz[ids == i].sum(axis=0) for i in range(V)])
""",
}
