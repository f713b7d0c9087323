"""Names that people gave, in the language of each renderer, so that they are shown as they are.

HTML escapes in `report/`, charts in `report/charts.py`; knows no renderer's library.
"""

import csv
import io
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence

_UNSEEN = re.compile(  # controls, line breaks, marks of direction, half letters; joiners are seen
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0001-\U000e007f]"
)
_BREAKS_ROWS = re.compile("[\x00-\x1f\x7f\u2028\u2029\ud800-\udfff]")
_MEANT_IN_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~$&:]|^[-+=])")
_FLAG = re.compile(r"(?<![\w-])--[a-z]")
_NUMBERED = re.compile(r"^(\d{1,9})([.)])(?=\s|$)")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def one_line(text: str) -> str:
    r"""What can't be seen is named: `\n`, `\u202e` (writes backwards), `\udcfc` (half a letter)."""
    return _UNSEEN.sub(lambda found: _by_name(found[0]), text)


def _by_name(letter: str) -> str:
    return letter.encode("unicode_escape", "surrogatepass").decode("ascii")


def elided(text: str, most: int) -> str:
    """At most so many characters; beginning and end tell most, so the middle goes."""
    if len(text) <= most:
        return text
    head = (most - 1) // 2
    return f"{text[:head]}…{text[len(text) - (most - 1 - head) :]}"


def listed(names: Sequence[str], most: int = 12) -> str:
    """The first of many names, and how many more there are."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(map(one_line, names[:most])) + more


def counted(count: int, thing: str) -> str:
    """How many there are of a thing whose name takes an s."""
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"


def with_commas(text: str) -> list[str]:
    """The parts of a list that a person has written with commas."""
    return [part.strip() for part in text.split(",") if part.strip()]


def without_flags(text: str) -> str:
    """A message without its sentences about options of the command line, for who has none.

    The whole message where nothing would be left.
    """
    sentences = re.split(r"(?<=\.) (?=[A-Z])", text)
    kept = [sentence for sentence in sentences if not _FLAG.search(sentence)]
    return " ".join(kept) or text


def markdown(text: str) -> str:
    """For Markdown, its tables too, and for Streamlit's, which knows formulas, colours, icons."""
    return _NUMBERED.sub(r"\1\\\2", _MEANT_IN_MARKDOWN.sub(r"\\\1", one_line(text)))


def code(text: str) -> str:
    """A Markdown code span, fenced by more backticks than the text holds in a row."""
    shown = one_line(text)
    fence = "`" * (1 + max(map(len, re.findall("`+", shown)), default=0))
    room = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{room}{shown}{room}{fence}"


def shell(*words: object) -> str:
    """A command to be copied, whatever its paths hold."""
    return shlex.join(map(address, words))


def address(place: object) -> str:
    """As people write it: a path's class makes one slash of an address's two."""
    return re.sub(r"^([a-z][a-z0-9+.-]+):/(?=[^/])", r"\1://", str(place))


def cell(text: str) -> str:
    """For a table that a spreadsheet opens: nothing in it is a formula or breaks the row.

    All else stays, for such a table is read by programs too.
    """
    shown = _BREAKS_ROWS.sub(lambda found: _by_name(found[0]), text)
    return f"'{shown}" if text.startswith(_FORMULA) else shown


def as_cells(values: Iterable[object]) -> list[object]:
    """A row for a spreadsheet; numbers stay numbers."""
    return [cell(value) if isinstance(value, str) else value for value in values]


def as_csv(rows: Sequence[Mapping[str, object]]) -> str:
    """A table for a spreadsheet, from rows of the same columns."""
    return csv_of(as_cells(rows[0]), (as_cells(row.values()) for row in rows))


def csv_of(head: Iterable[object], rows: Iterable[Iterable[object]]) -> str:
    """A table as CSV, a line a row; the cells stay as they are, formulas too."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return file.getvalue()
