"""Questions of lesson 3, and its page, which shows the learner's three gates in one graph."""

import numpy as np

import minigrad as mg
from minigrad.course.lesson import Question

NUMBERS = np.random.default_rng(3)
FORMULAS = {
    "Multiply": "da = dz · b, db = dz · a",
    "Tanh": "dx = dz · (1 - z²)",
    "Exp": "dx = dz · eˣ = dz · z",
}
RIGHT = {"Multiply": np.multiply, "Tanh": np.tanh, "Exp": np.exp}


def forward_of(name, *inputs):
    shown = ", ".join(str(x.tolist()) for x in inputs)
    return Question(
        f"{name}().forward({shown})",
        f"{name}.forward",
        lambda file: np.asarray(getattr(file, name)().forward(*(x.copy() for x in inputs))),
        formula={"Multiply": "z = a · b", "Tanh": "z = tanh(x), np.tanh", "Exp": "z = eˣ, np.exp"}[
            name
        ],
    )


def call_backward(file, name, dz, inputs):
    """Run backward for these inputs, after a forward pass with other inputs. This happens in a
    graph when a gate is used twice.
    """
    gate = getattr(file, name)()
    gate.forward(*(0.5 * x + 0.25 for x in inputs))
    return gate.backward(dz, RIGHT[name](*inputs), *(x.copy() for x in inputs))


def part(gradients, place, count):
    """Return one of `count` gradients, or the whole answer if it does not contain `count` gradients."""
    return (
        gradients[place]
        if isinstance(gradients, tuple | list) and len(gradients) == count
        else gradients
    )


def backward_of(name, shape):
    """Return a question about the gradient of each input, with random inputs and a random upstream
    gradient.
    """
    inputs = [NUMBERS.uniform(-2, 2, shape).round(2) for _ in range(1 + (name == "Multiply"))]
    dz = NUMBERS.uniform(-2, 2, shape).round(2)
    if dz.size == 1:
        names = ("a", "b") if name == "Multiply" else ("x",)
        where = ", ".join(f"{one} = {x.item():g}" for one, x in zip(names, inputs, strict=True))
        what = f"{name}().backward at {where}, with dz = {dz.item():g}"
    else:
        what = f"{name}().backward with arrays of shape {shape} and a random dz"

    def question(what, ask):
        return Question(
            what, f"{name}.backward", ask, measured="finite difference", formula=FORMULAS[name]
        )

    def gradients(file):
        return call_backward(file, name, dz.copy(), inputs)

    if name != "Multiply":
        return [question(what, gradients)]
    return [
        question(f"dL/da of {what}", lambda file: part(gradients(file), 0, 2)),
        question(f"dL/db of {what}", lambda file: part(gradients(file), 1, 2)),
    ]


def dz_left_alone(name):
    def ask(file):
        dz = np.array([2.0, -1.0, 0.5])
        call_backward(file, name, dz, [np.array([0.5, 1.5, -1.0])] * (1 + (name == "Multiply")))
        return dz

    return Question(
        f"dz = [2, -1, 0.5] after a call to {name}().backward(dz, ...)",
        f"{name}.backward",
        ask,
        formula="make a new array: dz * (...), not dz *= (...)",
    )


QUESTIONS = tuple(
    question
    for name, inputs in {
        "Multiply": (np.array([2.0, -1.5, 0.5]), np.array([3.0, 2.0, -4.0])),
        "Tanh": (np.array([[0.0, 0.5], [-1.0, 2.0]]),),
        "Exp": (np.array([[0.0, 1.0, -2.0]]),),
    }.items()
    for question in (
        forward_of(name, *inputs),
        *backward_of(name, (1,)),
        *backward_of(name, (4,)),
        *backward_of(name, (2, 3)),
        dz_left_alone(name),
    )
)


def page(file, path, failed):
    """Draw the sum of exp(tanh(a * b)), computed by the learner's gates. After a failure, the graph
    ends with the gate that failed.
    """
    names = list(RIGHT)
    names = names[: names.index(failed.partition(".")[0]) + 1] if failed else names
    # Use subclasses with other names, because the explorer shows the rules of gates whose names
    # it knows.
    gates = [type(f"Your{name}", (getattr(file, name),), {})() for name in names]

    def network(a, b):
        z = gates[0](a, b)
        for gate in gates[1:]:
            z = gate(z)
        return z.sum()

    a = mg.Tensor(np.array([0.5, -1.0, 2.0]), requires_grad=True, name="a")
    b = mg.Tensor(np.array([1.5, 0.5, -0.25]), requires_grad=True, name="b")
    report = mg.gradcheck(network, a, b) if failed else None
    mg.explore(network(a, b), path, report=report)
