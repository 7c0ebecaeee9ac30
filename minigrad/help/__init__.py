"""Error messages of the engine, checks of its inputs, and hints for users of other frameworks.

You can skip this package if you want to learn how gradients flow.
"""
