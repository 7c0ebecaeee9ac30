"""Compare recorded gradients with finite differences: mg.gradcheck and mg.gradcheck_model."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from ..debug.anomaly import first_non_finite, strange_node, title, trace_lines
from ..debug.unchanged import unchanged
from ..derivatives import grad
from ..errors import DtypeError, MinigradError, NonFiniteError, OptionError
from ..graph import Array, Leaf, Node, ancestors
from ..help.engine_errors import tensors_inside
from ..tensor import Tensor, from_node
from .blame import differing, leaking
from .curve import step_curve, taylor_slope
from .guess import recognise
from .numeric import (
    Index,
    Line,
    Problem,
    careful,
    central,
    index_of,
    kinks,
    recorded_gradients,
    relative_error,
    signs,
)
from .report import GradientReport, InputReport
from .rules import TOLERANCE, NodeCheck


def gradcheck(
    f: Callable[..., Tensor],
    *inputs: Any,
    sample: int | None = None,
    fast: bool = False,
    order: int = 1,
    seed: int = 0,
) -> GradientReport:
    """Compare the recorded gradient of f(*inputs) with central differences.

    If f(x) is a single number, let L = f(x). Otherwise, let L = Σ v ⊙ f(x) for a random v. Each
    element of dL/dx is compared with (L(x + h e) - L(x - h e)) / 2h. In addition, each gate's
    backward rule is compared with central differences of its forward function.

    - `sample`: compare only this many random elements of each input, instead of all elements.
    - `fast`: compare only one random direction for each input.
    - `order=2`: also check the derivatives of the gradient in the same way.
    - `seed`: the seed for the random v, elements and directions.

    Integer inputs (ids, labels) are passed to f unchanged. All computations use float64. After the
    check, the tensors have their original arrays again, and `.grad`, the random generator and the
    state of all layers, such as the running means of a BatchNorm, are unchanged.

    >>> import minigrad as mg
    >>> W = Tensor([[0.5, -1.0]], requires_grad=True, name="W")
    >>> report = mg.gradcheck(lambda W: mg.tanh(W * W).sum(), W)
    >>> bool(report)
    True
    >>> print(report)  # doctest: +ELLIPSIS
    right: 2 comparisons, 3 gates
      input  shape          compared  wrong    error  worst at: recorded, numeric
      W      (1, 2)                2      0 ...
      Taylor remainder: order 2.00 in h (right: 2, wrong: 1)
        the remainder is |L(x + h u) - L(x) - h ∇L · u|, along a random direction u

    The random v finds mistakes that a plain sum would hide. For example, the sum of a softmax has
    gradient 0, so a rule that returns zeros would pass. If f(x) is a single number, the report
    shows the gradient that `backward` adds to `.grad`.

    Errors: OptionError MG700 for invalid options, MG707 if there is nothing to check;
    NonFiniteError MG708 if f is not finite at the inputs; DtypeError MG704 if a gate computes in
    float32.
    Source: Griewank and Walther, Evaluating Derivatives (2008), section 3.1.

    Since: 0.1.
    """
    tensors = [_as_input(value) for value in inputs]
    leaves: dict[str, Leaf] = {}
    for number, tensor in enumerate(tensors):
        node = tensor.node if isinstance(tensor, Tensor) and tensor.dtype.kind == "f" else None
        if isinstance(node, Leaf) and node not in leaves.values():
            name = node.name or f"input {number}"
            leaves[f"{name} ({number})" if name in leaves else name] = node
    return _run(f, lambda: f(*tensors), leaves, sample, fast, order, seed)


def gradcheck_model(
    model: Any,
    loss: Callable[..., Tensor],
    batch: Sequence[Any],
    *,
    sample: int | None = 10,
    fast: bool = False,
    order: int = 1,
    seed: int = 0,
) -> GradientReport:
    """Check the gradient of a model's loss for every parameter that is not frozen.

    The loss is L = loss(model(*inputs), labels).

    - `model`: an object whose method `named_parameters()` returns a dict of Tensors by path.
    - `batch`: (*inputs, labels).
    - `sample`: compare only this many random elements of each parameter; None compares all.
    - `fast`: compare only one random direction for each parameter.
    - `order`, `seed`: as for `gradcheck`.

    >>> import minigrad as mg
    >>> class Line:
    ...     W = Tensor([[1.0], [2.0]], requires_grad=True)
    ...     def named_parameters(self): return {"W": self.W}
    ...     def __call__(self, x): return x @ self.W
    >>> bool(mg.gradcheck_model(Line(), mg.mean_squared_error, (np.eye(2), [[0.0], [1.0]])))
    True

    Errors: the same as for `gradcheck`. Source: Griewank and Walther, Evaluating Derivatives
    (2008), section 3.1.

    Since: 0.1.
    """
    leaves: dict[str, Any] = {
        path: parameter.node
        for path, parameter in model.named_parameters().items()
        if parameter.requires_grad
    }
    *inputs, labels = [_wide(value) for value in batch]
    return _run(model, lambda: loss(model(*inputs), labels), leaves, sample, fast, order, seed)


def _run(
    model: Any,
    run: Callable[[], Tensor],
    leaves: dict[str, Leaf],
    sample: int | None,
    fast: bool,
    order: int,
    seed: int,
) -> GradientReport:
    if order not in (1, 2):
        raise OptionError(
            "MG700",
            f"gradcheck cannot use order={order!r}",
            cause="gradcheck checks only first and second derivatives",
            remedy="use order=1 or order=2",
        )
    if sample is not None and sample < 1:
        raise OptionError(
            "MG700",
            f"gradcheck cannot use sample={sample!r}",
            cause="a sample of this size contains no elements",
            remedy="use a sample of at least 1, or sample=None to check every element",
        )
    if not leaves:
        raise OptionError(
            "MG707",
            "gradcheck found no input to differentiate with respect to",
            cause="no input is a float tensor or array, or no parameter of the model requires a "
            "gradient",
            remedy="pass the tensors that the function depends on: mg.gradcheck(f, W, b)",
        )
    before = [(leaf, leaf.requires_grad) for leaf in leaves.values()]
    try:
        for leaf in leaves.values():
            leaf.requires_grad = True
        with unchanged(model):
            problem = Problem(run, leaves)
            report = Check(problem, np.random.default_rng(seed), sample, fast).report
            if report and order == 2:
                second = Problem(_gradient_of(problem, np.random.default_rng(seed + 1)), leaves)
                report = Check(second, np.random.default_rng(seed + 2), sample, fast).report
                report.order = 2
        if (curve := report._curve) is not None:  # it calls the function again, after the check
            report._curve = unchanged(model)(curve)
        return report
    finally:
        for leaf, requires_grad in before:
            leaf.requires_grad = requires_grad


def _gradient_of(problem: Problem, rng: np.random.Generator) -> Callable[[], Tensor]:
    """Return a function whose gradient contains second derivatives.

    The function computes Σ w ⊙ dL/dx over all inputs, for a random w and the v that defines L.
    """
    cotangent = upstream(problem.forward().shape, rng)
    weights = [signs(rng, array.shape) for array in problem.arrays.values()]

    def run() -> Tensor:
        output = problem.run()
        inputs = [from_node(leaf) for leaf in problem.leaves.values()]
        gradients = grad(output, inputs, create_graph=True, upstream=cotangent)
        pairs = zip(gradients, weights, strict=True)
        first, *others = [(gradient * weight).sum() for gradient, weight in pairs]
        return sum(others, first)

    return run


def upstream(shape: Index, rng: np.random.Generator) -> Array:
    """Return the check's v, which is 1 if the output is a single number, and random otherwise."""
    return np.ones(shape) if np.prod(shape) == 1 else signs(rng, shape)


