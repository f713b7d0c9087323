r"""Names of files as text that any encoder takes, and back.

A name that is no UTF-8 (or holds control characters) is told with `\xNN` and `\uNNNN` in the
places that can't be printed; every other name stays as it is.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_LOOKS_ESCAPED = re.compile(r"\\(?=x[0-9a-f]{2}|u[0-9a-f]{4})")
_ESCAPED = re.compile(r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4}))")
_NUMBER = re.compile(r"0*(\d+?)(?:[.,]0+)?")
_ESCAPED_BACKSLASH = r"\x5c"


def printable(name: str) -> str:
    """A name of the file system as text without surrogates and control characters.

    Args:
        name: As `os.fsdecode` gives it: a byte that is no UTF-8 is a lone surrogate.

    Returns:
        The same name where it can be printed; `raw` gives the old one back in any case.
    """
    unambiguous = _LOOKS_ESCAPED.sub(lambda _: _ESCAPED_BACKSLASH, name)
    return _UNPRINTABLE.sub(lambda found: _escape(ord(found[0])), unambiguous)


def raw(name: str) -> str:
    """The name of the file system that `printable` made printable."""
    return _ESCAPED.sub(_unescaped, name)


def _escape(code: int) -> str:
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is no UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}"


def _unescaped(found: re.Match[str]) -> str:
    if found[2]:
        return chr(int(found[2], 16))
    value = int(found[1], 16)
    return chr(value if value < 0x80 else 0xDC00 + value)


def twins(names: Iterable[str]) -> list[tuple[str, ...]]:
    """Groups of names that differ in composition, case, outer spaces or as numbers are written.

    As "1", "01" and "1.0" do, where a spreadsheet has been; or in letters that nobody sees.
    """
    alike: dict[str, list[str]] = defaultdict(list)
    for name in sorted(set(names)):
        seen = "".join(letter for letter in name if unicodedata.category(letter) != "Cf")
        plain = unicodedata.normalize("NFC", seen).casefold().strip()
        number = _NUMBER.fullmatch(plain)
        alike[number[1] if number else plain].append(name)
    return [tuple(group) for group in alike.values() if len(group) > 1]
