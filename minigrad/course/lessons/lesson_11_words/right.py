"""Other correct answers to lesson 11."""

RIGHT = {
    "one-hot product": """
def one_hot(ids, V):
    return (np.arange(V) == np.asarray(ids)[..., None]).astype(float)
def lookup(table, ids):
    return one_hot(ids, len(table)) @ table
def lookup_backward(dz, ids, V):
    return one_hot(ids.ravel(), V).T @ dz.reshape(-1, dz.shape[-1])
def unseen(ids, V):
    return np.flatnonzero(one_hot(ids.ravel(), V).sum(axis=0) == 0)
""",
    "np.add.at, and sets": """
def lookup_backward(dz, ids, V):
    dW = np.zeros((V,) + dz.shape[-1:])
    np.add.at(dW, ids, dz)
    return dW
def unseen(ids, V):
    return sorted(set(range(V)) - set(ids.ravel().tolist()))
""",
    "loops over positions": """
def one_hot(ids, V):
    rows = np.zeros((*ids.shape, V))
    for place in np.ndindex(ids.shape):
        rows[place][ids[place]] = 1
    return rows
def lookup(table, ids):
    rows = []
    for i in ids.ravel():
        rows.append(table[i])
    return np.array(rows).reshape(*ids.shape, -1)
def lookup_backward(dz, ids, V):
    D = dz.shape[-1]
    dW = np.zeros((V, D))
    for i, row in zip(ids.ravel(), dz.reshape(-1, D)):
        dW[i] += row
    return dW
def unseen(ids, V):
    left = []
    for i in range(V):
        if i not in ids:
            left.append(i)
    return left
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
def unseen(ids, V):
    read = [False] * V
    for i in ids.ravel():
        read[i] = True
    left = []
    for i in range(V):
        if not read[i]:
            left.append(i)
    return left
""",
    "words, not positions": """
def one_hot(ids, V):
    flat = ids.ravel()
    rows = np.zeros((len(flat), V))
    rows[np.arange(len(flat)), flat] = 1
    return rows.reshape(*ids.shape, V)
def lookup(table, ids):
    return np.take(table, ids, axis=0)
def lookup_backward(dz, ids, V):
    return np.array([dz[ids == i].sum(axis=0) for i in range(V)])
def unseen(ids, V):
    counts = np.bincount(ids.ravel(), minlength=V)
    return [i for i in range(V) if counts[i] == 0]
""",
}
