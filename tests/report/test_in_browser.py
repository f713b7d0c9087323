"""A report in Chromium: cells and points show their pictures, and nothing is fetched."""

import pytest
from accessible import serious_faults
from PIL import Image
from playwright.sync_api import expect
from watched import Watched

from scenelet.assess.figures import by_class
from scenelet.bundle.metrics import evaluate
from scenelet.report.dots import dots_uri, hundred
from scenelet.report.html import (
    Card,
    Gallery,
    Headline,
    Matrix,
    PictureMap,
    Point,
    Section,
    data_uri,
    page,
    svg,
)

pytestmark = pytest.mark.browser
COLOURS = ("red", "lime", "blue", "black")
LONG = "Bergziegenweidenlandschaftsaufnahmen" * 2  # a class of somebody


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """A page with one of everything, as a file."""
    import numpy as np

    names = ("sea", "forest")
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7], [0.6, 0.4]])
    figures = evaluate(np.array([0, 0, 1, 1]), probabilities, names)
    cards = [[Card(square(colour), f"sea/{colour}.jpg", "wrong", "bad")] for colour in COLOURS]
    sheet = Image.new("RGB", (80, 20))
    for place, colour in enumerate(COLOURS):
        sheet.paste(Image.new("RGB", (20, 20), colour), (20 * place, 0))
    places = ((100, 100), (900, 100), (100, 500), (900, 500))
    points = [
        Point(x, y, place % 2, f"sea/{colour}.jpg", place)
        for place, (colour, (x, y)) in enumerate(zip(COLOURS, places, strict=True))
    ]
    chart = (svg(by_class(figures.per_class)), "Recall by class")
    shown = hundred(0.8, figures.top1_accuracy)
    cells = {(0, 1): cards[:1], (1, 0): cards[1:3]}
    sections = [
        Section("Matrix", "Click.", matrix=Matrix(names, figures.confusion_matrix, cells)),
        Section("Map", map=PictureMap(names, points, [], data_uri(sheet, 95), 4)),
        Section("Gallery", galleries=[Gallery("All", [[one for (one,) in cards]])]),
        Section("Chart", figures=[chart]),
        Section(
            "Table", LONG, table=[("what", "how many"), ("sea", "2")], commands=["scenelet app"]
        ),
        Section("Beside", table=[COLOURS, *4 * [4 * ["0% (0% to 79%)"]]], figures=[chart]),
    ]
    headline = Headline("Right in 2 of 4", shown.words, dots_uri(shown), shown.words)
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(page("Report", "of four pictures", sections, headline))
    return path.as_uri()


def square(colour):
    return data_uri(Image.new("RGB", (40, 30), colour))


def opened(chromium, report, width, scheme):
    context = chromium.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
    )
    found = Watched(context.new_page())
    found.page.goto(report)
    return found


def test_a_cell_a_point_and_a_key_show_their_pictures(chromium, report):
    found = opened(chromium, report, 1100, "light")
    page = found.page
    expect(page.get_by_role("heading", name="sea, answered forest: 1")).to_be_visible()
    page.get_by_role("link", name="forest, answered sea").press("Enter")
    expect(page.get_by_role("heading", name="forest, answered sea: 1")).to_be_visible()
    expect(page.get_by_role("heading", name="sea, answered forest: 1")).to_be_hidden()
    page.get_by_role("button", name="sea/lime.jpg: wrong").first.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("sea/lime.jpg: wrong")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.locator(".map > svg").click(position={"x": 20, "y": 20})
    assert nearest(page) == "sea/red.jpg"
    page.locator(".map > svg").focus()
    for _ in range(33):
        page.keyboard.press("ArrowRight")
    assert nearest(page) == "sea/lime.jpg"
    first = page.locator(".near img").first
    first.evaluate("image => image.decode()")
    assert first.evaluate(MIDDLE)[1] > 200  # lime: cut out of its place on the sheet
    assert found.errors == []
    assert [url for url in found.foreign if not url.startswith("file:")] == []


MIDDLE = """image => {
    const canvas = document.createElement("canvas"), pen = canvas.getContext("2d");
    pen.drawImage(image, 0, 0);
    return [...pen.getImageData(10, 10, 1, 1).data];
}"""


def nearest(page):
    return page.locator(".near .path").first.inner_text()


@pytest.mark.parametrize(("width", "scheme"), [(1600, "light"), (390, "dark")])
def test_a_report_has_no_serious_fault_and_fits_its_window(chromium, report, axe, width, scheme):
    found = opened(chromium, report, width, scheme)
    assert serious_faults(found.page, axe) == []
    assert found.page.evaluate("document.documentElement.scrollWidth") <= width
    assert found.errors == []
