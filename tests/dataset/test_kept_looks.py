"""An audit that is killed goes on with what it has looked at."""

import json
import os

import pytest

from scenelet.dataset import kept_looks
from scenelet.dataset.audit import audit, look_at_all
from scenelet.dataset.dataset import Dataset
from scenelet.dataset.kept_looks import KeptLooks
from scenelet.engine import InProcess
from scenelet.shelf import FolderShelf


class Cut:
    """An engine that is killed after its first parts; `did` names the pictures it looked at."""

    workers = 1

    def __init__(self, most=1_000):
        self.did, self._most = [], most

    def map(self, make_worker, parts):
        for at, (part, done) in enumerate(InProcess().map(make_worker, parts)):
            if at == self._most:
                raise KeyboardInterrupt
            self.did += [row.path for row in part.items]
            yield part, done


@pytest.fixture
def at_once(monkeypatch):
    monkeypatch.setattr(kept_looks, "EACH_S", 0.0)


@pytest.fixture
def dataset(painted):
    return Dataset.open(painted)


def cut_short(dataset, shelf):
    engine = Cut(2)
    with pytest.raises(KeyboardInterrupt):
        audit(dataset, engine=engine, kept=KeptLooks(shelf))
    return engine.did


def test_an_audit_that_was_killed_looks_at_the_rest_alone_and_finds_the_same(
    dataset, tmp_path, at_once
):
    shelf = FolderShelf(tmp_path / "audit")
    done, rest = cut_short(dataset, shelf), Cut()
    kept = KeptLooks(shelf)
    found = audit(dataset, engine=rest, kept=kept)
    assert len(done) == 128
    assert sorted(done + rest.did) == sorted(row.path for row in dataset.rows)
    expected = audit(dataset, engine=InProcess())
    assert found.rows == expected.rows
    assert (found.near_duplicates, found.counts()) == (expected.near_duplicates, expected.counts())
    kept.remove()
    assert not (tmp_path / "audit" / "looks").exists()


def test_looks_of_another_place_version_or_day_are_not_taken(
    dataset, tmp_path, at_once, monkeypatch
):
    shelf = FolderShelf(tmp_path)
    cut_short(dataset, shelf)
    assert KeptLooks(shelf).of("elsewhere") == {}
    assert len(KeptLooks(shelf).of(dataset.source.name)) == 128
    monkeypatch.setattr(kept_looks, "__version__", "0.0.0-other")
    assert KeptLooks(shelf).of(dataset.source.name) == {}
    monkeypatch.undo()
    for path in (tmp_path / "looks").iterdir():
        os.utime(path, (0, 0))
    assert KeptLooks(shelf).of(dataset.source.name) == {}
    assert shelf.names("looks") == []


def test_what_is_damaged_is_looked_at_again(dataset, tmp_path, at_once):
    shelf = FolderShelf(tmp_path)
    cut_short(dataset, shelf)
    damage = (b"{", json.dumps({"path": 1}).encode())
    for name, data in zip(shelf.names("looks"), damage, strict=True):
        shelf.write(name, data)
    engine = Cut()
    look_at_all(dataset, engine=engine, kept=KeptLooks(shelf))
    assert len(engine.did) == len(dataset)
