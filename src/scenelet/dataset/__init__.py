"""Dataset: which image, which label, which split, and why one is left out.

Knows nothing of networks.
"""
