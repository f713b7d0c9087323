"""Make the small bundle that the unit tests ask: painted scenes, a training of seconds, an export.

To be run again when the format of bundles changes; its files are committed.

    python scripts/make_test_bundle.py
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ASSETS = Path(__file__).resolve().parents[1] / "tests" / "assets"
IMAGES_PER_CLASS = "24"  # as the tests' fixture `painted` has them: the bundle must know them again


def scenelet(*arguments: str, cwd: Path) -> None:
    """Run a command to its end."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run(
        [sys.executable, "-m", "scenelet", *arguments], cwd=cwd, env=environment, check=True
    )


def make(work: Path) -> Path:
    """The whole way in a folder; returns the bundle."""
    shutil.copy(ASSETS / "tiny.yaml", work)
    scenelet("data", "paint", "scenes", "--per-class", IMAGES_PER_CLASS, cwd=work)
    training = ("--recipe", "tiny.yaml", "--threads", "1", "--runs", "runs", "--name", "tiny")
    scenelet("train", "scenes", *training, cwd=work)
    scenelet("export", "runs/tiny", "--out", "tiny", "--licence", "Apache-2.0", cwd=work)
    return work / "tiny"


def main() -> None:
    """Replace the committed bundle."""
    target = ASSETS / "tiny"
    with tempfile.TemporaryDirectory() as folder:
        made = make(Path(folder))
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(made, target)
    size_bytes = sum(path.stat().st_size for path in target.rglob("*") if path.is_file())
    print(f"wrote {target}: {size_bytes / 1000:.0f} kB", file=sys.stderr)


if __name__ == "__main__":
    main()
