import io
import json
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
    assert "folder without an image" in lines[1]["error"]


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
