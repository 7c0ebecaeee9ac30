"""The Trainer, and what a run needs: history, metrics, snapshots, callbacks, several processes.

An optimizer works without it, in a loop of your own. Come here to see how a run is stored and
resumed exactly.
"""
