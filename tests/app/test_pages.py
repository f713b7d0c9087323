"""The app in headless Chromium: what people click, and what must not happen."""

import contextlib
import json
import re
import shutil
from pathlib import Path

import pytest
from looks import faults_of
from playwright.sync_api import TimeoutError as PlaywrightTimeout
from playwright.sync_api import expect
from running_app import App
from servers import wait_until
from watched import settled

from scenelet.dataset.manifest import read_manifest
from scenelet.dataset.verdicts import given

pytestmark = pytest.mark.browser


def upload(page, *files):
    page.locator("input[type=file]").first.set_input_files([str(file) for file in files])


def answer_of(scenelet, bundle, file):
    return json.loads(scenelet("predict", "--bundle", bundle, file, "--json").out)


def test_an_upload_is_answered_here_and_there_alike(watched, bundle, scenelet):
    page, file = watched.page, bundle / "golden" / "buildings.jpg"
    upload(page, file)  # the first one loads the model
    expect(page.get_by_text("They agree")).to_be_visible()
    expected = answer_of(scenelet, bundle, file)
    heading = f"{expected['label']} · {expected['probability']:.1%}"
    expect(page.get_by_role("heading", name=heading)).to_have_count(
        2
    )  # the bundle's, and the endpoint's
    page.get_by_text("this bundle", exact=True).first.click()
    second = bundle / "golden" / "sea-alpha.png"
    expected = answer_of(scenelet, bundle, second)
    upload(page, second)
    heading = f"{expected['label']} · {expected['probability']:.1%}"
    expect(page.get_by_role("heading", name=heading).first).to_be_visible()


def test_several_uploads_get_an_answer_each_and_a_table(watched, bundle, scenelet):
    files = sorted((bundle / "golden").iterdir())[:3]
    upload(watched.page, *files)
    for file in files:
        expect(watched.page.get_by_text(file.name).last).to_be_visible()
    expect(watched.page.get_by_text("They agree")).to_have_count(3)
    with watched.page.expect_download() as download:
        watched.page.get_by_role("button", name="Download as CSV").click()
    lines = Path(download.value.path()).read_text().splitlines()
    assert lines[0] == "picture,by,label,probability,abstains,is_stranger,prediction_set,error"
    assert len(lines) == 1 + 2 * 3
    for file in files:
        assert any(
            line.startswith(
                f"{file.name},this bundle,{answer_of(scenelet, bundle, file)['label']},"
            )
            for line in lines
        )


def test_what_is_no_picture_is_a_friendly_sentence_and_the_app_goes_on(watched, bundle, tmp_path):
    broken = {
        "not an image": b"hello",
        "damaged": b"\xff\xd8\xff" + b"x" * 3000,
        "empty": b"",
    }
    for name, content in broken.items():
        (tmp_path / f"{name[:3]}.jpg").write_bytes(content)
    upload(watched.page, *tmp_path.iterdir(), bundle / "golden" / "buildings.jpg")
    for told in broken:
        expect(watched.page.get_by_text(told).first).to_be_visible()
    expect(watched.page.get_by_text("They agree")).to_be_visible()


def test_a_loopback_url_is_refused(watched):
    watched.page.get_by_role("tab", name="URL").click()
    watched.page.get_by_label("Address of a picture").fill("http://127.0.0.1:8080/x.jpg")
    watched.page.get_by_role("button", name="Fetch").click()
    expect(
        watched.page.get_by_text("leads to 127.0.0.1, which is not a public address")
    ).to_be_visible()


def test_an_example_answers_and_shows_where_the_model_looked_until_it_is_put_away(watched, bundle):
    page = watched.page
    page.get_by_role("tab", name="Examples").click()
    page.get_by_role("button", name=re.compile(r"^glacier\??$")).click()
    expect(page.get_by_text("They agree")).to_be_visible()
    page.get_by_text("Where it looked").click()
    expect(page.get_by_alt_text(re.compile("parts of the picture that speak for"))).to_be_visible()
    expect(page.get_by_text("the answer falls to nothing")).to_be_visible()
    upload(page, bundle / "golden" / "buildings.jpg")
    expect(page.get_by_text("They agree")).to_have_count(2)
    page.get_by_role("button", name="Put away").click()
    expect(page.get_by_text("They agree")).to_have_count(1)
    expect(page.get_by_alt_text("your picture buildings.jpg")).to_be_visible()
    expect(page.get_by_role("switch", name="Where it looked")).not_to_be_checked()


def test_a_picture_is_pasted_from_the_clipboard(watched):
    page = watched.page
    page.get_by_role("tab", name="Paste").click()
    zone = page.get_by_role("button", name=re.compile("paste a picture"))
    zone.click()
    zone.evaluate("""async (zone) => {
            const canvas = new OffscreenCanvas(64, 64); canvas.getContext("2d").fillRect(0, 0, 40, 40)
            const blob = await canvas.convertToBlob({type: "image/png"})
            const data = new DataTransfer(); data.items.add(new File([blob], "x.png", {type: "image/png"}))
            zone.dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, bubbles: true}))
        }""")
    expect(page.get_by_alt_text("your picture pasted")).to_be_visible()


