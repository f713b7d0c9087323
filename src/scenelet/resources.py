"""Resources that come to an end (memory, open files, a disk, shared memory), each told in one line.

Knows the words of the system and of libraries for it, so that nobody else has to.
"""

import errno
from pathlib import Path

_AGAIN = "and run the same command again"
_FULL = f"no space left on the disk; free some {_AGAIN}"
_READ_ONLY = "the file system is read-only; choose another folder"
_MEMORY = (
    "no memory left; close other programs, or take a smaller --batch-size, --input-size or"
    " --set memory_gib"
)
_SHARED = "no shared memory left (/dev/shm); give it more space, or run fewer processes at once"
_FILES = f"too many files are open; raise the limit (ulimit -n 4096) {_AGAIN}"
_BY_NUMBER = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: f"the disk quota is used up; free some {_AGAIN}",
    errno.EFBIG: "a file would be larger than is allowed here; choose another folder",
    errno.EROFS: _READ_ONLY,
    errno.EIO: "the disk reports an error; choose another folder",
    errno.EMFILE: _FILES,
    errno.ENFILE: _FILES,
    errno.ENOMEM: _MEMORY,
    errno.EAGAIN: "no more processes or threads are allowed; run fewer at once",
}
_BY_WORDS = {  # of errors that carry no number: SQLite's, torch's, the interpreter's
    "database or disk is full": _FULL,
    "disk I/O error": _BY_NUMBER[errno.EIO],
    "readonly database": _READ_ONLY,
    "shared memory": _SHARED,
    "out of memory": _MEMORY,
    "t allocate memory": _MEMORY,
    "failed to map segment": _MEMORY,
    "bad_alloc": _MEMORY,
    "could not create a primitive": _MEMORY,  # oneDNN's
    "error return without exception set": _MEMORY,  # what an import says that lacks it
    "start new thread": _BY_NUMBER[errno.EAGAIN],
    "Too many open files": _FILES,
}


def ended(error: BaseException | None) -> str:
    """What has come to its end, and what to do; empty where an error is of something else.

    Args:
        error: Looked through with what caused it.
    """
    seen: set[int] = set()  # libraries raise errors that caused each other, in a circle
    while error is not None and id(error) not in seen:
        told = _told(error)
        if told:
            return told
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return ""


def is_of_memory(error: BaseException) -> bool:
    """Whether it is memory that has come to its end."""
    return ended(error) == _MEMORY


def is_ours(error: OSError) -> bool:
    """Whether this process has run out of something, so that the file at hand is not to blame."""
    return error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOMEM)


def _told(error: BaseException) -> str:
    if isinstance(error, MemoryError):
        return _MEMORY
    if isinstance(error, FileNotFoundError) and error.filename is None and _is_homeless():
        return "the folder that this runs in is gone; change to another one and run it again"
    if isinstance(error, OSError):
        return _BY_NUMBER.get(error.errno or 0, "")
    said = str(error)
    return next((told for words, told in _BY_WORDS.items() if words in said), "")


def _is_homeless() -> bool:
    """Whether the working folder was removed; then no relative path leads anywhere."""
    try:
        Path.cwd()
    except FileNotFoundError:
        return True
    return False
