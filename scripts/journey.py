"""Film the journey for the README: painted pictures explored, answered, judged, in Chromium.

    python scripts/journey.py PAINTED BUNDLE docs/images/journey.webp

PAINTED is a folder of `scenelet data paint`, BUNDLE that of `scenelet start PAINTED/seg_train`.
Needs Chromium.
"""

import io
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

WIDTH, HEIGHT, SHOWN = 1100, 720, (880, 576)
PORT = 8699
MOST_BYTES = 1_500_000


def scenelet(*arguments: object) -> None:
    """Run a command to its end."""
    subprocess.run([sys.executable, "-m", "scenelet", *map(str, arguments)], check=True)


def shot(page: Page) -> Image.Image:
    """What stands in the window now."""
    page.wait_for_timeout(700)
    return Image.open(io.BytesIO(page.screenshot())).convert("RGB").resize(SHOWN)


def of_exploring(page: Page, report: Path) -> Iterator[Image.Image]:
    """The data set on one page, and its map."""
    page.goto(report.as_uri())
    yield shot(page)
    drawing = page.locator(".map > svg")
    drawing.scroll_into_view_if_needed()
    yield shot(page)
    drawing.click(position={"x": 520, "y": 190})
    page.locator(".near").scroll_into_view_if_needed()
    yield shot(page)


def of_the_app(page: Page) -> Iterator[Image.Image]:
    """An example answered, with what it looked at; and how far the model is to be trusted."""
    page.goto(f"http://127.0.0.1:{PORT}")
    page.get_by_role("tab", name="Examples").click()
    page.get_by_role("button", name="glacier").first.wait_for()
    yield shot(page)
    page.get_by_role("button", name="glacier").first.click()
    page.get_by_text("Where it looked").click()
    page.get_by_text("the answer falls to nothing").wait_for()
    yield shot(page)
    page.get_by_role("link", name="Model").click()
    page.get_by_text("Of 100 pictures like these").wait_for()
    yield shot(page)


def of_judging(page: Page, report: Path) -> Iterator[Image.Image]:
    """The headline, and the pictures behind a number."""
    page.goto(report.as_uri())
    yield shot(page)
    page.locator(".matrix td a").first.click()
    yield shot(page)


def films(painted: Path, bundle: Path, work: Path) -> list[Image.Image]:
    """All frames."""
    explored, judged = work / "explore.html", work / "evaluation.html"
    scenelet("explore", painted, "--out", explored)
    ledger = ("--ledger", work / "ledger.jsonl")
    scenelet("evaluate", bundle, painted, "--part", "test", "--report", judged, *ledger)
    command = ("-m", "scenelet", "app", "--port", str(PORT), "--bundle", str(bundle))
    app = subprocess.Popen([sys.executable, *command], cwd=work)
    try:
        wait_until_answers(f"http://127.0.0.1:{PORT}/_stcore/health")
        with sync_playwright() as playwright:
            found = shutil.which("chromium") or shutil.which("chromium-browser")
            browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
            page.set_default_timeout(120_000)
            return [*of_exploring(page, explored), *of_the_app(page), *of_judging(page, judged)]
    finally:
        app.terminate()
        app.wait()


def wait_until_answers(url: str, most_s: float = 120) -> None:
    """Ask until somebody answers."""
    end_s = time.monotonic() + most_s
    while time.monotonic() < end_s:
        try:
            urllib.request.urlopen(url)  # noqa: S310  (our own)
        except OSError:
            time.sleep(0.5)
        else:
            return


def main() -> None:
    """Film it, and save it as one animated WebP."""
    painted, bundle, out = (Path(each).resolve() for each in sys.argv[1:4])
    with tempfile.TemporaryDirectory() as work:
        first, *others = films(painted, bundle, Path(work))
    out.parent.mkdir(parents=True, exist_ok=True)
    first.save(out, save_all=True, append_images=others, duration=2200, loop=0, quality=72)
    if out.stat().st_size > MOST_BYTES:
        sys.exit(f"{out}: {out.stat().st_size:,} bytes, at most {MOST_BYTES:,} are wanted")
    print(f"wrote {out}: {1 + len(others)} frames, {out.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
