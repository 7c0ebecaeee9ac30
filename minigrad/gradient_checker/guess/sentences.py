"""The kinds of mistakes, and the sentences that describe them."""

_OFF = "the gradient is off by a factor of "
_ONE_ELEMENT = "dz is not summed over axis {}: only the {} element counts"

SENTENCES = {
    # factors.py
    "all zero": "the rule returns None or zeros, but the output depends on this input",
    "not finite": "the rule returns NaN or infinity",
    "sign": "the gradient has the wrong sign",
    "factor 2": _OFF + "{}, as when the 2 of d(x²)/dx = 2x is forgotten or used twice",
    "batch size": _OFF + "{}, {}: a division is missing (sum instead of mean)",
    "batch size/divided": _OFF + "{}, {}: the rule divides by this number one time too many",
    "factor": _OFF + "{:.6g}",
    "upstream gradient forgotten": (
        "the rule gives the local derivative alone, without multiplying it by dz"
    ),
    "upstream gradient squared": (
        "the rule multiplies by dz twice; the chain rule multiplies by it once"
    ),
    "upstream gradient added": (
        "the rule adds dz to the local derivative; the chain rule multiplies by it"
    ),
    "half of the product rule": (
        "for z = u v with u = {}, the rule has only the term {} of u' v + u v'"
    ),
    "local derivative missing": (
        "the local derivative is missing, so the rule passes dz on unchanged"
    ),
    "wrong local derivative": "the rule multiplies dz by {}",
    "inner derivative missing": (
        "a factor {} is missing, as when the chain rule's inner derivative is forgotten"
    ),
    "term missing": "the term {} · dz is missing",
    # sums.py
    "= where += belongs": (
        "the rule uses = instead of +=, so only one of several uses of an element counts"
    ),
    "sum missing": _ONE_ELEMENT,
    "sum over the batch missing": _ONE_ELEMENT,
    "sum over the batch missing/no sum": (
        "the gradient is not summed over the axes along which the input was repeated"
    ),
    "sum over the wrong axis": "the rule sums dz over axis {}; it should be axis {}",
    "sum over the wrong axis/in forward": (
        "the rule sums over axis {}, but forward sums over axis {}"
    ),
    "coupling missing": (
        "the rule uses only the Jacobian's diagonal, without the sum over the other elements"
    ),
    "coupling missing/denominator": (
        "the effect of each element on the others, through the denominator, is missing"
    ),
    "mean term missing": "the rule treats the mean{} as a constant",
    "deviation term missing": "the rule treats the deviation{} as a constant",
    "mean and deviation terms missing": "the rule treats the mean and the deviation{} as constants",
    "label not subtracted": (
        "the rule does not subtract 1 at the label: the gradient is softmax minus one-hot"
    ),
    "label added": "the rule adds 1 at the label instead of subtracting it",
    # places.py
    "transposed": "the gradient is transposed",
    "transposed/dz": "the rule uses dz transposed",
    "transposed/input": (
        "the rule forgets to transpose input {}, or transposes it when it should not"
    ),
    "half of the product rule/matrix": (
        "the matrix is used twice in the product, but the rule has only one term of "
        "d(uv) = du v + u dv"
    ),
    "factors in the wrong order": ("the matrices are multiplied in the wrong order: AB is not BA"),
    "swapped": "the gradients of inputs {} and {} are swapped",
    "swapped/inputs": "the rule takes the inputs in a different order than forward",
    "misplaced": (
        "the right numbers are in the wrong positions: an axis, an order or an offset is wrong"
    ),
    "misplaced/direction": "the rule reads axis {} in the wrong direction",
    "misplaced/dz": (
        "the rule passes on the wrong elements of dz: an axis, an order or an offset is wrong"
    ),
    "partly zero": (
        "some elements are zero but should not be: a mask is wrong, or a use is forgotten"
    ),
    "mask missing": "some elements should be zero: a mask is missing",
    "wrong shape": "the gradient has shape {}, but its input has shape {}",
}
"""Sentences that say what is wrong with the rule, by kind. If there are several sentences for a
kind, a slash and a word are added to the kind. Details such as an axis replace the {}.
"""


def describe(mistake: str, details: list[object]) -> tuple[str, str]:
    """Return the kind of a mistake, and a sentence with its details.

    >>> describe("misplaced/direction", [1])
    ('misplaced', 'the rule reads axis 1 in the wrong direction')
    """
    kind, _, _ = mistake.partition("/")
    return kind, SENTENCES[mistake].format(*details)
