"""Gates that run an RNN, GRU or LSTM over a whole sequence, with hand-written backward passes.

Up to rounding, each gate computes the same result as the unrolled cell of the same name in
`layers`. A fused gate takes a fraction of the time, because it fills buffers in place and calls
about ten NumPy functions per time step instead of a hundred. It does not record a graph of its
steps. To draw the steps, to step through them, or to compute second derivatives, use the unfused
form (`mg.unfuse`).

The part computed from the input, a = x @ W_xh + b, is not recurrent, so other gates compute it for
all steps at once. Shapes are as in `layers`: a (B, T, nH), states (B, H), W_hh (H, nH), and a mask
(B, T) that is True at real steps. Outputs are time-major, (T, B, H), so each step writes to
contiguous memory.

The GRU and the LSTM compute σ(s) as ½ + ½ tanh(½ s), because a single call to tanh then computes
several gates. The error of σ(s) is at most half a unit in the last digit of 1. A gate that is
nearly closed is therefore less accurate than the gate Sigmoid, which keeps all digits: in float32,
σ(-12) = 6e-6 may be off by 1%, and σ(-20) = 2e-9 becomes 0, as does its gradient.

A matrix product returns (B, nH), a row of all gates for each example. Each step copies it to a
contiguous array (n, B, H), in which NumPy computes a gate about twice as fast.

In the loops over time, even looking up `np.add` takes noticeable time, so NumPy's functions are
imported by name. Their last argument is the output array, so `add(a, b, a)` is a += b.
"""

import numpy as np
from numpy import add, copyto, multiply, subtract, tanh

from ...gate import Shape
from ...graph import Array
from .sequence import _Sequence, aligned, sum_rows


class RNNSequence(_Sequence):
    """z_t = h_t = tanh(a_t + h_(t-1) @ W_hh) for all t, with a = x @ W_xh + b. z is (T, B, H).

    Backward starts with dh = 0 and runs from the last step to the first:

        dh = dh + dz_t
        da_t = dh ⊙ (1 - h_t²)
        dh = da_t @ W_hhᵀ

    Then dh0 = dh and, for all steps at once, dW_hh = Σ h_(t-1)ᵀ @ da_t.

    Inputs: a (B, T, H), h0 (B, H), W_hh (H, H), and optionally mask (B, T).

    >>> z = RNNSequence()(np.ones((1, 2, 1)), np.zeros((1, 1)), np.full((1, 1), 0.5))
    >>> z.array[:, 0, 0].round(3)  # tanh(1), then tanh(1 + 0.5 tanh(1))
    array([0.762, 0.881])

    Source: Werbos, Backpropagation through time (1990).
    """

    symbol = "RNN"
    parameters = ("a", "h0", "W_hh")
    constant_inputs = (3,)

    def forward(self, a, h0, W_hh, mask=None):
        a, h0, W_hh = self._checked(a, h0, W_hh, mask=mask)
        from_x = self._steps(a)
        z = np.empty((len(from_x), *h0.shape), a.dtype)
        h, watched = h0, self._watched_cuts(len(z), mask)
        for (t, rows), x, h_next in zip(
            self._forwards(len(z), mask), from_x, self._in_order(z), strict=True
        ):
            if t in watched:
                h = self._watched_cut(watched[t], h)
            h.dot(W_hh, h_next)
            add(h_next, x, h_next)
            tanh(h_next, h_next)
            if rows is not None:
                copyto(h_next, h, where=~rows)
            h = h_next
        return z

    def backward(self, dz, z, a, h0, W_hh, mask=None):
        dz, h = self._in_order(dz), self._in_order(z)
        dtanh = self._without_padding(1 - h * h, mask)
        da = self._gradients(h.shape, h.dtype)
        dh = np.zeros(h0.shape, z.dtype)
        back = np.ascontiguousarray(W_hh.T, h.dtype)
        for t, rows, keep in self._backwards(mask, dz):
            add(dh, dz[t], dh)
            da_t = multiply(dh, dtanh[t], da[t])
            if rows is None:
                da_t.dot(back, dh)
            else:
                dh = da_t.dot(back) + dh * ~rows
            if keep is not None:
                dh *= keep
        gradients = self._as_inputs(da), dh, lambda: self._from_states(da, h0, h)
        return gradients if mask is None else (*gradients, None)


