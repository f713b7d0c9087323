"""What is kept of remote pictures: within its budget, whole, and for as long as it is the same."""

import os
import subprocess
import sys

import pytest

from scenelet.dataset.cache import Cache, pictures_cache
from scenelet.dataset.cache import _hash as named
from scenelet.dataset.kept_small import MOST_BYTES, KeptSmall
from scenelet.errors import ConfigError

LARGE = 2 * MOST_BYTES


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
    """Files of their own."""
    return [path for path in folder.rglob("*") if path.is_file() and path.parent != folder]


def small(folder):
    """Bytes on the disk and name of what lies in the database."""
    return {name: size for _, size, name in KeptSmall(folder / "small.sqlite").all()}


@pytest.mark.parametrize("size", [1000, LARGE])
def test_what_was_fetched_once_is_not_fetched_again(tmp_path, size):
    place, cache = Place(size), Cache(tmp_path, 10**9)
    assert place.get(cache, "a") == place.get(cache, "a") == b"a" * size
    cache._small.write()
    assert place.get(Cache(tmp_path, 10**9), "a") == b"a" * size  # another process
    assert place.asked == ["a"]
    assert (len(small(tmp_path)), len(kept(tmp_path))) == ((1, 0) if size < LARGE else (0, 1))


def test_the_budget_is_kept_by_small_and_large_and_what_was_used_last_stays(tmp_path):
    budget_bytes = 30 * LARGE
    cache, places = Cache(tmp_path, budget_bytes), (Place(LARGE), Place(LARGE // 4))
    first = [place.get(cache, "xy"[at]) for at, place in enumerate(places)]
    for number in range(60):
        places[number % 2].get(cache, chr(ord("!") + number))
        for at, place in enumerate(places):
            cache._small.write()
            cache._small._ask("UPDATE kept SET used = 2e9 WHERE name = ?", [(named("y"),)])
            os.utime(cache._place(named("x")), (2e9, 2e9))  # the last used, whatever the clock says
            assert place.get(cache, "xy"[at]) == first[at]
    assert [place.asked.count("xy"[at]) for at, place in enumerate(places)] == [1, 1]
    files = sum(path.stat().st_size for path in kept(tmp_path))
    assert len(kept(tmp_path)) > 1 < len(small(tmp_path))
    assert files + sum(small(tmp_path).values()) <= budget_bytes * 1.1


@pytest.mark.parametrize("size", [1000, LARGE])
def test_what_is_not_whole_is_fetched_anew(tmp_path, size):
    place, cache = Place(size), Cache(tmp_path, 10**9)
    place.get(cache, "a")
    for file in kept(tmp_path):
        file.write_bytes(file.read_bytes()[:500])
    cache._small.write()
    cache._small._ask("UPDATE kept SET data = substr(data, 1, 500)")
    assert place.get(cache, "a") == b"a" * size
    assert place.asked == ["a", "a"]
    assert place.get(cache, "a") == b"a" * size
    assert place.asked == ["a", "a"]


def test_a_database_that_is_spoilt_is_begun_anew(tmp_path):
    place = Place()
    cache = Cache(tmp_path, 10**9)
    place.get(cache, "a")
    cache._small.write()
    for file in tmp_path.glob("small.sqlite*"):
        file.write_bytes(b"spoilt " * 1000)
    for _ in range(3):
        cache = Cache(tmp_path, 10**9)
        assert place.get(cache, "a") == b"a" * 1000
        cache._small.write()
    assert place.asked[1:] == ["a"]


def test_processes_that_keep_at_once_lose_nothing(tmp_path):
    code = (
        "import pathlib, sys\nfrom scenelet.dataset.cache import Cache\n"
        f"cache = Cache(pathlib.Path({str(tmp_path)!r}), 10**9)\n"
        "for number in range(200): cache.get(f'{sys.argv[1]}-{number}', lambda: b'x' * 3000)\n"
    )
    running = [subprocess.Popen([sys.executable, "-c", code, name]) for name in "ab"]
    assert [process.wait(60) for process in running] == [0, 0]
    assert len(small(tmp_path)) == 400


def test_no_budget_keeps_nothing(tmp_path):
    place, cache = Place(), Cache(tmp_path, 0)
    place.get(cache, "a")
    assert not any(tmp_path.iterdir())


def test_a_disk_that_refuses_keeps_nobody_from_going_on(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    assert Place().get(Cache(tmp_path / "file" / "cache", 10**9), "a") == b"a" * 1000


def test_what_an_error_says_stays_and_is_not_kept(tmp_path):
    def broken():
        raise ValueError("gone")

    with pytest.raises(ValueError, match="gone"):
        Cache(tmp_path, 10**9).get("a", broken)
    assert not kept(tmp_path)
    assert not small(tmp_path)


@pytest.mark.parametrize("size", [1000, LARGE])
def test_killed_while_it_writes_leaves_what_is_whole_alone(tmp_path, size):
    code = (
        "import os, pathlib\nfrom scenelet.dataset.cache import Cache\n"
        f"cache = Cache(pathlib.Path({str(tmp_path)!r}), 10**9)\n"
        f"cache.get('a', lambda: b'a' * {size})\n"
        "cache._small.write()\n"
        "killed = lambda *_: os.kill(os.getpid(), 9)\n"
        "pathlib.Path.replace = killed\n"
        "cache._small._base.set_progress_handler(killed, 1)\n"
        f"cache.get('b', lambda: b'b' * {size})\n"
        "cache._small.write()\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    place, cache = Place(size), Cache(tmp_path, 10**9)
    assert (place.get(cache, "a"), place.get(cache, "b")) == (b"a" * size, b"b" * size)
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
