"""Report: what every HTML report is made of, pages and charts.

Knows nothing of data sets, runs or bundles.
"""
