"""The processes of one machine share one copy of the decoded images."""

import tempfile
import threading
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("ray", reason="needs the extra ray")


def test_the_first_process_of_a_machine_decodes_for_all(tmp_path, monkeypatch):
    from scenelet.cluster import training
    from scenelet.runs.run import Run

    monkeypatch.setattr(training.Node, "_shared", lambda self, run: tmp_path / "shared")
    shapes, run, asked = {"train": (5, 4, 4, 3), "val": (2, 4, 4, 3)}, Run(tmp_path / "run"), []
    found = {}

    def process(rank):
        node = training.Node("cpu", "fp32", local_rank=rank, local_size=2)
        rooms = node.rooms(run, shapes, memory_gib=1)

        def decode(into):
            asked.append(rank)
            into[:] = 7

        found[rank] = [node.fill(run, part, rooms[part], decode) for part in shapes]

    second = threading.Thread(target=process, args=(1,))
    second.start()
    process(0)
    second.join(timeout=20)
    assert asked == [0, 0]
    for images in found.values():
        assert [each.shape for each in images] == list(shapes.values())
        assert all((each == 7).all() for each in images)
    found[1][0][:] = np.uint8(1)  # a copy of its own where it is written to
    assert (found[0][0] == 7).all()
    training.Node("cpu", "fp32", local_rank=0, local_size=2).vacate(run)
    assert not list((tmp_path / "shared").glob("*"))


@pytest.mark.pipeline
def test_a_training_from_the_shared_copy_ends_with_the_same_weights(painted, tmp_path, monkeypatch):
    from scenelet.cluster.training import Node
    from scenelet.learn.fit import fit
    from scenelet.learn.job import prepare, split_dataset
    from scenelet.learn.place import Place
    from scenelet.learn.pretrained import load_run_network
    from scenelet.runs.recipe import TrainConfig
    from scenelet.runs.run import Run

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    config = TrainConfig(
        epochs=1, train_sizes=(32,), input_size=32, storage_size=40, widths=(8, 16), depths=(1, 1),
        batch_size=16, threads=1, device="cpu", precision="fp32",
    )  # fmt: skip
    dataset, there = split_dataset(painted, None, config), []

    def trained(name, place):
        run = Run(tmp_path / name)
        keep = lambda: there.append(sorted(tmp_path.glob("scenelet-shared-*/*")))  # noqa: E731
        fit(prepare(config, run, dataset), replace(place, keep=keep))
        weights = load_run_network(run).state_dict()
        return {name: each.tolist() for name, each in weights.items()}, there[-2]

    alone, _ = trained("alone", Place("cpu", "fp32"))
    together, shared = trained("together", Node("cpu", "fp32", home="x", local_size=2))
    assert together == alone
    assert [path.name for path in shared] == ["train.uint8", "val.uint8"]
    assert not list(tmp_path.glob("scenelet-shared-*/*"))
