"""The emulator is as strict as Lambda: memory held, time taken, a disk that can't be written."""

import time

import pytest

from scenelet.deploy.runtime_api import RunningFunction
from scenelet.errors import PackageError

pytestmark = pytest.mark.pipeline
HANDLER = """
import os, time
def handler(event, context):
    if "mib" in event:
        held = b"x" * (event["mib"] * 2**20)
        return {"held": len(held)}
    if "seconds" in event:
        time.sleep(event["seconds"])
        return {"slept": event["seconds"]}
    if "cpu_s" in event:
        end = time.process_time() + event["cpu_s"]
        while time.process_time() < end:
            pass
    if "write" in event:
        with open(event["write"], "w") as file:
            file.write("x")
    return {"left_ms": context.get_remaining_time_in_millis(), **dict(os.environ)}
"""


@pytest.fixture
def function(runtime, tmp_path):
    (tmp_path / "own.py").write_text(HANDLER)
    with RunningFunction(runtime, tmp_path, "own.handler", memory_mib=128, timeout_s=3) as running:
        yield running


def test_what_holds_more_than_it_has_is_killed_even_for_a_moment(function):
    assert function.invoke({"mib": 40}) == {"held": 40 * 2**20}
    with pytest.raises(PackageError, match="Runtime exited with error: signal: killed"):
        function.invoke({"mib": 200})
    assert not function.is_alive


def test_it_has_the_share_of_a_core_that_its_memory_brings(runtime, tmp_path):
    (tmp_path / "own.py").write_text(HANDLER)
    with RunningFunction(runtime, tmp_path, "own.handler", cpu_share=0.25) as running:
        running.wait_for_init()
        start_s = time.monotonic()
        running.invoke({"cpu_s": 0.2})
        assert time.monotonic() - start_s > 0.65  # a little is earned before it is held back


def test_what_takes_longer_than_it_may_is_killed(function):
    with pytest.raises(PackageError, match=r"Task timed out after 3\.00 seconds"):
        function.invoke({"seconds": 60})
    assert not function.is_alive


def test_nothing_can_be_written(function, tmp_path):
    with pytest.raises(PackageError, match="File too large"):
        function.invoke({"write": str(tmp_path / "file")})


def test_a_function_is_told_its_memory_name_and_deadline(function):
    told = function.invoke({})
    assert told["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "128"
    assert told["AWS_LAMBDA_FUNCTION_NAME"] == "scenelet"
    assert told["left_ms"] <= 3_000


def test_the_model_is_loaded_in_the_init_phase(runtime, packed, tmp_path):
    import io
    import zipfile
    from pathlib import Path

    zipfile.ZipFile(io.BytesIO(packed["first"].content)).extractall(tmp_path)
    handler = packed["first"].description.handler
    with RunningFunction(runtime, tmp_path, handler, memory_mib=512) as running:
        running.wait_for_init(60)
        maps = Path(f"/proc/{running.pid}/maps").read_text()
        assert "libLiteRt" in maps
