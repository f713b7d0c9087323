import os
import subprocess
import sys

import pytest

from scenelet.quiet import quiet


def test_what_python_and_native_code_print_is_turned_aside(capfd):
    with quiet():
        print("chatter")
        os.write(2, b"chatter\n")
    assert capfd.readouterr() == ("", "")


def test_what_was_printed_before_a_failure_is_shown(capfd):
    def fails():
        with quiet():
            os.write(1, b"the reason\n")
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        fails()
    assert "the reason" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("ending", "told"),
    [
        (
            "os._exit(1)",
            "scenelet: converting: the process was ended; its last words: no room left.",
        ),
        (
            "os.abort()",
            "scenelet: converting: the process was ended; its last words: no room left.",
        ),
        ("pass", ""),
    ],
)
def test_native_code_that_ends_the_process_does_not_do_so_without_a_word(ending, told):
    code = f"""
import os
from scenelet.quiet import quiet
with quiet("converting"):
    os.write(2, b"chatter\\nno room  left\\n\\n")
    {ending}
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == ""
    assert done.stderr == (f"{told} Is there room on the disk, and memory?\n" if told else "")


def test_a_failure_that_python_tells_is_not_told_twice():
    code = """
from scenelet.quiet import quiet
with quiet("converting"):
    raise SystemExit(3)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (3, "", "")


def test_another_thread_turns_nothing_aside_so_no_line_of_others_is_lost():
    code = """
import os, threading
from scenelet.quiet import quiet
def replace_bundle():
    with quiet():
        inside.set()
        said.wait()
inside, said = threading.Event(), threading.Event()
thread = threading.Thread(target=replace_bundle)
thread.start()
inside.wait()
print("line of another thread", flush=True)
os.write(2, b"line of native code\\n")
said.set()
thread.join()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "line of another thread\n"
    assert done.stderr == "line of native code\n"
