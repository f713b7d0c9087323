import contextlib
import io
import json
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from scenelet.export.golden import nasty_files

KEYS = {"source", "label", "probability", "probabilities"}


def answers(scenelet, *arguments):
    done = scenelet("predict", *arguments, "--json")
    return done, [json.loads(line) for line in done.out.splitlines()]


def test_json_is_one_object_a_line(bundle, painted, scenelet):
    done, lines = answers(
        scenelet,
        "--bundle",
        bundle,
        painted / "seg_pred",
        next((painted / "seg_test" / "sea").iterdir()),
    )
    assert done.code == 0, done.err
    assert len(lines) == 19
    assert all(set(line) >= KEYS for line in lines)


def test_every_nasty_image_is_answered(bundle, tmp_path, scenelet):
    for name, data in nasty_files().items():
        (tmp_path / name).write_bytes(data)
    done, lines = answers(scenelet, "--bundle", bundle, tmp_path)
    assert done.code == 0, done.err
    assert [line["source"] for line in lines] == [
        str(tmp_path / name) for name in sorted(nasty_files())
    ]


def bomb():
    buffer = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("empty.jpg", b"", "empty: 0 bytes"),
        ("text.jpg", b"just text", "not an image"),
        ("cut.jpg", nasty_files()["buildings.jpg"][:3000], "damaged JPEG: "),
        ("bomb.png", bomb(), "pixels"),
    ],
)
def test_one_bad_image_is_one_record_while_the_rest_goes_on(
    bundle, tmp_path, scenelet, name, content, error
):
    (tmp_path / name).write_bytes(content)
    (tmp_path / "z-good.jpg").write_bytes(nasty_files()["buildings.jpg"])
    done, (bad, good) = answers(scenelet, "--bundle", bundle, tmp_path)
    assert done.code == 1
    assert set(bad) == {"source", "error"}
    assert error in bad["error"]
    assert set(good) >= KEYS
    table = scenelet("predict", "--bundle", bundle, tmp_path)
    assert table.code == 1
    assert "z-good.jpg" in table.out
    assert table.err.strip().startswith(str(tmp_path / name))


def test_missing_files_and_empty_folders_are_records(bundle, tmp_path, scenelet):
    done, lines = answers(scenelet, "--bundle", bundle, tmp_path / "nope.jpg", tmp_path)
    assert done.code == 1
    assert lines[0]["error"] == "can't be read: No such file or directory"
    assert "no image in it" in lines[1]["error"]


def test_parts_of_a_place_without_a_picture_are_refused_with_what_lies_there(
    bundle, tmp_path, scenelet
):
    (tmp_path / "photos" / "none").mkdir(parents=True)
    (tmp_path / "photos" / "notes.txt").write_text("words")
    done = scenelet("predict", "--bundle", bundle, tmp_path / "photos", "--out", tmp_path / "parts")
    assert done.code == 1
    assert "no image in it" in done.err
    assert "1 file: 0 used, 0 left out, 1 passed over (1 not an image file); folders: 1" in done.err


def test_a_url_is_fetched_only_from_where_it_may(bundle, image_site, scenelet):
    image_site.content = nasty_files()["street-grey.jpg"]
    refused, (line,) = answers(scenelet, "--bundle", bundle, image_site.url)
    allowed, (answer,) = answers(
        scenelet, "--bundle", bundle, image_site.url, "--trust-host", image_site.host
    )
    assert refused.code == 1
    assert "not a public address" in line["error"]
    assert allowed.code == 0
    assert set(answer) >= KEYS


@pytest.mark.parametrize("bundle_name", ["nowhere", "."])
def test_a_missing_bundle_is_one_line_and_exit_code_1(tmp_path, scenelet, bundle_name):
    done = scenelet("predict", "--bundle", bundle_name, "x.jpg", cwd=tmp_path)
    assert done.code == 1
    assert "no bundle here" in done.err
    assert len(done.err.splitlines()) == 1


def test_wrong_usage_exits_with_2(scenelet):
    assert scenelet("predict").code == 2
    assert scenelet("predict", "--nonsense", "x").code == 2


