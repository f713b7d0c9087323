"""From dropped pictures to a bundle in headless Chromium, and what a work is on disk."""

import re
import shutil
import time
from pathlib import Path

import pytest
from playwright.sync_api import expect
from running_app import App
from watched import Watched, settled

from scenelet.app.works import Work, works
from scenelet.bundle.contract import read_contract
from scenelet.runs.growing import read_growing


@pytest.mark.browser
def test_three_classes_of_thirty_dropped_pictures_become_a_bundle_without_a_keyboard(
    chromium, bundle, painted, tmp_path
):
    dropped = tmp_path / "dropped"
    for name in ("forest", "sea", "street"):
        (dropped / name).mkdir(parents=True)
        for place in sorted(painted.glob(f"*/{name}/*.jpg"))[:30]:
            shutil.copy(place, dropped / name / f"{place.parents[1].name}-{place.name}")
    running = App(tmp_path, "--bundle", bundle)
    context = chromium.new_context(viewport={"width": 1200, "height": 1000})
    watched = Watched(context.new_page())
    page = watched.page
    try:
        page.goto(running.url)
        page.get_by_role("link", name="Train").click()
        page.get_by_role("heading", name="Train", level=1).wait_for()
        page.locator("input[type=file]").first.set_input_files(str(dropped))
        expect(page.get_by_role("button", name="Train", exact=True)).to_be_enabled()
        page.get_by_role("combobox", name="How").click()
        page.get_by_role("option", name=re.compile("A small network")).click()
        page.get_by_text("Say how long").click()
        for _ in range(6):
            settled(page)
            page.get_by_test_id("stNumberInputStepDown").click()
        expect(page.get_by_role("spinbutton", name="Epochs")).to_have_value("2")
        page.get_by_role("button", name="Train", exact=True).click()
        page.get_by_role("button", name="Stop").wait_for()
        page.goto(running.url)  # the page is closed; the training goes on
        page.get_by_role("link", name="Train").click()
        page.get_by_text("Pictures that it has never seen").wait_for(timeout=360_000)
        page.get_by_role("button", name="Try it").wait_for(timeout=360_000)
        page.get_by_role("button", name="Try it").click()
        page.get_by_text("mine: forest, sea, street").wait_for()
        page.locator("input[type=file]").first.set_input_files(
            str(bundle / "golden" / "buildings.jpg")
        )
        page.get_by_role("button", name="Right", exact=True).click()
        page.get_by_text("Kept in corrections/").wait_for()
        page.get_by_role("link", name="Train").click()
        page.get_by_role("button", name="Train again with 1 correction").wait_for()
    finally:
        context.close()
        running.close()
    work = Work(tmp_path / "trained" / "mine")
    assert (watched.errors, watched.foreign) == ([], [])
    assert read_contract(work.bundle).class_names == ("forest", "sea", "street")
    assert work.package.stat().st_size > 1e6
    assert len(list(work.pictures.glob("*/*.jpg"))) == 90
    assert sorted(read_growing(work.run.growing_json).epochs) == [0, 1]


def test_a_work_is_stopped_and_what_it_had_begun_ends_with_it(painted, tmp_path):
    work = Work(tmp_path / "mine")
    work.begin(str(painted))
    try:
        assert work.is_running
        assert [each.name for each in works(tmp_path)] == ["mine"]
    finally:
        work.stop()
    end_s = time.monotonic() + 20
    while work.is_running and time.monotonic() < end_s:
        time.sleep(0.1)
    assert not work.is_running
    assert not work.is_complete
    assert work.data == str(painted)


def test_a_folder_without_a_work_holds_none(tmp_path):
    Path(tmp_path / "other").mkdir()
    assert works(tmp_path) == []
