"""From a bundle to an address on AWS: package, preflight, stack, smoke test, rollback."""
