"""Jobs in parts on two ray nodes: the same as on this machine, though worker or driver is killed.

A machine that is lost takes longer: `benchmarks/cluster.py`.
"""

import json
import shutil
import socket
import sys
import time
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from commands import run_process
from deadly import DeadlyPlace
from killing import kill_one, run_and_die, while_it_runs
from servers import free_port

from scenelet.errors import ClusterError
from scenelet.serve.parts import predict_parts

pytestmark = pytest.mark.aws


@pytest.fixture(scope="module")
def photos(painted, tmp_path_factory, cluster):
    """162 scenes and two bad files, at an address."""
    folder = tmp_path_factory.mktemp("photos")
    for path in sorted(painted.rglob("*.jpg")):
        (folder / path.parent.name).mkdir(exist_ok=True)
        shutil.copy(path, folder / path.parent.name)
    (folder / "sea" / "broken.jpg").write_bytes(b"\xff\xd8\xff broken")
    (folder / "sea" / "empty.jpg").write_bytes(b"")
    fsspec.filesystem("s3").put(f"{folder}/", "ray-tests/photos/", recursive=True)
    return "s3://ray-tests/photos"


@pytest.fixture(scope="module")
def expected(photos, bundle, scenelet, tmp_path_factory):
    """The rows of `predict --out` on this machine."""
    out = tmp_path_factory.mktemp("local") / "answers.parquet"
    done = scenelet("predict", photos, "--bundle", bundle, "--out", out)
    assert done.code == 0, done.err
    return pq.read_table(out).to_pylist()


def rows(address):
    """All rows of all parts, in the order of the parts."""
    system = fsspec.filesystem("s3", skip_instance_cache=True)
    names = [name for name in sorted(system.find(address)) if "/part-" in name]
    return [
        row
        for name in names
        for row in pq.read_table(pa.BufferReader(system.cat_file(name))).to_pylist()
    ]


def command(photos, bundle, out, cluster, *more):
    return ["predict", photos, "--bundle", bundle, "--out", out, *cluster.flags, *more]


def test_a_cluster_answers_as_this_machine_does_in_every_field_though_a_worker_is_killed(
    photos, expected, bundle, cluster, scenelet
):
    done = while_it_runs(
        lambda: scenelet(*command(photos, bundle, "s3://ray-tests/one", cluster)),
        lambda: kill_one("ray::_work"),
    )
    assert done.code == 0, done.err
    assert len(expected) == 164
    assert rows("s3://ray-tests/one") == expected
    summary = json.loads(fsspec.filesystem("s3").cat_file("ray-tests/one/summary.json"))
    assert (summary["rows"], summary["errors"], summary["parts"]) == (164, 2, 4)
    again = scenelet(*command(photos, bundle, "s3://ray-tests/one", cluster))
    assert (again.code, "is complete already" in again.err) == (1, True)


def test_parts_are_answered_by_this_machine_too(photos, expected, bundle, scenelet, tmp_path):
    done = scenelet("predict", photos, "--bundle", bundle, "--out", tmp_path / "answers")
    assert done.code == 0, done.err
    assert "164 files: 162 used, 2 left out (" in done.err
    names = sorted((tmp_path / "answers").glob("part-*.parquet"))
    assert [row for name in names for row in pq.read_table(name).to_pylist()] == expected


def test_a_picture_that_kills_its_process_ends_the_job_with_its_part_named(
    painted, bundle, cluster, tmp_path
):
    from scenelet.cluster.connection import connected
    from scenelet.cluster.engine import RayEngine
    from scenelet.shelf import FolderShelf

    place = DeadlyPlace(next(painted.rglob("*.jpg")).read_bytes())
    with connected(cluster.address), pytest.raises(ClusterError) as told:
        predict_parts(bundle, place, FolderShelf(tmp_path), RayEngine())
    assert "part-000001.parquet (050.jpg to 099.jpg): the process was killed" in str(told.value)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["listing.parquet", "part-000000.parquet", "part-000002.parquet"]


AFTER_A_PART = """
from scenelet.dataset import kept_looks
kept_looks.EACH_S, add = 0, kept_looks.KeptLooks.add
kept_looks.KeptLooks.add = lambda *told: (add(*told), die())
"""


def test_an_audit_whose_driver_and_worker_are_killed_goes_on_and_is_that_of_this_machine(
    painted, cluster, scenelet, tmp_path
):
    def words(out, *flags):
        return ("data", "audit", painted, "--out", tmp_path / out, "--no-labels", *flags)

    here = scenelet(*words("here"))
    assert here.code == 0, here.err
    run_and_die(words("cluster", *cluster.flags), AFTER_A_PART)
    (kept,) = (tmp_path / "cluster" / "looks").iterdir()
    assert len(kept.read_text().splitlines()) in (64, 52)
    done = while_it_runs(
        lambda: scenelet(*words("cluster", *cluster.flags)), lambda: kill_one("ray::_work")
    )
    assert done.code == 0, done.err
    assert not kept.exists()
    for name in ("manifest.csv", "audit.json"):
        found, expected = ((tmp_path / out / name).read_text() for out in ("cluster", "here"))
        assert found == expected


def test_a_cluster_measures_what_this_machine_measures(photos, bundle, cluster, scenelet):
    words = ("evaluate", bundle, photos, "--part", "val", "--json")
    here, there = scenelet(*words), scenelet(*words, *cluster.flags)
    assert (here.code, there.code) == (0, 0), there.err
    assert there.out == here.out
    assert json.loads(there.out)["excluded"]


