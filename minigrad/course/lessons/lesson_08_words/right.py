"""Other correct answers to lesson 8."""

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
}
