"""Train a milestone's network with the learner's engine, and ask about its operations."""

import inspect
import sys
import time
import traceback
from itertools import groupby
from pathlib import Path

import numpy as np

from minigrad.course.checking.answers import described
from minigrad.course.checking.lesson import Question, progress
from minigrad.course.checking.registry import named

SECONDS = 600.0
"""The time limit of a training, in seconds. The solution's engine needs less than ten."""
TAIL = 20
"""The loss reached is the mean of this many last losses, because the loss of a batch jumps."""


def counted(loss, steps):
    """Return the same loss function, which also reports the progress of a training with this many steps."""
    done = 0

    def measured(parameters):
        nonlocal done
        done += 1
        progress(done / steps)
        return loss(parameters)

    return measured


def adam(loss, parameters, rate, steps, batches):
    """Train as `train` in your engine does, with the updates of Adam (lesson 10).

    Each step computes loss(parameters, ...) with the next of the batches. The rate falls along a straight
    line, from `rate` to 0. Returns the losses.
    """
    losses = []
    now = counted(lambda parameters: loss(parameters, *next(batches)), steps)
    m = [np.zeros(p.array.shape) for p in parameters]
    v = [np.zeros(p.array.shape) for p in parameters]
    for t in range(1, steps + 1):
        for p in parameters:
            p.grad = np.zeros(p.array.shape)
        value = now(parameters)
        value.backward()
        losses.append(float(value.array))
        slower = rate * (1 - (t - 1) / steps)
        for k, p in enumerate(parameters):
            m[k] = 0.9 * m[k] + 0.1 * p.grad
            v[k] = 0.999 * v[k] + 0.001 * p.grad**2
            speed, size = m[k] / (1 - 0.9**t), v[k] / (1 - 0.999**t)
            p.array = p.array - slower * speed / (np.sqrt(size) + 1e-7)
    return losses


