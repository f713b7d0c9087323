"""Progress: one protocol, heard on a console or by nobody."""

import io
import threading

import pytest
from rich.console import Console

from scenelet import progress
from scenelet.progress import SILENT, ConsoleProgress, waited


def console(terminal):
    return Console(file=io.StringIO(), force_terminal=terminal, width=40)


def test_a_line_is_printed_as_it_is_whatever_markup_it_holds():
    heard = console(terminal=False)
    ConsoleProgress(heard).say("left out: [bold]a[/] :smile: " + 60 * "x")
    assert heard.file.getvalue() == "left out: [bold]a[/] :smile: " + 60 * "x" + "\n"


def test_where_there_is_no_terminal_a_count_says_what_begins_and_now_and_then_how_far_it_is(
    monkeypatch,
):
    now_s = iter(range(0, 1000, 6))
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(now_s))
    heard = console(terminal=False)
    with ConsoleProgress(heard).counting("examining", 1200) as advance:
        for _ in range(3):
            advance()
    assert heard.file.getvalue().splitlines() == ["examining 1,200 images", "examining: 2 of 1,200"]


def test_a_terminal_shows_a_bar_that_counts_and_a_line_above_it():
    heard = console(terminal=True)
    heard.width = 120
    with ConsoleProgress(heard).counting("[b]", 2) as advance:
        advance()
        ConsoleProgress(heard).say("a remark")
        advance()
    assert "[b]" in heard.file.getvalue()
    assert "2/2" in heard.file.getvalue()
    assert "a remark" in heard.file.getvalue()


class Heard:
    def __init__(self):
        self.lines, self.twice = [], threading.Event()

    def say(self, line):
        self.lines.append(line)
        if len(self.lines) == 2:
            self.twice.set()


def test_what_can_not_be_counted_gives_a_sign_again_and_again_and_none_once_it_has_ended(
    monkeypatch,
):
    monkeypatch.setattr(progress, "_SIGN_EACH_S", 0.01)
    heard = Heard()
    with waited(heard, "looking for pictures in photos"):
        assert heard.twice.wait(60)
    assert heard.lines[0] == "looking for pictures in photos, for 0 s now"
    assert not [each for each in threading.enumerate() if each.name == "sign of life"]


def test_a_sign_comes_before_ten_seconds_and_what_is_quick_needs_none():
    assert progress._SIGN_EACH_S < 10
    heard = Heard()
    with waited(heard, "looking for pictures in photos"):
        pass
    assert heard.lines == []


def test_silence_says_nothing(capfd):
    SILENT.say("a remark")
    with SILENT.counting("examining", 2) as advance:
        advance()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("listener", [SILENT, ConsoleProgress(console(terminal=True))])
def test_a_fault_while_counting_goes_on_to_the_caller(listener):
    with pytest.raises(ZeroDivisionError), listener.counting("examining"):
        raise ZeroDivisionError
