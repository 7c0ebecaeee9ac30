"""Losses, which measure the distance between a prediction and the truth.

The cross entropies take logits instead of probabilities, which avoids overflow in e^x. The option
`reduction` is "mean" (weighted if there are class weights), "sum", or "none" for a separate loss
for each example.

Source: Goodfellow, Bengio and Courville, Deep Learning (2016), sections 6.2.1 and 6.2.2.
"""

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from ..context import scope_label, tell
from ..errors import DtypeError, IndexRangeError, OptionError, ShapeError
from ..gate import Gate, Shape
from ..graph import Array, Node, ancestors
from ..help.other_frameworks import call_renamed
from ..numpy_api import keep_dtype, to_array
from ..support.arrays import blocks_of_rows
from ..tensor import Tensor, TensorLike, as_tensors
from .activation import Sigmoid, Softmax, sigmoid
from .basic import WIDE, apply, on_floats, shifted
from .elementwise import Cast
from .indexing import Where, where
from .samples import samples_on
from .shape import _Moving, transpose


class _Loss(Gate):
    """Base class of losses. It checks the shapes and reduces the examples' losses.

    Shapes: z is a single number or, with reduction="none", one number for each example. Errors:
    ShapeError if the prediction and the truth have different shapes (MG151), OptionError for an
    unknown reduction (MG150).
    """

    operations = 3

    def __init__(self, reduction: str = "mean") -> None:
        if reduction not in ("mean", "sum", "none"):
            raise OptionError(
                "MG150",
                f"{self.name} has no reduction {reduction!r}",
                cause="the examples' losses can be averaged, summed, or returned separately",
                remedy="choose 'mean', 'sum', or 'none' for one loss per example",
            )
        self.reduction = reduction

    def shape(self, *shapes: Shape) -> Shape:
        each = self.each(*shapes)
        return each if self.reduction == "none" else ()

    def each(self, *shapes: Shape) -> Shape:
        """Return the shape of the losses before the reduction.

        Errors: ShapeError if the shapes do not match.
        """
        prediction, truth = shapes
        if prediction != truth:
            raise ShapeError(
                "MG151",
                f"{self.name} cannot compare a prediction of shape {prediction} with a truth of "
                f"shape {truth}",
                cause="broadcasting these shapes would compare every prediction with every true "
                "value",
                remedy="use the same shape for both, for example with "
                "prediction.reshape(truth.shape)",
            )
        return prediction

    def forward(self, prediction, truth):
        self.check(prediction, truth)
        if prediction.dtype.char not in WIDE:
            return on_floats(self, prediction, truth)
        tell("compared", self, prediction, truth)
        losses = self.losses(prediction, truth)
        weight, count = self.weight(prediction, truth)
        if weight is not None:
            losses = losses * weight
        if self.reduction == "none":
            return losses
        if self.reduction == "sum":
            return losses.sum()
        if not losses.size:
            raise ShapeError(
                "MG116",
                f"{self.name} got an empty batch of shape {losses.shape}",
                cause="the mean of zero losses is undefined",
                remedy="check that the batch has at least one row",
            )
        return losses.sum() / count

    def backward(self, dz, z, prediction, truth):
        weight, count = self.weight(prediction, truth)
        if self.reduction == "mean":
            dz = dz / count
        if weight is not None:
            dz = dz * weight
        return self.gradients(dz, prediction, truth)

    def check(self, prediction, truth) -> None:
        """Raise an error if the inputs' shapes or values are invalid."""
        self.each(prediction.shape, truth.shape)

    def losses(self, prediction, truth):
        """Return the loss of each example."""
        raise NotImplementedError

    def gradients(self, dz, prediction, truth):
        """Return the inputs' gradients. `dz` is the gradient of each example's loss."""
        raise NotImplementedError

    def weight(self, prediction, truth) -> tuple[Array | None, float]:
        """Return each example's weight (None if all are 1) and the mean's divisor."""
        return None, math.prod(truth.shape)

    sample_inputs = samples_on("3x2 3x2", settings=["mean", "sum", "none"])


