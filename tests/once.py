"""What is dear to make is made once, however many workers pytest-xdist has."""

import os

from filelock import FileLock


def once(tmp_path_factory, name, make):
    """The folder that `make(folder)` makes, once for all workers of pytest-xdist."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    made = folder.with_suffix(".made")
    with FileLock(folder.with_suffix(".lock")):
        if not made.exists():
            make(folder)
            made.touch()
    return folder
