"""Lesson 14, solved."""

import math

import numpy as np


def step_back(dh, h, W_hh):
    return (dh * (1 - h**2)) @ W_hh.T


def flow(dh, hs, W_hh):
    norms = [np.linalg.norm(dh)]
    for h in hs[:0:-1]:
        dh = step_back(dh, h, W_hh)
        norms.append(np.linalg.norm(dh))
    return np.array(norms[::-1])


def decay(W_hh, v, steps):
    before = np.linalg.norm(v)
    for _ in range(steps):
        v = v @ W_hh.T
    return (np.linalg.norm(v) / before) ** (1 / steps)


def reach(factor, share):
    if factor >= 1:
        return np.inf
    steps, left = 0, 1.0
    while left >= share:
        steps += 1
        left *= factor
    return steps


def clip(gradients, max_norm):
    norm = math.sqrt(sum(np.sum(g**2) for g in gradients))
    scale = max_norm / max(norm, max_norm)
    return [scale * g for g in gradients]


def long_decay(W_hh, v, steps):
    v, total = v / np.linalg.norm(v), 0.0
    for _ in range(steps):
        v = v @ W_hh.T
        norm = np.linalg.norm(v)
        total += math.log(norm)
        v = v / norm
    return math.exp(total / steps)


def orthogonal(A):
    rows = []
    for row in A:
        for other in rows:
            row = row - (row @ other) * other
        rows.append(row / np.linalg.norm(row))
    return np.array(rows)
