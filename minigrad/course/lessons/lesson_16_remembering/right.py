"""Other correct solutions to lesson 16."""

RIGHT = {
    "a matrix for each gate": """
class LSTMCell(LSTMCell):
    def forward(self, x, state):
        h, c = state
        H = self.hidden
        def block(n):
            columns = slice(n * H, (n + 1) * H)
            return x @ self.W_xh[:, columns] + h @ self.W_hh[:, columns] + self.b[columns]
        memory = mg.sigmoid(block(1)) * c + mg.sigmoid(block(0)) * mg.tanh(block(2))
        shown = mg.tanh(memory) * mg.sigmoid(block(3))
        return shown, (shown, memory)

class GRUCell(GRUCell):
    def forward(self, x, h):
        H = self.hidden
        def word(n):
            columns = slice(n * H, (n + 1) * H)
            return x @ self.W_xh[:, columns] + self.b_xh[columns]
        def old(n):
            columns = slice(n * H, (n + 1) * H)
            return h @ self.W_hh[:, columns] + self.b_hh[columns]
        update = mg.sigmoid(word(0) + old(0))
        reset = mg.sigmoid(word(1) + old(1))
        candidate = mg.tanh(word(2) + reset * old(2))
        new = update * h + candidate * (1 - update)
        return new, new

def first_bias(hidden, forget):
    return [0.0] * hidden + [forget] * hidden + [0.0] * (2 * hidden)

def memory_left(bias, steps):
    left = 1.0
    for _ in range(steps):
        left /= 1 + np.exp(-bias)
    return left
""",
    "z and r in one sigmoid, and n + z (h - n)": """
class GRUCell(GRUCell):
    def forward(self, x, h):
        H = self.hidden
        a, s = x @ self.W_xh + self.b_xh, h @ self.W_hh + self.b_hh
        zr = 0.5 + 0.5 * mg.tanh(0.5 * (a[:, : 2 * H] + s[:, : 2 * H]))
        z, r = zr[:, :H], zr[:, H:]
        n = mg.tanh(a[:, 2 * H :] + r * s[:, 2 * H :])
        new = n + z * (h - n)
        return new, new
""",
    "mg.sigmoid of a plain number": """
def memory_left(bias, steps):
    return mg.sigmoid(bias) ** steps
""",
    "all gates in one array, all in one expression": """
class GRUCell(GRUCell):
    def forward(self, x, h):
        H = self.hidden
        wx, bx, wh, bh = self.W_xh, self.b_xh, self.W_hh, self.b_hh
        zr = mg.sigmoid(x @ wx[:, : 2 * H] + bx[: 2 * H] + h @ wh[:, : 2 * H] + bh[: 2 * H])
        z, r = zr[:, :H], zr[:, H:]
        n = mg.tanh(x @ wx[:, 2 * H :] + bx[2 * H :] + r * (h @ wh[:, 2 * H :] + bh[2 * H :]))
        new = n - z * n + z * h
        return new, new

class LSTMCell(LSTMCell):
    def forward(self, x, state):
        h, c = state
        H = self.hidden
        a = x @ self.W_xh + h @ self.W_hh + self.b
        gates = mg.sigmoid(a)
        i = gates[:, 0:H]
        f = gates[:, H : 2 * H]
        o = gates[:, 3 * H : 4 * H]
        g = mg.tanh(a[:, 2 * H : 3 * H])
        new_c = f * c + i * g
        new_h = o * mg.tanh(new_c)
        return new_h, (new_h, new_c)

def first_bias(hidden, forget):
    return np.concatenate([np.zeros(hidden), np.full(hidden, forget), np.zeros(2 * hidden)])

def memory_left(bias, steps):
    f = 1 / (1 + np.exp(-bias))
    left = 1
    for step in range(steps):
        left = left * f
    return left
""",
}
