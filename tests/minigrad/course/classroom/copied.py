"""Twenty disguised copies of answers in honest.py: renamed, reordered, commented, with rewritten loops.

Each begins with the number of the text that was copied. They were written before the code that finds
them. tests/minigrad/course/classroom/test_alike.py measures every other one.
"""

THREE = """3
class Tanh(mg.Gate):
    # hyperbolic tangent, computed stably
    def forward(self, inp):
        big = np.exp(np.clip(inp, -300, 300) * 2)
        return (big - 1) / (1 + big)

    def backward(self, up, out, inp):
        return (up / np.cosh(inp) ** 2,)

class Exp(mg.Gate):
    def backward(self, up, out, inp):
        return (np.exp(inp) * up,)

    def forward(self, inp):
        return np.exp(inp)

class Multiply(mg.Gate):
    def forward(self, p, q):
        return p * q

    def backward(self, up, out, p, q):
        return (up * q, up * p)
---
4
class Multiply(mg.Gate):
    '''Products.'''
    def forward(self, left, right):
        return left * right

    def backward(self, g, out, left, right):
        # each factor gets the other one
        table = {"b": left, "a": right}
        return g * table["a"], g * table["b"]

class Tanh(mg.Gate):
    def forward(self, v):
        t = np.tanh(v)
        return t

    def backward(self, g, out, v):
        d = np.ones_like(out) - out * out
        return (g * d,)

class Exp(mg.Gate):
    def forward(self, v):
        return np.exp(v)

    def backward(self, g, out, v):
        d = out
        return (g * d,)
"""

FIVE = """0
def dense_backward(dz, x, W, b):
    grad_x, grad_w = product_backward(dz, x, W)
    return grad_x, grad_w, unbroadcast(dz, b.shape)

def product_backward(dz, a, b):
    return dz @ b.T, a.T @ dz

def unbroadcast(dz, shape):
    # remove the axes on the left
    new_axes = dz.ndim - len(shape)
    summed = dz.sum(axis=tuple(range(new_axes)))
    # and now those with one element
    single = []
    for k, s in enumerate(shape):
        if s == 1:
            single.append(k)
    return summed.sum(axis=tuple(single), keepdims=True)
---
2
def unbroadcast(dz, shape):
    to_sum = []
    for n in range(dz.ndim - len(shape)):
        to_sum.append(n)
    n = 1
    while n < len(shape) + 1:
        if shape[-n] == 1:
            to_sum.append(dz.ndim - n)
        n += 1
    return dz.sum(axis=tuple(to_sum), keepdims=True).reshape(shape)

def dense_backward(dz, x, W, b):
    third = np.reshape(np.sum(dz, axis=0), b.shape)
    second = np.matmul(np.transpose(x), dz)
    first = np.matmul(dz, np.transpose(W))
    return first, second, third

def product_backward(dz, a, b):
    second = np.matmul(np.transpose(a), dz)
    first = np.matmul(dz, np.transpose(b))
    return first, second
---
4
def unbroadcast(dz, shape):
    '''Sum every axis that was stretched, then take the old shape.'''
    target = (1,) * (dz.ndim - len(shape)) + shape
    result = dz
    for axis in range(dz.ndim):
        if target[axis] == 1:
            result = result.sum(axis=axis, keepdims=True)
    return result.reshape(shape)

def product_backward(dz, a, b):
    second = (dz.T @ a).T
    first = dz @ b.T
    return first, second

def dense_backward(dz, x, W, b):
    bias = dz.sum(axis=0)
    if b.ndim == 2:
        bias = bias[None, :]
    first, second = product_backward(dz, x, W)
    return first, second, bias
---
6
def product_backward(dz, a, b):
    # contract the columns, then the rows
    left = np.tensordot(dz, b, (1, 1))
    right = np.tensordot(a, dz, (0, 0))
    return left, right

def unbroadcast(dz, shape):
    m = dz.ndim - len(shape)
    inner = np.sum(dz, tuple(np.arange(m)))
    ones = np.flatnonzero(np.array(shape) == 1)
    result = np.sum(inner, tuple(ones), keepdims=True)
    return result

def dense_backward(dz, x, W, b):
    three = list(product_backward(dz, x, W))
    bias = unbroadcast(dz, b.shape)
    three.append(bias)
    return tuple(three)
---
7
def unbroadcast(dz, shape):
    k = dz.ndim - len(shape)
    i = 0
    while i < dz.ndim:
        if i < k or shape[i - k] == 1:
            dz = add_up(dz, i)
        i = i + 1
    return dz.reshape(shape)

def dense_backward(dz, x, W, b):
    for_x, for_W = product_backward(dz, x, W)
    for_b = add_up(dz, 0).reshape(b.shape)
    return for_x, for_W, for_b

def product_backward(dz, a, b):
    for_b = sum(np.outer(u, v) for u, v in zip(a, dz))
    for_a = np.array([b @ v for v in dz])
    return for_a, for_b

def add_up(values, which):
    return np.add.reduce(values, axis=which, keepdims=True)
---
8
def unbroadcast(dz, shape):
    dims = list(shape)
    while len(dims) < dz.ndim:
        dims.insert(0, 1)
    out = dz.copy()
    k = 0
    for d in dims:
        # this axis was stretched
        if out.shape[k] > d:
            out = out.sum(axis=k, keepdims=True)
        k += 1
    return out.reshape(shape)

def product_backward(dz, a, b):
    gb = np.zeros_like(b)
    ga = np.zeros_like(a)
    gb += a.transpose() @ dz
    ga += dz @ b.transpose()
    return ga, gb

def dense_backward(dz, x, W, b):
    both = product_backward(dz, x, W)
    return both[0], both[1], unbroadcast(dz, b.shape)
"""

