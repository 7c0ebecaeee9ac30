"""Reads the gates of a GRU and an LSTM from the graph of a learner's cell."""

ACTIVATIONS = ("Sigmoid", "Tanh")


def kind(node):
    return type(node.gate).__name__


def is_value(node):
    """Return whether a node is the output of a sigmoid or a tanh, some columns of it, or a sum of
    two sigmoids or two tanhs.
    """
    inputs = {kind(one) for one in node.inputs}
    return kind(node) in ACTIVATIONS or (
        kind(node) in ("Slice", "AddGate") and len(inputs) == 1 and inputs < set(ACTIVATIONS)
    )


def activation(node):
    """Return 'Sigmoid' or 'Tanh' for a node for which `is_value` is true."""
    return kind(node) if kind(node) in ACTIVATIONS else kind(node.inputs[0])


def nearest(nodes, stop=()):
    """Return the nearest values of sigmoids and tanhs that these nodes are computed from, and the
    products on the way, in the order in which they are computed.
    """
    found, todo, seen = [], list(nodes), set()
    while todo:
        node = todo.pop()
        if node in seen or node in stop:
            continue
        seen.add(node)
        if is_value(node):
            found.append(node)
        else:
            todo += node.inputs
    products = [node for node in seen if kind(node) in ("Hadamard", "Multiply")]
    return sorted(found, key=lambda node: node.serial), products


def before(node):
    """Return the inputs of the sigmoids or tanhs in a node for which `is_value` is true."""
    parts = [node] if kind(node) in ACTIVATIONS else node.inputs
    return [one for part in parts for one in part.inputs]


def only(found, which):
    """Return the single value of a sigmoid or a tanh in a list, or None."""
    found = [node for node in found if activation(node) == which]
    return found[0] if len(found) == 1 else None


def named(pairs):
    return {name: node.output for name, node in pairs if node is not None}


def gru_gates(cell, x, h):
    """Return z, r, n and h' by the role that they play in the learner's graph: n is the tanh, r acts
    inside it, and z acts outside it.
    """
    result = cell(x, h)
    new = (result[0] if isinstance(result, tuple | list) else result).node
    outer, _ = nearest(new.inputs)
    n = only(outer, "Tanh")
    if n is None:  # a sigmoid for the tanh: it is computed from another one
        inner = [node for node in outer if nearest(before(node))[0]]
        n = inner[0] if len(inner) == 1 else None
    z = r = None
    if n is not None:
        z = only([node for node in outer if node is not n], "Sigmoid")
        r = only(nearest(before(n))[0], "Sigmoid")
    if z is None:  # other gates than expected
        n = r = None
    return named((("z", z), ("r", r), ("n", n), ("h'", new)))


def lstm_gates(cell, x, state):
    """Return i, f, g, o, c' and h' by the role that they play in the learner's graph: f multiplies
    the memory, i multiplies g, and o multiplies tanh(c').
    """
    result = cell(x, state)
    h, pair = (result[0].node, result[1]) if isinstance(result, tuple | list) else (result.node, ())
    returned = [part.node for part in pair] if isinstance(pair, tuple | list) else []
    shown = [
        node for node in nearest([h])[0] if kind(node) == "Tanh" and node.inputs[0] in returned
    ]
    c = shown[0].inputs[0] if shown else returned[1] if len(returned) == 2 else None
    i = f = g = o = None
    if c is not None:
        o = only(nearest([h], stop=[c])[0], "Sigmoid")
        found, products = nearest(c.inputs)
        g = only(found, "Tanh")
        for product in products:
            one, two = sorted(product.inputs, key=lambda node: (not is_value(node), node.serial))
            if is_value(two):
                g = g or two
                i = two if one is g else one
            elif is_value(one) and activation(one) == "Sigmoid":
                if two.inputs:  # g without its tanh
                    i, g = one, g or two
                else:
                    f = one
    gates = {"i (multiplies g)": i, "f (multiplies c)": f, "g": g, "o": o}
    state = zip(("h' in the state", "c' in the state"), returned, strict=False)
    return named((*gates.items(), ("c'", c), ("h'", h), *state))
