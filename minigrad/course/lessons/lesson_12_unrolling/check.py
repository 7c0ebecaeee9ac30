"""Lesson 12's questions about one step, the loop with any cell, the whole RNN, and gradients."""

import numpy as np

import minigrad as mg
from minigrad.course.checking.lesson import Question, arriving, over_time

WORDS = ["the", "film", "was", "not", "bad"]


def weights(D, H, seed=0):
    """Return random float64 Tensors W_xh (D, H), W_hh (H, H) and b_h (H,) in a dict."""
    rng = np.random.default_rng(seed)
    shapes = {"W_xh": (D, H), "W_hh": (H, H), "b_h": (H,)}
    return tensors(**{name: rng.normal(size=shape) * 0.6 for name, shape in shapes.items()})


def sequence(T, B, D, H, seed=1):
    """Return random xs (T, B, D) and h0 (B, H)."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(T, B, D)).round(1), *tensors(h0=rng.normal(size=(B, H)) * 0.5).values()


def tensors(**arrays):
    """Return Tensors with these names. Their numbers are rounded to one digit."""
    return {
        name: mg.Tensor(np.array(array, float).round(1), requires_grad=True, name=name)
        for name, array in arrays.items()
    }


def one_step(*sizes):
    """The inputs of rnn_step: one number each, or random numbers of the sizes B, D, H."""

    def given(file):
        if not sizes:
            return {
                "x": np.array([[1.0]]),
                **tensors(h=[[0.5]], W_xh=[[2]], W_hh=[[-1]], b_h=[0.1]),
            }
        xs, h = sequence(1, *sizes)
        h.name = "h"
        return {"x": xs[0], "h": h, **weights(*sizes[1:])}

    return given


def many_steps(*sizes):
    """The inputs of rnn: those of the text's example, or random numbers of the sizes T, B, D, H."""

    def given(file):
        if not sizes:
            numbers = tensors(h0=[[0]], W_xh=[[1]], W_hh=[[0.5]], b_h=[0])
            return {"xs": np.array([[[1.0]], [[0.0]], [[0.0]]]), **numbers}
        xs, h0 = sequence(*sizes)
        return {"xs": xs, "h0": h0, **weights(*sizes[2:])}

    return given


def inside(h):
    """Return the values inside the step that computed h, by name."""
    products = {"W_xh": "x @ W_xh", "W_hh": "h @ W_hh"}
    nodes = list(mg.Graph(h))
    last = {node.inputs[-1].name: node.output for node in nodes if len(node.inputs) == 2}
    found = {name: last[weight] for weight, name in products.items() if weight in last}
    for node in nodes:
        if type(node.gate).__name__ == "Tanh":
            found["the input of tanh"] = node.inputs[0].output
    return {**found, "h'": h}


def inside_all(h):
    """Return the states h_1, h_2, ... before the result h, by name."""
    tanhs = [node for node in mg.Graph(h) if type(node.gate).__name__ == "Tanh"]
    return {**{f"h_{t}": node.output for t, node in enumerate(tanhs, 1)}, "the result": h}


def gradients(result, *tensors):
    """the gradients of the sum of a result, by name"""
    if not result.node.inputs:
        raise TypeError("The result has no graph. Did you use .array, NumPy or a new Tensor?")
    found = mg.grad(result.sum(), tensors)
    return {f"d{one.name}": slope.array for one, slope in zip(tensors, found, strict=True)}


def digit(x, h):
    """10h + x"""
    return 10 * h + x


def add(x, h):
    """h + x"""
    return h + x


def squash(x, h):
    """tanh(x - 2h)"""
    return np.tanh(x - 2 * h)


def machine(cell, xs, h0):
    """The inputs of unroll."""

    def given(file):
        copies = [one.copy() if isinstance(one, np.ndarray | list) else one for one in (xs, h0)]
        return dict(zip(("cell", "xs", "h0"), (cell, *copies), strict=True))

    return given


def with_weight(*xs):
    """A cell with a weight, for unroll."""

    def given(file):
        numbers = tensors(w=2, h0=1)

        def cell(x, h):
            """w * h + x"""
            return numbers["w"] * h + x

        return {"cell": cell, "xs": list(xs), **numbers, "gradients": gradients}

    return given


def states(answer):
    """Name the states of a list h_1, h_2, ..."""
    if not isinstance(answer, list | np.ndarray):
        raise TypeError("the types are compared first")
    return over_time("h_{}", 1)(answer)


pairs = over_time("pair {}", 1)


def all_tensors(yours, right):
    """Compare the type of a result, or the types of several, with Tensor."""
    wrong = next((one for one in np.atleast_1d(yours) if one != "Tensor"), None)
    if wrong == "NoneType":
        return "It returns nothing (None). Is there a return?"
    return wrong and f"The type is {wrong}. Only a Tensor records how it was computed."


STEP = "rnn_step(x, h, W_xh, W_hh, b_h)"
RNN = "rnn(xs, h0, W_xh, W_hh, b_h)"
UNROLL = "unroll(cell, xs, h0)"
LAYER = "the RNN layer"
RIGHT = " (all values are right)"
FORMULA = "h' = tanh(x @ W_xh + h @ W_hh + b_h)"
LOOP = "for each x in turn: h = cell(x, h), and append h to the list"
WHOLE = (
    "the last state that unroll returns, with a cell that calls rnn_step with the same three "
    "weights at every step"
)


def step_question(what, *sizes, call="", **options):
    """Ask for the new state, with its intermediate results (`way`), or for the value of `call`."""
    given = with_gradients(one_step(*sizes)) if "gradients" in call else one_step(*sizes)
    way = "" if call else f"check.inside({STEP})"
    return Question("rnn_step", call or STEP, given, what, LAYER, 1e-9, FORMULA, way=way, **options)


