"""The whole way once: `scenelet start` on painted photos, then what a person would try next.

Ends with a table of what was measured and where things are.

Run it with `make demo` (painted scenes) or `make demo DATA=folder`.
"""

import argparse
import base64
import json
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from scenelet.bundle.contract import read_contract
from scenelet.runs.run import Run

DEMO, PER_CLASS = Path("demo"), 100
CONSOLE = Console(highlight=False)
TABLE = Table("", "measured", "where", title="What this demo measured", title_justify="left")
# What Lambda does: import the handler in a fresh process, answer one event. Prints the answer and
# the milliseconds.
LAMBDA = """
import json, sys, time
event = json.load(sys.stdin)
start_s = time.perf_counter()
from scenelet.serve.aws_lambda import handler
cold = handler(event, None)
cold_s = time.perf_counter()
handler(event, None)
print(json.dumps({"response": cold, "cold_ms": 1000 * (cold_s - start_s), "warm_ms": 1000 * (time.perf_counter() - cold_s)}))
"""


def scenelet(*arguments: object) -> str:
    """Run a scenelet command, shown as it would be typed; returns what it printed."""
    words = [str(argument) for argument in arguments]
    CONSOLE.print(f"\n[bold]$ scenelet {shlex.join(words)}[/bold]", soft_wrap=True)
    done = subprocess.run(
        [sys.executable, "-m", "scenelet", *words], stdout=subprocess.PIPE, text=True, check=False
    )
    if "--json" not in words or done.returncode:
        CONSOLE.print(done.stdout, end="", markup=False)
    if done.returncode:
        sys.exit(done.returncode)
    return done.stdout


def answer_as_lambda(bundle: Path, picture: Path) -> dict[str, Any]:
    """Send a picture through the Lambda handler in a fresh process, as an HTTP API event with a binary body."""
    event = {
        "version": "2.0",
        "requestContext": {"http": {"method": "POST", "path": "/predict"}},
        "headers": {"content-type": "image/jpeg"},
        "body": base64.b64encode(picture.read_bytes()).decode(),
        "isBase64Encoded": True,
    }
    CONSOLE.print(
        "\n[bold]POST /predict through scenelet.serve.aws_lambda.handler, in a fresh process[/bold]"
    )
    command = [sys.executable, "-c", LAMBDA]
    environment = {"SCENELET_BUNDLE": str(bundle)}
    done = subprocess.run(
        command,
        input=json.dumps(event),
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def begun(data: Path, name: str) -> None:
    """Audit, explore, train, export, judge and pack: one command, which shows each step."""
    words = ["start", data, "--recipe", "quick", "--name", name, "--out", DEMO, "--pack"]
    scenelet(*words, "--no-app")


def told(row: str, *cells: str) -> None:
    """A row of the table at the end."""
    TABLE.add_row(row, *cells)


def measured(bundle: Path, run: Run, picture: Path) -> None:
    """What the bundle, the handler and the package are found to do, row by row."""
    contract, result = read_contract(bundle), run.result()
    accuracy = contract.figures.top1_accuracy
    told("accuracy", f"{accuracy.percent} of {contract.figures.images} held-out images", "")
    epochs = f"{result.epochs} epochs, {result.parameters:,} parameters"
    told("training", epochs, str(run.folder))
    told("report", "where it fails and when it should not answer", str(DEMO / "evaluation.html"))
    size_mb = (bundle / "model.tflite").stat().st_size / 1e6
    told("model", f"{size_mb:.2f} MB LiteRT", str(bundle))
    told("parity", f"checkpoint, LiteRT, ONNX within {contract.parity.worst:.0e}", "")
    own = json.loads(scenelet("predict", "--bundle", bundle, picture, "--json"))
    served = answer_as_lambda(bundle, picture)
    body = json.loads(served["response"]["body"])
    CONSOLE.print(json.dumps({key: body[key] for key in ("label", "probability")}))
    gaps = (abs(body["probabilities"][name] - each) for name, each in own["probabilities"].items())
    first, then = served["cold_ms"], served["warm_ms"]
    told("Lambda handler", f"first answer {first:.0f} ms, then {then:.1f} ms", "on this machine")
    told("handler v predict", f"largest probability difference {max(gaps):.0e}", "")


def packed(package: Path) -> None:
    """Whether the package starts as on Lambda, and with what."""
    flown = json.loads(scenelet("preflight", package, "--json"))
    tried = next(check["detail"] for check in flown["checks"] if check["name"] == "starts")
    if flown["measured"]:
        tried = (
            f"{flown['measured']['init_ms']:.0f} ms of a core to start, at most"
            f" {flown['measured']['peak_mib']:.0f} MiB"
        )
    told("package", f"{package.stat().st_size / 1e6:.1f} MB zip; {tried}", str(package))


def main() -> None:
    """Run every step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of class folders; default: paint one")
    data: Path = parser.parse_args().data or DEMO / "painted"
    start_s, name = time.perf_counter(), f"{data.resolve().name}-quick"
    run, bundle = Run(DEMO / "runs" / name), DEMO / "bundles" / name
    if data == DEMO / "painted" and not data.exists():
        scenelet("data", "paint", data, "--per-class", PER_CLASS)
    begun(data, name)
    picture = bundle / "golden" / "buildings.jpg"
    measured(bundle, run, picture)
    packed(DEMO / f"{name}.zip")
    CONSOLE.print("\nThe same, with the Intel scenes bundle that comes along:")
    scenelet("predict", picture)
    told("whole demo", f"{time.perf_counter() - start_s:.0f} s (without the installs)", str(DEMO))
    CONSOLE.print()
    CONSOLE.print(TABLE)
    audited = ("--manifest", DEMO / "audit" / "manifest.csv")
    pages = ["app", "--bundle", bundle, "--data", data, *audited, "--run", DEMO / "runs"]
    CONSOLE.print(f"next: .venv/bin/scenelet {shlex.join(map(str, pages))}", soft_wrap=True)
    CONSOLE.print(f"with an AWS account: .venv/bin/scenelet deploy {bundle} --plan", soft_wrap=True)


if __name__ == "__main__":
    main()