def show(file):
    """Check the operations with the learner's `my_gradcheck`, train, and print the losses: what
    `python milestone_09_spiral.py` does.
    """
    tries = named(Path(file.__file__).stem).check.TRIES
    try:
        for name in tries:
            print(f"does my_gradcheck accept {name}?", *accepted(file, tries, name))
        found = file.learn(file.start())
    except NotImplementedError as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        sys.exit(f"{last.name} in {last.filename}, line {last.lineno}: {error}")
    losses = found["losses"]
    for step in range(0, len(losses), max(len(losses) // 10, 1)):
        print(f"step {step:4}: loss {np.mean(losses[step : step + TAIL]):.4f}")
    print(f"at the end: loss {reached(losses):.4f}; {found['told']}")


def accepted(file, tries, name):
    """Compare an operation's gradients with finite differences, by the learner's my_gradcheck. For
    each name, `tries` contains a function, which takes the file and Values, and the arrays of these
    Values.
    """
    f, *arrays = tries[name]
    return file.my_gradcheck(file.Gate(lambda *values: f(file, *values)), *arrays)


def reached(losses):
    """Return the loss at the end of a training."""
    return float(np.mean(losses[-TAIL:]))


def watched(file, array):
    """Return a Value that is not a leaf. A gradient of a wrong shape stays visible in what backward returns,
    because nothing adds it to a `grad`.
    """
    leaf = file.Value(np.array(array, float))
    return file.Value(
        leaf.array,
        (leaf,),
        lambda dz: (np.zeros(leaf.array.shape),),
    )


def inputs(dz=None, plain=None, **values):
    """Return a function for `Question.given`. It makes a Value of each array in `values`, and returns dz
    and the values in `plain` unchanged.
    """

    def given(file):
        found = {name: watched(file, value) for name, value in values.items()}
        found |= {
            name: np.copy(value) if np.ndim(value) else value
            for name, value in (plain or {}).items()
        }
        return found if dz is None else found | {"dz": np.array(dz, float)}

    return given


def value_of(call, given, formula):
    """Return the question about the result of an operation, such as 'relu(x)'."""
    return Question(call.partition("(")[0], f"{call}.array", given, formula=formula)


def slope_of(call, given, formula, source="", what=""):
    """Return the question about the gradient that an operation sends to an input, by default its first."""
    function, _, rest = call.partition("(")
    source = source or rest.strip(")").partition(",")[0]
    return Question(
        function, f"({call} * dz).sum().backward()[{source}]", given,
        what or f"the gradient of {source} for {call} with the upstream gradient dz", formula=formula,
    )  # fmt: skip


def complete(tries, facts, *questions):
    """Return a milestone's questions: the given ones, two for each operation in `tries` (whether its
    result is a proper Value, and whether finite differences agree), and finally two about the whole
    network.
    """
    found = []
    for name, group in groupby(questions, lambda question: question.function):
        about = list(group)
        formula = about[0].formula
        if name in tries:
            about = [is_formed(tries, name, formula), *about, is_checked(tries, name, formula)]
        found += about
    # milestone 15 leaves out gradients, so finite differences would not agree
    whole = [agreeing()] if tries or not questions else []
    return (*found, *whole, learning(facts))


def is_formed(tries, name, formula):
    """Return the question whether an operation returns a Value with all its inputs and a proper rule."""
    f, *arrays = tries[name]

    def given(file):
        def fault():
            sources = [file.Value(array) for array in arrays]
            try:
                return fault_of(file, f(file, *sources), sources, f.__code__.co_varnames[1:])
            except NotImplementedError:
                raise
            except Exception:  # the other questions show it, with their inputs
                return None

        return {"fault": lambda: fault()}

    return Question(
        name, "fault()", given, f"whether {name} returns a Value with its inputs and a rule",
        formula=formula, compare=lambda yours, right: yours,
    )  # fmt: skip


def fault_of(file, z, sources, names):
    """Return what is wrong with the form of an operation's result, or None: it must be a Value whose
    inputs lead to all sources, and whose rule returns a gradient for each input.
    """
    if not isinstance(z, file.Value):
        return f"An operation must return a new Value. Yours returns {described(z)}"
    found, waiting = set(), [z]
    while waiting:
        value = waiting.pop()
        found.add(value)
        if isinstance(value.inputs, file.Value):
            return "The inputs of a Value must be a tuple, such as (x,). Yours are one Value."
        for one in value.inputs:
            if not isinstance(one, file.Value):
                return f"The inputs of a Value must be Values. Yours contain {described(one)}"
        waiting += set(value.inputs) - found
    for name, source in zip(names, sources, strict=False):
        if source not in found:
            return f"No gradient can reach {name}: it is not among the inputs of your Value."
    if not callable(z.rule):
        return "Your Value has inputs, and no rule."
    returned = z.rule(np.ones(z.array.shape))
    if isinstance(returned, np.ndarray) and returned.shape[1:] == z.inputs[0].array.shape:
        returned = list(returned)
    if not isinstance(returned, list | tuple):
        needed = "A rule must return a tuple with a gradient for each input, such as (dx,)."
        return f"{needed} Yours returns {described(returned)}"
    if len(returned) != len(z.inputs):
        return f"Your rule returns {len(returned)} gradients, but there are {len(z.inputs)} inputs."
    return None


def is_checked(tries, name, formula):
    """Return the question whether finite differences agree with an operation's gradients."""

    def given(file):
        return {"accepted": lambda: accepted(file, tries, name)}

    return Question(
        name, "accepted()", given, f"whether your my_gradcheck accepts {name}", formula=formula,
        compare=lambda yours, right: None if yours and all(yours) else f"my_gradcheck returns {yours}.",
    )  # fmt: skip


def agreeing():
    """Return the question whether the gradients of the whole network agree with finite differences, along
    a random direction for each parameter. If they do not, although all operations are right, the engine
    is wrong.
    """

    def given(file):
        return {"differing": lambda: differing(file)}

    def compare(yours, right):
        return f"They differ for {', '.join(yours)}." if yours else None

    return Question(
        "loss", "differing()", given, "whether the gradients of the loss agree with finite differences",
        formula="the loss and the network as they are in the exercise", compare=compare,
    )  # fmt: skip


def differing(file, nudge=1e-6):
    """Compare the gradients of the loss with finite differences. Return the names of the parameters for
    which they differ.
    """
    parameters, rng = file.start(), np.random.default_rng(0)
    batch = next(file.batches()) if hasattr(file, "batches") else ()
    file.loss(parameters, *batch).backward()
    _, *named = inspect.signature(file.network).bind(None, *parameters).arguments.items()
    names = []
    for name, bound in named:
        names += [f"{name}[{i}]" for i in range(len(bound))] if type(bound) is tuple else [name]
    found = []
    for name, p in zip(names, parameters, strict=True):
        kept, ends = p.array, []
        direction = rng.normal(size=kept.shape)
        direction = direction / np.linalg.norm(direction)
        for step in (nudge, -nudge):
            p.array = kept + step * direction
            ends.append(float(file.loss(parameters, *batch).array))
        p.array = kept
        measured = (ends[0] - ends[1]) / (2 * nudge)
        if not np.isclose((p.grad * direction).sum(), measured, 1e-4, 1e-7):
            found.append(name)
    return found


def learning(facts):
    """Return the question that trains the network. `facts` takes what `learn` returns, and returns
    statements that must be true of a network that has learned.
    """

    def given(file):
        def learned():
            start = time.perf_counter()
            found = file.learn(file.start())
            seconds = time.perf_counter() - start
            return found | {
                "facts": facts(found),
                "seconds": seconds,
                "loss": reached(found["losses"]),
            }

        return {"learned": lambda: learned()}

    def compare(yours, right):
        untrue = [text for text, is_so in yours["facts"].items() if not is_so]
        fell = f"its loss went from {yours['losses'][0]:.3g} to {yours['loss']:.3g}"
        return (
            f"Your network: {yours['told']}; {fell}.\nIt should be so: {'; '.join(untrue)}."
            if untrue
            else None
        )

    return Question(
        "learn", "learned()", given, "whether the network learns with your engine",
        formula="the network and the training as they are in the exercise",
        compare=compare, expect=lambda: 1, training=SECONDS,
    )  # fmt: skip
