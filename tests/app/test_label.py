"""Labelling in headless Chromium, by keys."""

import pytest
from playwright.sync_api import expect
from running_app import App
from servers import wait_until
from watched import Watched, settled

from scenelet.dataset.dataset import Dataset
from scenelet.dataset.sources import source_of


@pytest.mark.browser
def test_unsorted_pictures_are_labelled_by_keys_undone_and_become_a_data_set(
    chromium, bundle, painted, tmp_path
):
    place = painted / "seg_pred"
    running = App(tmp_path, "--bundle", bundle)
    context = chromium.new_context(viewport={"width": 1200, "height": 900})
    watched = Watched(context.new_page())
    page = watched.page

    def counted(number):
        expect(page.get_by_text(f"{number} labelled, of 18 pictures")).to_be_visible()
        settled(page)

    try:
        page.goto(running.url)
        page.get_by_role("link", name="Label").click()
        page.get_by_label("Folder of pictures on this machine").fill(str(place))
        page.keyboard.press("Enter")
        counted(0)
        for number, name in enumerate(("sea", "forest"), 1):
            page.get_by_label("New class").fill(name)
            page.get_by_role("button", name="It is this one").click()
            counted(number)
        for number, key in enumerate("122", 3):
            page.locator("h1").click()
            page.keyboard.press(key)
            counted(number)
        page.keyboard.press("z")
        counted(4)
        page.get_by_text("Perhaps").wait_for()
        page.get_by_text("Labelled ones that are most like it").wait_for()
        page.keyboard.press("x")
        table = tmp_path / "labels" / "seg_pred" / "me.csv"
        wait_until(lambda: "left out" in table.read_text(), "left out by x")
    finally:
        context.close()
        running.close()
    assert (watched.errors, watched.foreign) == ([], [])
    found = Dataset.open(source_of(table, images=place))
    assert sorted(row.label for row in found.used.rows) == ["forest", "forest", "sea", "sea"]
    assert len(found.excluded) == 1
