"""Serve: a bundle's answers through several doors.

Imports `bundle` and `images` alone; never torch, pandas, typer or rich.
"""
