"""Common wrong answers to lesson 7."""

from minigrad.course.checking.lesson import Slip

CLEAR = "for p in parameters: p.grad = np.zeros(p.array.shape)"
LEFT = "da = unbroadcast(dz, self.array.shape) * other.array"
RIGHT = "db = unbroadcast(dz, other.array.shape) * self.array"
MOVE = "for p in parameters: p.array = p.array - rate * p.grad"


def tanh(name, z, gradients, kind):
    code = f"""
class Value(Value):
    def tanh(self):
        z = {z}
        return Value(z, (self,), lambda dz: ({gradients}))
"""
    return Slip(name, code, kind)


def product(da, db):
    code = f"""
class Value(Value):
    def __matmul__(self, other):
        other = as_value(other)
        a, b = self.array, other.array
        return Value(a @ b, (self, other), lambda dz: ({da}, {db}))
"""
    kind = (
        "Your shapes are right, but the numbers are in the wrong positions. reshape keeps the numbers in the "
        "same order and only changes where each row ends."
    )
    return Slip("reshaped instead of transposed", code, kind)


def total(name, kind, gradient, z="self.array.sum()"):
    code = f"""
class Value(Value):
    def sum(self):
        return Value({z}, (self,), lambda dz: ({gradient},))
"""
    return Slip(name, code, kind)


def backward(name, kind, leaf="value.grad = value.grad + dz", send="", parts="{}"):
    """A slip in backward, which does something else at a leaf, or with a gradient. `parts` changes the list
    of gradients.
    """
    send = send or "arrived[source] = arrived.get(source, 0.0) + gradient"
    code = f"""
class Value(Value):
    def backward(self):
        arrived = {{self: np.ones(self.array.shape)}}
        for value in self.order():
            dz = arrived[value]
            if not value.inputs:
                {leaf}
                continue
            for source, gradient in {parts.format("zip(value.inputs, value.rule(dz))")}:
                {send}
        return arrived
"""
    return Slip(name, code, kind)


def train(name, kind, clear=CLEAR, move=MOVE, append="value"):
    """A slip in train, which clears the gradients, moves the parameters, or appends something else."""
    code = f"""
def train(loss, parameters, rate, steps):
    losses = []
    for _ in range(steps):
        {clear}
        value = loss(parameters)
        value.backward()
        {move}
        losses.append(float({append}.array))
    return losses
"""
    return Slip(name, code, kind)


