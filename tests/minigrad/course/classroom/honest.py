"""A class of 60 honest students: right answers to lessons 1, 3, 5, 12 and 13, each written in its own way.

Each text after a line of dashes is what one student wrote. The answers in right.py are 20 of them.
"""

ONE = """
dy_ds = 1 - 0.664**2
dy_dm = dy_ds
dy_dc = dy_ds
dy_da = dy_dm * 0.5
dy_db = dy_dm * 4
---
y = 0.6640
dy_ds = 1 - y * y
dy_dm = dy_ds * 1
dy_dc = dy_ds * 1
dy_da = 0.5 * dy_dm
dy_db = 4 * dy_dm
---
dy_ds = 0.559  # 1 - tanh squared
dy_dm = 0.559
dy_dc = 0.559
dy_da = 0.2795
dy_db = 2.236
"""

THREE = """
class Multiply(mg.Gate):
    def forward(self, a, b):
        return a * b

    def backward(self, dz, z, a, b):
        return dz * b, dz * a

class Tanh(mg.Gate):
    def forward(self, x):
        return np.tanh(x)

    def backward(self, dz, z, x):
        return (dz * (1 - z**2),)

class Exp(mg.Gate):
    def forward(self, x):
        return np.exp(x)

    def backward(self, dz, z, x):
        return (dz * z,)
---
class Multiply(mg.Gate):
    def forward(self, a, b):
        return a * b

    def backward(self, dz, z, a, b):
        return b * dz, a * dz

class Tanh(mg.Gate):
    def forward(self, x):
        return np.tanh(x)

    def backward(self, dz, z, x):
        return ((1 - z * z) * dz,)

class Exp(mg.Gate):
    def forward(self, x):
        return np.exp(x)

    def backward(self, dz, z, x):
        return (z * dz,)
---
class Multiply(mg.Gate):
    def forward(self, a, b):
        result = a * b
        return result

    def backward(self, dz, z, a, b):
        grad_a = dz * b
        grad_b = dz * a
        return grad_a, grad_b

class Tanh(mg.Gate):
    def forward(self, x):
        result = np.tanh(x)
        return result

    def backward(self, dz, z, x):
        grad_x = dz * (1 - z**2)
        return (grad_x,)

class Exp(mg.Gate):
    def forward(self, x):
        result = np.exp(x)
        return result

    def backward(self, dz, z, x):
        grad_x = dz * z
        return (grad_x,)
---
class Multiply(mg.Gate):
    def forward(self, a, b):
        return a * b

    def backward(self, dz, z, a, b):
        return (dz * b, dz * a)

class Tanh(mg.Gate):
    def forward(self, x):
        e = np.exp(2 * np.clip(x, -300, 300))
        return (e - 1) / (e + 1)

    def backward(self, dz, z, x):
        # sech squared
        return (dz / np.cosh(x) ** 2,)

class Exp(mg.Gate):
    def forward(self, x):
        return np.exp(x)

    def backward(self, dz, z, x):
        return (dz * np.exp(x),)
---
class Multiply(mg.Gate):
    def forward(self, a, b):
        return a * b

    def backward(self, dz, z, a, b):
        local = {"a": b, "b": a}
        return dz * local["a"], dz * local["b"]

class Tanh(mg.Gate):
    def forward(self, x):
        return np.tanh(x)

    def backward(self, dz, z, x):
        slope = np.ones_like(z) - z * z
        return (slope * dz,)

class Exp(mg.Gate):
    def forward(self, x):
        return np.exp(x)

    def backward(self, dz, z, x):
        slope = z
        return (slope * dz,)
---
class Multiply(mg.Gate):
    def forward(self, a, b):
        return np.multiply(a, b)

    def backward(self, dz, z, a, b):
        return np.multiply(dz, b), np.multiply(dz, a)

class Tanh(mg.Gate):
    def forward(self, x):
        return np.tanh(x)

    def backward(self, dz, z, x):
        return (np.multiply(dz, 1 - np.square(z)),)

class Exp(mg.Gate):
    def forward(self, x):
        return np.exp(x)

    def backward(self, dz, z, x):
        return (np.multiply(dz, z),)
"""

