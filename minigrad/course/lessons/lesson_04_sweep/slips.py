"""Common wrong answers to lesson 4."""

from minigrad.course.checking.lesson import Slip


def order(name, body, kind):
    return Slip(name, f"def order(root, right=order):\n    {body}", kind)


def backward(name, old, new, kind, formula=""):
    """A slip in backward, which has `new` in place of `old`."""
    return Slip(name, BACKWARD.replace(old, new), kind, formula)


BACKWARD = """
def backward(root):
    arrived = {root: 1.0}
    for node in order(root):
        dz = arrived.get(node, 0.0)
        if not node.inputs:
            node.grad += dz
        for source, local in zip(node.inputs, node.local):
            arrived[source] = arrived.get(source, 0.0) + dz * local
"""
SAME_I = "send dz · local[i] to inputs[i], with the same i"

SLIPS = (
    order(
        "wrong order: breadth first",
        """found = {root: None}
    waiting = [root]
    for node in waiting:
        waiting.extend(source for source in dict.fromkeys(node.inputs) if source not in found)
        found.update(dict.fromkeys(node.inputs))
    return list(found)""",
        "A node sends before one of its consumers has sent. Gradients that arrive later are lost.",
    ),
    order(
        "oldest first",
        "return right(root)[::-1]",
        "Your order is the order of the forward pass. Gradients start at the root, so nothing has "
        "arrived at a leaf when you visit it.",
    ),
    order(
        "only the root",
        "return [root]",
        "Your list ends after the root. Does the walk continue, or is `return` inside a loop?",
    ),
    backward(
        "the first of two uses counted twice",
        "* local",
        "* node.local[node.inputs.index(source)]",
        "One node may be both inputs of a gate, and its two local derivatives may differ. You use "
        "the same one for both.",
        SAME_I,
    ),
    backward(
        "all gradients are zero",
        "{root: 1.0}",
        "{}",
        "Every grad is still 0. Either the walk has nothing to send, because the root has no "
        "gradient to start with, or you never add the sums to the leaves' grad.",
    ),
    backward(
        "nothing arrives at the leaves",
        "order(root)",
        "order(root)[::-1]",
        "A leaf's grad is right only if the leaf is the root itself. Either you visit the nodes in the "
        "wrong direction, or no node passes anything on, or the sums are not added to the leaves' grad.",
    ),
    backward(
        "only the last call counts",
        "node.grad +=",
        "node.grad =",
        "Your sums are right within one call. But a leaf's grad must keep the sum over all calls, "
        "and your second call overwrites or clears it.",
    ),
    backward(
        "upstream gradient forgotten",
        "dz * local",
        "local",
        "Each node sends only its local derivative, as if its output were the root.",
    ),
    backward(
        "the value instead of the slope",
        "* local",
        "* source.value",
        "You multiply by the input's value. Multiply by the local derivative, which the node stores in `local`.",
    ),
    backward(
        "local derivatives exchanged",
        "node.local)",
        "node.local[::-1])",
        "Each input gets the local derivative of the other input.",
        SAME_I,
    ),
    backward(
        "an input that appears twice is counted once",
        "zip(node.inputs, node.local)",
        "dict(zip(node.inputs, node.local)).items()",
        "In x + x, both inputs are the same node. A set or a dictionary of inputs stores this node only once.",
    ),
    Slip(
        "sums kept from the first call",
        BACKWARD.replace("    arrived = {root: 1.0}", "    arrived[root] = 1.0") + "arrived = {}",
        "When the second call begins, the dictionary still has the sums of the first one. Each call needs "
        "a new dictionary.",
    ),
    backward(
        "only nodes with a consumer get a gradient",
        "not node.inputs",
        "not node.inputs and node is not root",
        "If the root is itself a leaf, no node sends anything to it. Its grad must grow by 1.",
    ),
    Slip(
        "inner gradients kept from the first call",
        """
def backward(root):
    root.grad = 1.0
    for node in order(root):
        for source, local in zip(node.inputs, node.local):
            source.grad += node.grad * local
""",
        "The sums of the inner nodes are still there when the second call begins, so they are "
        "sent again. Only leaves may keep their sums.",
        "start each call with new sums, 1 for the root and 0 elsewhere; add the result to grad only for leaves",
    ),
)
