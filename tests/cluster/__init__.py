"""Tests that need a cluster: a package, so that they share one."""
