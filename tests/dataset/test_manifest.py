import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenelet.dataset.manifest import COLUMNS, as_record, from_record, read_manifest, write_manifest
from scenelet.dataset.row import Row
from scenelet.errors import DataError
from scenelet.names import printable

ROWS = [
    Row("cat/1.jpg", "cat", "train", 48, 40, "0123456789abcdef", issues=("dark", "odd size")),
    Row("cat/2, ü.jpg", "cat", "val", 48, 48, "f" * 16, label_quality=0.25),
    Row("dog/3.jpg", "dog", "", excluded='empty: "0" bytes'),
]


@pytest.fixture
def manifest(tmp_path):
    write_manifest(tmp_path / "m.csv", ROWS)
    return tmp_path / "m.csv"


def table(path, *lines, encoding="utf-8"):
    path.write_bytes("\n".join(lines).encode(encoding))
    return path


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_what_a_spreadsheet_saves_reads_back_the_same(manifest, separator, encoding, ending):
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator, lineterminator=ending)
    writer.writerows(csv.reader(manifest.read_text(encoding="utf-8").splitlines()))
    manifest.write_bytes(text.getvalue().encode(encoding))
    assert read_manifest(manifest) == ROWS


def test_the_line_for_excel_blank_lines_and_empty_columns_do_no_harm(tmp_path):
    path = table(tmp_path / "m.csv", "sep=;", "path;label;;", "", "a.jpg;cat;;", ";;;")
    assert read_manifest(path) == [Row("a.jpg", "cat")]


def test_json_lines_and_parquet_are_tables_too(tmp_path):
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    records = [{"path": "a.jpg", "label": "cat", "split": None}, {"path": "b.jpg", "label": "dog"}]
    lines = table(tmp_path / "m.jsonl", '{"path": "a.jpg", "label": "cat", "split": null}')
    pq.write_table(pa.Table.from_pylist(records), tmp_path / "m.parquet")
    assert read_manifest(lines) == [Row("a.jpg", "cat")]
    assert read_manifest(tmp_path / "m.parquet") == [Row("a.jpg", "cat"), Row("b.jpg", "dog")]


def test_a_list_of_one_label_is_that_label_and_several_are_told(tmp_path):
    one, several = '{"path": "a.jpg", "label": ["cat"]}', '{"path": "b.jpg", "label": ["a", "b"]}'
    assert read_manifest(table(tmp_path / "m.jsonl", one)) == [Row("a.jpg", "cat")]
    _, left_out = read_manifest(table(tmp_path / "m.jsonl", one, several))
    assert left_out.excluded == "several labels: a, b"


@pytest.mark.parametrize(
    ("column", "cell", "meant"),
    [
        ("split", "Train", "train"),
        ("split", "VALIDATION", "val"),
        ("split", " testing ", "test"),
        ("width", "48.0", 48),
        ("height", "48,0", 48),
        ("excluded", "FALSE", ""),
        ("excluded", "x", "left out in the manifest"),
        ("label_quality", "0,5", 0.5),
        ("pixel_hash", "ABCDEF0123456789", "abcdef0123456789"),
    ],
)
def test_cells_are_understood_as_people_write_them(column, cell, meant):
    assert getattr(from_record({**as_record(ROWS[0]), column: cell}), column) == meant


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("split", "holdout-ish"),
        ("split", "1"),
        ("width", "1.5"),
        ("width", "large"),
        ("pixel_hash", "1.23457E+15"),
        ("pixel_hash", "123"),
        ("group", "1,2E+14"),
        ("label_quality", "good"),
        ("label_quality", "7"),
        ("label", ""),
        ("path", ""),
    ],
)
def test_cells_that_make_no_sense_are_refused_with_their_row(tmp_path, column, cell):
    records = [as_record(ROWS[0]), {**as_record(ROWS[1]), column: cell}]
    path = tmp_path / "m.csv"
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(records)
    with pytest.raises(DataError, match=rf"m\.csv: row 3: .*{column}"):
        read_manifest(path)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (("path,label", "a.jpg,cat", "a.jpg,dog"), "rows 2 and 3: a.jpg has several labels"),
        (("path,label", "a.jpg,cat,extra"), "row 2: 3 cells for 2 columns"),
        (("path,label,label", "a.jpg,cat,dog"), "column label is there twice"),
        (("name,kind", "a.jpg,cat"), "column path and label missing .*found name, kind"),
        (("path,label", '"a.jpg,cat'), "is no CSV"),
        (("",), "column path and label missing"),
    ],
)
def test_tables_that_make_no_sense_are_one_clear_line(tmp_path, lines, message):
    with pytest.raises(DataError, match=message) as refused:
        read_manifest(table(tmp_path / "m.csv", *lines))
    assert "\n" not in str(refused.value)