class Check:
    """Run a gradient check and store its result in `report`.

    The check first tests each gate's rule by itself, and then the whole gradient. If all rules are
    right but the gradient is wrong, it looks for a cause outside the rules.
    """

    def __init__(
        self, problem: Problem, rng: np.random.Generator, sample: int | None, fast: bool
    ) -> None:
        self.problem, self.rng, self.sample, self.fast = problem, rng, sample, fast
        self.report = report = GradientReport()
        with trace_lines():
            self.root = root = problem.forward().node
        if not np.isfinite(root.output).all():
            raise NonFiniteError(
                "MG708",
                "the function cannot be checked where it is not finite: "
                f"{strange_node(first_non_finite(root))}",
                cause="an input is outside a gate's domain, or it contains NaN",
                remedy="check the gradient at other inputs",
            )
        report.slip = differing(root, problem.forward().node)
        if report.slip:
            return
        self.cotangent = dz = upstream(root.output.shape, rng)
        self._check_rules()
        try:
            with np.errstate(all="ignore"):
                self.gradients = recorded_gradients(root, dz, problem.leaves)
        except MinigradError as error:
            report.failed = str(error)
            return
        self._compare()
        line, recorded = self._along_one_direction(self.gradients)
        if not report.kinks:
            report.slope = taylor_slope(line, root.output, dz, recorded)
        report._curve = lambda: step_curve(line, dz, recorded)
        if report.slip is None and any(row.wrong for row in report.inputs):
            moved = {
                name: array + 1e-6 * signs(rng, array.shape)
                for name, array in problem.arrays.items()
            }
            report.slip = leaking(root, problem.forward(moved).node)

    def _depending(self) -> list[Node]:
        """Return the nodes that were computed from the inputs under test, newest first."""
        depending: set[Node] = set(self.problem.leaves.values())
        nodes = ancestors([self.root])
        for node in reversed(nodes):
            if depending.intersection(node.inputs):
                depending.add(node)
        return [node for node in nodes if node.gate and node in depending]

    def _check_rules(self) -> None:
        report = self.report
        for node in self._depending():
            if node.output.dtype == np.float32:
                raise DtypeError(
                    "MG704",
                    f"{title(node, inside=True)} returned float32, but the check needs float64",
                    cause="its forward returns a fixed dtype, or one of its tensors is float32; the "
                    "check's steps of 6e-6 would be lost in float32's rounding errors",
                    remedy="use the inputs' dtype for the result, as in np.zeros(..., "
                    "x.dtype) or array.astype(x.dtype)",
                )
            check = NodeCheck(node, self.rng)
            slip = check.slip()
            report.rules += 1
            report.kinks += check.found_kinks()
            if slip and report.slip:
                report.slip.others.append(node)
            elif slip:
                report.slip = slip
                check.locate(slip)
                recognise(check, slip)

    def _compare(self) -> None:
        for name, gradient in self.gradients.items():
            shape, size = gradient.shape, gradient.size
            row = InputReport(name, shape)
            self.report.inputs.append(row)
            if self.fast:
                self._compare_one(row, *self._along_one_direction([name]))
                continue
            numbers = np.arange(size)
            if self.sample is not None and self.sample < size:
                numbers = np.sort(self.rng.choice(size, self.sample, replace=False))
            for number in numbers:
                index = index_of(number, shape)
                line = self.problem.element(name, index)
                self._compare_one(row, line, float(gradient[index]), index)

    def _compare_one(
        self, row: InputReport, line: Line, recorded: float, index: Index | None = None
    ) -> None:
        with np.errstate(all="ignore"):
            numeric, margin = central(line, self.cotangent), 0.0
        if not relative_error(recorded, numeric) <= TOLERANCE and self.report.slip is None:
            if (kinks(line, self.root.output) & (self.cotangent != 0)).any():
                row.kinks += 1
                return
            numeric, margin = careful(line, self.cotangent)
        error = relative_error(recorded, numeric)
        row.compared += 1
        row.wrong += not error <= TOLERANCE + 10 * margin / max(1.0, abs(recorded), abs(numeric))
        if row.compared == 1 or not error <= row.error:
            row.error, row.index, row.recorded, row.numeric = error, index, recorded, numeric

    def _along_one_direction(self, names: Iterable[str]) -> tuple[Line, float]:
        """Return a line in a random direction, and the slope of the gradient along it."""
        directions = {name: signs(self.rng, self.gradients[name].shape) for name in names}
        with np.errstate(all="ignore"):
            slopes = [np.sum(self.gradients[name] * u) for name, u in directions.items()]
        return self.problem.line(directions), float(sum(slopes))


def _as_input(value: Any) -> Any:
    """Turn a float input into a leaf: wrap an array in a Tensor, or detach a computed Tensor."""
    if isinstance(value, Tensor):
        return value if isinstance(value.node, Leaf) else value.detach()
    if isinstance(value, (list, tuple)) and any(isinstance(one, Tensor) for one in value):
        raise tensors_inside(value)
    integers = isinstance(value, np.ndarray) and value.dtype.kind != "f"
    return value if integers else Tensor(value)


def _wide(value: Any) -> Any:
    """Convert float data to float64. The model then computes in float64 throughout."""
    array = value.array if isinstance(value, Tensor) else np.asarray(value)
    return Tensor(array.astype(np.float64)) if array.dtype.kind == "f" else value
