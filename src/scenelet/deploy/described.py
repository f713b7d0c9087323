"""A package's bytes, and what its `package.json` says of it.

Knows neither how it is made nor where it goes.
"""

import hashlib
import io
import json
import zipfile
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, get_origin

from scenelet.bundle.contract import CONTRACT, Contract, parse_contract
from scenelet.deploy.target import Target
from scenelet.errors import PackageError

DESCRIPTION = "package.json"
Files = dict[str, bytes]


@dataclass(frozen=True)
class PackedBundle:
    """The bundle in a package.

    Attributes:
        name: Of the bundle.
        created: ISO, UTC.
        folder: In the package.
        sha256: Of the model.
    """

    name: str
    created: str
    folder: str
    sha256: str


@dataclass(frozen=True)
class Description:
    """`package.json`: what a package was made for and from.

    Attributes:
        scenelet: Version that packed it.
        handler: Dotted name of the function.
        runtime: As Lambda calls it.
        architecture: As Lambda calls it.
        bundle: That is in it.
        wheels: SHA-256 by file name.
        bytecode: Whether there is some for the runtime.
        formats: Of images that it understands.
        files: SHA-256 of every other file of the package, by path.
    """

    scenelet: str
    handler: str
    runtime: str
    architecture: str
    bundle: PackedBundle
    wheels: dict[str, str]
    bytecode: bool
    formats: list[str]
    files: dict[str, str]

    def to_json(self) -> bytes:
        """The same bytes for the same description."""
        return json.dumps(asdict(self), indent=1, sort_keys=True).encode() + b"\n"

    @classmethod
    def from_json(cls, text: bytes) -> "Description":
        """Read it.

        Raises:
            ValueError: Not JSON, or a field is missing, unknown or of another type.
        """
        values = _object(json.loads(text), cls)
        values["bundle"] = PackedBundle(**_object(values["bundle"], PackedBundle))
        return cls(**values)


def _object(values: Any, kind: type) -> dict[str, Any]:
    wanted = {each.name: get_origin(each.type) or each.type for each in fields(kind)}
    if not isinstance(values, dict) or values.keys() != wanted.keys():
        raise ValueError(f"expected the fields {', '.join(wanted)}")
    for name, want in wanted.items():
        if want is not PackedBundle and type(values[name]) is not want:
            raise ValueError(f"{name}: found {type(values[name]).__name__}, expected another type")
    return dict(values)


@dataclass(frozen=True)
class Packed:
    """A package, read.

    Attributes:
        content: The zip.
        description: Of it.
        origin: Where it came from, for messages.
    """

    content: bytes
    description: Description
    origin: str = "package"

    @classmethod
    def open(cls, path: Path) -> "Packed":
        """Read a zip.

        Raises:
            PackageError: It can't be read, or is not a package of ours.
        """
        try:
            content = path.read_bytes()
        except OSError as error:
            raise PackageError(
                f"{path}: can't be read: {error.strerror}. Make one: scenelet package BUNDLE"
            ) from error
        return cls.of(content, str(path))

    @classmethod
    def of(cls, content: bytes, origin: str = "package") -> "Packed":
        """Read a zip's bytes.

        Raises:
            PackageError: Not a package of ours.
        """
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                description = Description.from_json(archive.read(DESCRIPTION))
        except (zipfile.BadZipFile, KeyError, ValueError) as error:
            raise PackageError(
                f"{origin}: not a package of scenelet ({error}). Make one: scenelet package BUNDLE"
                f" --out {origin}"
            ) from error
        return cls(content, description, origin)

    @cached_property
    def sha256(self) -> str:
        """Of the zip, in hexadecimal digits."""
        return hashlib.sha256(self.content).hexdigest()

    @cached_property
    def files(self) -> Files:
        """Everything in it by path."""
        with zipfile.ZipFile(io.BytesIO(self.content)) as archive:
            return {name: archive.read(name) for name in archive.namelist()}

    @property
    def target(self) -> Target:
        """What it was made for."""
        described = self.description
        return Target(described.runtime.removeprefix("python"), described.architecture)

    def contract(self) -> Contract:
        """Of its bundle.

        Raises:
            PackageError: There is none.
            BundleFormatError: It can't be read.
        """
        path = f"{self.description.bundle.folder}/{CONTRACT}"
        if path not in self.files:
            raise PackageError(f"{self.origin}: {path} is missing. Pack the bundle again.")
        return parse_contract(self.files[path], f"{self.origin}/{path}")

    def golden_pictures(self) -> dict[str, bytes]:
        """Of its bundle, by their path in the bundle."""
        folder = self.description.bundle.folder
        return {
            golden.file: self.files[f"{folder}/{golden.file}"] for golden in self.contract().golden
        }
