"""Will a package start on Lambda, and answer as recorded? Looked at, then tried.

Knows nothing of AWS accounts or prices.
"""

import json
from dataclasses import asdict, dataclass

from scenelet.deploy.described import Packed
from scenelet.deploy.preflight.checks import Check, checks_of
from scenelet.deploy.preflight.trial import Measured, try_out
from scenelet.deploy.target import Target
from scenelet.errors import PackageError
from scenelet.progress import SILENT, Progress

MEMORY_MIB, TIMEOUT_S = 512, 20


@dataclass(frozen=True)
class Preflight:
    """Everything that was found.

    Attributes:
        target: Of the package.
        memory_mib: That it was tried with.
        checks: In the order they were made.
        measured: None where the package could not be tried here.
    """

    target: Target
    memory_mib: int
    checks: list[Check]
    measured: Measured | None

    @property
    def refused(self) -> list[Check]:
        """What speaks against it."""
        return [check for check in self.checks if check.ok is False]

    def require(self, origin: str) -> None:
        """Refuse a package that would not do.

        Args:
            origin: Of the package, for the message.

        Raises:
            PackageError: With each reason.
        """
        if self.refused:
            reasons = "; ".join(f"{check.name}: {check.detail}" for check in self.refused)
            raise PackageError(f"{origin}: refused: {reasons}")

    def to_json(self) -> str:
        """For machines."""
        return json.dumps({**asdict(self), "refused": [check.name for check in self.refused]})


def preflight(
    packed: Packed,
    memory_mib: int = MEMORY_MIB,
    timeout_s: int = TIMEOUT_S,
    progress: Progress = SILENT,
) -> Preflight:
    """Look at a package, and try it as it will be deployed.

    Args:
        packed: The package.
        memory_mib: That the function will have.
        timeout_s: That an answer may take.
        progress: Told what is being done.
    """
    progress.say("looking at the files")
    checks = checks_of(packed)
    if any(check.ok is False for check in checks):
        untried = Check("starts", None, "not tried, for what is said above")
        return Preflight(packed.target, memory_mib, [*checks, untried], None)
    tried, measured = try_out(packed, memory_mib, timeout_s, progress)
    return Preflight(packed.target, memory_mib, [*checks, *tried], measured)
