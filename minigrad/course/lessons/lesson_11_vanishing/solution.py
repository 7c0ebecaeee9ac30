"""Lesson 11, solved."""

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


def decay(W_hh):
    return np.max(np.abs(np.linalg.eigvals(W_hh)))


def reach(factor, share):
    if factor >= 1:
        return np.inf
    steps, left = 0, 1.0
    while left >= share:
        steps, left = steps + 1, left * factor
    return steps


def clip(gradients, max_norm):
    norm = math.sqrt(sum(np.sum(g**2) for g in gradients))
    scale = max_norm / max(norm, max_norm)
    return [scale * g for g in gradients]
