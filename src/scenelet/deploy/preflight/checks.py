"""What can be seen in a package without running it: sizes, platform, symbols, libraries.

Knows nothing of AWS accounts.
"""

import hashlib
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection

from scenelet.deploy.described import DESCRIPTION, Files, Packed
from scenelet.deploy.target import CXXABI, GLIBC, GLIBCXX, Target
from scenelet.deploy.wheels import needed_libraries

DIRECT_UPLOAD_BYTES, UNZIPPED_BYTES = 50 * 2**20, 250 * 2**20
_LIMITS = {"GLIBC": GLIBC, "GLIBCXX": GLIBCXX, "CXXABI": CXXABI}
_SYSTEM = (
    "libc.",
    "libm.",
    "libpthread.",
    "libdl.",
    "librt.",
    "ld-linux",
    "libgcc_s.",
    "libstdc++.",
    "libutil.",
    "libz.",
)
_MACHINES = {"x86_64": "EM_X86_64", "aarch64": "EM_AARCH64"}
_MAGIC = b"\x7fELF"


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: Of it.
        ok: None where it could not be tried here.
        detail: What was found; where it is not ok, and what to do.
    """

    name: str
    ok: bool | None
    detail: str


def checks_of(packed: Packed) -> list[Check]:
    """Everything that can be seen without running it."""
    files, target = packed.files, packed.target
    return [
        _whole(files, packed.description.files),
        _sizes(len(packed.content), sum(map(len, files.values()))),
        _tags(files, target),
        _symbols(files),
        _libraries(files),
        _numpy(files),
    ]


def _whole(files: Files, expected: dict[str, str]) -> Check:
    found = {
        name: hashlib.sha256(content).hexdigest()
        for name, content in files.items()
        if name != DESCRIPTION
    }
    wrong = sorted(
        name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name)
    )
    if wrong:
        some = ", ".join(wrong[:3]) + (f" and {len(wrong) - 3} more" if len(wrong) > 3 else "")
        return Check("whole", False, f"{some}: not as it was packed. Pack the bundle again.")
    return Check("whole", True, f"{len(found):,} files, as they were packed")


def _sizes(zipped: int, unzipped: int) -> Check:
    told = f"{zipped / 1e6:.1f} MB zipped, {unzipped / 1e6:.1f} MB unzipped"
    if unzipped > UNZIPPED_BYTES:
        return Check(
            "size",
            False,
            f"{told}; at most {UNZIPPED_BYTES / 1e6:.0f} MB allowed. Use a smaller model, or an"
            " image.",
        )
    way = (
        "may be uploaded directly"
        if zipped <= DIRECT_UPLOAD_BYTES
        else "must go through S3, as deploy does"
    )
    return Check("size", True, f"{told}; {way}")


def _shared_objects(files: Files) -> Iterable[tuple[str, bytes]]:
    return ((name, content) for name, content in files.items() if content.startswith(_MAGIC))


def _tags(files: Files, target: Target) -> Check:
    wrong = []
    for name, content in _shared_objects(files):
        try:
            machine = ELFFile(io.BytesIO(content))["e_machine"]
        except ELFError as error:
            wrong.append(f"{name} is damaged ({error})")
            continue
        if machine != _MACHINES[target.machine]:
            wrong.append(
                f"{name} is for {str(machine).removeprefix('EM_').lower()}, not {target.machine}"
            )
        elif ".cpython-" in name and not name.endswith(target.extension_suffix):
            tag = name.split(".cpython-")[1].split("-")[0]
            wrong.append(f"{name} is for Python {tag[0]}.{tag[1:]}, not {target.python}")
    foreign = [name for name in files if name.endswith((".pyd", ".dylib", ".dll"))]
    wrong += [f"{name} is for another system" for name in foreign]
    if wrong:
        return Check(
            "platform",
            False,
            "; ".join(wrong[:3]) + ". Pack again with --python and --arch of the function.",
        )
    count = sum(1 for _ in _shared_objects(files))
    return Check(
        "platform",
        True,
        f"{count} shared objects for Python {target.python}, {target.architecture}",
    )


def _symbols(files: Files) -> Check:
    newest: dict[str, tuple[int, ...]] = {}
    wrong = []
    for name, content in _shared_objects(files):
        for symbol in _needed_versions(content):
            family, _, number = symbol.partition("_")
            if family not in _LIMITS or not number.replace(".", "").isdigit():
                continue
            version = tuple(int(part) for part in number.split("."))
            newest[family] = max(newest.get(family, ()), version)
            if version > _LIMITS[family]:
                limit = ".".join(map(str, _LIMITS[family]))
                wrong.append(
                    f"{name} needs {symbol}, Lambda's Amazon Linux 2023 has {family}_{limit}"
                )
    if wrong:
        return Check(
            "symbols",
            False,
            "; ".join(sorted(set(wrong))[:3]) + ". Take another version or --arch x86_64.",
        )
    told = ", ".join(
        f"{family}_{'.'.join(map(str, version))}" for family, version in sorted(newest.items())
    )
    return Check("symbols", True, f"newest needed: {told}")


def _needed_versions(content: bytes) -> list[str]:
    sections = ELFFile(io.BytesIO(content)).iter_sections()
    return [
        auxiliary.name
        for section in sections
        if isinstance(section, GNUVerNeedSection)
        for _, auxiliaries in section.iter_versions()
        for auxiliary in auxiliaries
    ]


def _libraries(files: Files) -> Check:
    here = {PurePosixPath(name).name for name in files}
    missing = sorted(
        {
            f"{name} needs {library}"
            for name, content in _shared_objects(files)
            for library in needed_libraries(content)
            if library not in here and not library.startswith(_SYSTEM)
        }
    )
    if missing:
        return Check(
            "libraries",
            False,
            "; ".join(missing[:3]) + ": neither in the package nor on Lambda. Pack again.",
        )
    return Check("libraries", True, "every shared object finds the ones it needs")


def _numpy(files: Files) -> Check:
    """The ABI that numpy's users were compiled for can't clash where there is no numpy."""
    found = next((name for name in files if name.startswith("numpy/")), None)
    if found:
        return Check(
            "numpy",
            False,
            f"{found}: serving does without numpy. Pack again with `scenelet package`.",
        )
    return Check("numpy", True, "none, so no ABI to clash")
