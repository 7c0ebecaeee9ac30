"""Common wrong answers to lesson 4."""

from minigrad.course.lesson import Slip


def sweep(
    start="{root: 1.0}",
    leaf="node.grad += dz",
    send="arrived.get(source, 0.0) + dz * local",
    pairs="",
):
    """Return the code of `backward`, with some parts replaced."""
    pairs = pairs or "zip(node.inputs, node.local)"
    return f"""
def backward(root):
    arrived = {start}
    for node in order(root):
        dz = arrived.get(node, 0.0)
        if not node.inputs:
            {leaf}
        for source, local in {pairs}:
            arrived[source] = {send}
"""


READY = "A node sends before one of its consumers has sent. Gradients that arrive later are lost."
CONSUMERS_FIRST = "each node comes after all nodes that have it as an input; for example, sort by serial, newest first"

SLIPS = (
    Slip(
        "= instead of +=",
        sweep(send="dz * local"),
        "A value that is used several times gets a gradient from each use. You keep only the last "
        "gradient.",
        "new sum at an input = old sum + dz · local",
    ),
    Slip(
        "wrong order: depth first",
        """
def order(root):
    found, waiting = [], [root]
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.append(node)
            waiting.extend(reversed(node.inputs))
        if len(found) > 1000:
            break
    return found
""",
        READY,
        CONSUMERS_FIRST,
    ),
    Slip(
        "wrong order: breadth first",
        """
def order(root):
    found = [root]
    for node in found:
        found.extend(source for source in dict.fromkeys(node.inputs) if source not in found)
        if len(found) > 1000:
            break
    return found
""",
        READY,
        CONSUMERS_FIRST,
    ),
    Slip(
        "wrong order: the order in which the nodes are found",
        """
def order(root):
    found, waiting = {root: None}, [root]
    while waiting:
        node = waiting.pop()
        found[node] = None
        waiting.extend(source for source in node.inputs if source not in found)
    return list(found)
""",
        READY,
        CONSUMERS_FIRST,
    ),
    Slip(
        "oldest first",
        """
def order(root):
    found, waiting = {root}, [root]
    while waiting:
        for node in waiting.pop().inputs:
            if node not in found:
                found.add(node)
                waiting.append(node)
    return sorted(found, key=lambda node: node.serial)
""",
        "Your order is the order of the forward pass. Gradients start at the root, so nothing has "
        "arrived at a leaf when you visit it.",
        CONSUMERS_FIRST,
    ),
    Slip(
        "a node visited once for each path to it",
        """
def order(root):
    found = [root]
    for node in found:
        found.extend(node.inputs)
        if len(found) > 100_000:
            break
    return sorted(found, key=lambda node: node.serial, reverse=True)
""",
        "A node that is used twice appears in your list twice, and it sends its whole sum each "
        "time. In a graph with many forks the list becomes huge.",
        "each node appears once; keep a set of the nodes that you have already found",
    ),
    Slip(
        "upstream gradient forgotten",
        sweep(send="arrived.get(source, 0.0) + local"),
        "Each node sends only its local derivative, as if its output were the root.",
        "a node sends dz · local to each input, where dz is the sum of the gradients that have "
        "arrived at the node",
    ),
    Slip(
        "added instead of multiplied",
        sweep(send="arrived.get(source, 0.0) + dz + local"),
        "Gradients from different uses are added, but slopes along one path are multiplied.",
        "a node sends dz · local to each input; gradients from different consumers are added",
    ),
    Slip(
        "the value instead of the slope",
        sweep(send="arrived.get(source, 0.0) + dz * source.value"),
        "You multiply by the input's value. Multiply by the local derivative, which the node "
        "stores in `local`.",
        "a node sends dz · local to each input",
    ),
    Slip(
        "no sum to add to",
        sweep(send="arrived[source] + dz * local"),
        "When the first gradient arrives at a node, the node is not in your dictionary yet.",
        "for a node that is not in the dictionary yet, start from 0: arrived.get(node, 0.0)",
    ),
    Slip(
        "wrong start value",
        sweep(start="{root: root.value}"),
        "Your walk starts with the root's value. Start with the root's slope with respect to "
        "itself.",
        "d(root)/d(root) = 1",
    ),
    Slip(
        "a recursive function",
        """
def order(root):
    found = {}

    def visit(node):
        if node not in found:
            for source in node.inputs:
                visit(source)
            found[node] = None

    visit(root)
    return list(found)[::-1]
""",
        "Your order is right, but each node adds a nested call, and Python allows only about "
        "1,000 of them.",
        "use a loop, with a list of the nodes that you still have to visit",
    ),
    Slip(
        "the root left out",
        """
def order(root):
    found, waiting = set(), [root]
    while waiting:
        for node in waiting.pop().inputs:
            if node not in found:
                found.add(node)
                waiting.append(node)
    return sorted(found, key=lambda node: node.serial, reverse=True)
""",
        "Your list contains the nodes that the root was computed from, but not the root itself. "
        "The walk begins at the root.",
        "the root itself, and then all nodes that it was computed from, newest first",
    ),
    Slip(
        "all gradients are zero",
        sweep(start="{}"),
        "Every grad is still 0. Either the walk has nothing to send, because the root has no "
        "gradient to start with, or you never add the sums to the leaves' grad.",
        "d(root)/d(root) = 1: start with 1 at the root; at a leaf, add the sum to grad",
    ),
    Slip(
        "an input that appears twice is counted once",
        sweep(pairs="dict(zip(node.inputs, node.local)).items()"),
        "In x + x, both inputs are the same node. A set or a dictionary of inputs stores this "
        "node only once.",
        "go through all pairs of node.inputs and node.local, and send dz · local for each, even "
        "if two inputs are the same node",
    ),
    Slip(
        "grad overwritten by the second call",
        sweep(leaf="node.grad = dz"),
        "Your sums are right within one call. But a leaf's grad must keep the sum over all "
        "calls, and you overwrite it.",
        "leaf.grad += d(root)/d(leaf)",
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
        "start each call with new sums, 1 for the root and 0 elsewhere; add the result to grad "
        "only for leaves",
    ),
)
