"""Names that Streamlit, Markdown or Vega might take for their own language, in the app."""

import contextlib
from dataclasses import replace

import pytest
from nasty import CLASSES, bundle_of, pictures_of
from playwright.sync_api import TimeoutError as NotInTime
from playwright.sync_api import expect
from running_app import App

from scenelet.dataset.dataset import Dataset
from scenelet.dataset.manifest import read_manifest, write_manifest
from scenelet.text import one_line

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def nasty(shipped_bundle, tmp_path_factory):
    """The app on nasty names: bundle, data, a manifest with a doubt for each class."""
    folder = tmp_path_factory.mktemp("app-names")
    data, manifest = pictures_of(folder / "pictures", 6), folder / "audit" / "manifest.csv"
    rows = {row.label: row for row in Dataset.open(data).examined().rows}
    others = dict(zip(CLASSES, (*CLASSES[1:], CLASSES[0]), strict=True))
    doubted = [
        replace(row, suggested_label=others[row.label], label_quality=0.1, issues=("odd $x$",))
        for row in rows.values()
    ]
    manifest.parent.mkdir()
    write_manifest(manifest, doubted)
    bundle = bundle_of(shipped_bundle, folder / "bundle")
    options = ("--bundle", bundle, "--data", data, "--manifest", manifest)
    running = App(folder, *options, "--ledger", folder / "ledger.jsonl")
    yield running, manifest
    running.close()


def visit(page, url, name):
    page.goto(url)
    page.get_by_role("heading", name="Classify", level=1).wait_for()
    page.get_by_role("link", name=name).click()
    page.get_by_role("heading", name=name, level=1).wait_for()


def opened(box, option):
    """Click until it is open: a page that is drawn again closes it."""
    for _ in range(9):
        box.click()
        with contextlib.suppress(NotInTime):
            option.wait_for(timeout=2_000)
            return


def test_every_page_shows_them_as_they_are(nasty, chromium):
    running, manifest = nasty
    page = chromium.new_page()
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    visit(page, running.url, "Classify")
    for name in CLASSES:
        expect(page.get_by_text(one_line(name)).first).to_be_visible()
    visit(page, running.url, "Data")
    page.get_by_text("or rather").first.wait_for()
    for name in (*CLASSES, *(row.path for row in read_manifest(manifest))):
        expect(page.get_by_text(one_line(name)).first).to_be_visible()
    visit(page, running.url, "Model")
    page.get_by_text("True class").first.wait_for()
    opened(page.get_by_role("combobox").first, page.get_by_role("option").first)
    for name in CLASSES:
        expect(page.get_by_role("option", name=one_line(name)).first).to_be_visible()
    assert page.locator(".katex").count() == 0
    assert errors == []
    page.close()


def test_a_verdict_on_such_a_name_is_written(nasty, chromium):
    running, manifest = nasty
    page = chromium.new_page()
    visit(page, running.url, "Data")
    page.get_by_role("button", name=f"Keep {one_line(CLASSES[0])}").first.click()
    expect(page.get_by_role("button", name="Undo (1)")).to_be_visible()
    assert sum("judged by hand" in row.issues for row in read_manifest(manifest)) == 1
    page.close()
