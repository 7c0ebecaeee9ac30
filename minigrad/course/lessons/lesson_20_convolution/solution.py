"""Lesson 20, solved."""

import numpy as np


def output_size(n, size, stride, padding):
    return (n + 2 * padding - size) // stride + 1


def pad(x, padding):
    *front, height, width = x.shape
    z = np.zeros((*front, height + 2 * padding, width + 2 * padding))
    z[..., padding : padding + height, padding : padding + width] = x
    return z


def windows(x, size, stride):
    h, w = size
    *front, height, width = x.shape
    P, Q = output_size(height, h, stride, 0), output_size(width, w, stride, 0)
    z = np.zeros((*front, P, Q, h, w))
    for p in range(P):
        for q in range(Q):
            i, j = p * stride, q * stride
            z[..., p, q, :, :] = x[..., i : i + h, j : j + w]
    return z


def convolve(x, kernel, stride):
    return (windows(x, kernel.shape, stride) * kernel).sum(axis=(-2, -1))


def kernel_gradient(dz, x, size, stride):
    parts = dz[..., None, None] * windows(x, size, stride)
    return parts.reshape(-1, *size).sum(axis=0)


def image_gradient(dz, kernel, shape, stride):
    h, w = kernel.shape
    dx = np.zeros(shape)
    for p in range(dz.shape[-2]):
        for q in range(dz.shape[-1]):
            i, j = p * stride, q * stride
            dx[..., i : i + h, j : j + w] += dz[..., p, q, None, None] * kernel
    return dx


def max_pool(x, size):
    return windows(x, (size, size), size).max(axis=(-2, -1))


def max_pool_backward(dz, x, size):
    dx = np.zeros(x.shape)
    for p in range(dz.shape[-2]):
        for q in range(dz.shape[-1]):
            i, j = p * size, q * size
            window = x[..., i : i + size, j : j + size]
            first = window.reshape(*window.shape[:-2], -1).argmax(axis=-1)
            chosen = np.eye(size * size)[first].reshape(window.shape)
            dx[..., i : i + size, j : j + size] = dz[..., p, q, None, None] * chosen
    return dx


def average_pool(x, size):
    return convolve(x, np.full((size, size), 1 / size**2), size)


def as_matrix(kernel, shape, stride):
    images = np.eye(shape[0] * shape[1]).reshape(-1, *shape)
    return convolve(images, kernel, stride).reshape(len(images), -1).T
