"""Common wrong answers to lesson 7."""

from minigrad.course.lesson import Slip


def method(code):
    """Return the class with another version of one method."""
    return "class Value(Value):\n" + "".join(
        f"    {line}\n" for line in code.strip("\n").splitlines()
    )


def sweep(start="{self: np.ones(self.array.shape)}", leaf="value.grad = value.grad + dz", send=""):
    """Return the class with some parts of `backward` replaced."""
    send = send or "arrived[source] = arrived.get(source, 0.0) + gradient"
    return method(f"""
def backward(self):
    arrived = {start}
    for value in self.order():
        dz = arrived[value]
        if not value.inputs:
            {leaf}
            continue
        for source, gradient in zip(value.inputs, value.rule(dz)):
            {send}
    return arrived
""")


def times(left, right):
    return method(f"""
def __mul__(self, other):
    other = as_value(other)
    return Value(self.array * other.array, (self, other), lambda dz: ({left}, {right}))
""")


def one_input(name, z, rule):
    return method(f"""
def {name}(self):
    z = {z}
    return Value(z, (self,), lambda dz: ({rule},))
""")


CLEAR = """for p in parameters:
            p.grad = np.zeros(p.array.shape)"""
CLEARED = "set p.grad to zeros for every parameter before each backward"


def training(
    start="pass",
    clear=CLEAR,
    compute="value = loss(parameters)",
    append="value",
    move="p.array = p.array - rate * p.grad",
):
    return f"""
def train(loss, parameters, rate, steps):
    losses = []
    {start}
    for _ in range(steps):
        {clear}
        {compute}
        value.backward()
        for p in parameters:
            {move}
        losses.append(float({append}.array))
    return losses
"""


IN_PLACE = """
if source in arrived:
                arrived[source] += gradient
            else:
                arrived[source] = gradient"""
AGAIN = """
arrived[source] = arrived.get(source, 0.0) + gradient
            if not source.inputs:
                source.grad = source.grad + arrived[source]"""
MULTIPLY = "da = dz ⊙ b and db = dz ⊙ a, each summed back to its input's shape by unbroadcast"
TANH = "dx = dz ⊙ (1 - z²), with z the output of the tanh"
SUM = "every element of dx is dz, in the shape of x"
ORDER = "each Value comes after all Values that have it as an input; for example, newest first"
READY = "A Value sends before one of its consumers has sent. Gradients that arrive later are lost."

BY_SELF = "unbroadcast(dz * self.array, other.array.shape)"
BY_OTHER = "unbroadcast(dz * other.array, self.array.shape)"
COMMA = (
    "not a tuple",
    "Your rule returns an array. It must return a tuple with one element; the comma makes it one.",
)

