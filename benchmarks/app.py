"""The app's speed in a real Chromium.

From the command to the first page, and from an upload to its answer.

    python benchmarks/app.py [--bundle BUNDLE]

Needs Chromium (`make system-tools`). Medians; the picture is a 1200 x 900 JPEG. Also what twenty
sessions take in memory.
"""

import argparse
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from scenelet.dataset.scenes import jpeg, paint_scene
from scenelet.shipped import default_bundle

STARTS, SESSIONS, WAVES = 3, 20, 3


def free_port() -> int:
    """That nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def memory_mib(process: "subprocess.Popen[bytes]") -> float:
    """That the app holds now."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return (
        int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))
        / 1024
    )


def start(
    browser: Browser, bundle: Path, folder: Path
) -> tuple["subprocess.Popen[bytes]", Page, str, float]:
    """Start the app and open it; its process, page, address, and the seconds it took."""
    port = free_port()
    url, start_s = f"http://127.0.0.1:{port}", time.perf_counter()
    command = [
        sys.executable,
        "-m",
        "scenelet",
        "app",
        "--bundle",
        str(bundle.resolve()),
        "--port",
        str(port),
    ]
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    page = browser.new_page()
    while True:
        try:
            urllib.request.urlopen(f"{url}/_stcore/health", timeout=1).close()  # noqa: S310
            break
        except OSError:  # not listening yet
            time.sleep(0.03)
    page.goto(url)
    page.get_by_text("Drop a picture above").wait_for()
    return process, page, url, time.perf_counter() - start_s


def answer_s(page: Page, picture: Path) -> float:
    """Seconds from an upload to its answer."""
    page.reload()
    page.get_by_text("Drop a picture above").wait_for()
    start_s = time.perf_counter()
    page.locator("input[type=file]").first.set_input_files(str(picture))
    page.get_by_text("Still possible").wait_for()
    return time.perf_counter() - start_s


def sessions_mib(
    browser: Browser, process: "subprocess.Popen[bytes]", url: str, pictures: list[Path]
) -> list[float]:
    """Memory before, with and after twenty people at once."""
    before = memory_mib(process)
    contexts = [browser.new_context() for _ in range(SESSIONS)]
    for context in contexts:
        context.new_page().goto(url)
    for number, context in enumerate(contexts):
        picture = pictures[number % len(pictures)]
        context.pages[0].locator("input[type=file]").first.set_input_files(str(picture))
    for context in contexts:
        context.pages[0].get_by_text("Still possible").wait_for()
    during = memory_mib(process)
    for context in contexts:
        context.close()
    time.sleep(5)
    return [before, during, memory_mib(process)]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundle", type=Path, default=default_bundle())
    bundle: Path = parser.parse_args().bundle
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise SystemExit("Chromium is not installed; `make system-tools` gets it")
    starts = []
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as scratch:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        pictures = []
        for number, label in enumerate(("sea", "forest", "street") * 3):
            path = Path(scratch) / f"{label}-{number}.jpg"
            path.write_bytes(jpeg(paint_scene(label, number).resize((1200, 900)), quality=85))
            pictures.append(path)
        for turn in range(STARTS):
            process, page, url, took_s = start(browser, bundle, Path(scratch))
            starts.append(took_s)
            if turn == STARTS - 1:
                answers = [answer_s(page, picture) for picture in pictures]
                memory = [sessions_mib(browser, process, url, pictures) for _ in range(WAVES)]
            page.close()
            process.terminate()
            process.wait()
        browser.close()
    print(
        f"{bundle.name}: first page {statistics.median(starts):.2f} s from the command ({STARTS}"
        " starts)"
    )
    print(
        f"answer {statistics.median(answers):.2f} s after the upload, at most {max(answers):.2f} s"
        f" ({len(answers)} uploads)"
    )
    for before, during, after in memory:
        print(
            f"memory {before:.0f} MiB, with {SESSIONS} sessions at once {during:.0f} MiB, after"
            f" them {after:.0f} MiB"
        )


if __name__ == "__main__":
    main()
