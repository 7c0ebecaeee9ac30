"""Gates of a transformer block: layer normalization, and attention with its mask inside.

GELU, the block's activation function, is in gates/activation.py.
"""

import math
from contextlib import suppress

import numpy as np

from ...errors import DtypeError, ShapeError
from ...gate import Gate, Shape
from ...graph import Array
from ...support.arrays import BLOCK, blocks_of_rows
from ...tensor import Tensor, TensorLike, as_tensors
from ..activation import softmax
from ..basic import WIDE, copied, floats, on_floats
from ..indexing import where
from ..samples import samples_on

# Attention works on this many queries at a time. In causal attention, a block of queries skips all
# keys after the block.
QUERIES = 64
# and on at most this many scores, unless a single element of the batch has more
CACHED = 2 * BLOCK
ALL = np.array(True)  # the mask that allows everything


class LayerNormalise(Gate):
    """z = h ⊙ gain + bias, with h = (x - μ) / √(σ² + epsilon).

    μ and σ² are the mean and the variance of x over its last axis. Let dh = dz ⊙ gain. Then dx =
    (dh - mean(dh) - h ⊙ mean(dh ⊙ h)) / √(σ² + epsilon), dgain = dz ⊙ h and dbias = dz. The two
    subtracted terms are the parts of dh that do not reach x, because no change of x changes h's
    mean, 0, or its variance, 1.

    Shapes: x (..., n), gain (n,), and optionally bias (n,). z has x's shape.

    >>> layer_norm(Tensor([[1.0, 3.0]]), np.ones(2), np.array([0.0, 5.0])).array.round(3)
    array([[-1.,  6.]], dtype=float32)

    Errors: ShapeError if gain or bias do not match x's last axis (MG159). Source: Ba, Kiros and
    Hinton, Layer normalization (2016).

    Since: 0.2.
    """

    symbol = "layer norm"
    operations = 8

    def __init__(self, epsilon: float = 1e-5) -> None:
        self.epsilon = copied(epsilon)

    def forward(self, x, gain, *bias):
        self.shape(x.shape, gain.shape, *(one.shape for one in bias))
        if x.dtype.char not in WIDE:
            return on_floats(self, x, gain, *bias)
        z = np.empty(x.shape, x.dtype)
        for rows, result in blocks_of_rows(x, z):
            h, inverse = self.standardize(rows)
            h *= inverse
            np.multiply(h, gain, out=result)
            for one in bias:
                result += one
        return z

    def backward(self, dz, z, x, gain, *bias):
        gain = floats(gain)
        width = x.shape[-1]
        if isinstance(dz, Tensor):
            (x,) = as_tensors([x])  # an array if x has integers
            dx, dgain = self._gradients(dz, x, gain)
        else:
            dx = np.empty(dz.shape, dz.dtype)
            dgain = np.zeros(gain.shape, dz.dtype)
            for upstream, rows, result in blocks_of_rows(dz, x, dx):
                result[...], of_rows = self._gradients(upstream, rows, gain)
                dgain += of_rows
        dz_rows = dz.reshape(-1, width)
        ones = np.ones(len(dz_rows), dz.dtype)
        dbias = [ones @ dz_rows for _ in bias]
        return (dx, dgain, *dbias)

    def _gradients(self, dz, x, gain):
        """Return dx and dgain, from arrays or Tensors."""
        # Computing x - μ again takes little time. Saving it would take as much memory as x.
        centred, inverse = self.standardize(x)
        width = x.shape[-1]
        products = dz * centred
        # a sum over all rows, as a product with a vector
        flat = products.reshape(-1, width)
        dgain = inverse.reshape(-1) @ flat
        column = gain.reshape(-1, 1) / width  # mean(dh) is dz @ column
        centred *= inverse * inverse * (products @ column)
        centred += dz @ column
        dx = dz * gain
        dx -= centred
        dx *= inverse
        return dx, dgain

    def standardize(self, x):
        """Return x - μ and 1 / √(σ² + epsilon). x is an array or a Tensor."""
        x = floats(x)
        width = x.shape[-1]
        centred = x - row_sums(x) / width
        squares = row_dots(centred, centred)
        squares += width * self.epsilon
        return centred, np.sqrt(width / squares)

    def shape(self, *shapes: Shape) -> Shape:
        x, *others = shapes
        if not x or {x[-1:], *others} != {x[-1:]}:
            raise ShapeError(
                "MG159",
                f"LayerNormalise cannot apply a gain {others[0]} or a bias {others[-1]} to x {x}",
                cause="gain and bias need one element for each element along the last axis of x",
                remedy="pass x of shape (..., n), and gain and bias of shape (n,)",
            )
        return x

    sample_inputs = samples_on("3x4 4", "2x3x2 2 2", "5 5 5")


