"""Wheels for the target, whatever machine packs them: cut down to what serving needs."""

import hashlib
import io
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path, PurePosixPath

from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile

from scenelet.artefacts import make_folder
from scenelet.bundle.litert import LIBRARIES
from scenelet.deploy.described import Files
from scenelet.deploy.relabel import NEW, OLD, relabel
from scenelet.deploy.target import Target
from scenelet.errors import PackageError
from scenelet.image_formats import TABLE
from scenelet.locks import held

_CHANGES = (
    f"scenelet bound the symbol version {NEW} of the shared objects to {OLD} of the same symbol,"
    " which Amazon Linux 2023 has; nothing else was changed.\n"
)
NEEDED = ("pillow", "ai-edge-litert")
# The compiled parts of Pillow that serving imports: its core, colour profiles, and what the table
# of formats says.
_MODULES = (
    "_imaging",
    "_imagingcms",
    "_imagingmath",
    *(each.compiled for each in TABLE if each.compiled),
)
_PLUGINS = {"Ppm", *(plugin for each in TABLE for plugin in each.plugins)}  # Image.open imports Ppm


@dataclass(frozen=True)
class Wheel:
    """A wheel of which something goes into the package.

    Attributes:
        name: Of the distribution.
        version: Of it.
        file: Name of the wheel.
        sha256: Of the wheel.
        licence: As its metadata says.
        files: Path -> content, of what is taken.
        changes: What was changed in them; empty for nothing.
    """

    name: str
    version: str
    file: str
    sha256: str
    licence: str
    files: Files
    changes: str = ""


def fetch_wheels(target: Target, cache: Path) -> list[Wheel]:
    """Get the wheels, in the versions that are installed here, and take out what serving needs.

    Raises:
        PackageError: There is no such wheel for the target.
    """
    return [
        _open(name, version(name), _kept(name, version(name), target, cache), target)
        for name in NEEDED
    ]


def cache_folder() -> Path:
    """Where wheels are kept between packings."""
    return Path.home() / ".cache" / "scenelet" / "wheels"


def needed_libraries(content: bytes) -> list[str]:
    """Names of the shared objects that an ELF file asks for."""
    section = ELFFile(io.BytesIO(content)).get_section_by_name(".dynamic")
    if not isinstance(section, DynamicSection):
        return []
    return [str(tag.needed) for tag in section.iter_tags("DT_NEEDED")]  # type: ignore[attr-defined]


def _kept(name: str, wanted: str, target: Target, cache: Path) -> Path:
    """A wheel in the cache, downloaded by one process at a time where it is not there."""
    folder = make_folder(cache / f"{target.machine}-{target.python}")
    pattern = f"{name.replace('-', '_')}-{wanted}-*.whl"
    with held(folder / "lock"):
        if not any(folder.glob(pattern)):
            _download(name, wanted, target, folder)
        return min(folder.glob(pattern))


def _download(name: str, wanted: str, target: Target, folder: Path) -> None:
    platforms = [word for tag in target.platforms for word in ("--platform", tag)]
    options = [
        "--quiet",
        "--no-deps",
        "--only-binary=:all:",
        "--implementation=cp",
        f"--python-version={target.python}",
    ]
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        *options,
        *platforms,
        "--dest",
        str(folder),
        f"{name}=={wanted}",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PackageError(
            f"{name} {wanted}: no wheel for Python {target.python} on {target.architecture}:"
            f" {_reason(done.stderr)}"
        )


def _reason(told: str) -> str:
    """Of pip's failure; of its absence, where uv or pipx made the environment without it."""
    lines = [line for line in told.splitlines() if line.strip()]
    if lines and "No module named pip" in lines[-1]:
        return "pip is not in this environment. Put it there: uv pip install pip"
    errors = [line for line in lines if line.startswith("ERROR")]
    return (errors or lines or ["pip said nothing"])[-1].removeprefix("ERROR: ")


def _open(name: str, wanted: str, path: Path, target: Target) -> Wheel:
    content = path.read_bytes()
    with zipfile.ZipFile(io.BytesIO(content)) as wheel:
        taken = _of_pillow(wheel, target) if name == "pillow" else _of_litert(wheel)
        changed = _made_to_fit(taken)
        taken |= changed | _licences(name, wheel)
        if changed:
            taken[f"licenses/{name}/CHANGES"] = _CHANGES.encode()
        metadata = _metadata(wheel)
    digest = hashlib.sha256(content).hexdigest()
    return Wheel(
        name, wanted, path.name, digest, _licence(metadata), taken, _CHANGES if changed else ""
    )


def _made_to_fit(files: Files) -> Files:
    """Those shared objects that Lambda's libstdc++ is too old for, bound to what it has."""
    made = {name: relabel(content) for name, content in files.items() if ".so" in name}
    return {name: content for name, content in made.items() if content != files[name]}


def _licences(name: str, wheel: zipfile.ZipFile) -> Files:
    return {
        f"licenses/{name}/{PurePosixPath(each).name}": wheel.read(each)
        for each in wheel.namelist()
        if ".dist-info/" in each and "licen" in each.lower() and not each.endswith("/")
    }


def _metadata(wheel: zipfile.ZipFile) -> str:
    name = next(each for each in wheel.namelist() if each.endswith(".dist-info/METADATA"))
    return wheel.read(name).decode()


def _of_litert(wheel: zipfile.ZipFile) -> Files:
    """LiteRT's C library alone: it is called by ctypes."""
    name = f"ai_edge_litert/{LIBRARIES[0]}"
    return {name: wheel.read(name)}


def _of_pillow(wheel: zipfile.ZipFile, target: Target) -> Files:
    modules = {
        name
        for name in wheel.namelist()
        if name.startswith("PIL/") and name.endswith(".py") and _is_kept(PurePosixPath(name))
    }
    compiled = {f"PIL/{module}{target.extension_suffix}" for module in _MODULES}
    if missing := compiled - set(wheel.namelist()):
        raise PackageError(
            f"{wheel.filename}: {', '.join(sorted(missing))} is missing, so it is not for"
            f" {target.runtime}"
        )
    libraries = {
        PurePosixPath(name).name: name
        for name in wheel.namelist()
        if name.startswith("pillow.libs/")
    }
    wanted, waiting = (
        set(),
        [needed for name in compiled for needed in needed_libraries(wheel.read(name))],
    )
    while waiting:
        name = libraries.get(waiting.pop(), "")
        if name and name not in wanted:
            wanted.add(name)
            waiting += needed_libraries(wheel.read(name))
    return {name: wheel.read(name) for name in sorted(modules | compiled | wanted)}


def _is_kept(path: PurePosixPath) -> bool:
    if path.stem.endswith("ImagePlugin"):
        return path.stem.removesuffix("ImagePlugin") in _PLUGINS
    return path.stem not in {
        "__main__",
        "ImageQt",
        "ImageTk",
        "_tkinter_finder",
        "ImageShow",
        "ImageGrab",
        "ImageFont",
        "report",
    }


def _licence(metadata: str) -> str:
    fields = dict(
        line.split(": ", 1) for line in metadata.split("\n\n")[0].splitlines() if ": " in line
    )
    return fields.get("License-Expression") or fields.get("License") or "see licenses/"
