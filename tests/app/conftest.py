"""The app in a real Chromium.

Started as a person starts it, on a painted data set with an audit.
"""

import subprocess
import sys

import pytest
from running_app import App
from servers import free_port, wait_until_answers
from watched import Watched


@pytest.fixture(scope="session")
def audited(painted, tmp_path_factory):
    """A manifest with three labels in doubt, as an audit writes it."""
    from dataclasses import replace

    from scenelet.dataset.dataset import Dataset
    from scenelet.dataset.manifest import write_manifest

    rows = [
        row.with_split("train")
        for row in Dataset.open(painted).examined().rows
        if row.split != "test"
    ]
    doubted = {
        place: replace(
            rows[place],
            issues=("doubtful label",),
            suggested_label="sea",
            label_quality=0.01 * number,
        )
        for number, place in enumerate((3, 30, 60), 1)
    }
    path = tmp_path_factory.mktemp("audit") / "manifest.csv"
    write_manifest(path, [doubted.get(place, row) for place, row in enumerate(rows)])
    return path


@pytest.fixture(scope="session")
def endpoint(bundle):
    """`scenelet serve` with the same bundle, as the deployed service."""
    port = free_port()
    command = [sys.executable, "-m", "scenelet", "serve", "--bundle", bundle, "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until_answers(f"http://127.0.0.1:{port}/health", process)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(timeout=20)


@pytest.fixture(scope="session")
def app(bundle, painted, audited, run_folder, endpoint, tmp_path_factory):
    """The app with everything."""
    folder = tmp_path_factory.mktemp("app")
    options = (
        "--bundle",
        bundle,
        "--data",
        painted,
        "--manifest",
        audited,
        "--run",
        run_folder,
        "--endpoint",
        endpoint,
    )
    running = App(folder, *options, "--ledger", folder / "ledger.jsonl")
    yield running
    running.close()


@pytest.fixture
def watched(chromium, app):
    """A fresh browser at the first page; afterwards nothing may have gone wrong in it."""
    context = chromium.new_context(viewport={"width": 1100, "height": 1000})
    found = Watched(context.new_page())
    found.page.goto(app.url)
    found.page.get_by_role("heading", name="Classify", level=1).wait_for()
    yield found
    context.close()
    assert found.errors == []
    assert found.foreign == []
