"""Hostile and heavy pictures against the package as it is deployed: killed, too slow, or fine.

    python benchmarks/hostile.py --count 10000

Every format and mode, from a few pixels to 50 million, as written or with bytes changed, cut,
repeated and put in, as large as Lambda lets through. The real awslambdaric with the memory of a
deployment; killed where Lambda would. Time is that of the processor, times what a whole core is
more than this memory's share of one. The exit code is 1 where anything was killed, took too long,
or was neither answered nor refused.
"""

import argparse
import base64
import io
import itertools
import random
import sys
import tempfile
import time
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from memory import WORST
from PIL import Image

from scenelet.dataset.scenes import paint_scene
from scenelet.deploy.aws.preparing import packed_from
from scenelet.deploy.aws.settings import ON_LAMBDA
from scenelet.deploy.aws.template import variables_with
from scenelet.deploy.runtime_api import RunningFunction, runtime_python
from scenelet.deploy.target import FULL_CORE_MIB, Target, find_interpreter
from scenelet.errors import PackageError
from scenelet.shipped import default_bundle

# what the pictures are of, before they are changed, and how often each size is drawn
PLAIN, PAINTED = "plain", "painted"
SIZES = {
    "small": ((0.004, PLAIN), (0.03, PAINTED)),
    "middling": ((3.0, PLAIN), (0.8, PAINTED)),
    "heavy": ((50.0, PLAIN), (24.0, PLAIN), (12.0, PAINTED)),
}
SHARES = {"small": 0.94, "middling": 0.045, "heavy": 0.015}
EDITS = ("set", "cut", "repeat", "insert")
REFUSED = (413, 422)


@dataclass(frozen=True)
class Picture:
    """A file, and what it is of."""

    name: str
    data: bytes


@dataclass
class Found:
    """What came of all of them."""

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    slowest: tuple[float, str] = (0.0, "")
    peak: tuple[float, str] = (0.0, "")


def seeds(kind: str) -> list[Picture]:
    """Of every format and mode, in the sizes of a kind."""
    return [
        Picture(f"{name}, {megapixels:g} Mpx, {content}", data)
        for megapixels, content in SIZES[kind]
        for name in WORST
        if len(data := written(name, megapixels, content)) <= ON_LAMBDA.max_body_bytes
    ]


