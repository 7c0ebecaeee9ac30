"""Other correct answers to lesson 2."""

RIGHT = {
    "loops, and an element put back": """
def central_difference(f, x, h):
    right = f(x + h)
    left = f(x - h)
    return (right - left) / h / 2

def best_h(f, x, slope, hs):
    best, smallest = None, float("inf")
    for h in hs:
        error = abs(slope - central_difference(f, x, h))
        if error < smallest:
            best, smallest = h, error
    return best

def numeric_gradient(f, x, h):
    x, slopes = x.copy(), []
    for i, value in enumerate(x):
        x[i] = value + h
        up = f(x)
        x[i] = value - h
        down = f(x)
        x[i] = value
        slopes.append((up - down) / (2 * h))
    return slopes
""",
    "the rows of a matrix": """
def numeric_gradient(f, x, h):
    return np.array([central_difference(lambda t: f(x + t * row), 0.0, h) for row in np.eye(len(x))])
""",
}
