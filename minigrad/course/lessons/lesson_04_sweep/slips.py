"""Well-known wrong sweeps of lesson 4."""

from minigrad.course.lesson import Slip


def sweep(
    start="{root: 1.0}",
    leaf="node.grad += dz",
    send="arrived.get(source, 0.0) + dz * local",
    pairs="",
):
    """A backward with some of its parts replaced."""
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


READY = (
    "A node passes on what has arrived so far, and one of its consumers has not sent anything "
    "yet. Whatever comes later is lost."
)
CONSUMERS_FIRST = "a node comes after all nodes that have it as an input; newest first, by serial, is such an order"

SLIPS = (
    Slip(
        "= where += belongs",
        sweep(send="dz * local"),
        "A value that is used several times gets a gradient from each use. You keep only the one "
        "that came last.",
        "what has arrived at an input = what had arrived before + dz · local",
    ),
    Slip(
        "any order will do: depth first",
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
        "any order will do: breadth first",
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
        "any order will do: as the nodes are found",
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
        "That is the order of the forward pass. Gradients start at the root, so a leaf has "
        "nothing yet when its turn comes.",
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
        "A node that is used twice stands in your list twice, and each time it sends all that has "
        "arrived. In a graph with many forks the list grows without bound.",
        "each node once: remember which nodes have been found already",
    ),
    Slip(
        "upstream gradient forgotten",
        sweep(send="arrived.get(source, 0.0) + local"),
        "Each node sends its local derivative, as if it stood right before the end of the graph.",
        "a node sends dz · local to each input, where dz is what has arrived at the node",
    ),
    Slip(
        "added instead of multiplied",
        sweep(send="arrived.get(source, 0.0) + dz + local"),
        "Gradients of different uses are added, but along one path the slopes follow one another.",
        "a node sends dz · local to each input; what different consumers send is added",
    ),
    Slip(
        "the value for the slope",
        sweep(send="arrived.get(source, 0.0) + dz * source.value"),
        "You multiply by the input's value. How far the output moves for each unit of the input "
        "is another number, and the node holds it.",
        "a node sends dz · local to each input",
    ),
    Slip(
        "nothing there to add to",
        sweep(send="arrived[source] + dz * local"),
        "When the first gradient arrives at a node, your dictionary has no entry for that node "
        "yet.",
        "what has arrived at a node that is not in the dictionary is 0: arrived.get(node, 0.0)",
    ),
    Slip(
        "the value of the root to begin with",
        sweep(start="{root: root.value}"),
        "The walk begins with the root's value. What belongs there is how far the root moves for "
        "each of its units.",
        "d(root)/d(root) = 1",
    ),
    Slip(
        "a function that calls itself",
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
        "Your order is right, but each node is one call within another, and Python allows about "
        "1,000 of those.",
        "a loop over a list of nodes that are still to be looked at, instead of calls",
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
        "The list has the nodes that the root was computed from, but not the root. The walk "
        "begins there.",
        "the root itself, and then all nodes that it was computed from, newest first",
    ),
    Slip(
        "all zero",
        sweep(start="{}"),
        "Every grad is still 0. Either the walk has nothing to send (how far does the root move "
        "for each unit of the root?), or what it finds never gets into the leaves' grad.",
        "d(root)/d(root) = 1: start with 1 at the root; at a leaf, grad += what has arrived",
    ),
    Slip(
        "an input that is there twice is counted once",
        sweep(pairs="dict(zip(node.inputs, node.local)).items()"),
        "In x + x the same node stands in both places. A set or a dictionary of inputs keeps only "
        "one of them.",
        "go through all pairs of node.inputs and node.local: dz · local for each place, even if "
        "it is the same node",
    ),
    Slip(
        "grad overwritten by the second call",
        sweep(leaf="node.grad = dz"),
        "Within one call your sums are right. But a leaf's grad keeps the sum over calls, and you "
        "begin it anew.",
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
        "The sums of inner nodes are still there when the second call begins, and are sent a "
        "second time. Only leaves keep what they got.",
        "each call starts its own sums, at 1 for the root and 0 elsewhere; only a leaf adds the "
        "result to its grad",
    ),
)
