"""Will a package start on Lambda, and answer as recorded? Looked at, then tried.

Knows nothing of AWS accounts.
"""

import base64
import hashlib
import io
import json
import platform
import statistics
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection
from PIL import Image

from scenelet.bundle.contract import Contract, read_contract
from scenelet.deploy.aws.price import Estimate, estimates
from scenelet.deploy.aws.target import CXXABI, GLIBC, GLIBCXX, Target, find_interpreter
from scenelet.deploy.package import DESCRIPTION, read_description
from scenelet.deploy.runtime_api import RunningFunction, runtime_python
from scenelet.deploy.wheels import Files, needed_libraries
from scenelet.errors import BundleError, PackageError
from scenelet.images import FORMATS
from scenelet.serve.client import TOLERANCE, largest_difference

DIRECT_UPLOAD_BYTES, UNZIPPED_BYTES = 50 * 2**20, 250 * 2**20
COLD_STARTS, WARM_ANSWERS = 3, 60
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
_LARGE = "48 million pixels"


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


@dataclass(frozen=True)
class Measured:
    """What trying told, on a whole core of this machine.

    Attributes:
        cold_ms: From the start of the process to the first answer, median.
        warm_ms: Of the answers after it, median.
        peak_mib: Most memory held.
    """

    cold_ms: float
    warm_ms: float
    peak_mib: float


@dataclass(frozen=True)
class Preflight:
    """Everything that was found.

    Attributes:
        target: Of the package.
        checks: In the order they were made.
        measured: None where the package could not be tried here.
        costs: By memory size; empty where nothing was measured.
    """

    target: Target
    checks: list[Check]
    measured: Measured | None
    costs: list[Estimate]

    @property
    def refused(self) -> list[Check]:
        """What speaks against it."""
        return [check for check in self.checks if check.ok is False]


def preflight(
    package: Path, memory_mib: int = 1024, say: Callable[[str], None] = lambda _: None
) -> Preflight:
    """Look at a package, and try it.

    Args:
        package: A zip that `package` wrote.
        memory_mib: That the function may use while it is tried.
        say: Called with what is being done.

    Raises:
        PackageError: Not a package of ours at all.
    """
    try:
        content = package.read_bytes()
    except OSError as error:
        raise PackageError(
            f"{package}: can't be read: {error.strerror}. Make one: scenelet package BUNDLE"
        ) from error
    described = read_description(content, str(package))
    target = Target(described["runtime"].removeprefix("python"), described["architecture"])
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    say("looking at the files")
    checks = [
        _whole(files, described["files"]),
        _sizes(len(content), sum(map(len, files.values()))),
        _tags(files, target),
        _symbols(files),
        _libraries(files),
        _numpy(files),
    ]
    if any(check.ok is False for check in checks):
        return Preflight(
            target, [*checks, Check("starts", None, "not tried, for what is said above")], None, []
        )
    tried, measured = _try(files, described, target, memory_mib, say)
    costs = (
        estimates(target.architecture, measured.warm_ms, measured.cold_ms, measured.peak_mib)
        if measured
        else []
    )
    return Preflight(target, [*checks, *tried], measured, costs)


def require(found: Preflight, package: Path) -> None:
    """Refuse a package that would not do.

    Raises:
        PackageError: With each reason.
    """
    if found.refused:
        raise PackageError(
            f"{package}: refused: "
            + "; ".join(f"{check.name}: {check.detail}" for check in found.refused)
        )


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


