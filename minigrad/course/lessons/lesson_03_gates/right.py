"""Other correct answers to lesson 3."""

RIGHT = {
    "everything from the inputs": """
class Tanh(mg.Gate):
    def forward(self, x):
        up, down = np.exp(x), np.exp(-x)
        return (up - down) / (up + down)

    def backward(self, dz, z, x):
        return [dz / np.cosh(x) ** 2]

class Exp(mg.Gate):
    def forward(self, number):
        return np.e**number

    def backward(self, upstream, output, number):
        return (np.exp(number) * upstream,)
""",
    "element by element": """
class Multiply(mg.Gate):
    def forward(self, a, b):
        z = np.zeros(a.shape)
        for place in np.ndindex(a.shape):
            z[place] = a[place] * b[place]
        return z

    def backward(self, dz, z, a, b):
        da, db = np.zeros(a.shape), np.zeros(b.shape)
        for place in np.ndindex(a.shape):
            da[place] += dz[place] * b[place]
            db[place] += dz[place] * a[place]
        return da, db
""",
}
