"""Lesson 7: your engine. One class records what you compute and finds every
gradient.

Write the four rules (`*`, `@`, tanh, sum), then `order`, `backward` and
`train`. Then run

    minigrad course check 7
"""

import numpy as np


# --- from lesson 5: unbroadcast. When you pass it, yours replaces this. ---
def unbroadcast(dz, shape):
    """Sum dz back to `shape`."""
    while dz.ndim > len(shape):
        dz = dz.sum(axis=0)
    for axis, size in enumerate(shape):
        if size == 1:
            dz = dz.sum(axis=axis, keepdims=True)
    return dz


# --- end of lesson 5 ---
# --- from lesson 6: my_gradcheck. When you pass it, yours replaces this. ---
def numeric_gradient(f, x, h=1e-5):
    """Return the slope of f along every element of x (central differences)."""
    slopes = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        nudge = np.zeros(x.shape)
        nudge[index] = h
        slopes[index] = (f(x + nudge) - f(x - nudge)) / (2 * h)
    return slopes


def my_gradcheck(gate, *inputs):
    """Return a list with True for each input whose gradient is right, otherwise
    False.
    """
    z = gate.forward(*inputs)
    v = np.random.default_rng(0).normal(size=np.shape(z))
    verdicts = []
    for i, claimed in enumerate(gate.backward(v, z, *inputs)):

        def loss(x, i=i):
            return (v * gate.forward(*inputs[:i], x, *inputs[i + 1 :])).sum()

        measured = numeric_gradient(loss, inputs[i])
        same = np.shape(claimed) == measured.shape
        verdicts.append(same and np.allclose(claimed, measured))
    return verdicts


# --- end of lesson 6 ---
class Value:
    """An array of numbers that remembers how it was computed.

    `inputs` contains the Values that it was computed from, in the order of the
    expression; a leaf has none. `rule` is a function that takes dz, the
    gradient of this Value, and returns a tuple with one gradient for each
    input, in the input's shape. `serial` is 1 for the first Value, 2 for the
    second, and so on.
    """

    made = 0
    __array_ufunc__ = None  # so that `array + value` calls Value.__radd__

    def __init__(self, array, inputs=(), rule=None, name=""):
        self.array = np.array(array, dtype=float)
        self.inputs, self.rule, self.name = inputs, rule, name
        self.grad = np.zeros(self.array.shape)
        Value.made += 1
        self.serial = Value.made

    def named(self, name):
        """Give this Value a name and return it."""
        self.name = name
        return self

    def __repr__(self):
        return f"Value({self.array.round(6).tolist()})"

    def __add__(self, other):
        """Return self + other. Python calls this method for `a + b`. (An
        example; it is complete.)
        """
        other = as_value(other)

        def rule(dz):
            da = unbroadcast(dz, self.array.shape)
            db = unbroadcast(dz, other.array.shape)
            return da, db

        return Value(self.array + other.array, (self, other), rule)

    def __mul__(self, other):
        """Return self * other, element by element. NumPy may stretch either
        one, as in `__add__`.
        """
        raise NotImplementedError("not written yet")

    def __matmul__(self, other):
        """Return the matrix product self @ other. Their shapes are (n, k) and
        (k, m).
        """
        raise NotImplementedError("not written yet")

    def tanh(self):
        """Return the tanh of each element. Here too, the rule returns a tuple:
        (gradient,).
        """
        raise NotImplementedError("not written yet")

    def sum(self):
        """Return the sum of all elements as a Value of shape (). Its dz is a
        single number.
        """
        raise NotImplementedError("not written yet")

    # The next five methods are complete. They call the methods above, so they
    # need no rule.
    def __sub__(self, other):
        return self + as_value(other) * -1.0

    def mean(self):
        return self.sum() * (1 / self.array.size)

    def __radd__(self, other):
        return as_value(other) + self

    def __rmul__(self, other):
        return as_value(other) * self

    def __rmatmul__(self, other):
        return as_value(other) @ self

    def order(self):
        """Return a list of this Value and all Values that it was computed from.

        Each Value appears once, after all Values that have it as an input. So
        self comes first. The graph may be deeper than Python's recursion limit.
        """
        raise NotImplementedError("not written yet")

    def backward(self):
        """Walk back from this Value and find the gradient of every Value that
        it was computed from.

        Start with ones at self. Add each leaf's gradient to its `grad`; the
        grad of other Values does not matter. Returns a dictionary that maps
        each Value to its gradient in this walk. Make new arrays: `a = a + b`,
        not `a += b`.
        """
        raise NotImplementedError("not written yet")


