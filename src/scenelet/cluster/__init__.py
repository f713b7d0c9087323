"""Cluster: the same jobs on the machines of a Ray cluster.

The only room that imports ray; nobody but `cli` imports it.
"""