def _try(
    files: Files,
    described: dict[str, Any],
    target: Target,
    memory_mib: int,
    say: Callable[[str], None],
) -> tuple[list[Check], Measured | None]:
    interpreter = find_interpreter(target.python)
    if interpreter is None:
        return [
            Check("starts", None, f"not tried: there is no Python {target.python} on this machine")
        ], None
    if platform.machine() != target.machine:
        return [
            Check(
                "starts",
                None,
                f"not tried: this machine is {platform.machine()}, the package for"
                f" {target.machine}",
            )
        ], None
    say(f"starting it under awslambdaric, Python {target.python}")
    python = runtime_python(interpreter, target.python)
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        for name, content in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        folder = root / described["bundle"]["folder"]
        try:
            contract = read_contract(folder)
            measured, answers = _measure(
                python, root, folder, contract, described["handler"], memory_mib
            )
        except (PackageError, BundleError) as error:
            return [Check("starts", False, f"{error}".replace(f"{root}/", ""))], None
    alike = _recorded(contract, answers)
    every = [name for name in (*FORMATS, _LARGE) if "label" not in answers[name]]
    formats = (
        Check(
            "formats",
            False,
            "; ".join(f"{name}: {answers[name].get('error', answers[name])}" for name in every),
        )
        if every
        else Check("formats", True, f"answers {', '.join(FORMATS)}, and a picture of {_LARGE}")
    )
    started = (
        f"answers under awslambdaric with {memory_mib} MiB, no disk to write to and no other"
        " package"
    )
    return [Check("starts", True, started), alike, formats], measured


def _measure(
    python: Path, root: Path, folder: Path, contract: Contract, handler: str, memory_mib: int
) -> tuple[Measured, dict[str, Any]]:
    environment = {"SCENELET_BUNDLE": str(folder)}
    pictures = {
        golden.file: (folder / golden.file).read_bytes() for golden in contract.golden
    } | _pictures()
    events = {
        name: {"image": base64.b64encode(content).decode()} for name, content in pictures.items()
    }
    first = next(iter(events.values()))
    cold_ms, peaks = [], []
    for _ in range(COLD_STARTS):
        start_s = time.perf_counter()
        with RunningFunction(python, root, handler, environment, memory_mib) as function:
            function.invoke(first)
            cold_ms.append(1000 * (time.perf_counter() - start_s))
            peaks.append(function.peak_mib())
    with RunningFunction(python, root, handler, environment, memory_mib) as function:
        answers = {name: function.invoke(event) for name, event in events.items()}
        taken = []
        for _ in range(WARM_ANSWERS):
            start_s = time.perf_counter()
            function.invoke(first)
            taken.append(1000 * (time.perf_counter() - start_s))
        peaks.append(function.peak_mib())
    return Measured(statistics.median(cold_ms), statistics.median(taken), max(peaks)), answers


def _recorded(contract: Contract, answers: dict[str, Any]) -> Check:
    differences = {}
    for golden in contract.golden:
        answer = answers[golden.file]
        if "probabilities" not in answer:
            return Check(
                "golden",
                False,
                f"{golden.file}: {answer.get('error', answer)}. Export the bundle again.",
            )
        differences[golden.file] = largest_difference(golden.probabilities, answer["probabilities"])
    worst = max(differences, key=lambda name: differences[name], default=None)
    if worst is None:
        return Check(
            "golden", False, "the bundle has no golden pictures to compare with. Export it again."
        )
    told = (
        f"{len(differences)} golden pictures, largest difference {differences[worst]:.1e} ({worst})"
    )
    if differences[worst] > TOLERANCE:
        return Check(
            "golden",
            False,
            f"{told}, at most {TOLERANCE:g} allowed: not the recorded model. Export the bundle"
            " again.",
        )
    return Check("golden", True, told)


def _pictures() -> dict[str, bytes]:
    """A picture of each format that serving understands, and one that takes the most memory."""
    picture, found = Image.radial_gradient("L").convert("RGB"), {}
    for name in FORMATS:
        buffer = io.BytesIO()
        picture.save(buffer, name)
        found[name] = buffer.getvalue()
    buffer = io.BytesIO()
    Image.new("RGB", (8000, 6000), "gray").save(buffer, "PNG", compress_level=1)
    return {**found, _LARGE: buffer.getvalue()}


def as_json(found: Preflight) -> str:
    """For machines."""
    values = {
        "target": vars(found.target),
        "checks": [vars(check) for check in found.checks],
        "measured": vars(found.measured) if found.measured else None,
        "costs": [vars(each) for each in found.costs],
        "refused": [check.name for check in found.refused],
    }
    return json.dumps(values, indent=1)
