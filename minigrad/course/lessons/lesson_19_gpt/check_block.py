"""Lesson 19's questions about `block`."""

import numpy as np

import minigrad as mg
from layers import TransformerBlock
from minigrad.course.checking.lesson import Question
from minigrad.course.lessons.lesson_19_gpt.check_answers import tensor

BLOCK = "y = x + attention(norm1(x)), z = y + mlp(norm2(y))"


def watched(function):
    """Make a function that keeps what it received."""

    def call(x):
        call.received = np.array(x.array if isinstance(x, mg.Tensor) else x)
        return function(x)

    call.__doc__ = function.__doc__
    return call


def seen(**functions):
    """Return what each function received, by name."""
    return {f"the input of {name}": one.received for name, one in functions.items()}


SEEN = (
    "(lambda z: {**check.seen(norm1=norm1, attention=attention, norm2=norm2, mlp=mlp), 'z': z})"
    "(block(x, norm1, attention, norm2, mlp))"
)


def half(x):
    """halves x"""
    return x / 2


def double(x):
    """multiplies by 2"""
    return x * 2


def triple(x):
    """multiplies by 3"""
    return x * 3


def less(x):
    """subtracts 1"""
    return x - 1


def square(x):
    """squares x"""
    return x * x


def zero(x):
    """returns zeros"""
    return x * 0


def tenth(x):
    """multiplies by 0.1"""
    return x * 0.1


def same(x):
    """returns x"""
    return x * 1


def centre(x):
    """subtracts the mean of each row"""
    return x - x.mean(axis=-1, keepdims=True)


def scaled(x):
    """divides each row by its largest number"""
    return x / x.max(axis=-1, keepdims=True)


def average(x):
    """the mean of the steps so far"""
    count = np.arange(1, x.shape[1] + 1)[:, None]
    return x.cumsum(axis=1) / count


def block_question(
    x, *functions, call="block(x, norm1, attention, norm2, mlp)", what="", way=SEEN, **more
):
    def given(file):
        found = zip(("norm1", "attention", "norm2", "mlp"), map(watched, functions), strict=True)
        return {"x": tensor(x), **dict(found)}

    return Question("block", call, given, what, formula=BLOCK, way=way, **more)


def layers_of_block(file):
    """The layers of a random TransformerBlock, and an input."""
    mg.seed(1)
    one = TransformerBlock(4, 2)
    rng = np.random.default_rng(1)
    for tensor_ in one.named_parameters().values():
        tensor_.array = np.asarray(tensor_.array + 0.3 * rng.normal(size=tensor_.shape), float)

    def mlp(y):
        """linear2(gelu(linear1(y)))"""
        return one.linear2(one.linear1(y))

    parts = {"norm1": one.norm1, "attention": one.self_attn, "norm2": one.norm2, "mlp": mlp}
    for name, part in list(parts.items()):
        parts[name] = watched(part)
    parts["norm1"].__doc__ = parts["norm2"].__doc__ = "LayerNorm(4)"
    parts["attention"].__doc__ = "MultiHeadAttention(4, 2, causal=True)"
    return {"x": tensor(rng.normal(size=(2, 3, 4))), **parts}


QUESTIONS = (
    block_question([4.0], less, double, half, square),
    block_question([2.0], less, triple, half, zero),
    block_question([2.0], half, zero, less, square),
    block_question([1.0, -2.0], same, square, half, less),
    block_question([4.0], half, zero, half, zero),
    block_question([1.0], same, tenth, same, tenth, way="", what="the slope of the block's output for x",
                   call="mg.grad(block(x, norm1, attention, norm2, mlp).sum(), [x])[0]"),
    block_question([[[2.0, 4.0], [5.0, 1.0]]], scaled, average, centre, square),
    Question("block", "block(x, norm1, attention, norm2, mlp)", layers_of_block, formula=BLOCK, way=SEEN),
)  # fmt: skip
