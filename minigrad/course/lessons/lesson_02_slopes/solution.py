"""Lesson 2: measure slopes by nudging, and find the step h that gives the smallest error."""

import numpy as np


def central_difference(f, x, h):
    return (f(x + h) - f(x - h)) / (2 * h)


def best_h(f, x, slope, hs):
    def error(h):
        return abs(central_difference(f, x, h) - slope)

    return min(hs, key=error)


def numeric_gradient(f, x, h):
    gradient = np.zeros(len(x))
    for i in range(len(x)):
        nudge = np.zeros(len(x))
        nudge[i] = h
        gradient[i] = (f(x + nudge) - f(x - nudge)) / (2 * h)
    return gradient


def finer_difference(f, x, h):
    coarse = central_difference(f, x, h)
    fine = central_difference(f, x, h / 2)
    return (4 * fine - coarse) / 3


def slope_along(f, x, d, h):
    return (f(x + h * d) - f(x - h * d)) / (2 * h)