def test_a_table_in_another_encoding_is_refused_with_its_line(tmp_path):
    path = table(
        tmp_path / "m.csv", "path,label", "a.jpg,cat", "m\u00fcll.jpg,dog", encoding="latin-1"
    )
    with pytest.raises(DataError, match="line 3 is not UTF-8"):
        read_manifest(path)


@given(st.lists(st.text(st.characters(categories=None), min_size=1), min_size=1, unique=True))
def test_any_name_goes_into_a_manifest_and_comes_back(tmp_path_factory, names):
    rows = [Row(printable(name), printable(name)) for name in names]
    path = tmp_path_factory.mktemp("m") / "m.csv"
    write_manifest(path, rows)
    assert read_manifest(path) == rows


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ("path,label\na.jpg,cat\n".encode("utf-16-le"), "zero bytes"),
        ("path,label\na.jpg,cat\n".encode("utf-32"), "zero bytes"),
        (bytes(50), "zero bytes"),
        (b"PK\x03\x04" + bytes(50), "a spreadsheet or an archive"),
    ],
)
def test_what_is_no_text_is_told_what_to_save(tmp_path, data, told):
    (tmp_path / "m.csv").write_bytes(data)
    with pytest.raises(DataError, match=f"{told}.*Save the table as CSV in UTF-8"):
        read_manifest(tmp_path / "m.csv")


@pytest.mark.parametrize(
    ("path", "label", "split", "group"),
    [
        ("File Name", "Class Name", "Data Split", "Patient ID"),
        ("image-path", "ClassName", "Sub-Set", "group.id"),
    ],
)
def test_columns_are_known_however_their_words_are_parted(tmp_path, path, label, split, group):
    lines = (f"{path},{label},{split},{group}", "a.jpg,cat,Training,7")
    assert read_manifest(table(tmp_path / "m.csv", *lines)) == [
        Row("a.jpg", "cat", "train", group="7")
    ]


@pytest.mark.parametrize("cell", ['"cat,dog"', "cat|dog", "cat; dog", "\"['cat', 'dog']\""])
def test_a_cell_of_several_labels_is_told_as_that(tmp_path, cell):
    lines = ("path,label", "a.jpg,cat", "b.jpg,dog", f"c.jpg,{cell}", "d.jpg,['dog']")
    *_, several, one = read_manifest(table(tmp_path / "m.csv", *lines))
    assert (several.label, several.excluded) == ("", "several labels: cat, dog")
    assert one == Row("d.jpg", "dog")


def test_a_name_with_a_comma_is_a_name(tmp_path):
    lines = ("path,label", "a.jpg,salt", 'b.jpg,"salt, pepper"')
    assert [row.label for row in read_manifest(table(tmp_path / "m.csv", *lines))] == [
        "salt",
        "salt, pepper",
    ]
    rows = [Row(f"{name}.jpg", name) for name in ("cat", "dog", "cat,dog", "['cat']")]
    write_manifest(tmp_path / "ours.csv", rows)
    assert read_manifest(tmp_path / "ours.csv") == rows


def test_json_that_says_that_there_is_no_label_is_told_as_that(tmp_path):
    lines = ('{"path": "a.jpg", "label": "cat"}', '{"path": "b.jpg", "label": null}')
    _, none = read_manifest(table(tmp_path / "m.jsonl", *lines))
    assert none.excluded == "no label"


def test_a_text_of_json_lines_may_hold_any_letter(tmp_path):
    lines = ('{"path": "a.jpg", "label": "cat", "note": "one\u2028two\x85three"}',)
    assert read_manifest(table(tmp_path / "m.jsonl", *lines)) == [Row("a.jpg", "cat")]
