"""Common wrong answers to lesson 7."""

from minigrad.course.lesson import Slip

TRAIN = """
def train(x, y, parameters, lr, steps):
    losses = []
    for _ in range(steps):
        zero_grad(parameters)
        loss = ((network(x, *parameters) - y) ** 2).mean()
        losses.append(loss.item())
        loss.backward()
        step(parameters, lr)
    return losses
"""

SLIPS = (
    Slip(
        "gradients not zeroed",
        TRAIN.replace("        zero_grad(parameters)\n", ""),
        "From the second step on, the gradients of all earlier steps are still in .grad, and the "
        "parameters move by their sum.",
        "zero_grad(parameters) once in each iteration, before backward",
    ),
    Slip(
        "a step uphill",
        "def step(parameters, lr):\n    for p in parameters:\n        p.array = p.array + lr * "
        "p.grad\n",
        "The parameters move in the direction in which the loss grows.",
        "p - lr · dL/dp",
    ),
    Slip(
        "learning rate forgotten",
        "def step(parameters, lr):\n    for p in parameters:\n        p.array = p.array - p.grad\n",
        "The parameters move by the whole gradient, whatever the learning rate is.",
        "p - lr · dL/dp",
    ),
    Slip(
        "new Tensors instead of new arrays",
        """
def step(parameters, lr):
    for i, p in enumerate(parameters):
        parameters[i] = mg.Tensor(p.array - lr * p.grad, requires_grad=True)
""",
        "The numbers are right, but they are in new Tensors. The network still uses the old "
        "ones, which have not changed.",
        "p.array = p.array - lr · p.grad, for the same Tensor p",
    ),
    Slip(
        "array changed in place",
        "def step(parameters, lr):\n    for p in parameters:\n        p.array -= lr * p.grad\n",
        "`-=` writes into the existing array. A Tensor does not allow that, because the graph "
        "still needs its numbers.",
        "p.array = p.array - lr · p.grad",
    ),
    Slip(
        "0 instead of None",
        "def zero_grad(parameters):\n    for p in parameters:\n        p.grad = 0.0\n",
        'A single 0 does not have the shape of the parameter. Use the value that means "no '
        'gradient yet".',
        "p.grad = None for each parameter",
    ),
    Slip(
        "missing gradient",
        TRAIN.replace("        loss.backward()\n", ""),
        "A gradient is None when you call step. Either you did not call backward, or you cleared "
        "the gradient too early.",
        "zero_grad, then loss.backward(), then step, in this order",
    ),
    Slip(
        "gradients kept by zero_grad",
        "def zero_grad(parameters):\n    pass\n",
        "After zero_grad the old gradients are still there, and the next backward adds to them.",
        "p.grad = None for each parameter",
    ),
    Slip(
        "no tanh in the middle",
        "def network(x, W1, b1, W2, b2):\n    return (x @ W1 + b1) @ W2 + b2\n",
        "Without a nonlinear function between them, two matrix products are equivalent to a "
        "single one. Such a network cannot learn XOR.",
        "tanh(x @ W1 + b1) @ W2 + b2",
    ),
    Slip(
        "tanh on the output too",
        "def network(x, W1, b1, W2, b2):\n    return mg.tanh(mg.tanh(x @ W1 + b1) @ W2 + b2)\n",
        "You applied tanh to the output as well. In this network, only the hidden numbers go "
        "through tanh.",
        "tanh(x @ W1 + b1) @ W2 + b2",
    ),
    Slip(
        "absolute value instead of the square",
        TRAIN.replace(
            "(network(x, *parameters) - y) ** 2).mean()",
            "((network(x, *parameters) - y) ** 2) ** 0.5).mean()",
        ),
        "You take the absolute value of each error. The loss uses the squares of the errors.",
        "the mean of (network(x) - y)² over the N rows",
    ),
    Slip(
        "sum instead of mean",
        TRAIN.replace(".mean()", ".sum()"),
        "You add up the squared errors over the rows. Then the loss, the gradients and the steps "
        "grow with the number of rows.",
        "the mean of (network(x) - y)² over the N rows",
    ),
    Slip(
        "loss recorded after the step",
        TRAIN.replace("        losses.append(loss.item())\n", "").replace(
            "step(parameters, lr)",
            "step(parameters, lr)\n        losses.append(((network(x, *parameters) - y) ** "
            "2).mean().item())",
        ),
        "You computed each loss in the list after the step, so the loss at the start is missing.",
        "append the loss that you call backward on",
    ),
)
