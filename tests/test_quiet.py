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
