"""The words of the engine: what it refuses and why, and what to write instead of names from other
frameworks.

The engine also has its inputs converted and checked here. To learn how gradients flow, you can
leave them out.
"""
