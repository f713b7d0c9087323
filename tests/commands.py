"""The command line in tests: in this process, or in one of its own as a person would start it."""

import contextlib
import io
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
QUICK_FLAGS = ("--recipe", "quick", "--epochs", "3", "--threads", "1")
TWO_DEVICES_FLAGS = ("--recipe", "quick", "--epochs", "4", "--threads", "1", "--device", "cpu")


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