SLIPS = (
    Slip(
        "the inputs in another order than their gradients",
        """
class Value(Value):
    def __mul__(self, other, right=Value.__mul__):
        z = right(self, other)
        return Value(z.array, z.inputs[::-1], z.rule)
""",
        "Your rule returns the gradient of the left factor first, but your Value stores the right factor first.",
    ),
    tanh(
        "the slope at the input",
        "np.tanh(self.array)",
        "dz * (1 - self.array**2),",
        "The slope of tanh follows from its output. You used its input.",
    ),
    tanh(
        "tanh applied twice",
        "np.tanh(self.array)",
        "dz * (1 - np.tanh(z) ** 2),",
        "The output is already a tanh.",
    ),
    tanh(
        "not a tuple",
        "np.tanh(self.array)",
        "dz * (1 - z * z)",
        "Your rule returns an array. It must return a tuple with one element; the comma makes it one.",
    ),
    tanh(
        "tan is another function",
        "np.tan(self.array)",
        "dz * (1 - z * z),",
        "Your result is the tangent, `np.tan`. The hyperbolic tangent is `np.tanh`.",
    ),
    product("dz @ b.reshape(b.shape[::-1])", "a.T @ dz"),
    product("dz @ b.T", "a.reshape(a.shape[::-1]) @ dz"),
    product("dz @ b.reshape(b.shape[::-1])", "a.reshape(a.shape[::-1]) @ dz"),
    total(
        "one number for the whole array",
        "Your rule returns dz itself, a single number. Each element of x needs a gradient, so the rule must "
        "return an array in the shape of x.",
        "dz",
    ),
    total(
        "divided as for a mean",
        "Each element counts fully in a sum, so nothing is divided. In a mean, each counts 1/n.",
        "dz * np.ones(self.array.shape) / self.array.size",
    ),
    total(
        "multiplied by the array",
        "The slope of a sum is 1 for each element, whatever its value.",
        "dz * self.array",
    ),
    total(
        "the sum along one axis",
        "Your result is not a single number: it was summed along one axis only.",
        "dz * np.ones(self.array.shape)",
        "self.array.sum(axis=0)",
    ),
    Slip(
        "summed back to the other's shape",
        """
class Value(Value):
    def __mul__(self, other):
        other = as_value(other)

        def rule(dz):
            da, db = dz * other.array, dz * self.array
            return unbroadcast(da, other.array.shape), unbroadcast(db, self.array.shape)

        return Value(self.array * other.array, (self, other), rule)
""",
        "Each gradient has the shape of its own input. You sum it back to the other one's.",
    ),
    *(
        Slip(
            "summed back too early",
            f"""
class Value(Value):
    def __mul__(self, other):
        other = as_value(other)

        def rule(dz):
            da, db = dz * other.array, dz * self.array
            da, db = unbroadcast(da, self.array.shape), unbroadcast(db, other.array.shape)
            {early}
            return da, db

        return Value(self.array * other.array, (self, other), rule)
""",
            "You sum dz back, and then you multiply it by the other array. Each use of a number has its own factor, "
            "so multiply first.",
        )
        for early in (LEFT, RIGHT, f"{LEFT}\n            {RIGHT}")
    ),
    Slip(
        "breadth first",
        """
class Value(Value):
    def order(self):
        found = [self]
        for value in found:
            found.extend(source for source in dict.fromkeys(value.inputs) if source not in found)
        return found
""",
        "A Value sends before one of its consumers has sent. Gradients that arrive later are lost.",
    ),
    backward(
        "an array that others use was changed",
        "`+=` changes the array itself. A rule may return dz itself, so this array may also be the "
        "gradient of another Value.",
        send="""if source in arrived:
                    arrived[source] += gradient
                else:
                    arrived[source] = gradient""",
    ),
    backward(
        "an input that appears twice is counted once",
        "In x + x, both inputs are the same Value. A set or a dictionary of inputs stores it only once.",
        parts="dict({}).items()",
    ),
    backward(
        "earlier gradients added again",
        "A leaf's grad gets the whole sum so far each time a gradient arrives. So the earlier gradients count "
        "several times.",
        leaf="pass",
        send="""arrived[source] = arrived.get(source, 0.0) + gradient
                if not source.inputs:
                    source.grad = source.grad + arrived[source]""",
    ),
    backward(
        "grad overwritten",
        "A leaf's grad is the sum over all calls of backward. You replace what was there before.",
        leaf="value.grad = dz",
    ),
    Slip(
        "inner gradients kept from the first call",
        """
class Value(Value):
    def backward(self):
        self.grad = np.ones(self.array.shape)
        for value in self.order():
            for source, gradient in zip(value.inputs, value.rule(value.grad) if value.rule else ()):
                source.grad = source.grad + gradient
        return {value: value.grad for value in self.order()}
""",
        "The sums of inner Values are still there when the second call begins, so they are sent again.",
    ),
    train(
        "the gradients cleared only once",
        "backward adds to grad in every step. Each step must begin with zeros.",
        clear=f"if not losses:\n            {CLEAR}",
    ),
    train(
        "gradients never cleared",
        "backward adds to grad. So from the second step on, you move by the sum of all gradients so far.",
        clear="",
    ),
    train(
        "the loss after the step",
        "Each loss in your list was computed after the parameters had moved.",
        append="loss(parameters)",
    ),
    train(
        "only the last parameter moves",
        "The other parameters keep their arrays. Which statements belong to the inner loop?",
        move="p.array = p.array - rate * p.grad",
    ),
    train(
        "the parameters stay where they were",
        "After the call, each p.array is what it was before. Print p.grad where you use it. And does the same "
        "Value get the new array? `p = ...` would only give the name p to something else.",
        move="",
    ),
)
