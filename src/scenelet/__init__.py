"""scenelet: from a folder of labelled images to a small, honest, explained image classifier."""

__version__ = "0.1.0"