def unroll_question(given, call=UNROLL, names=states, **options):
    return Question("unroll", call, given, formula=LOOP, names=names, **options)


def rnn_question(what, *sizes, call="", **options):
    """Ask for the last state, with its intermediate results (`way`), or for the value of `call`."""
    given = with_gradients(many_steps(*sizes)) if "gradients" in call else many_steps(*sizes)
    way = "" if call else f"check.inside_all({RNN})"
    return Question("rnn", call or RNN, given, what, LAYER, 1e-9, WHOLE, way=way, **options)


def with_gradients(given):
    """Add the function that returns the gradients of a result."""
    return lambda file: {**given(file), "gradients": gradients}


def with_tensor(file):
    """Return the inputs of rnn_step if x is a Tensor, too, as in a second layer."""
    given = with_gradients(one_step(2, 3, 4))(file)
    return {**given, **tensors(x=given["x"])}


QUESTIONS = (
    step_question("the type of the new state", call=f"type({STEP}).__name__", compare=all_tensors),
    step_question(""),
    step_question("", 1, 3, 2),
    step_question("", 2, 3, 4),
    *(
        step_question(
            f"the gradients of the new state's sum{RIGHT}",
            *sizes,
            call=f"gradients({STEP}, b_h, W_xh, W_hh, h)",
            names=arriving,
        )
        for sizes in ((), (2, 3, 4))
    ),
    Question(
        "rnn_step",
        f"gradients({STEP}, x, b_h, W_xh, W_hh, h)",
        with_tensor,
        f"the gradients of the new state's sum, with a Tensor x{RIGHT}",
        LAYER,
        1e-9,
        FORMULA,
        names=arriving,
    ),
    unroll_question(machine(digit, [4], 0)),
    unroll_question(machine(digit, [4, 0, 7], 0)),
    unroll_question(machine(digit, [1, 2, 3, 5], 9)),
    unroll_question(machine(add, ["n", "o", "t"], "")),
    unroll_question(machine(squash, np.array([[[1.0, 0.5]], [[0.0, -1.0]], [[2.0, 0.3]]]), np.array([[0.5, -0.2]]))),
    unroll_question(
        with_weight(1.0, 0.0),
        f"[type(h).__name__ for h in {UNROLL}]",
        None,
        what="the types of the states",
        compare=all_tensors,
    ),
    *(
        unroll_question(
            with_weight(*xs),
            f"gradients({UNROLL}[-1], w, h0)",
            arriving,
            what=f"the gradients of the last state{RIGHT}",
            measured="nudging",
        )
        for xs in ((0.0, 0.0, 0.0), (1.0, 0.0, 3.0))
    ),
    rnn_question("the type of the result", call=f"type({RNN}).__name__", compare=all_tensors),
    rnn_question(""),
    rnn_question("", 1, 1, 3, 2),
    rnn_question("", 3, 2, 1, 4),
    rnn_question("5 steps, B = 2, D = 3, H = 4", 5, 2, 3, 4),
    rnn_question("12 steps, B = 3, D = 2, H = 5", 12, 3, 2, 5),
    *(
        rnn_question(
            f"the gradients of the last state's sum{RIGHT}",
            *sizes,
            call=f"gradients({RNN}, b_h, W_xh, W_hh, h0)",
            names=arriving,
        )
        for sizes in ((), (2, 1, 3, 4), (5, 2, 3, 4))
    ),
    Question("unroll_deep", "unroll_deep([cell], xs, [h0])", machine(digit, [4, 0, 7], 0), names=states, stretch=True),
    *(
        Question("unroll_deep", "unroll_deep([digit, add], xs, [0, h0])", deep, names=states, stretch=True)
        for deep in (lambda file: {"digit": digit, "add": add, "xs": [4, 0, 7], "h0": 100},)
    ),
    Question("both_ways", "both_ways(cell, xs, h0)", machine(digit, [4], 0), names=pairs, stretch=True),
    Question("both_ways", "both_ways(cell, xs, h0)", machine(digit, [4, 0, 7], 0), names=pairs, stretch=True),
    Question("both_ways", "both_ways(cell, xs, h0)", machine(add, ["n", "o", "t"], "-"), names=pairs, stretch=True),
)  # fmt: skip


def page(file, path, failed):
    """Write the page: the graph of five words, one in each column. After a failure, it also shows
    the errors that a gradient check finds.
    """
    xs, h0 = sequence(5, 1, 2, 3)
    h0.name, h0.requires_grad = "h0", False
    words = [mg.Tensor(x, name=word) for x, word in zip(xs, WORDS, strict=True)]
    step = file.rnn_step
    calls = iter(range(10_000))

    def scoped(*arguments, **named):
        with mg.scope(f"t{next(calls) % 5:02d}"):
            return step(*arguments, **named)

    def loss(W_xh, W_hh, b_h):
        if failed == "rnn":
            last = file.rnn(words, h0, W_xh, W_hh, b_h)
        elif failed == "rnn_step":
            last = scoped(words[0], h0, W_xh, W_hh, b_h)
        else:
            last = list(file.unroll(lambda x, h: scoped(x, h, W_xh, W_hh, b_h), words, h0))[-1]
        return last.sum()

    W = weights(2, 3)
    file.rnn_step = scoped  # so that each step of the learner's rnn gets a column
    try:
        if failed is None:
            mg.explore(loss(*W.values()), path, words=WORDS)
        else:
            report = mg.gradcheck(loss, *W.values())
            calls = iter(range(10_000))  # gradcheck may stop in the middle of a sequence
            mg.explore(loss(*W.values()), path, report=None if report else report)
    finally:
        file.rnn_step = step
