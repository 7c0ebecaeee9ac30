"""Well-known wrong answers to lesson 7."""

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
        "zero_grad(parameters) once in each turn, before backward",
    ),
    Slip(
        "uphill",
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
        "The numbers are right, but they are in new Tensors. Whoever holds the old ones, as a "
        "network holds its weights, sees nothing of it.",
        "p.array = p.array - lr · p.grad, for the same Tensor p",
    ),
    Slip(
        "written into the array",
        "def step(parameters, lr):\n    for p in parameters:\n        p.array -= lr * p.grad\n",
        "`-=` writes into the array that is there. A Tensor does not allow that: the graph still "
        "needs its numbers.",
        "p.array = p.array - lr · p.grad",
    ),
    Slip(
        "0 where None belongs",
        "def zero_grad(parameters):\n    for p in parameters:\n        p.grad = 0.0\n",
        "A single 0 has not the shape of the parameter. There is a value that says: no gradient "
        "yet.",
        "p.grad = None for each parameter",
    ),
    Slip(
        "no gradient to move by",
        TRAIN.replace("        loss.backward()\n", ""),
        "When step is called, a gradient is None: nothing was measured, or it has been forgotten "
        "again too early.",
        "zero_grad, then loss.backward(), then step: in this order, with nothing forgotten in "
        "between",
    ),
    Slip(
        "gradients kept by zero_grad",
        "def zero_grad(parameters):\n    pass\n",
        "The old gradients are still there afterwards, and the next backward adds to them.",
        "p.grad = None for each parameter",
    ),
    Slip(
        "no tanh in the middle",
        "def network(x, W1, b1, W2, b2):\n    return (x @ W1 + b1) @ W2 + b2\n",
        "Two matrix products in a row, without anything bent between them, are one matrix "
        "product. That cannot learn XOR.",
        "tanh(x @ W1 + b1) @ W2 + b2",
    ),
    Slip(
        "tanh on the output too",
        "def network(x, W1, b1, W2, b2):\n    return mg.tanh(mg.tanh(x @ W1 + b1) @ W2 + b2)\n",
        "The output went through a tanh of its own. Here only the hidden numbers do.",
        "tanh(x @ W1 + b1) @ W2 + b2",
    ),
    Slip(
        "absolute value for the square",
        TRAIN.replace(
            "(network(x, *parameters) - y) ** 2).mean()",
            "((network(x, *parameters) - y) ** 2) ** 0.5).mean()",
        ),
        "You take the size of each error. The loss is made of their squares.",
        "the mean of (network(x) - y)² over the N rows",
    ),
    Slip(
        "sum for mean",
        TRAIN.replace(".mean()", ".sum()"),
        "The squared errors are added up over the rows, so that the loss, the gradients and the "
        "steps grow with the number of rows.",
        "the mean of (network(x) - y)² over the N rows",
    ),
    Slip(
        "loss noted after the step",
        TRAIN.replace("        losses.append(loss.item())\n", "").replace(
            "step(parameters, lr)",
            "step(parameters, lr)\n        losses.append(((network(x, *parameters) - y) ** "
            "2).mean().item())",
        ),
        "Each loss in the list is that of the weights after the step, so that the list lacks the "
        "loss at the start.",
        "the loss that backward starts from is the one to note",
    ),
)
