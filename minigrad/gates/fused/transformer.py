"""Gates of a transformer block: layer normalization, and attention with its mask inside.

GELU, the block's activation function, is in gates/activation.py.
"""

import math
from collections.abc import Iterator
from contextlib import suppress

import numpy as np

from ...errors import DtypeError, ShapeError
from ...gate import Gate, Shape
from ...graph import Array
from ...tensor import Tensor, TensorLike, as_tensors
from ..activation import softmax
from ..basic import floats
from ..indexing import where
from ..samples import samples_on

# Attention works on this many queries at a time. In causal attention, a block of queries skips all
# keys after the block.
QUERIES = 64
# Scores s are shifted by their maximum before e^s is computed, unless all |s| are below the largest
# exponent divided by this number. Then no e^s and no sum can overflow.
HEADROOM = 3


class LayerNormalise(Gate):
    """z = h ⊙ gain + bias, with h = (x - μ) / √(σ² + epsilon).

    μ and σ² are the mean and the variance of x over its last axis. Let dh = dz ⊙ gain. Then dx =
    (dh - mean(dh) - h ⊙ mean(dh ⊙ h)) / √(σ² + epsilon), dgain = dz ⊙ h and dbias = dz. The two
    subtracted means are the parts of dh that h loses, because its mean is always 0 and its variance
    is 1.

    Shapes: x (..., n), gain (n,), and optionally bias (n,). z has x's shape.

    >>> layer_norm(Tensor([[1.0, 3.0]]), np.ones(2), np.array([0.0, 5.0])).array.round(3)
    array([[-1.,  6.]], dtype=float32)

    Errors: ShapeError if gain or bias do not match x's last axis (MG159). Source: Ba, Kiros and
    Hinton, Layer normalization (2016).
    """

    symbol = "layer norm"
    operations = 8

    def __init__(self, epsilon: float = 1e-5) -> None:
        self.epsilon = epsilon

    def forward(self, x, gain, *bias):
        self.shape(x.shape, gain.shape, *(one.shape for one in bias))
        mean, z, inverse = self._standardize(floats(x))
        z *= inverse
        z *= gain
        for one in bias:
            z += one
        # Saving h instead would save two operations in backward, but takes as much memory as x.
        return z, (mean, inverse)

    def backward(self, dz, z, x, gain, *rest):
        saved = rest[-1]
        if saved is None:  # x is a Tensor
            _, h, inverse = self._standardize(x)
        else:
            mean, inverse = saved
            h = x - mean
        h *= inverse
        dgain = dz * h
        # the mean of dh is the product of dz and this column
        column = gain.reshape(-1, 1) / x.shape[-1]

        def d_x():
            dx = dz * gain
            dx -= dz @ column
            dx -= h * (dgain @ column)
            dx *= inverse
            return dx

        return (d_x, dgain, dz)[: 1 + len(rest)]

    def _standardize(self, x):
        """Return μ, x - μ and 1 / √(σ² + epsilon). x is an array or a Tensor."""
        mean = row_sums(x) / x.shape[-1]
        centred = x - mean
        return (
            mean,
            centred,
            1 / np.sqrt(row_sums(centred * centred) / x.shape[-1] + self.epsilon),
        )

    def shape(self, *shapes: Shape) -> Shape:
        x, *others = shapes
        if not x or any(other != x[-1:] for other in others):
            raise ShapeError(
                "MG159",
                f"LayerNormalise cannot normalize x {x} with a gain or bias of shape "
                f"{', '.join(map(str, others))}",
                cause="gain and bias need one element for each element along the last axis of x",
                remedy="pass x of shape (..., n), and gain and bias of shape (n,)",
            )
        return x

    sample_inputs = samples_on(
        *(
            [x, *[x[-1:]] * count]
            for x in [(3, 4), (2, 3, 2), (5,), (2, 1, 3, 3)]
            for count in (1, 2)
        ),
        settings=[1e-5, 0.1],
    )


