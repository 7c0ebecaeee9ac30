"""minigrad: see how gradients flow. A reverse-mode autograd Tensor on NumPy, and nothing else to import."""
