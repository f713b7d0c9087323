"""What is kept of remote pictures: within its budget, whole, and for as long as it is the same."""

import os
import subprocess
import sys

import pytest

from scenelet.dataset.cache import Cache, pictures_cache
from scenelet.errors import ConfigError


class Place:
    """Something far away that counts how often it is asked."""

    def __init__(self, size=1000):
        self.asked, self.size = [], size

    def get(self, cache, key):
        def fetch():
            self.asked.append(key)
            return key.encode() * self.size

        return cache.get(key, fetch)


def kept(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def test_what_was_fetched_once_is_not_fetched_again(tmp_path):
    place, cache = Place(), Cache(tmp_path, 10**9)
    assert place.get(cache, "a") == place.get(cache, "a") == b"a" * 1000
    assert place.get(Cache(tmp_path, 10**9), "a") == b"a" * 1000  # another process
    assert place.asked == ["a"]


def test_the_budget_is_kept_and_what_was_used_last_stays(tmp_path):
    place, cache = Place(), Cache(tmp_path, 10_000)
    for number in range(30):
        place.get(cache, f"{number % 10}")
        place.get(cache, "x")
        os.utime(cache._place("x"), (2e9, 2e9))  # used after all others, whatever the clock says
    for number in range(100, 130):
        place.get(cache, f"{number}")
    assert place.asked.count("x") == 1
    assert sum(path.stat().st_size for path in kept(tmp_path)) <= 10_000 * 1.05


def test_a_file_that_is_not_whole_is_fetched_anew(tmp_path):
    place, cache = Place(), Cache(tmp_path, 10**9)
    place.get(cache, "a")
    (file,) = kept(tmp_path)
    file.write_bytes(file.read_bytes()[:500])
    assert place.get(cache, "a") == b"a" * 1000
    assert place.asked == ["a", "a"]
    assert place.get(cache, "a") == b"a" * 1000
    assert place.asked == ["a", "a"]


def test_no_budget_keeps_nothing(tmp_path):
    place, cache = Place(), Cache(tmp_path, 0)
    place.get(cache, "a")
    assert not kept(tmp_path)


def test_a_disk_that_refuses_keeps_nobody_from_going_on(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    assert Place().get(Cache(tmp_path / "file" / "cache", 10**9), "a") == b"a" * 1000


def test_what_an_error_says_stays_and_is_not_kept(tmp_path):
    def broken():
        raise ValueError("gone")

    with pytest.raises(ValueError, match="gone"):
        Cache(tmp_path, 10**9).get("a", broken)
    assert not kept(tmp_path)


def test_killed_while_it_writes_leaves_whole_files_alone(tmp_path):
    code = (
        "import os, pathlib\nfrom scenelet.dataset.cache import Cache\n"
        f"cache = Cache(pathlib.Path({str(tmp_path)!r}), 10**9)\n"
        "cache.get('a', lambda: b'a' * 1000)\n"
        "pathlib.Path.replace = lambda *_: os.kill(os.getpid(), 9)\n"
        "cache.get('b', lambda: b'b' * 1000)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    place, cache = Place(), Cache(tmp_path, 10**9)
    assert (place.get(cache, "a"), place.get(cache, "b")) == (b"a" * 1000, b"b" * 1000)
    assert place.asked == ["b"]


@pytest.mark.parametrize("folder", ["kept", "50% off? #1"])
def test_stamps_are_those_of_the_last_listing(folder, tmp_path):
    cache = Cache(tmp_path / folder, 10**9)
    stamps = cache.stamps_of("s3://bucket")
    assert stamps.of("a.jpg") == ""
    stamps.write([("a.jpg", "1"), ("Käse.jpg", "2")])
    assert (stamps.of("a.jpg"), stamps.of("Käse.jpg")) == ("1", "2")
    stamps.write([("a.jpg", "3")])
    assert (stamps.of("a.jpg"), stamps.of("Käse.jpg")) == ("3", "")


def test_the_environment_says_where_and_how_much(tmp_path, monkeypatch):
    monkeypatch.setenv("SCENELET_CACHE", str(tmp_path))
    monkeypatch.setenv("SCENELET_CACHE_GB", "0.5")
    cache = pictures_cache()
    assert (cache.folder, cache.budget_bytes) == (tmp_path, 500_000_000)
    monkeypatch.setenv("SCENELET_CACHE_GB", "much")
    with pytest.raises(ConfigError, match="SCENELET_CACHE_GB: found 'much'"):
        pictures_cache()
