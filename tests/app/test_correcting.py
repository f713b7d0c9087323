"""The question under an answer, run by Streamlit's own harness."""

import pytest
from streamlit.testing.v1 import AppTest

from scenelet.app.sources import Sources
from scenelet.dataset.corrections import TABLE, corrections

PAGE = """
import streamlit as st
from scenelet.app import correcting
from scenelet.dataset.scenes import jpeg, paint_scene
content, answered = jpeg(paint_scene("sea", 1)), st.session_state["answered"]
correcting.ask("picture", content, answered, ["forest", "glacier", "sea"], "mine")
"""


@pytest.fixture
def page(tmp_path, monkeypatch):
    """Of a picture that was answered rightly, as a person has said."""
    for name, value in Sources("", runs=str(tmp_path / "runs")).to_environment().items():
        monkeypatch.setenv(name, value)
    page = AppTest.from_string(PAGE, default_timeout=60)
    page.session_state["answered"] = "sea"
    return page.run().button(key="right-picture").click().run()


def said(page):
    return page.caption[0].value.partition(".")[0]


def test_what_was_said_stands_beside_the_answer_of_another_bundle(page):
    assert said(page) == "Right"
    page.session_state["answered"] = "forest"
    assert said(page.run()) == "It is sea"


def test_a_damaged_table_is_told_on_the_page_when_something_is_taken_back(page, tmp_path):
    folder = tmp_path / "corrections"
    assert [each.label for each in corrections(folder)] == ["sea"]
    (folder / TABLE).write_text("no,table\n1,2\n")
    page.button(key="undo-picture").click().run()
    assert not page.exception
    assert "damaged" in page.error[0].value
    assert said(page) == "Right"
