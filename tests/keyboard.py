"""Hands on the keys alone: what can't be reached by Tab can't be used."""

from contextlib import suppress

from playwright.sync_api import TimeoutError as NotInTime
from servers import wait_until

MOST = 200  # presses of Tab, round the whole page


def reach(page, target):
    """Press Tab until a control, or something in it, has the focus."""
    target.wait_for()
    for _ in range(MOST):
        if target.evaluate("each => each.contains(document.activeElement)"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{target}: not reached by {MOST} presses of Tab")


def press(page, target, *keys):
    """Reach it, and press keys there: Enter unless told otherwise."""
    reach(page, target)
    for key in keys or ("Enter",):
        page.keyboard.press(key)


def write(page, target, text):
    """Reach a field, and put a text in the place of what stands there."""
    press(page, target, "ControlOrMeta+a")
    page.keyboard.type(text)
    page.keyboard.press("Enter")


def give(page, target, *files):
    """Reach a button that asks for files, and give them; again where it was not listening yet."""
    asked = []

    def is_asked():
        reach(page, target)
        with suppress(NotInTime), page.expect_file_chooser(timeout=3000) as chooser:
            page.keyboard.press("Enter")
        with suppress(NotInTime):
            asked.append(chooser.value)
        return bool(asked)

    wait_until(is_asked, f"{target} asks for files")
    asked[0].set_files([str(file) for file in files])