FIVE = """
def unbroadcast(dz, shape):
    extra = dz.ndim - len(shape)
    dz = dz.sum(axis=tuple(range(extra)))
    ones = tuple(i for i, n in enumerate(shape) if n == 1)
    return dz.sum(axis=ones, keepdims=True)

def product_backward(dz, a, b):
    return dz @ b.T, a.T @ dz

def dense_backward(dz, x, W, b):
    dx, dW = product_backward(dz, x, W)
    db = unbroadcast(dz, b.shape)
    return dx, dW, db
---
def unbroadcast(dz, shape):
    out = dz
    for _ in range(dz.ndim - len(shape)):
        out = out.sum(0)
    for ax in range(len(shape)):
        if shape[ax] == 1 and out.shape[ax] != 1:
            out = out.sum(ax, keepdims=True)
    return out

def product_backward(dz, a, b):
    da = np.dot(dz, b.T)
    db = np.dot(a.T, dz)
    return da, db

def dense_backward(dz, x, W, b):
    da, db = product_backward(dz, x, W)
    return da, db, unbroadcast(dz, b.shape)
---
def unbroadcast(dz, shape):
    axes = list(range(dz.ndim - len(shape)))
    for i in range(1, len(shape) + 1):
        if shape[-i] == 1:
            axes.append(dz.ndim - i)
    total = dz.sum(axis=tuple(axes), keepdims=True)
    return total.reshape(shape)

def product_backward(dz, a, b):
    grad_a = np.matmul(dz, np.transpose(b))
    grad_b = np.matmul(np.transpose(a), dz)
    return grad_a, grad_b

def dense_backward(dz, x, W, b):
    grad_x = np.matmul(dz, np.transpose(W))
    grad_W = np.matmul(np.transpose(x), dz)
    grad_b = np.reshape(np.sum(dz, axis=0), b.shape)
    return grad_x, grad_W, grad_b
---
def unbroadcast(dz, shape):
    # stretch an array of ones of the old shape and see what repeats
    if dz.shape == shape:
        return dz
    if dz.ndim > len(shape):
        return unbroadcast(dz.sum(axis=0), shape)
    first = [n for n, m in zip(shape, dz.shape)]
    for i, n in enumerate(first):
        if n != dz.shape[i]:
            return unbroadcast(dz.sum(axis=i, keepdims=True), shape)

def product_backward(dz, a, b):
    return dz.dot(b.T), a.T.dot(dz)

def dense_backward(dz, x, W, b):
    return *product_backward(dz, x, W), unbroadcast(dz, b.shape)
---
def unbroadcast(dz, shape):
    full = (1,) * (dz.ndim - len(shape)) + shape
    stretched = [i for i in range(dz.ndim) if full[i] == 1]
    for i in stretched:
        dz = dz.sum(axis=i, keepdims=True)
    return dz.reshape(shape)

def product_backward(dz, a, b):
    # z[i, j] depends on a[i, :] and b[:, j]
    da = dz @ b.T
    db = (dz.T @ a).T
    return da, db

def dense_backward(dz, x, W, b):
    dx, dW = product_backward(dz, x, W)
    db = dz.sum(axis=0)
    if b.ndim == 2:
        db = db[None, :]
    return dx, dW, db
---
def unbroadcast(dz, shape):
    while len(dz.shape) > len(shape):
        dz = np.sum(dz, axis=0)
    for i in range(len(shape)):
        if dz.shape[i] > shape[i]:
            dz = np.sum(dz, axis=i, keepdims=True)
    return dz

def product_backward(dz, a, b):
    bT = b.T
    aT = a.T
    return dz @ bT, aT @ dz

def dense_backward(dz, x, W, b):
    dx = dz @ W.T
    dW = x.T @ dz
    db = unbroadcast(dz, b.shape)
    return dx, dW, db
---
def unbroadcast(dz, shape):
    number_of_new_axes = dz.ndim - len(shape)
    old = np.sum(dz, tuple(np.arange(number_of_new_axes)))
    where = np.flatnonzero(np.array(shape) == 1)
    return np.sum(old, tuple(where), keepdims=True)

def product_backward(dz, a, b):
    return np.tensordot(dz, b, (1, 1)), np.tensordot(a, dz, (0, 0))

def dense_backward(dz, x, W, b):
    gradients = list(product_backward(dz, x, W))
    gradients.append(unbroadcast(dz, b.shape))
    return tuple(gradients)
---
def collapse(array, axis):
    return np.add.reduce(array, axis=axis, keepdims=True)

def unbroadcast(dz, shape):
    pad = dz.ndim - len(shape)
    for axis in range(dz.ndim):
        if axis < pad or shape[axis - pad] == 1:
            dz = collapse(dz, axis)
    return dz.reshape(shape)

def product_backward(dz, a, b):
    da = np.array([b @ row for row in dz])
    db = sum(np.outer(x, row) for x, row in zip(a, dz))
    return da, db

def dense_backward(dz, x, W, b):
    dx, dW = product_backward(dz, x, W)
    return dx, dW, collapse(dz, 0).reshape(b.shape)
---
def unbroadcast(dz, shape):
    sizes = list(shape)
    while len(sizes) < dz.ndim:
        sizes.insert(0, 1)
    result = dz.copy()
    for axis, size in enumerate(sizes):
        if size < result.shape[axis]:
            result = result.sum(axis=axis, keepdims=True)
    return result.reshape(shape)

def product_backward(dz, a, b):
    da = np.zeros_like(a)
    db = np.zeros_like(b)
    da += dz @ b.transpose()
    db += a.transpose() @ dz
    return da, db

def dense_backward(dz, x, W, b):
    dxdW = product_backward(dz, x, W)
    return dxdW[0], dxdW[1], unbroadcast(dz, b.shape)
---
def unbroadcast(dz, shape):
    missing = dz.ndim - len(shape)
    axes = [*range(missing)]
    axes += [missing + i for i, n in enumerate(shape) if n == 1]
    return np.add.reduce(dz, axis=tuple(axes)).reshape(shape)

def product_backward(dz, a, b):
    left = np.einsum("nm,km->nk", dz, b)
    right = np.einsum("nk,nm->km", a, dz)
    return left, right

def dense_backward(dz, x, W, b):
    ones = np.ones((1, len(x)))
    db = (ones @ dz).reshape(b.shape)
    up, weights_gradient = product_backward(dz, x, W)
    return up, weights_gradient, db
---
def table(rows, columns, cell):
    return np.array([[cell(i, j) for j in range(columns)] for i in range(rows)])

def unbroadcast(dz, shape):
    if dz.ndim > len(shape):
        return unbroadcast(sum(dz[i] for i in range(len(dz))), shape)
    total = np.zeros(shape)
    for index in np.ndindex(*dz.shape):
        place = tuple(0 if n == 1 else i for i, n in zip(index, shape))
        total[place] += dz[index]
    return total

def product_backward(dz, a, b):
    (n, k), m = a.shape, b.shape[1]
    da = table(n, k, lambda i, c: sum(dz[i, j] * b[c, j] for j in range(m)))
    db = table(k, m, lambda c, j: sum(a[i, c] * dz[i, j] for i in range(n)))
    return da, db

def dense_backward(dz, x, W, b):
    dW = sum(np.outer(row, slopes) for row, slopes in zip(x, dz))
    db = np.zeros(b.shape)
    for slopes in dz:
        db = db + slopes
    dx = np.array([W @ slopes for slopes in dz])
    return dx, dW, db
"""