class ScaledDotProductAttention(Gate):
    """z = A @ v, with the attention weights A = softmax(scale · q @ kᵀ).

    The weight A_ts says how much of value s is in output t. Each row of A sums to 1. `scale` is 1/√D
    by default. If `causal` is True, query t uses only the keys 0 to t. A boolean mask is True where
    a query may use a key, as in PyTorch. All other weights are exactly 0. If a query may not use any
    key, its weights, its output and all its gradients are 0, as in PyTorch since version 2.5.

    Let dS = A ⊙ (dz @ vᵀ - Σ dz ⊙ z), summed over each row. Then dq = scale · dS @ k, dk = scale ·
    dSᵀ @ q and dv = Aᵀ @ dz. The node saves A, which is `z.node.arrays[-1]`. `weights` computes A
    without a node.

    Shapes: q (..., T, D), k (..., S, D), v (..., S, W), and optionally a mask that broadcasts to
    (..., T, S). The other axes, such as batch and head, broadcast. z has shape (..., T, W).

    >>> q, v = np.zeros((2, 1)), np.array([[2.0], [4.0]])
    >>> scaled_dot_product_attention(q, q, v, causal=True).array
    array([[2.],
           [3.]])

    Errors: ShapeError if the shapes do not match, or if there are not as many keys as queries in
    causal attention (MG160); DtypeError if the mask is not boolean (MG161). Source: Vaswani et al.,
    Attention is all you need (2017), 3.2.1.
    """

    symbol = "attention"
    constant_inputs = (3,)

    def __init__(self, causal: bool = False, scale: float | None = None) -> None:
        self.causal, self.scale = causal, scale

    def forward(self, q, k, v, mask=None):
        *batch, T, W = self.shape(*(one.shape for one in (q, k, v, mask) if one is not None))
        if mask is not None and mask.dtype != bool:
            raise DtypeError(
                "MG161",
                f"{self.name} takes a boolean mask, not {mask.dtype}",
                cause="a mask is True where a query may use a key; it is not added to the scores",
                remedy="convert a mask of 0 and 1 with mask.astype(bool), and a mask of 0 and -inf with mask == 0",
            )
        dtype = np.result_type(q, k, v, 1.0)  # 1.0 makes integers float64
        q, k, v = (one.astype(dtype, copy=False) for one in (q, k, v))
        q = q * self._factor(q)
        weights = np.zeros((*batch, T, k.shape[-2]), dtype)
        # A layer's q is a transposed view. If z has q's layout in memory, joining the heads later
        # does not copy z.
        z = np.empty_like(q, shape=(*batch, T, W))
        hidden = None if mask is None else np.broadcast_to(~mask, weights.shape)
        later = np.tri(QUERIES) == 0
        lowest = np.finfo(dtype).min
        # by the Cauchy-Schwarz inequality, a score is at most |q| |k|
        square = float(np.vecdot(q, q).max(initial=0)) * float(np.vecdot(k, k).max(initial=0))
        shift = not math.sqrt(square) < np.log(np.finfo(dtype).max) / HEADROOM
        for rows, seen in self._blocks(T, k.shape[-2]):
            keys = k[..., :seen, :].swapaxes(-1, -2)
            a = np.matmul(q[..., rows, :], keys, out=weights[..., rows, :seen])
            if self.causal:
                size = a.shape[-2]
                np.copyto(a[..., rows], -np.inf, where=later[:size, :size])
            if hidden is not None:
                np.copyto(a, -np.inf, where=hidden[..., rows, :seen])
            if shift:  # by a finite number, even if all scores of a row are -inf
                a -= a.max(axis=-1, keepdims=True, initial=lowest)
            np.exp(a, out=a)
            sums = row_sums(a)
            if hidden is not None:
                sums[sums == 0] = 1
            a /= sums
            np.matmul(a, v[..., :seen, :], out=z[..., rows, :])
        return z, weights

    def backward(self, dz, z, q, k, v, *rest):
        *mask, weights = rest
        if weights is None:  # q, k and v are Tensors
            weights = self.weights(q, k, *mask)
            return *self._gradients(weights, dz, z, q, k, v), *[None for _ in mask]
        gradients = [
            np.zeros_like(one, weights.dtype, shape=(*weights.shape[:-2], *one.shape[-2:]))
            for one in (q, k, v)
        ]
        for rows, seen in self._blocks(*weights.shape[-2:]):
            parts = self._gradients(
                weights[..., rows, :seen], dz[..., rows, :], z[..., rows, :],
                q[..., rows, :], k[..., :seen, :], v[..., :seen, :],
            )  # fmt: skip
            for whole, place, part in zip(
                gradients, (rows, slice(seen), slice(seen)), parts, strict=True
            ):
                whole[..., place, :] += part
        return *gradients, *[None for _ in mask]

    def _gradients(self, weights, dz, z, q, k, v):
        """Return dq, dk and dv, from arrays or Tensors."""
        ds = dz @ v.swapaxes(-1, -2)
        ds -= row_sums(dz * z)
        ds *= weights
        factor = self._factor(q)
        return (
            ds @ (k * factor),
            ds.swapaxes(-1, -2) @ (q * factor),
            weights.swapaxes(-1, -2) @ dz,
        )

    def weights(self, q: TensorLike, k: TensorLike, mask: Array | None = None) -> Tensor:
        """Return the attention weights A (..., T, S), computed by small gates."""
        q, k = as_tensors([q, k])
        scores = (q * self._factor(q)) @ k.swapaxes(-1, -2)
        allowed = np.tri(*scores.shape[-2:]) > 0 if self.causal else np.array(True)
        if mask is not None:
            allowed = allowed & mask
        if allowed.all():
            return softmax(scores)
        # e^lowest is exactly 0. Unlike -inf, lowest is finite, so it is not mistaken for an error.
        lowest = np.finfo(scores.dtype).min / 2
        weights = softmax(where(allowed, scores, lowest))
        # the softmax of a row without any key is not 0
        return weights if allowed.any(axis=-1).all() else where(allowed, weights, 0.0)

    def _factor(self, q) -> float:
        return q.shape[-1] ** -0.5 if self.scale is None else self.scale

    def _blocks(self, queries: int, keys: int) -> Iterator[tuple[slice, int]]:
        """Yield the rows of each block of queries, and the number of keys that the block uses."""
        for start in range(0, queries, QUERIES):
            stop = min(start + QUERIES, queries)
            yield slice(start, stop), stop if self.causal else keys

    def shape(self, *shapes: Shape) -> Shape:
        q, k, v, *mask = shapes
        if (
            min(len(q), len(k), len(v)) > 1
            and q[-1] == k[-1] > 0
            and k[-2] == v[-2]
            and not (self.causal and q[-2] != k[-2])
        ):
            with suppress(ValueError):
                batch = np.broadcast_shapes(q[:-2], k[:-2], v[:-2])
                weights = (*batch, q[-2], k[-2])
                if all(np.broadcast_shapes(one, weights) == weights for one in mask):
                    return (*batch, q[-2], v[-1])
        given = ", ".join(
            f"{name} {shape}" for name, shape in zip(("q", "k", "v", "mask"), shapes, strict=False)
        )
        raise ShapeError(
            "MG160",
            f"{self.name} cannot combine {given}",
            cause="q must have shape (..., T, D), k (..., S, D), v (..., S, W), and a mask must "
            "broadcast to (..., T, S)" + ", with T = S in causal attention" * self.causal,
            remedy="correct the shapes; if there are fewer queries than keys, pass a mask instead of "
            "causal=True",
        )

    def flops(self, output: Shape, *shapes: Shape) -> int:
        keys, width = shapes[1][-2:]
        # two products, and the five operations of a softmax for each weight
        return math.prod(output[:-1]) * keys * (2 * width + 2 * output[-1] + 5)

    sample_inputs = samples_on(
        [(3, 2), (3, 2), (3, 2)],
        [(2, 1, 3, 2), (2, 3, 2), (1, 1, 3, 4)],
        [(2, 3, 2), (2, 3, 2), (2, 3, 1), [[True, False, False], [False] * 3, [True, True, False]]],
        [(2, 2, 3, 1), (2, 1, 3, 1), (3, 2), [[[[True, True, False]]], [[[True, False, True]]]]],
        settings=[{}, {"causal": True}, {"scale": 0.3}],
    )  # fmt: skip


def row_sums(a):
    """Return the sums of a (..., n) over the last axis, (..., 1). a is an array or a Tensor.

    For rows this short, a product with ones is faster than np.sum.
    """
    return a @ np.ones((a.shape[-1], 1), a.dtype)


def layer_norm(
    x: TensorLike, gain: TensorLike, bias: TensorLike | None = None, epsilon: float = 1e-5
) -> Tensor:
    """`LayerNormalise(epsilon)(x, gain, bias)`: see the class for the formula."""
    return LayerNormalise(epsilon)(x, gain, *([] if bias is None else [bias]))


def scaled_dot_product_attention(
    q: TensorLike,
    k: TensorLike,
    v: TensorLike,
    mask: TensorLike | None = None,
    causal: bool = False,
    scale: float | None = None,
) -> Tensor:
    """`ScaledDotProductAttention(causal, scale)(q, k, v, mask)`: see the class for the formula."""
    gate = ScaledDotProductAttention(causal, scale)
    return gate(q, k, v, *([] if mask is None else [mask]))