def as_value(thing):
    """Return a Value unchanged. Make a Value from anything else, such as a
    number or an array.
    """
    return thing if isinstance(thing, Value) else Value(thing)


def gradients(root):
    """Call root.backward() and return {name: gradient} for every Value that has
    a name.
    """
    arrived = root.backward()
    return {value.name: arrived[value] for value in root.order() if value.name}


class Gate:
    """A function f of Values, in the form that my_gradcheck tests."""

    def __init__(self, f):
        self.f = f

    def forward(self, *arrays):
        return self.f(*map(Value, arrays)).array

    def backward(self, dz, z, *arrays):
        values = [Value(array) for array in arrays]
        (self.f(*values) * dz).sum().backward()
        return tuple(value.grad for value in values)


def train(loss, parameters, rate, steps):
    """Train for `steps` steps. `parameters` is a list of leaves, and
    loss(parameters) is a Value.

    In each step, set each parameter's grad to zeros, compute the loss, call
    backward, and replace each parameter's array with array - rate * grad (here,
    `-=` works too). Returns a list of the losses as plain numbers. Each loss is
    computed before its step changes the parameters.
    """
    raise NotImplementedError("not written yet")


X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
Y = np.array([[0.0], [1.0], [1.0], [0.0]])
S = np.array([list(f"{n:05b}") for n in range(32)], float) * 2 - 1
"""All rows of five ±1, with shape (32, 5)."""


def start(seed, *shapes):
    """Return one parameter for each shape. Matrices are random, and biases are
    zeros.
    """
    rng = np.random.default_rng(seed)

    def array(s):
        return rng.normal(size=s) * 0.5 if len(s) == 2 else np.zeros(s)

    return [Value(array(shape)) for shape in shapes]


def xor_start(seed=0):
    """Return W1, b1, W2 and b2 of a network with four hidden numbers."""
    return start(seed, (2, 4), (4,), (4, 1), (1,))


def xor(parameters):
    """Return the network's answers to the four rows of X as a Value of shape
    (4, 1).
    """
    W1, b1, W2, b2 = parameters
    return (X @ W1 + b1).tanh() @ W2 + b2


def xor_loss(parameters):
    error = xor(parameters) - Y
    return (error * error).mean()


def rnn_start(seed=1):
    """Return W_xh, W_hh, b_h and W_hy of a network that reads one symbol at a
    time.
    """
    return start(seed, (1, 4), (4, 4), (4,), (4, 1))


def rnn(parameters):
    """Read the rows of S symbol by symbol. Return the answers as a Value of
    shape (32, 1).
    """
    W_xh, W_hh, b_h, W_hy = parameters
    h = Value(np.zeros((len(S), 4)))
    for t in range(5):
        h = (S[:, t : t + 1] @ W_xh + h @ W_hh + b_h).tanh()
    return h @ W_hy


def rnn_loss(parameters):
    """Return the mean squared error. The right answer is the first symbol of
    the row.
    """
    error = rnn(parameters) - S[:, :1]
    return (error * error).mean()


def bars(losses, every):
    """Print some of the losses with a bar for each."""
    for k in range(0, len(losses), every):
        bar = "#" * round(50 * min(losses[k], 1))
        print(f"  step {k:3}: loss {losses[k]:.4f} {bar}")


if __name__ == "__main__":
    a, b = Value([[1.0, 2.0], [3.0, 4.0]]), Value([[5.0, 6.0], [7.0, 8.0]])
    c = Value([0.5, -1.0])
    print("Does my_gradcheck accept the rules?")
    for name, f, inputs in (
        ("a + c", lambda a, c: a + c, (a, c)),
        ("a * c", lambda a, c: a * c, (a, c)),
        ("a @ b", lambda a, b: a @ b, (a, b)),
        ("tanh", lambda a: a.tanh(), (a,)),
        ("sum", lambda a: a.sum(), (a,)),
    ):
        arrays = [one.array for one in inputs]
        print(f"  {name:6}", *my_gradcheck(Gate(f), *arrays))

    x, b = Value(2.0, name="x"), Value(3.0, name="b")
    m = (x * b).named("m")
    found = gradients((m + x).named("y"))
    print("m = x * b, y = m + x:", {k: float(g) for k, g in found.items()})

    print("XOR:")
    weights = xor_start()
    bars(train(xor_loss, weights, 0.2, 400), 40)
    answers = xor(weights).array.ravel().round(2)
    print("  the answers to 00, 01, 10, 11:", answers)

    print("Remember the first of five symbols:")
    weights = rnn_start()
    bars(train(rnn_loss, weights, 0.1, 300), 30)
    right = (np.sign(rnn(weights).array) == S[:, :1]).sum()
    print(f"  {right} of {len(S)} sequences right")
