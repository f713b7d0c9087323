"""Every form of a bundle about the same pictures, from the bytes of their files: how far do they differ?

    python benchmarks/formats.py [--bundle BUNDLE] [--photos FOLDER] [--service URL] [--each 200]

Painted pictures and, where a folder of class folders is named, photos; through LiteRT (what `predict`
says: the reference), ONNX Runtime, the page of `export --web` in Chromium, MediaPipe with our resizing
and with its own, and a running service (a container, say). Needs npm, Chromium and the extras train, phone.
"""

import argparse
import base64
import functools
import http.server
import json
import platform
import shutil
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path

import numpy as np

from scenelet.bundle.contract import ONNX, read_contract
from scenelet.bundle.task import SINGLE_LABEL
from scenelet.dataset.scenes import jpeg, paint_scene
from scenelet.export.formats import onnx_logits
from scenelet.export.phone import MODEL, classifier, export_phone, scores
from scenelet.export.web import export_web
from scenelet.images import decode, to_input
from scenelet.quiet import quiet
from scenelet.serve.predictor import Predictor
from scenelet.shipped import default_bundle

Probabilities = Mapping[str, float]
Ask = Callable[[bytes], Probabilities]
CLASSIFY = """async text => {
    const {ready} = await import("./page.js");
    const bytes = Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
    return (await (await ready).classify(new Blob([bytes]))).probabilities;
}"""
FRAMES = """async () => {
    const {ready} = await import("./page.js"), classifier = await ready;
    const canvas = new OffscreenCanvas(640, 480), paint = canvas.getContext("2d");
    const begun = performance.now();
    let frames = 0;
    for (; performance.now() - begun < 3000; frames++) {
        paint.fillStyle = `hsl(${17 * frames % 360} 50% 50%)`;
        paint.fillRect(0, 0, 640, 480);
        await classifier.look(canvas, 640, 480);
    }
    return 1000 * frames / (performance.now() - begun);
}"""


class Host(http.server.SimpleHTTPRequestHandler):
    """A static host that says nothing."""

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@contextmanager
def in_chromium(folder: Path) -> Iterator[tuple[Ask, str]]:
    """The page's answers, and what browser gives them how fast."""
    from playwright.sync_api import sync_playwright

    handler = functools.partial(Host, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    path = shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{server.server_port}/")
        page.locator("#about", has_text="It knows").wait_for(timeout=120_000)
        told = (
            f"Chromium {browser.version}: {page.evaluate(FRAMES):.0f} frames of 640 x 480 a second"
        )
        yield lambda data: page.evaluate(CLASSIFY, base64.b64encode(data).decode()), told
        browser.close()
    server.shutdown()


def by_service(url: str) -> Ask:
    """What `POST /predict` of a service answers."""

    def ask(data: bytes) -> Probabilities:
        headers = {"content-type": "application/octet-stream"}
        request = urllib.request.Request(f"{url.rstrip('/')}/predict", data, headers)  # noqa: S310
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310  (given by hand)
            return json.load(answer)["probabilities"]

    return ask


def compared(expected: Sequence[Probabilities], ask: Ask, pictures: Sequence[bytes]) -> str:
    """Cells of a row: largest difference, pictures over a thousandth, changed labels, time of one."""
    begun_s = time.perf_counter()
    answers = [ask(each) for each in pictures]
    each_ms = 1000 * (time.perf_counter() - begun_s) / len(pictures)
    worst = [
        max(abs(told[name] - p) for name, p in known.items())
        for known, told in zip(expected, answers, strict=True)
    ]
    changed = sum(
        max(told, key=told.get) != max(known, key=known.get)
        for known, told in zip(expected, answers, strict=True)
    )
    return f"{max(worst):.1e} | {sum(each > 1e-3 for each in worst)} | {changed} of {len(pictures)} | {each_ms:.1f}"


def main() -> None:
    """Print a table in Markdown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--bundle", type=Path, default=default_bundle())
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--service")
    parser.add_argument("--only", default="", help="forms whose name holds this")
    parser.add_argument("--each", type=int, default=200)
    chosen = parser.parse_args()
    contract = read_contract(chosen.bundle)
    spec, names = contract.preprocess, contract.class_names
    painted = [
        jpeg(paint_scene(names[place % len(names)], place, 150)) for place in range(chosen.each)
    ]
    groups = {"painted": painted}
    if chosen.photos:
        folders = sorted(each for each in chosen.photos.iterdir() if each.is_dir())
        files = [sorted(each.iterdir()) for each in folders]
        groups["photos"] = [
            files[n % len(files)][n // len(files)].read_bytes() for n in range(chosen.each)
        ]
    with ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        site, phone = (
            export_web(chosen.bundle, work / "site"),
            export_phone(chosen.bundle, work / "phone"),
        )
        with quiet():
            predictor = Predictor(chosen.bundle)
            media = stack.enter_context(classifier((phone.folder / MODEL).read_bytes()))
        onnx = onnx_logits((chosen.bundle / ONNX).read_bytes())
        web, browser = stack.enter_context(in_chromium(site.folder))

        def by_onnx(data: bytes) -> Probabilities:
            values = SINGLE_LABEL.probabilities(
                onnx(to_input(data, spec)).tolist(), contract.temperature
            )
            return dict(zip(names, values, strict=True))

        forms: dict[str, Ask] = {
            "LiteRT (`predict`)": lambda data: predictor.predict(data).probabilities,
            "ONNX Runtime, `model.onnx`": by_onnx,
            "page in Chromium": web,
            "MediaPipe, our resizing": lambda data: scores(media, to_input(data, spec)[0]),
            "MediaPipe, its own resizing": lambda data: scores(media, np.asarray(decode(data))),
            **({"container, over HTTP": by_service(chosen.service)} if chosen.service else {}),
        }
        print(f"{platform.processor() or platform.machine()}, {date.today()}; {browser}\n")
        print(
            "| form | pictures | largest difference | over 0.001 | other label | ms a picture |\n|---|---|---|---|---|---|"
        )
        for kind, pictures in groups.items():
            expected = [predictor.predict(each).probabilities for each in pictures]
            for form, ask in ((name, ask) for name, ask in forms.items() if chosen.only in name):
                print(f"| {form} | {kind} | {compared(expected, ask, pictures)} |", flush=True)


if __name__ == "__main__":
    main()
