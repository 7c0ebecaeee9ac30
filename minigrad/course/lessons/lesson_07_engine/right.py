"""Other correct answers to lesson 7."""

RIGHT = {
    "lambdas, and an order found by depth": """
class Value(Value):
    def __mul__(self, other):
        other = as_value(other)
        a, b = self.array, other.array
        rule = lambda dz: (unbroadcast(dz * b, a.shape), unbroadcast(dz * a, b.shape))
        return Value(a * b, (self, other), rule)
    def __matmul__(self, other):
        other = as_value(other)
        rule = lambda dz: (dz.dot(other.array.transpose()), np.transpose(self.array).dot(dz))
        return Value(np.dot(self.array, other.array), [self, other], rule)
    def tanh(self):
        out = Value(np.tanh(self.array), (self,))
        out.rule = lambda dz: ((1 - out.array**2) * dz,)
        return out
    def sum(self):
        return Value(np.sum(self.array), (self,), lambda dz: (np.full(self.array.shape, dz),))
    def order(self):
        done, seen, stack = [], set(), [(self, False)]
        while stack:
            value, ready = stack.pop()
            if ready:
                done.append(value)
            elif value not in seen:
                seen.add(value)
                stack.append((value, True))
                for source in value.inputs:
                    stack.append((source, False))
        return done[::-1]
    def backward(self):
        arrived = {}
        arrived[self] = np.ones_like(self.array)
        for value in self.order():
            if value.rule is None:
                value.grad += arrived[value]
            else:
                sent = value.rule(arrived[value])
                for i in range(len(sent)):
                    if value.inputs[i] in arrived:
                        arrived[value.inputs[i]] = arrived[value.inputs[i]] + sent[i]
                    else:
                        arrived[value.inputs[i]] = sent[i]
        return arrived
def train(loss, parameters, rate, steps):
    losses = []
    for k in range(steps):
        for p in parameters:
            p.grad = p.grad * 0
        now = loss(parameters)
        losses.append(now.array.item())
        now.backward()
        for p in parameters:
            p.array -= rate * p.grad
    return losses
""",
    "zeros at the start, copies, and a list for the order": """
class Value(Value):
    def __mul__(self, other):
        other = as_value(other)
        z = Value(self.array * other.array, (self, other))
        def rule(dz):
            left = unbroadcast(other.array * dz, self.array.shape)
            right = unbroadcast(self.array * dz, other.array.shape)
            return left, right
        z.rule = rule
        return z
    def tanh(self):
        def rule(dz):
            return (dz / np.cosh(self.array) ** 2,)
        return Value(np.tanh(self.array), (self,), rule)
    def sum(self):
        def rule(dz):
            dx = np.zeros(self.array.shape)
            dx += dz
            return (dx,)
        return Value(self.array.sum(), (self,), rule)
    def order(self):
        values, todo = [], [self]
        known = {self.serial}
        while len(todo) > 0:
            value = todo.pop(0)
            values.append(value)
            for source in value.inputs:
                if source.serial not in known:
                    known.add(source.serial)
                    todo.append(source)
        values.sort(key=lambda value: -value.serial)
        return values
    def backward(self):
        values = self.order()
        arrived = {value: np.zeros(value.array.shape) for value in values}
        arrived[self] = np.ones(self.array.shape)
        for value in values:
            if len(value.inputs) == 0:
                value.grad = value.grad + arrived[value]
            else:
                for source, gradient in zip(value.inputs, value.rule(arrived[value])):
                    arrived[source] += gradient
        return arrived
def train(loss, parameters, rate, steps):
    losses = []
    while len(losses) < steps:
        for p in parameters:
            p.grad = np.zeros_like(p.array)
        value = loss(parameters)
        arrived = value.backward()
        for p in parameters:
            p.array = p.array - rate * arrived[p]
        losses.append(value.array)
    return losses
""",
    "loops over the elements, and the walk in two parts": """
class Value(Value):
    def __matmul__(self, other):
        other = as_value(other)
        A, B = self.array, other.array
        def rule(dz):
            dA, dB = np.zeros(A.shape), np.zeros(B.shape)
            for i in range(A.shape[0]):
                for j in range(B.shape[1]):
                    for k in range(A.shape[1]):
                        dA[i, k] += dz[i, j] * B[k, j]
                        dB[k, j] += A[i, k] * dz[i, j]
            return dA, dB
        C = np.zeros((A.shape[0], B.shape[1]))
        for i in range(A.shape[0]):
            for j in range(B.shape[1]):
                for k in range(A.shape[1]):
                    C[i, j] += A[i, k] * B[k, j]
        return Value(C, (self, other), rule)
    def sum(self):
        total = 0.0
        for number in self.array.ravel():
            total += number
        def rule(dz):
            dx = np.zeros(self.array.shape)
            for index in np.ndindex(dx.shape):
                dx[index] = dz
            return (dx,)
        return Value(total, (self,), rule)
    def backward(self):
        arrived = {value: np.zeros(value.array.shape) for value in self.order()}
        arrived[self] = np.ones(self.array.shape)
        for value in self.order():
            if value.rule:
                parts = value.rule(arrived[value])
                for i in range(len(value.inputs)):
                    arrived[value.inputs[i]] = arrived[value.inputs[i]] + parts[i]
        for value in self.order():
            if not value.inputs:
                value.grad = value.grad + arrived[value]
        return arrived
""",
}