def test_strange_file_names_are_shown_as_they_are(bundle, tmp_path, scenelet):
    (tmp_path / "[red]ü.jpg").write_bytes(nasty_files()["buildings.jpg"])
    assert "[red]ü.jpg" in scenelet("predict", "--bundle", bundle, tmp_path).out


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="needs a device that never ends")
def test_a_device_that_never_ends_is_one_record(bundle, scenelet):
    _, (line,) = answers(scenelet, "--bundle", bundle, "/dev/zero")
    assert line["error"] == "can't be read: a device, no file"


def test_a_table_may_go_into_a_folder_that_is_not_there_yet(bundle, painted, tmp_path, scenelet):
    out = tmp_path / "new" / "folder" / "answers.csv"
    done = scenelet("predict", "--bundle", bundle, painted / "seg_pred", "--out", out)
    assert done.code == 0, done.err
    assert out.is_file()


@pytest.mark.parametrize("kind", ["list.csv", "list.jsonl", "photos.zip", "zip://photos.zip"])
@pytest.mark.parametrize("out", [(), ("--out", "answers.csv")])
def test_what_holds_pictures_is_answered_with_or_without_labels(
    bundle, tmp_path, scenelet, kind, out
):
    names = ["photos/one.jpg", "photos/two.jpg"]
    (tmp_path / "photos").mkdir()
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        for name in (*names, "photos/nobody-asked.jpg"):
            (tmp_path / name).write_bytes(nasty_files()["buildings.jpg"])
        archive.write(tmp_path / names[0], "one.jpg")
        archive.write(tmp_path / names[1], "two.jpg")
    (tmp_path / "list.csv").write_text("path\n" + "\n".join(names))
    (tmp_path / "list.jsonl").write_text("\n".join(json.dumps({"image": name}) for name in names))
    with contextlib.chdir(tmp_path):
        done = scenelet("predict", "--bundle", bundle, kind, *(out or ("--json",)))
    assert done.code == 0, done.err
    answered = (tmp_path / "answers.csv").read_text() if out else done.out
    assert [answered.count(name) for name in ("one.jpg", "two.jpg", "nobody-asked")] == [1, 1, 0]


@pytest.mark.parametrize("out", [(), ("--out", "answers.csv")])
def test_the_columns_of_a_table_and_where_its_paths_start_may_be_said(
    bundle, tmp_path, scenelet, out
):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "one.jpg").write_bytes(nasty_files()["buildings.jpg"])
    (tmp_path / "list.csv").write_text("scan,day\none.jpg,2026-11-29\n")
    said = ("--images", "photos", "--column", "path=scan")
    with contextlib.chdir(tmp_path):
        done = scenelet("predict", "--bundle", bundle, "list.csv", *said, *(out or ("--json",)))
    assert done.code == 0, done.err
    answered = (tmp_path / "answers.csv").read_text() if out else done.out
    assert "one.jpg" in answered


def test_a_folder_has_no_place_where_its_paths_start(bundle, painted, scenelet):
    place = painted / "seg_pred"
    done = scenelet("predict", "--bundle", bundle, place, "--images", place)
    assert done.code == 1
    assert "is no table" in done.out + done.err


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("s3://nobody/none.jpg", "can't be read"),
        ("fantasy://nobody/none", "nothing is known of fantasy://"),
        ("empty.zip", "nothing there"),
        ("pathless.csv", "column path missing"),
    ],
)
def test_a_place_that_can_not_be_had_is_one_record_while_the_rest_goes_on(
    bundle, tmp_path, scenelet, monkeypatch, place, told
):
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    zipfile.ZipFile(tmp_path / "empty.zip", "w").close()
    (tmp_path / "pathless.csv").write_text("colour\nred\n")
    (tmp_path / "good.jpg").write_bytes(nasty_files()["buildings.jpg"])
    with contextlib.chdir(tmp_path):
        done, lines = answers(scenelet, "--bundle", bundle, place, "good.jpg")
    assert done.code == 1
    assert told in lines[0]["error"]
    assert "label" in lines[1]