class GRUSequence(_Sequence):
    """h_t = n + z ⊙ (h_(t-1) - n) for all t: the states of a gated recurrent unit, (T, B, H).

    a = x @ W_xh + b_xh and s = h_(t-1) @ W_hh + b_hh consist of blocks of H columns for the gates z
    (update), r (reset) and n (new). The reset gate is applied after the matrix product: z = σ(a_z +
    s_z), r = σ(a_r + s_r), n = tanh(a_n + r ⊙ s_n).

    Backward starts with dh = 0 and runs from the last step to the first:

        dh = dh + dz_t
        ds_z = dh ⊙ (h_(t-1) - n) z (1 - z)
        da_n = dh ⊙ (1 - z) (1 - n²)
        ds_n = da_n ⊙ r
        ds_r = da_n ⊙ s_n r (1 - r)
        dh = ds @ W_hhᵀ + dh ⊙ z

    All factors that do not depend on dh are computed in advance, for all steps at once. da equals
    ds except in block n, where it is da_n. dW_hh = Σ h_(t-1)ᵀ @ ds_t.

    Inputs: a (B, T, 3H), h0 (B, H), W_hh (H, 3H), b_hh (3H), and optionally mask (B, T).

    >>> GRUSequence()(np.ones((1, 2, 3)), np.zeros((1, 1)), np.ones((1, 3)), np.ones(3)).shape
    (2, 1, 1)

    Source: Cho et al., Learning phrase representations using RNN encoder-decoder (2014); PyTorch's
    manual, GRU.
    """

    symbol = "GRU"
    blocks = 3
    parameters = ("a", "h0", "W_hh", "b_hh")
    constant_inputs = (4,)

    def forward(self, a, h0, W_hh, b_hh, mask=None) -> tuple[Array, Array]:
        a, h0, W_hh, b_hh = self._checked(a, h0, W_hh, b_hh, mask=mask)
        (batch, length, _), H = a.shape, h0.shape[1]
        states = np.empty((length, batch, H), a.dtype)
        saved = self._room(4, states)  # z, r, s_n and n
        s, x = np.empty((batch, 3 * H), a.dtype), np.empty((3, batch, H), a.dtype)
        b = b_hh.reshape(3, 1, H).repeat(batch, axis=1)
        s_places, x_places = self._places(s, H), self._places(x, H)
        # an array, because NumPy would convert a Python number at each step
        half = np.full((), 0.5, a.dtype)
        h, watched = h0, self._watched_cuts(length, mask)
        steps = zip(
            self._forwards(length, mask),
            self._places(self._steps(a), H),
            self._places(saved, H),
            saved[:, :3],
            saved[:, :2],
            saved,
            self._in_order(states),
            strict=True,
        )
        for (t, rows), from_x, places, zrs, zr, (z, r, s_n, n), h_next in steps:
            if t in watched:
                h = self._watched_cut(watched[t], h)
            h.dot(W_hh, s)
            copyto(places[:3], s_places)
            copyto(x_places, from_x)
            add(zrs, b, zrs)
            add(zr, x[:2], zr)
            multiply(zr, half, zr)
            tanh(zr, zr)
            multiply(zr, half, zr)
            add(zr, half, zr)
            multiply(r, s_n, n)
            add(n, x[2], n)
            tanh(n, n)
            subtract(h, n, h_next)
            multiply(h_next, z, h_next)
            add(h_next, n, h_next)
            if rows is not None:
                copyto(h_next, h, where=~rows)
            h = h_next
        return states, saved

    def backward(self, upstream, states, a, h0, W_hh, b_hh, *rest):
        mask, saved = rest if len(rest) == 2 else (None, *rest)
        H = h0.shape[1]
        upstream, h = self._in_order(upstream), self._in_order(states)
        z, r, s_n, n = saved.swapaxes(0, 1)
        before = np.concatenate([h0[None], h[:-1]])
        dh_dan = self._without_padding((1 - z) * (1 - n * n), mask)
        # the factors of dh in ds_z, ds_r, ds_n and the next dh
        factors = np.empty((len(h), 4, *h0.shape), h.dtype)
        np.multiply(before - n, z * (1 - z), out=factors[:, 0])
        np.multiply(dh_dan, r, out=factors[:, 2])
        np.multiply(factors[:, 2], s_n * (1 - r), out=factors[:, 1])
        factors[:, 3] = z
        self._without_padding(factors, mask)
        ds = self._gradients((*h.shape[:2], 3 * H), h.dtype)
        # the loop adds the gradient that each step passes back
        dh_all = np.array(upstream, h.dtype)
        dh, parts = np.zeros(h0.shape, h.dtype), np.empty((4, *h0.shape), h.dtype)
        through_z, parts_ds, places = parts[3], self._places(parts[:3], H), self._places(ds, H)
        back = np.ascontiguousarray(W_hh.T, h.dtype)
        for t, rows, keep in self._backwards(mask, upstream):
            dh_t = dh_all[t]
            add(dh_t, dh, dh_t)
            multiply(factors[t], dh_t, parts)
            copyto(places[t], parts_ds)
            if rows is not None:
                copyto(through_z, dh_t, where=~rows)
            ds[t].dot(back, dh)
            add(dh, through_z, dh)
            if keep is not None:
                dh *= keep
        flat = ds.reshape(-1, 3 * H)
        dW_hh, db_hh = before.reshape(-1, H).T.dot(flat), sum_rows(flat)
        da = ds  # da equals ds except in block n
        dh_all *= dh_dan
        places[:, 2:] = self._places(dh_all[:, None], H)
        gradients = self._as_inputs(da), dh, dW_hh, db_hh
        return gradients if mask is None else (*gradients, None)


