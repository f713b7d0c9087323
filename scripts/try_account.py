"""The life of a stack in a real account, step by step: what was expected, and what came.

About a cent.

    python scripts/try_account.py [--stack scenelet-trial] [--region eu-central-1]

Makes a stack, asks it, changes it, goes back, pauses, removes it, makes it again and removes it: at
the end nothing is left but an empty bucket. The tests run it against a stand-in for AWS; run once
with an account it settles what only AWS can.
"""

import argparse
import io
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from PIL import Image

from scenelet.deploy.aws.account import doctor
from scenelet.deploy.aws.cloud import Cloud
from scenelet.deploy.aws.preparing import Prepared, packed_from, prepare
from scenelet.deploy.aws.release import Release
from scenelet.deploy.aws.settings import DeploySettings, Identity
from scenelet.deploy.preflight.pictures import heavy_pictures
from scenelet.deploy.target import Target
from scenelet.errors import SceneletError
from scenelet.progress import ConsoleProgress
from scenelet.serve.client import Endpoint, Reply
from scenelet.shipped import default_bundle

HEAVY = "lossless WebP with alpha, 8000 x 6000"


@dataclass
class Trial:
    """What the steps share."""

    release: Release
    prepared: Prepared
    settings: DeploySettings = field(default_factory=DeploySettings)

    def deploy(self, memory_mib: int = 512, **settings: object) -> str:
        done = self.release.deploy(
            self.prepared.packed,
            replace(self.settings, **settings),  # type: ignore[arg-type]
            memory_mib,
            ConsoleProgress(),
        )
        return f"version {done.version} answers"

    def endpoint(self) -> Endpoint:
        return Endpoint(self.release.endpoint(), tries=8)

    def ask(self, picture: bytes) -> str:
        return "a label" if self.endpoint().predict(picture).get("label") else "no label"

    def status(self, picture: bytes) -> str:
        return str(self.endpoint().ask("/predict", picture, "image/webp").status)

    def health(self) -> str:
        """Of a function that may be told to wait: the stage lets a few requests a second through."""
        end_s, status = time.monotonic() + 30, 429
        while status == 429 and time.monotonic() < end_s:
            time.sleep(1.0)
            status = once(self.release.endpoint() + "/health")
        return str(status)


@dataclass(frozen=True)
class Step:
    """One thing to try: `expected` is a word that must be in what comes."""

    name: str
    expected: str
    work: Callable[[Trial], str]


def once(url: str) -> int:
    """Status of one request, without trying again."""
    try:
        with urllib.request.urlopen(url, timeout=40) as answer:  # noqa: S310  (of our own stack)
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def noise(width: int, height: int, quality: int = 95) -> bytes:
    """A JPEG that compresses badly: few pixels, many bytes."""
    picture = Image.frombytes("RGB", (width, height), os.urandom(3 * width * height))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def looked(trial: Trial) -> str:
    found = doctor(trial.release.cloud, trial.release.identity)
    wrong = [f"{each.name}: {each.detail}" for each in found if each.ok is False]
    return "; ".join(wrong) or "nothing speaks against it"


def too_large(trial: Trial) -> str:
    reply: Reply = Endpoint(trial.release.endpoint(), tries=1).ask(
        "/predict", bytes(5_500_000), "image/jpeg"
    )
    return str(reply.status)


def paused(trial: Trial) -> str:
    trial.release.pause()
    end_s, status = time.monotonic() + 30, 200
    while status == 200 and time.monotonic() < end_s:
        status = once(trial.release.endpoint() + "/health")
    return "refused" if status in (429, 500, 503) else f"status {status}"


def resumed(trial: Trial) -> str:
    trial.release.resume()
    return trial.ask(noise(300, 200))


def removed(trial: Trial) -> str:
    trial.release.destroy(progress=ConsoleProgress())
    left = trial.release.remnants()
    return "nothing is left" if not left else f"left: {', '.join(left)}"


def back(trial: Trial) -> str:
    return f"version {trial.release.rollback()} answers, {trial.ask(noise(300, 200))}"


STEPS = (
    Step("the account", "nothing speaks against it", looked),
    Step("deploy", "answers", Trial.deploy),
    Step("the same again", "answers", Trial.deploy),
    Step("a picture of 20 KB", "a label", lambda trial: trial.ask(noise(160, 120))),
    Step("a picture of 150 KB", "a label", lambda trial: trial.ask(noise(400, 300))),
    Step("a picture of 3 MB", "a label", lambda trial: trial.ask(noise(1800, 1400))),
    Step("a body over what Lambda takes", "413", too_large),
    Step(
        "2 KB that unpack to a gigabyte", "413", lambda trial: trial.status(heavy_pictures()[HEAVY])
    ),
    Step("after it the function lives", "200", Trial.health),
    Step(
        "a new version, a tenth of the requests first",
        "answers",
        lambda trial: trial.deploy(640, canary=0.1, canary_s=5.0),
    ),
    Step("rollback", "a label", back),
    Step("pause", "refused", paused),
    Step("resume", "a label", resumed),
    Step("a Function URL", "answers", lambda trial: trial.deploy(function_url=True)),
    Step("through the Function URL", "a label", lambda trial: trial.ask(noise(300, 200))),
    Step("destroy", "nothing is left", removed),
    Step("deploy again", "answers", Trial.deploy),
    Step("destroy again", "nothing is left", removed),
)


def tried(step: Step, trial: Trial) -> bool:
    """Do a step, and tell; whether what came was expected."""
    start_s = time.monotonic()
    try:
        came = step.work(trial)
    except SceneletError as error:
        came = f"{type(error).__name__}: {error}"
    is_fine = step.expected in came
    mark = "ok " if is_fine else "NOT"
    took_s = time.monotonic() - start_s
    print(f"{mark} {step.name}: expected {step.expected!r}, came {came!r} ({took_s:.1f} s)")
    return is_fine


def main(arguments: list[str] | None = None) -> int:
    """Do every step; 0 where all was as expected."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stack", default="scenelet-trial")
    parser.add_argument("--region")
    parser.add_argument(
        "--package", type=Path, help="Made before; default: packed of the shipped bundle."
    )
    given = parser.parse_args(arguments)
    identity = Identity(given.stack, given.region)
    release = Release(Cloud(identity.region), identity)
    packed = packed_from(given.package or default_bundle(), Target(), ConsoleProgress())
    trial = Trial(release, prepare(packed, DeploySettings(), None, ConsoleProgress()))
    try:
        results = [tried(step, trial) for step in STEPS]
    finally:
        release.destroy()
    print(f"{sum(results)} of {len(results)} steps were as expected")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
