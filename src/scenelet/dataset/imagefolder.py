"""A folder as its own table says, where it has one: Hugging Face's imagefolder; else as it lies.

Works on any source that lists and reads, so that a folder, an archive and a bucket are one.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from scenelet.dataset.layout import lay_out, split_of, twin_lines
from scenelet.dataset.manifest import Columns, Numbered, has_labels, numbered
from scenelet.dataset.match import matched
from scenelet.dataset.row import Row
from scenelet.dataset.source import Listing, Source
from scenelet.dataset.table import parse
from scenelet.errors import DataError, UnreadableImageError
from scenelet.files import Entry

METADATA = frozenset(("metadata.csv", "metadata.jsonl", "metadata.parquet"))


def listed(source: Source, folder: str, level: str = "", columns: Columns = ()) -> Listing:
    """What a place holds, by its metadata.csv (.jsonl, .parquet) where that names labels.

    Args:
        source: That lists and reads.
        folder: Name of the folder itself.
        level: As `layout.lay_out` takes it; with one, the folders count and no table.
        columns: What the table calls our columns, where a person said so.

    Raises:
        DataError: Neither table nor folders say what the classes are, or both disagree with what
            is there.
    """
    entries = tuple(source.entries())
    tables = [] if level else [entry.path for entry in entries if _is_metadata(entry)]
    rows, silent = _rows_of(source, tables, columns)
    if rows:
        placed, passed_over = matched(rows, entries, f"{source.name}/{tables[0]}", source.name)
        told = f"{source.name}: labels are those of {', '.join(tables[:3])}"
        twins = twin_lines(row.label for row in placed)
        return Listing(tuple(sorted(placed, key=_path)), passed_over, (told, *twins))
    try:
        laid = lay_out(entries, folder, source.name, level)
    except DataError as error:
        raise (_no_label(source, silent) if silent else error) from error
    told = f"{source.name}: the folders are the classes; {tables[0]} names none" if silent else ""
    beside = _tables_beside(laid.rows, entries, source.name) if not tables else ()
    return Listing(laid.rows, laid.passed_over, (*filter(None, [told]), *beside, *laid.decided))


def _tables_beside(rows: Sequence[Row], entries: Sequence[Entry], place: str) -> tuple[str, ...]:
    """A line on a table that lies beside pictures of one folder, which may be no class at all."""
    suffixes = {PurePosixPath(name).suffix for name in METADATA}
    found = [each.path for each in entries if PurePosixPath(each.path).suffix.lower() in suffixes]
    if not found or len({row.label for row in rows}) > 1:
        return ()
    name = PurePosixPath(found[0])
    meant = name.with_name(f"metadata{name.suffix.lower()}")
    return (f"{place}: {name} lies there too; if it names the labels, rename it {meant}",)


def _path(row: Row) -> str:
    return row.path


def _is_metadata(entry: Entry) -> bool:
    return PurePosixPath(entry.path).name.lower() in METADATA


def _rows_of(
    source: Source, tables: Sequence[str], columns: Columns
) -> tuple[Numbered, tuple[str, ...]]:
    """Rows of all tables, and else the columns of one that names no labels."""
    rows, silent = Numbered(), tuple[str, ...]()
    for path in tables:
        name = f"{source.name}/{path}"
        try:
            table = parse(name, source.read(path))
        except UnreadableImageError as error:
            raise DataError(f"{name}: {error}") from error
        if columns or has_labels(table.columns):
            rows += [(n, _at_home(row, path)) for n, row in numbered(name, table, columns)]
        else:
            silent = table.columns
    return rows, silent


def _at_home(row: Row, table: str) -> Row:
    """A row whose path starts from the folder of its table; a split folder names its split."""
    home = PurePosixPath(table).parent
    split = next(filter(None, map(split_of, home.parts)), "")
    return replace(row, path=str(home / row.path), split=row.split or split)


def _no_label(source: Source, columns: Sequence[str]) -> DataError:
    return DataError(
        f"{source.name}: its metadata has columns {', '.join(columns)}; which is the label? Say"
        " --column label=NAME."
    )
