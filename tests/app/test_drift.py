"""The page Drift, run by Streamlit's own harness."""

import pytest
from streamlit.testing.v1 import AppTest

from scenelet.app.sources import Sources


@pytest.fixture
def page(bundle, tmp_path, monkeypatch):
    """As it is opened."""
    asked = Sources(str(bundle), runs=str(tmp_path / "runs"))
    for name, value in asked.to_environment().items():
        monkeypatch.setenv(name, value)
    return AppTest.from_string("from scenelet.app.drift import page\npage()", default_timeout=60)


def test_a_folder_of_pictures_is_compared_with_what_the_model_was_validated_on(page, painted):
    page.run().text_input[0].set_value(str(painted / "seg_train")).run()
    assert not page.exception
    assert "144 answers" in page.caption[2].value
    assert len(page.success) + len(page.warning) == 1


def test_a_folder_that_is_not_there_is_one_line(page, tmp_path):
    page.run().text_input[0].set_value(str(tmp_path / "nowhere")).run()
    assert not page.exception
    assert "nowhere" in page.error[0].value
