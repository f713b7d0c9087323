"""Pictures in Google's and Azure's stores: real clients over HTTP, an emulator of each on loopback.

Neither is in the extra dev: `pip install gcsfs gcp-storage-emulator adlfs`, `npm install azurite`.
"""

import os
import shutil
import subprocess
import sys

import fsspec
import pytest
from servers import free_port, wait_until_answers

from scenelet.dataset.bucket import shelf_at
from scenelet.dataset.dataset import Dataset

pytestmark = pytest.mark.aws
KEY = (  # the one that every emulator of Azure's has
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)


def google(port, folder, monkeypatch):
    pytest.importorskip("gcsfs", reason="needs the extra gs")
    pytest.importorskip("gcp_storage_emulator", reason="needs PyPI's gcp-storage-emulator")
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{port}")
    code = "from gcp_storage_emulator.__main__ import main; main()"
    words = ["start", "--host", "127.0.0.1", "--port", str(port), "--in-memory"]
    return [sys.executable, "-c", code, *words], "gs://photos/set"


def azure(port, folder, monkeypatch):
    pytest.importorskip("adlfs", reason="needs the extra az")
    azurite = shutil.which("azurite-blob")
    if azurite is None:
        pytest.skip("needs npm's azurite on the path")
    monkeypatch.setenv(
        "AZURE_STORAGE_CONNECTION_STRING",
        f"DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey={KEY};"
        f"BlobEndpoint=http://127.0.0.1:{port}/devstoreaccount1;",
    )
    words = ["--blobHost", "127.0.0.1", "--blobPort", str(port), "--location", str(folder)]
    return [azurite, *words, "--silent", "--skipApiVersionCheck"], "az://photos/set"


@pytest.fixture(scope="module", params=[google, azure], ids=["gs", "az"])
def place(request, tmp_path_factory):
    """An address in a store that was empty."""
    folder = tmp_path_factory.mktemp("store")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SCENELET_CACHE", str(folder / "cache"))
        port = free_port()
        command, address = request.param(port, folder / "store", patch)
        yield from answering(command, address, port)


def answering(command, address, port):
    """The address, while an emulator runs."""
    with open(os.devnull, "wb") as nowhere:
        process = subprocess.Popen(command, stdout=nowhere, stderr=nowhere)
    try:
        wait_until_answers(f"http://127.0.0.1:{port}/", process)
        system = fsspec.core.url_to_fs(address)[0]
        system.mkdir("photos")
        yield address
    finally:
        process.kill()
        process.wait()


def test_a_store_is_read_and_written_as_a_folder_is(place, painted, scenelet, tmp_path):
    source = tmp_path / "few"
    for path in sorted((painted / "seg_train").glob("*/*.jpg"))[::8]:
        (source / path.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, source / path.parent.name)
    system, root = fsspec.core.url_to_fs(place)
    system.put(f"{source}/", f"{root}/", recursive=True)
    here, there = Dataset.open(source).examined(), Dataset.open(place).examined()
    assert len(there.used) == len(list(source.rglob("*.jpg")))
    assert there.rows == here.rows
    done = scenelet("data", "audit", place, "--no-labels", "--out", f"{place}-audit")
    assert done.code == 0, done.err
    assert "manifest.csv" in shelf_at(f"{place}-audit").names()


def test_of_two_who_claim_an_object_one_is_told_yes(place):
    if place.startswith("gs"):
        pytest.skip("the emulator does not heed ifGenerationMatch, by which gcsfs claims")
    shelf = shelf_at(f"{place}-shelf")
    assert shelf.claim("one", b"first")
    assert not shelf.claim("one", b"second")
    assert shelf.read("one") == b"first"
    assert shelf.age_s("one") < 600
    shelf.remove("one")
    assert shelf.names() == [] or shelf.names() == [".clock"]
