"""Explain why a tensor has no gradient: find the break in the path from the loss to the tensor."""

from collections.abc import Iterable, Mapping
from operator import attrgetter

from ..context import scope_label
from ..errors import GradientError
from ..graph import Leaf, Node, ancestors
from ..tensor import Tensor


def require_gradients(loss: Tensor, tensors: Mapping[str, Tensor] | Iterable[Tensor]) -> None:
    """Raise an error with the reason if any of `tensors` has no gradient after `loss.backward()`.

    `tensors` is `model.named_parameters()`, or any tensors that should have a gradient.

    Errors: GradientError with the first reason in this list that applies, and with the names of all
    tensors to which it applies:

    - MG730: the path is intact, but backward was not called, or the gradients were reset to None
    - MG731: a cut is in the way (truncated backpropagation through time)
    - MG732: a step was computed inside `no_grad`
    - MG733: a step was detached
    - MG734: the tensor is frozen, or was made without requires_grad=True
    - MG735: the loss was not computed from the tensor, or only through plain arrays

    >>> import minigrad as mg
    >>> W = mg.Tensor([1.0], requires_grad=True, name="W")
    >>> V = mg.Tensor([3.0], requires_grad=True, name="V")
    >>> loss = (mg.cut(W * 2.0) * V).sum()
    >>> mg.require_gradients(loss, [W])
    Traceback (most recent call last):
    minigrad.errors.GradientError: [MG731] no gradient for W: truncation stops its gradient
      where:  the cut at the top level
      cause:  a cut passes the value forward but stops the gradient
      remedy: use a larger truncate=k to reach further back, or truncate=None to reach all steps

    Since: 0.1.
    """
    named = tensors
    if not isinstance(named, Mapping):
        named = {t.name or f"a tensor {t.shape}": t for t in named}
    missing: dict[str, dict[str, str]] = {}  # the position in the graph, by code and name
    for name, tensor in named.items():
        if tensor.grad is None:
            code, place = _reason(loss.node, tensor.node)
            missing.setdefault(code, {})[name] = place
    if missing:
        code = min(missing)
        places = missing[code]
        what, cause, remedy = _WORDS[code]
        what = f"no gradient for {', '.join(places)}: {what}"
        where = next(iter(places.values()))
        raise GradientError(code, what, where=where, cause=cause, remedy=remedy)


_WORDS = {
    "MG730": (
        "it has not been computed",
        "backward was not called on this loss, or zero_grad was called after backward",
        "call loss.backward(), and read the gradients before zero_grad()",
    ),
    "MG731": (
        "truncation stops its gradient",
        "a cut passes the value forward but stops the gradient",
        "use a larger truncate=k to reach further back, or truncate=None to reach all steps",
    ),
    "MG732": (
        "a step on the way to the loss was computed inside no_grad",
        "computations inside no_grad are not recorded, so their results count as constants",
        "move that step out of the `with mg.no_grad()` block",
    ),
    "MG733": (
        "a step on the way to the loss was detached",
        "t.detach() returns a constant with t's value, so gradients stop there",
        "leave out detach() where you need the gradient",
    ),
    "MG734": (
        "it does not require a gradient",
        "it is frozen (requires_grad = False), or was made without requires_grad=True",
        "set requires_grad = True before the forward pass",
    ),
    "MG735": (
        "the loss was not computed from it",
        "it was not used, or was used only as plain numbers (t.array or t.item())",
        "use the tensor itself in the computation, or remove it from the model if it is not needed",
    ),
}


def _reason(loss: Node, tensor: Node) -> tuple[str, str]:
    """Return the error code for why `tensor` has no gradient, and the position in the graph."""
    if not tensor.requires_grad:
        return "MG734", ""
    if tensor in ancestors([loss]):
        return "MG730", ""
    through_cuts = ancestors([loss], attrgetter("predecessors"))
    if tensor in through_cuts:
        cuts = [node for node in through_cuts if isinstance(node, Leaf) and node.cut_from]
        cut = next(node for node in cuts if tensor in ancestors([node], attrgetter("predecessors")))
        return "MG731", f"the cut {scope_label(cut.scope)}"
    ends = {node.origin: node for node in through_cuts if isinstance(node, Leaf)}
    for origin, code in (("no_grad", "MG732"), ("detached", "MG733")):
        if origin in ends:
            end = ends[origin]
            return code, f"a value of shape {end.output.shape} made {scope_label(end.scope)}"
    return "MG735", ""
