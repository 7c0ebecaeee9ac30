"""Other correct answers to milestone 16."""

RIGHT = {
    "composed operations, without rules": """
def sigmoid(x):
    return ((x * 0.5).tanh() + 1) * 0.5


def columns(x, start, stop):
    return x @ np.eye(x.array.shape[1])[:, start:stop]
""",
    "padding": """
def sigmoid(x):
    e = np.exp(-x.array)
    return Value(1 / (1 + e), [x], lambda dz: [dz * e / (1 + e) ** 2])


def columns(x, start, stop):
    behind = x.array.shape[1] - stop
    return Value(x.array[:, start:stop], (x,), lambda dz: (np.pad(dz, [(0, 0), (start, behind)]),))
""",
}
