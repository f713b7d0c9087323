"""A bundle in, a Lambda zip (or a folder for an image) out: what serving needs and no more, byte for byte the same each time.

PACKAGE.zip
├── scenelet/        the modules that the handler imports, and their bytecode
├── PIL/ pillow.libs/ ai_edge_litert/   cut-down wheels
├── bundle/          contract, model, distance, golden pictures
├── licenses/        of the wheels
├── sbom.cdx.json    what is in it (CycloneDX 1.6)
└── package.json     what it was made for and from
"""

import ast
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
from scenelet.deploy.aws.target import Target, find_interpreter
from scenelet.deploy.wheels import Files, Wheel, cache_folder, fetch_wheels
from scenelet.errors import PackageError
from scenelet.images import FORMATS

HANDLER = "scenelet.serve.aws_lambda.handler"
TASK_ROOT = "/var/task"
BUNDLE, DESCRIPTION, SBOM = "bundle", "package.json", "sbom.cdx.json"
DOCKERFILE = Path(__file__).parent / "Dockerfile"
_DATE = (1980, 1, 1, 0, 0, 0)
_COMPILE = """
import pathlib, py_compile, sys
root = pathlib.Path(sys.argv[1])
for path in sorted(root.rglob("*.py")):
    place = path.relative_to(root).as_posix()
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH  # dates go stale in a zip
    py_compile.compile(str(path), dfile=f"{sys.argv[2]}/{place}", doraise=True, invalidation_mode=mode, optimize=-1)
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
    """Write a folder to build a container image from: a Dockerfile, and `task/` with what the zip holds.

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


def read_description(content: bytes, origin: str) -> dict[str, Any]:
    """`package.json` of a zip.

    Raises:
        PackageError: Not a package of ours.
    """
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            values: dict[str, Any] = json.loads(archive.read(DESCRIPTION))
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise PackageError(
            f"{origin}: not a package of scenelet ({error}). Make one: scenelet package BUNDLE"
            f" --out {origin}"
        ) from error
    return values


def handler_modules(root: Path, start: str = "scenelet.serve.aws_lambda") -> list[str]:
    """Paths, relative to `root`, of the modules of scenelet that the handler may import, lazily or not.

    Args:
        root: Folder that the package `scenelet` lies in.
        start: Dotted name to begin with.
    """
    found: set[str] = set()
    waiting = [start]
    while waiting:
        path = _module_path(root, waiting.pop())
        if path is None or path in found:
            continue
        found.add(path)
        waiting += [name for name in _imports(root / path) if name.startswith("scenelet")]
    return sorted(found | {(Path(path).parent / "__init__.py").as_posix() for path in found})


def _gather(bundle: Path, target: Target, cache: Path) -> tuple[Files, bool]:
    contract = read_contract(bundle)
    golden = tuple(each.file for each in contract.golden)
    contents = verify_files(bundle, contract, only=(LITERT, DISTANCE, *golden))
    contents[CONTRACT] = (bundle / CONTRACT).read_bytes()
    wheels = fetch_wheels(target, cache)
    source = Path(__file__).resolve().parents[2]
    files = {name: (source / name).read_bytes() for name in handler_modules(source)}
    for wheel in wheels:
        files |= wheel.files
    bytecode = _bytecode(files, target)
    files |= bytecode
    files |= {f"{BUNDLE}/{name}": content for name, content in contents.items()}
    files[SBOM] = _json(_sbom(wheels, contract, contents))
    files[DESCRIPTION] = _json(_description(contract, target, wheels, bool(bytecode), files))
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
            entry = zipfile.ZipInfo(name, _DATE)
            entry.compress_type, entry.create_system = zipfile.ZIP_DEFLATED, 3
            entry.external_attr = (0o755 if ".so" in name else 0o644) << 16
            archive.writestr(entry, content)
    return buffer.getvalue()


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
    contract: Contract, target: Target, wheels: Sequence[Wheel], compiled: bool, files: Files
) -> dict[str, Any]:
    return {
        "scenelet": __version__,
        "handler": HANDLER,
        "runtime": target.runtime,
        "architecture": target.architecture,
        "bundle": {
            "name": contract.name,
            "created": contract.created,
            "folder": BUNDLE,
            "sha256": contract.sha256[LITERT],
        },
        "wheels": {wheel.file: wheel.sha256 for wheel in wheels},
        "bytecode": compiled,
        "formats": list(FORMATS),
        "files": {
            name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())
        },
    }


def _sbom(wheels: Sequence[Wheel], contract: Contract, contents: Files) -> dict[str, Any]:
    """Bill of materials.

    Source: the CycloneDX 1.6 specification; without a serial number or date, which would differ.
    """
    libraries = [
        {
            "type": "library",
            "bom-ref": f"pkg:pypi/{wheel.name}@{wheel.version}",
            "name": wheel.name,
            "version": wheel.version,
            "purl": f"pkg:pypi/{wheel.name}@{wheel.version}",
            "hashes": [{"alg": "SHA-256", "content": wheel.sha256}],
            "licenses": [{"license": {"name": wheel.licence}}],
        }
        for wheel in wheels
    ]
    model = {
        "type": "machine-learning-model",
        "bom-ref": f"bundle/{contract.name}",
        "name": contract.name,
        "version": contract.created,
        "hashes": [{"alg": "SHA-256", "content": hashlib.sha256(contents[LITERT]).hexdigest()}],
        "licenses": [{"license": {"name": contract.licence}}],
    }
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {"type": "application", "name": "scenelet", "version": __version__}
        },
        "components": [*libraries, model],
    }


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n"


def _module_path(root: Path, name: str) -> str | None:
    """A dotted name as a path below `root`; a name inside a module is that module."""
    parts = name.split(".")
    for path in ("/".join(parts) + ".py", "/".join(parts) + "/__init__.py"):
        if (root / path).is_file():
            return path
    return _module_path(root, name.rpartition(".")[0]) if len(parts) > 1 else None


def _imports(path: Path) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found += [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
    return found
