"""Other correct solutions to lesson 20."""

RIGHT = {
    "NumPy's functions": """
from numpy.lib.stride_tricks import sliding_window_view

def output_size(n, size, stride, padding):
    return np.floor((n + 2 * padding - size) / stride + 1).astype(int)

def pad(x, padding):
    return np.pad(x, [(0, 0)] * (x.ndim - 2) + [(padding, padding)] * 2)

def windows(x, size, stride):
    return sliding_window_view(x, size, axis=(-2, -1))[..., ::stride, ::stride, :, :]

def convolve(x, kernel, stride):
    return np.einsum("...ij,ij->...", windows(x, kernel.shape, stride), kernel)

def kernel_gradient(dz, x, size, stride):
    each = np.einsum("...pq,...pqij->...ij", dz, windows(x, size, stride))
    return each.sum(axis=tuple(range(each.ndim - 2)))

def max_pool_backward(dz, x, size):
    dx = np.zeros_like(x)
    w = windows(x, (size, size), size)
    first = w.reshape(*w.shape[:-2], size * size).argmax(axis=-1)
    for place in np.ndindex(*dz.shape):
        *front, p, q = place
        i, j = divmod(int(first[place]), size)
        dx[(*front, p * size + i, q * size + j)] = dz[place]
    return dx
""",
    "loops over the kernel": """
def windows(x, size, stride):
    P = output_size(x.shape[-2], size[0], stride, 0)
    Q = output_size(x.shape[-1], size[1], stride, 0)
    result = np.empty(x.shape[:-2] + (P, Q) + tuple(size))
    for i in range(size[0]):
        for j in range(size[1]):
            result[..., i, j] = x[..., i : i + stride * P : stride, j : j + stride * Q : stride]
    return result

def convolve(x, kernel, stride):
    total = 0
    w = windows(x, kernel.shape, stride)
    for i in range(kernel.shape[0]):
        for j in range(kernel.shape[1]):
            total = total + w[..., i, j] * kernel[i, j]
    return total

def kernel_gradient(dz, x, size, stride):
    dkernel = np.zeros(size)
    P, Q = dz.shape[-2:]
    for i in range(size[0]):
        for j in range(size[1]):
            pixels = x[..., i : i + stride * P : stride, j : j + stride * Q : stride]
            dkernel[i, j] = (dz * pixels).sum()
    return dkernel

def image_gradient(dz, kernel, shape, stride):
    dx = np.zeros(shape)
    P, Q = dz.shape[-2:]
    for i in range(kernel.shape[0]):
        for j in range(kernel.shape[1]):
            dx[..., i : i + stride * P : stride, j : j + stride * Q : stride] += dz * kernel[i, j]
    return dx

def max_pool_backward(dz, x, size):
    dx = np.zeros(x.shape)
    P, Q = dz.shape[-2:]
    z = max_pool(x, size)
    free = np.ones(dz.shape, bool)
    for i in range(size):
        for j in range(size):
            chosen = free & (x[..., i : i + size * P : size, j : j + size * Q : size] == z)
            dx[..., i : i + size * P : size, j : j + size * Q : size] = dz * chosen
            free &= ~chosen
    return dx
""",
    "one number at a time": """
import math

def output_size(n, size, stride, padding):
    count, start = 0, 0
    while start + size <= n + 2 * padding:
        count += 1
        start += stride
    return count

def pad(x, padding):
    H, W = x.shape[-2:]
    z = np.zeros(x.shape[:-2] + (H + 2 * padding, W + 2 * padding))
    for i in range(H):
        for j in range(W):
            z[..., i + padding, j + padding] = x[..., i, j]
    return z

def convolve(x, kernel, stride):
    h, w = kernel.shape
    P = output_size(x.shape[-2], h, stride, 0)
    Q = output_size(x.shape[-1], w, stride, 0)
    z = np.zeros(x.shape[:-2] + (P, Q))
    for p in range(P):
        for q in range(Q):
            for i in range(h):
                for j in range(w):
                    z[..., p, q] += x[..., p * stride + i, q * stride + j] * kernel[i, j]
    return z

def kernel_gradient(dz, x, size, stride):
    dkernel = np.zeros(size)
    for p in range(dz.shape[-2]):
        for q in range(dz.shape[-1]):
            for i in range(size[0]):
                for j in range(size[1]):
                    dkernel[i, j] += (dz[..., p, q] * x[..., p * stride + i, q * stride + j]).sum()
    return dkernel

def image_gradient(dz, kernel, shape, stride):
    dx = np.zeros(shape)
    for p in range(dz.shape[-2]):
        for q in range(dz.shape[-1]):
            for i in range(kernel.shape[0]):
                for j in range(kernel.shape[1]):
                    dx[..., p * stride + i, q * stride + j] += dz[..., p, q] * kernel[i, j]
    return dx

def max_pool(x, size):
    P, Q = x.shape[-2] // size, x.shape[-1] // size
    z = np.full(x.shape[:-2] + (P, Q), -np.inf)
    for p in range(P):
        for q in range(Q):
            for i in range(size):
                for j in range(size):
                    z[..., p, q] = np.maximum(z[..., p, q], x[..., p * size + i, q * size + j])
    return z

def max_pool_backward(dz, x, size):
    dx = np.zeros(x.shape)
    for p in range(dz.shape[-2]):
        for q in range(dz.shape[-1]):
            top, left = p * size, q * size
            best, place = x[..., top, left], np.zeros(dz.shape[:-2], int)
            for i in range(size):
                for j in range(size):
                    larger = x[..., top + i, left + j] > best
                    best = np.where(larger, x[..., top + i, left + j], best)
                    place = np.where(larger, i * size + j, place)
            for i in range(size):
                for j in range(size):
                    dx[..., top + i, left + j] += dz[..., p, q] * (place == i * size + j)
    return dx

def as_matrix(kernel, shape, stride):
    h, w = kernel.shape
    H, W = shape
    P, Q = output_size(H, h, stride, 0), output_size(W, w, stride, 0)
    M = np.zeros((P * Q, H * W))
    for p in range(P):
        for q in range(Q):
            for i in range(h):
                for j in range(w):
                    M[p * Q + q, (p * stride + i) * W + q * stride + j] = kernel[i, j]
    return M
""",
    "windows from lists, and the full convolution with a flipped kernel": """
def output_size(n, size, stride, padding):
    return int((n - size + 2 * padding) / stride) + 1

def windows(x, size, stride):
    h, w = size
    rows = range(0, x.shape[-2] - h + 1, stride)
    columns = range(0, x.shape[-1] - w + 1, stride)
    cut = [[x[..., i : i + h, j : j + w] for j in columns] for i in rows]
    return np.stack([np.stack(row, axis=-3) for row in cut], axis=-4)

def convolve(x, kernel, stride):
    w = windows(x, kernel.shape, stride)
    flat = w.reshape(*w.shape[:-2], -1)
    return flat @ kernel.reshape(-1)

def kernel_gradient(dz, x, size, stride):
    w = windows(x, size, stride)
    return (dz.reshape(-1) @ w.reshape(dz.size, -1)).reshape(size)

def image_gradient(dz, kernel, shape, stride):
    h, w = kernel.shape
    P, Q = dz.shape[-2:]
    wide = np.zeros((*shape[:-2], shape[-2] + h - 1, shape[-1] + w - 1))
    wide[..., h - 1 : h - 1 + stride * P : stride, w - 1 : w - 1 + stride * Q : stride] = dz
    return convolve(wide, kernel[::-1, ::-1], 1)

def max_pool(x, size):
    P, Q = x.shape[-2] // size, x.shape[-1] // size
    x = x[..., : P * size, : Q * size]
    return x.reshape(*x.shape[:-2], P, size, Q, size).max(axis=(-3, -1))

def average_pool(x, size):
    return windows(x, (size, size), size).mean(axis=(-2, -1))

def as_matrix(kernel, shape, stride):
    h, w = kernel.shape
    places = np.arange(shape[0] * shape[1]).reshape(shape)
    rows = windows(places, kernel.shape, stride).reshape(-1, h * w).astype(int)
    M = np.zeros((len(rows), shape[0] * shape[1]))
    for r, row in enumerate(rows):
        M[r, row] = kernel.reshape(-1)
    return M
""",
    "a loop over the images": """
def windows(x, size, stride):
    if x.ndim > 2:
        return np.array([windows(one, size, stride) for one in x])
    h, w = size
    P, Q = (x.shape[0] - h) // stride + 1, (x.shape[1] - w) // stride + 1
    z = np.zeros((P, Q, h, w))
    for p in range(P):
        for q in range(Q):
            z[p, q] = x[p * stride : p * stride + h, q * stride : q * stride + w]
    return z

def max_pool_backward(dz, x, size):
    if x.ndim > 2:
        return np.array([max_pool_backward(d, one, size) for d, one in zip(dz, x)])
    dx = np.zeros(x.shape)
    for p in range(dz.shape[0]):
        for q in range(dz.shape[1]):
            window = x[p * size : (p + 1) * size, q * size : (q + 1) * size]
            i, j = np.unravel_index(window.argmax(), window.shape)
            dx[p * size + i, q * size + j] = dz[p, q]
    return dx
""",
}
