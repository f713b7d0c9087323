"""kagglehub against a stand-in of Kaggle's API on loopback."""

import contextlib
import http.server
import io
import itertools
import json
import socket
import zipfile
from collections import Counter
from dataclasses import replace
from typing import ClassVar

import pytest
from servers import serving

from scenelet.dataset.dataset import Dataset
from scenelet.dataset.get import KNOWN

pytestmark = pytest.mark.pipeline
# kagglehub's own environments on loopback; the second prints every answer whole, and so can't be
# cut half-way
ENVIRONMENTS = (("LOCALHOST", 80), ("TEST", 7777))


def hundredth(name, monkeypatch):
    """A known data set, with a hundredth of its images."""
    known = KNOWN[name]
    labelled = {
        part: {label: count // 100 for label, count in labels.items()}
        for part, labels in known.labelled.items()
    }
    totals = {part: count // 100 for part, count in known.totals.items()}
    small = replace(known, labelled=labelled, totals=totals)
    monkeypatch.setitem(KNOWN, name, small)
    return small


@pytest.fixture
def data_set(monkeypatch):
    return hundredth("intel-scenes", monkeypatch)


def packed(data_set, again=""):
    """Its layout with the right counts; more than the megabyte that kagglehub writes at once."""
    labelled = (
        f"{part}/{again or part}/{label}/{number}.jpg"
        for part, labels in data_set.labelled.items()
        for label, count in labels.items()
        for number in range(count)
    )
    unlabelled = (
        f"{part}/{again or part}/{number}.jpg"
        for part, count in data_set.totals.items()
        for number in range(count)
    )
    return zipped(itertools.chain(labelled, unlabelled))


def zipped(names):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name in names:
            file.writestr(name, b"x" * 10_000)
    return buffer.getvalue()


@pytest.fixture
def archive(data_set):
    return packed(data_set)


class Kaggle(http.server.BaseHTTPRequestHandler):
    """Answers what `dataset_download` asks; may hang up half-way."""

    protocol_version = "HTTP/1.1"
    content = b""
    can_be_cut = True
    hang_up_after: int | None = None
    served: ClassVar[list[tuple[str, int]]] = []

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path.endswith("GetDataset"):
            self.reply(
                200,
                json.dumps({"currentVersionNumber": 2}).encode(),
                {"Content-Type": "application/json"},
            )
        else:
            self.serve(0)

    def do_GET(self):
        self.serve(int(self.headers["Range"].removeprefix("bytes=").rstrip("-")))

    def serve(self, start):
        body = self.content[start:]
        Kaggle.served.append((self.command, start))
        headers = {"Accept-Ranges": "bytes", "Content-Type": "application/zip"}
        if Kaggle.hang_up_after is not None:
            part, Kaggle.hang_up_after = body[: Kaggle.hang_up_after], None
            self.reply(200, part, headers, promised=len(body))
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        else:
            self.reply(206 if start else 200, body, headers)

    def reply(self, status, body, headers, promised=None):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(promised or len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def kaggle(archive, monkeypatch):
    Kaggle.content, Kaggle.hang_up_after, Kaggle.served = archive, None, []
    server = None
    for name, port in ENVIRONMENTS:
        with contextlib.suppress(OSError):
            server = server or http.server.ThreadingHTTPServer(("127.0.0.1", port), Kaggle)
            monkeypatch.setenv(
                "KAGGLE_API_ENVIRONMENT", name if server.server_port == port else "LOCALHOST"
            )
    if server is None:
        pytest.skip("no port for the stand-in: 80 needs the right to it, 7777 is taken")
    Kaggle.can_be_cut = server.server_port == 80
    with serving(server):
        yield Kaggle


def test_the_data_set_is_downloaded_verified_and_not_downloaded_twice(kaggle, tmp_path, scenelet):
    done = scenelet("data", "get", "intel-scenes", "--to", tmp_path / "intel")
    assert done.code == 0, done.err
    assert "seg_train 137, seg_test 28, seg_pred 73" in done.out
    assert [path.name for path in tmp_path.iterdir()] == ["intel"]
    assert len(kaggle.served) == 1
    assert scenelet("data", "get", "intel-scenes", "--to", tmp_path / "intel").code == 0
    assert len(kaggle.served) == 1


@pytest.mark.parametrize("name", ["flowers", "eurosat", "cats-and-dogs"])
def test_other_public_sets_are_known_by_name_and_open_as_they_are(
    kaggle, tmp_path, scenelet, name, monkeypatch
):
    small = hundredth(name, monkeypatch)
    kaggle.content = packed(small, again="." if small.folder else "")
    done = scenelet("data", "get", name, "--to", tmp_path / "got")
    assert done.code == 0, done.err
    found = Dataset.open(tmp_path / "got" / small.folder)
    labelled = small.labelled
    assert len(found) == sum(sum(labels.values()) for labels in labelled.values())
    assert set(found.class_names) == {label for labels in labelled.values() for label in labels}
    assert all(row.split in ("train", "test") for row in found.rows) == (len(labelled) > 1)


def test_clothing_is_counted_by_part_for_no_count_of_its_classes_is_published(
    kaggle, tmp_path, scenelet, monkeypatch
):
    small = hundredth("clothing", monkeypatch)
    kaggle.content = zipped(
        f"{part}/{('dress', 'hat')[number % 2]}/{number}.jpg"
        for part, count in small.totals.items()
        for number in range(count)
    )
    done = scenelet("data", "get", "clothing", "--to", tmp_path / "got")
    assert done.code == 0, done.err
    assert "train 30, validation 3, test 3" in done.out
    found = Dataset.open(tmp_path / "got")
    assert Counter(row.split for row in found.rows) == {"train": 30, "val": 3, "test": 3}
    assert found.class_names == ("dress", "hat")


def test_a_download_cut_half_way_goes_on_where_it_was(kaggle, tmp_path, scenelet):
    if not kaggle.can_be_cut:
        pytest.skip("needs the right to listen on port 80")
    kaggle.hang_up_after = 1_500_000
    done = scenelet("data", "get", "intel-scenes", "--to", tmp_path / "intel")
    assert done.code == 1
    assert "Run the same command again to go on" in done.err
    assert len(done.err.strip().splitlines()[-1:]) == 1
    assert not (tmp_path / "intel").exists()
    assert scenelet("data", "get", "intel-scenes", "--to", tmp_path / "intel").code == 0
    resumed = [start for command, start in kaggle.served if command == "GET"]
    assert resumed
    assert resumed[0] > 0


def test_an_incomplete_data_set_is_refused_with_every_difference(kaggle, tmp_path, scenelet):
    with zipfile.ZipFile(io.BytesIO(kaggle.content)) as full:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as cut:
            for name in full.namelist():
                if "/glacier/" not in name:
                    cut.writestr(name, b"x")
    kaggle.content = buffer.getvalue()
    done = scenelet("data", "get", "intel-scenes", "--to", tmp_path / "intel")
    assert done.code == 1
    assert "seg_train/glacier 0 v 24; seg_test/glacier 0 v 5" in done.err
    assert not (tmp_path / "intel").exists()


def test_offline_a_line_names_the_manual_way(tmp_path, scenelet, monkeypatch):
    monkeypatch.setenv("KAGGLE_API_ENVIRONMENT", "TEST")  # nobody listens there now
    done = scenelet("data", "get", "intel-scenes", "--to", tmp_path / "intel")
    assert done.code == 1
    assert (
        "download it by hand from"
        " https://www.kaggle.com/datasets/puneet6060/intel-image-classification" in done.err
    )


def test_an_unknown_name_lists_the_known(tmp_path, scenelet):
    done = scenelet("data", "get", "imagenet", "--to", tmp_path / "x")
    assert done.code == 1
    assert done.err.strip() == f"scenelet: imagenet: unknown data set, expected {', '.join(KNOWN)}"
