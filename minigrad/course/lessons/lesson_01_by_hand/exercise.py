"""Lesson 1: compute the slopes of y = tanh(a*b + c) by hand for a = 4, b = 0.5
and c = -1.2.

Replace each None with a number, or with an expression such as 4 * 5 or
dy_ds * 1. Three decimal places are enough. Then run

    minigrad course check 1
"""

# The forward pass, done for you:
#
#     m = a * b   = 2.0
#     s = m + c   = 0.8
#     y = tanh(s) = 0.6640

dy_ds = None  # how much y moves for each unit that s moves
dy_dm = None
dy_dc = None
dy_da = None
dy_db = None

if __name__ == "__main__":
    for name in ("dy_ds", "dy_dm", "dy_dc", "dy_da", "dy_db"):
        print(f"{name} = {globals()[name]}")
