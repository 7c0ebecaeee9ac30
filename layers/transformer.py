"""Layers of a transformer: multi-head attention, the block that contains it, and positions.

Shapes: x (B, T, D), where B is the batch size, T the number of steps, and D the width.
"""

from typing import Any

import numpy as np

from minigrad import ScaledDotProductAttention, Tensor, concatenate, gelu
from minigrad.context import FUSED
from minigrad.errors import OptionError, ShapeError
from minigrad.graph import Array
from minigrad.help.other_frameworks import answering

from .arguments import check_sequence, parameter
from .cells import State, shapes, state_misfit
from .dense import Dense
from .dropout import Dropout
from .init import Initialiser, glorot_uniform, normal, zeros
from .layer import Layer
from .mask import as_mask
from .norm import LayerNorm


class MultiHeadAttention(Layer):
    """z = [head₁ ... headₙ] @ W_out + b_out, where each head is the attention softmax(q @ kᵀ / √d) @ v
    of q, k and v, the head's share of x @ W_qkv + b_qkv.

    x (B, T, D) -> z (B, T, D). Each head has the width d = D / heads. W_qkv (D, 3D) has the blocks
    q, k and v from left to right, and each block contains the heads in order. W_out and b_out are
    the parameters of the child `out_proj`. With `causal=True`, step t attends only to the steps 0
    to t. With `bias=False`, there are no biases. `mask` (B, T) is True at the real steps; no step
    attends to the others.

    >>> attention = MultiHeadAttention(4, heads=2)
    >>> attention(np.ones((3, 5, 4))).shape, list(attention.named_parameters())
    ((3, 5, 4), ['W_qkv', 'b_qkv', 'out_proj.W', 'out_proj.b'])

    `layers.outputs` finds the attention weights (B, heads, T, T) under the name `weights`, and q, k
    and v (B, heads, T, d) under their own names.

    To read a sequence in parts, call `z, state = attention(x, state)` for each part, beginning with
    the `initial_state`. The state (k, v) contains the keys and values of all earlier steps. A mask
    then covers these steps too.

    Errors: OptionError for a width that the heads cannot share equally (MG245) and for a state
    without causal=True (MG246); ShapeError for x (MG221) or a mask (MG222) of the wrong shape.
    Source: Vaswani et al., Attention is all you need (2017), 3.2.2.

    Since: 0.2.
    """

    @answering
    def __init__(
        self,
        width: int,
        heads: int,
        causal: bool = False,
        bias: bool = True,
    ) -> None:
        if not (hasattr(heads, "__index__") and heads > 0 and width % heads == 0):
            raise OptionError(
                "MG245",
                f"{heads!r} heads cannot share a width of {width}",
                cause="every head works on an equal part of the width",
                remedy="choose an integer number of heads, and a width that is a multiple of it",
            )
        self.heads = heads
        self.causal = causal
        self.W_qkv = parameter(glorot_uniform, (width, 3 * width))
        self.b_qkv = parameter(zeros, (3 * width,)) if bias else None
        self.out_proj = Dense(width, width, bias=bias)

    def initial_state(self, batch: int) -> State:
        """Return the state before the first step: keys and values (B, heads, 0, d)."""
        width = len(self.W_qkv)
        dtype = self.W_qkv.dtype
        empty = Tensor(np.zeros((batch, self.heads, 0, width // self.heads), dtype))
        return empty, empty

    def forward(
        self,
        x: Any,
        state: State = None,
        *,
        mask: Any = None,
    ) -> Any:
        x = check_sequence(self, x, len(self.W_qkv), self.W_qkv.dtype)
        batch, steps, width = x.shape
        qkv = x @ self.W_qkv
        if self.b_qkv is not None:
            qkv = qkv + self.b_qkv
        parts = qkv.reshape(batch, steps, 3, self.heads, width // self.heads)
        q, k, v = parts.transpose(2, 0, 3, 1, 4)
        if state is not None:
            self._check_state(state, k.shape)
            k, v = (concatenate(pair, axis=2) for pair in zip(state, (k, v), strict=True))
        self.note(q=q, k=k, v=v)
        z = self._attend(q, k, v, as_mask(mask, None, batch, k.shape[2]))
        z = self.out_proj(z.transpose(0, 2, 1, 3).reshape(batch, steps, width))
        return z if state is None else (z, (k, v))

    def _attend(
        self,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        real: Array | None,
    ) -> Tensor:
        steps = q.shape[2]
        keys = k.shape[2]
        mask = [] if real is None else [real[:, None, None]]
        if self.causal and 1 < steps < keys:  # the gate's mask is for as many keys as queries
            mask = [np.tri(steps, keys, keys - steps, bool) & (mask[0] if mask else True)]
        gate = ScaledDotProductAttention(self.causal and steps == keys)
        if FUSED.get() is not False:
            return gate(q, k, v, *mask)
        weights = gate.weights(q, k, *mask)
        self.note(weights=weights)
        return weights @ v

    def _check_state(self, state: State, shape: tuple[int, ...]) -> None:
        if not self.causal:
            raise OptionError(
                "MG246",
                "attention that is not causal cannot continue from a state",
                cause="new steps would also change the outputs of the steps before them",
                remedy="create the layer with causal=True, or pass the whole sequence in one call",
            )
        batch, heads, _, size = shape
        found = shapes(state)
        steps = found[0][2] if found and len(found[0] or ()) == 4 else "steps"
        needed = [(batch, heads, steps, size)] * 2
        if found != needed:
            remedy = (
                "pass the initial_state, or a state returned by a call with the same batch size"
            )
            raise state_misfit(batch, state, needed, remedy)

    def settings(self) -> str:
        options = f"{', causal=True' * self.causal}{', bias=False' * (self.b_qkv is None)}"
        return f"{len(self.W_qkv)}, {self.heads}{options}"


class TransformerBlock(Layer):
    """y = x + attention(norm1(x)), and z = y + linear2(gelu(linear1(norm2(y)))).

    x (B, T, D) -> z (B, T, D). linear1 has 4D outputs. Each sum adds a result to the value that it
    was computed from ("residual connection"). As in GPT-2, this value is normalized before the
    attention or linear1 reads it ("pre-norm"). The children have PyTorch's names: `norm1`,
    `self_attn`, `norm2`, `linear1` and `linear2`. In training mode, `dropout` acts on both results
    before they are added. `bias=False` leaves out all biases, also those of the norms. For
    `causal`, a mask and a state, see MultiHeadAttention.

    >>> block = TransformerBlock(4, heads=2)
    >>> block(np.ones((3, 5, 4))).shape
    (3, 5, 4)
    >>> z, state = block(np.ones((3, 1, 4)), block.initial_state(3))
    >>> z, state = block(np.ones((3, 1, 4)), state)          # the second step
    >>> [part.shape for part in state]
    [(3, 2, 2, 2), (3, 2, 2, 2)]

    Errors: see MultiHeadAttention and Dropout. Sources: Vaswani et al., Attention is all you need
    (2017); Xiong et al., On layer normalization in the transformer architecture (2020), for
    pre-norm.

    Since: 0.2.
    """

    _child_name = "block"

    @answering
    def __init__(
        self,
        width: int,
        heads: int,
        causal: bool = True,
        *,
        dropout: float = 0.0,
        bias: bool = True,
    ) -> None:
        self.norm1 = LayerNorm(width, bias=bias)
        self.self_attn = MultiHeadAttention(width, heads, causal, bias)
        self.norm2 = LayerNorm(width, bias=bias)
        self.linear1 = Dense(width, 4 * width, gelu, bias=bias)
        self.linear2 = Dense(4 * width, width, bias=bias)
        self.dropout = Dropout(dropout) if dropout else None

    def initial_state(self, batch: int) -> State:
        """Return the attention's state before the first step."""
        return self.self_attn.initial_state(batch)

    def forward(
        self,
        x: Any,
        state: State = None,
        *,
        mask: Any = None,
    ) -> Any:
        x = check_sequence(self, x, len(self.norm1.gain), self.norm1.gain.dtype)
        z = self.self_attn(self.norm1(x), state, mask=mask)
        if state is not None:
            z, state = z
        y = x + self._drop(z)
        z = y + self._drop(self.linear2(self.linear1(self.norm2(y))))
        return z if state is None else (z, state)

    def _drop(self, z: Tensor) -> Tensor:
        return z if self.dropout is None else self.dropout(z)

    def settings(self) -> str:
        return self.self_attn.settings()


class PositionalEmbedding(Layer):
    """z = x + table[start : start + T]: a learned vector for each position, for x (B, T, D).

    The table (length, D) begins with small random numbers. `start` is the position of the first
    step, which is not 0 if x continues a sequence.

    >>> PositionalEmbedding(length=8, width=4)(np.ones((3, 5, 4))).shape
    (3, 5, 4)

    Errors: OptionError for sizes below 1 (MG210); ShapeError for x of the wrong shape (MG221) and
    for positions outside the table (MG247). Source: Radford et al., Improving language
    understanding by generative pre-training (2018).

    Since: 0.2.
    """

    def __init__(
        self,
        length: int,
        width: int,
        *,
        init: Initialiser = normal(0.02),  # noqa: B008
    ) -> None:
        self.table = parameter(init, (length, width))

    def forward(self, x: Any, start: int = 0) -> Tensor:
        length, width = self.table.shape
        x = check_sequence(self, x, width, self.table.dtype)
        end = start + x.shape[1]
        if start < 0 or end > length:
            raise ShapeError(
                "MG247",
                f"there are {length} positions, but x takes the positions {start} to {end - 1}",
                cause="every position needs its learned vector",
                remedy=f"pass at most {length} steps at a time, or create the layer with a larger "
                "length; to generate longer texts, pass context=length to sample",
            )
        return x + self.table[start:end]

    def settings(self) -> str:
        length, width = self.table.shape
        return f"{length}, {width}"


class PositionalEncoding(Layer):
    """z = x + P, for x (B, T, D), where P[t, 2i] = sin(t / 10000^(2i / D)) and P[t, 2i + 1] =
    cos(t / 10000^(2i / D)).

    The layer has no parameters, and accepts sequences of any length. t begins at `start`.

    >>> PositionalEncoding()(np.zeros((1, 2, 4), "float32")).array.round(2)
    array([[[0.  , 1.  , 0.  , 1.  ],
            [0.84, 0.54, 0.01, 1.  ]]], dtype=float32)

    Errors: ShapeError for x of the wrong shape (MG221). Source: Vaswani et al., Attention is all you
    need (2017), 3.5.

    Since: 0.2.
    """

    def forward(self, x: Any, start: int = 0) -> Tensor:
        x = check_sequence(self, x)
        _, steps, width = x.shape
        positions = np.arange(start, start + steps)[:, None]
        angles = positions / 10_000 ** (np.arange(0, width, 2) / width)
        pairs = np.stack([np.sin(angles), np.cos(angles)], axis=-1)
        P = pairs.reshape(steps, -1)[:, :width]
        return x + P.astype(np.result_type(x.dtype, np.float32))
