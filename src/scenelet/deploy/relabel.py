"""A shared object that asks for a newer version of a symbol, bound to the same symbol's older one.

LiteRT's aarch64 library asks libstdc++ for one symbol of GLIBCXX_3.4.30, which Amazon Linux 2023
lacks: `std::condition_variable::wait`, which every libstdc++ since gcc 4.4 has as GLIBCXX_3.4.11
too. Binding it there changes a few bytes of the version tables; no code moves.

Source: the ELF symbol versioning of the Linux Standard Base; Drepper, "ELF Symbol Versioning".
"""

import io
import struct
from dataclasses import dataclass

from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection

NEW, OLD = "GLIBCXX_3.4.30", "GLIBCXX_3.4.11"
_VERNEED, _VERNAUX = "<HHIII", "<IHHII"
_NEXT_IN_VERNAUX = 12  # offset of vna_next
_HIDDEN = 0x7FFF  # the topmost bit of a version index only hides a symbol


@dataclass(frozen=True)
class _Needed:
    """One version that a file needs of a library.

    Attributes:
        name: "GLIBCXX_3.4.30".
        at: Offset of its entry in the file.
        index: That symbols refer to it by.
        step: To the next entry; 0 for the last.
    """

    name: str
    at: int
    index: int
    step: int


def relabel(elf: bytes, new: str = NEW, old: str = OLD) -> bytes:
    """Bind what asks for `new` to `old`; the same bytes where nothing asks for it.

    Args:
        elf: A shared object, little-endian.
        new: Version that is lacking.
        old: Version of the same library that the file needs as well.
    """
    file = ELFFile(io.BytesIO(elf))
    found = next((each for each in file.iter_sections() if isinstance(each, GNUVerNeedSection)), 0)
    if not isinstance(found, GNUVerNeedSection):
        return elf
    out, at = bytearray(elf), found["sh_offset"]
    while True:
        _, count, _, first, step = struct.unpack_from(_VERNEED, out, at)
        needed = _entries(out, found, at + first, count)
        names = [each.name for each in needed]
        if new in names and old in names:
            _bind(out, file, needed[names.index(new)].index, needed[names.index(old)].index)
            _drop(out, at, needed, names.index(new))
            return bytes(out)
        if not step:
            return elf
        at += step


def _entries(out: bytearray, section: GNUVerNeedSection, at: int, count: int) -> list[_Needed]:
    found = []
    for _ in range(count):
        _, _, index, name, step = struct.unpack_from(_VERNAUX, out, at)
        found.append(_Needed(str(section.stringtable.get_string(name)), at, index, step))
        at += step
    return found


def _bind(out: bytearray, file: ELFFile, new: int, old: int) -> None:
    """Let every symbol of version index `new` be of `old`."""
    section = file.get_section_by_name(".gnu.version")
    if section is None:  # then no symbol has a version
        return
    start, size = section["sh_offset"], section["sh_size"]
    for at in range(start, start + size, 2):
        if struct.unpack_from("<H", out, at)[0] & _HIDDEN == new:
            struct.pack_into("<H", out, at, old)


def _drop(out: bytearray, at: int, needed: list[_Needed], place: int) -> None:
    """Take an entry out of its library's list: the one before it points past it."""
    entry = needed[place]
    before = at + 8 if place == 0 else needed[place - 1].at + _NEXT_IN_VERNAUX
    step = struct.unpack_from("<I", out, before)[0]
    struct.pack_into("<I", out, before, step + entry.step if entry.step else 0)
    struct.pack_into("<H", out, at + 2, len(needed) - 1)