class _LabelLoss(_Loss):
    """Base class of losses that take scores (..., C), labels (...), and class weights (C,)."""

    scores: ClassVar[str] = "logits"
    constant_inputs = (1,)

    def __init__(
        self, reduction: str = "mean", weights: Sequence[float] | Array | None = None
    ) -> None:
        super().__init__(reduction)
        self.weights = None if weights is None else np.array(weights, np.float64)

    def each(self, *shapes: Shape) -> Shape:
        scores, labels = shapes
        if not scores or scores[:-1] != labels:
            raise ShapeError(
                "MG152",
                f"{self.name} got {self.scores} of shape {scores} and labels of shape {labels}",
                cause=f"for {self.scores} of shape (..., classes), the labels must be integers of "
                f"shape (...), here {scores[:-1]}",
                remedy="convert one-hot labels with labels.argmax(-1), and labels of shape (N, "
                "1) with labels.reshape(-1)",
            )
        return labels

    def check(self, scores, labels) -> None:
        super().check(scores, labels)
        classes = scores.shape[-1]
        if labels.dtype.kind not in "iub":
            raise DtypeError(
                "MG153",
                f"{self.name} takes integer labels, not {labels.dtype}",
                cause="each label is the index of a class",
                remedy="convert the labels with labels.astype('int64'), or pass a list of Python "
                "integers",
            )
        if labels.size and not (0 <= labels.min() and labels.max() < classes):
            stray = labels[(labels < 0) | (labels >= classes)]
            labelled = f"labels from 0 to {classes - 1}, or " if classes else ""
            raise IndexRangeError(
                "MG154",
                f"label {stray[0]} is out of range for {classes} classes (affects {stray.size} of "
                f"{labels.size} labels)",
                cause="classes are numbered from 0",
                remedy=f"use {labelled}a model with more outputs"
                + "; mg.cross_entropy ignores labels of -100" * (-100 in stray),
            )

    def weight(self, scores, labels) -> tuple[Array | None, float]:
        if self.weights is None:
            return super().weight(scores, labels)
        classes = scores.shape[-1]
        if self.weights.shape != (classes,):
            raise ShapeError(
                "MG155",
                f"{self.name} got class weights of shape {self.weights.shape} for {classes} "
                "classes",
                cause="each class needs exactly one weight",
                remedy=f"pass {classes} weights, one for each class",
            )
        weight = self.weights.astype(scores.dtype)[labels.astype(np.intp)]
        return weight, float(weight.sum())

    @staticmethod
    def _at_labels(scores, labels: Array):
        return np.take_along_axis(scores, labels[..., None].astype(np.intp), axis=-1)[..., 0]

    @staticmethod
    def _onehot(scores, labels: Array):
        return (labels[..., None] == np.arange(scores.shape[-1])).astype(scores.dtype)

    sample_inputs = samples_on(
        ["4x3", [0, 2, 1, 2]],
        ["2x1x3", [[0], [2]]],
        settings=[
            {"reduction": reduction, "weights": weights}
            for reduction in ("mean", "sum", "none")
            for weights in (None, [0.5, 1.0, 2.0])
        ],
    )


