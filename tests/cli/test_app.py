"""`scenelet app`: what is refused before a browser is opened."""

import pytest


@pytest.mark.parametrize(
    ("option", "told"),
    [("--bundle", "no bundle here"), ("--data", "is not a folder, a table, a zip or an address")],
)
def test_a_place_that_is_not_there_is_one_line(option, told, scenelet, tmp_path):
    done = scenelet("app", option, tmp_path / "nowhere")
    assert done.code == 1
    assert told in done.err
    assert len(done.err.splitlines()) == 1
