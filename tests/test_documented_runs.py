"""Every `scenelet` line of docs/ is run as it is written, or says what it needs that is not here."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys

import pytest
from commands import REPOSITORY, run_scenelet
from servers import wait_until_answers

from scenelet.learn.tracking import TRACKER

pytestmark = [
    pytest.mark.pipeline,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of MLflow's own
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

NEEDS_MORE = re.compile(r"needs? (an account|an AWS account|a cluster|both)")
RUN_SMALLER = {  # the whole way trains for minutes; this file runs it with a tiny recipe
    "scenelet start photos": "cli/test_start.py",
}
UNTIL_INTERRUPTED = "scenelet app"
PROGRAMS = {"--web": "npm"}


def runnable():
    """(page, command) of docs/, in order, without those that say what they need."""
    for page in sorted((REPOSITORY / "docs").rglob("*.md")):
        text = page.read_text(encoding="utf-8")
        for before, block in re.findall(r"([^\n]*)\n+```(?:sh|bash|console)\n(.*?)```", text, re.S):
            for line in block.splitlines():
                command, _, comment = line.removeprefix("$ ").partition("#")
                if command.startswith("scenelet ") and not NEEDS_MORE.search(before + comment):
                    yield page.stem, command.strip()


COMMANDS = list(runnable())


@pytest.fixture(scope="module")
def place(tmp_path_factory, bundle):
    """A folder with what the pages name: photos in three classes, bundles, a run's home."""
    place = tmp_path_factory.mktemp("documented")
    run_scenelet("data", "paint", place / "painted", "--per-class", "12")
    for label in ("forest", "sea", "street"):
        shutil.copytree(place / "painted" / "seg_train" / label, place / "photos" / label)
    for name in ("photos", "photos-quick"):
        shutil.copytree(bundle, place / "bundles" / name)
    shutil.copytree(REPOSITORY / "models", place / "models")
    return place


def test_most_lines_are_run():
    assert len(COMMANDS) >= 8


@pytest.mark.parametrize(("page", "command"), COMMANDS)
def test_a_command_of_the_docs_runs_as_written(page, command, place, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv(TRACKER, "")
    if command in RUN_SMALLER:
        assert "the_whole_way" in (REPOSITORY / "tests" / RUN_SMALLER[command]).read_text()
        return
    for option, program in PROGRAMS.items():
        if option in command and shutil.which(program) is None:
            pytest.skip(f"needs {program}")
    words = shlex.split(command)[1:]
    if command.startswith(UNTIL_INTERRUPTED):
        require_pages(words, place)
        return
    done = run_scenelet(*words, cwd=place)
    assert done.code == 0, done.err


def require_pages(words, place):
    """See to it that a command says where its pages are, serves them, and ends when interrupted."""
    command = [sys.executable, "-u", "-m", "scenelet", *words]
    quiet = os.environ | {"STREAMLIT_SERVER_HEADLESS": "true"}
    with subprocess.Popen(
        command, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=quiet
    ) as process:
        try:
            lines = (re.search(r"http://127\.0\.0\.1:\d+", line) for line in process.stdout)
            address = next(found.group() for found in lines if found)
            wait_until_answers(f"{address}/_stcore/health", process)
        finally:
            process.send_signal(signal.SIGINT)
            process.stdout.read()
    assert process.returncode in (0, 130, -signal.SIGINT)
