"""The Trainer, with history, metrics, snapshots, callbacks, and training in several processes.

You do not need this package to write your own training loop with an optimizer. Read its code to
learn how a run is stored and how it is resumed with identical results.
"""
