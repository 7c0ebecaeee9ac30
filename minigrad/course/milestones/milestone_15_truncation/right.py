"""Other correct answers to milestone 15."""

RIGHT = {
    "a copy": "def cut(h):\n    return Value(h.array.copy(), (), None)",
}
