"""scenelet: from a folder of labelled images to a small, honest, explained image classifier."""

__version__ = "0.1.0"
_API = ("Bundle", "Dataset", "evaluate", "train")  # of `api`, loaded when asked for


def __getattr__(name: str) -> object:
    if name not in _API:
        raise AttributeError(f"module 'scenelet' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module("scenelet.api"), name)


def __dir__() -> list[str]:
    return ["__version__", *_API]
