"""Lesson 15, solved."""

import numpy as np

import minigrad as mg


def truncated(cell, xs, h, k):
    states = []
    for t, x in enumerate(xs):
        if 0 < t == len(xs) - k:
            h = mg.cut(h)
        h = cell(x, h)
        states.append(h)
    return states


def pieces(dhs, hs, h0):
    before = [h0, *hs[:-1]]
    return [h_before.T @ (dh * (1 - h**2)) for dh, h, h_before in zip(dhs, hs, before, strict=True)]


def cosine(a, b):
    return np.sum(a * b) / (np.linalg.norm(a) * np.linalg.norm(b))


def predict(parts, k):
    return cosine(sum(parts[-k:]), sum(parts))


def enough(parts, wanted):
    for k in range(1, len(parts) + 1):
        if predict(parts, k) >= wanted:
            return k
    return len(parts)


def windows(T, k1, k2):
    found = []
    for start in range(0, T, k1):
        end = min(start + k1, T)
        found.append((start, end, max(0, end - k2)))
    return found
