"""Explore: look at a data set by eye and by embedding.

Reads data and a bundle; trains nothing but a linear head.
"""
