"""Other correct answers to milestone 18."""

RIGHT = {
    "einsum, moveaxis and a loop": """
def product(a, b):
    def rule(dz):
        da = np.einsum("...nm,...km->...nk", dz, b.array)
        db = np.einsum("...nk,...nm->...km", a.array, dz)
        while db.ndim > b.array.ndim:
            db = db.sum(axis=0)
        return da, db

    return Value(np.matmul(a.array, b.array), (a, b), rule)


def transpose(x):
    return Value(np.moveaxis(x.array, -1, -2), (x,), lambda dz: (np.moveaxis(dz, -1, -2),))


def softmax(x):
    scores = x.array - x.array.max(-1)[..., None]
    p = np.exp(scores - np.log(np.exp(scores).sum(-1))[..., None])

    def rule(dz):
        dx = dz * p
        return (dx - p * dx.sum(-1)[..., None],)

    return Value(p, (x,), rule)
""",
}
