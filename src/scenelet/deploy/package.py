"""A bundle in, a Lambda zip (or a folder for an image) out.

What serving needs and no more, byte for byte the same each time:

PACKAGE.zip
├── scenelet/        the modules that the handler imports, and their bytecode
├── PIL/ pillow.libs/ ai_edge_litert/   cut-down wheels
├── bundle/          contract, model, distance, golden pictures
├── licenses/        of the wheels
├── sbom.cdx.json    what is in it (CycloneDX 1.6)
└── package.json     what it was made for and from
"""

import hashlib
import json
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from scenelet import __version__
from scenelet.artefacts import make_folder, whole_folder, write_bytes
from scenelet.bundle.contract import (
    CONTRACT,
    DISTANCE,
    LITERT,
    Contract,
    read_contract,
    verify_files,
)
from scenelet.deploy.bill_of_materials import bill_of_materials
from scenelet.deploy.described import DESCRIPTION, Description, Files, PackedBundle
from scenelet.deploy.modules import handler_modules
from scenelet.deploy.target import Target, find_interpreter
from scenelet.deploy.wheels import Wheel, cache_folder, fetch_wheels
from scenelet.errors import PackageError
from scenelet.image_formats import PACKED
from scenelet.serve.page import PAGE

HANDLER = "scenelet.serve.aws_lambda.handler"
TASK_ROOT = "/var/task"
BUNDLE, SBOM = "bundle", "sbom.cdx.json"
DOCKERFILE = Path(__file__).parent / "Dockerfile"
_DATE = (1980, 1, 1, 0, 0, 0)
_COMPILE = """
import pathlib, py_compile, sys
root = pathlib.Path(sys.argv[1])
for path in sorted(root.rglob("*.py")):
    place = path.relative_to(root).as_posix()
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH  # dates go stale in a zip
    where = f"{sys.argv[2]}/{place}"
    py_compile.compile(str(path), dfile=where, doraise=True, invalidation_mode=mode, optimize=-1)
"""


@dataclass(frozen=True)
class Package:
    """What was packed.

    Attributes:
        path: Of the zip, or of the image's folder.
        target: That it is for.
        sha256: Of the zip's bytes.
        zip_bytes: Its size.
        unzipped_bytes: Of everything in it.
        shares: Bytes in the zip by top-level name, largest first.
        compiled: Whether bytecode for the target's Python is in it.
    """

    path: Path
    target: Target
    sha256: str
    zip_bytes: int
    unzipped_bytes: int
    shares: dict[str, int]
    compiled: bool


def package_zip(bundle: Path, out: Path, target: Target, cache: Path | None = None) -> Package:
    """Pack a zip for Lambda.

    Args:
        bundle: Folder of the bundle.
        out: .zip file to write; whole or not at all.
        target: Python and processor.
        cache: For wheels.

    Raises:
        BundleError: It can't be trusted or read.
        PackageError: There is no wheel for the target.
        ArtefactError: `out` can't be written.
    """
    files, compiled = _gather(bundle, target, cache or cache_folder())
    content = _zip(files)
    make_folder(out.parent)
    write_bytes(out, content)
    return _described(out, target, content, files, compiled)


def package_image(bundle: Path, out: Path, target: Target, cache: Path | None = None) -> Package:
    """Write a folder to build an image from: a Dockerfile, and `task/` with what the zip holds.

    Raises as `package_zip`.
    """
    files, compiled = _gather(bundle, target, cache or cache_folder())
    with whole_folder(out) as folder:
        for name, content in files.items():
            path = folder / "task" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        shutil.copyfile(DOCKERFILE, folder / "Dockerfile")
    return _described(out, target, _zip(files), files, compiled)


def _gather(bundle: Path, target: Target, cache: Path) -> tuple[Files, bool]:
    contract = read_contract(bundle)
    golden = tuple(each.file for each in contract.golden)
    contents = verify_files(bundle, contract, only=(LITERT, DISTANCE, *golden))
    contents[CONTRACT] = (bundle / CONTRACT).read_bytes()
    wheels = fetch_wheels(target, cache)
    source = Path(__file__).resolve().parents[2]
    own = (*handler_modules(source), PAGE.relative_to(source).as_posix())
    files: Files = {name: (source / name).read_bytes() for name in own}
    for wheel in wheels:
        files |= wheel.files
    bytecode = _bytecode(files, target)
    files |= bytecode
    files |= {f"{BUNDLE}/{name}": content for name, content in contents.items()}
    files[SBOM] = _json(bill_of_materials(wheels, contract))
    files[DESCRIPTION] = _description(contract, target, wheels, files).to_json()
    return dict(sorted(files.items())), bool(bytecode)


def _bytecode(files: Files, target: Target) -> Files:
    """Compiled modules for the target's Python; none where no such Python is here."""
    python = find_interpreter(target.python)
    if python is None:
        return {}
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        for name, content in files.items():
            if name.endswith(".py"):
                path = root / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
        command = [str(python), "-I", "-c", _COMPILE, scratch, TASK_ROOT]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise PackageError(
                f"{python}: could not compile the package: {done.stderr.strip().splitlines()[-1]}"
            )
        return {
            path.relative_to(root).as_posix(): path.read_bytes()
            for path in sorted(root.rglob("*.pyc"))
        }


def _zip(files: Files) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in files.items():
            archive.writestr(_entry(name), content)
    return buffer.getvalue()


def _entry(name: str) -> zipfile.ZipInfo:
    """The same on every machine and every day."""
    entry = zipfile.ZipInfo(name, _DATE)
    entry.compress_type, entry.create_system = zipfile.ZIP_DEFLATED, 3
    entry.external_attr = (0o755 if ".so" in name else 0o644) << 16
    return entry


def _described(out: Path, target: Target, content: bytes, files: Files, compiled: bool) -> Package:
    shares: dict[str, int] = {}
    with zipfile.ZipFile(BytesIO(content)) as archive:
        for entry in archive.infolist():
            top = entry.filename.split("/")[0]
            shares[top] = shares.get(top, 0) + entry.compress_size
    shares = dict(sorted(shares.items(), key=lambda pair: -pair[1]))
    unzipped = sum(map(len, files.values()))
    return Package(
        out, target, hashlib.sha256(content).hexdigest(), len(content), unzipped, shares, compiled
    )


def _description(
    contract: Contract, target: Target, wheels: Sequence[Wheel], files: Files
) -> Description:
    return Description(
        scenelet=__version__,
        handler=HANDLER,
        runtime=target.runtime,
        architecture=target.architecture,
        bundle=PackedBundle(contract.name, contract.created, BUNDLE, contract.sha256[LITERT]),
        wheels={wheel.file: wheel.sha256 for wheel in wheels},
        bytecode=any(name.endswith(".pyc") for name in files),
        formats=list(PACKED),
        files={name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
    )


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n"
