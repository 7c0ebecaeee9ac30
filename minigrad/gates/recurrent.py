"""A recurrence over a whole sequence as one gate: RNN, GRU and LSTM, with backpropagation through time by hand.

Each computes what the cell of the same name in `layers` computes when it is unrolled gate by gate, to rounding, in a
fraction of the time: buffers are filled in place, and NumPy is called a dozen times per step, not a hundred. What it
does not leave behind is a graph of its steps: to draw or step through those, or for second derivatives, unroll.

The part of the inputs, a = x @ W_xh + b, needs no recurrence: other gates compute it for all steps at once.
Conventions as in `layers`: a (B, T, nH), states (B, H), W_hh (H, nH), a mask (B, T) with True at real steps. Outputs
are time-major, (T, B, H), so that each step writes into one stretch of memory. A forward may also return what only
backward needs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..errors import OptionError, ShapeError
from ..gate import Gate, Shape
from ..graph import state
from ..pieces import Array


class _Sequence(Gate):
    """What the three share: the order of the steps, masks, cuts, and the products that serve all steps at once."""

    differentiable_twice = False
    blocks = 1  # the weights have this many blocks of H columns, one for each gate of the cell
    states = 1
    parameters: tuple[str, ...] = ()  # the names of the inputs, the mask aside

    def __init__(self, truncate: int | None = None, reverse: bool = False) -> None:
        if truncate is not None and truncate < 1:
            raise OptionError(
                "MG143",
                f"{self.name} cannot be truncated to {truncate} steps",
                cause="it counts the last steps that carry gradient",
                remedy="give 1 or more, or None for all",
            )
        self.truncate, self.reverse = truncate, reverse

    def shape(self, *shapes: Shape) -> Shape:
        a, first, W_hh = shapes[0], shapes[1 : 1 + self.states], shapes[1 + self.states]
        masks = shapes[len(self.parameters) :]
        columns = self.blocks * W_hh[0]
        if not (
            len(a) == 3
            and a[1] > 0
            and a[2] == columns
            and W_hh == (W_hh[0], columns)
            and all(state == (a[0], W_hh[0]) for state in first)
            and all(mask == a[:2] for mask in masks)
        ):
            names = (*self.parameters, "mask")
            given = ", ".join(f"{name} {shape}" for name, shape in zip(names, shapes, strict=False))
            raise ShapeError(
                "MG144",
                f"{self.name} cannot run over {given}",
                cause="it needs a (B, T, nH) with T of 1 or more, states (B, H), W_hh (H, nH), mask (B, T), "
                f"with n = {self.blocks}",
                remedy="compare the sizes one by one; the layers RNN, GRU and LSTM make them fit",
            )
        return (a[1], a[0], W_hh[0])

    def flops(self, output: Shape, *shapes: Shape) -> int:
        (batch, steps, columns), hidden = shapes[0], output[-1]
        return batch * steps * columns * (2 * hidden + 8)

    def _in_order(self, array: Any, axis: int = 0) -> Any:
        """A view whose `axis` is time in the order in which the steps run."""
        return np.flip(array, axis) if self.reverse else array

    def _steps(self, a: Any, factors: Any = None) -> Any:
        """a (B, T, nH) as (T, B, nH), in the order in which the steps run, its columns times `factors`."""
        by_time = self._in_order(a, 1).transpose(1, 0, 2)
        return np.ascontiguousarray(by_time) if factors is None else by_time * factors

    def _forwards(self, steps: int, mask: Any) -> Iterator[tuple[int, Any]]:
        """(t, rows) as the steps run: rows is None where all take part, else True for those (B, 1) that do."""
        if mask is None:
            yield from ((t, None) for t in range(steps))
            return
        columns = self._in_order(mask.T)[:, :, None]
        for t, column in enumerate(columns):
            yield t, None if column.all() else column

    def _holds(self, steps: int, mask: Any) -> dict[int, Array | None]:
        """The cuts, where somebody wants to hold the states there (`graph.state.on_cut`): else values need no cut."""
        if state.on_cut is None:
            return {}
        return cuts(steps, self.truncate, None if mask is None else self._in_order(mask, 1))

    @staticmethod
    def _hold(rows: Any, part: Any) -> Any:
        """A state behind a cut of those rows (B, 1), or of all (None)."""
        assert state.on_cut is not None
        held = state.on_cut(part.copy())
        return held if rows is None else np.where(rows, held, part)

    def _backwards(self, mask: Any, *dz: Any) -> Iterator[tuple[int, Any, Any]]:
        """(t, rows, go_on) from the last step run to the first that carries gradient.

        `go_on` is None, or before a cut False for the rows of the batch whose gradient stops there. Beyond a cut of all
        rows there is something to do only if outputs of those earlier steps were used as well.
        """
        steps = len(dz[0])
        where = cuts(steps, self.truncate, None if mask is None else self._in_order(mask, 1))
        for t, rows in reversed(list(self._forwards(steps, mask))):
            if t not in where:
                yield t, rows, None
            elif (cut := where[t]) is not None:
                yield t, rows, ~cut
            else:
                yield t, rows, np.zeros((1, 1), bool)
                if not any(part[:t].any() for part in dz):
                    return

    def _as_inputs(self, da: Array) -> Any:
        """da (T, B, nH) as the inputs came, (B, T, nH)."""
        return self._in_order(da).transpose(1, 0, 2)

    @staticmethod
    def _from_states(da: Array, first: Any, h: Any) -> Any:
        """dW_hh: the state before each step times what came back to that step."""
        later = h[:-1].reshape(-1, h.shape[2]).T.dot(da[1:].reshape(-1, da.shape[2]))
        return first.T.dot(da[0]) + later

    @classmethod
    def samples(cls) -> Any:
        rng = np.random.default_rng(25)
        batch, steps, hidden = 3, 4, 2
        columns = cls.blocks * hidden
        sizes = {"a": (batch, steps, columns), "W_hh": (hidden, columns), "b_hh": (columns,)}
        sizes |= dict.fromkeys(("h0", "c0"), (batch, hidden))
        arrays = tuple(rng.normal(size=sizes[name]) for name in cls.parameters)
        padded = np.array([[True, True, True, True], [False, False, True, True], [True, True, False, False]])
        yield cls(), arrays
        yield cls(reverse=True), arrays
        yield cls(), (*arrays, padded)
        yield cls(reverse=True), (*arrays, padded)

    @classmethod
    def refused(cls) -> Any:
        (gate, arrays), *_ = cls.samples()
        a, *others = arrays
        yield gate, (a[:, :, :1], *others), ShapeError
        yield gate, (a[:, :0], *others), ShapeError
        yield gate, (a[:2], *others), ShapeError
        yield gate, (*arrays, np.ones((3, 5), bool)), ShapeError


def cuts(steps: int, truncate: int | None, mask: Any = None) -> dict[int, Array | None]:
    """Before which steps, counted as they run, the state is cut: in all rows (None), or in those marked (B, 1).

    Counting runs from the end, and with a mask over each row's own steps.

    >>> cuts(40, 4)
    {36: None}
    """
    if truncate is None:
        return {}
    if mask is None:
        return {steps - truncate: None} if truncate < steps else {}
    left = mask[:, ::-1].cumsum(axis=1)[:, ::-1]  # how many steps each row still has, this one included
    rows = mask & (left == truncate) & (left[:, :1] > truncate)
    return {int(step): rows[:, step : step + 1] for step in np.flatnonzero(rows.any(axis=0))}


class RNNSequence(_Sequence):
    """z_t = h_t = tanh(a_t + h_(t-1) @ W_hh) for all t: z (T, B, H), for a = x @ W_xh + b.

    Backwards, dh_t being dz_t and what step t+1 sends: da_t = dh_t ⊙ (1 - h_t²), dh_(t-1) = da_t @ W_hhᵀ; then for all
    steps at once dW_hh = Σ h_(t-1)ᵀ @ da_t.

    Inputs: a (B, T, H), h0 (B, H), W_hh (H, H), and perhaps mask (B, T).

    >>> z = RNNSequence()(np.ones((1, 2, 1)), np.zeros((1, 1)), np.full((1, 1), 0.5))
    >>> z.array[:, 0, 0].round(3)  # tanh(1), then tanh(1 + 0.5 tanh(1))
    array([0.762, 0.881])

    Source: Werbos, Backpropagation through time (1990).
    """

    symbol = "RNN"
    parameters = ("a", "h0", "W_hh")
    constant_inputs = (3,)

    def forward(self, a: Any, h0: Any, W_hh: Any, mask: Any = None) -> Any:
        self.shape(*(array.shape for array in (a, h0, W_hh, mask) if array is not None))
        a, h0, W_hh = _one_dtype(a, h0, W_hh)
        from_x = self._steps(a)
        z = np.empty((len(from_x), *h0.shape), a.dtype)
        steps = self._in_order(z)
        h, held = h0, self._holds(len(z), mask)
        for t, rows in self._forwards(len(z), mask):
            if t in held:
                h = self._hold(held[t], h)
            h_next = steps[t]
            np.dot(h, W_hh, out=h_next)
            h_next += from_x[t]
            np.tanh(h_next, out=h_next)
            if rows is not None:
                np.copyto(h_next, h, where=~rows)
            h = h_next
        return z

    def backward(self, dz: Any, z: Any, a: Any, h0: Any, W_hh: Any, mask: Any = None) -> Any:
        dz, h = self._in_order(dz), self._in_order(z)
        slope = 1 - h * h
        da = np.zeros_like(h)
        dh = np.zeros(h0.shape, z.dtype)
        back = W_hh.T
        for t, rows, go_on in self._backwards(mask, dz):
            dh += dz[t]
            np.multiply(dh, slope[t], out=da[t])
            if rows is None:
                dh = da[t].dot(back)
            else:
                da[t] *= rows
                dh = da[t].dot(back) + dh * ~rows
            if go_on is not None:
                dh *= go_on
        gradients = self._as_inputs(da), dh, lambda: self._from_states(da, h0, h)
        return gradients if mask is None else (*gradients, None)


class GRUSequence(_Sequence):
    """z_t = h_t of a gated recurrent unit, reset after the product, for all t: z (T, B, H).

    With a = x @ W_xh + b_xh and s = h_(t-1) @ W_hh + b_hh, in blocks of H columns for the gates u (update), r, n:
    u = σ(a_u + s_u), r = σ(a_r + s_r), n = tanh(a_n + r ⊙ s_n), h_t = n + u ⊙ (h_(t-1) - n).

    Inputs: a (B, T, 3H), h0 (B, H), W_hh (H, 3H), b_hh (3H), and perhaps mask (B, T).

    >>> GRUSequence()(np.ones((1, 2, 3)), np.zeros((1, 1)), np.ones((1, 3)), np.ones(3)).shape
    (2, 1, 1)

    Source: Cho et al., Learning phrase representations using RNN encoder-decoder (2014); PyTorch's manual, GRU.
    """

    symbol = "GRU"
    blocks = 3
    parameters = ("a", "h0", "W_hh", "b_hh")
    constant_inputs = (4,)

    def forward(self, a: Any, h0: Any, W_hh: Any, b_hh: Any, mask: Any = None) -> tuple[Array, Array]:
        self.shape(*(array.shape for array in (a, h0, W_hh, b_hh, mask) if array is not None))
        a, h0, W_hh, b_hh = _one_dtype(a, h0, W_hh, b_hh)
        (batch, length, _), H = a.shape, h0.shape[1]
        # σ(a) = 1 / (1 + e^-a): the minus sign, and the bias of u and r, go in once, in place of at every step.
        W, b_n = W_hh * _signs(a.dtype, H, -1, -1, 1), b_hh[2 * H :]
        gates_from_x = -b_hh[: 2 * H] - self._steps(a[:, :, : 2 * H])
        n_from_x = self._steps(a[:, :, 2 * H :])
        z = np.empty((length, batch, H), a.dtype)
        kept = np.empty((4, length, batch, H), a.dtype)
        steps, inner = self._in_order(z), self._in_order(kept, 1)
        s = np.empty((batch, 3 * H), a.dtype)
        gates = np.empty((batch, 2 * H), a.dtype)
        blocks = gates.reshape(batch, 2, H).transpose(1, 0, 2)
        one = np.ones((), a.dtype)  # as an array: NumPy would convert the Python number at each step
        h, held = h0, self._holds(length, mask)
        with np.errstate(over="ignore"):  # e^-a may be infinite, and 1 / infinity is the 0 that is wanted
            for t, rows in self._forwards(length, mask):
                if t in held:
                    h = self._hold(held[t], h)
                np.dot(h, W, out=s)
                np.add(s[:, : 2 * H], gates_from_x[t], out=gates)
                np.exp(gates, out=gates)
                np.add(gates, one, out=gates)
                np.divide(one, gates, out=gates)
                np.copyto(inner[:2, t], blocks)
                u, r, n, s_n = inner[:, t]
                np.add(s[:, 2 * H :], b_n, out=s_n)
                np.multiply(r, s_n, out=n)
                n += n_from_x[t]
                np.tanh(n, out=n)
                h_next = steps[t]
                np.subtract(h, n, out=h_next)
                h_next *= u
                h_next += n
                if rows is not None:
                    np.copyto(h_next, h, where=~rows)
                h = h_next
        return z, kept

    def backward(self, dz: Any, z: Any, a: Any, h0: Any, W_hh: Any, b_hh: Any, *rest: Any) -> Any:
        mask, kept = rest if len(rest) == 2 else (None, *rest)
        H = h0.shape[1]
        dz, h = self._in_order(dz), self._in_order(z)
        u, r, n, s_n = self._in_order(kept, 1)
        before = np.concatenate([h0[None], h[:-1]])
        to_n = (1 - u) * (1 - n * n)
        to_u = (before - n) * u * (1 - u)
        to_r = s_n * r * (1 - r)
        ds = np.zeros((*h.shape[:2], 3 * H), h.dtype)  # of s; that of a differs in the block of n
        blocks = ds.reshape(*h.shape[:2], 3, H).transpose(0, 2, 1, 3)
        joint = np.empty((3, *h0.shape), h.dtype)  # the gates one after the other: quicker to fill than side by side
        da_n = np.zeros_like(h)
        dh = np.zeros(h0.shape, z.dtype)
        back = W_hh.T
        for t, rows, go_on in self._backwards(mask, dz):
            dh += dz[t]
            through = dh if rows is None else dh * rows
            dn = np.multiply(through, to_n[t], out=da_n[t])
            np.multiply(through, to_u[t], out=joint[0])
            np.multiply(dn, to_r[t], out=joint[1])
            np.multiply(dn, r[t], out=joint[2])
            np.copyto(blocks[t], joint)
            passed = dh * u[t] if rows is None else np.where(rows, dh * u[t], dh)
            dh = ds[t].dot(back)
            dh += passed
            if go_on is not None:
                dh *= go_on
        da = ds.copy()
        da[:, :, 2 * H :] = da_n
        dW_hh = lambda: before.reshape(-1, H).T.dot(ds.reshape(-1, 3 * H))  # noqa: E731
        gradients = self._as_inputs(da), dh, dW_hh, lambda: ds.sum(axis=(0, 1))
        return gradients if mask is None else (*gradients, None)


class LSTMSequence(_Sequence):
    """z = (h_t, c_t) of long short-term memory for all t: z (2, T, B, H).

    With s = a_t + h_(t-1) @ W_hh, a = x @ W_xh + b, in blocks of H columns for i, f, g, o: i, f, o = σ(s), g = tanh(s),
    c_t = f ⊙ c_(t-1) + i ⊙ g, h_t = o ⊙ tanh(c_t).

    Inputs: a (B, T, 4H), h0 and c0 (B, H), W_hh (H, 4H), and perhaps mask (B, T).

    >>> zero = np.zeros((1, 1))
    >>> LSTMSequence()(np.ones((1, 2, 4)), zero, zero, np.ones((1, 4))).shape
    (2, 2, 1, 1)

    Source: Hochreiter and Schmidhuber, Long short-term memory (1997); Gers et al., Learning to forget (2000).
    """

    symbol = "LSTM"
    blocks = 4
    states = 2
    parameters = ("a", "h0", "c0", "W_hh")
    constant_inputs = (4,)

    def shape(self, *shapes: Shape) -> Shape:
        return (2, *super().shape(*shapes))

    def forward(self, a: Any, h0: Any, c0: Any, W_hh: Any, mask: Any = None) -> tuple[Array, Array]:
        self.shape(*(array.shape for array in (a, h0, c0, W_hh, mask) if array is not None))
        a, h0, c0, W_hh = _one_dtype(a, h0, c0, W_hh)
        (batch, length, _), H = a.shape, h0.shape[1]
        # σ(s) = 1 / (1 + e^-s), tanh(s) = 2 σ(2s) - 1: the factors go in once, and one e^ serves four gates.
        sign = _signs(a.dtype, H, -1, -1, -2, -1)
        from_x, W = self._steps(a, sign), W_hh * sign
        z = np.empty((2, length, batch, H), a.dtype)
        kept = np.empty((5, length, batch, H), a.dtype)
        steps, inner = self._in_order(z, 1), self._in_order(kept, 1)
        s = np.empty((batch, 4 * H), a.dtype)
        blocks = s.reshape(batch, 4, H).transpose(1, 0, 2)
        product = np.empty((batch, H), a.dtype)
        one = np.ones((), a.dtype)  # as an array: NumPy would convert the Python number at each step
        h, c, held = h0, c0, self._holds(length, mask)
        with np.errstate(over="ignore"):  # e^-a may be infinite, and 1 / infinity is the 0 that is wanted
            for t, rows in self._forwards(length, mask):
                if t in held:
                    h, c = self._hold(held[t], h), self._hold(held[t], c)
                np.dot(h, W, out=s)
                s += from_x[t]
                np.exp(s, out=s)
                np.add(s, one, out=s)
                np.divide(one, s, out=s)
                np.copyto(inner[:4, t], blocks)
                i, f, g, o, tanh_c = inner[:, t]
                np.add(g, g, out=g)
                np.subtract(g, one, out=g)
                h_next, c_next = steps[:, t]
                np.multiply(f, c, out=c_next)
                np.multiply(i, g, out=product)
                c_next += product
                np.tanh(c_next, out=tanh_c)
                np.multiply(o, tanh_c, out=h_next)
                if rows is not None:
                    np.copyto(h_next, h, where=~rows)
                    np.copyto(c_next, c, where=~rows)
                h, c = h_next, c_next
        return z, kept

    def backward(self, dz: Any, z: Any, a: Any, h0: Any, c0: Any, W_hh: Any, *rest: Any) -> Any:
        mask, kept = rest if len(rest) == 2 else (None, *rest)
        H = h0.shape[1]
        dz_h, dz_c = self._in_order(dz, 1)
        h, c = self._in_order(z, 1)
        i, f, g, o, tanh_c = self._in_order(kept, 1)
        to_a = np.empty((4, *h.shape), h.dtype)  # from dc to the gates i, f, g, and from dh to the gate o
        np.multiply(g, i * (1 - i), out=to_a[0])
        np.multiply(np.concatenate([c0[None], c[:-1]]), f * (1 - f), out=to_a[1])
        np.multiply(i, 1 - g * g, out=to_a[2])
        np.multiply(tanh_c, o * (1 - o), out=to_a[3])
        to_c = o * (1 - tanh_c * tanh_c)
        da = np.zeros((*h.shape[:2], 4 * H), h.dtype)
        blocks = da.reshape(*h.shape[:2], 4, H).transpose(0, 2, 1, 3)
        joint = np.empty((4, *h0.shape), h.dtype)  # the gates one after the other: quicker to fill than side by side
        dh, dc = np.zeros(h0.shape, z.dtype), np.zeros(c0.shape, z.dtype)
        back = W_hh.T
        for t, rows, go_on in self._backwards(mask, dz_h, dz_c):
            dh += dz_h[t]
            dc += dz_c[t]
            within = dh * to_c[t]
            within += dc
            np.multiply(to_a[:3, t], within, out=joint[:3])
            np.multiply(to_a[3, t], dh, out=joint[3])
            np.copyto(blocks[t], joint)
            within *= f[t]
            if rows is None:
                dh, dc = da[t].dot(back), within
            else:
                da[t] *= rows
                dh = da[t].dot(back) + dh * ~rows
                dc = np.where(rows, within, dc)
            if go_on is not None:
                dh *= go_on
                dc *= go_on
        gradients = self._as_inputs(da), dh, dc, lambda: self._from_states(da, h0, h)
        return gradients if mask is None else (*gradients, None)


def _one_dtype(*arrays: Any) -> list[Any]:
    """The arrays in the dtype that they have together: products into a buffer take no mixture."""
    dtype = np.result_type(*arrays)
    return [array.astype(dtype, copy=False) for array in arrays]


def _signs(dtype: Any, hidden: int, *factors: float) -> Array:
    """A factor for each column, the same within a block of H."""
    return np.repeat(np.array(factors, dtype), hidden)
