"""What each rule of the strict layer makes of a state of the code: today's, or one of before.

    git worktree add ../before 97637ba
    python scripts/strict_rules.py --source ../before        each rule finds its fault
    python scripts/strict_rules.py                           none is left

Deploys packages of that source by that source's own code to moto's server behind the strict layer
of today's tests, and runs them under today's emulator of Lambda. Some minutes.
"""

import argparse
import base64
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
TESTS = REPOSITORY / "tests"
sys.path[:0] = [str(TESTS), str(TESTS / "deploy")]

from gateway import Gateway  # noqa: E402
from moto_server import ACCOUNT, MotoServer  # noqa: E402
from PIL import Image  # noqa: E402
from strict_policy import refused  # noqa: E402
from test_bill import series_in  # noqa: E402

from scenelet.deploy.aws.price import FREE_METRICS  # noqa: E402
from scenelet.deploy.preflight.pictures import heavy_pictures  # noqa: E402
from scenelet.deploy.runtime_api import runtime_python  # noqa: E402
from scenelet.deploy.target import Target, find_interpreter  # noqa: E402

# `release(memory_mib=512, function_url=False)` and `deploy(path, ...)`, whichever the source has
PRELUDE = """
import sys
from pathlib import Path
try:
    from scenelet.deploy.aws.cloud import Cloud
    from scenelet.deploy.aws.release import Release
    from scenelet.deploy.aws.settings import DeploySettings, Identity
    from scenelet.deploy.described import Packed
    from scenelet.progress import SILENT

    def release(**_):
        return Release(Cloud(), Identity(), poll_s=0.05, patience_s=PATIENCE)

    def deploy(path, memory_mib=512, **options):
        settings = DeploySettings(**options)
        return release().deploy(Packed.open(Path(path)), settings, memory_mib).version

    def destroy():
        release().destroy(bucket_too=True)
except ImportError:
    from scenelet.deploy.cloud import Cloud
    from scenelet.deploy.release import Options, Release

    def release(**options):
        return Release(Cloud(), Options(**options), poll_s=0.05, patience_s=PATIENCE)

    def deploy(path, **options):
        return release(**options).deploy(Path(path).read_bytes(), lambda _: None).version

    def destroy():
        release().destroy(lambda _: None)
"""
PATIENCE_S = 8


class Stage:
    """A source, its two packages, and the stand-in for AWS."""

    def __init__(self, source: Path, scratch: Path) -> None:
        self.source, self.scratch = source, scratch
        self.moto = MotoServer(scratch / "moto.log")
        interpreter = find_interpreter(Target().python)
        if interpreter is None:
            raise SystemExit(f"there is no Python {Target().python} on this machine")
        python = runtime_python(interpreter, Target().python)
        self.gateway = Gateway(self.moto, python, scratch / "functions")
        self.environment = (
            os.environ
            | ACCOUNT
            | {
                "AWS_ENDPOINT_URL": self.moto.url,
                "AWS_CONFIG_FILE": str(scratch / "none"),
                "AWS_SHARED_CREDENTIALS_FILE": str(scratch / "none"),
                "PYTHONPATH": str(source / "src"),
            }
        )
        self.first, self.second = self._packages()

    def reset(self) -> None:
        """An empty account again."""
        self.moto.reset()
        self.gateway.reset()

    def close(self) -> None:
        """End both."""
        self.gateway.close()
        self.moto.close()

    def act(self, code: str) -> str:
        """What the source's own code prints, or the last line that it died with."""
        whole = PRELUDE.replace("PATIENCE", str(PATIENCE_S)) + f"\nprint({code})"
        done = self._python("-c", whole)
        return (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines()[-1]

    def deploy(self, which: str = "first", **options: Any) -> str:
        """Number of the version that answers, or why there is none."""
        path = str(getattr(self, which))
        told = "".join(f", {name}={value!r}" for name, value in options.items())
        return self.act(f"deploy({path!r}{told})")

    def client(self, service: str) -> Any:
        return self.gateway.client(service)

    def ask(self, path: str, body: bytes | None = None, kind: str = "image/png") -> tuple[int, Any]:
        """Status and body, through the address."""
        url = self.gateway.url + path
        request = urllib.request.Request(url, body, {"content-type": kind})  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=90) as answer:  # noqa: S310
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read() or b"{}")

    def breaks(self, which: str) -> None:
        """Let a package's code fail, whatever it is asked."""
        import hashlib

        digest = hashlib.sha256(Path(getattr(self, which)).read_bytes()).digest()
        self.gateway.broken.add(base64.b64encode(digest).decode())

    def _packages(self) -> tuple[Path, Path]:
        bundle = self.source / "models" / "intel-scenes"
        newer = shutil.copytree(bundle, self.scratch / "newer")
        described = newer / "bundle.json"
        other = {"name": "newer", "created": "2031-01-01T00:00:00+00:00"}
        described.write_text(json.dumps(json.loads(described.read_text()) | other))
        return self._packed(bundle, "first"), self._packed(newer, "second")

    def _packed(self, bundle: Path, name: str) -> Path:
        path = self.scratch / f"{name}.zip"
        done = self._python("-m", "scenelet", "package", str(bundle), "--out", str(path))
        if done.returncode:
            raise SystemExit(done.stderr)
        return path

    def _python(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *words],
            env=self.environment,
            cwd=self.scratch,
            capture_output=True,
            text=True,
            check=False,
        )


Rule = Callable[[Stage], tuple[bool, str]]


def small_account(stage: Stage) -> tuple[bool, str]:
    """A new account may have ten instances, and reserve none."""
    stage.moto.rules(concurrency=10)
    came = stage.deploy()
    return came == "1", came


