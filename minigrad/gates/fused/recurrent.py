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
contiguous array (n, B, H), in which NumPy computes a gate about twice as fast. Gates that need the
same function are neighbours in this array, so that one call computes all of them.

In the loops over time, even looking up `np.add` takes noticeable time, so NumPy's functions are
imported directly. Their last argument is the output array, so `add(a, b, a)` is a += b.
"""

from itertools import cycle

import numpy as np
from numpy import add, copyto, multiply, subtract, tanh

from ...gate import Shape
from ...graph import Array
from ...support.arrays import BLOCK
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

    Since: 0.1.
    """

    symbol = "RNN"
    parameters = ("a", "h0", "W_hh")
    constant_inputs = (3,)

    def forward(self, a, h0, W_hh, *masks):
        a, h0, W_hh = self._checked(a, h0, W_hh, *masks)
        a = self._by_time(a)
        z = np.empty((len(a), *h0.shape), a.dtype)
        h = h0
        watched = self._watched_cuts(len(z), *masks)
        steps = zip(
            self._forwards(len(z), *masks),
            a,
            self._in_order(z),
            strict=True,
        )
        for (t, padded), x, h_next in steps:
            if t in watched:
                h = watched[t](h)
            h.dot(W_hh, h_next)
            add(h_next, x, h_next)
            tanh(h_next, h_next)
            if padded is not None:
                copyto(h_next, h, where=padded)
            h = h_next
        return z

    def backward(self, dz, z, a, h0, W_hh, *masks):
        dz = self._in_order(dz)
        h = self._in_order(z)
        dtanh = 1 - h * h
        self._clear_padding(dtanh, *masks)
        da = self._gradients(h.shape, h.dtype)
        dh = np.zeros(h0.shape, z.dtype)
        back = np.ascontiguousarray(W_hh.T, h.dtype)
        for t, padded, keep in self._backwards([dz], *masks):
            add(dh, dz[t], dh)
            da_t = multiply(dh, dtanh[t], da[t])
            if padded is None:
                da_t.dot(back, dh)
            else:
                dh = da_t.dot(back) + dh * padded
            if keep is not None:
                dh *= keep
        return (
            self._by_batch(da),
            dh,
            lambda: self._from_states(da, h0, h),
            *[None] * len(masks),
        )


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

    Since: 0.1.
    """

    symbol = "GRU"
    blocks = 3
    parameters = ("a", "h0", "W_hh", "b_hh")
    constant_inputs = (4,)

    def forward(self, a, h0, W_hh, b_hh, *masks):
        a, h0, W_hh, b_hh = self._checked(a, h0, W_hh, b_hh, *masks)
        batch, length, _ = a.shape
        H = h0.shape[1]
        states = np.empty((length, batch, H), a.dtype)
        saved = self._room(length, (4, batch, H), a.dtype)
        # The parts of what one step saves, and below them views of several neighbours:
        #
        # z   r   s_n   n
        # zr---
        # zrs--------
        views = zip(
            saved[:, :3],
            saved[:, :2],
            *saved.swapaxes(0, 1),
            strict=True,
        )
        rows = (batch, 3 * H)
        s = np.empty(rows, a.dtype)
        s_blocks = self._blocks(s)
        x = np.empty((3, batch, H), a.dtype)
        x_zr = x[:2]
        x_n = x[2]
        b = b_hh.reshape(3, 1, H).repeat(batch, axis=1)
        # an array, because NumPy would convert a Python number at each step
        half = np.full((), 0.5, a.dtype)
        h = h0
        watched = self._watched_cuts(length, *masks)
        steps = zip(
            self._forwards(length, *masks),
            self._blocks(self._by_time(a)),
            cycle(views),
            self._in_order(states),
            strict=False,
        )
        for (t, padded), from_x, here, h_next in steps:
            zrs, zr, z, r, s_n, n = here
            if t in watched:
                h = watched[t](h)
            h.dot(W_hh, s)
            copyto(zrs, s_blocks)
            copyto(x, from_x)
            add(zrs, b, zrs)
            add(zr, x_zr, zr)
            multiply(zr, half, zr)
            tanh(zr, zr)
            multiply(zr, half, zr)
            add(zr, half, zr)
            multiply(r, s_n, n)
            add(n, x_n, n)
            tanh(n, n)
            subtract(h, n, h_next)
            multiply(h_next, z, h_next)
            add(h_next, n, h_next)
            if padded is not None:
                copyto(h_next, h, where=padded)
            h = h_next
        return states, saved

    def backward(self, dz, states, a, h0, W_hh, b_hh, *rest):
        *masks, saved = rest
        H = h0.shape[1]
        dz = self._in_order(dz)
        h = self._in_order(states)
        z, r, s_n, n = saved.swapaxes(0, 1)
        before = np.concatenate([h0[None], h[:-1]])
        dh_dan = (1 - z) * (1 - n * n)
        self._clear_padding(dh_dan, *masks)
        # the factors of dh in ds_z, ds_r, ds_n and the next dh
        size = (len(h), 4, *h0.shape)
        factors = np.empty(size, h.dtype)
        of_z, of_r, of_n, of_dh = factors.swapaxes(0, 1)
        slope_z = z * (1 - z)
        multiply(before - n, slope_z, of_z)
        multiply(dh_dan, r, of_n)
        multiply(of_n, s_n * (1 - r), of_r)
        of_dh[...] = z
        self._clear_padding(factors, *masks)
        size = (*h.shape[:2], 3 * H)
        ds = self._gradients(size, h.dtype)
        ds_blocks = self._blocks(ds)
        # the loop adds the gradient that each step passes back
        dh_all = np.array(dz, h.dtype)
        dh = np.zeros(h0.shape, h.dtype)
        parts = np.empty((4, *h0.shape), h.dtype)
        parts_ds = parts[:3]
        through_z = parts[3]
        back = np.ascontiguousarray(W_hh.T, h.dtype)
        for t, padded, keep in self._backwards([dz], *masks):
            dh_t = dh_all[t]
            add(dh_t, dh, dh_t)
            multiply(factors[t], dh_t, parts)
            copyto(ds_blocks[t], parts_ds)
            if padded is not None:
                copyto(through_z, dh_t, where=padded)
            ds[t].dot(back, dh)
            add(dh, through_z, dh)
            if keep is not None:
                dh *= keep
        flat = ds.reshape(-1, 3 * H)
        before = before.reshape(-1, H)
        dW_hh = before.T.dot(flat)
        db_hh = sum_rows(flat)
        multiply(dh_all, dh_dan, ds_blocks[:, 2])  # da equals ds except in block n
        return (
            self._by_batch(ds),
            dh,
            dW_hh,
            db_hh,
            *[None] * len(masks),
        )


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

    Since: 0.1.
    """

    symbol = "LSTM"
    blocks = 4
    states = 2
    parameters = ("a", "h0", "c0", "W_hh")
    constant_inputs = (4,)

    def shape(self, *shapes: Shape) -> Shape:
        return (2, *super().shape(*shapes))

    def forward(self, a, h0, c0, W_hh, *masks):
        a, h0, c0, W_hh = self._checked(a, h0, c0, W_hh, *masks)
        batch, length, _ = a.shape
        H = h0.shape[1]
        z = np.empty((2, length, batch, H), a.dtype)
        saved = self._room(length, (5, batch, H), a.dtype)
        # The parts of what one step saves, and below them views of several neighbours:
        #
        # o   i   f   g   tanh_c
        # gates--------
        # oif------
        #     ifg------
        views = zip(
            saved[:, :4],
            saved[:, :3],
            saved[:, 1:4],
            *saved.swapaxes(0, 1),
            strict=True,
        )
        rows = (batch, 4 * H)
        s = np.empty(rows, a.dtype)
        s_blocks = self._blocks(s)
        s_ifg = s_blocks[:3]
        s_o = s_blocks[3]
        product = np.empty((batch, H), a.dtype)
        W = aligned(W_hh)
        # an array, because NumPy would convert a Python number at each step
        half = np.full((), 0.5, a.dtype)
        h = h0
        c = c0
        watched = self._watched_cuts(length, *masks)
        steps = zip(
            self._forwards(length, *masks),
            self._by_time(a),
            cycle(views),
            *self._in_order(z, 1),
            strict=False,
        )
        for (t, padded), x, here, h_next, c_next in steps:
            gates, oif, ifg, o, i, f, g, tanh_c = here
            if t in watched:
                h = watched[t](h)
                c = watched[t](c)
            h.dot(W, s)
            add(s, x, s)
            copyto(o, s_o)
            copyto(ifg, s_ifg)
            multiply(oif, half, oif)
            tanh(gates, gates)
            multiply(oif, half, oif)
            add(oif, half, oif)
            multiply(f, c, c_next)
            multiply(i, g, product)
            add(c_next, product, c_next)
            tanh(c_next, tanh_c)
            multiply(o, tanh_c, h_next)
            if padded is not None:
                copyto(h_next, h, where=padded)
                copyto(c_next, c, where=padded)
            h = h_next
            c = c_next
        return z, saved

    def backward(self, dz, z, a, h0, c0, W_hh, *rest):
        *masks, saved = rest
        dz_h, dz_c = self._in_order(dz, 1)
        h, c = self._in_order(z, 1)
        c_before = np.concatenate([c0[None], c[:-1]])
        size = (*h.shape[:2], W_hh.shape[1])
        da = self._gradients(size, h.dtype)
        da_blocks = self._blocks(da)
        # The parts of what one step computes, and below them views of several neighbours. dc_t is
        # the sum of dc and the part of dc that comes through h_t:
        #
        # dc   ds_i   ds_f   ds_g   ds_o   dc_t
        # from_dc----------------   from_dh---
        #      ds---------------------
        parts = np.zeros((6, *h0.shape), h.dtype)
        dc = parts[0]
        dc_t = parts[5]
        from_dc = parts[:4]
        from_dh = parts[4:]
        ds = parts[1:5]
        dh = np.zeros(h0.shape, h.dtype)
        back = np.ascontiguousarray(W_hh.T, h.dtype)
        # True for each step whose outputs were used, which is often only the last step
        over_batch = (1, 2)
        used_h = dz_h.any(over_batch).tolist()
        used_c = dz_c.any(over_batch).tolist()
        step_size = max(1, da[0].size)
        steps_per_block = max(1, BLOCK // step_size)
        first = len(h)  # the first step of the block for which `factors` was computed
        for t, padded, keep in self._backwards([dz_h, dz_c], *masks):
            if t < first:
                first = max(0, t + 1 - steps_per_block)
                block = slice(first, t + 1)
                factors = self._factors(saved[block], c_before[block])
                self._clear_padding(factors, *masks, steps=block)
                of_dc = factors[:, :4]
                of_dh = factors[:, 4:]
            if used_h[t]:
                add(dh, dz_h[t], dh)
            if used_c[t]:
                add(dc, dz_c[t], dc)
            multiply(of_dh[t - first], dh, from_dh)
            add(dc_t, dc, dc_t)
            multiply(of_dc[t - first], dc_t, from_dc)
            copyto(da_blocks[t], ds)
            if padded is None:
                da[t].dot(back, dh)
            else:
                dh = da[t].dot(back) + dh * padded
                copyto(dc, dc_t, where=padded)
            if keep is not None:
                dh *= keep
                dc *= keep
        return (
            self._by_batch(da),
            dh,
            dc,
            lambda: self._from_states(da, h0, h),
            *[None] * len(masks),
        )

    @staticmethod
    def _factors(saved, c_before) -> Array:
        """Return the factors of the backward pass for some steps, of shape (T, 6, B, H).

        The first four are the factors of dc in dc_(t-1), ds_i, ds_f and ds_g. The last two are the
        factors of dh in ds_o and dc.
        """
        o, i, f, g, tanh_c = saved.swapaxes(0, 1)
        slopes = 1 - saved[:, :3]
        slopes *= saved[:, :3]
        slope_o, slope_i, slope_f = slopes.swapaxes(0, 1)
        slopes_tanh = saved[:, 3:] * saved[:, 3:]
        subtract(1, slopes_tanh, slopes_tanh)
        slope_g, slope_tanh_c = slopes_tanh.swapaxes(0, 1)
        steps, _, *size = saved.shape
        shape = (steps, 6, *size)
        factors = np.empty(shape, saved.dtype)
        of_c, of_i, of_f, of_g, of_o, of_h = factors.swapaxes(0, 1)
        of_c[...] = f
        multiply(slope_i, g, of_i)
        multiply(slope_f, c_before, of_f)
        multiply(slope_g, i, of_g)
        multiply(slope_o, tanh_c, of_o)
        multiply(slope_tanh_c, o, of_h)
        return factors
