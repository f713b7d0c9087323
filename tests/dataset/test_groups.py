import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenelet.dataset.dataset import Dataset
from scenelet.dataset.groups import count_groups, grouped
from scenelet.dataset.manifest import read_manifest
from scenelet.dataset.row import Row
from scenelet.dataset.sources import Folder
from scenelet.dataset.split import split_validation
from scenelet.errors import ConfigError, DataError


def data_set(*rows):
    return Dataset(Folder("photos"), tuple(rows))


def row(path, label="sea", pixels=None, group="", excluded=""):
    return Row(path, label, pixel_hash=pixels or path, group=group, excluded=excluded)


WRITERS = [
    row(f"{label}/{writer}_{number}.png", label)
    for label in ("alpha", "beta")
    for writer in ("ann", "bob", "cid", "dan", "eve")
    for number in range(3)
]


def test_a_split_by_a_pattern_keeps_each_writer_on_one_side():
    found = grouped(data_set(*WRITERS), r"/([a-z]+)_")
    assert count_groups(found.rows) == 5
    decided = split_validation(found.rows, 0.2, 0)
    sides = {(each.path.split("/")[1].split("_")[0], each.split) for each in decided}
    assert len(sides) == 5
    assert {split for _, split in sides} == {"train", "val"}


def test_a_pattern_without_a_group_takes_all_that_it_matches():
    assert {each.group for each in grouped(data_set(*WRITERS), "ann|bob|cid|dan|eve").rows} == {
        "ann", "bob", "cid", "dan", "eve",
    }  # fmt: skip


def test_a_column_of_the_manifest_names_the_groups(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text("path,label,Patient\na/1.png,a,p 1\na/2.png,a,p 2\nb/1.png,b,p 1\n")
    found = grouped(data_set(*read_manifest(path)), "patient", path)
    assert [each.group for each in found.rows] == ["p 1", "p 2", "p 1"]


def test_groups_that_share_a_picture_become_one_and_left_out_rows_stay_as_they_are():
    found = grouped(
        data_set(
            row("x/ann.png", pixels="same"),
            row("x/bob.png", pixels="same"),
            row("x/cid.png", group="kin"),
            row("x/dan.png", group="kin"),
            row("x/eve.png"),
            row("y/none", excluded="empty"),
        ),
        r"(\w+)\.png",
    )
    groups = [each.group for each in found.rows]
    assert groups[0] == groups[1] != groups[2] == groups[3] != groups[4]
    assert groups[5] == ""


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=30))
def test_whatever_shares_a_group_or_a_picture_ends_together(pairs):
    rows = [row(f"{n}/w{w}.", pixels=f"p{p}") for n, (w, p) in enumerate(pairs)]
    found = grouped(data_set(*rows), r"w\d").rows
    for one, (writer, pixels) in zip(found, pairs, strict=True):
        for other, (other_writer, other_pixels) in zip(found, pairs, strict=True):
            if writer == other_writer or pixels == other_pixels:
                assert one.kin == other.kin


def test_an_image_without_a_group_or_what_is_no_expression_is_refused():
    with pytest.raises(DataError, match=r"1 of 31 images have no group \(the first: odd"):
        grouped(data_set(*WRITERS, row("odd")), r"/([a-z]+)_")
    with pytest.raises(ConfigError, match="no column of the manifest, nor a regular expression"):
        grouped(data_set(*WRITERS), "(")
