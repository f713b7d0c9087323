"""Runs: what trainings and searches leave behind, and the recipe they were made by. Torch-free."""
