"""Common wrong answers to lesson 4."""

from minigrad.course.lesson import Slip

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

SLIPS = (
    Slip(
        "wrong order: breadth first",
        """
def order(root):
    found = {root: None}
    waiting = [root]
    for node in waiting:
        waiting.extend(source for source in dict.fromkeys(node.inputs) if source not in found)
        found.update(dict.fromkeys(node.inputs))
    return list(found)
""",
        "A node sends before one of its consumers has sent. Gradients that arrive later are lost.",
        "each node comes after all nodes that have it as an input; for example, sort by serial, newest first",
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
        "each node comes after all nodes that have it as an input",
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
        "only the root",
        "def order(root):\n    return [root]\n",
        "Your list ends after the root. Does the walk continue, or is `return` inside a loop?",
        "continue until all nodes behind the root have been visited, and return the list then",
    ),
    Slip(
        "the leaves left out",
        """
def order(root, right=order):
    return [node for node in right(root) if node.inputs]
""",
        "Your list contains the gates only. The leaves belong in it, too.",
        "the root, and then all nodes that it was computed from, leaves included",
    ),
    Slip(
        "a node listed before its inputs are finished",
        """
def order(root):
    found, waiting = {}, [root]
    while waiting:
        node = waiting.pop()
        if node not in found:
            found[node] = True
            waiting.extend(node.inputs)
    return list(found)
""",
        "You list each node as soon as the walk reaches it. Another of its consumers may come later.",
        "each node comes after all nodes that have it as an input; for example, sort by serial, newest first",
    ),
    Slip(
        "a sign",
        BACKWARD.replace("node.grad +=", "node.grad -="),
        "Every gradient has the wrong sign. Look for a minus where the walk starts or where it ends.",
        "leaf.grad += d(root)/d(leaf)",
    ),
    Slip(
        "the first of two uses counted twice",
        BACKWARD.replace("dz * local", "dz * node.local[node.inputs.index(source)]"),
        "One node may be both inputs of a gate, and its two local derivatives may differ. You use "
        "the same one for both.",
        "send dz · local[i] to inputs[i], with the same i",
    ),
    Slip(
        "= instead of +=",
        BACKWARD.replace("arrived.get(source, 0.0) + dz * local", "dz * local"),
        "A value that is used several times gets a gradient from each use. You keep only the last gradient.",
        "new sum at an input = old sum + dz · local",
    ),
    Slip(
        "all gradients are zero",
        BACKWARD.replace("{root: 1.0}", "{}"),
        "Every grad is still 0. Either the walk has nothing to send, because the root has no "
        "gradient to start with, or you never add the sums to the leaves' grad.",
        "d(root)/d(root) = 1: start with 1 at the root; at a leaf, add the sum to grad",
    ),
    Slip(
        "nothing arrives at the leaves",
        BACKWARD.replace("order(root)", "order(root)[::-1]"),
        "A leaf's grad is right only if the leaf is the root itself. Either you visit the nodes in the "
        "wrong direction, or no node passes anything on, or the sums are not added to the leaves' grad.",
        "visit the root first and the leaves last, and send dz · local to each input",
    ),
    Slip(
        "only the last call counts",
        BACKWARD.replace("node.grad +=", "node.grad ="),
        "Your sums are right within one call. But a leaf's grad must keep the sum over all calls, "
        "and your second call overwrites or clears it.",
        "leaf.grad += d(root)/d(leaf)",
    ),
    Slip(
        "upstream gradient forgotten",
        BACKWARD.replace("dz * local", "local"),
        "Each node sends only its local derivative, as if its output were the root.",
        "a node sends dz · local to each input, where dz is the sum of the gradients that have arrived at the node",
    ),
    Slip(
        "the value instead of the slope",
        BACKWARD.replace("dz * local", "dz * source.value"),
        "You multiply by the input's value. Multiply by the local derivative, which the node stores in `local`.",
        "a node sends dz · local to each input",
    ),
    Slip(
        "local derivatives exchanged",
        BACKWARD.replace("node.local)", "node.local[::-1])"),
        "Each input gets the local derivative of the other input.",
        "send dz · local[i] to inputs[i], with the same i",
    ),
    Slip(
        "wrong start value",
        BACKWARD.replace("1.0}", "root.value}"),
        "Your walk starts with the root's value. Start with the root's slope with respect to itself.",
        "d(root)/d(root) = 1",
    ),
    Slip(
        "an input that appears twice is counted once",
        BACKWARD.replace(
            "zip(node.inputs, node.local)", "dict(zip(node.inputs, node.local)).items()"
        ),
        "In x + x, both inputs are the same node. A set or a dictionary of inputs stores this node only once.",
        "go through all pairs of node.inputs and node.local, and send dz · local for each, even "
        "if two inputs are the same node",
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
