"""Other correct answers to lesson 1."""

RIGHT = {
    "computed, with all digits": """
import math
y = math.tanh(4 * 0.5 - 1.2)
dy_ds = dy_dm = dy_dc = 1 - y**2
dy_da, dy_db = dy_dm * 0.5, dy_dm * 4
""",
    "three digits": "dy_ds, dy_dm, dy_dc, dy_da, dy_db = 0.559, 0.559, 0.559, 0.28, 2.236",
}
