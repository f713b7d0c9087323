"""Serve: a bundle's answers through several doors.

Of the other rooms it imports `bundle` alone; never torch, pandas, typer or rich.
"""
