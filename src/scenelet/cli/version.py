"""`scenelet --version`: the version, and which parts are installed here."""

import platform
import re
from importlib.metadata import PackageNotFoundError, requires, version

from scenelet import __version__

_NEEDED = re.compile(r"""([A-Za-z0-9_.-]+).*;.*\bextra\s*==\s*["']([a-z0-9-]+)["']""")
_NOT_PARTS = ("dev", "docs")


def version_lines() -> list[str]:
    """Version and machine, then a line for each extra: what of it is here, or how to get it."""
    machine = f"Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    return [f"scenelet {__version__} ({machine})", *(_line(*each) for each in _extras().items())]


def _line(extra: str, packages: list[str]) -> str:
    versions = {name: _installed(name) for name in packages}
    if not all(versions.values()):
        return f"  {extra}: not installed; pip install 'scenelet[{extra}]'"
    told = ", ".join(f"{name} {found}" for name, found in versions.items())
    return f"  {extra}: {told}"


def _extras() -> dict[str, list[str]]:
    """Extra -> its packages, as the installed metadata says."""
    found: dict[str, list[str]] = {}
    try:
        needed = requires("scenelet") or []
    except PackageNotFoundError:  # a checkout that nobody installed
        return found
    for match in filter(None, map(_NEEDED.fullmatch, needed)):
        name, extra = re.split(r"[\[<>=!~ ;]", match[1])[0], match[2]
        if extra not in _NOT_PARTS and name != "scenelet":
            found.setdefault(extra, []).append(name)
    return found


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