TWELVE = """2
def rnn_step(x, h, W_xh, W_hh, b_h):
    # the sum first
    s = x @ W_xh
    s = s + h @ W_hh
    s = s + b_h
    return mg.tanh(s)

def unroll(cell, xs, h0):
    now = h0
    everything = []
    i = 0
    while i < len(xs):
        now = cell(xs[i], now)
        everything.append(now)
        i += 1
    return everything

def rnn(xs, h0, W_xh, W_hh, b_h):
    everything = unroll(lambda a, b: rnn_step(a, b, W_xh, W_hh, b_h), xs, h0)
    return everything[-1]
---
3
from functools import partial

def unroll(cell, xs, h0):
    found = []
    for i in range(len(xs)):
        if i == 0:
            last = h0
        else:
            last = found[i - 1]
        found.append(cell(xs[i], last))
    return found

def rnn(xs, h0, W_xh, W_hh, b_h):
    one = partial(rnn_step, b_h=b_h, W_hh=W_hh, W_xh=W_xh)
    found = unroll(one, xs, h0)
    return found[-1]

def rnn_step(x, h, W_xh, W_hh, b_h):
    inner = (h @ W_hh + b_h) + x @ W_xh
    return mg.tanh(inner)
---
4
def rnn_step(x, h, W_xh, W_hh, b_h):
    '''One step of the network.'''
    return ((h @ W_hh) + (x @ W_xh) + b_h).tanh()

def rnn(xs, h0, W_xh, W_hh, b_h):
    step = lambda inp, state: rnn_step(inp, state, W_xh, W_hh, b_h)
    outputs = list(unroll(step, xs, h0))
    return outputs.pop()

def unroll(cell, xs, h0):
    # a generator
    def states():
        s = h0
        for i in xs:
            s = cell(i, s)
            yield s
    outputs = list(states())
    return outputs
---
6
def rnn_step(x, h, W_xh, W_hh, b_h):
    from_h = h @ W_hh
    from_x = x @ W_xh
    return mg.tanh(from_x + from_h + b_h)

def unroll(cell, xs, h0):
    memory = [None] * (len(xs) + 1)
    memory[0] = h0
    step = 1
    for value in xs:
        memory[step] = cell(value, memory[step - 1])
        step += 1
    return memory[1:]

def rnn(xs, h0, W_xh, W_hh, b_h):
    def apply(value, state):
        return rnn_step(value, state, W_xh, W_hh, b_h)
    memory = unroll(apply, xs, h0)
    end = memory[-1]
    return end
---
7
def rnn_step(x, h, W_xh, W_hh, b_h):
    total = b_h + x @ W_xh + h @ W_hh
    return mg.tanh(total)

def rnn(xs, h0, W_xh, W_hh, b_h):
    params = W_xh, W_hh, b_h
    def f(a, b):
        return rnn_step(a, b, *params)
    return unroll(f, xs, h0)[-1]

def unroll(cell, xs, h0):
    if not len(xs):
        return []
    new = cell(xs[0], h0)
    rest = unroll(cell, xs[1:], new)
    return [new] + rest
---
10
def rnn(xs, h0, W_xh, W_hh, b_h):
    params = (W_xh, W_hh, b_h)
    h = h0
    k = 0
    while k < xs.shape[0]:
        (h,) = unroll(lambda inp, s: rnn_step(inp, s, *params), xs[k : k + 1], h)
        k += 1
    return h

def unroll(cell, xs, h0):
    out = [None] * len(xs)
    k = 0
    while k < len(xs):
        out[k] = cell(xs[k], out[k - 1] if k > 0 else h0)
        k += 1
    return tuple(out)

def rnn_step(x, h, W_xh, W_hh, b_h):
    # tanh by exp
    total = mg.einsum("bd,dh->bh", x, W_xh)
    total = total + mg.einsum("bi,ij->bj", h, W_hh)
    power = mg.exp(-2.0 * (b_h + total))
    return 2.0 / (1.0 + power) - 1.0
"""