class SoftmaxCrossEntropy(_LabelLoss):
    """z = -ln softmax(x)[label], averaged over N examples. dx = (softmax(x) - onehot) dz / N.

    The logits x have shape (..., C). The labels have shape (...) and are integers from 0 to C-1.
    With class weights `weights` (C,), the mean is Σ w z / Σ w, where w is the weight of the label.
    z is finite for all finite logits. A logit of -inf excludes its class, and z is infinite if that
    class is the label.

    >>> softmax_cross_entropy(Tensor([[0.0, 0.0], [1000.0, -1000.0]]), [0, 0]).item()  # (ln 2 + 0) / 2
    0.3465735912322998

    Errors: IndexRangeError if a label is out of range (MG154), DtypeError if the labels are not
    integers (MG153), ShapeError if the labels (MG152) or weights (MG155) have the wrong shape,
    OptionError for an unknown reduction (MG150). Source: Bishop, Pattern Recognition and Machine
    Learning (2006), 4.3.4.

    Since: 0.1.
    """

    symbol = "softmax CE"
    operations = 5

    def losses(self, logits, labels):
        blocks = [self._losses(*block) for block in blocks_of_rows(logits, labels)]
        return np.concatenate(blocks).reshape(labels.shape)

    def _losses(self, logits, labels):
        scores = shifted(logits, -1)
        return np.log(np.exp(scores).sum(axis=-1)) - self._at_labels(scores, labels)

    def gradients(self, dz, logits, labels):
        # Forward does not save the softmax. Recomputing it here saves memory.
        dz = dz.reshape(*dz.shape, 1)
        if isinstance(logits, Tensor):
            e = np.exp(shifted(logits, -1))
            return (e / e.sum(axis=-1, keepdims=True) - self._onehot(logits, labels)) * dz, None
        # Do not use empty_like, which keeps the logits' memory layout. Blocks are views only if the
        # array is C-contiguous.
        gradient, dz = np.empty(logits.shape, logits.dtype), np.broadcast_to(dz, (*labels.shape, 1))
        for scores, numbers, upstream, e in blocks_of_rows(logits, labels, dz, gradient):
            np.subtract(scores, scores.max(axis=-1, keepdims=True), out=e)
            np.exp(e, out=e)
            e *= upstream / e.sum(axis=-1, keepdims=True)
            e[np.arange(len(e)), numbers.astype(np.intp, copy=False)] -= upstream[:, 0]
        return gradient, None


class NegativeLogLikelihood(_LabelLoss):
    """z = -x[label], averaged over N examples, for log probabilities x. dx = -onehot dz / N.

    x (..., C) is usually the output of `log_softmax`. The labels (...) are integers from 0 to C-1.
    `weights` works as in SoftmaxCrossEntropy, which takes logits and combines `log_softmax` with
    this loss.

    >>> negative_log_likelihood(np.log([[0.25, 0.75], [0.5, 0.5]]), [0, 1]).item()  # (ln 4 + ln 2) / 2
    1.0397207708399179

    Errors: IndexRangeError for a positive log probability (MG158); all other errors as for
    SoftmaxCrossEntropy.

    Since: 0.2.
    """

    symbol = "NLL"
    operations = 1
    scores = "log probabilities"

    def check(self, x, labels) -> None:
        super().check(x, labels)
        highest = x.max(initial=0)
        if highest > 1e-3:  # more than a rounding error
            raise IndexRangeError(
                "MG158",
                f"{highest:.4g} is not a log probability",
                cause="a log probability is at most 0; these values may be probabilities or logits",
                remedy="pass mg.log_softmax(logits), or pass the logits to "
                "mg.softmax_cross_entropy",
            )

    def losses(self, x, labels):
        return -self._at_labels(x, labels)

    def gradients(self, dz, x, labels):
        return -self._onehot(x, labels) * dz.reshape(*dz.shape, 1), None

    @classmethod
    def sample_inputs(cls):
        return (
            (gate, (-np.exp(scores), labels)) for gate, (scores, labels) in super().sample_inputs()
        )


class BinaryCrossEntropy(_Loss):
    """z = -t ln σ(x) - (1 - t) ln(1 - σ(x)), averaged. dx = (σ(x) - t) dz / N.

    The logits x and the targets t have the same shape, and t is between 0 and 1. z is computed as
    max(x, 0) - x t + ln(1 + e^-|x|), which is finite for all finite logits. For infinite logits it
    may be NaN, as in PyTorch. To weight examples, use reduction="none" and multiply the losses by
    the weights.

    >>> binary_cross_entropy(Tensor([0.0, 1000.0]), [1, 1]).item()  # (ln 2 + 0) / 2
    0.3465735912322998

    Errors: IndexRangeError for a target outside [0, 1] (MG156), ShapeError if the shapes differ
    (MG151).

    Since: 0.1.
    """

    symbol = "binary CE"
    operations = 8
    constant_inputs = (1,)

    def check(self, logits, targets) -> None:
        super().check(logits, targets)
        valid = (targets >= 0) & (targets <= 1)
        if not valid.all():
            stray = targets[~valid]
            raise IndexRangeError(
                "MG156",
                f"target {stray[0]} is outside the range 0 to 1 (affects {stray.size} of "
                f"{targets.size} targets)",
                cause="a target is the probability of class 1; labels such as -1 and 1 do not "
                "follow this convention",
                remedy="map the labels to 0 and 1",
            )

    def losses(self, logits, targets):
        t = targets.astype(logits.dtype, copy=False)
        # ln(1 + e^-|x|), which is at most ln 2
        tail = np.log1p(np.exp(-np.abs(logits)))
        return np.maximum(logits, 0) - logits * t + tail

    def gradients(self, dz, logits, targets):
        t = targets.astype(logits.dtype, copy=False)
        return (apply(sigmoid, logits) - t) * dz, None

    sample_inputs = samples_on(
        ["3", [0, 1, 1]], ["2x1", [[0.3], [0.8]]], settings=["mean", "sum", "none"]
    )


