"""Assess: what a model really knows. Works on labels and probabilities; torch-free."""
