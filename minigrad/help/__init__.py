"""The engine's error messages and input checks, and hints for users of other frameworks.

You can skip this package if you only want to learn how gradients flow.
"""
