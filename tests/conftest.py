"""What the tests share: painted scenes, one short training, its bundle, and the real images where they are."""

import contextlib
import io
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

# Two threads beside another busy process are slower than one.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["COLUMNS"] = "160"
os.environ["SCENELET_LEDGER"] = str(Path(tempfile.mkdtemp()) / "test-ledger.jsonl")

REPOSITORY = Path(__file__).resolve().parents[1]
REAL_IMAGES = REPOSITORY.parent / "shared" / "intel-scenes" / "seg_train"
QUICK_FLAGS = ("--recipe", "quick", "--epochs", "3", "--threads", "1")


@dataclass(frozen=True)
class Finished:
    """A command that ended."""

    code: int
    out: str
    err: str


def run_scenelet(*arguments, cwd=None):
    """Run the command line in this process: saves the seconds that importing torch takes."""
    from scenelet.cli.main import main

    out, err, code = io.StringIO(), io.StringIO(), 0
    argv, sys.argv = sys.argv, ["scenelet", *map(str, arguments)]
    with (
        contextlib.chdir(cwd or "."),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
        finally:
            sys.argv = argv
    return Finished(code, out.getvalue(), err.getvalue())


def run_process(*arguments, cwd=None, python=sys.executable, env=None):
    """Run the command line in a process of its own, as a person would."""
    done = subprocess.run(
        [str(python), "-c", "from scenelet.cli.main import main; main()", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return Finished(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="session")
def scenelet():
    """The command line, as a function."""
    return run_scenelet


@pytest.fixture(scope="session")
def painted(tmp_path_factory):
    """A painted data set in the Intel layout: 24 training and 6 test images of each class."""
    from scenelet.dataset.paint import paint_data_set

    folder = tmp_path_factory.mktemp("painted") / "scenes"
    paint_data_set(folder, 24)
    return folder


@pytest.fixture(scope="session")
def run_folder(painted, tmp_path_factory):
    """A complete run on painted scenes."""
    runs = tmp_path_factory.mktemp("runs")
    done = run_scenelet("train", painted, *QUICK_FLAGS, "--runs", runs, "--name", "tiny")
    assert done.code == 0, done.err
    return runs / "tiny"


@pytest.fixture(scope="session")
def bundle(run_folder, tmp_path_factory):
    """The bundle of that run."""
    folder = tmp_path_factory.mktemp("bundles") / "tiny"
    done = run_scenelet("export", run_folder, "--out", folder)
    assert done.code == 0, done.err
    return folder


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
