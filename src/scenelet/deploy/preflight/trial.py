"""A package tried as Lambda would run it, with the memory and time that it will be deployed with.

Golden pictures must be answered as recorded, one of each format at all, and the heaviest of each
format answered or refused: never may it kill the function.
"""

import base64
import platform
import statistics
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scenelet.bundle.contract import Contract
from scenelet.deploy.described import Packed
from scenelet.deploy.preflight.checks import Check
from scenelet.deploy.preflight.pictures import heavy_pictures, ordinary_pictures
from scenelet.deploy.runtime_api import RunningFunction, runtime_python
from scenelet.deploy.target import FULL_CORE_MIB, Target, find_interpreter
from scenelet.errors import BundleError, PackageError
from scenelet.image_formats import PACKED
from scenelet.progress import Progress
from scenelet.serve.client import TOLERANCE, largest_difference

COLD_STARTS, WARM_ANSWERS = 3, 30
# the time-out is held against processor time: this machine may be busy with other work
PATIENCE = 10
_REFUSED = (413, 422)
Start = Callable[[], RunningFunction]


@dataclass(frozen=True)
class Measured:
    """What trying told, in processor time: how busy this machine was is not in it.

    Attributes:
        init_ms: From the start of the process until it wants its first event.
        first_ms: Of the first answer after that.
        warm_ms: Of the answers after it.
        peak_mib: Most memory held with golden pictures.
        heaviest_mib: Most memory held at all.
        heaviest_ms: Of the slowest answer, refusals included.
    """

    init_ms: float
    first_ms: float
    warm_ms: float
    peak_mib: float
    heaviest_mib: float
    heaviest_ms: float


def try_out(
    packed: Packed, memory_mib: int, timeout_s: int, progress: Progress
) -> tuple[list[Check], Measured | None]:
    """Run a package here.

    Args:
        packed: That was looked at.
        memory_mib: As it will be deployed.
        timeout_s: As it will be deployed.
        progress: Told what is being done.

    Returns:
        Checks, and what was measured: None where it can't be run on this machine, or did not start.
    """
    if reason := _not_here(packed.target):
        return [Check("starts", None, f"not tried: {reason}")], None
    target = packed.target
    progress.say(f"starting it under awslambdaric, Python {target.python}, with {memory_mib} MiB")
    interpreter = find_interpreter(target.python)
    assert interpreter is not None  # noqa: S101  (told by _not_here)
    python = runtime_python(interpreter, target.python)
    with tempfile.TemporaryDirectory() as scratch:
        _unpack(packed, Path(scratch))

        def start() -> RunningFunction:
            return RunningFunction(
                python,
                Path(scratch),
                packed.description.handler,
                {"SCENELET_LOG": "line"},
                memory_mib,
                PATIENCE * timeout_s,
            )

        try:
            return _tried(packed, start, memory_mib, timeout_s, progress)
        except (PackageError, BundleError) as error:
            return [Check("starts", False, f"{error}".replace(f"{scratch}/", ""))], None


def _not_here(target: Target) -> str:
    """Why a package can't be run on this machine; empty where it can."""
    if find_interpreter(target.python) is None:
        return (
            f"there is no Python {target.python} on this machine; install one, such as by"
            f" `uv python install {target.python}`, and run it again"
        )
    if platform.system() != "Linux" or platform.libc_ver()[0] != "glibc":
        return f"this machine runs {platform.system()} without glibc, Lambda runs Linux with it"
    if platform.machine() != target.machine:
        return f"this machine is {platform.machine()}, the package for {target.machine}"
    return ""


def _unpack(packed: Packed, root: Path) -> None:
    for name, content in packed.files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _tried(
    packed: Packed, start: Start, memory_mib: int, timeout_s: int, progress: Progress
) -> tuple[list[Check], Measured]:
    contract, golden = packed.contract(), packed.golden_pictures()
    first = _event(next(iter(golden.values()), b""))
    colds = [_cold(start, first) for _ in range(COLD_STARTS)]
    with start() as function:
        answers = _asked(function, golden)
        formats = _asked(function, ordinary_pictures())
        warm_ms = _warm_ms(function, first)
        peak_mib = function.peak_mib()
    progress.say("asking it about the heaviest pictures")
    heavy = Heavy(start)
    refused = heavy.ask(heavy_pictures())
    measured = Measured(
        init_ms=min(cold[0] for cold in colds),
        first_ms=min(cold[1] for cold in colds),
        warm_ms=warm_ms,
        peak_mib=peak_mib,
        heaviest_mib=heavy.peak_mib,
        heaviest_ms=heavy.longest_ms,
    )
    starts = (
        f"answers under awslambdaric with {memory_mib} MiB, no disk to write to and no other"
        " package"
    )
    checks = [
        Check("starts", True, starts),
        recorded(contract, answers),
        _formats(formats),
        _heaviest(refused, measured, memory_mib, timeout_s),
    ]
    return checks, measured