class LSTMSequence(_Sequence):
    """z = (h_t, c_t) for all t: the states of an LSTM, of shape (2, T, B, H).

    s = a_t + h_(t-1) @ W_hh, with a = x @ W_xh + b, consists of blocks of H columns for the gates
    i, f, g and o. Each step computes i, f, o = σ(s), g = tanh(s), c_t = f ⊙ c_(t-1) + i ⊙ g, h_t =
    o ⊙ tanh(c_t).

    Backward starts with dh = dc = 0 and runs from the last step to the first:

        dh = dh + dz_h,t
        dc = dc + dz_c,t + dh ⊙ o (1 - tanh² c_t)
        ds_i = dc ⊙ g i (1 - i)
        ds_f = dc ⊙ c_(t-1) f (1 - f)
        ds_g = dc ⊙ i (1 - g²)
        ds_o = dh ⊙ tanh(c_t) o (1 - o)
        dc = dc ⊙ f
        dh = ds @ W_hhᵀ

    Then da = ds and dW_hh = Σ h_(t-1)ᵀ @ ds_t. The factors of dh and dc are computed in advance,
    for blocks of steps that fit into the CPU cache.

    Inputs: a (B, T, 4H), h0 and c0 (B, H), W_hh (H, 4H), and optionally mask (B, T).

    >>> zero = np.zeros((1, 1))
    >>> LSTMSequence()(np.ones((1, 2, 4)), zero, zero, np.ones((1, 4))).shape
    (2, 2, 1, 1)

    Source: Hochreiter and Schmidhuber, Long short-term memory (1997); Gers et al., Learning to
    forget (2000).
    """

    symbol = "LSTM"
    blocks = 4
    states = 2
    parameters = ("a", "h0", "c0", "W_hh")
    constant_inputs = (4,)

    def shape(self, *shapes: Shape) -> Shape:
        return (2, *super().shape(*shapes))

    def forward(self, a, h0, c0, W_hh, mask=None) -> tuple[Array, Array]:
        a, h0, c0, W_hh = self._checked(a, h0, c0, W_hh, mask=mask)
        (batch, length, _), H = a.shape, h0.shape[1]
        z = np.empty((2, length, batch, H), a.dtype)
        saved = self._room(5, z[0])  # o, i, f, g and tanh(c)
        places = self._places(saved, H)
        s, product = np.empty((batch, 4 * H), a.dtype), np.empty((batch, H), a.dtype)
        s_ifg, s_o = self._places(s, H)[:3], self._places(s, H)[3]
        W = aligned(W_hh)
        # an array, because NumPy would convert a Python number at each step
        half = np.full((), 0.5, a.dtype)
        h, c, watched = h0, c0, self._watched_cuts(length, mask)
        steps = zip(
            self._forwards(length, mask),
            self._steps(a),
            places[:, 0],
            places[:, 1:4],
            saved[:, :4],
            saved[:, :3],
            saved,
            *self._in_order(z, 1),
            strict=True,
        )
        for (t, rows), x, to_o, to_ifg, gates, oif, (o, i, f, g, tanh_c), h_next, c_next in steps:
            if t in watched:
                h, c = self._watched_cut(watched[t], h), self._watched_cut(watched[t], c)
            h.dot(W, s)
            add(s, x, s)
            copyto(to_o, s_o)
            copyto(to_ifg, s_ifg)
            multiply(oif, half, oif)
            tanh(gates, gates)
            multiply(oif, half, oif)
            add(oif, half, oif)
            multiply(f, c, c_next)
            multiply(i, g, product)
            add(c_next, product, c_next)
            tanh(c_next, tanh_c)
            multiply(o, tanh_c, h_next)
            if rows is not None:
                copyto(h_next, h, where=~rows)
                copyto(c_next, c, where=~rows)
            h, c = h_next, c_next
        return z, saved

    def backward(self, dz, z, a, h0, c0, W_hh, *rest):
        mask, saved = rest if len(rest) == 2 else (None, *rest)
        H = h0.shape[1]
        dz_h, dz_c = self._in_order(dz, 1)
        h, c = self._in_order(z, 1)
        da = self._gradients((*h.shape[:2], 4 * H), h.dtype)
        # dc, ds_i, ds_f, ds_g and ds_o, and the part of dc that comes through h_t
        parts = np.zeros((6, *h0.shape), h.dtype)
        dc, dc_t, from_dc, from_dh = parts[0], parts[5], parts[:4], parts[4:]
        dh, back = np.zeros(h0.shape, h.dtype), np.ascontiguousarray(W_hh.T, h.dtype)
        ds, places = self._places(parts[1:5], H), self._places(da, H)
        # True for each step whose outputs were used, which is often only the last step
        used_h, used_c = dz_h.any(axis=(1, 2)).tolist(), dz_c.any(axis=(1, 2)).tolist()
        step_blocks = self._step_blocks(len(h), da[0])
        first = len(h)  # the first step of the block for which `factors` was computed
        for t, rows, keep in self._backwards(mask, dz_h, dz_c):
            if t < first:
                block = step_blocks.pop()
                first, stop = block.start, block.stop
                c_before = (
                    c[first - 1 : stop - 1] if first else np.concatenate([c0[None], c[: stop - 1]])
                )
                factors = self._without_padding(self._factors(saved[block], c_before), mask, block)
            if used_h[t]:
                add(dh, dz_h[t], dh)
            if used_c[t]:
                add(dc, dz_c[t], dc)
            multiply(factors[t - first, 4:], dh, from_dh)
            add(dc_t, dc, dc_t)
            multiply(factors[t - first, :4], dc_t, from_dc)
            copyto(places[t], ds)
            if rows is None:
                da[t].dot(back, dh)
            else:
                dh = da[t].dot(back) + dh * ~rows
                copyto(dc, dc_t, where=~rows)
            if keep is not None:
                dh *= keep
                dc *= keep
        gradients = self._as_inputs(da), dh, dc, lambda: self._from_states(da, h0, h)
        return gradients if mask is None else (*gradients, None)

    @staticmethod
    def _factors(saved, c_before) -> Array:
        """Return the factors of the backward pass for some steps, of shape (T, 6, B, H).

        The first four are the factors of dc in dc_(t-1), ds_i, ds_f and ds_g. The last two are the
        factors of dh in ds_o and dc.
        """
        o, i, f, g, tanh_c = saved.swapaxes(0, 1)
        slopes = 1 - saved[:, :3]  # of o, i and f
        slopes *= saved[:, :3]
        slopes_tanh = saved[:, 3:] * saved[:, 3:]
        np.subtract(1, slopes_tanh, out=slopes_tanh)
        factors = np.empty((len(saved), 6, *i.shape[1:]), saved.dtype)
        factors[:, 0] = f
        np.multiply(slopes[:, 1], g, out=factors[:, 1])
        np.multiply(slopes[:, 2], c_before, out=factors[:, 2])
        np.multiply(slopes_tanh[:, 0], i, out=factors[:, 3])
        np.multiply(slopes[:, 0], tanh_c, out=factors[:, 4])
        np.multiply(slopes_tanh[:, 1], o, out=factors[:, 5])
        return factors