def test_a_verdict_is_written_into_the_manifest_and_undone(watched, audited):
    before = audited.read_bytes()
    watched.visit("Data")
    doubted = next(row for row in read_manifest(audited) if row.label_quality == 0.01)
    watched.page.get_by_role("button", name="Relabel sea").first.click()
    expect(watched.page.get_by_role("button", name="Undo (1)")).to_be_visible()
    after = next(row for row in read_manifest(audited) if row.path == doubted.path)
    assert (after.label, after.suggested_label) == ("sea", "")
    assert len(given(audited)) == 1
    watched.page.get_by_role("button", name="Undo (1)").click()
    expect(watched.page.get_by_role("button", name="Undo (0)")).to_be_visible()
    assert audited.read_bytes() == before


def test_the_map_is_drawn(watched):
    watched.visit("Data")
    watched.page.get_by_role("tab", name="Map").click()
    watched.page.get_by_text("Draw the map").click()
    expect(watched.page.get_by_test_id("stVegaLiteChart")).to_have_count(2)


def test_a_click_on_the_confusion_matrix_shows_its_pictures(watched):
    page = watched.page
    watched.visit("Model")
    chart = page.get_by_test_id("stVegaLiteChart").first
    chart.wait_for()
    cell = chart.locator("canvas, svg").first
    cell.wait_for()
    cell.scroll_into_view_if_needed()
    settled(page)
    box = cell.bounding_box()
    shown = page.get_by_text(re.compile("pictures? of street w(as|ere) answered street"))

    def clicked():  # again where the chart was not listening yet
        page.mouse.click(box["x"] + 0.94 * box["width"], box["y"] + 0.94 * box["height"])
        with contextlib.suppress(PlaywrightTimeout):
            shown.wait_for(timeout=2000)
        return shown.is_visible()

    wait_until(clicked, "the pictures of the last row and column: street, street")


def test_the_slider_states_accuracy_and_coverage(watched):
    watched.visit("Model")
    watched.page.get_by_role("tab", name="Trust").click()
    slider = watched.page.get_by_role("slider")
    slider.wait_for()
    slider.focus()
    slider.press("Home")
    expect(
        watched.page.get_by_text(re.compile("it answers 100, .* of them rightly"))
    ).to_be_visible()
    slider.press("End")
    expect(watched.page.get_by_text("it answers none")).to_be_visible()


def test_training_curves_and_recipes_are_shown(watched):
    watched.visit("Runs")
    expect(watched.page.get_by_text(re.compile("Complete: epoch"))).to_be_visible()
    expect(watched.page.get_by_test_id("stVegaLiteChart").first).to_be_visible()
    watched.page.get_by_role("tab", name="Recipes").click()
    expect(watched.page.get_by_text("transfer", exact=True)).to_be_visible()


def test_without_data_the_pages_say_so_and_torch_is_not_imported(chromium, bundle, tmp_path):
    running = App(tmp_path, "--bundle", bundle)
    try:
        page = chromium.new_page()
        page.goto(running.url)
        page.get_by_role("heading", name="Classify", level=1).wait_for()
        page.get_by_text("Drop a picture,").wait_for()
        page.get_by_role("link", name="Data").click()
        page.get_by_text("No audited data set to show").wait_for()
        page.get_by_role("link", name="Model").click()
        page.get_by_text("No labelled pictures to measure it on").wait_for()
        page.get_by_role("link", name="Runs").click()
        page.get_by_text("No training yet").wait_for()
        assert "libtorch" not in running.maps()
        page.close()
    finally:
        running.close()


def test_a_vanished_bundle_and_a_dead_endpoint_are_friendly_sentences(chromium, bundle, tmp_path):
    copy = shutil.copytree(bundle, tmp_path / "copy")
    running = App(tmp_path, "--bundle", copy, "--endpoint", "http://127.0.0.1:1")
    try:
        page = chromium.new_page()
        page.goto(running.url)
        page.get_by_role("heading", name="Classify", level=1).wait_for()
        upload(page, bundle / "golden" / "buildings.jpg")
        expect(page.get_by_text("can't be reached")).to_be_visible()
        shutil.rmtree(copy)
        page.reload()
        expect(page.get_by_text("the bundle is no longer there")).to_be_visible()
        page.close()
    finally:
        running.close()


def test_eight_people_at_once_get_their_own_answers_and_memory_comes_back(
    app, chromium, bundle, scenelet
):
    files = sorted((bundle / "golden").iterdir())
    headings = {
        file: f"{(told := answer_of(scenelet, bundle, file))['label']} · {told['probability']:.1%}"
        for file in files
    }
    before = app.memory_mib()
    contexts = [chromium.new_context() for _ in range(8)]
    pages = [context.new_page() for context in contexts]
    for page in pages:
        page.goto(app.url)
    for page in pages:
        page.get_by_role("heading", name="Classify", level=1).wait_for()
    for number, page in enumerate(pages):
        upload(page, files[number % len(files)])
    for number, page in enumerate(pages):
        expect(
            page.get_by_role("heading", name=headings[files[number % len(files)]])
        ).to_have_count(2)
    for context in contexts:
        context.close()
    wait_until(lambda: app.memory_mib() - before < 150, "less than 150 MiB more than before")


def test_no_page_has_a_serious_fault_of_accessibility_in_any_look(watched, axe, bundle):
    page, found = watched.page, {}
    for name in ("Classify", "Train", "Data", "Model", "Runs", "Drift"):  # journeys see the others
        watched.visit(name)
        if name == "Classify":
            upload(page, bundle / "golden" / "buildings.jpg")
            page.get_by_text("They agree").wait_for()
        if name == "Model":
            page.get_by_text("True class").first.wait_for()
        settled(page)
        found[name] = faults_of(page, axe)
    assert not any(found.values()), found