class MeanSquaredError(_Loss):
    """z = (x - t)², averaged over all elements. dx = 2 (x - t) dz / N, dt = -dx.

    The prediction x and the truth t must have the same shape. Shapes such as (N, 1) and (N,) raise
    an error instead of being broadcast.

    >>> mean_squared_error(Tensor([1.0, 2.0]), [1.0, 4.0]).item()
    2.0

    Since: 0.1.
    """

    symbol = "MSE"

    def losses(self, prediction, truth):
        error = prediction - truth
        return error * error

    def gradients(self, dz, prediction, truth):
        slope = 2 * (prediction - truth) * dz
        return slope, lambda: -slope


class MeanAbsoluteError(_Loss):
    """z = |x - t|, averaged over all elements. dx = sign(x - t) dz / N, dt = -dx.

    Where x = t, the gradient is 0. The prediction x and the truth t must have the same shape.
    PyTorch calls this loss L1Loss.

    >>> mean_absolute_error(Tensor([1.0, 2.0]), [1.0, 4.0]).item()
    1.0

    Since: 0.2.
    """

    symbol = "MAE"

    def losses(self, prediction, truth):
        return np.abs(prediction - truth)

    def gradients(self, dz, prediction, truth):
        slope = dz * (prediction > truth) - dz * (prediction < truth)
        return slope, lambda: -slope


def softmax_cross_entropy(
    logits: TensorLike,
    labels: TensorLike,
    *,
    weights: Sequence[float] | Array | None = None,
    reduction: str = "mean",
    **others: Any,
) -> Tensor:
    """`SoftmaxCrossEntropy(reduction, weights)(logits, labels)`: see the class for the formula.

    Errors: as for the class, and OptionError (MG157) if `logits` is the output of a softmax, even a
    reshaped or indexed one.

    Since: 0.1.
    """
    if others:
        return call_renamed(softmax_cross_entropy, **locals())
    _refuse_probabilities("softmax_cross_entropy", logits, Softmax)
    return SoftmaxCrossEntropy(reduction, weights)(logits, keep_dtype(labels))


def cross_entropy(
    input: TensorLike,
    target: TensorLike,
    weight: Sequence[float] | Array | None = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
    **others: Any,
) -> Tensor:
    """`softmax_cross_entropy` with the arguments and axis order of PyTorch's `cross_entropy`.

    `input` contains logits of shape (C,), (N, C) or (N, C, ...), where C is the number of classes.
    `target` contains integer labels and has the shape of `input` without the axis C. Labels equal
    to `ignore_index` are ignored: their losses are 0, and the mean excludes them.

    >>> cross_entropy(Tensor([[0.0, 0.0], [5.0, 1.0]]), [1, -100]).item()  # ln 2
    0.6931471824645996

    Errors: as for SoftmaxCrossEntropy; ShapeError if the labels do not fit (MG152), or if the losses are
    averaged and all labels are ignored (MG116).
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html
    """
    if others:
        return call_renamed(cross_entropy, **locals())
    (logits,), labels = as_tensors([input]), to_array(keep_dtype(target))
    if logits.ndim > 2:
        if labels.shape != (wanted := (logits.shape[0], *logits.shape[2:])):
            raise ShapeError(
                "MG152",
                f"cross_entropy got logits of shape {logits.shape} and labels of shape {labels.shape}",
                cause=f"axis 1 is the axis of the classes, so the labels must have shape {wanted}",
                remedy="if the classes are the last axis, use softmax_cross_entropy, or reshape to "
                "logits.reshape(-1, classes) and labels.reshape(-1)",
            )
        logits = transpose(logits, (0, *range(2, logits.ndim), 1))
    counted = labels != ignore_index
    if reduction == "none":
        labels = np.where(counted, labels, 0)
    elif not counted.all():
        logits, labels = logits[counted], labels[counted]
    losses = softmax_cross_entropy(logits, labels, weights=weight, reduction=reduction)
    return where(counted, losses, 0.0) if reduction == "none" else losses