def test_a_cluster_packs_what_this_machine_packs(painted, cluster, scenelet, tmp_path):
    done = scenelet("data", "pack", painted, "s3://ray-tests/packed", *cluster.flags)
    assert done.code == 0, done.err
    here = scenelet("data", "pack", painted, tmp_path / "packed")
    assert here.code == 0, here.err
    system = fsspec.filesystem("s3", skip_instance_cache=True)
    for name in ("pack.json", "rows.parquet", "shard-000000.parquet"):
        there = system.cat_file(f"ray-tests/packed/{name}")
        assert there == (tmp_path / "packed" / name).read_bytes()


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("127.0.0.2:{free}", "nothing answers at"),
        ("127.0.0.2:{other}", "is no head of a Ray cluster"),
        ("ray://127.0.0.1:10001", "expected auto, local or HOST:PORT"),
        ("head:of-all", "expected auto, local or HOST:PORT"),
    ],
)
def test_an_address_where_no_cluster_is_is_told_at_once(
    address, message, painted, bundle, tmp_path, scenelet
):
    begun_s = time.monotonic()
    with socket.create_server(("127.0.0.2", 0)) as other:
        place = address.format(free=free_port(), other=other.getsockname()[1])
        where = ("--engine", "ray", "--address", place)
        told = refused(painted, bundle, tmp_path, scenelet, where)
    assert message in told
    assert time.monotonic() - begun_s < 5


def refused(painted, bundle, out, scenelet, where):
    done = scenelet("predict", painted, "--bundle", bundle, "--out", out / "out", *where)
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert not (out / "out").exists()
    return done.err


def test_a_head_that_does_not_know_the_token_says_so_at_once(cluster):
    begun_s = time.monotonic()
    done = run_process("doctor", *cluster.flags, env={"RAY_AUTH_TOKEN": "of-another"})
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert "asks for a token" in done.err
    assert time.monotonic() - begun_s < 30  # ray itself would ask twenty times


def test_nodes_that_run_something_else_or_lack_something_are_named(cluster, monkeypatch):
    from scenelet.cluster import nodes
    from scenelet.cluster.connection import connected

    def refusal(check, *told):
        with pytest.raises(ClusterError) as raised:
            check(*told)
        return str(raised.value)

    with connected(cluster.address):
        unseen = refusal(nodes.require_fit, [Path.cwd(), Path("/not/anywhere")])
        assert "/not/anywhere: node 127.0.0." in unseen
        assert "lacks torchless" in refusal(nodes.require_fit, (), ["torchless", "pillow"])
        monkeypatch.setattr(nodes, "_grows", lambda: False)
        assert "room for 2 (2 CPUs, 0 GPUs)" in refusal(nodes.require_room, 3, 0)
        assert "room for 0 (2 CPUs, 0 GPUs)" in refusal(nodes.require_room, 1, 0.5)
        assert nodes.require_room(2, 0) == ""
        monkeypatch.setattr(nodes, "_grows", lambda: True)
        assert nodes.require_room(3, 0).startswith("waiting for machines")
        monkeypatch.setattr(nodes, "__version__", "0.0.0-other")
        other = refusal(nodes.require_fit)
    assert "node 127.0.0." in other
    assert "has scenelet" in other
    assert "here 0.0.0-other. Install the same image there." in other


def test_the_doctor_says_of_each_node_what_it_runs_and_reaches(cluster, scenelet):
    fit = scenelet("doctor", *cluster.flags, "--place", "s3://ray-tests/photos")
    assert fit.code == 0, fit.err
    assert fit.out.count("ray 2.60") == 2
    unfit = scenelet("doctor", *cluster.flags, "--place", "s3://not-there-of-tests/x")
    assert unfit.code == 1
    assert unfit.err.count("does not reach s3://not-there-of-tests/x") == 2


def test_without_the_extra_one_line_says_what_to_install(monkeypatch, painted, tmp_path, scenelet):
    monkeypatch.setitem(sys.modules, "ray", None)
    for name in [name for name in sys.modules if name.startswith("scenelet.cluster")]:
        monkeypatch.delitem(sys.modules, name)
    done = scenelet("predict", painted, "--out", tmp_path / "out", "--engine", "ray")
    assert done.code == 1
    assert "pip install 'scenelet[ray]'" in done.err


def parts(address):
    system = fsspec.filesystem("s3", skip_instance_cache=True)
    found = system.find(address, detail=True).items()
    return {name: told["LastModified"] for name, told in found if "/part-" in name}


def test_a_driver_that_is_killed_costs_no_picture(photos, expected, bundle, cluster, scenelet):
    out = "s3://ray-tests/two"
    words = command(photos, bundle, out, cluster)
    run_and_die(words, "from scenelet.lease import Lease; Lease.check = die")
    before = parts(out)
    assert before
    assert f"{out.removeprefix('s3://')}/summary.json" not in fsspec.filesystem("s3").find(out)
    done = scenelet(*words)
    assert done.code == 0, done.err
    assert rows(out) == expected
    assert before.items() <= parts(out).items()  # those are not answered again


def test_a_package_that_a_node_lacks_is_named():
    from scenelet.cluster.engine import lacking

    told = lacking(RuntimeError("System error: No module named 'lightning.fabric'\ntraceback: ..."))
    assert "lacks lightning.fabric. Install scenelet with the same extras there." in str(told)
    assert lacking(RuntimeError("something else")) is None
