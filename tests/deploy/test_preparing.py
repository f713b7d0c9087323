"""Memory: what is asked for, what stands, what is enough; too little is refused before a stack is made."""

from types import SimpleNamespace

import pytest

from scenelet.deploy.aws import preparing
from scenelet.deploy.aws.settings import DeploySettings
from scenelet.deploy.preflight import Preflight
from scenelet.deploy.preflight.trial import Measured
from scenelet.deploy.target import Target
from scenelet.errors import PackageError

PACKED = SimpleNamespace(origin="photos.zip", target=Target())


@pytest.fixture
def prepare(monkeypatch):
    """As where ordinary pictures take so many MiB."""

    def prepare(peak_mib, standing_mib=None, **settings):
        measured = Measured(80, 30, 9, peak_mib, 300, 900)
        monkeypatch.setattr(
            preparing, "preflight", lambda _, mib, *rest: Preflight(Target(), mib, [], measured)
        )
        return preparing.prepare(PACKED, DeploySettings(**settings), standing_mib)

    return prepare


def test_what_is_enough_is_taken_and_what_stands_is_kept(prepare):
    assert prepare(100).memory_mib == 512
    assert prepare(300).memory_mib == 1024
    assert prepare(100, standing_mib=640).memory_mib == 640
    assert prepare(100, standing_mib=640, memory_mib=768).memory_mib == 768


@pytest.mark.parametrize(("standing_mib", "asked"), [(None, {"memory_mib": 128}), (128, {})])
def test_too_little_is_refused_unless_it_is_meant(prepare, standing_mib, asked):
    with pytest.raises(
        PackageError, match=r"found 128, .* 100 MiB.*--memory 512, or --force"
    ) as told:
        prepare(100, standing_mib, **asked)
    assert str(told.value).startswith("--memory" if asked else "memory of the stack that stands")
    assert prepare(100, standing_mib, force=True, **asked).memory_mib == 128
