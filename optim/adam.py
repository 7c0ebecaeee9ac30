"""Adam, and AdamW: Adam with decoupled weight decay."""

import math

import numpy as np

from minigrad.help.other_frameworks import answering
from minigrad.support.arrays import blocks_of_elements

from .lazy import fade_out, faded
from .optimizer import Array, Arrays, Optimizer, Parameters

NARROW = 6e-5  # up to this relative variance of b, its mean is accurate enough
WIDEST = 0.055  # if b varies more, updates are not lazy


class Adam(Optimizer):
    """m ← β₁ m + (1 - β₁) g, v ← β₂ v + (1 - β₂) g², and p ← p - lr m̂ / (√v̂ + eps).

    g is the gradient of p (plus weight_decay times p). m and v are running means of g and g². Both
    means have p's shape and start at zero. m̂ = m / (1 - β₁ᵗ) and v̂ = v / (1 - β₂ᵗ) correct the
    bias of m and v toward 0. t counts the parameter's steps, starting at 1.

    >>> from minigrad import Tensor
    >>> p = Tensor([1.0, 1.0], requires_grad=True)
    >>> (p * [4.0, -0.5]).sum().backward()
    >>> Adam({"p": p}, lr=0.1).step()          # the first step: lr, against the gradient's sign
    >>> print(p.array.round(4))
    [0.9 1.1]

    As in the paper's Algorithm 1 and in PyTorch, eps is added to √v̂. Keras uses the paper's faster
    form, lr √(1 - β₂ᵗ) / (1 - β₁ᵗ) · m / (√v + eps), where eps is added to √v ("epsilon hat"). An
    eps of e in Keras corresponds to e / √(1 - β₂ᵗ) here, which falls from 32 e at the first step
    toward e. The default eps is 1e-7, as in Keras; PyTorch's is 1e-8.

    Without weight decay, table updates are lazy: a row that a batch does not look up makes this
    step later, when it is next read. Compared with the dense rule, the sum of the missed steps has
    a relative error of at most 1.6e-5. Updates are lazy only if 1 - β₂ is at most about a tenth of
    1 - β₁. With other betas, every step updates all rows.

    Errors: see Optimizer. Source: Kingma and Ba, Adam: a method for stochastic optimization (2015).

    Since: 0.1.
    """

    slots = ("m", "v")
    below = (("beta1", 1.0), ("beta2", 1.0), ("eps", math.inf))

    @answering
    def __init__(
        self,
        parameters: Parameters,
        lr: float = 1e-3,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-7,
        weight_decay: float = 0.0,
    ) -> None:
        self.beta1, self.beta2 = betas
        self.eps = eps
        super().__init__(parameters, lr, weight_decay)

    def bias_corrections(self, t: int) -> tuple[float, float]:
        """Return the divisors of m and v at step t: (1 - β₁ᵗ, 1 - β₂ᵗ). Subclasses may override
        this method.
        """
        return 1 - self.beta1**t, 1 - self.beta2**t

    def update_rule(
        self,
        p: Array,
        g: Array,
        slots: Arrays,
        scratch: Array,
        lr: float,
        t: int,
    ) -> None:
        correct1, correct2 = self.bias_corrections(t)
        root = math.sqrt(correct2)
        rate = lr * root / correct1
        arrays = p, g, *slots, scratch
        for p, g, m, v, term in blocks_of_elements(*arrays):
            # Do not use m += (1 - β₁) (g - m): rounding would lose a small g next to a large m.
            np.multiply(g, 1 - self.beta1, out=term)
            m *= self.beta1
            m += term
            np.multiply(g, g, out=term)
            term *= 1 - self.beta2
            v *= self.beta2
            v += term
            # The corrections are scalars, so √v̂ + eps = (√v + eps root) / root. This form needs no
            # arrays for m̂ and v̂.
            np.sqrt(v, out=term)
            term += self.eps * root
            np.divide(m, term, out=term)
            term *= rate
            p -= term

    def lazy_window(self) -> float:
        if self.beta1 == 0:
            return 1  # p stops immediately, but v still decays
        # The change in log √v over the lifetime of m, which is about 1 / (1 - β₁) steps.
        spread = -math.log(self.beta2) / 2 / (1 - self.beta1) if self.beta2 else math.inf
        return fade_out(self.beta1) if spread <= WIDEST else math.inf

    def pending_terms(self, missed: Array, lr: float, t: int) -> Arrays:
        """Return (a, a / b, a b, a b²) for step t with g = 0, which is p -= a m / (b √v + eps).

        m and v are the values after the row's last step before the missed steps.
        """
        correct1, correct2 = self.bias_corrections(t)
        a = lr / correct1 * self.beta1**missed
        b = np.sqrt(np.maximum(self.beta2**missed, 1e-300) / correct2)
        return a, a / b, a * b, a * b * b

    def catch_up(
        self,
        p: Array,
        slots: Arrays,
        missed: Array,
        sums: Arrays,
    ) -> None:
        """p -= Σ a m / (b √v + eps) over the missed steps, approximated by one or two terms w m /
        (B √v + eps).

        This is Gaussian quadrature over the values of b with the weights a / b. One term is exact
        for polynomials of degree 1, and two terms for degree 3. The result is therefore exact if
        either eps or all b √v are negligible. Otherwise, the relative error of one term is at most
        a quarter of b's relative variance. Rows where this error is too large use two terms.
        The result for a row must not depend on which other rows catch up in the same call.
        """
        m, v = slots
        a, a_by_b, a_b, _ = sums
        b = np.ones_like(a)
        np.divide(a, a_by_b, out=b, where=a_by_b > 0)
        root = np.sqrt(v)
        wide = a_b > (1 + NARROW) * a * b
        if wide.any():
            rows = np.flatnonzero(wide)
            one, other = _two_representatives(b[rows], *(total[rows] for total in sums))
            p[rows] -= self._steps(m[rows], root[rows], *one)
            a = a.copy()
            a[rows], b[rows] = other
        p -= self._steps(m, root, a, b)
        m *= faded(self.beta1, missed, m.dtype)
        v *= faded(self.beta2, missed, v.dtype)

    def _steps(
        self,
        m: Array,
        root: Array,
        w: Array,
        b: Array,
    ) -> Array:
        """w m / (b √v + eps), computed in place in `root`, which contains √v."""
        root *= b.astype(root.dtype)
        root += self.eps
        np.divide(m, root, out=root)
        root *= w.astype(root.dtype)
        return root