SLIPS = (
    Slip(
        "the factors exchanged",
        times(
            "unbroadcast(dz * self.array, self.array.shape)",
            "unbroadcast(dz * other.array, other.array.shape)",
        ),
        "You multiplied each gradient by the input that it belongs to. How far does a * b move if "
        "you nudge a?",
        MULTIPLY,
    ),
    Slip(
        "never summed back to the input's shape",
        times("dz * other.array", "dz * self.array"),
        "NumPy may have stretched one of the inputs. Its gradient needs the shape that the input "
        "had before.",
        MULTIPLY,
    ),
    Slip(
        "the rule of a sum",
        times("unbroadcast(dz, self.array.shape)", "unbroadcast(dz, other.array.shape)"),
        "Both inputs get dz as it is. How far does a * b move if you nudge a?",
        MULTIPLY,
    ),
    Slip(
        "a sum in place of a product",
        times(BY_OTHER, BY_SELF).replace(
            "self.array * other.array, (", "self.array + other.array, ("
        ),
        "The result of your `__mul__` is the sum of the two arrays.",
        "z = self.array * other.array",
    ),
    Slip(
        "the inputs in another order than their gradients",
        times(BY_OTHER, BY_SELF).replace("(self, other), ", "(other, self), "),
        "Your rule returns the gradient of the left factor first, but your Value stores the right factor first.",
        "Value(..., (self, other), rule)",
    ),
    Slip(
        "nothing transposed",
        method("""
def __matmul__(self, other):
    other = as_value(other)
    return Value(self.array @ other.array, (self, other), lambda dz: (dz @ other.array, self.array @ dz))
"""),
        "The other factor must be transposed in both gradients.",
        "dA = dZ @ Bᵀ, dB = Aᵀ @ dZ",
    ),
    Slip(
        "the slope at the input",
        one_input("tanh", "np.tanh(self.array)", "dz * (1 - self.array**2)"),
        "The slope of tanh follows from its output. You used its input.",
        TANH,
    ),
    Slip(
        "tan is another function",
        one_input("tanh", "np.tan(self.array)", "dz * (1 - z * z)"),
        "Your result is the tangent, `np.tan`. The hyperbolic tangent is `np.tanh`.",
        "z = np.tanh(self.array)",
    ),
    Slip(
        COMMA[0],
        one_input("tanh", "np.tanh(self.array)", "dz * (1 - z * z)").replace(",))", "))"),
        COMMA[1],
        TANH,
    ),
    Slip(
        "tanh applied twice",
        one_input("tanh", "np.tanh(self.array)", "dz * (1 - np.tanh(z) ** 2)"),
        "The output is already a tanh.",
        TANH,
    ),
    Slip(
        "the gradient of the mean",
        one_input("sum", "self.array.sum()", "np.full(self.array.shape, dz) / self.array.size"),
        "You divided by the number of elements. If you nudge one element, how far does the sum move?",
        SUM,
    ),
    Slip(
        COMMA[0],
        one_input("sum", "self.array.sum()", "dz * np.ones(self.array.shape)").replace(",))", "))"),
        COMMA[1],
        SUM,
    ),
    Slip(
        "dz forgotten",
        one_input("sum", "self.array.sum()", "np.ones(self.array.shape)"),
        "Every element gets 1, whatever dz is.",
        SUM,
    ),
    Slip(
        "depth first",
        method("""
def order(self):
    found, waiting = [], [self]
    while waiting:
        value = waiting.pop()
        if value not in found:
            found.append(value)
            waiting.extend(reversed(value.inputs))
    return found
"""),
        READY,
        ORDER,
    ),
    Slip(
        "breadth first",
        method("""
def order(self):
    found = [self]
    for value in found:
        found.extend(source for source in dict.fromkeys(value.inputs) if source not in found)
    return found
"""),
        READY,
        ORDER,
    ),
    Slip(
        "a Value listed once for each path to it",
        method("""
def order(self):
    found = [self]
    for value in found:
        found.extend(value.inputs)
        if len(found) > 100_000:
            break
    return sorted(found, key=lambda value: value.serial, reverse=True)
"""),
        "A Value that is used twice appears in your list twice, and sends its whole sum each time.",
        "keep a set of the Values that you have already found",
    ),
    Slip(
        "only the inputs of the last Value",
        method("""
def order(self):
    return [self, *self.inputs]
"""),
        "The inputs have inputs too. Your list ends too early.",
        "add the inputs of each Value that you find, until there are no new ones",
    ),
    Slip(
        "wrong start value",
        sweep(start="{self: self.array}"),
        "Your walk starts with the value itself. Start with how fast it moves if you nudge it.",
        "d(self)/d(self) is 1, for each element",
    ),
    Slip(
        "only the last gradient kept",
        sweep(send="arrived[source] = gradient"),
        "A Value that is used several times gets a gradient from each use. Add them up.",
        "new sum at an input = old sum + the gradient that the rule returns",
    ),
    Slip(
        "an array that others use was changed",
        sweep(send=IN_PLACE.strip()),
        "`+=` changes the array itself. A rule may return dz itself, so this array may also be the "
        "gradient of another Value.",
        "make a new array: arrived[source] = arrived[source] + gradient",
    ),
    Slip(
        "earlier gradients added again",
        sweep(leaf="pass", send=AGAIN.strip()),
        "A leaf's grad gets the whole sum so far each time a gradient arrives. So the earlier gradients count "
        "several times.",
        "add to a leaf's grad once, when all of its gradients have arrived",
    ),
    Slip(
        "only one gradient returned",
        sweep().replace("return arrived", "return arrived[self]"),
        "`backward` finds the gradients of all Values, but you return a single array.",
        "return the dictionary",
    ),
    Slip(
        "grad overwritten",
        sweep(leaf="value.grad = dz"),
        "A leaf's grad is the sum over all calls of backward. You replace what was there before.",
        "leaf.grad = leaf.grad + the gradient of this walk",
    ),
    Slip(
        "inner gradients kept from the first call",
        method("""
def backward(self):
    self.grad = np.ones(self.array.shape)
    for value in self.order():
        for source, gradient in zip(value.inputs, value.rule(value.grad) if value.rule else ()):
            source.grad = source.grad + gradient
    return {value: value.grad for value in self.order()}
"""),
        "The sums of inner Values are still there when the second call begins, so they are sent again.",
        "start each call with a new dictionary; add to grad only for leaves",
    ),
    Slip(
        "the gradients cleared only once",
        training(start=CLEAR, clear=""),
        "backward adds to grad in every step. Each step must begin with zeros.",
        CLEARED,
    ),
    Slip(
        "gradients never cleared",
        training(clear=""),
        "backward adds to grad. So from the second step on, you move by the sum of all gradients so far.",
        CLEARED,
    ),
    Slip(
        "the loss computed only once",
        training(start="value = loss(parameters)", compute="pass"),
        "After each move, the loss is another number, and it needs a new graph.",
        "call loss(parameters) in every step",
    ),
    Slip(
        "the loss after the step",
        training(append="loss(parameters)"),
        "Each loss in your list was computed after the parameters had moved.",
        "append the loss that backward was called on",
    ),
    Slip(
        "only one step",
        training().replace("    return", "        return"),
        "Your list has one loss, however many steps are asked for. Is the `return` inside the loop?",
        "return the list after the loop",
    ),
    Slip(
        "only the last parameter moves",
        training(move="pass\n        p.array = p.array - rate * p.grad"),
        "The other parameters keep their arrays. Which statements belong to the inner loop?",
        "for every p in parameters: p.array = p.array - rate · p.grad",
    ),
    Slip(
        "the parameters stay where they were",
        training(move="pass"),
        "After the call, each p.array is what it was before. Print p.grad where you use it. And does the same "
        "Value get the new array? `p = ...` would only give the name p to something else.",
        "in each step: zeros, loss, backward, and then p.array = p.array - rate · p.grad",
    ),
)
