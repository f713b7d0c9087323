"""What the tests share.

Painted scenes, a small bundle of them, one short training, and the real images where they are.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import hypothesis
import pytest
from commands import QUICK_FLAGS, REPOSITORY, TWO_DEVICES_FLAGS, run_scenelet
from image_site import ImageSite
from moto_server import MotoServer
from once import once

# Two threads beside another busy process are slower than one.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["COLUMNS"] = "160"
os.environ["SCENELET_LEDGER"] = str(Path(tempfile.mkdtemp()) / "test-ledger.jsonl")

# How long an example takes tells of the machine, not of the code.
hypothesis.settings.register_profile(
    "calm", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("calm")

PATIENCE_MS = 120_000  # for what comes in a second where nobody else is busy
SLOW = ("pipeline", "browser", "aws")
LONGEST = "test_install.py"
TRAINING = {"run_folder", "exported", "two_devices"}
REAL_IMAGES = REPOSITORY.parent / "shared" / "intel-scenes" / "seg_train"


def pytest_collection_modifyitems(items):
    """The longest file comes first; a unit test (one without a mark) trains nothing, and comes last.

    Its file is a small one, which fills up whichever worker is done first.
    """
    marked = {item.path for item in items if any(map(item.get_closest_marker, SLOW))}
    items.sort(key=lambda item: (item.path not in marked, item.path.name != LONGEST))
    for item in items:
        waits = TRAINING & set(item.fixturenames)
        if waits and not any(item.get_closest_marker(mark) for mark in SLOW):
            names = ", ".join(sorted(waits))
            raise pytest.UsageError(f"{item.nodeid}: {names} trains. Mark the test `pipeline`.")


@pytest.fixture(scope="session")
def scenelet():
    """The command line, as a function."""
    return run_scenelet


@pytest.fixture(scope="session")
def painted(tmp_path_factory):
    """A painted data set in the Intel layout: 24 training and 6 test images of each class."""
    from scenelet.dataset.paint import paint_data_set

    return once(tmp_path_factory, "scenes", lambda folder: paint_data_set(folder, 24))


@pytest.fixture(scope="session")
def run_folder(painted, tmp_path_factory):
    """A complete run on painted scenes."""

    def train(runs):
        done = run_scenelet("train", painted, *QUICK_FLAGS, "--runs", runs, "--name", "tiny")
        assert done.code == 0, done.err

    return once(tmp_path_factory, "runs", train) / "tiny"


@pytest.fixture(scope="session")
def two_devices(painted, tmp_path_factory):
    """A run of two processes that shared each batch; beside it, in `said.txt`, what was said."""

    def train(runs):
        flags = (*TWO_DEVICES_FLAGS, "--devices", "2", "--runs", runs, "--name", "two")
        words = [sys.executable, "-m", "scenelet", "train", *map(str, (painted, *flags))]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        (runs / "said.txt").write_text(done.stderr)

    return once(tmp_path_factory, "two-devices", train) / "two"


@pytest.fixture(scope="session")
def bundle():
    """A small bundle that knows the painted scenes.

    Committed, made by scripts/make_test_bundle.py.
    """
    return REPOSITORY / "tests" / "assets" / "tiny"


@pytest.fixture(scope="session")
def exported(run_folder, tmp_path_factory):
    """The bundle of the run that was just trained; beside it, in `said.txt`, what was printed."""

    def export(bundles):
        done = run_scenelet("export", run_folder, "--out", bundles / "tiny")
        assert done.code == 0, done.err
        (bundles / "said.txt").write_text(done.out)

    return once(tmp_path_factory, "bundles", export) / "tiny"


@pytest.fixture(scope="session")
def image_site():
    """A server of one picture, its `content`; inside, so fetched only where its host is trusted."""
    site = ImageSite()
    yield site
    site.close()


@pytest.fixture(scope="session")
def chromium():
    """A headless browser."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("Chromium is not installed; `make system-tools` gets it")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        browser.on("context", lambda context: context.set_default_timeout(PATIENCE_MS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def axe():
    """axe-core's script."""
    package = pytest.importorskip("axe_playwright_python", reason="axe-core is not installed")
    return (Path(package.__file__).parent / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def moto(tmp_path_factory):
    """moto's server, one for the session; a test empties it before it begins."""
    server = MotoServer(tmp_path_factory.mktemp("moto") / "moto.log")
    yield server
    server.close()


@pytest.fixture(scope="session")
def real_images():
    """The Intel scenes training folder."""
    if not REAL_IMAGES.is_dir():
        pytest.skip(
            f"needs the Intel scenes images in {REAL_IMAGES.relative_to(REPOSITORY.parent)}"
        )
    return REAL_IMAGES


@pytest.fixture(scope="session")
def shipped_bundle():
    """The bundle that comes along."""
    return REPOSITORY / "models" / "intel-scenes"
