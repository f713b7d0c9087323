"""The processes of one machine share one copy of the decoded images."""

import threading

import numpy as np
import pytest

pytest.importorskip("ray", reason="needs the extra ray")


def test_the_first_process_of_a_machine_decodes_for_all(tmp_path, monkeypatch):
    from scenelet.cluster import training
    from scenelet.runs.run import Run

    monkeypatch.setattr(training, "_shared", lambda run: tmp_path / "shared")
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
