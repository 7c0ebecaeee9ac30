"""Other correct solutions to lesson 13."""

RIGHT = {
    "a matrix for each gate": """
def forward(self, x, state):
    h, c = state
    H = self.hidden
    def block(n):
        columns = slice(n * H, (n + 1) * H)
        return x @ self.W_xh[:, columns] + h @ self.W_hh[:, columns] + self.b[columns]
    memory = mg.sigmoid(block(1)) * c + mg.sigmoid(block(0)) * mg.tanh(block(2))
    shown = mg.tanh(memory) * mg.sigmoid(block(3))
    return shown, (shown, memory)
LSTMCell.forward = forward

def first_bias(hidden, forget):
    return [0.0] * hidden + [forget] * hidden + [0.0] * (2 * hidden)

def memory_left(bias, steps):
    left = 1.0
    for _ in range(steps):
        left /= 1 + np.exp(-bias)
    return left
""",
    "z and r in one sigmoid, and n + z (h - n)": """
def forward(self, x, h):
    H = self.hidden
    a, s = x @ self.W_xh + self.b_xh, h @ self.W_hh + self.b_hh
    zr = 0.5 + 0.5 * mg.tanh(0.5 * (a[:, : 2 * H] + s[:, : 2 * H]))
    z, r = zr[:, :H], zr[:, H:]
    n = mg.tanh(a[:, 2 * H :] + r * s[:, 2 * H :])
    new = n + z * (h - n)
    return new, new
GRUCell.forward = forward
""",
    "mg.sigmoid of a plain number": """
def memory_left(bias, steps):
    return mg.sigmoid(bias) ** steps
""",
}