def written(name: str, megapixels: float, content: str) -> bytes:
    """A file; painted ones take the decoder longer."""
    make, kind, options = WORST[name]
    width = int((megapixels * 1e6 * 4 / 3) ** 0.5)
    picture = make((width, width * 3 // 4))
    if content == PAINTED and picture.mode in ("RGB", "RGBA", "CMYK", "P"):
        scene = paint_scene("forest", seed=1).resize(picture.size, Image.Resampling.NEAREST)
        picture = scene.convert(picture.mode)
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def changed(data: bytes, draw: random.Random) -> bytes:
    """As it is, or with up to four edits, half of them in the head, where sizes are told."""
    for _ in range(draw.choice((0, 1, 1, 2, 4))):
        at = int(draw.random() * min(len(data), draw.choice((200, len(data)))))
        content = draw.randbytes(draw.choice((1, 1, 2, 4, 8)))
        tail = {
            "set": at + len(content),
            "cut": at + 64 * len(content),
            "repeat": max(0, at - 64),
            "insert": at,
        }
        edit = draw.choice(EDITS)
        data = data[:at] + (b"" if edit in ("cut", "repeat") else content) + data[tail[edit] :]
    return data


def drawn(count: int, seed: int) -> list[tuple[Picture, int]]:
    """So many seeds, each with the number that its edits are drawn from; sizes by their shares."""
    draw = random.Random(seed)  # noqa: S311  (no secret)
    made = {kind: itertools.cycle(seeds(kind)) for kind in SIZES}
    kinds = draw.choices(list(SHARES), list(SHARES.values()), k=count)
    return [(next(made[kind]), seed * count + number) for number, kind in enumerate(kinds)]


class Asking:
    """One function after another: a new one where one was killed."""

    def __init__(self, python: Path, root: Path, handler: str, memory_mib: int) -> None:
        environment = variables_with(ON_LAMBDA.to_environment()) | {"SCENELET_LOG": "none"}
        environment["SCENELET_BUNDLE"] = str(root / "bundle")
        self._arguments = (python, root, handler, environment, memory_mib, 200)
        self._function: RunningFunction | None = None
        self.memory_mib, self.found = memory_mib, Found()

    def ask(self, picture: Picture, data: bytes, timeout_s: float) -> None:
        """Ask, and note what came."""
        function = self._running()
        before_ms = function.cpu_ms()
        try:
            answer = function.invoke({"image": base64.b64encode(data).decode()})
            outcome = "answered" if "label" in answer else f"refused {answer.get('status')}"
            if "label" not in answer and answer.get("status") not in REFUSED:
                self.found.faults.append(f"{picture.name}: {answer}")
        except PackageError as error:
            outcome = "killed"
            self.found.faults.append(f"{picture.name}: {error}")
        seconds = (function.cpu_ms() - before_ms) / 1000 * FULL_CORE_MIB / self.memory_mib
        if seconds > timeout_s:
            outcome = "too slow"
            self.found.faults.append(f"{picture.name}: {seconds:.1f} s")
        self.found.outcomes[picture.name.partition(",")[0], outcome] += 1
        self.found.slowest = max(self.found.slowest, (seconds, picture.name))
        self.found.peak = max(self.found.peak, (function.peak_mib(), picture.name))

    def close(self) -> None:
        """End it."""
        if self._function:
            self._function.__exit__()

    def _running(self) -> RunningFunction:
        if self._function is None or not self._function.is_alive:
            self.close()
            self._function = RunningFunction(*self._arguments)
            self._function.wait_for_init()
        return self._function


def show(found: Found, memory_mib: int, timeout_s: float, took_s: float) -> None:
    """Counts by format and outcome, the longest and the largest."""
    outcomes = sorted({outcome for _, outcome in found.outcomes})
    print(f"{'':10}" + "".join(f"{outcome:>14}" for outcome in outcomes))
    for kind in sorted({kind for kind, _ in found.outcomes}):
        row = (found.outcomes[kind, outcome] for outcome in outcomes)
        print(f"{kind:10}" + "".join(f"{number:14,}" for number in row))
    total = sum(found.outcomes.values())
    killed = sum(n for (_, outcome), n in found.outcomes.items() if outcome == "killed")
    slow = sum(n for (_, outcome), n in found.outcomes.items() if outcome == "too slow")
    print(
        f"{total:,} pictures in {took_s:.0f} s: {killed} killed the function, {slow} took too long"
    )
    print(f"most memory {found.peak[0]:.0f} of {memory_mib} MiB ({found.peak[1]})")
    print(f"longest {found.slowest[0]:.1f} of {timeout_s:g} s ({found.slowest[1]})")
    for fault in found.faults[:20]:
        print(f"FAULT {fault[:300]}")


def main() -> int:
    """Ask for all of them; 0 where each was answered or refused."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--count", type=int, default=1000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--memory", type=int, default=512, help="MiB, as deployed.")
    options.add_argument("--timeout", type=float, default=20, help="Seconds, as deployed.")
    asked, target = options.parse_args(), Target()
    interpreter = find_interpreter(target.python)
    if interpreter is None:
        raise SystemExit(f"there is no Python {target.python} on this machine")
    python = runtime_python(interpreter, target.python)
    packed = packed_from(default_bundle(), target)
    pictures = drawn(asked.count, asked.seed)
    start_s = time.perf_counter()
    with tempfile.TemporaryDirectory() as scratch:
        zipfile.ZipFile(io.BytesIO(packed.content)).extractall(scratch)
        asking = Asking(python, Path(scratch), packed.description.handler, asked.memory)
        try:
            for picture, number in pictures:
                draw = random.Random(number)  # noqa: S311  (no secret)
                asking.ask(picture, changed(picture.data, draw), asked.timeout)
        finally:
            asking.close()
    show(asking.found, asked.memory, asked.timeout, time.perf_counter() - start_s)
    return 1 if asking.found.faults else 0


if __name__ == "__main__":
    sys.exit(main())
