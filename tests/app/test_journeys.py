"""The journeys of whoever has no terminal, by keys alone, in headless Chromium.

Drop pictures and train, correct an answer and train again, label ten, plan a deployment. One app
for all; each is looked at by day and by night, on a phone and on a wide screen.
"""

import re
import shutil

import keyboard
import pytest
from looks import PHONE, WIDE, faults_of
from playwright.sync_api import expect
from running_app import App
from servers import wait_until
from watched import Watched, settled

from scenelet.app.works import Work
from scenelet.bundle.contract import LITERT, read_contract
from scenelet.dataset.dataset import Dataset
from scenelet.dataset.sources import source_of
from scenelet.deploy.described import Packed
from scenelet.runs.growing import read_growing

pytestmark = pytest.mark.browser

PAGES = ("Classify", "Train", "Label", "Data", "Model", "Runs", "Drift", "Deploy")
CLASSES = ("forest", "sea", "street")
LONG_MS = 360_000  # of a training on a machine that has other work


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Folder that the pages write in."""
    return tmp_path_factory.mktemp("journeys")


@pytest.fixture(scope="module")
def pages(bundle, home):
    """The app as it starts, with nothing but a bundle."""
    running = App(home, "--bundle", bundle)
    yield running
    running.close()


@pytest.fixture
def visit(chromium, pages):
    """Opens a page of the app; afterwards nothing may have gone wrong in it."""
    opened = []

    def open_page(name, size, scheme):
        context = chromium.new_context(viewport=size, color_scheme=scheme)
        watched = Watched(context.new_page())
        opened.append((context, watched))
        watched.page.goto(pages.url)
        go_to(watched.page, name)
        return watched.page

    yield open_page
    for context, watched in opened:
        context.close()
        assert (watched.errors, watched.foreign) == ([], [])


def go_to(page, name):
    """By keys: on a phone the links are behind the menu."""
    page.get_by_role("heading", level=1).wait_for()
    settled(page)
    link = page.get_by_role("link", name=name)
    if page.viewport_size == PHONE:
        keyboard.press(page, page.get_by_test_id("stExpandSidebarButton"))
    keyboard.press(page, link)
    page.get_by_role("heading", name=name, level=1).wait_for()
    if page.viewport_size == PHONE and page.get_by_test_id("stSidebarCollapseButton").is_visible():
        keyboard.press(page, page.get_by_test_id("stSidebarCollapseButton").get_by_role("button"))
    settled(page)


def button(page, name):
    return page.get_by_role("button", name=name, exact=True)


@pytest.fixture(scope="module")
def dropped(painted, tmp_path_factory):
    """Three classes of thirty pictures."""
    folder = tmp_path_factory.mktemp("dropped")
    for name in CLASSES:
        (folder / name).mkdir()
        for place in sorted(painted.glob(f"*/{name}/*.jpg"))[:30]:
            shutil.copy(place, folder / name / f"{place.parents[1].name}-{place.name}")
    return folder


@pytest.fixture
def trained(home, dropped):
    """The work that the first journey leaves; made here where a test runs alone."""
    work = Work(home / "trained" / "mine")
    if not work.is_complete:
        work.begin(str(dropped), ["--recipe", "quick", "--epochs", "2"])
        wait_until(lambda: not work.is_running, "the training ends", LONG_MS / 1000)
    assert work.is_complete, work.said()
    return work


def test_dropped_pictures_become_a_bundle_that_answers(visit, pages, home, dropped, bundle, axe):
    page = visit("Train", WIDE, "dark")
    keyboard.give(page, page.get_by_role("button", name=re.compile("Upload")).first, dropped)
    expect(button(page, "Train")).to_be_enabled()
    how = page.get_by_role("combobox", name="How")
    keyboard.press(page, how, "ArrowDown", "ArrowDown", "Enter")
    expect(how).to_have_value(re.compile("A small network from nothing"))
    keyboard.press(page, page.get_by_role("switch", name="Say how long"), "Space")
    keyboard.write(page, page.get_by_role("spinbutton", name="Epochs"), "2")
    settled(page)
    keyboard.press(page, button(page, "Train"))
    button(page, "Stop").wait_for()
    for _ in range(3):  # while it is drawn again and again, each click leads somewhere
        go_to(page, "Label")
        go_to(page, "Train")
    page.goto(pages.url)  # the page is left; the training goes on
    go_to(page, "Train")
    page.get_by_text("Pictures that it has never seen").wait_for(timeout=LONG_MS)
    button(page, "Try it").wait_for(timeout=LONG_MS)
    assert faults_of(page, axe) == {}
    keyboard.press(page, button(page, "Try it"))
    page.get_by_text("mine: forest, sea, street").wait_for()
    upload = page.get_by_role("button", name=re.compile("Upload")).first
    keyboard.give(page, upload, bundle / "golden" / "buildings.jpg")
    button(page, "Right").wait_for()
    work = Work(home / "trained" / "mine")
    assert read_contract(work.bundle).class_names == CLASSES
    assert work.package.stat().st_size > 1e6
    assert len(list(work.pictures.glob("*/*.jpg"))) == 90
    assert sorted(read_growing(work.run.growing_json).epochs) == [0, 1]


def test_a_corrected_answer_is_learned_and_the_bundle_replaced_where_it_is_not_worse(
    visit, trained, home, bundle, axe
):
    page, before = visit("Train", WIDE, "light"), read_contract(trained.bundle).sha256
    keyboard.press(page, button(page, "Try it"))
    page.get_by_text("mine: forest, sea, street").wait_for()
    settled(page)
    upload = page.get_by_role("button", name=re.compile("Upload")).first
    keyboard.give(page, upload, bundle / "golden" / "buildings.jpg")
    keyboard.press(page, page.get_by_role("combobox", name="It is ..."), "ArrowDown", "Enter")
    page.get_by_text("Kept in corrections/").wait_for()
    go_to(page, "Train")
    keyboard.press(page, button(page, "Train again with 1 correction"))
    told = page.get_by_test_id("stAlertContentInfo").get_by_text("The new one is: ")
    told.wait_for(timeout=LONG_MS)
    assert faults_of(page, axe) == {}
    expect(page.get_by_role("button", name=re.compile("Train again"))).to_have_count(0)
    is_worse = "worse" in told.inner_text()
    after = read_contract(trained.bundle).sha256
    assert (after == before) == is_worse
    packed = Packed.open(trained.package).description.bundle
    assert packed.sha256 == after[LITERT]
    assert len(list((trained.folder / "improved" / "pictures" / "corrections").iterdir())) == 1


def test_ten_unsorted_pictures_are_labelled_undone_and_become_a_data_set(visit, home, painted, axe):
    page, place = visit("Label", PHONE, "dark"), painted / "seg_pred"

    def counted(number):
        expect(page.get_by_text(f"{number} labelled, of 18 pictures")).to_be_visible()
        settled(page)

    keyboard.write(page, page.get_by_label("Folder of pictures on this machine"), str(place))
    counted(0)
    for number, name in enumerate(("sea", "forest"), 1):
        keyboard.write(page, page.get_by_label("New class"), name)
        settled(page)
        keyboard.press(page, button(page, "It is this one"))
        counted(number)
    for number, key in enumerate("12212112", 3):
        page.keyboard.press(key)
        counted(number)
    page.keyboard.press("z")
    counted(9)
    page.get_by_text("Perhaps").wait_for()
    page.get_by_text("Labelled ones that are most like it").wait_for()
    assert faults_of(page, axe) == {}
    page.keyboard.press("x")
    table = home / "labels" / "seg_pred" / "me.csv"
    wait_until(lambda: "left out" in table.read_text(), "left out by x")
    found = Dataset.open(source_of(table, images=place))
    assert sorted(row.label for row in found.used.rows) == [*4 * ["forest"], *5 * ["sea"]]
    assert len(found.excluded) == 1


def test_a_plan_tells_price_parts_and_command_and_the_package_is_handed_on(visit, axe):
    page = visit("Deploy", PHONE, "light")
    price = page.get_by_test_id("stMetricValue")
    expect(price).to_have_text(re.compile(r"^\$0\.0\d a month"))
    keyboard.write(page, page.get_by_role("spinbutton", name="Answers a month"), "1000000")
    expect(price).to_have_text(re.compile(r"^\$1\.\d\d a month"))
    page.get_by_text("A role that may write this log").wait_for()
    command = "scenelet deploy tiny-x86_64.zip --region eu-central-1 --token"
    page.get_by_text(command, exact=True).wait_for()
    keyboard.press(page, page.get_by_role("switch", name="Only who has a token may ask"), "Space")
    expect(page.get_by_text("--token")).to_have_count(0)
    keyboard.press(page, button(page, "Make the package"))
    package = button(page, "tiny-x86_64.zip")
    package.wait_for()
    assert faults_of(page, axe) == {}
    with page.expect_download() as plan:
        keyboard.press(page, button(page, "This plan, as a page"))
    assert "scenelet deploy tiny-x86_64.zip" in plan.value.path().read_text()
    with page.expect_download() as zipped:
        keyboard.press(page, package)
    assert zipped.value.path().stat().st_size > 1e6


def test_every_page_is_reached_by_its_address_by_the_menu_and_by_going_back(chromium, pages):
    context = chromium.new_context(viewport=WIDE)
    page = context.new_page()

    def is_at(name):
        page.get_by_role("heading", name=name, level=1).wait_for()
        expect(page).to_have_title(f"{name} · scenelet")

    for name in PAGES:
        page.goto(f"{pages.url}/{name.lower()}")
        is_at(name)
        expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("link", name="Label").click()
    is_at("Label")
    page.go_back()
    is_at("Deploy")
    page.go_forward()
    is_at("Label")
    context.close()
