"""What a package is made for: Lambda's Pythons, processors and libraries.

Knows nothing of packages.
"""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from scenelet.errors import ConfigError

# on Amazon Linux 2023: Python 3.11's older glibc is too old for LiteRT, which has no wheel for 3.15
PYTHONS = ("3.12", "3.13", "3.14")
FULL_CORE_MIB = 1769  # Lambda gives processor time by memory; this much is one whole core
ARCHITECTURES = ("x86_64", "arm64")
GLIBC, GLIBCXX, CXXABI = (
    (2, 34),
    (3, 4, 29),
    (1, 3, 13),
)  # newest symbol versions of Amazon Linux 2023 (glibc 2.34, gcc 11)
_MACHINES = {"x86_64": "x86_64", "arm64": "aarch64"}
_MANYLINUX = (
    "manylinux_2_34",
    "manylinux_2_28",
    "manylinux_2_27",
    "manylinux_2_17",
    "manylinux2014",
)


@dataclass(frozen=True)
class Target:
    """A Lambda runtime.

    Attributes:
        python: "3.13".
        architecture: "x86_64" or "arm64".
    """

    python: str = "3.13"
    architecture: str = "x86_64"

    def __post_init__(self) -> None:
        for flag, value, known in (
            ("--python", self.python, PYTHONS),
            ("--arch", self.architecture, ARCHITECTURES),
        ):
            if value not in known:
                raise ConfigError(f"{flag}: found {value!r}, expected one of {', '.join(known)}")

    @property
    def machine(self) -> str:
        """As wheels and ELF files call it: x86_64 or aarch64."""
        return _MACHINES[self.architecture]

    @property
    def platforms(self) -> list[str]:
        """Wheel platform tags, newest first. pip does not derive the older ones by itself."""
        return [f"{tag}_{self.machine}" for tag in _MANYLINUX]

    @property
    def runtime(self) -> str:
        """As Lambda calls it."""
        return f"python{self.python}"

    @property
    def extension_suffix(self) -> str:
        """Of a compiled module for this Python and processor."""
        return f".cpython-{self.python.replace('.', '')}-{self.machine}-linux-gnu.so"


def find_interpreter(version: str) -> Path | None:
    """A Python of this version on this machine: this one, on the PATH, or one of pyenv's.

    None if there is none.
    """
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return Path(sys.executable)
    named = [Path(found)] if (found := shutil.which(f"python{version}")) else []
    pyenv = sorted((Path.home() / ".pyenv" / "versions").glob(f"{version}.*/bin/python{version}"))
    return next((path for path in (*named, *pyenv) if _is_version(path, version)), None)


def _is_version(path: Path, version: str) -> bool:
    command = [str(path), "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    try:
        told = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except OSError:
        return False
    return told.returncode == 0 and told.stdout.strip() == version
