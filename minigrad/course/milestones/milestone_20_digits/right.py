"""Other correct answers to milestone 20."""

RIGHT = {
    "a loop over the windows": """
def patches(x, size):
    N, H, W, C = x.array.shape
    P, Q = H - size + 1, W - size + 1
    z = np.zeros((N, P, Q, size * size * C))
    for p in range(P):
        for q in range(Q):
            z[:, p, q] = x.array[:, p : p + size, q : q + size].reshape(N, -1)

    def rule(dz):
        dx = np.zeros(x.array.shape)
        for p in range(P):
            for q in range(Q):
                window = dz[:, p, q].reshape(N, size, size, C)
                dx[:, p : p + size, q : q + size] += window
        return (dx,)

    return Value(z, (x,), rule)


def max_pool(x):
    N, H, W, C = x.array.shape
    z, places = np.zeros((N, H // 2, W // 2, C)), {}
    for n, p, q, c in np.ndindex(z.shape):
        window = x.array[n, 2 * p : 2 * p + 2, 2 * q : 2 * q + 2, c]
        i, j = divmod(int(window.argmax()), 2)
        places[n, p, q, c] = n, 2 * p + i, 2 * q + j, c
        z[n, p, q, c] = window.max()

    def rule(dz):
        dx = np.zeros(x.array.shape)
        for place, pixel in places.items():
            dx[pixel] = dz[place]
        return (dx,)

    return Value(z, (x,), rule)
""",
}