def names_that_are_taken(stage: Stage) -> tuple[bool, str]:
    """A name that is taken is found early, and DescribeEvents alone says which."""
    stage.client("logs").create_log_group(logGroupName="/aws/lambda/scenelet")
    came = stage.deploy()
    return "/aws/lambda/scenelet' already exists" in came, came


def names_that_were_deleted(stage: Stage) -> tuple[bool, str]:
    """A deleted bucket's name is not free again at once."""
    stage.moto.rules(bucket_quiet_s=20)
    stage.deploy()
    stage.act("destroy()")
    came = stage.deploy()
    return came == "2", came


def payloads(stage: Stage) -> tuple[bool, str]:
    """What `GET /` says may be sent arrives: 6 MB of JSON, base64 included."""
    stage.deploy()
    told = stage.ask("/")[1]
    most = told.get("limits", {}).get("body_bytes") or told.get("max_body_bytes") or 20_000_000
    status, answer = stage.ask("/predict", bytes(most))
    return answer.get("title") == "Unusable image", f"{most:,} bytes: {status} {answer}"[:200]


def memory(stage: Stage) -> tuple[bool, str]:
    """A function that holds more than its memory is killed."""
    stage.deploy()
    picture = heavy_pictures()["lossless WebP with alpha, 8000 x 6000"]
    status, answer = stage.ask("/predict", picture, "image/webp")
    return status == 413, f"{len(picture):,} bytes: {status} {answer}"[:200]


def time_and_share(stage: Stage) -> tuple[bool, str]:
    """A function has its memory's share of a core, and is killed at its time-out."""
    stage.gateway.shares_cpu, stage.gateway.patience = True, 1
    stage.deploy()
    grey = io.BytesIO()
    Image.new("L", (8000, 6000)).save(grey, "PNG")
    several = [{"image": base64.b64encode(grey.getvalue()).decode()}] * 16
    body = json.dumps({"requests": several}).encode()
    status, answer = stage.ask("/predict", body, "application/json")
    return status in (200, 413), f"16 pictures, {len(body):,} bytes: {status} {answer}"[:200]


def function_url(stage: Stage) -> tuple[bool, str]:
    """A public Function URL needs two statements."""
    stage.deploy(function_url=True)
    status, _ = stage.ask("/health")
    return status == 200, str(status)


def metrics(stage: Stage) -> tuple[bool, str]:
    """Ten metrics are free, each further one is $0.30 a month."""
    stage.deploy()
    pictures = sorted((stage.source / "models" / "intel-scenes" / "golden").iterdir())
    before = len(stage.gateway.lines())
    for path in pictures:
        stage.ask("/predict", path.read_bytes())
    lines = [each for each in stage.gateway.lines()[before:] if each.startswith("{")]
    found = series_in(lines)
    return len(found) <= FREE_METRICS, f"{len(found)} after {len(pictures)} pictures"


def failed_versions(stage: Stage) -> tuple[bool, str]:
    """Going back never leads to a version that failed."""
    stage.deploy()
    stage.breaks("second")
    stage.deploy("second")
    stage.deploy(memory_mib=640)
    came = stage.act("release().rollback()")
    return came == "1", came


def users(stage: Stage) -> tuple[bool, str]:
    """No user meets a version that fails: it is asked by its own number first."""
    stage.deploy()
    stage.breaks("second")
    before = len(stage.gateway.asked)
    stage.deploy("second")
    met = len(stage.gateway.asked) - before
    return met == 0, f"{met} requests went through the address meanwhile"


def changed_by_hand(stage: Stage) -> tuple[bool, str]:
    """Code that somebody changed in the console is put back."""
    stage.deploy()
    bucket = stage.client("s3").list_buckets()["Buckets"][0]["Name"]
    place = {"Bucket": bucket, "Key": "scenelet/other.zip"}
    stage.client("s3").put_object(**place, Body=stage.second.read_bytes())
    stage.client("lambda").update_function_code(
        FunctionName="scenelet", S3Bucket=bucket, S3Key=place["Key"]
    )
    came = stage.deploy()
    return came.isdecimal(), came


def permissions(stage: Stage) -> tuple[bool, str]:
    """Every call is allowed by the policy that `deploy --policy` prints."""
    printed = stage._python("-m", "scenelet", "deploy", "--policy")
    if printed.returncode:
        return False, "it prints none"
    stage.deploy()
    left = refused(stage.moto.calls())
    return not left, ", ".join(left) or "all are"


RULES: tuple[Rule, ...] = (
    small_account,
    names_that_are_taken,
    names_that_were_deleted,
    payloads,
    memory,
    time_and_share,
    function_url,
    metrics,
    failed_versions,
    users,
    changed_by_hand,
    permissions,
)


def main() -> int:
    """Print a line a rule; 0 where each is kept."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--source", type=Path, default=REPOSITORY, help="Root of a work tree.")
    options.add_argument("--only", default="", help="Rules whose name begins so.")
    asked, kept = options.parse_args(), []
    with tempfile.TemporaryDirectory() as scratch:
        stage = Stage(asked.source.resolve(), Path(scratch))
        try:
            for rule in (each for each in RULES if each.__name__.startswith(asked.only)):
                stage.reset()
                is_kept, came = rule(stage)
                kept.append(is_kept)
                mark = "kept  " if is_kept else "BROKEN"
                print(f"{mark} {rule.__doc__}\n       {came}", flush=True)
        finally:
            stage.close()
    print(f"{sum(kept)} of {len(kept)} rules are kept")
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
