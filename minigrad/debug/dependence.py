"""`depends` finds the inputs on which an output depends; `check_causal` finds a leak of the future.

Both return a matrix of booleans. In a terminal, it prints as text; in a notebook, it is drawn.
"""

import math
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from ..derivatives import grad
from ..errors import (
    DtypeError,
    GradientError,
    MinigradError,
    NonFiniteError,
    OptionError,
    ShapeError,
)
from ..gates.activation import axes_of
from ..graph import Array
from ..help.engine_errors import check_inputs_of_grad
from ..numpy_api import to_array
from ..tensor import Tensor
from .unchanged import unchanged

POINTS = 3  # an output that a change leaves equal by accident rarely stays equal at other inputs

# SVG paths around the middle of a cell
SQUARE, DIAMOND = "m-.45-.45h.9v.9h-.9z", "m0-.5l.5 .5l-.5 .5l-.5-.5z"

Shape = tuple[int, ...]
Pair = Shape | None


@dataclass
class Dependence:
    """Which elements of an output depend on which elements of an input.

    - `seen`: booleans, with the output's axes before the input's axes.
    - `matrix`: the same as a matrix, with a row for each output element and a column for each input
      element.
    - `wrong`: the elements of `matrix` that should be False. The text shows them as "!", and the
      picture shows them as red diamonds.
    """

    seen: Array
    matrix: Array
    wrong: Array
    title: str = "output (down) depends on input (across)"

    def __repr__(self) -> str:
        rows, columns = self.matrix.shape
        if columns > 72:  # does not fit a terminal
            return f"{self.title}: a {rows} x {columns} matrix, which a notebook draws"
        signs = np.where(self.wrong, "!", np.where(self.matrix, "#", "."))
        lines = [f"{i:4} {''.join(line)}" for i, line in enumerate(signs)]
        digits = "     " + ("0123456789" * 8)[:columns]
        return "\n".join([f"{self.title}:", digits, *lines])

    def _repr_html_(self) -> str:
        rows, columns = self.matrix.shape
        side = max(3, min(18, 600 // max(columns, 1)))  # pixels of a cell
        margin, every = 24 / side, -(-18 // side)
        numbers = [f'<text x="{n + 0.5}" y="-.4">{n}</text>' for n in range(0, columns, every)]
        numbers += [
            f'<text x="{-margin / 2}" y="{n + 0.5 + 4 / side}">{n}</text>'
            for n in range(0, rows, every)
        ]
        box = f"{-margin} {-margin} {columns + 2 * margin} {rows + 2 * margin}"
        return (
            f'<pre>{self.title}</pre><svg role="img" aria-label="{self.title}" viewBox="{box}" '
            f'width="{side * columns + 48}" style="max-width:100%">'
            f'<g fill="currentColor" font-size="{10 / side}" text-anchor="middle">{"".join(numbers)}</g>'
            f'<path d="M0 0h{columns}v{rows}h{-columns}z" fill="none" stroke="#777777" '
            f'stroke-width="{1 / side}"/>'
            f'<path d="{_path(self.matrix & ~self.wrong, SQUARE)}" fill="#0072B2"/>'
            f'<path d="{_path(self.wrong, DIAMOND)}" fill="#D00000"/></svg>'
        )


@dataclass
class CausalReport:
    """The result of `check_causal`. `bool(report)` is True if the model is causal.

    - `steps`: the dependence of output steps on input steps, (T, T).
    - `rows`: the dependence of the batch's output rows on its input rows, (B, B).
    - `future`: the first output step that sees the future, with the first future step that it sees.
    - `mixed`: the first output row that depends on another input row, with that row.
    - `unseen`: the first output step that does not see all of its past, with the first step that it
      misses. A model may do this deliberately. In other models, a mask or a cache is wrong.

    If there is no such pair, the last three are None.
    """

    steps: Dependence
    rows: Dependence
    future: Pair
    mixed: Pair
    unseen: Pair

    def __bool__(self) -> bool:
        return not (self.future or self.mixed)

    def __repr__(self) -> str:
        return f"{self.steps}\n{self.rows}" if self.mixed else str(self.steps)

    def _repr_html_(self) -> str:
        return self.steps._repr_html_() + (self.rows._repr_html_() if self.mixed else "")


def depends(output: Any, input: Any, output_axes: Any = None, input_axes: Any = None) -> Dependence:
    """Find which elements of `output` depend on which elements of `input`.

    - `output`, `input`: two recorded Tensors; or a function, and an array or Tensor to call it
      with.
    - `output_axes`, `input_axes`: the axes to keep, by default all axes. Along the other axes, a
      dependence of any element on any element counts.

    For recorded Tensors, seen[i, j] is True if the derivative d output[i] / d input[j] is not
    exactly 0. A cut or a detached value therefore ends a dependence. For ids, pass the rows that
    were looked up as `input`.

    For a function, seen[i, j] is True if output[i] changes when input[j] is replaced: a float by a
    random number, an integer by another integer from `input`. This is repeated at random inputs,
    because an element may have no effect by accident, as in relu. A change must exceed the rounding
    error of output[i], which depends on the size of output[i] only. The calls change neither
    minigrad's random generator nor the state of any layer.

    >>> x = Tensor([1.0, 2.0, 3.0], requires_grad=True)
    >>> depends(x.cumsum(), x)
    output (down) depends on input (across):
         012
       0 #..
       1 ##.
       2 ###
    >>> def f(x):
    ...     return x[1:] * x[:-1].detach()
    >>> depends(f(x), x).seen.astype(int)
    array([[0, 1, 0],
           [0, 0, 1]])
    >>> depends(f, x).seen.astype(int)
    array([[1, 1, 0],
           [0, 1, 1]])

    Errors: ShapeError MG107 for axes that do not exist; DtypeError MG752 for a list of Tensors, an
    empty input, and anything else that is not a Tensor or an array of numbers. For Tensors,
    GradientError MG127 if `input` requires no gradient. For functions, OptionError MG750 if all
    integers of the input are equal, GradientError MG702 if two calls with equal inputs disagree,
    and NonFiniteError MG708 if the output is not finite.

    Since: 0.2.
    """
    x, rng = _numbers(input, "input"), np.random.default_rng(0)
    if isinstance(output, Tensor):
        check_inputs_of_grad([input])
        rows, columns, result = _nothing(output.shape, output_axes, x.shape, input_axes)
        weights = rng.standard_normal(rows.shape)  # gradients with equal weights could cancel
        for row in range(len(result.matrix) * output.requires_grad):
            (gradient,) = grad(output, input, upstream=np.where(rows == row, weights, 0))
            result.matrix[row] = _any(gradient.array != 0, columns)
        return result
    if not callable(output):
        raise _unusable(output, "output")
    with unchanged(output):
        value = partial(_value, output, input)
        inputs, outputs, rounding = _points(value, x, rng)
        rows, columns, result = _nothing(rounding.shape, output_axes, x.shape, input_axes)
        for (x, other), base in zip(pairwise(inputs), outputs, strict=False):
            for column, seen in enumerate(result.matrix.T):
                change = value(np.where(columns == column, other, x)) - base
                seen |= _any(np.abs(change) > rounding, rows)
    return result


def check_causal(model: Any, ids: Any) -> CausalReport:
    """Check that output step t of `model` depends only on the input steps up to t.

    `model` is a function of ids (B, T), or of floats (B, T, ...), that returns (B, T, ...), or a
    tuple that begins with it, such as (logits, state). The check calls it with other inputs at one
    step, or in one row of the batch, and compares the outputs, as in `depends`. It therefore also
    finds a leak through a detached value, and a row that depends on another row.

    >>> import minigrad as mg
    >>> table = mg.Tensor(np.eye(5))
    >>> def average_of_all(ids):
    ...     x = mg.lookup(table, ids)
    ...     return x + x.mean(axis=1, keepdims=True)
    >>> check_causal(average_of_all, np.array([[0, 1, 2], [3, 4, 0]]))
    NOT CAUSAL: output step 0 (down) depends on input step 1 (across):
         012
       0 #!!
       1 ##!
       2 ###

    In a test, write `assert mg.check_causal(model, ids)`.

    Errors: ShapeError MG751 if the model's output does not begin with (B, T); otherwise as for
    `depends`.

    Since: 0.2.
    """
    if not callable(model):
        raise _unusable(model, "model")

    def outputs(ids: Any) -> Any:
        found = model(ids)
        return found[0] if isinstance(found, tuple) and found else found

    x = _numbers(ids, "input")
    with unchanged(model):
        given, returned = x.shape, _value(outputs, ids, x).shape
        if len(given) < 2 or returned[:2] != given[:2]:
            raise ShapeError(
                "MG751",
                f"check_causal cannot compare the steps of {given} and {returned}",
                cause="the input and the output must both begin with (batch, steps)",
                remedy="pass ids of shape (batch, steps) and a model that returns an output for "
                "each step; for other shapes, use mg.depends",
            )
        steps, rows = depends(outputs, ids, 1, 1), depends(outputs, ids, 0, 0)
    steps.wrong, rows.wrong = np.triu(steps.matrix, 1), rows.matrix > np.eye(given[0])
    future, mixed, unseen = map(_first, (steps.wrong, rows.wrong, np.tril(~steps.matrix)))
    steps.title = "causal: no output step (down) depends on a later input step (across)"
    if future:
        steps.title = "NOT CAUSAL: output step {} (down) depends on input step {} (across)".format(
            *future
        )
    if unseen:
        steps.title += "\nnote: output step {} does not depend on input step {}".format(*unseen)
    if mixed:
        rows.title = "MIXED BATCH: output row {} (down) depends on input row {} (across)".format(
            *mixed
        )
    return CausalReport(steps, rows, future, mixed, unseen)


def _nothing(
    output: Shape, output_axes: Any, input: Shape, input_axes: Any
) -> tuple[Array, Array, Dependence]:
    """Return the matrix row of each output element, the matrix column of each input element, and a
    Dependence of nothing on anything. The Dependence's `seen` is a view of its `matrix`.
    """
    rows, above = _groups(output, output_axes)
    columns, across = _groups(input, input_axes)
    matrix = np.zeros((math.prod(above), math.prod(across)), bool)
    seen = matrix.reshape(above + across)
    return rows, columns, Dependence(seen, matrix, np.zeros_like(matrix))


def _groups(shape: Shape, axes: Any) -> tuple[Array, Shape]:
    """Number the positions on `axes`. Return the number of each element, and the axes' sizes."""
    kept = axes_of("depends", axes, shape)
    sizes = [size if axis in kept else 1 for axis, size in enumerate(shape)]
    numbers = np.arange(math.prod(sizes)).reshape(sizes)
    return np.broadcast_to(numbers, shape), tuple(shape[axis] for axis in sorted(kept))


def _any(cells: Array, groups: Array) -> Any:
    """Return, for each group, whether any of its cells is True."""
    return np.bincount(groups.ravel(), cells.ravel()) > 0


def _replaced(x: Array, rng: np.random.Generator) -> Any:
    """Return a random array in which every element differs from x."""
    if x.dtype.kind == "f":
        return np.add(x, rng.standard_normal(x.shape), dtype=x.dtype)
    ids, place = np.unique(x, return_inverse=True)
    if len(ids) < 2:
        raise OptionError(
            "MG750",
            f"the input has no two different integers: {ids}",
            cause="to see what changes, each integer is replaced by another one from the input",
            remedy="pass random ids, such as rng.integers(0, vocabulary_size, (2, 8))",
        )
    return ids[(place.reshape(x.shape) + rng.integers(1, len(ids), x.shape)) % len(ids)]


def _numbers(value: Any, what: str) -> Array:
    """Return a Tensor, an array or a list of numbers as an array with at least one element."""
    array = np.zeros(0)
    with suppress(MinigradError, ValueError):  # a list of Tensors; a ragged list
        if not (isinstance(value, list | tuple) and any(isinstance(v, Tensor) for v in value)):
            array = np.asarray(to_array(value))
    if array.dtype.kind not in "fiub" or not array.size:
        raise _unusable(value, what)
    return array


def _unusable(value: Any, what: str) -> DtypeError:
    """Return the error for an input or output whose elements cannot be changed and compared."""
    size = f", with shape {value.shape}" if hasattr(value, "shape") else ""
    return DtypeError(
        "MG752",
        f"the dependence cannot be found: the {what} is of type {type(value).__name__}{size}",
        cause="the input, and the output or the function's result, must each be one Tensor or "
        "array with at least one number",
        remedy="check one input and one output at a time, as in mg.depends(lambda x: model(x)[0], "
        "x)",
    )


def _points(value: Any, x: Array, rng: np.random.Generator) -> tuple[list[Array], list[Array], Any]:
    """Return x and POINTS other inputs, the outputs at all of them, and the rounding error of each
    output element.
    """
    inputs = [x]
    for _ in range(POINTS):
        inputs.append(_replaced(inputs[-1], rng))
    outputs, again = list(map(value, inputs)), list(map(value, inputs))
    # A matrix product may round a row differently if another row changes. An element may be small
    # by accident, after terms have canceled, but rarely at all points.
    if len({z.shape for z in outputs + again}) == 1:
        rounding = 100 * np.finfo(outputs[0].dtype).eps * np.abs(outputs).max(axis=0)
        if (np.abs(np.subtract(again, outputs)) <= rounding).all():
            return inputs, outputs, rounding
    raise GradientError(
        "MG702",
        "the dependence cannot be found, because two calls with equal inputs disagree",
        cause="dropout, or a state or cache from an earlier call, changes the output",
        remedy="switch off dropout with model.eval(), and begin each call with a new state",
    )


def _value(f: Any, input: Any, x: Array) -> Array:
    """Return f(x) as a finite array of floats. x is passed as a Tensor if `input` is one."""
    z: Array = 1.0 * _numbers(f(Tensor(x) if isinstance(input, Tensor) else x), "function's result")
    if not np.isfinite(z).all():
        raise NonFiniteError(
            "MG708",
            "the dependence cannot be found, because the output is not finite",
            cause="an input is outside a gate's domain, or a mask hides all steps from one step",
            remedy="find the first such value with mg.detect_anomaly()",
        )
    return z


def _first(cells: Array) -> Pair:
    return next(map(tuple, np.argwhere(cells).tolist()), None)


def _path(cells: Array, shape: str) -> str:
    """Return an SVG path with a shape in each True cell."""
    return "".join(f"M{column + 0.5} {row + 0.5}{shape}" for row, column in np.argwhere(cells))
