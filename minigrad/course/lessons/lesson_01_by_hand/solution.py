"""Lesson 1: compute the slopes of y = tanh(a*b + c) by hand, at a = 4, b = 0.5, c = -1.2."""

import math

dy_ds = 0.5591  # 1 · (1 - y²), with y = 0.6640
dy_dm = 0.5591  # dy_ds · 1
dy_dc = 0.5591  # dy_ds · 1
dy_da = 0.2795  # dy_dm · b
dy_db = 2.2362  # dy_dm · a


def slopes(a, b, c):
    y = math.tanh(a * b + c)
    dy_ds = 1 - y * y
    return dy_ds * b, dy_ds * a, dy_ds


def slopes_shared(a, b):
    y = math.tanh(a * b + a)
    dy_ds = 1 - y * y
    return dy_ds * b + dy_ds, dy_ds * a  # a is an input of both gates
