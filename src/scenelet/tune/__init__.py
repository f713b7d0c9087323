"""Tune: search the dials of a recipe, and compare variants of one.

Each trial is a run of `learn`.
"""
