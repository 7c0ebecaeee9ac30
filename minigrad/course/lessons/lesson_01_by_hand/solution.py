"""Lesson 1: compute the slopes of y = tanh(a*b + c) by hand, at a = 4, b = 0.5, c = -1.2."""

dy_ds = 0.5591  # 1 · (1 - y²), with y = 0.6640
dy_dm = 0.5591  # dy_ds · 1
dy_dc = 0.5591  # dy_ds · 1
dy_da = 0.2795  # dy_dm · b
dy_db = 2.2362  # dy_dm · a
