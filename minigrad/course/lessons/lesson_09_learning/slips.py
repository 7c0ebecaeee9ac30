"""Typical wrong answers to lesson 9: a part of the solution, and what became of it."""

from minigrad.course.checking.lesson import Slip
from minigrad.course.checking.registry import lesson

SOLUTION = lesson(9).read("solution.py")
SLIPS = tuple(Slip(name, SOLUTION.replace(old, new), kind) for name, old, new, kind in (
    ("the gradients are still there", "p.grad = None", "pass",
     "Every parameter still has its old gradient. Neither `p = None` nor `p.grad == None` changes a Tensor."),
    ("the value in place of the gradient", "lr * p.grad", "lr * p.array",
     "You subtract lr times the value of p. The gradient does not matter at all."),
    ("brackets in the wrong place", "p.array - lr * p.grad", "lr * (p.array - p.grad)",
     "You multiply the value of p by lr too. Only the gradient is multiplied."),
    ("the Tensors keep their old arrays", "p.array = p.array", "q = p.array",
     "After step, each Tensor still has the array that it had before. Neither a new variable nor a new Tensor in the "
     "list changes that."),
    ("bias added after the tanh", "mg.tanh(x @ W1 + b1)", "mg.tanh(x @ W1) + b1",
     "You add b1 to the output of tanh. Add it before the tanh."),
    ("the square of the mean", "((network(x, *parameters) - y) ** 2).mean()",
     "(network(x, *parameters) - y).mean() ** 2",
     "You take the mean of the errors and square it, so errors of opposite signs cancel. Square each error first."),
    ("gradients never cleared", "        zero_grad(parameters)\n", "",
     "backward adds to .grad. The gradients of the earlier steps are still in it."),
    ("gradients cleared only once", "        zero_grad", "        if not losses: zero_grad",
     "You clear the gradients before the first step only. In the later steps, the earlier gradients are still there."),
    ("X and Y in place of x and y", "network(x, *parameters) - y", "network(X, *parameters) - Y",
     "You train on the file's X and Y. The rows that train gets are its arguments x and y."),
    ("gradients cleared too late", "        zero_grad", "        if losses: zero_grad",
     "You clear the gradients after each step. Gradients from before the first step are still there in the first one."),
    ("loss recorded after the step", "loss.item())\n        loss.backward()\n        step(parameters, lr)",
     "(loss.backward(), step(parameters, lr), ((network(x, *parameters) - y) ** 2).mean().item())[2])",
     "You computed each loss in the list after the step, so the loss at the start is missing."),
))  # fmt: skip