def _event(picture: bytes) -> dict[str, str]:
    return {"image": base64.b64encode(picture).decode()}


def _asked(function: RunningFunction, pictures: Mapping[str, bytes]) -> dict[str, Any]:
    return {name: function.invoke(_event(picture)) for name, picture in pictures.items()}


def _cold(start: Start, event: Any) -> tuple[float, float]:
    """Milliseconds of processor time for the init phase, and for the first answer."""
    with start() as function:
        function.wait_for_init()
        init_ms = function.cpu_ms()
        function.invoke(event)
        return init_ms, function.cpu_ms() - init_ms


def _warm_ms(function: RunningFunction, event: Any) -> float:
    taken = []
    for _ in range(WARM_ANSWERS):
        before_ms = function.cpu_ms()
        function.invoke(event)
        taken.append(function.cpu_ms() - before_ms)
    return statistics.median(taken)


class Heavy:
    """Asks for heavy pictures; starts the function again where one has killed it."""

    def __init__(self, start: Start) -> None:
        self._start = start
        self.peak_mib, self.longest_ms = 0.0, 0.0

    def ask(self, pictures: Mapping[str, bytes]) -> dict[str, str]:
        """What went wrong, by picture; nothing where each was answered or refused."""
        wrong, waiting = {}, dict(pictures)
        while waiting:
            with self._start() as function:
                while waiting and function.is_alive:
                    name = next(iter(waiting))
                    if trouble := self._one(function, waiting.pop(name)):
                        wrong[name] = trouble
        return wrong

    def _one(self, function: RunningFunction, picture: bytes) -> str:
        before_ms = function.cpu_ms()
        try:
            answer = function.invoke(_event(picture))
        except PackageError as error:
            return str(error)
        self.longest_ms = max(self.longest_ms, function.cpu_ms() - before_ms)
        self.peak_mib = max(self.peak_mib, function.peak_mib())
        fine = "label" in answer or answer.get("status") in _REFUSED
        return "" if fine else str(answer.get("error", answer))


def recorded(contract: Contract, answers: Mapping[str, Any]) -> Check:
    """Whether the golden pictures were answered as recorded."""
    differences = {}
    for golden in contract.golden:
        answer = answers[golden.file]
        if "probabilities" not in answer:
            told = f"{golden.file}: {answer.get('error', answer)}. Export the bundle again."
            return Check("golden", False, told)
        differences[golden.file] = largest_difference(golden.probabilities, answer["probabilities"])
    if not differences:
        told = "the bundle has no golden pictures to compare with. Export it again."
        return Check("golden", False, told)
    return _compared(differences)


def _compared(differences: Mapping[str, float]) -> Check:
    worst = max(differences, key=lambda name: differences[name])
    told = (
        f"{len(differences)} golden pictures, largest difference {differences[worst]:.1e} ({worst})"
    )
    if differences[worst] <= TOLERANCE:
        return Check("golden", True, told)
    return Check(
        "golden",
        False,
        f"{told}, at most {TOLERANCE:g} allowed: not the recorded model. Export the bundle again.",
    )


def _each(wrong: Mapping[str, object]) -> str:
    return "; ".join(f"{name}: {reason}" for name, reason in wrong.items())


def _formats(answers: Mapping[str, Any]) -> Check:
    wrong = {
        name: answer.get("error", answer)
        for name, answer in answers.items()
        if "label" not in answer
    }
    if wrong:
        return Check("formats", False, _each(wrong))
    return Check("formats", True, f"answers {', '.join(PACKED)}")


def _heaviest(
    wrong: Mapping[str, str], measured: Measured, memory_mib: int, timeout_s: int
) -> Check:
    if wrong:
        return Check("heaviest", False, f"{_each(wrong)}. Give it more memory: --memory")
    longest_s = measured.heaviest_ms / 1000 * max(1.0, FULL_CORE_MIB / memory_mib)
    told = (
        f"the heaviest picture of each format is answered or refused; at most"
        f" {measured.heaviest_mib:.0f} of {memory_mib} MiB, {longest_s:.1f} of {timeout_s} s"
    )
    if longest_s > timeout_s:
        return Check("heaviest", False, f"{told}. Give it more memory: --memory, or --timeout")
    return Check("heaviest", True, told)
