"""Other correct answers to lesson 4."""

RIGHT = {
    "counting the consumers that have not reported": """
def order(root):
    consumers, seen, stack = {}, set(), [root]
    while stack:
        node = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        for x in node.inputs:
            consumers[x] = consumers.get(x, 0) + 1
            stack.append(x)
    ready, result = [root], []
    while ready:
        node = ready.pop(0)
        result.append(node)
        for x in node.inputs:
            consumers[x] -= 1
            if consumers[x] == 0:
                ready.append(x)
    return result
""",
    "depth first, backwards, and gradients on the nodes": """
def order(root):
    done, seen, stack = [], set(), [(root, False)]
    while stack:
        node, left = stack.pop()
        if left:
            done.append(node)
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend((x, False) for x in node.inputs)
    return done[::-1]

def backward(root):
    nodes = order(root)
    for node in nodes:
        node.dz = 0.0
    root.dz = 1.0
    for node in nodes:
        for i in range(len(node.inputs)):
            node.inputs[i].dz += node.local[i] * node.dz
    for node in nodes:
        if len(node.inputs) == 0:
            node.grad += node.dz
""",
    "a dictionary of zeros": """
def order(root):
    found, waiting = [root], [root]
    seen = {id(root)}
    while len(waiting) > 0:
        node = waiting.pop()
        for x in node.inputs:
            if id(x) not in seen:
                seen.add(id(x))
                found.append(x)
                waiting.append(x)
    found.sort(key=lambda node: -node.serial)
    return found

def backward(root):
    nodes = order(root)
    arrived = {node: 0 for node in nodes}
    arrived[root] = 1
    for node in nodes:
        for i, x in enumerate(node.inputs):
            arrived[x] += node.local[i] * arrived[node]
    for node in nodes:
        if node.inputs == ():
            node.grad += arrived[node]
""",
    "the sum is complete when the node is reached": """
from collections import defaultdict

def backward(root):
    arrived = defaultdict(float)
    arrived[root] = 1.0
    for node in order(root):
        dz = arrived.pop(node)
        if node.inputs:
            for source, local in zip(node.inputs, node.local):
                arrived[source] += dz * local
        else:
            node.grad += dz
""",
}
