"""Common wrong answers to lesson 9 that no rewriting of the solution gives."""

from minigrad.course.lesson import Slip

TRAIN = """
def train(x, y, parameters, lr, steps):
    losses = []
    for _ in range(steps):
        zero_grad(parameters)
        error = network(x, *parameters) - y
        loss = {}
        losses.append(loss.item())
        loss.backward()
        step(parameters, lr)
    return losses
"""
SQUARED = "the mean of (network(x) - y)² over the N rows"

SLIPS = (
    Slip(
        "the gradients are still there",
        "def zero_grad(parameters):\n    pass\n",
        "Every parameter still has its old gradient. Assigning to the loop variable, or comparing with "
        "`==`, changes no Tensor.",
        "p.grad = None for each parameter",
    ),
    Slip(
        "not None",
        "def zero_grad(parameters):\n    for p in parameters:\n        p.grad = np.zeros(p.shape)\n",
        "The old gradient is gone, but there is still a gradient: one of zeros.",
        "p.grad = None for each parameter",
    ),
    Slip(
        "the value in place of the gradient",
        "def step(parameters, lr):\n    for p in parameters:\n        p.array = p.array - lr * p.array\n",
        "You subtract lr times the value of p. The gradient does not matter at all.",
    ),
    Slip(
        "brackets in the wrong place",
        "def step(parameters, lr):\n    for p in parameters:\n        p.array = lr * (p.array - p.grad)\n",
        "You multiply the value of p by lr too. Only the gradient is multiplied.",
    ),
    Slip(
        "the Tensors keep their old arrays",
        """
def step(parameters, lr):
    for i, p in enumerate(parameters):
        parameters[i] = mg.Tensor(p.array - lr * p.grad, requires_grad=True)
""",
        "After step, each Tensor still has the array that it had before. Neither a new variable nor a "
        "new Tensor in the list changes that.",
        "p.array = p.array - lr · p.grad, for the same Tensor p",
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
        TRAIN.format("error.abs().mean()"),
        "You take the absolute value of each error. The loss uses the squares of the errors.",
        SQUARED,
    ),
    Slip(
        "the square of the mean",
        TRAIN.format("error.mean() ** 2"),
        "You square the mean of the errors. Square each error first.",
        SQUARED,
    ),
    Slip(
        "divided by the wrong size",
        TRAIN.format("(error * error).sum() / 2"),
        "You divide the sum of the squares by 2, whatever the number of rows. 2 is the number of "
        "columns of x.",
        SQUARED,
    ),
    Slip(
        "the Tensors in the list",
        TRAIN.format("(error * error).mean()").replace("loss.item()", "loss"),
        "Your list contains Tensors, but it should contain plain numbers.",
        "losses.append(loss.item())",
    ),
    Slip(
        "gradients cleared too late",
        """
def train(x, y, parameters, lr, steps):
    losses = []
    for _ in range(steps):
        loss = ((network(x, *parameters) - y) ** 2).mean()
        losses.append(loss.item())
        loss.backward()
        step(parameters, lr)
        zero_grad(parameters)
    return losses
""",
        "You clear the gradients after each step. Gradients from before the first step are "
        "still there in the first one.",
        "in each step, zero_grad(parameters) before loss.backward()",
    ),
    Slip(
        "loss recorded after the step",
        """
def train(x, y, parameters, lr, steps):
    losses = []
    for _ in range(steps):
        zero_grad(parameters)
        ((network(x, *parameters) - y) ** 2).mean().backward()
        step(parameters, lr)
        losses.append(((network(x, *parameters) - y) ** 2).mean().item())
    return losses
""",
        "You computed each loss in the list after the step, so the loss at the start is missing.",
        "append the loss that you call backward on",
    ),
    Slip(
        "the loss computed only once",
        """
def train(x, y, parameters, lr, steps):
    losses = []
    loss = ((network(x, *parameters) - y) ** 2).mean()
    for _ in range(steps):
        zero_grad(parameters)
        losses.append(loss.item())
        loss.backward(retain_graph=True)
        step(parameters, lr)
    return losses
""",
        "The parameters move, but the loss still belongs to the old ones. Run the network again "
        "in each step.",
        "in each of the `steps` steps: a new loss, its backward, and one call of step",
    ),
)
