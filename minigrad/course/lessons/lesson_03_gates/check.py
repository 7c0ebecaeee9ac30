"""Questions of lesson 3, and its page, which shows the learner's three gates in one graph."""

import numpy as np

import minigrad as mg
from minigrad.course.checking.answers import described, difference
from minigrad.course.checking.lesson import Question, values

GATES = {
    "Multiply": (np.multiply, "z = a · b", "da = dz · b, db = dz · a"),
    "Tanh": (np.tanh, "z = tanh(x), np.tanh", "dx = dz · (1 - z²)"),
    "Exp": (np.exp, "z = eˣ, np.exp", "dx = dz · eˣ = dz · z"),
    "Divide": (np.divide, "z = a / b", "da = dz / b, db = -dz · z / b"),
    "Sigmoid": (lambda x: 1 / (1 + np.exp(-x)), "z = 1 / (1 + e⁻ˣ)", "dx = dz · z · (1 - z)"),
}
"""Each gate's function, and the formulas of its two methods."""


def has_nan(answer):
    """Return whether a list of gradients contains nan."""
    return any(np.isnan(one).any() for one in answer if isinstance(one, np.ndarray))


def compare(answer, right):
    """Check the form of a tuple of gradients before its numbers."""
    one = right[0]
    stacked = isinstance(answer, np.ndarray) and answer.shape == (len(right), *one.shape)
    if not stacked and (not isinstance(answer, list) or len(answer) != len(right)):
        count = "2 gradients" if len(right) == 2 else "1 gradient"
        yours = described(answer) if not isinstance(answer, list) else f"{len(answer)} of them"
        return f"backward must return a tuple of {count}.\nYour backward returns {yours}."
    if has_nan(answer):
        return "Your gradient contains nan, as 0 / 0 does. Do you divide by a number that may be 0?"
    return difference(answer, right, 1e-6)


def questions(gate, *cases, stretch=False):
    """Return the questions about both methods of a gate. A case is (dz, *inputs)."""
    function, forward, backward = GATES[gate]
    names = ("x",) if len(cases[0]) == 2 else ("a", "b")

    def named(answer):
        if isinstance(answer, np.ndarray) and answer.ndim == 1 or has_nan(answer):
            raise TypeError("the message of compare is better")
        return list(zip([f"d{name}" for name in names], answer, strict=True))

    def given(dz, *inputs):
        """The inputs of backward, in the order of its arguments."""
        arrays = list(map(np.array, inputs))
        return {"dz": dz, "z": function(*arrays), **dict(zip(names, arrays, strict=True))}

    def asked(method, arguments, formula, **more):
        call = f"{gate}().{method}({', '.join(arguments)})"
        return [
            Question(f"{gate}.{method}", call, values(**{name: given(*case)[name] for name in arguments}),
                     formula=formula, stretch=stretch, **more)
            for case in cases
        ]  # fmt: skip

    return [
        *asked("forward", names, forward),
        *asked(
            "backward",
            ("dz", "z", *names),
            backward,
            measured="finite difference",
            what=f"{gate}().backward({', '.join(('dz', 'z', *names))}), without calling forward",
            compare=compare,
            names=named,
        ),
    ]


def random(*shapes):
    """Return random arrays, with shapes (B, N) that are larger than what a reader can check."""
    rng = np.random.default_rng(3)
    return [rng.uniform(-2, 2, shape).round(2) for shape in shapes]


LN2, X6 = float(np.log(2)), float(np.arctanh(0.6))  # inputs with round outputs
QUESTIONS = (
    *questions("Multiply", ([3.0], [2.0], [5.0]), ([1.0, 10.0, -1.0], [2.0, -1.5, 3.0], [3.0, 2.0, 3.0]),
               ([[1.0, 0.0], [0.5, 2.0]], [[0.0, 4.0], [-1.0, 0.5]], [[2.0, -3.0], [-2.0, 0.0]]),
               random((4, 7), (4, 7), (4, 7))),
    *questions("Tanh", ([2.0], [X6]), ([1.0, 10.0, -1.0], [X6, 0.0, -X6]),
               ([[2.0, 0.0], [-3.0, 1.0]], [[-2.0, 0.5], [2.0, 20.0]]),
               random((4, 7), (4, 7))),
    *questions("Exp", ([3.0], [LN2]), ([1.0, 10.0, -1.0], [LN2, 0.0, -LN2]),
               ([[2.0, 0.0], [-3.0, 0.5]], [[-2.0, 0.5], [1.0, 3.0]]),
               random((4, 7), (4, 7))),
    *questions("Divide", ([2.0], [6.0], [4.0]), ([1.0, 10.0, -1.0], [2.0, -1.5, 3.0], [4.0, 0.5, -2.0]), stretch=True),
    *questions("Sigmoid", ([2.0], [LN2]), ([1.0, 10.0, -1.0], [LN2, 0.0, -LN2]), stretch=True),
)  # fmt: skip


def page(file, path, failed):
    """Draw the sum of exp(tanh(a * b)), computed by the learner's gates. After a failure, the graph
    ends with the gate that failed.
    """
    names = ["Multiply", "Tanh", "Exp"]
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
