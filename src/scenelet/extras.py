"""Extras: packages that not every install has, told of in one line where they are missed."""

from collections.abc import Iterator
from contextlib import contextmanager

from scenelet.errors import MissingExtraError
from scenelet.resources import ended


@contextmanager
def needs_extra(extra: str) -> Iterator[None]:
    """Around an import: turn a missing or broken package into one line.

    Raises:
        MissingExtraError: In place of ImportError, unless memory came to its end.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"this needs scenelet[{extra}] ({error.name} is not installed). Install it: pip"
            f" install 'scenelet[{extra}]'"
        ) from error
    except ImportError as error:
        if ended(error):
            raise
        raise MissingExtraError(
            f"scenelet[{extra}] can't be loaded: {error}. Install it anew: pip install"
            f" --force-reinstall 'scenelet[{extra}]'"
        ) from error
