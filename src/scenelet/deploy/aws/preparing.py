"""What comes before a deployment: pack, prove, choose the memory. Each step a value to a value.

source --packed_from--> Packed --prepare--> Prepared --Release.deploy--> Deployed
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from scenelet.deploy.aws.price import HEADROOM, Estimate, estimates, recommended
from scenelet.deploy.aws.settings import DeploySettings
from scenelet.deploy.described import Packed
from scenelet.deploy.package import package_zip
from scenelet.deploy.preflight import MEMORY_MIB, Preflight, preflight
from scenelet.deploy.target import Target
from scenelet.errors import PackageError
from scenelet.progress import SILENT, Progress


@dataclass(frozen=True)
class Prepared:
    """A package that was proved, and how it shall run.

    Attributes:
        packed: The package.
        found: By preflight, at this memory.
        memory_mib: Of the function.
    """

    packed: Packed
    found: Preflight
    memory_mib: int

    @property
    def costs(self) -> list[Estimate]:
        """By memory size; empty where nothing was measured."""
        if self.found.measured is None:
            return []
        return estimates(self.found.target.architecture, self.found.measured)


def packed_from(source: Path, target: Target, progress: Progress = SILENT) -> Packed:
    """A package, or the one that is made of a bundle.

    Args:
        source: Bundle folder, or zip.
        target: That a bundle is packed for.
        progress: Told what is being done.

    Raises:
        BundleError: It can't be trusted or read.
        PackageError: Not a package, or there is no wheel for the target.
    """
    if not source.is_dir():
        return Packed.open(source)
    progress.say(f"packing {source}")
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "package.zip"
        package_zip(source, path, target)
        return Packed.of(path.read_bytes(), str(source))


def prepare(
    packed: Packed,
    settings: DeploySettings,
    standing_mib: int | None = None,
    progress: Progress = SILENT,
) -> Prepared:
    """Prove a package at the memory that it will have.

    Args:
        packed: The package.
        settings: How it will be deployed.
        standing_mib: Memory of the stack that stands, which is kept unless another is asked for.
        progress: Told what is being done.

    Raises:
        PackageError: It would not do, with each reason; or there would be too little memory.
    """
    memory_mib = settings.memory_mib or standing_mib or MEMORY_MIB
    prepared = _tried(packed, memory_mib, settings.timeout_s, progress)
    if settings.memory_mib or standing_mib or not prepared.costs:
        asked = "--memory" if settings.memory_mib else "memory of the stack that stands"
        return prepared if settings.force else _large_enough(prepared, asked)
    enough_mib = recommended(prepared.costs).memory_mib
    if enough_mib == memory_mib:
        return prepared
    return _tried(packed, enough_mib, settings.timeout_s, progress)


def _large_enough(prepared: Prepared, asked: str) -> Prepared:
    measured, memory_mib = prepared.found.measured, prepared.memory_mib
    if measured is None or measured.peak_mib * HEADROOM <= memory_mib:
        return prepared
    enough_mib = recommended(prepared.costs).memory_mib
    raise PackageError(
        f"{asked}: found {memory_mib}, and ordinary pictures take {measured.peak_mib:.0f} MiB,"
        f" which leaves too little for large ones. Deploy with --memory {enough_mib}, or --force"
    )


def _tried(packed: Packed, memory_mib: int, timeout_s: int, progress: Progress) -> Prepared:
    found = preflight(packed, memory_mib, timeout_s, progress)
    found.require(packed.origin)
    return Prepared(packed, found, memory_mib)