THIRTEEN = """0
def rnn_backward(g, xs, hs, W_xh, W_hh):
    G = state_gradients(g, hs, W_hh)
    grad_b = np.zeros(W_hh.shape[0])
    grad_hh = np.zeros_like(W_hh)
    grad_xh = np.zeros_like(W_xh)
    grad_xs = np.zeros_like(xs)
    n = 1
    while n < len(hs):
        # back through the tanh
        pre = tanh_backward(G[n], hs[n])
        grad_b += pre.sum(axis=0)
        grad_hh += hs[n - 1].T @ pre
        grad_xh += xs[n - 1].T @ pre
        grad_xs[n - 1] = pre @ W_xh.T
        n += 1
    return {"b_h": grad_b, "W_hh": grad_hh, "W_xh": grad_xh, "h0": G[0], "xs": grad_xs}

def state_gradients(g, hs, W_hh):
    G = np.zeros_like(hs)
    last = len(hs) - 1
    G[last] = g[last]
    n = last
    while n > 0:
        G[n - 1] = tanh_backward(G[n], hs[n]) @ W_hh.T + g[n - 1]
        n -= 1
    return G

def tanh_backward(dh, h):
    slope = 1 - h**2
    return slope * dh
---
1
def tanh_backward(dh, h):
    return (1 - h * h) * dh

def state_gradients(g, hs, W_hh):
    # start from the loss's own gradients
    out = g.copy()
    for step in reversed(range(len(g) - 1)):
        back = tanh_backward(out[step + 1], hs[step + 1])
        out[step] = out[step] + back @ W_hh.T
    return out

def rnn_backward(g, xs, hs, W_xh, W_hh):
    steps, batch, width = xs.shape
    size = W_hh.shape[0]
    out = state_gradients(g, hs, W_hh)
    flat = tanh_backward(out[1:], hs[1:]).reshape(steps * batch, size)
    result = {}
    result["b_h"] = flat.sum(axis=0)
    result["W_xh"] = xs.reshape(steps * batch, width).T @ flat
    result["W_hh"] = hs[:-1].reshape(steps * batch, size).T @ flat
    result["h0"] = out[0]
    result["xs"] = (flat @ W_xh.T).reshape(steps, batch, width)
    return result
---
2
def state_gradients(g, hs, W_hh):
    found = [g[-1]]
    for own, state in zip(reversed(g[:-1]), reversed(hs[1:])):
        through = tanh_backward(found[-1], state) @ W_hh.T
        found.append(through + own)
    found.reverse()
    return np.array(found)

def tanh_backward(dh, h):
    '''Slope of tanh.'''
    factor = 1 - h * h
    return dh * factor

def rnn_backward(g, xs, hs, W_xh, W_hh):
    all_dh = state_gradients(g, hs, W_hh)
    out = {"b_h": 0.0, "W_hh": 0.0, "W_xh": 0.0, "xs": []}
    for i in range(len(xs)):
        delta = tanh_backward(all_dh[i + 1], hs[i + 1])
        out["b_h"] += np.sum(delta, axis=0)
        out["W_hh"] += hs[i].T @ delta
        out["W_xh"] += xs[i].T @ delta
        out["xs"].append(delta @ W_xh.T)
    out["h0"] = all_dh[0]
    out["xs"] = np.array(out["xs"])
    return out
---
4
def tanh_backward(dh, h):
    return dh - h * h * dh

def rnn_backward(g, xs, hs, W_xh, W_hh):
    G = state_gradients(g, hs, W_hh)
    deltas = []
    for i in range(len(xs)):
        deltas.append(tanh_backward(G[i + 1], hs[i + 1]))
    result = {"h0": G[0]}
    result["W_hh"] = sum(state.T @ d for state, d in zip(hs, deltas))
    result["W_xh"] = sum(inp.T @ d for inp, d in zip(xs, deltas))
    result["xs"] = np.array([d @ W_xh.T for d in deltas])
    result["b_h"] = sum(deltas).sum(axis=0)
    return result

def state_gradients(g, hs, W_hh):
    def from_step(i):
        if i == len(g) - 1:
            return [g[i]]
        later = from_step(i + 1)
        back = tanh_backward(later[0], hs[i + 1]) @ W_hh.T
        return [back + g[i]] + later
    return np.array(from_step(0))
---
6
def tanh_backward(dh, h):
    return (1 - h**2) * dh

def rnn_backward(g, xs, hs, W_xh, W_hh):
    whole = state_gradients(g, hs, W_hh)
    gx = []
    gb = np.zeros(W_hh.shape[1])
    gh = np.zeros(W_hh.shape)
    gw = np.zeros(W_xh.shape)
    for k in range(len(xs)):
        # one step
        da = tanh_backward(whole[k + 1], hs[k + 1])
        gx.append(da @ W_xh.T)
        gb += da.sum(0)
        gh += hs[k].T @ da
        gw += xs[k].T @ da
    return {"W_xh": gw, "W_hh": gh, "b_h": gb, "xs": np.array(gx), "h0": whole[0]}

def state_gradients(g, hs, W_hh):
    carried = 0
    found = []
    for k in range(len(hs))[::-1]:
        now = carried + g[k]
        found.append(now)
        carried = tanh_backward(now, hs[k]) @ W_hh.T
    return np.array(found[::-1])
---
9
def state_gradients(g, hs, W_hh):
    last = g.shape[0] - 1
    table = {last: g[last]}
    i = last - 1
    while i >= 0:
        table[i] = g[i] + tanh_backward(table[i + 1], hs[i + 1]).dot(W_hh.T)
        i -= 1
    rows = []
    for i in range(last + 1):
        rows.append(table[i])
    return np.array(rows)

def rnn_backward(g, xs, hs, W_xh, W_hh):
    table = state_gradients(g, hs, W_hh)
    for_x = np.zeros(xs.shape)
    for_Wx = np.zeros(W_xh.shape)
    for_Wh = np.zeros(W_hh.shape)
    for_b = np.zeros(len(W_hh))
    for i in reversed(range(len(xs))):
        delta = tanh_backward(table[i + 1], hs[i + 1])
        for_Wh += hs[i].T.dot(delta)
        for_Wx += xs[i].T.dot(delta)
        for_b += delta.sum(axis=0)
        for_x[i] = delta.dot(W_xh.T)
    return {"xs": for_x, "b_h": for_b, "h0": table[0], "W_hh": for_Wh, "W_xh": for_Wx}

def tanh_backward(dh, h):
    return (1.0 - h * h) * dh
"""
COPIED = {3: THREE, 5: FIVE, 12: TWELVE, 13: THIRTEEN}
