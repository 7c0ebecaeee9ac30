"""Other correct answers to lesson 1."""

RIGHT = {
    "computed, with all digits": """
import math
y = math.tanh(4 * 0.5 - 1.2)
dy_ds = dy_dm = dy_dc = 1 - y**2
dy_da, dy_db = dy_dm * 0.5, dy_dm * 4

def slopes(a, b, c):
    y = math.tanh(a * b + c)
    dy_ds = 1 * (1 - y**2)
    dy_dm = dy_ds * 1
    dy_dc = dy_ds * 1
    dy_da = dy_dm * b
    dy_db = dy_dm * a
    return [dy_da, dy_db, dy_dc]

def slopes_shared(a, b):
    y = math.tanh(a + b * a)
    slope = 1 - y**2
    return slope + slope * b, slope * a
""",
    "three digits": "dy_ds, dy_dm, dy_dc, dy_da, dy_db = 0.559, 0.559, 0.559, 0.28, 2.236",
    "products of rounded numbers": """
import numpy as np
dy_ds = 1 - 0.664 * 0.664
dy_dm, dy_dc = dy_ds * 1, dy_ds
dy_da, dy_db = 0.559 * 0.5, np.float64(0.559 * 4)

def slopes_shared(a, b):
    dy_ds = 1 / np.cosh(a * b + a) ** 2
    dy_da = dy_ds
    dy_da += dy_ds * b
    return dy_da, dy_ds * a
""",
}