class ScaledDotProductAttention(Gate):
    """z = A @ v, with the attention weights A = softmax(scale · q @ kᵀ).

    The weight A_ts says how much of value s is in output t. Each row of A sums to 1. `scale` is 1/√D
    by default. If `causal` is True, query t uses only the keys 0 to t. All other weights are exactly
    0, so they pass no gradient on.

    Let dS = A ⊙ (dz @ vᵀ - Σ dz ⊙ z), summed over each row. This is the gradient of the scaled
    scores. Then dq = scale · dS @ k, dk = scale · dSᵀ @ q and dv = Aᵀ @ dz.

    Shapes: q (..., T, D), k (..., S, D), v (..., S, W), and optionally a mask that broadcasts to
    (..., T, S). The other axes, such as batch and head, broadcast. z has shape (..., T, W).

    >>> q, v = np.zeros((2, 1)), np.array([[2.0], [4.0]])
    >>> scaled_dot_product_attention(q, q, v, causal=True).array
    array([[2.],
           [3.]])

    A boolean mask is True where a query may use a key, as in PyTorch. If a query may not use any
    key, its weights, its output and all its gradients are 0, as in PyTorch since version 2.5.
    `weights` computes A, which the node does not save.

    Errors: ShapeError if the shapes do not match, or if there are not as many keys as queries in
    causal attention (MG160); DtypeError if the mask is not boolean (MG161). Source: Vaswani et al.,
    Attention is all you need (2017), 3.2.1.

    Since: 0.2.
    """

    symbol = "attention"
    constant_inputs = (3,)

    def __init__(self, causal: bool = False, scale: float | None = None) -> None:
        self.causal = bool(causal)
        self.scale = copied(scale)

    def forward(self, q, k, v, mask=ALL):
        *batch, T, W = self.shape(q.shape, k.shape, v.shape, mask.shape)
        if mask.dtype != bool:
            raise DtypeError(
                "MG161",
                f"{self.name} takes a boolean mask, not {mask.dtype}",
                cause="a mask is True where a query may use a key; it is not added to the scores",
                remedy="convert a mask of 0 and 1 with mask.astype(bool), or a mask of 0 and -inf "
                "with mask == 0",
            )
        if q.dtype.char not in WIDE:
            return on_floats(self, q, k, v, mask)
        # A layer's q is a transposed view. If z has q's layout in memory, joining the heads later
        # does not copy z.
        dtype = np.result_type(q, floats(k), v)
        shape = (*batch, T, W)
        z = np.empty_like(q, dtype, shape=shape)
        v = _spread(batch, v)
        for row, key, a in self._blocks(batch, q, k, mask):
            np.matmul(a, v[key], out=z[row])
        return z

    def backward(self, dz, z, q, k, v, *mask):
        q, k, v = map(floats, (q, k, v))
        # A is not saved, because it takes much more memory than z, and computing it again is fast.
        if isinstance(dz, Tensor):
            weights = self.weights(q, k, *mask)
            gradients = self._gradients(weights, dz, z, q, k, v)
        else:
            batch = z.shape[:-2]
            q, k, v = (_spread(batch, one) for one in (q, k, v))
            gradients = [np.zeros_like(one, z.dtype, shape=one.shape) for one in (q, k, v)]
            dq, dk, dv = gradients
            for row, key, a in self._blocks(batch, q, k, *mask):
                of_rows = dz[row], z[row], q[row]
                parts = self._gradients(a, *of_rows, k[key], v[key])
                dq[row] = parts[0]
                dk[key] += parts[1]
                dv[key] += parts[2]
        return *gradients, *[None] * len(mask)

    def _gradients(self, weights, dz, z, q, k, v):
        """Return dq, dk and dv, from arrays or Tensors."""
        ds = dz @ v.swapaxes(-1, -2)
        ds -= row_dots(dz, z)
        ds *= weights
        factor = self._factor(q)
        dq = ds @ (k * factor)
        dk = ds.swapaxes(-1, -2) @ (q * factor)
        dv = weights.swapaxes(-1, -2) @ dz
        return dq, dk, dv

    def weights(
        self,
        q: TensorLike,
        k: TensorLike,
        mask: Array = ALL,
    ) -> Tensor:
        """Return the attention weights A (..., T, S), computed by small gates."""
        q, k = map(floats, as_tensors([q, k]))
        q = q * self._factor(q)
        scores = q @ k.swapaxes(-1, -2)
        T, S = scores.shape[-2:]
        allowed = self._allowed(mask, T, S)
        if allowed.all():
            return softmax(scores)
        # e^lowest is exactly 0. Unlike -inf, lowest is finite, so it does not look like an error.
        lowest = np.finfo(scores.dtype).min / 2
        scores = where(allowed, scores, lowest)
        weights = softmax(scores)
        if allowed.any(axis=-1).all():
            return weights
        # the softmax of a row without any key is not 0
        return where(allowed, weights, 0.0)

    def _factor(self, q):
        if self.scale is not None:
            return self.scale
        return q.shape[-1] ** -0.5

    def _allowed(self, mask, T, S):
        """Return whether each query may use each key. The result broadcasts to the weights."""
        if not self.causal:
            return mask
        return mask & np.tri(T, S, dtype=bool)

    def _blocks(self, batch, q, k, mask=ALL):
        """Yield the index of each block's queries, the index of its keys, and its part of A."""
        T = q.shape[-2]
        S = k.shape[-2]
        q = floats(q) * self._factor(q)
        q = _spread(batch, q)
        # the product with contiguous columns takes less time
        columns = floats(k).swapaxes(-1, -2)
        columns = np.ascontiguousarray(columns)
        columns = _spread(batch, columns)
        allowed = self._allowed(mask, T, S)
        everything = allowed.all()
        forbidden = np.broadcast_to(~allowed, (*batch, T, S))
        for part in _parts(batch, QUERIES * S):
            for start in range(0, T, QUERIES):
                stop = start + QUERIES
                rows = slice(start, stop)
                keys = slice(stop if self.causal else None)
                row = (*part, ..., rows, slice(None))
                key = (*part, ..., keys, slice(None))
                a = q[row] @ columns[*part, ..., keys]
                if not everything:
                    forbidden_here = forbidden[*part, ..., rows, keys]
                    np.copyto(a, -np.inf, where=forbidden_here)
                _softmax(a)
                yield row, key, a

    def shape(self, *shapes: Shape) -> Shape:
        q, k, v, *mask = shapes
        with suppress(ValueError):  # too few axes, or axes that do not broadcast
            batch = np.broadcast_shapes(
                q[:-2],
                k[:-2],
                v[:-2],
            )
            (*_, T, D), (*_, S, W) = q, v
            weights = (*batch, T, S)
            if (
                k[-2:] == (S, D)
                and (T == S or not self.causal)
                and np.broadcast_shapes(weights, *mask) == weights
            ):
                return (*batch, T, W)
        raise ShapeError(
            "MG160",
            f"{self.name} cannot combine q {q}, k {k} and v {v}",
            cause="q must have shape (..., T, D), k (..., S, D), v (..., S, W), and a mask must "
            "broadcast to (..., T, S); in causal attention, T = S",
            remedy="correct the shapes; if there are fewer queries than keys, pass a mask instead "
            "of causal=True",
        )

    def flops(self, output: Shape, *shapes: Shape) -> int:
        keys = shapes[1][-2]
        return 4 * math.prod(output) * keys  # two products, with W close to D

    sample_inputs = samples_on(
        "2x1x3x2 2x3x2 1x1x3x4",
        ["2x3x2", "2x3x2", "3x1", np.tri(3, k=-1) > 0],
        settings=[
            {},
            {"causal": True, "scale": 0.3},
        ],
    )