def binary_cross_entropy(
    logits: TensorLike, targets: TensorLike, *, reduction: str = "mean", **others: Any
) -> Tensor:
    """`BinaryCrossEntropy(reduction)(logits, targets)`: see the class for the formula.

    Errors: as for the class, and OptionError (MG157) if `logits` is the output of a sigmoid, even a
    reshaped or indexed one.

    Since: 0.1.
    """
    if others:
        return call_renamed(binary_cross_entropy, **locals())
    _refuse_probabilities("binary_cross_entropy", logits, Sigmoid)
    return BinaryCrossEntropy(reduction)(logits, keep_dtype(targets))


def negative_log_likelihood(
    log_probabilities: TensorLike,
    labels: TensorLike,
    *,
    weights: Sequence[float] | None = None,
    reduction: str = "mean",
    **others: Any,
) -> Tensor:
    """`NegativeLogLikelihood(reduction, weights)(x, labels)`: see the class for the formula.

    Since: 0.2.
    """
    if others:
        return call_renamed(negative_log_likelihood, **locals())
    return NegativeLogLikelihood(reduction, weights)(log_probabilities, keep_dtype(labels))


def _refuse_probabilities(loss: str, logits: TensorLike, gate: type[Gate]) -> None:
    """Raise OptionError if the logits are the output of the gate that the loss itself applies."""
    if not (isinstance(logits, Tensor) and isinstance(logits.node.gate, (gate, *_MOVING))):
        return
    nodes = ancestors([logits.node], _moved)
    # The sources are the nodes that computed the values. Raise an error only if that gate computed
    # all of them, because a mixture may include real logits.
    sources = [node for node in nodes if node.requires_grad and not isinstance(node.gate, _MOVING)]
    if sources and all(isinstance(node.gate, gate) for node in sources):
        name = gate.__name__
        raise OptionError(
            "MG157",
            f"{loss} takes logits, but got the output of {name}",
            where=f"{name} {scope_label(sources[0].scope)}",
            cause=f"the loss already applies {name}; applying it twice makes the gradient small, "
            "and the model hardly learns",
            remedy=f"remove the {name.lower()} from the model, and apply it only when you need "
            "probabilities",
        )


_MOVING = (_Moving, Where, Cast)


def _moved(node: Node) -> tuple[Node, ...]:
    """Return a node's inputs if its gate only moves, selects or converts elements, else ()."""
    return node.inputs if isinstance(node.gate, _MOVING) else ()


def mean_squared_error(
    prediction: TensorLike, truth: TensorLike, *, reduction: str = "mean", **others: Any
) -> Tensor:
    """`MeanSquaredError(reduction)(prediction, truth)`: see the class for the formula.

    Since: 0.1.
    """
    if others:
        return call_renamed(mean_squared_error, **locals())
    return MeanSquaredError(reduction)(prediction, truth)


def mean_absolute_error(
    prediction: TensorLike, truth: TensorLike, *, reduction: str = "mean", **others: Any
) -> Tensor:
    """`MeanAbsoluteError(reduction)(prediction, truth)`: see the class for the formula.

    Since: 0.2.
    """
    if others:
        return call_renamed(mean_absolute_error, **locals())
    return MeanAbsoluteError(reduction)(prediction, truth)