def _two_representatives(
    mean: Array,
    a: Array,
    a_by_b: Array,
    a_b: Array,
    a_b2: Array,
) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Return the two terms (w, B) of the quadrature. B is a node, and w is the node's weight times
    B. The terms follow from the moments of b with the weights a / b.
    """
    variance = a_b / a_by_b - mean * mean
    third = a_b2 / a_by_b - mean * (3 * variance + mean * mean)
    skew = third / (2 * variance)
    half = np.sqrt(skew * skew + variance)
    upper = mean + skew + half
    w = (0.5 - 0.5 * skew / half) * a_by_b * upper
    return (w, upper), (a - w, mean + skew - half)


class AdamW(Adam):
    """Adam with decoupled weight decay λ: p ← p - lr λ p, followed by Adam's step without weight
    decay in g.

    In Adam, λp passes through m and v, so parameters with large gradients hardly decay. In AdamW,
    every parameter shrinks by the same factor. Shapes: see Adam.

    >>> from minigrad import Tensor
    >>> p = Tensor([1.0], requires_grad=True)
    >>> (4 * p).sum().backward()
    >>> AdamW({"p": p}, lr=0.1, weight_decay=0.5).step()     # 1 - 0.1 * 0.5 * 1 - 0.1
    >>> print(p.array.round(4))
    [0.85]

    Errors: see Optimizer. Source: Loshchilov and Hutter, Decoupled weight decay regularization
    (2019).

    Since: 0.1.
    """

    decoupled_decay = True

    @answering
    def __init__(
        self,
        parameters: Parameters,
        lr: float = 1e-3,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-7,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(parameters, lr, betas=betas, eps=eps, weight_decay=weight_decay)
