"""Which ends of a training are worth another start."""

import pytest

from scenelet.errors import DataError

pytest.importorskip("ray", reason="needs the extra ray")


def ends_by(*errors):
    from scenelet.cluster.there import EndsByWhatToMend

    EndsByWhatToMend().after_exception(None, dict(enumerate(errors)))


def test_what_was_lost_is_left_to_ray_which_starts_anew():
    from ray.exceptions import RayActorError

    ends_by(RayActorError(), RuntimeError("connection closed by peer"))


def test_what_a_person_has_to_mend_ends_the_training_at_once():
    with pytest.raises(DataError, match="photos/: gone"):
        ends_by(RuntimeError("connection closed by peer"), DataError("photos/: gone"))


def test_a_package_that_a_node_lacks_ends_it_at_once_too():
    with pytest.raises(Exception, match="a node of the cluster lacks lightning"):
        ends_by(ModuleNotFoundError("No module named 'lightning'"))
