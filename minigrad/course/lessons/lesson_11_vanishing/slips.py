"""Well-known wrong solutions of lesson 11."""

from minigrad.course.lesson import Slip

_FLOW = """
def flow(dh, hs, W_hh):
    norms = [{norm}]
    for h in hs[{which}]:
        dh = step_back(dh, h, W_hh)
        norms.append({norm})
    return np.array(norms[::-1])
"""
_STEP = (
    "dL/dh before = (dL/dh_t ⊙ (1 - h_t²)) times W_hh transposed; ⊙ multiplies element by element"
)
_DECAY = "max |λ| over all eigenvalues λ of W_hh, where |a + bi| = √(a² + b²)"
_CLIP = "norm = √(sum of all squares, over all arrays); every array times min(1, max_norm / norm)"

SLIPS = (
    Slip(
        "tanh alone is to blame",
        "def step_back(dh, h, W_hh):\n    return dh * (1 - h**2)",
        "The gradient passes the slope of tanh, and that is all. But h_before also went through a "
        "matrix product on its way to h_t, and that product decides most of what is left.",
        _STEP,
    ),
    Slip(
        "slope of tanh forgotten",
        "def step_back(dh, h, W_hh):\n    return dh @ W_hh.T",
        "The gradient goes back through the matrix product, but not through tanh, which comes "
        "after it in the forward pass and therefore first on the way back.",
        _STEP,
    ),
    Slip(
        "transposed",
        "def step_back(dh, h, W_hh):\n    return (dh * (1 - h**2)) @ W_hh",
        "The matrix is used as in the forward pass. W_hh is square, so that the shapes do not "
        "complain; but the entry in row i, column j carried h_i to place j, and its gradient must "
        "go the other way.",
        _STEP,
    ),
    Slip(
        "tanh applied twice",
        "def step_back(dh, h, W_hh):\n    return (dh * (1 - np.tanh(h)**2)) @ W_hh.T",
        "The slope of tanh is written with tanh of its argument. Here h is what came out of tanh "
        "already.",
        _STEP,
    ),
    Slip(
        "slope after the matrix",
        "def step_back(dh, h, W_hh):\n    return (dh @ W_hh.T) * (1 - h**2)",
        "Both factors are there, in the order of the forward pass. Backwards they come in the "
        "opposite order: the last operation first.",
        _STEP,
    ),
    Slip(
        "norms in backward order",
        "def flow(dh, hs, W_hh):\n    norms = [np.linalg.norm(dh)]\n    for h in hs[:0:-1]:\n     "
        "   dh = step_back(dh, h, W_hh)\n        norms.append(np.linalg.norm(dh))\n    return "
        "np.array(norms)",
        "The norms are right, but in the order in which they were found: the last state first.",
        "place t of the result is the norm of dL/dh_t, so the norm of dh itself is the last of "
        "the T",
    ),
    Slip(
        "off by one step",
        "def flow(dh, hs, W_hh):\n    norms = []\n    for h in hs[::-1]:\n        dh = "
        "step_back(dh, h, W_hh)\n        norms.append(np.linalg.norm(dh))\n    return "
        "np.array(norms[::-1])",
        "Each norm stands one place too late. dh is already the gradient of the last state; "
        "stepping back through the last state gives the gradient of the state before it.",
        "T norms need T - 1 steps back: place T - 1 is the norm of dh, t - 1 what stepping back "
        "through h_t gives",
    ),
    Slip(
        "largest singular value",
        "def decay(W_hh):\n    return np.linalg.norm(W_hh, 2)",
        "That is the most by which W_hh can stretch a vector in a single step. The next step may "
        "shrink that same vector; what lasts over many steps is the stretching of vectors that "
        "keep their direction.",
        _DECAY,
    ),
    Slip(
        "sign and turn of the eigenvalues not taken off",
        "def decay(W_hh):\n    return np.max(np.linalg.eigvals(W_hh).real)",
        "An eigenvalue may be negative (the vector is flipped) or complex (it is turned). For the "
        "length, neither matters: only the size of the eigenvalue does.",
        _DECAY,
    ),
    Slip(
        "rounded down",
        "def reach(factor, share):\n    return np.inf if factor >= 1 else int(math.log(share) / "
        "math.log(factor))",
        "After that many steps slightly more than the share is left; one step more is needed to "
        "be below it.",
        "the smallest whole n with factor^n < share: log(share) / log(factor), rounded up",
    ),
    Slip(
        "not rounded up",
        "def reach(factor, share):\n    return np.inf if factor >= 1 else math.log(share) / "
        "math.log(factor)",
        "The logarithms give the moment at which exactly the share is left, between two steps. "
        "Steps are whole.",
        "the smallest whole n with factor^n < share: log(share) / log(factor), rounded up",
    ),
    Slip(
        "clipping as a cure for vanishing",
        "def clip(gradients, max_norm):\n    norm = math.sqrt(sum(np.sum(g**2) for g in "
        "gradients))\n    return [g * (max_norm / norm) for g in gradients]",
        "Every gradient gets the length max_norm, short ones too. Clipping is a limit and no "
        "target: a gradient that is short enough stays as it is.",
        _CLIP,
    ),
    Slip(
        "each array clipped by itself",
        "def clip(gradients, max_norm):\n    return [g * min(1.0, max_norm / np.linalg.norm(g)) "
        "for g in gradients]",
        "Each array has a scale of its own, so that the step as a whole points elsewhere, and may "
        "still be longer than max_norm.",
        _CLIP,
    ),
    Slip(
        "clipped element by element",
        "def clip(gradients, max_norm):\n    return [np.clip(g, -max_norm, max_norm) for g in "
        "gradients]",
        "Large elements are cut down and small ones are not, which changes the direction of the "
        "step.",
        _CLIP,
    ),
    Slip(
        "slope at the state before",
        _FLOW.format(norm="np.linalg.norm(dh)", which="-2::-1"),
        "dh is the gradient of the last state, and the first step back goes through that state. "
        "You began with the one before it.",
        "through hs[T - 1] first, through hs[1] last",
    ),
    Slip(
        "root forgotten in the norm",
        _FLOW.format(norm="np.sum(dh**2)", which=":0:-1"),
        "These are sums of squares. A norm is the root of that sum.",
        "norm = √(sum of the squares of all numbers)",
    ),
    Slip(
        "norm of a matrix instead of all its numbers",
        _FLOW.format(norm="np.linalg.norm(dh, 2)", which=":0:-1"),
        "Given a 2, np.linalg.norm returns the largest singular value of a matrix, which is not "
        "the norm of its numbers.",
        "np.linalg.norm(dh), without the 2",
    ),
    Slip(
        "norm of W_hh",
        "def decay(W_hh):\n    return np.linalg.norm(W_hh)",
        "That is the root of the sum of all squares in W_hh. It says how large the matrix is, not "
        "what it does to a vector many times over.",
        _DECAY,
    ),
    Slip(
        "norms added up",
        "def clip(gradients, max_norm):\n    norm = sum(np.linalg.norm(g) for g in gradients)\n"
        "    return [g * min(1.0, max_norm / norm) for g in gradients]",
        "The norm of all arrays together is not the sum of their norms: [3] and [4] together have "
        "norm 5, not 7.",
        _CLIP,
    ),
    Slip(
        "gradients changed in place",
        "def clip(gradients, max_norm):\n    norm = math.sqrt(sum(np.sum(g**2) for g in "
        "gradients))\n    for g in gradients:\n        g *= max_norm / max(norm, max_norm)\n    "
        "return gradients",
        "All numbers are right, but the caller's arrays were written to. New ones were asked for.",
        _CLIP,
    ),
)
