"""The whole way once, by the same commands a person would type.

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

from rich.console import Console
from rich.table import Table

DEMO = Path("demo")
CONSOLE = Console(highlight=False)
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


def answer_as_lambda(bundle: Path, picture: Path) -> dict[str, object]:
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


def main() -> None:
    """Run every step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of class folders; default: paint one")
    given: Path | None = parser.parse_args().data
    start_s = time.perf_counter()
    data = given or DEMO / "painted"
    name = f"{data.resolve().name}-quick"
    run, bundle = DEMO / "runs" / name, DEMO / "bundles" / name
    if given is None and not data.exists():
        scenelet("data", "paint", data, "--per-class", 150)
    trained = json.loads(
        scenelet("train", data, "--recipe", "quick", "--runs", DEMO / "runs", "--json")
    )
    exported = json.loads(scenelet("export", run, "--out", bundle, "--json"))
    report, ledger = DEMO / "evaluation.html", DEMO / "test-ledger.jsonl"
    figures = json.loads(
        scenelet("evaluate", bundle, data, "--report", report, "--ledger", ledger, "--json")
    )
    picture = bundle / "golden" / "buildings.jpg"
    own = json.loads(scenelet("predict", "--bundle", bundle, picture, "--json"))
    served = answer_as_lambda(bundle, picture)
    body = json.loads(served["response"]["body"])  # type: ignore[index]
    CONSOLE.print(json.dumps({key: body[key] for key in ("label", "probability")}))
    gap = max(
        abs(body["probabilities"][label] - value) for label, value in own["probabilities"].items()
    )
    package = DEMO / f"{name}.zip"
    packed = json.loads(scenelet("package", bundle, "--out", package, "--json"))
    flown = json.loads(scenelet("preflight", package, "--json"))
    pictures = [picture] + ([next(path for path in sorted(data.rglob("*.jpg")))] if given else [])
    CONSOLE.print("\nThe same, with the Intel scenes bundle that comes along:")
    scenelet("predict", *pictures)

    accuracy, parity = figures["top1_accuracy"], exported["parity"]
    table = Table("", "measured", "where", title="What this demo measured", title_justify="left")
    table.add_row(
        "data", f"{figures['images']} images evaluated ({figures['part']} part)", str(data)
    )
    table.add_row(
        "training",
        f"{trained['epochs']} epochs in {trained['training_s']:.0f} s, {trained['parameters']:,}"
        " parameters",
        str(run),
    )
    interval = (
        f"{accuracy['value']:.1%} (95 % interval {accuracy['low']:.1%} to {accuracy['high']:.1%})"
    )
    table.add_row("accuracy", interval, f"scenelet evaluate {bundle} {data}")
    table.add_row(
        "report", "confusions, calibration, abstaining, sets, strangers, explanations", str(report)
    )
    table.add_row(
        "model", f"{exported['size_bytes']['model.tflite'] / 1e6:.2f} MB LiteRT", str(bundle)
    )
    worst = max(parity["differences"].values())
    table.add_row(
        "parity",
        f"checkpoint, LiteRT, ONNX within {worst:.0e} over {parity['images']} images",
        str(bundle / "bundle.json"),
    )
    table.add_row(
        "Lambda handler",
        f"first answer {served['cold_ms']:.0f} ms, then {served['warm_ms']:.1f} ms",
        "on this machine",
    )
    table.add_row("handler v predict", f"largest probability difference {gap:.0e}", "")
    tried = next(check for check in flown["checks"] if check["name"] == "starts")
    told = f"{packed['zip_bytes'] / 1e6:.1f} MB zip; {tried['detail']}"
    if flown["measured"]:
        told = (
            f"{packed['zip_bytes'] / 1e6:.1f} MB zip; {flown['measured']['init_ms']:.0f} ms of a"
            f" core to start, at most {flown['measured']['peak_mib']:.0f} MiB"
        )
    table.add_row("package", told, str(package))
    table.add_row(
        "whole demo", f"{time.perf_counter() - start_s:.0f} s (without the installs)", str(DEMO)
    )
    CONSOLE.print()
    CONSOLE.print(table)
    CONSOLE.print(f"next: .venv/bin/scenelet predict --bundle {bundle} YOUR.jpg", soft_wrap=True)
    CONSOLE.print(f"with an AWS account: .venv/bin/scenelet deploy {bundle} --plan", soft_wrap=True)


if __name__ == "__main__":
    main()
