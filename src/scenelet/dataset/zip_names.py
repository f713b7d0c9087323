"""Names in a zip archive as the person who made it meant them.

Windows' programs write backslashes; many write UTF-8 without saying so.
"""

from contextlib import suppress
from zipfile import ZipFile, ZipInfo

_IS_UTF8 = 0x800


def mend_names(archive: ZipFile) -> None:
    """Give its files the names that are meant; each can be opened by it."""
    for info in archive.infolist():
        info.filename = _meant(info)
        archive.NameToInfo.setdefault(info.filename, info)


def _meant(info: ZipInfo) -> str:
    name = info.filename
    if not info.flag_bits & _IS_UTF8:
        with suppress(UnicodeError):  # of another code page: as Python reads it
            name = name.encode("cp437").decode("utf-8")
    return name.replace("\\", "/").lstrip("/")