def _softmax(a):
    """Apply the softmax along the last axis in place. A row of -inf becomes 0."""
    limits = np.finfo(a.dtype)
    # Without the shift, e^a could overflow. It is finite, even if a row is only -inf.
    a -= a.max(axis=-1, keepdims=True, initial=limits.min)
    np.exp(a, out=a)
    sums = np.maximum(row_sums(a), limits.tiny)  # the sum is 0 if the row is only -inf
    a *= 1 / sums


def _spread(batch, array):
    """View an array (..., n, m) as one of shape (*batch, n, m)."""
    return np.broadcast_to(array, (*batch, *array.shape[-2:]))


def _parts(batch, scores):
    """Return indices that split a batch (N, ...) along its first axis into parts whose scores fit
    into the cache. Each of the batch's elements has `scores` scores.
    """
    if not batch:
        return [()]
    scores *= math.prod(batch[1:])
    count = max(CACHED // max(scores, 1), 1)
    starts = range(0, max(batch[0], 1), count)
    return [(slice(start, start + count),) for start in starts]


def row_sums(a):
    """Return the sums of a (..., n) over the last axis, (..., 1). a is an array or a Tensor.

    For rows this short, np.einsum is faster than np.sum.
    """
    if isinstance(a, Tensor):
        column = np.ones((a.shape[-1], 1), a.dtype)
        return a @ column
    return np.einsum("...j->...", a)[..., None]


def row_dots(a, b):
    """Return row_sums(a ⊙ b), but without an array for the products."""
    if isinstance(a, Tensor):
        return row_sums(a * b)
    return np.vecdot(a, b)[..., None]


def layer_norm(
    x: TensorLike,
    gain: TensorLike,
    bias: TensorLike | None = None,
    epsilon: float = 1e-5,
) -> Tensor:
    """`LayerNormalise(epsilon)(x, gain, bias)`: see the class for the formula.

    Since: 0.2.
    """
    inputs = [x, gain]
    if bias is not None:
        inputs.append(bias)
    return LayerNormalise(epsilon)(*inputs)


def scaled_dot_product_attention(
    q: TensorLike,
    k: TensorLike,
    v: TensorLike,
    mask: TensorLike | None = None,
    causal: bool = False,
    scale: float | None = None,
) -> Tensor:
    """`ScaledDotProductAttention(causal, scale)(q, k, v, mask)`: see the class for the formula.

    Since: 0.2.
    """
    inputs = [q, k, v]
    if mask is not None:
        inputs.append(mask)
    return ScaledDotProductAttention(causal, scale)(*inputs)
