"""Other correct answers to lesson 7."""

RIGHT = {
    "in place, zeros instead of None, the loss computed by hand": """
def zero_grad(parameters):
    for p in parameters:
        p.grad = np.zeros_like(p.array)
def step(parameters, lr):
    for p in parameters:
        p.update(lambda array: np.subtract(array, lr * p.grad, out=array))
def train(x, y, parameters, lr, steps):
    found = []
    for _ in range(steps):
        error = network(x, *parameters) - y
        loss = (error * error).sum() * (1 / len(x))
        zero_grad(parameters)
        loss.backward()
        step(parameters, lr)
        found.append(float(loss.array))
    return np.array(found)
""",
    "the package's own loss": """
def network(x, W1, b1, W2, b2):
    hidden = np.tanh(np.matmul(x, W1) + b1)
    return b2 + hidden @ W2
def train(x, y, parameters, lr, steps):
    losses = [None] * steps
    for k in range(steps):
        zero_grad(parameters)
        losses[k] = mg.mean_squared_error(network(x, *parameters), y)
        losses[k].backward()
        step(parameters, lr)
    return losses
""",
}
