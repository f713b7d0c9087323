"""How many frames a second the page of a folder answers, in a browser of this machine."""

import functools
import os
import platform
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from scenelet.parallel import cores
from scenelet.scratch import scratch

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_PATIENCE_S = 90.0
_TOLD = "/measured/"
_PAGE = b"""<!doctype html><script type="module">
import {load} from "./classifier.js";
const classifier = await load(import.meta.url), canvas = new OffscreenCanvas(640, 480);
const paint = canvas.getContext("2d");
let frames = -1, begun = 0;
do {
  paint.fillStyle = `hsl(${17 * frames % 360} 50% 50%)`;
  paint.fillRect(0, 0, 640, 480);
  await classifier.look(canvas, 640, 480);
  if (!++frames) begun = performance.now();  // the first one warms up
} while (performance.now() - begun < 2000);
await fetch(`/measured/${1000 * frames / (performance.now() - begun)}`);
</script>"""


def browser_here() -> str:
    """Path of a browser that can be asked; "" where there is none."""
    return next(filter(None, map(shutil.which, BROWSERS)), "")


def measured(folder: Path, browser: str) -> str:
    """Frames a second, in which browser, where and when, in words; "" if it can't be had.

    Args:
        folder: Of the page.
        browser: Of `browser_here`.
    """
    speed = _frames_a_second(folder, browser)
    if not speed:
        return ""
    told = subprocess.run(  # noqa: S603
        [browser, "--version"], capture_output=True, text=True, check=False
    ).stdout
    return (
        f"{speed:.1f} frames of 640 x 480 a second in {' '.join(told.split()[:2])} on"
        f" {platform.machine()}, {cores()} cores, {datetime.now(UTC):%Y-%m-%d}"
    )


def _frames_a_second(folder: Path, browser: str) -> float:
    with _asked(folder) as (address, said), scratch("browser") as profile:
        flags = ("--headless", "--disable-gpu", "--remote-debugging-port=0", "--no-first-run")
        command = [browser, *flags, *_as_root(), f"--user-data-dir={profile}", address]
        process = subprocess.Popen(  # noqa: S603
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            end_s = time.monotonic() + _PATIENCE_S
            while not said.wait(0.1) and process.poll() is None and time.monotonic() < end_s:
                pass
            return said.number()
        finally:
            process.kill()
            process.wait()


def _as_root() -> list[str]:
    """Chromium has no sandbox for root; the page is our own."""
    return ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []


class _Said(threading.Event):
    """Set once the browser has said a number."""

    text = "0"

    def number(self) -> float:
        """What it said."""
        return float(self.text)


class _Host(SimpleHTTPRequestHandler):
    """The folder's files, a page that measures, and an ear for what it found."""

    def __init__(self, *given: object, said: _Said, directory: str) -> None:
        self.said = said
        self.extensions_map = {".js": "text/javascript", ".wasm": "application/wasm"}
        super().__init__(*given, directory=directory)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        """Answer the browser."""
        if self.path.startswith(_TOLD):
            self.said.text = self.path.removeprefix(_TOLD)
            self.said.set()
        elif self.path != "/measure":
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.send_header("content-length", str(len(_PAGE)))
        self.end_headers()
        self.wfile.write(_PAGE)

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@contextmanager
def _asked(folder: Path) -> Iterator[tuple[str, _Said]]:
    said = _Said()
    handler = functools.partial(_Host, said=said, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/measure", said
        server.shutdown()
