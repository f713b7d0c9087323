"""When a report was made, and by which command."""

import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path

from scenelet import __version__


def made() -> list[str]:
    """Lines for its foot."""
    when = f"Made by scenelet {__version__} on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    called = Path(sys.argv[0])
    by_name = called.name == "scenelet" or called.parts[-2:] == ("scenelet", "__main__.py")
    return [f"{when}, by: {shlex.join(['scenelet', *sys.argv[1:]])}" if by_name else when]