TWELVE = """
def rnn_step(x, h, W_xh, W_hh, b_h):
    return mg.tanh(x @ W_xh + h @ W_hh + b_h)

def unroll(cell, xs, h0):
    hs = []
    h = h0
    for x in xs:
        h = cell(x, h)
        hs.append(h)
    return hs

def rnn(xs, h0, W_xh, W_hh, b_h):
    cell = lambda x, h: rnn_step(x, h, W_xh, W_hh, b_h)
    return unroll(cell, xs, h0)[-1]
---
def rnn_step(x, h, W_xh, W_hh, b_h):
    return mg.tanh(x @ W_xh + h @ W_hh + b_h)

def unroll(cell, xs, h0):
    states = [h0]
    for x in xs:
        states.append(cell(x, states[-1]))
    return states[1:]

def rnn(xs, h0, W_xh, W_hh, b_h):
    def step(x, h):
        return rnn_step(x, h, W_xh, W_hh, b_h)
    states = unroll(step, xs, h0)
    return states[-1]
---
def rnn_step(x, h, W_xh, W_hh, b_h):
    z = x @ W_xh
    z = z + h @ W_hh
    z = z + b_h
    return mg.tanh(z)

def unroll(cell, xs, h0):
    result = []
    current = h0
    for t in range(len(xs)):
        current = cell(xs[t], current)
        result.append(current)
    return result

def rnn(xs, h0, W_xh, W_hh, b_h):
    result = unroll(lambda x, h: rnn_step(x, h, W_xh, W_hh, b_h), xs, h0)
    return result[-1]
---
from functools import partial

def rnn_step(x, h, W_xh, W_hh, b_h):
    pre = x @ W_xh + (h @ W_hh + b_h)
    return mg.tanh(pre)

def unroll(cell, xs, h0):
    states = []
    t = 0
    while t < len(xs):
        before = h0 if t == 0 else states[t - 1]
        states.append(cell(xs[t], before))
        t += 1
    return states

def rnn(xs, h0, W_xh, W_hh, b_h):
    cell = partial(rnn_step, W_xh=W_xh, W_hh=W_hh, b_h=b_h)
    return unroll(cell, xs, h0)[-1]
---
def rnn_step(x, h, W_xh, W_hh, b_h):
    return ((x @ W_xh) + (h @ W_hh) + b_h).tanh()

def unroll(cell, xs, h0):
    def go():
        h = h0
        for x in xs:
            h = cell(x, h)
            yield h
    return list(go())

def rnn(xs, h0, W_xh, W_hh, b_h):
    cell = lambda x, h: rnn_step(x, h, W_xh, W_hh, b_h)
    return list(unroll(cell, xs, h0)).pop()
---
def rnn_step(x, h, W_xh, W_hh, b_h):
    new = x @ W_xh
    new = new + h @ W_hh
    return mg.tanh(new + b_h)

def unroll(cell, xs, h0):
    h = h0
    return [h := cell(x, h) for x in xs]

def rnn(xs, h0, W_xh, W_hh, b_h):
    h = h0
    for h in unroll(lambda x, s: rnn_step(x, s, W_xh, W_hh, b_h), xs, h0):
        pass
    return h
---
def rnn_step(x, h, W_xh, W_hh, b_h):
    input_part = x @ W_xh
    state_part = h @ W_hh
    return mg.tanh(input_part + state_part + b_h)

def unroll(cell, xs, h0):
    hs = [None] * (len(xs) + 1)
    hs[0] = h0
    for t, x in enumerate(xs, 1):
        hs[t] = cell(x, hs[t - 1])
    return hs[1:]

def rnn(xs, h0, W_xh, W_hh, b_h):
    def one_step(x, h):
        return rnn_step(x, h, W_xh, W_hh, b_h)
    hs = unroll(one_step, xs, h0)
    last = hs[-1]
    return last
---
def rnn_step(x, h, W_xh, W_hh, b_h):
    return mg.tanh(b_h + x @ W_xh + h @ W_hh)

def unroll(cell, xs, h0):
    if len(xs) == 0:
        return []
    first = cell(xs[0], h0)
    return [first] + unroll(cell, xs[1:], first)

def rnn(xs, h0, W_xh, W_hh, b_h):
    weights = W_xh, W_hh, b_h
    return unroll(lambda x, h: rnn_step(x, h, *weights), xs, h0)[-1]
---
def rnn_step(x, h, W_xh, W_hh, b_h):
    # h' = tanh(x W + h W + b)
    total = x @ W_xh + h @ W_hh + b_h
    return mg.tanh(total)

def unroll(cell, xs, h0):
    # keep every state, not only the last
    all_states = []
    state = h0
    for i in range(0, len(xs)):
        state = cell(xs[i], state)
        all_states += [state]
    return all_states

def rnn(xs, h0, W_xh, W_hh, b_h):
    # the weights are the same at every step
    def cell(x, h):
        return rnn_step(x, h, W_xh, W_hh, b_h)
    return unroll(cell, xs, h0)[len(xs) - 1]
---
from itertools import accumulate

def rnn_step(x, h, W_xh, W_hh, b_h):
    x = x if isinstance(x, mg.Tensor) else mg.Tensor(x)
    both = mg.concatenate([x, h], axis=1)
    matrix = mg.concatenate([W_xh, W_hh], axis=0)
    return mg.tanh(b_h + both @ matrix)

def unroll(cell, xs, h0):
    return list(accumulate(xs, lambda h, x: cell(x, h), initial=h0))[1:]

def rnn(xs, h0, W_xh, W_hh, b_h):
    *_, last = unroll(lambda x, h: rnn_step(x, h, W_xh, W_hh, b_h), list(xs), h0)
    return last
---
def rnn_step(x, h, W_xh, W_hh, b_h):
    a = mg.einsum("bd,dh->bh", x, W_xh)
    a = mg.einsum("bi,ij->bj", h, W_hh) + a
    e = mg.exp((a + b_h) * -2.0)
    return 2.0 / (e + 1.0) - 1.0

def unroll(cell, xs, h0):
    states = [None] * len(xs)
    for t in range(len(xs)):
        states[t] = cell(xs[t], states[t - 1] if t > 0 else h0)
    return tuple(states)

def rnn(xs, h0, W_xh, W_hh, b_h):
    weights = (W_xh, W_hh, b_h)
    state = h0
    for t in range(xs.shape[0]):
        (state,) = unroll(lambda x, h: rnn_step(x, h, *weights), xs[t : t + 1], state)
    return state
"""

