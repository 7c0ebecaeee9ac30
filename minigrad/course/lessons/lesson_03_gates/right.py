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

class Divide(mg.Gate):
    def forward(self, a, b):
        return np.divide(a, b)

    def backward(self, dz, z, a, b):
        return dz / b, -dz * a / b**2

class Sigmoid(mg.Gate):
    def forward(self, x):
        return np.exp(x) / (1 + np.exp(x))

    def backward(self, dz, z, x):
        e = np.exp(-x)
        return (dz * e / (1 + e) ** 2,)
""",
    "local derivatives with names": """
class Multiply(mg.Gate):
    def forward(self, a, b):
        z = a * b
        return z

    def backward(self, dz, z, a, b):
        da = b * dz
        db = a * dz
        return (da, db)

class Tanh(mg.Gate):
    def forward(self, x):
        z = np.tanh(x)
        return z

    def backward(self, dz, z, x):
        local = 1 - z**2
        dx = dz * local
        return (dx,)

class Exp(mg.Gate):
    def forward(self, x):
        z = np.exp(x)
        return z

    def backward(self, dz, z, x):
        dx = z * dz
        return (dx,)
""",
    "tanh from its input, and a product from NumPy": """
class Multiply(mg.Gate):
    def forward(self, a, b):
        return np.multiply(a, b)

    def backward(self, dz, z, a, b):
        return tuple(dz * other for other in (b, a))

class Tanh(mg.Gate):
    def forward(self, x):
        return np.sinh(x) / np.cosh(x)

    def backward(self, dz, z, x):
        return (dz * (1 - np.tanh(x) ** 2),)
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
