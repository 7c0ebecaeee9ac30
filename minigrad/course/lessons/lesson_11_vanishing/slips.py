"""Common wrong solutions to lesson 11."""

from minigrad.course.lesson import Slip

_FLOW = """
def flow(dh, hs, W_hh):
    norms = [{norm}]
    for h in hs[{which}]:
        dh = step_back(dh, h, W_hh)
        norms.append({norm})
    return np.array(norms[::-1])
"""
_STEP = "dL/dh_before = (dL/dh_t ⊙ (1 - h_t²)) @ W_hhᵀ, where ⊙ multiplies element by element"
_DECAY = "max |λ| over all eigenvalues λ of W_hh, where |a + bi| = √(a² + b²)"
_CLIP = "norm = √(sum of all squares, over all arrays); every array times min(1, max_norm / norm)"

SLIPS = (
    Slip(
        "only the slope of tanh",
        "def step_back(dh, h, W_hh):\n    return dh * (1 - h**2)",
        "You multiply by the slope of tanh only. But h_before also goes through a matrix product "
        "on its way to h_t, and that product has the largest effect.",
        _STEP,
    ),
    Slip(
        "slope of tanh forgotten",
        "def step_back(dh, h, W_hh):\n    return dh @ W_hh.T",
        "You go back through the matrix product, but not through tanh. tanh comes last in the "
        "forward pass, so it comes first in the backward pass.",
        _STEP,
    ),
    Slip(
        "W_hh not transposed",
        "def step_back(dh, h, W_hh):\n    return (dh * (1 - h**2)) @ W_hh",
        "You use the matrix as in the forward pass. W_hh is square, so there is no shape error. "
        "But the entry in row i, column j carries element i to element j, and the gradient must go"
        " the other way.",
        _STEP,
    ),
    Slip(
        "tanh applied twice",
        "def step_back(dh, h, W_hh):\n    return (dh * (1 - np.tanh(h)**2)) @ W_hh.T",
        "You applied tanh to h, but h is already the output of tanh.",
        _STEP,
    ),
    Slip(
        "slope of tanh after the matrix product",
        "def step_back(dh, h, W_hh):\n    return (dh @ W_hh.T) * (1 - h**2)",
        "You use both factors, but in the order of the forward pass. The backward pass starts with"
        " the last operation.",
        _STEP,
    ),
    Slip(
        "norms in reverse order",
        "def flow(dh, hs, W_hh):\n    norms = [np.linalg.norm(dh)]\n    for h in hs[:0:-1]:\n     "
        "   dh = step_back(dh, h, W_hh)\n        norms.append(np.linalg.norm(dh))\n    return "
        "np.array(norms)",
        "The norms are right, but the list begins with the last state. Reverse it.",
        "entry t of the result is the norm of dL/dh_t, so the norm of dh itself is the last of the"
        " T entries",
    ),
    Slip(
        "off by one step",
        "def flow(dh, hs, W_hh):\n    norms = []\n    for h in hs[::-1]:\n        dh = "
        "step_back(dh, h, W_hh)\n        norms.append(np.linalg.norm(dh))\n    return "
        "np.array(norms[::-1])",
        "Each norm is at an index that is one too high. dh is already the gradient of the last "
        "state. A step back through the last state gives the gradient of the state before it.",
        "T norms need T - 1 steps back; entry T - 1 is the norm of dh, and a step back through h_t"
        " gives entry t - 1",
    ),
    Slip(
        "largest singular value",
        "def decay(W_hh):\n    return np.linalg.norm(W_hh, 2)",
        "That is the largest factor by which W_hh can stretch a vector in a single step. The next "
        "step may shrink the same vector. Over many steps, only vectors that keep their direction "
        "count.",
        _DECAY,
    ),
    Slip(
        "real parts of the eigenvalues instead of absolute values",
        "def decay(W_hh):\n    return np.max(np.linalg.eigvals(W_hh).real)",
        "An eigenvalue may be negative (the vector is reversed) or complex (it is rotated). For "
        "the length, only the eigenvalue's absolute value matters.",
        _DECAY,
    ),
    Slip(
        "rounded down",
        "def reach(factor, share):\n    return np.inf if factor >= 1 else int(math.log(share) / "
        "math.log(factor))",
        "After that many steps, slightly more than the share is left. You need one more step.",
        "the smallest integer n with factor^n < share: log(share) / log(factor), rounded up",
    ),
    Slip(
        "not rounded up",
        "def reach(factor, share):\n    return np.inf if factor >= 1 else math.log(share) / "
        "math.log(factor)",
        "The logarithms give the point between two steps at which exactly the share is left. "
        "Return an integer.",
        "the smallest integer n with factor^n < share: log(share) / log(factor), rounded up",
    ),
    Slip(
        "short gradients scaled up",
        "def clip(gradients, max_norm):\n    norm = math.sqrt(sum(np.sum(g**2) for g in "
        "gradients))\n    return [g * (max_norm / norm) for g in gradients]",
        "You scale every gradient to max_norm, even short ones. Clipping is only a limit: a "
        "gradient that is short enough does not change.",
        _CLIP,
    ),
    Slip(
        "each array clipped separately",
        "def clip(gradients, max_norm):\n    return [g * min(1.0, max_norm / np.linalg.norm(g)) "
        "for g in gradients]",
        "You scale each array by its own factor. That changes the direction of the step, and its "
        "norm may still be larger than max_norm.",
        _CLIP,
    ),
    Slip(
        "clipped element by element",
        "def clip(gradients, max_norm):\n    return [np.clip(g, -max_norm, max_norm) for g in "
        "gradients]",
        "You reduce large elements but not small ones, which changes the direction of the step.",
        _CLIP,
    ),
    Slip(
        "slope of tanh at the previous state",
        _FLOW.format(norm="np.linalg.norm(dh)", which="-2::-1"),
        "dh is the gradient of the last state, so the first step back goes through that state. You"
        " started with the state before it.",
        "through hs[T - 1] first, through hs[1] last",
    ),
    Slip(
        "square root missing from the norm",
        _FLOW.format(norm="np.sum(dh**2)", which=":0:-1"),
        "These are sums of squares. A norm is the square root of that sum.",
        "norm = √(sum of the squares of all numbers)",
    ),
    Slip(
        "matrix norm instead of the norm of all numbers",
        _FLOW.format(norm="np.linalg.norm(dh, 2)", which=":0:-1"),
        "With the argument 2, np.linalg.norm returns the largest singular value of a matrix, which"
        " is not the norm of its numbers.",
        "np.linalg.norm(dh), without the 2",
    ),
    Slip(
        "norm of W_hh",
        "def decay(W_hh):\n    return np.linalg.norm(W_hh)",
        "That is the norm of all numbers in W_hh. It measures the size of the matrix, not its "
        "effect on a vector over many steps.",
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
        "All numbers are right, but you changed the caller's arrays. Return new ones.",
        _CLIP,
    ),
)