THIRTEEN = """
def tanh_backward(dh, h):
    return dh * (1 - h**2)

def state_gradients(g, hs, W_hh):
    T = len(hs) - 1
    dh = np.zeros_like(hs)
    dh[T] = g[T]
    for t in range(T, 0, -1):
        dh[t - 1] = g[t - 1] + tanh_backward(dh[t], hs[t]) @ W_hh.T
    return dh

def rnn_backward(g, xs, hs, W_xh, W_hh):
    dh = state_gradients(g, hs, W_hh)
    dxs = np.zeros_like(xs)
    dW_xh = np.zeros_like(W_xh)
    dW_hh = np.zeros_like(W_hh)
    db_h = np.zeros(W_hh.shape[0])
    for t in range(1, len(hs)):
        da = tanh_backward(dh[t], hs[t])
        dxs[t - 1] = da @ W_xh.T
        dW_xh += xs[t - 1].T @ da
        dW_hh += hs[t - 1].T @ da
        db_h += da.sum(axis=0)
    return {"xs": dxs, "h0": dh[0], "W_xh": dW_xh, "W_hh": dW_hh, "b_h": db_h}
---
def tanh_backward(dh, h):
    return dh * (1 - h * h)

def state_gradients(g, hs, W_hh):
    dh = g.copy()
    for t in reversed(range(len(g) - 1)):
        dh[t] = dh[t] + tanh_backward(dh[t + 1], hs[t + 1]) @ W_hh.T
    return dh

def rnn_backward(g, xs, hs, W_xh, W_hh):
    T, B, D = xs.shape
    H = W_hh.shape[0]
    dh = state_gradients(g, hs, W_hh)
    da = tanh_backward(dh[1:], hs[1:]).reshape(T * B, H)
    return {
        "xs": (da @ W_xh.T).reshape(T, B, D),
        "h0": dh[0],
        "W_xh": xs.reshape(T * B, D).T @ da,
        "W_hh": hs[:-1].reshape(T * B, H).T @ da,
        "b_h": da.sum(axis=0),
    }
---
def tanh_backward(dh, h):
    local = 1 - h * h
    return local * dh

def state_gradients(g, hs, W_hh):
    result = [g[-1]]
    for direct, h in zip(reversed(g[:-1]), reversed(hs[1:])):
        result.append(direct + tanh_backward(result[-1], h) @ W_hh.T)
    result.reverse()
    return np.array(result)

def rnn_backward(g, xs, hs, W_xh, W_hh):
    grads = {"xs": [], "W_xh": 0.0, "W_hh": 0.0, "b_h": 0.0}
    dh = state_gradients(g, hs, W_hh)
    for t, x in enumerate(xs):
        da = tanh_backward(dh[t + 1], hs[t + 1])
        grads["xs"].append(da @ W_xh.T)
        grads["W_xh"] += x.T @ da
        grads["W_hh"] += hs[t].T @ da
        grads["b_h"] += np.sum(da, axis=0)
    grads["xs"] = np.array(grads["xs"])
    grads["h0"] = dh[0]
    return grads
---
def tanh_backward(dh, h):
    # the derivative of tanh from its output
    return (1.0 - np.power(h, 2)) * dh

def state_gradients(g, hs, W_hh):
    dh = np.empty(g.shape)
    later = np.zeros(g.shape[1:])
    for t in range(g.shape[0] - 1, -1, -1):
        dh[t] = g[t] + later
        later = tanh_backward(dh[t], hs[t]) @ W_hh.T
    return dh

def rnn_backward(g, xs, hs, W_xh, W_hh):
    dh = state_gradients(g, hs, W_hh)
    da = np.stack([tanh_backward(d, h) for d, h in zip(dh[1:], hs[1:])])
    dxs = np.matmul(da, W_xh.T)
    dW_xh = np.matmul(xs.transpose(0, 2, 1), da).sum(0)
    dW_hh = np.matmul(hs[:-1].transpose(0, 2, 1), da).sum(0)
    return {"xs": dxs, "h0": dh[0], "W_xh": dW_xh, "W_hh": dW_hh, "b_h": da.sum((0, 1))}
---
def tanh_backward(dh, h):
    return dh - dh * h * h

def state_gradients(g, hs, W_hh):
    def whole(t):
        if t == len(g) - 1:
            return [g[t]]
        rest = whole(t + 1)
        return [g[t] + tanh_backward(rest[0], hs[t + 1]) @ W_hh.T] + rest
    return np.array(whole(0))

def rnn_backward(g, xs, hs, W_xh, W_hh):
    dh = state_gradients(g, hs, W_hh)
    steps = range(len(xs))
    das = [tanh_backward(dh[t + 1], hs[t + 1]) for t in steps]
    answer = {"h0": dh[0]}
    answer["xs"] = np.array([da @ W_xh.T for da in das])
    answer["W_xh"] = sum(x.T @ da for x, da in zip(xs, das))
    answer["W_hh"] = sum(h.T @ da for h, da in zip(hs, das))
    answer["b_h"] = sum(das).sum(axis=0)
    return answer
---
def tanh_backward(dh, h):
    return np.multiply(dh, 1 - h * h)

def state_gradients(g, hs, W_hh):
    t = len(g) - 1
    total = np.array(g)
    while t > 0:
        total[t - 1] += np.dot(tanh_backward(total[t], hs[t]), W_hh.T)
        t -= 1
    return total

def rnn_backward(g, xs, hs, W_xh, W_hh):
    total = state_gradients(g, hs, W_hh)
    back = tanh_backward(total, hs)[1:]
    out = {}
    out["b_h"] = back.sum(axis=1).sum(axis=0)
    out["W_hh"] = np.einsum("tbi,tbj->ij", hs[:-1], back)
    out["W_xh"] = np.einsum("tbi,tbj->ij", xs, back)
    out["xs"] = np.einsum("tbj,ij->tbi", back, W_xh)
    out["h0"] = total[0]
    return out
---
def tanh_backward(dh, h):
    return dh * (1 - h**2)

def state_gradients(g, hs, W_hh):
    dhs = []
    dnext = 0
    for t in range(len(hs))[::-1]:
        dh = g[t] + dnext
        dhs.append(dh)
        da = tanh_backward(dh, hs[t])
        dnext = da @ W_hh.T
    return np.array(dhs[::-1])

def rnn_backward(g, xs, hs, W_xh, W_hh):
    dhs = state_gradients(g, hs, W_hh)
    dW_xh = np.zeros(W_xh.shape)
    dW_hh = np.zeros(W_hh.shape)
    db_h = np.zeros(W_hh.shape[1])
    dxs = []
    for x, h_prev, h, dh in zip(xs, hs, hs[1:], dhs[1:]):
        da = tanh_backward(dh, h)
        dW_xh += x.T @ da
        dW_hh += h_prev.T @ da
        db_h += da.sum(0)
        dxs.append(da @ W_xh.T)
    return {"xs": np.array(dxs), "h0": dhs[0], "W_xh": dW_xh, "W_hh": dW_hh, "b_h": db_h}
---
def tanh_backward(dh, h):
    derivative = 1 - np.tanh(np.arctanh(h)) ** 2
    return dh * derivative

def one_back(dh, h, W):
    return tanh_backward(dh, h) @ W.T

def state_gradients(g, hs, W_hh):
    dh = g * 1.0
    last = len(dh) - 1
    for k in range(last):
        t = last - k
        dh[t - 1] += one_back(dh[t], hs[t], W_hh)
    return dh

def rnn_backward(g, xs, hs, W_xh, W_hh):
    dh = state_gradients(g, hs, W_hh)
    dxs = np.array([one_back(dh[t + 1], hs[t + 1], W_xh) for t in range(len(xs))])
    dW_xh, dW_hh, db_h = 0, 0, 0
    for t in range(len(xs)):
        da = tanh_backward(dh[t + 1], hs[t + 1])
        dW_xh = dW_xh + np.dot(xs[t].T, da)
        dW_hh = dW_hh + np.dot(hs[t].T, da)
        db_h = db_h + np.sum(da, axis=0)
    return dict(xs=dxs, h0=dh[0], W_xh=dW_xh, W_hh=dW_hh, b_h=db_h)
---
def tanh_backward(dh, h):
    return dh * (1 - h * h)

def state_gradients(g, hs, W_hh):
    dh = np.array(g)
    for t in range(len(g) - 1, 0, -1):
        da = tanh_backward(dh[t], hs[t])
        dh[t - 1] = dh[t - 1] + da @ W_hh.T
    return dh

def rnn_backward(g, xs, hs, W_xh, W_hh):
    dh = state_gradients(g, hs, W_hh)
    da = tanh_backward(dh[1:], hs[1:])
    dxs = da @ W_xh.T
    dW_xh = np.zeros_like(W_xh)
    dW_hh = np.zeros_like(W_hh)
    for t in range(len(xs)):
        dW_xh += xs[t].T @ da[t]
        dW_hh += hs[t].T @ da[t]
    db_h = da.sum(axis=(0, 1))
    return {"xs": dxs, "h0": dh[0], "W_xh": dW_xh, "W_hh": dW_hh, "b_h": db_h}
---
def tanh_backward(dh, h):
    slope = 1.0 - h * h
    return slope * dh

def state_gradients(g, hs, W_hh):
    grads = {}
    T = g.shape[0] - 1
    grads[T] = g[T]
    for t in range(T - 1, -1, -1):
        through = tanh_backward(grads[t + 1], hs[t + 1])
        grads[t] = through.dot(W_hh.T) + g[t]
    return np.array([grads[t] for t in range(T + 1)])

def rnn_backward(g, xs, hs, W_xh, W_hh):
    grads = state_gradients(g, hs, W_hh)
    dWx, dWh = np.zeros(W_xh.shape), np.zeros(W_hh.shape)
    db, dx = np.zeros(len(W_hh)), np.zeros(xs.shape)
    T = len(xs)
    while T:
        da = tanh_backward(grads[T], hs[T])
        T -= 1
        dx[T] = da.dot(W_xh.T)
        dWx += xs[T].T.dot(da)
        dWh += hs[T].T.dot(da)
        db += da.sum(axis=0)
    return {"xs": dx, "h0": grads[0], "W_xh": dWx, "W_hh": dWh, "b_h": db}
---
def tanh_backward(dh, h):
    return (1 - h) * dh * (1 + h)

def state_gradients(g, hs, W_hh):
    found = list(g)
    for t in range(len(g) - 2, -1, -1):
        a = tanh_backward(found[t + 1], hs[t + 1])
        found[t] = found[t] + np.einsum("bj,ij->bi", a, W_hh)
    return np.stack(found)

def rnn_backward(g, xs, hs, W_xh, W_hh):
    a = [tanh_backward(d, h) for d, h in zip(state_gradients(g, hs, W_hh), hs)]
    h0 = g[0] + a[1] @ W_hh.T
    a = np.stack(a[1:])
    flat = a.reshape(-1, a.shape[-1])
    W_x = xs.reshape(-1, xs.shape[-1]).T @ flat
    W_h = hs[:-1].reshape(flat.shape).T @ flat
    return dict(xs=a @ W_xh.T, h0=h0, W_xh=W_x, W_hh=W_h, b_h=flat.sum(0))
"""
WRITTEN = {1: ONE, 3: THREE, 5: FIVE, 12: TWELVE, 13: THIRTEEN}
