"""What is written to an address appears there whole or not at all."""

from pathlib import Path

import fsspec
import pytest

from scenelet.dataset.sink import placed
from scenelet.errors import ArtefactError, MissingExtraError

MEMORY = fsspec.filesystem("memory")


@pytest.fixture(autouse=True)
def emptied():
    yield
    for path in list(MEMORY.store):
        MEMORY.store.pop(path)


def bundle(folder, content=b"1"):
    for name in ("bundle.json", "model.tflite", "golden/a.jpg"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def there(root):
    return {path.removeprefix(f"/{root}/"): MEMORY.cat_file(path) for path in MEMORY.find(root)}


def test_a_place_on_this_machine_is_written_where_it_is(tmp_path):
    with placed(tmp_path / "report.html") as out:
        assert out == tmp_path / "report.html"


def test_a_file_and_a_folder_are_sent_when_they_are_whole():
    with placed(Path("memory://sink/report.html")) as out:
        out.write_text("words")
        assert not there("sink")
    assert there("sink") == {"report.html": b"words"}
    with placed(Path("memory://sink/bundle")) as out:
        bundle(out)
    assert set(there("sink/bundle")) == {"bundle.json", "model.tflite", "golden/a.jpg"}


def test_what_fails_in_the_making_is_not_sent():
    def make():
        with placed(Path("memory://sink/bundle")) as out:
            bundle(out)
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        make()
    assert not there("sink")


def test_where_sending_breaks_off_nothing_new_is_left(monkeypatch):
    sent, pipe = [], type(MEMORY).pipe_file

    def broken(self, path, value, **more):
        sent.append(path)
        if len(sent) == 3:
            raise ConnectionResetError("secret words")
        pipe(self, path, value, **more)

    monkeypatch.setattr(type(MEMORY), "pipe_file", broken)
    with pytest.raises(ArtefactError) as told, placed(Path("memory://sink/bundle")) as out:
        bundle(out)
    assert sent[-1].endswith("bundle.json")  # what a reader opens first comes last
    assert not there("sink")
    assert "secret" not in str(told.value)


def test_where_sending_breaks_off_what_stood_there_stands_again(monkeypatch):
    with placed(Path("memory://sink/bundle")) as out:
        bundle(out, b"old")
    before, pipe = there("sink"), type(MEMORY).pipe_file

    def broken(self, path, value, **more):
        if path.endswith("bundle.json") and value == b"new":
            raise ConnectionResetError
        pipe(self, path, value, **more)

    monkeypatch.setattr(type(MEMORY), "pipe_file", broken)
    told = pytest.raises(ArtefactError)
    with told, placed(Path("memory://sink/bundle")) as out:
        bundle(out, b"new")
        (out / "more.txt").write_text("new")
    assert there("sink") == before


def test_a_package_that_is_missing_is_told_before_the_work(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "gcsfs", None)
    told = pytest.raises(MissingExtraError, match=r"scenelet\[gs\]")
    with told, placed(Path("gs://bucket/report.html")):
        raise AssertionError("nothing is made for it")
