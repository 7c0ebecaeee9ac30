"""Other correct answers to milestone 19."""

RIGHT = {
    "where and the whole matrix of slopes": """
def relu(x):
    return Value(np.where(x.array > 0, x.array, 0.0), [x], lambda dz: [np.where(x.array > 0, dz, 0.0)])


def normalize(x):
    D = x.array.shape[-1]
    c = x.array - x.array.mean(-1)[..., None]
    size = np.sqrt((c * c).mean(-1) + 1e-5)[..., None, None]
    z = c / size[..., 0]
    slopes = (np.eye(D) - 1 / D - z[..., None] * z[..., None, :] / D) / size
    return Value(z, (x,), lambda dz: ((slopes @ dz[..., None])[..., 0],))
""",
}
