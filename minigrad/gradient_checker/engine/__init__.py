"""Check somebody else's engine: compare a class that computes gradients with minigrad."""
from .check import check_engine
__all__ = ["check_engine"]
